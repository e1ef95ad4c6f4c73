//go:build unix

package proxy

import (
	"errors"
	"net"
	"syscall"
)

// lanes says whether connections can be kept: whether quiet can tell.
const lanes = true

// quiet reports whether an idle connection is open and nothing came on it: an
// upstream that closed it, or speaks unasked, is not to be called on it.
func quiet(nc net.Conn) bool {
	sc, ok := nc.(syscall.Conn)
	if !ok {
		return false
	}
	raw, err := sc.SyscallConn()
	if err != nil {
		return false
	}
	alive := false
	// Control and not Read, which would fail by a deadline that has passed.
	err = raw.Control(func(fd uintptr) {
		var b [1]byte
		_, _, err := syscall.Recvfrom(int(fd), b[:], syscall.MSG_PEEK|syscall.MSG_DONTWAIT) //nolint:gosec // a descriptor fits
		alive = errors.Is(err, syscall.EAGAIN)

	})
	return err == nil && alive
}

// poll reads what there is: n is 0 when there is nothing, -1 when there was an
// error or the end.
func (e *eager) poll(fd uintptr) bool {
	n, err := syscall.Read(int(fd), e.p) //nolint:gosec // a descriptor fits
	switch {
	case n > 0:
		e.n = n
	case errors.Is(err, syscall.EAGAIN), errors.Is(err, syscall.EINTR):
		e.n = 0
	default:
		e.n = -1
	}
	return true
}
