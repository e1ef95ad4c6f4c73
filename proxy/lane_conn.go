package proxy

import (
	"bufio"
	"bytes"
	"context"
	"net"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/http1"
)

// The states of a connection.
const (
	laneIdle   = iota // between calls
	laneBusy          // a call is under way
	laneClosed        // by shutdown
)

// laneConn is a caller's connection. But for abort and closeIdle it belongs to
// its goroutine.
type laneConn struct {
	lane *lane
	nc   net.Conn
	br   *bufio.Reader

	state   atomic.Int32
	talking atomic.Pointer[laneUpstream] // of the call under way, for abort
	aborted atomic.Bool                  // by shutdown
	cancel  context.CancelFunc           // of the requests' context

	readBy, writeBy time.Time // the deadlines that are set

	req    http1.Request
	made   *http.Request // of req, anew for each call
	values []string
	host   string // was found to be ours
	hostOf *state // by this state
	res    http1.Response
	header http.Header // of the answer
	room   []string
	shown  [2]audit.Shown // for records

	watched chan struct{} // closed when nobody reads behind our back; nil: nobody does
}

func newLaneConn(l *lane, nc net.Conn) *laneConn {
	ctx, cancel := context.WithCancel(context.WithValue(l.base, http.LocalAddrContextKey, nc.LocalAddr()))
	in := (&http.Request{}).WithContext(ctx)
	in.Proto, in.ProtoMajor, in.ProtoMinor = "HTTP/1.1", 1, 1
	in.RemoteAddr, in.Header, in.Body = nc.RemoteAddr().String(), http.Header{}, http.NoBody
	// Nothing is under way while it waits for a request.
	from := newEager(nc, func() bool { return l.server.lone(0) })
	return &laneConn{lane: l, nc: nc, br: callerReaders.get(from), made: in, cancel: cancel, header: http.Header{}}
}

// What is to become of a connection after a request.
type verdict int

const (
	keepOpen verdict = iota // for the next one
	closeNow
	handOver // to net/http, with the request unread
)

func (c *laneConn) serve() {
	for {
		head, v := c.read()
		if v == keepOpen {
			v = c.handle(head)
		}
		switch v {
		case handOver:
			_ = c.nc.SetDeadline(time.Time{}) // net/http sets its own
			br := c.br
			c.br = nil
			c.lane.other.give(&handedConn{c.nc, br})
			return
		case closeNow:
			_ = c.nc.Close()
			return
		}
		c.state.Store(laneIdle)
		if c.lane.closing.Load() {
			_ = c.nc.Close()
			return
		}
	}
}

// closeIdle closes the connection if no call is under way.
func (c *laneConn) closeIdle() {
	if c.state.CompareAndSwap(laneIdle, laneClosed) {
		_ = c.nc.Close()
	}
}

// abort cuts the call under way off.
func (c *laneConn) abort() {
	c.aborted.Store(true)
	_ = c.nc.Close()
	c.cancel()
	if up := c.talking.Load(); up != nil {
		_ = up.nc.Close()
	}
}

var headEnd = []byte("\r\n\r\n")

// read waits for a request and returns its head, which stays in the buffer.
func (c *laneConn) read() (head string, v verdict) {
	if c.br.Buffered() == 0 {
		c.readWithin(time.Now(), c.lane.server.bounds.idle)
		if _, err := c.br.Peek(1); err != nil {
			return "", closeNow
		}
	}
	if !c.state.CompareAndSwap(laneIdle, laneBusy) {
		return "", closeNow
	}
	var until time.Time
	for {
		p, err := c.br.Peek(c.br.Buffered())
		if err != nil {
			return "", closeNow
		}
		if i := bytes.Index(p, headEnd); i >= 0 {
			return string(p[:i+len(headEnd)]), keepOpen
		}
		if len(p) == c.br.Size() {
			return "", handOver
		}
		if until.IsZero() {
			until = time.Now().Add(c.lane.server.bounds.header)
			c.readBy = until
			_ = c.nc.SetReadDeadline(until) // fails with the connection
		}
		if _, err := c.br.Peek(len(p) + 1); isTimeout(err) {
			return "", closeNow
		} else if err != nil {
			return "", handOver // cut short: net/http knows what to say
		}
	}
}

// readWithin bounds the reads that follow. Setting a deadline costs as much as a
// read, so one that has run for a quarter at most is good enough.
func (c *laneConn) readWithin(now time.Time, d time.Duration) {
	if left := c.readBy.Sub(now); left > d || left < d-d/4 {
		c.readBy = now.Add(d)
		_ = c.nc.SetReadDeadline(c.readBy) // fails with the connection
	}
}

// write sends to the caller, who has to take it within the stall time.
func (c *laneConn) write(p []byte) error {
	now, d := time.Now(), c.lane.server.stall
	if left := c.writeBy.Sub(now); left > d || left < d-d/4 {
		c.writeBy = now.Add(d)
		_ = c.nc.SetWriteDeadline(c.writeBy) // fails with the connection
	}
	_, err := c.nc.Write(p)
	return err
}

// handle carries a call, if it is a plain one to a service that has a lane.
// Until then nothing is taken out of the buffer, and nothing recorded.
func (c *laneConn) handle(head string) verdict {
	if !c.req.Parse(head) {
		return handOver
	}
	s := c.lane.server
	s.active.Add(1)
	defer s.active.Add(-1)
	st := s.acquire()
	if st == nil {
		return handOver
	}
	defer st.release()
	in := c.made
	in.Method, in.RequestURI, in.Host, in.Close = c.req.Method, c.req.Target, c.req.Host, c.req.Close
	c.values = c.req.Fields.Header(in.Header, c.values)
	s.calls.Add(1)
	defer s.calls.Add(-1)
	x := c.admit(st)
	if x == nil {
		return handOver
	}
	_, _ = c.br.Discard(len(head)) // it is in the buffer
	defer s.last(x.rec)
	return x.carry()
}

// admit makes a call of the request, nil if it is to go to net/http: because it
// is refused, or not plain after all.
func (c *laneConn) admit(st *state) *laneCall {
	s, in := c.lane.server, c.made
	path, _, _ := strings.Cut(in.RequestURI, "?")
	if !strings.HasPrefix(path, "/s/") || checkForm(in, path) != nil || crossSite(in) || fromBrowser(in.Header) {
		return nil
	}
	if c.host != in.Host || c.hostOf != st {
		if !ourHost(in, st.config.Listen) {
			return nil
		}
		c.host, c.hostOf = in.Host, st
	}
	t := targetOf(in, path)
	if rt := st.routes[t.name]; rt == nil || rt.plain == nil {
		return nil
	}
	rec := s.newRecord(st, in, path, "local")
	rec.shown = &c.shown
	rec.service(st, t.name)
	rt, p := s.admit(in, st, t, rec)
	if p != nil || rec.strange(rt) {
		return nil
	}
	if rt.rules != nil {
		q := t.question(in, rec)
		q.Length = max(c.req.Length, 0)
		v := rt.rules.Check(&q)
		if v.Action != config.Allow {
			return nil
		}
		rec.ruled(v.Rule)
	}
	if s.limited(rt, rec) != nil {
		return nil
	}
	x := &laneCall{laneConn: c, to: rt.plain, call: call{server: s, route: rt, in: in, rest: t.rest, token: t.token, rec: rec, guard: rt.guards.now(nil)}}
	x.here = address{base: rt.service.BaseURL, origin: "http://" + in.Host, path: "/s/" + t.segment}
	x.target = in.RequestURI[len("/s/")+len(t.segment):]
	rec.used()
	return x
}

// watch has a goroutine wait for the caller to leave while nothing else is to be
// read, and calls gone then. What the caller sends meanwhile is the next request.
func (c *laneConn) watch(gone func()) {
	if c.watched != nil {
		return
	}
	c.readBy = time.Time{}
	_ = c.nc.SetReadDeadline(time.Time{}) // fails with the connection
	watched := make(chan struct{})
	c.watched = watched
	go func() {
		defer close(watched)
		c.look(gone)
	}()
}

// look blocks until something comes.
func (c *laneConn) look(gone func()) {
	if c.br.Buffered() == c.br.Size() {
		return
	}
	if _, err := c.br.Peek(c.br.Buffered() + 1); err != nil && !isTimeout(err) {
		gone()
	}
}

// unwatch ends what reads from the caller behind our back.
func (c *laneConn) unwatch() {
	if c.watched == nil {
		return
	}
	_ = c.nc.SetReadDeadline(time.Unix(1, 0)) // fails with the connection
	<-c.watched
	c.watched, c.readBy = nil, time.Time{}
	_ = c.nc.SetReadDeadline(time.Time{})
}
