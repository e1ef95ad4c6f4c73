package cli

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"strings"
	"sync"

	"lockbox/proxy/config"
	"lockbox/ui/backend"
)

type serveCmd struct {
	place
	Listen       string `placeholder:"HOST:PORT" help:"Address to listen on; without it the config's, else ${listen}."`
	Tunnel       bool   `help:"Open the tunnel: callers from the internet reach what is marked \"tunnel\" by ngrok, with the authtoken in the vault."`
	PublicListen string `placeholder:"ADDR" help:"Loopback address that a tunnel or reverse proxy leads to, such as 127.0.0.1:8001: serves what is marked \"tunnel\" to callers with a token; without it the config's, else none."`
	Metrics      bool   `help:"Answer /metrics on the local listener, for Prometheus: calls by service and outcome, how long they took, the audit log's queue and size."`
	Debug        bool   `help:"Say more on stderr: a line for each call, without anything secret."`
}

// AfterApply refuses an address that no one could listen on while the command
// line is read, as wrong usage.
func (c serveCmd) AfterApply() error {
	if c.Listen != "" {
		if err := config.CheckListen(c.Listen); err != nil {
			return fmt.Errorf("--listen: %w", err)
		}
	}
	if c.PublicListen != "" {
		if err := config.CheckPublicListen(c.PublicListen); err != nil {
			return fmt.Errorf("--public-listen: %w", err)
		}
	}
	return nil
}

// Run serves until SIGINT or SIGTERM, and then ends within ten seconds: calls
// under way are let finish as far as that allows. SIGHUP reads the config anew.
func (c serveCmd) Run(t Terminal) (err error) {
	o := c.options(t)
	o.Listen, o.PublicListen, o.Metrics, o.Tunnel = c.Listen, c.PublicListen, c.Metrics, c.Tunnel
	signals := newSignals(t, os.Exit)
	defer signals.stop()
	if c.Debug {
		o.Logger = slog.New(slog.NewTextHandler(t.Err, &slog.HandlerOptions{Level: slog.LevelDebug}))
	}

	b, err := backend.Open(signals.ctx, o)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.Close()) }()

	changed := make(chan struct{}, 1)
	b.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default:
		}
	})
	ctx, cancel := context.WithCancel(signals.ctx)
	var wg sync.WaitGroup
	defer wg.Wait()
	defer cancel()
	wg.Go(func() { signals.obey(ctx, t, b) })
	wg.Go(func() {
		greeted, address := false, ""
		for {
			select {
			case <-changed:
			case <-ctx.Done():
				return
			}
			v := b.View()
			if v.Phase == backend.Running && !greeted {
				greeted = true
				t.say("%s", greeting(v))
			}
			if v.Tunnel.Phase == backend.TunnelOpen && v.Tunnel.URL != address { // the log has the rest
				address = v.Tunnel.URL
				t.say("Tunnel: %s at %s", count(public(v), "service"), address)
			}
		}
	})
	return b.Run(ctx)
}

// greeting says what is served, and at the first start what to try.
func greeting(v backend.View) string {
	var s strings.Builder
	fmt.Fprintf(&s, "Lockbox %s serves %s at %s\n", v.Version, count(len(v.Services), "service"), v.BaseURL)
	for _, svc := range v.Services {
		fmt.Fprintf(&s, "  %s → %s (%s)\n", svc.URL, svc.BaseURL, state(svc))
	}
	if v.PublicURL != "" {
		fmt.Fprintf(&s, "Public side: %s at %s\n", count(public(v), "service"), v.PublicURL)
	}
	fmt.Fprintf(&s, "Config: %s\n", v.ConfigPath)
	fmt.Fprintf(&s, "Vault: %s\n", v.Vault.Name)
	if v.SigningKeySource != "" {
		fmt.Fprintf(&s, "Signing key: %s\n", v.SigningKeySource)
	}
	if curl := v.Curl(); v.FirstRun && curl != "" {
		fmt.Fprintf(&s, "This is the first start. Try it:\n  %s\n", curl)
	}
	return strings.TrimSuffix(s.String(), "\n")
}

// public is how many services callers from the internet reach.
func public(v backend.View) int {
	n := 0
	for _, svc := range v.Services {
		if svc.Public {
			n++
		}
	}
	return n
}

func state(svc backend.ServiceInfo) string {
	switch {
	case svc.Problem != "":
		return "cannot be served: " + svc.Problem
	case svc.TokenRequired:
		return "needs a service token"
	}
	return "open, no token needed"
}

func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}
