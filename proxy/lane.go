package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"runtime/debug"
	"sync"
	"sync/atomic"
	"time"
)

// lane takes the connections of a listener and carries the plain calls on them
// itself, at a fraction of what net/http's server and transport cost together.
// A connection on which anything else comes is handed over to net/http, with the
// request unread, and stays there: what is rare, odd or refused is judged in one
// place alone, Server.local.
//
// Each connection has one goroutine, which reads a call, carries it and reads
// the next. A second one comes for a body that was not there with its head, and
// to notice a caller that leaves, once the upstream lets it wait.
type lane struct {
	server *Server
	base   context.Context // of the requests, as net/http's BaseContext
	local  bool            // the listener is the local one; all other calls are net/http's
	other  *handover       // to net/http

	mu      sync.Mutex
	conns   map[*laneConn]struct{}
	closing atomic.Bool
	wg      sync.WaitGroup
}

func newLane(s *Server, base context.Context, addr net.Addr, local bool) *lane {
	return &lane{
		server: s, base: base, local: local, conns: map[*laneConn]struct{}{},
		other: &handover{addr: addr, conns: make(chan net.Conn), done: make(chan struct{})},
	}
}

// serve accepts until the listener fails or is closed.
func (l *lane) serve(ln net.Listener) error {
	var pause time.Duration
	for {
		nc, err := ln.Accept()
		if err == nil {
			pause = 0
			l.start(nc)
			continue
		}
		// Out of file descriptors, for instance: net/http waits and tries again too.
		if t, ok := err.(interface{ Temporary() bool }); !ok || !t.Temporary() || l.closing.Load() {
			return err
		}
		pause = min(max(2*pause, 5*time.Millisecond), time.Second)
		time.Sleep(pause)
	}
}

func (l *lane) start(nc net.Conn) {
	if !l.local {
		l.other.give(nc)
		return
	}
	c := newLaneConn(l, nc)
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.closing.Load() {
		_ = nc.Close()
		return
	}
	l.conns[c] = struct{}{}
	l.server.callers.Add(1)
	l.wg.Go(func() {
		defer l.end(c)
		c.serve()
	})
}

// end drops a connection; a panic ends the connection and not the program.
func (l *lane) end(c *laneConn) {
	if v := recover(); v != nil {
		if v != http.ErrAbortHandler { // or it was logged
			l.server.log.Error("the handler of a call panicked", "panic", v, "stack", string(debug.Stack()))
		}
		_ = c.nc.Close()
	}
	if up := c.talking.Load(); up != nil {
		_ = up.nc.Close()
	}
	c.cancel()
	l.mu.Lock()
	delete(l.conns, c)
	l.server.callers.Add(-1)
	l.mu.Unlock()
}

// shutdown closes idle connections, waits for the calls under way until ctx
// ends, and then cuts them off.
func (l *lane) shutdown(ctx context.Context) error {
	l.closing.Store(true)
	l.each(func(c *laneConn) { c.closeIdle() })
	ended := make(chan struct{})
	go func() { l.wg.Wait(); close(ended) }()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
	}
	l.each(func(c *laneConn) { c.abort() })
	<-ended
	return ctx.Err()
}

func (l *lane) each(f func(*laneConn)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for c := range l.conns {
		f(c)
	}
}

// handover is the net.Listener by which net/http's server gets connections.
type handover struct {
	addr  net.Addr
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func (h *handover) give(c net.Conn) {
	select {
	case h.conns <- c:
	case <-h.done:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (h *handover) Accept() (net.Conn, error) {
	select {
	case c := <-h.conns:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (h *handover) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

// Addr implements net.Listener.
func (h *handover) Addr() net.Addr { return h.addr }

// handedConn is a connection of which something was read already.
type handedConn struct {
	net.Conn
	read *bufio.Reader // nil when it is used up
}

// Read implements io.Reader.
func (c *handedConn) Read(p []byte) (int, error) {
	if c.read != nil {
		if n := c.read.Buffered(); n > 0 {
			return c.read.Read(p[:min(n, len(p))])
		}
		callerReaders.put(c.read)
		c.read = nil
	}
	return c.Conn.Read(p)
}

// CloseWrite lets net/http end a connection gently, as it does with a TCP one.
func (c *handedConn) CloseWrite() error {
	if w, ok := c.Conn.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// readers are bufio.Readers for the next connection.
type readers struct {
	size int
	pool sync.Pool
}

func (r *readers) get(from io.Reader) *bufio.Reader {
	if br, ok := r.pool.Get().(*bufio.Reader); ok {
		br.Reset(from)
		return br
	}
	return bufio.NewReaderSize(from, r.size)
}

func (r *readers) put(br *bufio.Reader) {
	br.Reset(nil)
	r.pool.Put(br)
}

// A head that is longer is not plain.
var callerReaders = &readers{size: 8 << 10}
