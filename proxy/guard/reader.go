package guard

import (
	"errors"
	"io"
)

// Reader replaces the secrets in what it reads. What may be the beginning of one
// is held back until more is known; everything else goes on at once. Where
// nothing is found it works in the memory that it reads into.
type Reader struct {
	from  io.Reader
	guard *Guard
	leak  func(n int) // called for what is found
	sized bool        // the length cannot change
	left  int64       // what is to come of it; -1: any

	filter filter
	held   []byte // may begin a secret
	out    []byte // is ready, and had no room yet
	err    error
	found  []span
	room   []byte
}

// NewReader replaces the secrets in from by Mark. leak is called with the number
// of those found.
func (g *Guard) NewReader(from io.Reader, leak func(n int)) *Reader {
	return &Reader{from: from, guard: g, leak: leak, left: -1}
}

// NewSized is NewReader for length bytes, of which as many come out: a Mark is
// cut short, or filled up with asterisks, to the length of what it stands for.
func (g *Guard) NewSized(from io.Reader, length int64, leak func(n int)) *Reader {
	return &Reader{from: from, guard: g, leak: leak, sized: true, left: length}
}

// leastRead is for how many new bytes there must be room.
const leastRead = 512

// Read implements io.Reader.
func (r *Reader) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for {
		if len(r.out) > 0 {
			n := copy(p, r.out)
			r.out = r.out[n:]
			return n, nil
		}
		if r.err != nil {
			return 0, r.err
		}
		buf := p
		if len(p) < len(r.held)+leastRead {
			if cap(r.room) < len(r.held)+leastRead {
				r.room = make([]byte, max(4<<10, 2*(len(r.held)+leastRead)))
			}
			buf = r.room[:cap(r.room)]
		}
		n := copy(buf, r.held)
		m, err := r.from.Read(buf[n:r.upTo(n, len(buf))])
		ready := r.pass(buf[:n+m], m, err)
		if len(r.out) > 0 {
			continue
		}
		if &buf[0] != &p[0] {
			r.out = append(r.out, buf[:ready]...)
			continue
		}
		if ready > 0 {
			return ready, nil
		}
	}
}

// upTo bounds a read by what is to come.
func (r *Reader) upTo(n, size int) int {
	if r.left < 0 {
		return size
	}
	return n + int(min(r.left, int64(size-n)))
}

// pass makes of the held bytes and m new ones what is ready: as many bytes at the
// beginning of p, or those in r.out where there is more to it.
func (r *Reader) pass(p []byte, m int, err error) (ready int) {
	if r.sized {
		r.left -= int64(m)
	}
	whole := r.left == 0 || !r.sized && errors.Is(err, io.EOF)
	r.found = r.guard.find(p, r.found[:0])
	ready = len(p)
	switch {
	case whole:
		r.err = io.EOF
	case errors.Is(err, io.EOF):
		err = io.ErrUnexpectedEOF
		fallthrough
	default:
		r.err = err
		ready = r.guard.tail(p)
		if err != nil && len(p)-ready < MinLength {
			ready = len(p) // more would go nowhere: it may be most of a secret
		}
	}
	switch {
	case len(r.found) == 0 && r.filter.covered == 0:
	case r.sized:
		r.tell(r.filter.blot(p, ready, r.found))
	default:
		out, n := r.filter.replace(r.out[:0], p, ready, r.found)
		r.tell(n)
		r.held = append(r.held[:0], p[ready:]...)
		r.out = out
		return 0
	}
	r.held = append(r.held[:0], p[ready:]...)
	return ready
}

func (r *Reader) tell(n int) {
	if n > 0 {
		r.leak(n)
	}
}
