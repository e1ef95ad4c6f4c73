package tunnel

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"os"
	"strings"
	"sync"
	"time"
)

const (
	// reachTime is how long TCP and TLS may take each.
	reachTime = 4 * time.Second
	// startTime is how long the edge may take from there to an open endpoint.
	startTime = 8 * time.Second
	// Attempts are a second apart after the first failure, and then twice as long
	// each time.
	leastWait = time.Second
	mostWait  = 30 * time.Second
	// steady is how long a session lasts that counts as a good one.
	steady = 30 * time.Second
)

// edge is the way to ngrok's edge: the dialer of an agent. It spaces the attempts
// to connect, tells what comes of them, and can cut every connection. TLS with
// ngrok is its own: see local.go.
type edge struct {
	addr    string
	roots   *x509.CertPool // nil: the SDK's
	report  func(error)    // of an attempt that failed
	network func() string  // tells one network from another
	local   *localTLS
	wg      sync.WaitGroup

	mu      sync.Mutex
	sdk     *tls.Config // how the SDK would connect
	conns   map[net.Conn]struct{}
	cause   error     // why a connection ended last
	wait    int       // attempts that failed since the last good session
	broken  int       // sessions that did not last, since the last good one
	since   time.Time // there is a session; zero: there is none
	retry   time.Time // not before
	stopped bool
}

func newEdge(addr string, roots *x509.CertPool, network func() string, report func(error)) *edge {
	return &edge{addr: addr, roots: roots, network: network, report: report, local: newLocalTLS(), conns: map[net.Conn]struct{}{}}
}

// configure takes the SDK's TLS configuration, with the authorities that it knows,
// for the edge, and leaves in its place one for the way from the SDK to here.
func (e *edge) configure(c *tls.Config) {
	theirs := c.Clone()
	if e.roots != nil {
		theirs.RootCAs = e.roots
	}
	if host, _, err := net.SplitHostPort(e.addr); err == nil {
		theirs.ServerName = host
	}
	e.mu.Lock()
	e.sdk = theirs
	e.mu.Unlock()
	e.local.trust(c)
}

// Dial implements ngrok.Dialer.
func (e *edge) Dial(network, address string) (net.Conn, error) {
	return e.DialContext(context.Background(), network, address)
}

// DialContext implements ngrok.Dialer. It tries until it is connected or ctx ends.
func (e *edge) DialContext(ctx context.Context, _, _ string) (net.Conn, error) {
	for {
		before := e.network()
		if !sleepUntil(e.next(), ctx.Done(), func() bool { return e.network() != before }) {
			return nil, ctx.Err()
		}
		conn, err := e.connect(ctx)
		if err == nil {
			return conn, nil
		}
		if ctx.Err() != nil {
			return nil, ctx.Err()
		}
		e.mu.Lock()
		e.failed()
		e.mu.Unlock()
		e.report(err)
	}
}

// connect makes a connection to the edge, and one to it for the SDK.
func (e *edge) connect(ctx context.Context) (net.Conn, error) {
	e.mu.Lock()
	config := e.sdk
	e.mu.Unlock()
	raw, err := (&net.Dialer{Timeout: reachTime}).DialContext(ctx, "tcp", e.addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, config)
	limit, cancel := context.WithTimeout(ctx, reachTime)
	defer cancel()
	if err := conn.HandshakeContext(limit); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	// Until there is a session: see established.
	if err := raw.SetDeadline(time.Now().Add(startTime)); err != nil {
		return nil, errors.Join(err, raw.Close())
	}
	near, far := net.Pipe()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.stopped || ctx.Err() != nil {
		return nil, errors.Join(errClosing, raw.Close())
	}
	e.cause = nil
	e.conns[raw], e.conns[far] = struct{}{}, struct{}{}
	e.wg.Go(func() { e.relay(raw, conn, far) })
	return near, nil
}

// relay carries a session until one of its ends is closed.
func (e *edge) relay(raw net.Conn, conn *tls.Conn, far net.Conn) {
	sdk := e.local.server(far)
	end := func(err error) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if e.cause == nil {
			e.cause = err
		}
		if _, first := e.conns[raw]; first {
			e.failed()
		}
		// Not the TLS connections: they would want to take leave.
		_ = raw.Close()
		_ = far.Close()
		delete(e.conns, raw)
		delete(e.conns, far)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		_, err := io.Copy(&discreet{w: conn, binds: map[uint32]bool{}}, sdk)
		end(err)
	})
	wg.Go(func() {
		_, err := io.Copy(sdk, conn)
		end(err)
	})
	wg.Wait()
}

// established is told that there is a session with an endpoint.
func (e *edge) established() {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.since, e.retry = time.Now(), time.Time{}
	for conn := range e.conns {
		_ = conn.SetDeadline(time.Time{})
	}
}

// failed notes that an attempt failed or a connection has ended, for whatever
// reason: the next one has to wait. e.mu is held.
func (e *edge) failed() {
	if !e.since.IsZero() {
		e.broken++
		if time.Since(e.since) >= steady {
			e.wait, e.broken = 0, 0
		}
	}
	e.since = time.Time{}
	e.wait++
	pause := min(leastWait<<min(e.wait-1, 10), mostWait)
	pause += rand.N(pause / 5) //nolint:gosec // so that many do not come at the same time
	e.retry = time.Now().Add(pause)
}

// breaks is how many sessions in a row did not last.
func (e *edge) breaks() int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.broken
}

// next is before when there is no attempt.
func (e *edge) next() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.retry
}

// why is what is behind an error of the SDK's: it may see no more than that its
// connection ended.
func (e *edge) why(err error) error {
	if code(err) != "" {
		return err
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if errors.Is(e.cause, os.ErrDeadlineExceeded) {
		return e.cause
	}
	return fmt.Errorf("%w: %w", errLost, err)
}

// cut ends every connection.
func (e *edge) cut() {
	e.mu.Lock()
	defer e.mu.Unlock()
	for conn := range e.conns {
		_ = conn.Close()
	}
}

// close cuts, and returns when nothing is left.
func (e *edge) close() {
	e.mu.Lock()
	e.stopped = true
	e.mu.Unlock()
	e.cut()
	e.wg.Wait()
}

// addresses are the computer's, to notice when it is on another network.
func addresses() string {
	all, err := net.InterfaceAddrs()
	if err != nil {
		return ""
	}
	var s strings.Builder
	for _, a := range all {
		s.WriteString(a.String() + " ")
	}
	return s.String()
}
