package proxy

import (
	"net"
	"runtime"
	"syscall"
	"time"
)

// pollTime is how long the next bytes of a lone call are asked for before its
// goroutine sleeps. Between programs on one machine an answer is back in less
// than it takes a core to fall asleep and wake up, which is then most of the
// call.
const pollTime = 100 * time.Microsecond

// pollRow is how often in a row it is done. Only a goroutine that sleeps lets the
// runtime look at the network for all others.
const pollRow = 32

// eager reads from a connection. Where the bytes before came quickly, and nobody
// else is connected, it polls for the next ones. An upstream in another
// place is never so quick, and costs nothing.
type eager struct {
	net.Conn
	lone  func() bool // nothing else is under way
	raw   syscall.RawConn
	quick bool
	row   int // polls in a row that found something

	try func(fd uintptr) bool // poll, bound once
	p   []byte
	n   int
}

func newEager(nc net.Conn, lone func() bool) *eager {
	e := &eager{Conn: nc, lone: lone}
	if sc, ok := nc.(syscall.Conn); ok {
		e.raw, _ = sc.SyscallConn() // nil: it never polls
	}
	e.try = e.poll
	return e
}

// Read implements io.Reader.
func (e *eager) Read(p []byte) (int, error) {
	if !e.lone() {
		return e.Conn.Read(p)
	}
	start := time.Now()
	if e.quick && e.raw != nil && e.row < pollRow {
		e.p = p
		for time.Since(start) < pollTime && e.lone() {
			if e.n = 0; e.raw.Read(e.try) != nil || e.n < 0 {
				break // the error is Read's to tell
			}
			if e.n > 0 {
				e.p = nil
				e.row++
				return e.n, nil
			}
			runtime.Gosched()
		}
		e.p = nil
	}
	e.row = 0
	n, err := e.Conn.Read(p)
	e.quick = time.Since(start) < 2*pollTime // waking up is part of it
	return n, err
}
