package proxy

import (
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"sync"
	"time"

	"lockbox/proxy/config"
)

const (
	// freeTries are the wrong calls of an address that are answered at once; from
	// then on each waits a step longer than the one before.
	freeTries = 5
	slowStep  = 100 * time.Millisecond
	slowMost  = 2 * time.Second
	// slowAtOnce is how many calls of an address wait at a time. They hold
	// connections, which others need too: more are not let wait.
	slowAtOnce = 8
	// turn is what lies between two refusals to an address that had too many: it
	// must not take the time that others need.
	turn = 5 * time.Millisecond
	// hangUp in place of a pause: too many wait. Answered at once on a connection that
	// stays, more callers at a time would mean more guesses; a new one costs them.
	hangUp = -1
	// known is how long an address counts as one that good calls come from. Callers
	// of a workflow platform share its addresses: one of them who guesses must not
	// shut out the others, so such an address is slowed and no more.
	known = 24 * time.Hour
	// mostWatched bounds the addresses that are remembered.
	mostWatched = 10_000
)

// brake stops callers on the public side who guess: an address from which wrong
// calls come in numbers is slowed, and then locked out for a while.
type brake struct {
	mu sync.Mutex
	by map[netip.Prefix]*watched
}

// watched is what is remembered of an address.
type watched struct {
	wrong int       // calls since
	since time.Time // the first of them
	until time.Time // it is locked out
	good  time.Time // the last call that was let in
	slow  int       // calls that wait
	next  time.Time // the turn of the next refusal
}

// Lockout is an address that is locked out.
type Lockout struct {
	Address string // or its network
	Until   time.Time
}

func newBrake() *brake { return &brake{by: map[netip.Prefix]*watched{}} }

// addressOf is the address, or of IPv6 the network, that a caller's calls are
// counted by. It is not valid for this computer's own: that is a tunnel which does
// not say who calls.
func addressOf(remote string) (p netip.Prefix, addr netip.Addr) {
	addr, err := netip.ParseAddr(remote)
	if err != nil {
		ap, err := netip.ParseAddrPort(remote)
		if err != nil {
			return netip.Prefix{}, netip.Addr{}
		}
		addr = ap.Addr()
	}
	addr = addr.Unmap().WithZone("")
	if addr.IsLoopback() {
		return netip.Prefix{}, addr
	}
	bits := 32
	if addr.Is6() {
		bits = 64
	}
	p, _ = addr.Prefix(bits)
	return p, addr
}

// lockedOut is how long an address is locked out yet, and how long the refusal is
// to wait; 0 is not locked out.
func (b *brake) lockedOut(p netip.Prefix) (left, pause time.Duration) {
	if !p.IsValid() {
		return 0, 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w, now := b.by[p], time.Now()
	if w == nil || !w.until.After(now) {
		return 0, 0
	}
	return w.until.Sub(now), w.turn(now)
}

// turn is how long the next refusal is to wait, or hangUp: more than so many do not
// wait at a time.
func (w *watched) turn(now time.Time) time.Duration {
	if w.next.Before(now) {
		w.next = now
	}
	pause := w.next.Sub(now)
	if pause > slowMost {
		return hangUp
	}
	w.next = w.next.Add(turn)
	return pause
}

// good notes a call that was let in.
func (b *brake) good(p netip.Prefix) {
	if !p.IsValid() {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.watch(p).good = time.Now()
}

// wrong notes a call that was not let in. It says how long the answer is to wait,
// after which waited is called if there is one, and whether the address is locked out from now on.
func (b *brake) wrong(p netip.Prefix, limit config.Brake) (pause, lockout time.Duration, waited func()) {
	if !p.IsValid() || limit.Failures == 0 {
		return 0, 0, nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	w, now := b.watch(p), time.Now()
	if now.Sub(w.since) > limit.Per {
		w.wrong, w.since = 0, now
	}
	w.wrong++
	switch {
	case w.until.After(now): // it was under way
		return w.turn(now), 0, nil
	case w.wrong > limit.Failures && now.Sub(w.good) <= known:
		return w.turn(now), 0, nil
	case w.wrong > limit.Failures:
		w.wrong, w.until = 0, now.Add(limit.Lockout)
		return 0, limit.Lockout, nil
	case w.wrong <= freeTries || w.slow >= slowAtOnce:
		return 0, 0, nil
	}
	w.slow++
	pause = min(time.Duration(w.wrong-freeTries)*slowStep, slowMost)
	return pause, 0, func() {
		b.mu.Lock()
		defer b.mu.Unlock()
		w.slow--
	}
}

// watch is what is remembered of an address. b.mu is held.
func (b *brake) watch(p netip.Prefix) *watched {
	w := b.by[p]
	if w == nil {
		if len(b.by) >= mostWatched {
			b.forget()
		}
		w = &watched{}
		b.by[p] = w
	}
	return w
}

// forget makes room: first by those that are of no consequence now.
func (b *brake) forget() {
	now := time.Now()
	for p, w := range b.by {
		if w.slow == 0 && !w.until.After(now) && now.Sub(w.good) > known && now.Sub(w.since) > time.Minute {
			delete(b.by, p)
		}
	}
	for p := range b.by {
		if len(b.by) < mostWatched*3/4 { // so that this is rare
			return
		}
		delete(b.by, p)
	}
}

// Lockouts are the addresses that are locked out now.
func (s *Server) Lockouts() []Lockout {
	s.brake.mu.Lock()
	defer s.brake.mu.Unlock()
	var all []Lockout
	for p, w := range s.brake.by {
		if w.until.After(time.Now()) {
			all = append(all, Lockout{networkName(p), w.until})
		}
	}
	return all
}

func networkName(p netip.Prefix) string {
	if p.IsSingleIP() {
		return p.Addr().String()
	}
	return p.String()
}

// errLockedOut is the answer to a caller that is locked out, whatever it asks for.
var errLockedOut = refuse(http.StatusTooManyRequests, "locked_out", "Too many wrong calls", "Too many calls without a valid service token came from this address. Try again later.")

// refuseLockedOut turns a caller away without a look at what it brings.
func refuseLockedOut(w http.ResponseWriter, r *http.Request, rec *record, left, pause time.Duration) {
	wait(w, r, pause)
	w.Header().Set("Retry-After", strconv.Itoa(int(left.Seconds())+1))
	rec.refuse(w, errLockedOut)
}

// wait lets some time pass before an answer, unless the caller leaves.
func wait(w http.ResponseWriter, r *http.Request, pause time.Duration) {
	if pause == hangUp {
		w.Header().Set("Connection", "close")
	}
	if pause <= 0 {
		return
	}
	timer := time.NewTimer(pause)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-r.Context().Done():
		w.Header().Set("Connection", "close") // or the next guess on it would not wait either
	}
}

// braked waits as long as an answer to a wrong call has to, and says what is to be
// added to its record.
func (s *Server) braked(w http.ResponseWriter, r *http.Request, p netip.Prefix, limit config.Brake) string {
	pause, lockout, waited := s.brake.wrong(p, limit)
	wait(w, r, pause)
	if waited != nil {
		waited()
	}
	if lockout == 0 {
		return ""
	}
	address := networkName(p)
	s.log.Warn("an address is locked out of the public side: too many wrong calls", "address", address, "for", lockout)
	if s.opts.OnLockout != nil {
		s.opts.OnLockout(Lockout{address, time.Now().Add(lockout)})
	}
	return fmt.Sprintf(" With this call, %s is locked out for %v.", address, lockout)
}
