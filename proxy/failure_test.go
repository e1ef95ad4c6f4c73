package proxy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

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
		printf(conn, "GET /s/e%s HTTP/1.1\r\nHost: localhost\r\n\r\n", path)
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
			printf(conn, "POST /s/e/x HTTP/1.1\r\nHost: localhost\r\n%s", text)
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

// A service's credential is read from the config it began with, and the caller
// never sees what an upstream's failure says.
func TestUpstreamProblemNamesNoAddress(t *testing.T) {
	p := upstreamProblem("e", fmt.Errorf("dial tcp 10.1.2.3:443: %w", errors.New("secret.internal is down")))
	if p.status != 502 || strings.Contains(p.detail, "10.1.2.3") || strings.Contains(p.detail, "internal") {
		t.Errorf("%+v", p)
	}
}

// A refusal whose caller's body was not read leaves a connection that the next
// call can use, or none.
func TestRefusedWithBody(t *testing.T) {
	l := newLab(t, services("down", open("http://127.0.0.2:1")))
	for range 20 {
		if r := do(t, request(t, "POST", l.url+"/s/down/x", strings.NewReader("x"))); r.status != 502 || r.err != nil {
			t.Errorf("%d %v", r.status, r.err)
		}
	}
	if strings.Contains(l.said.String(), "panic") {
		t.Error("the server panicked")
	}
}
