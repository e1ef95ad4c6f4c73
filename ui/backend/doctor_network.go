package backend

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/tunnel"
	"lockbox/vault"
)

const (
	// mostSkew is how far the clock may be off: AWS refuses signatures that are off by
	// five minutes, and some token servers less.
	mostSkew = time.Minute
	// mostUpstreams bounds how many are asked, and upstreamTime for how long.
	mostUpstreams = 50
	upstreamTime  = 10 * time.Second
)

// answers reports whether a Lockbox serves at an address.
func (d *doctor) answers(ctx context.Context, base string) bool {
	ctx, cancel := context.WithTimeout(ctx, answerTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, base+"/healthz", nil)
	if err != nil {
		return false
	}
	res, err := (&http.Transport{DisableKeepAlives: true}).RoundTrip(req)
	if err != nil {
		return false
	}
	defer res.Body.Close() //nolint:errcheck // it was read
	body, err := io.ReadAll(io.LimitReader(res.Body, 64))
	return err == nil && res.StatusCode == http.StatusOK && string(body) == "OK"
}

// lookAtUpstreams asks each upstream for nothing, without a key, and compares the
// clock with what they say.
func (d *doctor) lookAtUpstreams(ctx context.Context) {
	const name = "Upstreams"
	if d.cfg == nil {
		return
	}
	if d.offline {
		d.find(name, Unchecked, "Not asked, being offline")
		return
	}
	roots := d.upstreams()
	if len(roots) == 0 {
		d.find(name, Unchecked, "The config has none to ask")
		return
	}
	asked := roots[:min(mostUpstreams, len(roots))]
	transport := &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12}}
	if d.cfg.UseProxyEnv {
		transport.Proxy = http.ProxyFromEnvironment
	}
	answers := make([]heard, len(asked))
	var wg sync.WaitGroup
	room := make(chan struct{}, 8)
	for i, root := range asked {
		wg.Go(func() {
			room <- struct{}{}
			answers[i] = hear(ctx, transport, root)
			<-room
		})
	}
	wg.Wait()
	silent := 0
	var skews []time.Duration
	for i, a := range answers {
		if a.err != nil {
			silent++
			d.find(name, Broken, fmt.Sprintf("No answer from %s: %v; see whether the address is right and this computer is on the network", asked[i], a.err))
		} else if a.dated {
			skews = append(skews, a.skew)
		}
	}
	if n := len(roots) - len(asked); n > 0 {
		d.find(name, Doubtful, fmt.Sprintf("%d of %d were asked, %d answered", len(asked), len(roots), len(asked)-silent))
	} else if silent == 0 {
		d.find(name, Healthy, fmt.Sprintf("All %d answer", len(roots)))
	}
	d.compareClock(skews)
}

// compareClock judges by the upstream in the middle: a single one may be off itself.
func (d *doctor) compareClock(skews []time.Duration) {
	const name = "Clock"
	if len(skews) == 0 {
		d.find(name, Unchecked, "No upstream said what time it is")
		return
	}
	slices.Sort(skews)
	skew := skews[len(skews)/2]
	switch off := skew.Abs().Round(time.Second); {
	case skew > mostSkew:
		d.find(name, Broken, fmt.Sprintf("It is %v ahead of the upstreams': set it, for signatures and tokens are refused by clocks that differ", off))
	case skew < -mostSkew:
		d.find(name, Broken, fmt.Sprintf("It is %v behind the upstreams': set it, for signatures and tokens are refused by clocks that differ", off))
	default:
		d.find(name, Healthy, fmt.Sprintf("It is within %v of the upstreams'", max(off, time.Second)))
	}
}

// upstreams are the roots of the config's addresses, each once.
func (d *doctor) upstreams() []string {
	roots := map[string]bool{}
	for _, svc := range d.cfg.Services {
		if u := svc.BaseURL; u.Scheme == "https" || u.Scheme == "http" {
			roots[(&url.URL{Scheme: u.Scheme, Host: u.Host, Path: "/"}).String()] = true
		}
	}
	return slices.Sorted(maps.Keys(roots))
}

// heard is what an upstream answered, whatever its status.
type heard struct {
	err   error
	dated bool
	skew  time.Duration // of the clock here; the answer's is in whole seconds
}

func hear(ctx context.Context, t http.RoundTripper, root string) heard {
	ctx, cancel := context.WithTimeout(ctx, upstreamTime)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, root, nil)
	if err != nil {
		return heard{err: err}
	}
	sent := time.Now()
	res, err := t.RoundTrip(req)
	if err != nil {
		var name *net.DNSError
		switch {
		case errors.Is(err, context.DeadlineExceeded):
			err = fmt.Errorf("nothing came within %v", upstreamTime)
		case errors.As(err, &name) && name.IsNotFound:
			err = errors.New("there is no such name")
		}
		return heard{err: err}
	}
	took := time.Since(sent)
	_ = res.Body.Close() // HEAD has none
	at, err := http.ParseTime(res.Header.Get("Date"))
	if err != nil {
		return heard{}
	}
	return heard{dated: true, skew: sent.Add(took / 2).Sub(at.Add(time.Second / 2))}
}

// lookAtTunnel tries the way to ngrok's edge, and the authtoken there.
func (d *doctor) lookAtTunnel(ctx context.Context) {
	const name = "Tunnel"
	if d.cfg == nil {
		return
	}
	token := d.cfg.Tunnel.Authtoken.Literal
	if d.cfg.Tunnel.Authtoken.IsRef() || token.IsZero() {
		ref := d.cfg.Tunnel.Authtoken.Ref
		if ref == (secret.Ref{}) {
			ref = config.TunnelAuthtoken
		}
		if d.store == nil && ref.Scheme == secret.Keychain {
			return
		}
		v, err := vault.Resolve(ctx, d.store, ref)
		switch {
		case errors.Is(err, secret.ErrNotFound):
			d.find(name, Unchecked, "It is not set up: ngrok's authtoken is not in the vault")
			return
		case err != nil:
			d.find(name, Broken, "The authtoken cannot be read: "+err.Error())
			return
		}
		token = v
	}
	if d.offline {
		d.find(name, Unchecked, "Not tried, being offline")
		return
	}
	o, err := d.tunnel()
	if err != nil {
		d.find(name, Broken, err.Error())
		return
	}
	o.Logger = nil // what it says is in the findings
	t := tunnel.New(o)
	steps := t.Diagnose(ctx)
	if last := steps[len(steps)-1]; !last.OK {
		d.find(name, Broken, last.Text)
		return
	}
	if err := t.Check(ctx, secret.New(strings.TrimSpace(token.Reveal()))); err != nil {
		d.find(name, Broken, err.Error())
		return
	}
	d.find(name, Healthy, steps[len(steps)-1].Text+" The authtoken is good")
}
