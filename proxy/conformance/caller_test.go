//go:build linux

package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// When the caller leaves, the upstream's connection ends.
func TestCallerLeaves(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct{ name, begin, request string }{
		{"before the answer", "", "\r\n"},
		{"in the answer", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n", "\r\n"},
		{"in a body of known length", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nx", "\r\n"},
		{"in the request's body", "", "Content-Length: 10\r\n\r\nabc"},
		{"in the request's chunks", "", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m, here, gone := mark(), make(chan bool, 1), make(chan bool, 1)
			l.rec.on(m, func(u *upstream) bool {
				u.send(tt.begin)
				here <- true
				if tt.request != "\r\n" {
					u.readBody()
				}
				gone <- u.gone()
				return false
			})
			w := dial(t, l.addr)
			w.send(l.head("POST", "rec", "/"+m) + tt.request)
			within(t, "the request at the upstream", here)
			if tt.begin != "" {
				if res, r := w.begin("POST"); res == nil {
					t.Fatalf("want the answer's beginning, got %s", r.short())
				}
			}
			_ = w.Close()
			check(t, "the upstream's connection ends", within(t, "the end of the upstream's connection", gone), true)
			if s := l.rec.once(t, m); tt.request != "\r\n" && s.whole() {
				t.Errorf("want the request cut, got %s", s)
			}
		})
	}
}

// A caller that closes its sending half, as nc -N does, gets the whole answer or
// none that looks whole; its request is made once.
func TestHalfClosed(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, body := range []string{"\r\n", "Content-Length: 5\r\n\r\nhello"} {
		m := mark()
		l.rec.on(m, func(u *upstream) bool {
			u.readBody()
			time.Sleep(100 * time.Millisecond)
			u.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			return true
		})
		w := dial(t, l.addr)
		w.send(l.head("POST", "rec", "/"+m) + body)
		w.closeWrite()
		r := w.read("POST")
		if r.status != 0 && r.short() != `200 "ok"` && r.err == nil {
			t.Errorf("want the answer or a closed connection, got %s", r.short())
		}
		if n := len(l.rec.marked(m)); n > 1 {
			t.Errorf("want one request, got %d", n)
		}
	}
}

// Large bodies go both ways whole.
func TestLargeBodies(t *testing.T) {
	t.Parallel()
	l := start(t)
	m := mark()
	big := strings.Repeat("0123456789abcdef", 256<<10) // 4 MB
	l.rec.on(m, func(u *upstream) bool {
		u.readBody()
		u.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(u.body()), u.body()))
		return true
	})
	w := dial(t, l.addr)
	go w.send(l.head("POST", "bare", "/"+m) + fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(big), big))
	r := w.read("POST")
	check(t, "4 MB there and back", fmt.Sprint(r.status, r.err, len(r.body), r.body == big), fmt.Sprint(200, nil, len(big), true))
}

// One caller that takes nothing, or sends nothing, delays nobody.
func TestSlowNeighbours(t *testing.T) {
	t.Parallel()
	l := start(t)
	for range 20 {
		_ = dial(t, l.addr)                                // silent
		dial(t, l.addr).send("GET /s/rec/x HTTP/1.1\r\nX") // stuck in its header
		m := mark()
		w := dial(t, l.addr)
		w.send(l.head("POST", "rec", "/"+m) + "Content-Length: 10\r\n\r\nabc") // in its body
	}
	began := time.Now()
	r := ask(t, l.addr, l.head("GET", "rec", "/"+mark())+"\r\n")
	check(t, "answer", r.short(), `200 "ok"`)
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("want it at once, got it after %v", took)
	}
}
