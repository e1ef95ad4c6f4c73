// Package ngroktest is an edge of ngrok's on the loopback interface, for tests: it
// speaks the protocol of ngrok's agents, so that the SDK connects to it as it is,
// and brings calls from a public side of its own. It links into no program.
package ngroktest

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"sync"
	"time"
)

// Edge is a running edge. What its fields say can be changed by Set while it runs.
type Edge struct {
	ca      *authority
	cert    tls.Certificate
	addr    string // for agents
	public  net.Listener
	server  *http.Server
	wg      sync.WaitGroup
	ctx     context.Context
	cancel  context.CancelFunc
	changed *sync.Cond // on mu: of rules and clients

	mu       sync.Mutex
	rules    Rules
	agents   net.Listener // nil: down
	sessions map[*session]struct{}
	guests   map[net.Conn]struct{} // connected, and no session yet
	clients  map[string]string     // who is about to connect to the public side: the address on the internet, by the one here
	tokens   map[string]string     // of binds, by the token: the URL
	dials    []time.Time
	auths    []Auth
	binds    []Bind
	named    int // domains made up
}

// Rules are how the edge treats agents.
type Rules struct {
	// Authtoken is the one that is good.
	Authtoken string
	// AuthError, if not "", refuses every session. Like ngrok's, the text ends with
	// its code: "…\r\n\r\nERR_NGROK_108\r\n".
	AuthError string
	// BindError, if not "", refuses every endpoint.
	BindError string
	// PolicyError, if not "", refuses every endpoint with a traffic policy.
	PolicyError string
	// LeastBeat, if not 0, refuses sessions that want a sign of life more often.
	LeastBeat time.Duration
	// Domains are the account's. The first is bound by an agent that asks for none;
	// without any, each time another.
	Domains []string
	// Lifetime, if not 0, is how long a session lasts before it is dropped.
	Lifetime time.Duration
	// Stalled keeps the edge from reading and writing: connections are taken, and
	// nothing happens on them.
	Stalled bool
}

// Auth is a session that was asked for.
type Auth struct {
	Authtoken, Cookie, UserAgent string
	Beat, BeatWait               time.Duration // how often a sign of life is wanted, and how soon
	Refused                      string        // why, or ""
}

// Bind is an endpoint that was asked for.
type Bind struct {
	URL, ForwardsTo, Metadata, TrafficPolicy string
	Again                                    bool // by an agent that had it before
	Refused                                  string
}

// New starts an edge.
func New(r Rules) (*Edge, error) {
	e := &Edge{
		rules: r, sessions: map[*session]struct{}{}, guests: map[net.Conn]struct{}{}, clients: map[string]string{},
		tokens: map[string]string{},
	}
	e.changed = sync.NewCond(&e.mu)
	e.ctx, e.cancel = context.WithCancel(context.Background())
	var err error
	if e.ca, err = newAuthority(); err != nil {
		return nil, err
	}
	if e.cert, err = e.ca.issue(); err != nil {
		return nil, err
	}
	if e.public, err = net.Listen("tcp", "127.0.0.1:0"); err != nil {
		return nil, err
	}
	e.addr = "127.0.0.1:0"
	if err := e.Up(); err != nil {
		return nil, errors.Join(err, e.public.Close())
	}
	e.servePublic()
	return e, nil
}

// Addr is where agents connect to, host and port.
func (e *Edge) Addr() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.addr
}

// CAs hold the authority that vouches for the edge.
func (e *Edge) CAs() *x509.CertPool { return e.ca.pool() }

// PEM is the authority's certificate.
func (e *Edge) PEM() []byte { return e.ca.pem() }

// Set changes the rules.
func (e *Edge) Set(change func(*Rules)) {
	e.mu.Lock()
	defer e.mu.Unlock()
	change(&e.rules)
	e.changed.Broadcast()
}

// Rules are as they are.
func (e *Edge) Rules() Rules {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.rules
}

// Impostor has the edge show a certificate of an authority that no one knows, as
// a proxy does that reads along; false ends that.
func (e *Edge) Impostor(on bool) error {
	ca := e.ca
	if on {
		var err error
		if ca, err = newAuthority(); err != nil {
			return err
		}
	}
	cert, err := ca.issue()
	if err != nil {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.cert = cert
	return nil
}

// Down takes the edge off the network: its port is closed, every session cut.
func (e *Edge) Down() {
	e.mu.Lock()
	ln := e.agents
	e.agents = nil
	e.mu.Unlock()
	if ln != nil {
		_ = ln.Close()
	}
	e.Drop()
}

// Up brings it back, at the same address.
func (e *Edge) Up() error {
	ln, err := net.Listen("tcp", e.Addr())
	if err != nil {
		return err
	}
	e.mu.Lock()
	e.agents, e.addr = ln, ln.Addr().String()
	e.mu.Unlock()
	e.wg.Go(func() { e.accept(ln) })
	return nil
}

// Drop cuts every session without a word.
func (e *Edge) Drop() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for s := range e.sessions {
		_ = s.conn.Close()
	}
	for conn := range e.guests {
		_ = conn.Close()
	}
}

// Forget gives agents that connect again other addresses than they had.
func (e *Edge) Forget() {
	e.mu.Lock()
	defer e.mu.Unlock()
	clear(e.tokens)
}

// Stop asks every agent to stop, as the dashboard's button does.
func (e *Edge) Stop() {
	for _, s := range e.connected() {
		s.request(stopAgent, struct{}{})
	}
}

// End takes every endpoint from its agent, with a reason.
func (e *Edge) End(message, code string) {
	for _, s := range e.connected() {
		for id := range s.endpoints() {
			s.request(stopTunnel, map[string]string{"Id": id, "Message": message, "ErrorCode": code})
			s.unbind(id)
		}
	}
}

// Sessions is how many agents are connected.
func (e *Edge) Sessions() int { return len(e.connected()) }

func (e *Edge) connected() []*session {
	e.mu.Lock()
	defer e.mu.Unlock()
	var all []*session
	for s := range e.sessions {
		all = append(all, s)
	}
	return all
}

// Dials are the times at which agents have connected.
func (e *Edge) Dials() []time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]time.Time{}, e.dials...)
}

// Auths are the sessions that were asked for.
func (e *Edge) Auths() []Auth {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Auth{}, e.auths...)
}

// Binds are the endpoints that were asked for.
func (e *Edge) Binds() []Bind {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([]Bind{}, e.binds...)
}

// Close ends the edge and returns when nothing of it is left.
func (e *Edge) Close() error {
	e.cancel()
	e.Set(func(r *Rules) { r.Stalled = false })
	e.Down()
	err := e.server.Close()
	e.wg.Wait()
	return err
}

func (e *Edge) accept(ln net.Listener) {
	for {
		conn, err := ln.Accept()
		if err != nil {
			return
		}
		e.mu.Lock()
		if e.agents != ln {
			_ = conn.Close()
		}
		e.dials = append(e.dials, time.Now())
		e.guests[conn] = struct{}{}
		cert := e.cert
		e.mu.Unlock()
		e.wg.Go(func() {
			e.serve(conn, cert)
			e.mu.Lock()
			defer e.mu.Unlock()
			delete(e.guests, conn)
		})
	}
}

// slow is a connection on which nothing happens while the edge is stalled.
type slow struct {
	net.Conn
	edge *Edge
}

func (s slow) wait() {
	s.edge.mu.Lock()
	defer s.edge.mu.Unlock()
	for s.edge.rules.Stalled {
		s.edge.changed.Wait()
	}
}

// Read implements net.Conn.
func (s slow) Read(p []byte) (int, error) {
	s.wait()
	n, err := s.Conn.Read(p)
	s.wait() // what came while the edge was stalled
	return n, err
}

// Write implements net.Conn.
func (s slow) Write(p []byte) (int, error) {
	s.wait()
	return s.Conn.Write(p)
}
