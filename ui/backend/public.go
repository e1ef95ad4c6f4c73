package backend

import (
	"context"
	"errors"
	"fmt"
	"net"
	"sync"
	"syscall"

	"lockbox/proxy/config"
)

// publicSide is where the public side is served, if anywhere. Only its run
// changes it.
type publicSide struct {
	addr  string // as it was asked for; "" while nothing is served
	close func() // ends the serving; calls under way are drained
}

// publicAddress is where the public side is wanted.
func (b *Backend) publicAddress() string {
	if b.opts.PublicListen != "" {
		return b.opts.PublicListen
	}
	if cfg := b.server.Config(); cfg != nil {
		return cfg.PublicListen
	}
	return ""
}

// canServePublic says why the public side cannot be served at another address, before
// the config names it.
func (b *Backend) canServePublic(ctx context.Context, addr string) error {
	if b.opts.PublicListen != "" {
		return errors.New("the address was given by --public-listen at the start, which wins over this setting")
	}
	if addr == "" {
		return nil
	}
	if err := b.server.CheckPublic(); err != nil {
		return err
	}
	ln, err := listenPublic(ctx, addr)
	if err != nil {
		return err
	}
	return ln.Close() // keepListeners opens it anew, once the config says so
}

// openPublic serves the public side where it is wanted, and no longer where it
// was. Calls under way are drained as wg's.
func (b *Backend) openPublic(ctx context.Context, p *publicSide, wg *sync.WaitGroup) error {
	addr := b.publicAddress()
	if addr == p.addr {
		return nil
	}
	if p.addr != "" {
		p.close()
		p.addr = ""
		b.setPublic("", nil)
	}
	if addr == "" {
		return nil
	}
	err := b.server.CheckPublic()
	var ln net.Listener
	if err == nil {
		ln, err = listenPublic(ctx, addr)
	}
	if err != nil {
		err = fmt.Errorf("the public side is not served: %w", err)
		b.setPublic("", err)
		return err
	}
	serving, stop := context.WithCancel(ctx)
	p.addr, p.close = addr, stop
	wg.Go(func() {
		if err := b.server.ServePublic(serving, ln); err != nil {
			b.setPublic("", fmt.Errorf("the public side is no longer served: %w", err))
		}
	})
	b.opts.Logger.Info("serving the public side", "address", baseURL(ln.Addr().String()))
	b.setPublic(ln.Addr().String(), nil)
	return nil
}

func listenPublic(ctx context.Context, addr string) (net.Listener, error) {
	ln, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, fmt.Errorf("%s is in use by another program: stop that one, or choose another address with --public-listen or public_listen", addr)
	case err != nil:
		return nil, fmt.Errorf("%s cannot be listened on (%w): choose another address with --public-listen or public_listen", addr, errors.Unwrap(err))
	}
	return ln, nil
}

// setPublic shows where the public side is served, or why not.
func (b *Backend) setPublic(addr string, err error) {
	b.mu.Lock()
	b.status.public, b.status.publicProblem = addr, ""
	if err != nil {
		b.status.publicProblem = err.Error()
	}
	b.mu.Unlock()
	b.publish()
}

// Expose lets callers from the internet at a service, through the tunnel or what
// else leads to the public side.
func (b *Backend) Expose(ctx context.Context, service string) error {
	return b.editService(ctx, service, "letting the internet at "+service, func(svc *config.Service) error {
		if !svc.RequiresServiceToken {
			return fmt.Errorf("%s asks callers for no token: have it ask for one first, on its page", service)
		}
		svc.Tunnel = true
		return nil
	}, func(src []byte, svc *config.Service) ([]byte, error) { return config.PutService(src, service, svc) })
}
