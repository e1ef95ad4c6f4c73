// Package tunnel makes a Lockbox reachable from the internet through ngrok. It
// keeps the connection to ngrok's edge as the network comes and goes, says at each
// moment what is the case, and why, in words for the person whose computer it is.
//
// A Tunnel is opened and closed; run.go holds what happens in between, edge.go the
// way to ngrok's edge, and trouble.go the words.
package tunnel

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/url"
	"strings"
	"sync"
	"time"

	"lockbox/proxy/secret"
)

// Phase is what a Tunnel is doing.
type Phase string

// The phases.
const (
	Closed  Phase = "closed"
	Opening Phase = "opening" // nothing is known yet
	Open    Phase = "open"    // calls arrive
	Lost    Phase = "lost"    // calls do not arrive, and it is tried again
	Closing Phase = "closing" // calls under way may finish
)

// DefaultEdge is where ngrok's agents connect to.
const DefaultEdge = "connect.ngrok-agent.com:443"

// ErrOpen is what Open answers while the tunnel is not closed.
var ErrOpen = errors.New("the tunnel is open already")

// Options are what a Tunnel needs from outside.
type Options struct {
	// Serve answers the calls that come in on ln until ctx ends, then closes ln and
	// lets those under way finish. The remote address of a connection is its caller's.
	Serve func(ctx context.Context, ln net.Listener) error
	// Edge is the host and port of ngrok's edge; "" is DefaultEdge.
	Edge string
	// EdgeCAs vouch for the edge; nil: ngrok's own does.
	EdgeCAs *x509.CertPool
	// Logger is told what happens. nil: nobody is.
	Logger *slog.Logger
	// Version is the program's, for ngrok's dashboard.
	Version string
	// OnChange, if not nil, is called after each change of State, one at a time and in
	// their order. It must not open or close the tunnel.
	OnChange func(was, now State)
}

// Request is what is to be opened.
type Request struct {
	Authtoken secret.Value
	Domain    string        // without https://; "" is the account's own
	For       time.Duration // then it is closed; 0: it stays
	By        string        // who asks for it
	Policy    Policy        // what ngrok turns away
}

// State is how a Tunnel is at one moment.
type State struct {
	Phase   Phase
	Since   time.Time // the phase is this one
	URL     string    // the public address, no slash at the end; "" while none is known
	Former  string    // the public address before it changed; "" if it did not since Open
	Until   time.Time // then it is closed; zero: it stays
	Trouble Trouble   // why it is Lost, or Closed though nobody did that; Open, it says that the connection keeps breaking
	Retry   time.Time // it is tried again, while Lost
	// Unguarded is why ngrok does not turn away what the Policy says; zero: it does.
	Unguarded Trouble
	Account   string // ngrok's name of the account
	Plan      string // the account's
	By        string // who asked for it, or for its end once there is one
}

// Tunnel is a way in from the internet. Its methods can be used by many goroutines
// at once.
type Tunnel struct {
	o       Options
	beat    time.Duration // shorter in tests
	network func() string // addresses, but for tests

	telling sync.Mutex // held from a change of state until OnChange knows
	mu      sync.Mutex
	state   State
	run     *run // nil: closed
}

// New makes a Tunnel, which is closed.
func New(o Options) *Tunnel {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Edge == "" {
		o.Edge = DefaultEdge
	}
	return &Tunnel{o: o, beat: beat, network: addresses, state: State{Phase: Closed, Since: time.Now()}}
}

// ParseEdge reads where an edge is: a host and a port, or a URL of them.
func ParseEdge(s string) (string, error) {
	address := s
	if strings.Contains(s, "://") {
		u, err := url.Parse(s)
		if err != nil || strings.Trim(u.Path, "/") != "" {
			return "", errors.New("is not the address of an edge, such as connect.example:443")
		}
		address = u.Host
	}
	if host, port, err := net.SplitHostPort(address); err == nil && host != "" && port != "" {
		return address, nil
	}
	if address == "" || strings.ContainsAny(address, "/@ ") || strings.HasPrefix(address, ":") && !strings.HasPrefix(address, "::") {
		return "", errors.New("is not the address of an edge, such as connect.example:443")
	}
	return net.JoinHostPort(strings.Trim(address, "[]"), "443"), nil
}

// ParseCAs reads certificates that vouch for an edge.
func ParseCAs(pem []byte) (*x509.CertPool, error) {
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		return nil, errors.New("holds no certificate in PEM")
	}
	return pool, nil
}

// State is the tunnel's, now.
func (t *Tunnel) State() State {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.state
}

// Open begins to open the tunnel; State says how that goes. It stays open, or is
// tried again, until Close, unless what is wrong can only be mended by a person.
func (t *Tunnel) Open(r Request) error {
	if r.Authtoken.IsZero() {
		return fmt.Errorf("%s %s", noToken.Title+".", noToken.Text)
	}
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	if t.run != nil {
		t.mu.Unlock()
		return ErrOpen
	}
	run := newRun(t, r)
	t.run = run
	_, unguarded := run.want(r.Policy)
	was, now := t.state, time.Now()
	t.state = State{Phase: Opening, Since: now, By: r.By, Unguarded: unguarded}
	if r.For > 0 {
		t.state.Until = now.Add(r.For)
	}
	opening := t.state
	t.mu.Unlock()
	t.changed(was, opening)
	go run.run()
	return nil
}

// Close closes the tunnel on someone's wish: ngrok brings no more calls, those under
// way may finish. It returns when nothing is left of it, within some ten seconds.
func (t *Tunnel) Close(by string) {
	t.mu.Lock()
	run := t.run
	t.mu.Unlock()
	if run == nil {
		return
	}
	run.close(Trouble{}, by)
	<-run.ended
}

// set changes the state of run, unless it is no longer the one that counts.
func (t *Tunnel) set(run *run, change func(*State)) {
	t.telling.Lock()
	defer t.telling.Unlock()
	t.mu.Lock()
	if t.run != run {
		t.mu.Unlock()
		return
	}
	was := t.state
	change(&t.state)
	if t.state.Phase != was.Phase {
		t.state.Since = time.Now()
	}
	now := t.state
	if now.Phase == Closed {
		t.run = nil
	}
	t.mu.Unlock()
	if now == was {
		return
	}
	t.log(was, now)
	t.changed(was, now)
}

func (t *Tunnel) changed(was, now State) {
	if t.o.OnChange != nil {
		t.o.OnChange(was, now)
	}
}

// log tells of a change what someone wants to know afterwards.
func (t *Tunnel) log(was, now State) {
	switch {
	case now.Phase == Open && now.Former != was.Former:
		t.o.Logger.Warn("the tunnel's public address has changed", "address", now.URL, "before", now.Former)
	case now.Phase == was.Phase && now.Trouble == was.Trouble:
	case now.Phase == Open && was.Phase != Open:
		t.o.Logger.Info("the tunnel is open", "address", now.URL)
	case now.Phase == Lost:
		t.o.Logger.Warn("the tunnel is lost: it is tried again", "why", now.Trouble.String())
	case now.Phase == Closed && !now.Trouble.IsZero():
		t.o.Logger.Error("the tunnel is closed", "why", now.Trouble.String())
	case now.Phase == Closed:
		t.o.Logger.Info("the tunnel is closed")
	}
}
