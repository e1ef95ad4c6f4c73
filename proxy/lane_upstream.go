package proxy

import (
	"bufio"
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

const (
	maxIdleUpstream  = 512              // connections kept for the next call, by upstream
	idleUpstreamTime = 90 * time.Second // and how long
	maxAnswerHead    = 1 << 20          // bytes of an answer's head
	// patience is how long an upstream may take before the caller is watched:
	// most answers are there by then, and watching costs a goroutine.
	patience = 50 * time.Millisecond
)

var errLongHead = errors.New("the answer's head is too long")

var upstreamReaders = &readers{size: 8 << 10}

// lanePool keeps connections to one upstream that speaks plain HTTP/1.1.
type lanePool struct {
	dialer  net.Dialer
	connect time.Duration // 0: none
	address string        // host:port
	lone    func() bool   // one call is under way, here or elsewhere
	stall   time.Duration // how long an upstream may take nothing

	mu     sync.Mutex
	idle   []*laneUpstream // the last one used comes last
	closed bool
	reaper *time.Timer // runs while something is idle
}

// laneUpstream is a connection to an upstream.
type laneUpstream struct {
	nc   net.Conn
	from *eager // reads from nc
	br   *bufio.Reader
	pool *lanePool
	used time.Time // when it became idle

	writeBy time.Time // the deadline for writing that is set

	// Of the call under way.
	budget  int       // bytes that may still be read, of a head; -1: any
	until   time.Time // the read's real deadline; zero: none
	soon    time.Time // the deadline that is set while the call is young
	patient bool      // until holds
	slow    func()    // called when patience ends

	head     sync.Mutex // guards what follows, which a body's goroutine uses too
	headDone bool
}

// get takes a connection that is alive, or makes one.
func (p *lanePool) get(ctx context.Context) (*laneUpstream, error) {
	for {
		p.mu.Lock()
		n := len(p.idle)
		if n == 0 {
			p.mu.Unlock()
			return p.dial(ctx)
		}
		u := p.idle[n-1]
		p.idle[n-1] = nil
		p.idle = p.idle[:n-1]
		p.mu.Unlock()
		// Nothing is ever sent twice, so a connection that the upstream has
		// closed must be known before.
		if quiet(u.nc) {
			return u, nil
		}
		_ = u.nc.Close()
	}
}

func (p *lanePool) dial(ctx context.Context) (*laneUpstream, error) {
	if p.connect > 0 {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeoutCause(ctx, p.connect, errConnectTimeout)
		defer cancel()
	}
	nc, err := p.dialer.DialContext(ctx, "tcp", p.address)
	if err != nil {
		if p.connect > 0 && isTimeout(err) || errors.Is(context.Cause(ctx), errConnectTimeout) {
			err = errConnectTimeout
		}
		return nil, err
	}
	u := &laneUpstream{nc: nc, from: newEager(nc, p.lone), pool: p, budget: -1}
	u.br = upstreamReaders.get(nil)
	u.br.Reset(u)
	return u, nil
}

// put keeps a connection whose answer was read to its end.
func (p *lanePool) put(u *laneUpstream) {
	if u.br.Buffered() > 0 { // it says more than it was asked
		_ = u.nc.Close()
		return
	}
	u.slow = nil
	u.used = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed || len(p.idle) >= maxIdleUpstream {
		_ = u.nc.Close()
		return
	}
	p.idle = append(p.idle, u)
	if p.reaper == nil {
		p.reaper = time.AfterFunc(idleUpstreamTime, p.reap)
	}
}

// reap closes what has been idle for too long.
func (p *lanePool) reap() {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for n < len(p.idle) && (p.closed || time.Since(p.idle[n].used) >= idleUpstreamTime) {
		_ = p.idle[n].nc.Close()
		n++
	}
	p.idle = append(p.idle[:0:0], p.idle[n:]...)
	if len(p.idle) == 0 {
		p.reaper = nil
		return
	}
	p.reaper.Reset(idleUpstreamTime - time.Since(p.idle[0].used) + time.Second)
}

// close lets go of the idle connections; those in use are not kept.
func (p *lanePool) close() {
	p.mu.Lock()
	p.closed = true
	p.mu.Unlock()
	p.reap()
}

// Write implements io.Writer. An upstream that takes nothing for so long is given
// up on. As with the caller's, a deadline that has run for a quarter will do.
func (u *laneUpstream) Write(p []byte) (int, error) {
	now, d := time.Now(), u.pool.stall
	if left := u.writeBy.Sub(now); left > d || left < d-d/4 {
		u.writeBy = now.Add(d)
		_ = u.nc.SetWriteDeadline(u.writeBy) // fails with the connection
	}
	return u.nc.Write(p)
}

// begin prepares for a call whose answer must begin within d, 0 for any time.
func (u *laneUpstream) begin(now time.Time, d time.Duration, slow func()) {
	u.budget, u.slow, u.patient, u.until = maxAnswerHead, slow, false, time.Time{}
	if d > 0 {
		u.until = now.Add(d)
		if d < 4*patience {
			u.soon = time.Time{}
			u.wait()
			return
		}
	}
	// As with the caller's: a deadline that was set a moment ago will do.
	if left := u.soon.Sub(now); left < patience {
		u.soon = now.Add(2 * patience)
		_ = u.nc.SetReadDeadline(u.soon) // fails with the connection
	}
}

// beginStream prepares for a call whose body is on its way for as long as it
// takes: the time for the answer begins with expect.
func (u *laneUpstream) beginStream() {
	u.budget, u.patient, u.until, u.soon, u.headDone = maxAnswerHead, true, time.Time{}, time.Time{}, false
	_ = u.nc.SetReadDeadline(time.Time{}) // fails with the connection
}

// expect bounds the time until the answer begins, 0 for any time.
func (u *laneUpstream) expect(d time.Duration) {
	u.head.Lock()
	defer u.head.Unlock()
	if d > 0 && !u.headDone {
		_ = u.nc.SetReadDeadline(time.Now().Add(d)) // fails with the connection
	}
}

// wait goes on with the real deadline, and has the caller watched.
func (u *laneUpstream) wait() {
	u.patient, u.soon = true, time.Time{}
	_ = u.nc.SetReadDeadline(u.until) // fails with the connection
	u.slow()
}

// headRead lifts the limits that hold for the head alone.
func (u *laneUpstream) headRead() {
	u.head.Lock()
	defer u.head.Unlock()
	u.budget, u.until, u.headDone = -1, time.Time{}, true
	if u.patient {
		_ = u.nc.SetReadDeadline(time.Time{}) // fails with the connection
	}
}

// Read implements io.Reader.
func (u *laneUpstream) Read(p []byte) (int, error) {
	if u.budget == 0 {
		return 0, errLongHead
	}
	if u.budget > 0 {
		p = p[:min(len(p), u.budget)]
	}
	for {
		n, err := u.from.Read(p)
		if n == 0 && err != nil && !u.patient && isTimeout(err) {
			u.wait()
			continue
		}
		if u.budget > 0 {
			u.budget -= n
		}
		return n, err
	}
}
