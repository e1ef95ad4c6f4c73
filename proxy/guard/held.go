package guard

import (
	"errors"
	"io"
	"sync"
	"time"
)

// patience is how long an answer is held for its body to be there whole. One that
// takes longer goes on as it comes.
const patience = 100 * time.Millisecond

// held is a body of a known, small length that is being read.
type held struct {
	buf   []byte
	more  chan struct{} // something came; of room for one
	whole chan struct{} // closed at the end

	mu  sync.Mutex
	n   int // bytes that are there
	err error

	at int // bytes that were read from here
}

// hold reads n bytes, whether or not anyone waits for them.
func hold(from io.Reader, n int64) *held {
	h := &held{buf: make([]byte, n), more: make(chan struct{}, 1), whole: make(chan struct{})}
	go func() {
		defer close(h.whole)
		for at := 0; ; {
			m, err := from.Read(h.buf[at:])
			at += m
			if at == len(h.buf) {
				err = io.EOF
			} else if errors.Is(err, io.EOF) {
				err = io.ErrUnexpectedEOF
			}
			h.mu.Lock()
			h.n, h.err = at, err
			h.mu.Unlock()
			select {
			case h.more <- struct{}{}:
			default:
			}
			if err != nil {
				return
			}
		}
	}()
	return h
}

// wait waits for the end, for as long as patience lasts, and reports whether all
// of the body is there.
func (h *held) wait() bool {
	timer := time.NewTimer(patience)
	defer timer.Stop()
	select {
	case <-h.whole:
		return errors.Is(h.err, io.EOF)
	case <-timer.C:
		return false
	}
}

// Read implements io.Reader.
func (h *held) Read(p []byte) (int, error) {
	for {
		h.mu.Lock()
		n, err := copy(p, h.buf[h.at:h.n]), h.err
		h.at += n
		left := h.n - h.at
		h.mu.Unlock()
		switch {
		case n > 0 || len(p) == 0:
			return n, nil
		case err != nil && left == 0:
			return 0, err
		}
		<-h.more
	}
}

// close waits for the reading to end, after what is read was closed.
func (h *held) close() { <-h.whole }
