//go:build linux

package conformance

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"testing"
	"time"
)

// A request cut short, after whichever byte, never reaches the upstream as a
// whole one, and its caller is told nothing or what is wrong.
func TestCutShort(t *testing.T) {
	l := start(t)
	for _, tt := range []struct{ name, method, text string }{
		{"no body", "GET", "User-Agent: zapier\r\nAccept: application/json\r\n\r\n"},
		{"length", "POST", "Content-Type: application/json\r\nContent-Length: 15\r\n\r\n{\"hello\":\"you\"}"},
		{"chunks", "POST", "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\nX-Sum: 1\r\n\r\n"},
	} {
		for _, half := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s, half-closed %v", tt.name, half), func(t *testing.T) {
				t.Parallel()
				m := mark()
				request := l.head(tt.method, "rec", "/"+m) + tt.text
				var wg sync.WaitGroup
				for at := range len(request) {
					wg.Go(func() { cutAt(t, l, request, at, half) })
					if at%16 == 0 {
						wg.Wait()
					}
				}
				wg.Wait()
				time.Sleep(100 * time.Millisecond) // for what may still be under way
				for _, s := range l.rec.marked(m) {
					if s.whole() {
						t.Errorf("at the upstream: want nothing whole, got %s", s)
					}
				}
				// All of it is a good request: the test tests something.
				check(t, "not cut", ask(t, l.addr, request).short(), `200 "ok"`)
			})
		}
	}
}

func cutAt(t *testing.T, l *lab, request string, at int, half bool) {
	w := dial(t, l.addr)
	w.send(request[:at])
	if !half {
		_ = w.Close()
		return
	}
	w.closeWrite()
	r := w.read("POST")
	switch {
	case errors.Is(r.err, os.ErrDeadlineExceeded):
		t.Errorf("cut after %d bytes: want an end, got an open connection", at)
	case r.status != 0 && r.status != 400 && r.status != 408:
		t.Errorf("cut after %d bytes: want 400 or no answer, got %s", at, r.short())
	}
	_, _ = io.Copy(io.Discard, w.br)
	_ = w.Close()
}
