package proxy

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

// Path and query arrive byte for byte, below the base URL.
func TestTargets(t *testing.T) {
	up := echo(t)
	host := strings.TrimPrefix(up.URL, "http://")
	l := newLab(t, services("root", open(up.URL), "v1", open(up.URL+"/v1"), "odd", open(up.URL+"/a%2Fb"), "my service", open(up.URL), "服务", open(up.URL)))
	for target, want := range map[string]string{
		"/s/root":                         "/",
		"/s/root/":                        "/",
		"/s/root?":                        "/?",
		"/s/root?x=1":                     "/?x=1",
		"/s/v1":                           "/v1",
		"/s/v1/":                          "/v1/",
		"/s/v1/a/b":                       "/v1/a/b",
		"/s/odd/c%2Fd":                    "/a%2Fb/c%2Fd",
		"/s/root/a%2Fb%2fc":               "/a%2Fb%2fc",
		"/s/root/a//b///":                 "/a//b///",
		"/s/root/a;v=1;w/b;":              "/a;v=1;w/b;",
		"/s/root/a+b%20c":                 "/a+b%20c",
		"/s/root/%7euser/~user":           "/%7euser/~user",
		"/s/root/%E2%82%AC":               "/%E2%82%AC",
		"/s/root/\xe2\x82\xac":            "/\xe2\x82\xac",
		"/s/root/{id}|^`\"<>[]":           "/{id}|^`\"<>[]",
		"/s/root/@:!$&'()*,=":             "/@:!$&'()*,=",
		"/s/root/./a":                     "/./a",
		"/s/root/100%25":                  "/100%25",
		"/s/root/s/root/x":                "/s/root/x",
		"/s/root/x?a=1&a=2&b":             "/x?a=1&a=2&b",
		"/s/root/x?a;b;c=%zz&%":           "/x?a;b;c=%zz&%",
		"/s/root/x?":                      "/x?",
		"/s/root/x??y=?":                  "/x??y=?",
		"/s/root/x?q=../..//%2e%2e\\":     "/x?q=../..//%2e%2e\\",
		"/s/root/x?a=b+c%20d&e=\xff{}|\"": "/x?a=b+c%20d&e=\xff{}|\"",
		"/s/my%20service/x":               "/x",
		"/s/%E6%9C%8D%E5%8A%A1/x":         "/x",
		"/s/服务/x":                         "/x",
	} {
		r := raw(t, l.addr, "GET "+target+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
		got := r.seen(t)
		if strings.ToValidUTF8(want, "\ufffd") != got.Target || got.Host != host {
			t.Errorf("%q arrived as %q at %q, want %q at %q", target, got.Target, got.Host, want, host)
		}
	}
}

func TestMethodsAndBodies(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("e", open(up.URL)))
	for _, method := range []string{"GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND", "QUERY", "get", "M-SEARCH"} {
		for name, body := range map[string]io.Reader{
			"none": nil, "length": strings.NewReader("a=1&b=2"), "chunked": io.MultiReader(strings.NewReader("a=1&"), strings.NewReader("b=2")),
		} {
			got := do(t, request(t, method, l.url+"/s/e/x", body, "Content-Type", "text/x-odd")).seen(t)
			want, length, encoding := "a=1&b=2", int64(7), []string(nil)
			switch name {
			case "none":
				want, length = "", 0
			case "chunked":
				length, encoding = -1, []string{"chunked"}
			}
			if got.Method != method || got.Body != want || got.Length != length || !slices.Equal(got.Encoding, encoding) || got.Header.Get("Content-Type") != "text/x-odd" {
				t.Errorf("%s, body %s: the upstream got %+v", method, name, got)
			}
		}
	}
	x := l.exchanges(t)[0]
	if x.Decision != audit.Allowed || x.BytesOut == 0 || x.ResponseBody == nil || !strings.Contains(x.ResponseBody.Text, "M-SEARCH") {
		t.Errorf("record %+v", x)
	}
}

func TestHead(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1234567")
		w.Header().Set("X-Method", r.Method)
	})
	l := newLab(t, services("e", open(up.URL)))
	r := do(t, request(t, "HEAD", l.url+"/s/e/x", nil))
	if r.status != 200 || r.header.Get("Content-Length") != "1234567" || r.header.Get("X-Method") != "HEAD" || r.body != "" {
		t.Errorf("%+v", r)
	}
	if x := l.exchanges(t); len(x) != 1 || x[0].Decision != audit.Allowed || x[0].BytesOut != 0 {
		t.Errorf("record %+v", x)
	}
}

func TestRequestHeaders(t *testing.T) {
	up := echo(t)
	l := newLab(t, services(
		"e", open(up.URL),
		"keyed", open(up.URL, `"credential": {"type": "headers", "headers": {"x-api-key": "real-key-0001", "Authorization": "Key real-key-0002"}}`),
	))
	send := func(service string, lines ...string) http.Header {
		t.Helper()
		return raw(t, l.addr, "GET /s/"+service+"/x HTTP/1.1\r\nHost: localhost\r\n"+strings.Join(append(lines, "", ""), "\r\n")).seen(t).Header
	}
	for _, tt := range []struct {
		name    string
		service string
		lines   []string
		want    http.Header
	}{
		{"nothing is made up", "e", nil, http.Header{}},
		{"the caller's go through", "e",
			[]string{"User-Agent: curl/8", "Accept: a/b", "Accept: c/d", "Accept-Encoding: br;q=1.0, zstd", "X-Custom: 1", "Range: bytes=0-1", "If-None-Match: \"x\"", "Cookie: a=b", "Authorization: Bearer mine", "Origin-Trial: x"},
			http.Header{"User-Agent": {"curl/8"}, "Accept": {"a/b", "c/d"}, "Accept-Encoding": {"br;q=1.0, zstd"}, "X-Custom": {"1"}, "Range": {"bytes=0-1"}, "If-None-Match": {`"x"`}, "Cookie": {"a=b"}, "Authorization": {"Bearer mine"}, "Origin-Trial": {"x"}}},
		{"hop-by-hop ones do not", "e",
			[]string{"Connection: keep-alive, X-Hop, x-other", "X-Hop: 1", "X-Other: 2", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive", "Proxy-Authorization: Basic eA==", "TE: gzip", "Trailer: X-T", "X-Stays: 3"},
			http.Header{"X-Stays": {"3"}}},
		{"TE: trailers does", "e", []string{"TE: trailers, deflate", "Connection: TE"}, http.Header{"Te": {"trailers"}}},
		{"forwarding ones do not", "e",
			[]string{"X-Forwarded-For: 1.2.3.4", "X-Forwarded-Host: h", "X-Forwarded-Proto: https", "X-Forwarded-Prefix: /p", "X_Forwarded_For: 1.2.3.4", "Forwarded: for=1.2.3.4", "Via: 1.1 proxy", "Ngrok-Skip-Browser-Warning: 1", "Ngrok-Trace-Id: 1", "X-Lockbox-Token: x", "X-Lockbox-Error: x"},
			http.Header{}},
		{"h2c does not", "e", []string{"Connection: Upgrade, HTTP2-Settings", "Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"}, http.Header{}},
		{"h2c without Connection does not", "e", []string{"Upgrade: h2c", "HTTP2-Settings: AAMAAABkAAQAAP__"}, http.Header{}},
		{"an unprintable Upgrade does not", "e", []string{"Connection: Upgrade", "Upgrade: \xff"}, http.Header{}},
		{"a browser's cookies do not", "e",
			[]string{"Cookie: session=1", "Sec-Fetch-Site: same-origin", "Sec-Fetch-Mode: cors"},
			http.Header{"Sec-Fetch-Site": {"same-origin"}, "Sec-Fetch-Mode": {"cors"}}},
		{"the credential's take the place of the caller's", "keyed",
			[]string{"X-Api-Key: mine", "X_Api_Key: mine", "x-api-key: mine2", "Authorization: Bearer mine"},
			http.Header{"X-Api-Key": {"real-key-0001"}, "Authorization": {"Key real-key-0002"}}},
		{"the caller cannot have the credential dropped", "keyed",
			[]string{"Connection: X-Api-Key, Authorization, close"},
			http.Header{"X-Api-Key": {"real-key-0001"}, "Authorization": {"Key real-key-0002"}}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := send(tt.service, tt.lines...)
			if fmt.Sprint(got) != fmt.Sprint(tt.want) {
				t.Errorf("the upstream got %v\nwant %v", got, tt.want)
			}
		})
	}
}

func TestResponseHeaders(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["Content-Type"] = nil
		for _, name := range []string{"Access-Control-Allow-Origin", "Access-Control-Allow-Credentials", "Access-Control-Allow-Private-Network", "X-Lockbox-Error", "Alt-Svc", "Keep-Alive", "X-Hop"} {
			h.Set(name, "x")
		}
		h.Set("Connection", "X-Hop")
		h["Set-Cookie"] = []string{"a=1", "b=2"}
		h.Set("X-Ratelimit-Remaining", "7")
		h.Set("Server", "up/1")
		w.WriteHeader(418)
		_, _ = io.WriteString(w, "<html>teapot")
	})
	l := newLab(t, services("e", open(up.URL)))
	r := get(t, l.url+"/s/e/x")
	r.header.Del("Date")
	want := http.Header{"Set-Cookie": {"a=1", "b=2"}, "X-Ratelimit-Remaining": {"7"}, "Server": {"up/1"}, "Content-Length": {"12"}}
	if r.status != 418 || fmt.Sprint(r.header) != fmt.Sprint(want) || r.body != "<html>teapot" {
		t.Errorf("%d %v %q, want 418 %v", r.status, r.header, r.body, want)
	}
	// What one service serves must not call the others from the person's browser.
	r = get(t, l.url+"/s/e/x", "Sec-Fetch-Site", "none")
	if csp := r.header.Get("Content-Security-Policy"); csp != "sandbox" {
		t.Errorf("Content-Security-Policy %q for a browser, want sandbox", csp)
	}
}

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
		fmt.Fprint(w, n)
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
			fmt.Fprintf(conn, "PUT /s/%s/x HTTP/1.1\r\nHost: localhost\r\nExpect: 100-continue\r\nContent-Length: 5\r\n%s\r\n", tt.service, tt.header)
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
	fmt.Fprint(conn, "GET /s/e/x HTTP/1.1\r\nHost: localhost\r\n\r\n")
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
		fmt.Fprintf(w, "%s %s %s %s", r.Proto, r.Method, r.RequestURI, body)
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
			fmt.Fprintf(w, "data: %d\n\n", i)
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

// When the caller leaves, the upstream's call ends with it.
func TestCallerAborts(t *testing.T) {
	ended := make(chan struct{}, 2)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/streaming" {
			_, _ = io.WriteString(w, "beginning")
			w.(http.Flusher).Flush()
		}
		<-r.Context().Done()
		ended <- struct{}{}
	})
	l := newLab(t, services("e", open(up.URL)))
	for path, want := range map[string]int{"/streaming": 200, "/waiting": statusCallerGone} {
		conn, err := net.Dial("tcp", l.addr)
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintf(conn, "GET /s/e%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
		if path == "/streaming" {
			if _, err := conn.Read(make([]byte, 1)); err != nil {
				t.Fatal(err)
			}
		} else {
			time.Sleep(50 * time.Millisecond)
		}
		_ = conn.Close()
		select {
		case <-ended:
		case <-time.After(5 * time.Second):
			t.Fatalf("%s: the upstream's call goes on", path)
		}
		x := l.eventually(t, path, func(x audit.Exchange) bool { return strings.HasSuffix(x.Path, path) })
		if x.Decision != audit.Failed || x.Status != want || !strings.HasPrefix(x.Reason, "caller_aborted") {
			t.Errorf("%s: record %d %s %q, want %d failed caller_aborted", path, x.Status, x.Decision, x.Reason, want)
		}
	}
}

// An answer that the upstream breaks off must not look whole to the caller.
func TestUpstreamAborts(t *testing.T) {
	for name, answer := range map[string]string{
		"length":         "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nonly this",
		"chunked":        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
		"within a chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nonly this",
	} {
		t.Run(name, func(t *testing.T) {
			up := rawUpstream(t, func(c net.Conn) {
				_, _ = http.ReadRequest(bufio.NewReader(c))
				_, _ = io.WriteString(c, answer)
			})
			l := newLab(t, services("e", open(up)))
			r := get(t, l.url+"/s/e/x")
			if r.err == nil {
				t.Errorf("the caller took %q for the whole answer", r.body)
			}
			x := l.eventually(t, "the call", func(audit.Exchange) bool { return true })
			if x.Decision != audit.Failed || x.Status != 200 || !strings.HasPrefix(x.Reason, "upstream_aborted") || x.ResponseBody == nil || x.ResponseBody.Text != "only this" {
				t.Errorf("record %+v %+v", x, x.ResponseBody)
			}
		})
	}
}

// A request that the caller cuts short is its fault, and never reaches the
// upstream as a whole one.
func TestRequestCutShort(t *testing.T) {
	for name, text := range map[string]string{
		"length":    "Content-Length: 100\r\n\r\nonly this",
		"chunked":   "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n",
		"bad chunk": "Transfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\nxyz\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			whole := make(chan bool, 4)
			up := upstreamOf(t, func(_ http.ResponseWriter, r *http.Request) {
				_, err := io.Copy(io.Discard, r.Body)
				whole <- err == nil
			})
			l := newLab(t, services("e", open(up.URL)))
			conn, err := net.Dial("tcp", l.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
			fmt.Fprintf(conn, "POST /s/e/x HTTP/1.1\r\nHost: localhost\r\n%s", text)
			time.Sleep(50 * time.Millisecond)
			_ = conn.(*net.TCPConn).CloseWrite()
			if res, err := http.ReadResponse(bufio.NewReader(conn), nil); err == nil {
				if r := finish(res); r.status != 400 || r.code(t) != "bad_body" {
					t.Errorf("the caller got %d %s", r.status, r.body)
				}
			} else if name == "bad chunk" {
				t.Errorf("no answer: %v", err)
			}
			x := l.eventually(t, "the call", func(audit.Exchange) bool { return true })
			if x.Status != 400 || x.Decision != audit.Failed || x.BytesIn != 9 {
				t.Errorf("record %+v", x)
			}
			select {
			case ok := <-whole:
				if ok {
					t.Error("the upstream took it for a whole request")
				}
			case <-time.After(100 * time.Millisecond):
			}
		})
	}
}

// A caller that stops sending, or taking, does not hold the upstream for ever.
func TestStalledCallers(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Method == "GET" {
			_, _ = io.Copy(w, io.LimitReader(endless{}, 256<<20))
			return
		}
		_, _ = io.Copy(io.Discard, r.Body)
	})
	l := newLab(t, services("e", open(up.URL)), func(l *lab) { l.stall = 200 * time.Millisecond })
	for name, text := range map[string]string{
		"does not send": "POST /s/e/x HTTP/1.1\r\nHost: localhost\r\nContent-Length: 5\r\n\r\nabc",
		"does not take": "GET /s/e/x HTTP/1.1\r\nHost: localhost\r\n\r\n",
	} {
		t.Run(name, func(t *testing.T) {
			conn, err := net.Dial("tcp", l.addr)
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			before := len(l.exchanges(t))
			_, _ = io.WriteString(conn, text)
			for end := time.Now().Add(5 * time.Second); len(l.exchanges(t)) == before; time.Sleep(10 * time.Millisecond) {
				if time.Now().After(end) {
					t.Fatal("the call goes on")
				}
			}
			if x := l.exchanges(t)[0]; x.Decision != audit.Failed {
				t.Errorf("record %+v", x)
			}
		})
	}
}

// A caller that sends slowly, and an upstream that thinks for longer than any
// deadline between bytes, are nothing to break off.
func TestSlowIsNotStalled(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		n, _ := io.Copy(io.Discard, r.Body)
		time.Sleep(300 * time.Millisecond)
		fmt.Fprint(w, n)
		w.(http.Flusher).Flush()
		time.Sleep(300 * time.Millisecond)
		fmt.Fprint(w, " end")
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

func TestUpstreamFailures(t *testing.T) {
	silent := rawUpstream(t, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) })
	hangUp := rawUpstream(t, func(c net.Conn) { _, _ = http.ReadRequest(bufio.NewReader(c)) })
	garbage := rawUpstream(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "SSH-2.0-OpenSSH\r\n\r\n")
	})
	h2c := rawUpstream(t, func(c net.Conn) {
		_, _ = http.ReadRequest(bufio.NewReader(c))
		_, _ = io.WriteString(c, "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
		_, _ = io.Copy(io.Discard, c)
	})
	tlsUp := httptest.NewTLSServer(http.NotFoundHandler())
	tlsUp.Config.ErrorLog = silentLog()
	t.Cleanup(tlsUp.Close)
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	refused := "http://" + closed.Addr().String()
	_ = closed.Close()
	for _, tt := range []struct {
		name, base, more string
		status           int
		code, detail     string
	}{
		{"refused", refused, "", 502, "upstream_unreachable", "refuses connections"},
		{"hangs up", hangUp, "", 502, "upstream_unreachable", "no valid answer"},
		{"speaks no HTTP", garbage, "", 502, "upstream_unreachable", "no valid answer"},
		{"switches unasked", h2c, "", 502, "upstream_unreachable", "no valid answer"},
		{"unknown certificate", tlsUp.URL, "", 502, "upstream_unreachable", "certificate"},
		{"no TLS", "https" + strings.TrimPrefix(garbage, "http"), "", 502, "upstream_unreachable", "TLS"},
		{"metadata address", "http://169.254.169.254", "", 502, "upstream_unreachable", "metadata"},
		{"metadata address, mapped", "http://[::ffff:169.254.169.254]", "", 502, "upstream_unreachable", "metadata"},
		{"link-local address", "http://[fe80::1]:80", "", 502, "upstream_unreachable", "metadata"},
		{"does not answer", silent, `"read_timeout": 0.1`, 504, "upstream_timeout", "read_timeout"},
		{"does not shake hands", "https" + strings.TrimPrefix(silent, "http"), `"connect_timeout": 0.1`, 504, "upstream_timeout", "connect_timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			more := []string{}
			if tt.more != "" {
				more = append(more, tt.more)
			}
			l := newLab(t, services("e", open(tt.base, more...)))
			began := time.Now()
			r := get(t, l.url+"/s/e/x?api_key=sk-canary")
			if r.status != tt.status || r.code(t) != tt.code || !strings.Contains(r.body, tt.detail) {
				t.Errorf("%d %s, want %d %s and %q", r.status, r.body, tt.status, tt.code, tt.detail)
			}
			if took := time.Since(began); took > 3*time.Second {
				t.Errorf("took %v", took)
			}
			x := l.exchanges(t)[0]
			if x.Decision != audit.Failed || x.Status != tt.status || !strings.HasPrefix(x.Reason, tt.code) {
				t.Errorf("record %+v", x)
			}
			if strings.Contains(l.said.String(), "canary") {
				t.Error("the log shows the query")
			}
		})
	}
}

// With time-outs set to none, a slow upstream is waited for.
func TestNoTimeouts(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(150 * time.Millisecond)
		_, _ = io.WriteString(w, "ok")
	})
	l := newLab(t, services("none", open(up.URL, `"connect_timeout": null, "read_timeout": null`), "short", open(up.URL, `"read_timeout": 0.05`)))
	if r := get(t, l.url+"/s/none/x"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	if r := get(t, l.url+"/s/short/x"); r.status != 504 {
		t.Errorf("%d %s", r.status, r.body)
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

// A service's credential is read from the config it began with, and the caller
// never sees what an upstream's failure says.
func TestUpstreamProblemNamesNoAddress(t *testing.T) {
	p := upstreamProblem("e", fmt.Errorf("dial tcp 10.1.2.3:443: %w", errors.New("secret.internal is down")))
	if p.status != 502 || strings.Contains(p.detail, "10.1.2.3") || strings.Contains(p.detail, "internal") {
		t.Errorf("%+v", p)
	}
}
