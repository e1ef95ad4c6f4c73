//go:build linux

package conformance

import (
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

// A stage is what the HTTP/2 upstream does beyond httpbin: below /stage/, by the
// mark in the path.
type stage struct {
	next http.Handler

	mu    sync.Mutex
	acts  map[string]http.HandlerFunc
	calls map[string]int
}

func newStage(next http.Handler) *stage {
	return &stage{next: next, acts: map[string]http.HandlerFunc{}, calls: map[string]int{}}
}

// on has requests to /stage/{mark} answered by f.
func (s *stage) on(mark string, f http.HandlerFunc) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.acts[mark] = f
}

// count is how many requests to a mark came.
func (s *stage) count(mark string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.calls[mark]
}

// ServeHTTP implements http.Handler.
func (s *stage) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	mark, ok := strings.CutPrefix(r.URL.Path, "/stage/")
	if !ok {
		s.next.ServeHTTP(w, r)
		return
	}
	s.mu.Lock()
	s.calls[mark]++
	act := s.acts[mark]
	s.mu.Unlock()
	act(w, r)
}

// play has an act performed for one request through Lockbox.
func play(t *testing.T, l *lab, lines string, act http.HandlerFunc) (*wire, string) {
	t.Helper()
	m := mark()
	l.stage.on(m, func(w http.ResponseWriter, r *http.Request) {
		if r.ProtoMajor != 2 {
			t.Errorf("want HTTP/2 at the upstream, got %s", r.Proto)
		}
		act(w, r)
	})
	w := dial(t, l.addr)
	w.send(l.head("POST", "bins", "/stage/"+m) + lines)
	return w, m
}

func TestHTTP2Bodies(t *testing.T) {
	t.Parallel()
	l := start(t)
	flush := func(w http.ResponseWriter) { w.(http.Flusher).Flush() }
	for _, tt := range []struct {
		name, lines string
		act         http.HandlerFunc
		want        string
	}{
		{"trailers both ways", "Transfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n5\r\nhello\r\n0\r\nX-Sum: 1\r\n\r\n", func(w http.ResponseWriter, r *http.Request) {
			body, _ := io.ReadAll(r.Body)
			w.Header().Set("Trailer", "X-End")
			_, _ = fmt.Fprintf(w, "%s %s", body, r.Trailer.Get("X-Sum"))
			w.Header().Set("X-End", "2")
		}, `200 "hello 1" [] 2 <nil>`},
		{"informational", "Content-Length: 0\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Link", "</x>; rel=preload")
			w.WriteHeader(http.StatusEarlyHints)
			_, _ = io.WriteString(w, "ok")
		}, `200 "ok" [103]  <nil>`},
		{"early answer", "Content-Length: 10000000\r\n\r\nsome", func(w http.ResponseWriter, _ *http.Request) {
			w.WriteHeader(http.StatusForbidden)
			_, _ = io.WriteString(w, "no")
		}, `403 "no" []  <nil>`},
		{"reset in a body of no length", "Content-Length: 0\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "only this")
			flush(w)
			time.Sleep(20 * time.Millisecond)
			panic(http.ErrAbortHandler)
		}, `200 "only this" []  unexpected EOF`},
		{"reset in a body of known length", "Content-Length: 0\r\n\r\n", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "100")
			_, _ = io.WriteString(w, "only this")
			flush(w)
			time.Sleep(20 * time.Millisecond)
			panic(http.ErrAbortHandler)
		}, `200 "only this" []  unexpected EOF`},
		{"reset before the answer", "Content-Length: 5\r\n\r\nhello", func(_ http.ResponseWriter, r *http.Request) {
			_, _ = io.ReadAll(r.Body)
			panic(http.ErrAbortHandler)
		}, `502 upstream_unreachable`},
		{"reset before the answer, no body", "Content-Length: 0\r\n\r\n", func(http.ResponseWriter, *http.Request) {
			panic(http.ErrAbortHandler)
		}, `502 upstream_unreachable`},
	} {
		w, m := play(t, l, tt.lines, tt.act)
		r := w.read("POST")
		got := fmt.Sprintf("%d %q %v %s %v", r.status, r.body, r.interim, r.trailer.Get("X-End"), r.err)
		if strings.HasPrefix(tt.want, "502") {
			got = fmt.Sprint(r.status, " ", r.header.Get("X-Lockbox-Error"))
		}
		check(t, tt.name, got, tt.want)
		check(t, tt.name+": requests at the upstream", l.stage.count(m), 1)
	}
}

// Both directions of a stream are open at the same time.
func TestHTTP2BothWaysAtOnce(t *testing.T) {
	t.Parallel()
	l := start(t)
	w, _ := play(t, l, "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n", func(w http.ResponseWriter, r *http.Request) {
		p := make([]byte, 1)
		for {
			n, err := r.Body.Read(p)
			_, _ = w.Write(p[:n])
			w.(http.Flusher).Flush()
			if err != nil {
				return
			}
		}
	})
	res, r := w.begin("POST")
	if res == nil {
		t.Fatalf("want an answer to the first chunk, got %s", r.short())
	}
	p := make([]byte, 1)
	for _, c := range "abc" {
		if c != 'a' {
			w.sendf("1\r\n%c\r\n", c)
		}
		_, err := io.ReadFull(res.Body, p)
		check(t, "echo", fmt.Sprint(string(p), err), string(c)+"<nil>")
	}
	w.send("0\r\n\r\n")
	_, err := io.Copy(io.Discard, res.Body)
	check(t, "end", err, nil)
}

// A caller that leaves, and one whose request is cut short, end the stream.
func TestHTTP2CallerLeaves(t *testing.T) {
	t.Parallel()
	l := start(t)
	for name, lines := range map[string]string{
		"before the answer":       "Content-Length: 0\r\n\r\n",
		"in the request's body":   "Content-Length: 10\r\n\r\nabc",
		"in the request's chunks": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
	} {
		here, gone, whole := make(chan bool, 1), make(chan bool, 1), make(chan bool, 1)
		w, m := play(t, l, lines, func(_ http.ResponseWriter, r *http.Request) {
			here <- true
			_, err := io.ReadAll(r.Body)
			whole <- err == nil
			<-r.Context().Done()
			gone <- true
		})
		within(t, name+": the request at the upstream", here)
		_ = w.Close()
		check(t, name+": whole at the upstream", within(t, name+": the body's end", whole), name == "before the answer")
		within(t, name+": the stream's end", gone)
		check(t, name+": requests at the upstream", l.stage.count(m), 1)
	}
}
