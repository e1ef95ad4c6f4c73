package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

func TestGzipUntouched(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = io.WriteString(z, strings.Repeat("hello ", 1000))
	_ = z.Close()
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("X-Accept", r.Header.Get("Accept-Encoding"))
		w.Header().Set("Content-Encoding", "gzip")
		_, _ = w.Write(packed.Bytes())
	})
	l := newLab(t, services("e", open(up.URL)))
	for _, accept := range []string{"", "gzip", "br, gzip;q=0.5"} {
		var headers []string
		if accept != "" {
			headers = []string{"Accept-Encoding", accept}
		}
		r := get(t, l.url+"/s/e/x", headers...)
		if r.body != packed.String() || r.header.Get("Content-Encoding") != "gzip" || r.header.Get("X-Accept") != accept {
			t.Errorf("asked for %q: Content-Encoding %q, Accept-Encoding %q at the upstream, %d bytes of %d", accept, r.header.Get("Content-Encoding"), r.header.Get("X-Accept"), len(r.body), packed.Len())
		}
		if x := l.exchanges(t)[0]; x.ResponseBody == nil || !strings.HasPrefix(x.ResponseBody.Text, "hello hello") {
			t.Errorf("the record's body is %+v, want it unpacked", x.ResponseBody)
		}
	}
}

func TestTrailers(t *testing.T) {
	var got atomic.Value
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Trailer", "X-Announced")
		_, _ = io.Copy(io.Discard, r.Body)
		got.Store(fmt.Sprint(r.Trailer))
		_, _ = io.WriteString(w, "body")
		w.Header().Set("X-Announced", "1")
		w.Header().Set(http.TrailerPrefix+"X-Unannounced", "2")
	})
	l := newLab(t, services("e", open(up.URL, `"credential": {"type": "headers", "headers": {"X-Api-Key": "real-key-0001"}}`)))
	r := raw(t, l.addr, "POST /s/e/x HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum, X-Api-Key, X-Forwarded-For\r\n\r\n4\r\nbody\r\n0\r\nX-Sum: abc\r\nX-Api-Key: mine\r\nX-Forwarded-For: 1.2.3.4\r\nX-Unannounced: 1\r\n\r\n")
	if want := "map[X-Sum:[abc]]"; got.Load() != want {
		t.Errorf("the upstream got trailers %v, want %s", got.Load(), want)
	}
	if want := (http.Header{"X-Announced": {"1"}, "X-Unannounced": {"2"}}); fmt.Sprint(r.trailer) != fmt.Sprint(want) || r.body != "body" {
		t.Errorf("the caller got %q and trailers %v, want %v", r.body, r.trailer, want)
	}
}

// Expect: 100-continue goes through: a caller whose upload is refused does not
// send it.
func TestContinue(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("X-Refuse") != "" {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		n, _ := io.Copy(io.Discard, r.Body)
		printf(w, "%d", n)
	})
	l := newLab(t, services("e", open(up.URL), "shut", shut(up.URL)))
	for _, tt := range []struct {
		name, service, header string
		lines                 []string // status lines, in order
	}{
		{"accepted", "e", "", []string{"100", "200"}},
		{"refused by the upstream", "e", "X-Refuse: 1\r\n", []string{"403"}},
		{"refused by Lockbox", "shut", "", []string{"401"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			conn, err := net.Dial("tcp", l.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			began := time.Now()
			printf(conn, "PUT /s/%s/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n%s\r\n", tt.service, tt.header)
			br := bufio.NewReader(conn)
			for _, want := range tt.lines {
				res, err := http.ReadResponse(br, nil)
				if err != nil {
					t.Fatal(err)
				}
				if got := fmt.Sprint(res.StatusCode); got != want {
					t.Fatalf("status %s, want %s", got, want)
				}
				if want == "100" {
					_, _ = io.WriteString(conn, "hello")
					continue
				}
				if body := finish(res).body; want == "200" && body != "5" {
					t.Errorf("the upstream got %q bytes, want 5", body)
				}
			}
			if took := time.Since(began); took > 800*time.Millisecond {
				t.Errorf("took %v: the upstream's word was not waited for, but a timeout", took)
			}
		})
	}
}

// Informational answers go through.
func TestEarlyHints(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Link", "</a.css>; rel=preload")
		w.WriteHeader(http.StatusEarlyHints)
		w.Header().Del("Link")
		_, _ = io.WriteString(w, "ok")
	})
	l := newLab(t, services("e", open(up.URL)))
	conn, err := net.Dial("tcp", l.addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
	printf(conn, "GET /s/e/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
	br := bufio.NewReader(conn)
	for _, want := range []int{103, 200} {
		res, err := http.ReadResponse(br, nil)
		if err != nil || res.StatusCode != want {
			t.Fatalf("%v, %v; want %d", res, err, want)
		}
	}
}

func TestHTTP2Upstream(t *testing.T) {
	up := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("Trailer", "X-T")
		printf(w, "%s %s %s %s", r.Proto, r.Method, r.RequestURI, body)
		w.Header().Set("X-T", "end")
	}))
	up.EnableHTTP2 = true
	up.StartTLS()
	t.Cleanup(up.Close)
	l := newLab(t, services("e", open(up.URL)), func(l *lab) { l.outward.roots = trust(up) })
	r := raw(t, l.addr, "POST /s/e/a%2Fb;{}?q=%zz HTTP/1.1\r\nHost: localhost\r\nContent-Length: 4\r\n\r\nbody")
	if want := "HTTP/2.0 POST /a%2Fb;{}?q=%zz body"; r.body != want || r.trailer.Get("X-T") != "end" {
		t.Errorf("%d %q, trailers %v; want %q and X-T", r.status, r.body, r.trailer, want)
	}
	if x := l.exchanges(t)[0]; x.Decision != audit.Allowed || x.BytesIn != 4 {
		t.Errorf("record %+v", x)
	}
}

func trust(srv *httptest.Server) *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(srv.Certificate())
	return pool
}

// Events reach the caller as they happen, and the record waits for the end.
func TestServerSentEvents(t *testing.T) {
	next := make(chan bool)
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		w.(http.Flusher).Flush()
		for i := 0; <-next; i++ {
			printf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
		}
	})
	l := newLab(t, services("e", open(up.URL)))
	res, err := client.Do(request(t, "GET", l.url+"/s/e/events", nil)) // returns with the header
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	br := bufio.NewReader(res.Body)
	for i := range 5 {
		sent := time.Now()
		next <- true
		line, err := br.ReadString('\n')
		if want := fmt.Sprintf("data: %d\n", i); line != want || err != nil {
			t.Fatalf("%q, %v; want %q", line, err, want)
		}
		if took := time.Since(sent); took > time.Second {
			t.Errorf("event %d took %v", i, took)
		}
		_, _ = br.ReadString('\n')
	}
	if n := l.InFlight(); n != 1 {
		t.Errorf("%d calls in flight, want 1", n)
	}
	if xs := l.exchanges(t); len(xs) != 0 {
		t.Errorf("on record before its end: %+v", xs)
	}
	close(next)
	if _, err := io.Copy(io.Discard, br); err != nil {
		t.Fatal(err)
	}
	if xs := l.exchanges(t); len(xs) != 1 || xs[0].BytesOut != 5*9 {
		t.Errorf("records %+v", xs)
	}
}

// A large body goes both ways whole, and only its beginning stays.
func TestLargeBodies(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.WriteHeader(200)
		_ = http.NewResponseController(w).EnableFullDuplex()
		_, _ = io.Copy(w, r.Body)
	})
	l := newLab(t, services("e", open(up.URL)))
	const size = 32 << 20
	res, err := client.Do(request(t, "POST", l.url+"/s/e/x", io.LimitReader(endless{}, size)))
	if err != nil {
		t.Fatal(err)
	}
	n, err := io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	if n != size || err != nil {
		t.Errorf("%d bytes came back, %v; want %d", n, err, size)
	}
	x := l.exchanges(t)[0]
	if x.BytesIn != size || x.BytesOut != size || x.RequestBody == nil || !x.RequestBody.Truncated || len(x.RequestBody.Text) > audit.BodyLimit || x.ResponseBody.Size != size {
		t.Errorf("record of %d and %d bytes, bodies cut %v", x.BytesIn, x.BytesOut, x.RequestBody != nil && x.RequestBody.Truncated)
	}
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'x'
	}
	return len(p), nil
}

// A caller that sends slowly, and an upstream that thinks for longer than any
// deadline between bytes, are nothing to break off.
func TestSlowIsNotStalled(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		time.Sleep(300 * time.Millisecond)
		printf(w, "%d", n)
		w.(http.Flusher).Flush()
		time.Sleep(300 * time.Millisecond)
		printf(w, " end")
	})
	l := newLab(t, services("e", open(up.URL)), func(l *lab) { l.stall = 150 * time.Millisecond })
	for range 2 { // the second on the same connection
		pr, pw := io.Pipe()
		go func() {
			for range 5 {
				time.Sleep(60 * time.Millisecond)
				_, _ = pw.Write([]byte("x"))
			}
			_ = pw.Close()
		}()
		r := do(t, request(t, "POST", l.url+"/s/e/x", pr))
		if r.err != nil || r.status != 200 || !strings.HasSuffix(r.body, " end") {
			t.Errorf("%+v", r)
		}
	}
}

// The read time-out is for the answer to begin, not to end.
func TestReadTimeoutIsNotForBodies(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		for range 4 {
			_, _ = io.WriteString(w, "x")
			w.(http.Flusher).Flush()
			time.Sleep(60 * time.Millisecond)
		}
	})
	l := newLab(t, services("e", open(up.URL, `"read_timeout": 0.1`)))
	if r := get(t, l.url+"/s/e/x"); r.status != 200 || r.body != "xxxx" || r.err != nil {
		t.Errorf("%+v", r)
	}
}

// An upstream may answer before it has the whole body, and the caller gets that
// answer without sending the rest.
func TestEarlyAnswer(t *testing.T) {
	up := rawUpstream(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		printf(c, "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
	})
	l := newLab(t, services("e", open(up)))
	for name, length := range map[string]string{"length": "Content-Length: 10000000\r\n\r\nabc", "chunked": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"} {
		began := time.Now()
		r := raw(t, l.addr, "POST /s/e/x HTTP/1.1\r\nHost: localhost\r\n"+length)
		if r.status != 413 || r.body != "big" || time.Since(began) > 2*time.Second {
			t.Errorf("%s: %+v after %v", name, r, time.Since(began))
		}
	}
	for _, x := range l.exchanges(t) {
		if x.Status != 413 || x.Decision != audit.Allowed {
			t.Errorf("record %+v", x)
		}
	}
}
