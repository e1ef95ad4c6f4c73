package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"

	"lockbox/proxy/audit"
)

// What odd clients and attackers put on the wire, and what comes of it. The
// upstream must see nothing of what is refused.
func TestHostileRequests(t *testing.T) {
	var calls atomic.Int64
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = io.Copy(io.Discard, r.Body)
	})
	l := newLab(t, services("e", open(up.URL+"/v1")))
	const ok = "HOST"
	tests := []struct {
		line   string
		host   string // ok: the server's
		more   string
		status int
		code   string // "": Go's own answer, without one
	}{
		{"GET /s/e/../admin", ok, "", 400, "bad_path"},
		{"GET /s/e/x/../../../y", ok, "", 400, "bad_path"},
		{"GET /s/e/%2e%2e/y", ok, "", 400, "bad_path"},
		{"GET /s/e/%252e%252e/y", ok, "", 400, "bad_path"},
		{"GET /s/e/..;/y", ok, "", 400, "bad_path"},
		{"GET /s/e/a%5c..%5cb", ok, "", 400, "bad_path"},
		{`GET /s/e/a\b`, ok, "", 400, "bad_path"},
		{"GET /s/e/a%00b", ok, "", 400, "bad_path"},
		{"GET /s/e//evil.example/x", ok, "", 400, "bad_path"},
		{"GET /s/../admin/reload", ok, "", 400, "bad_path"},
		{"GET /healthz/..", ok, "", 400, "bad_path"},
		{"GET //evil.example/s/e/x", ok, "", 400, "bad_target"},
		{"GET //s/e/x", ok, "", 400, "bad_target"},
		{"GET http://evil.example/s/e/x", ok, "", 400, "bad_target"},
		{"GET https://evil.example:443/", ok, "", 400, "bad_target"},
		{"OPTIONS *", ok, "", 400, "bad_target"},
		{"GET *", ok, "", 400, "bad_target"},
		{"GET /s/e/x#y", ok, "", 400, "bad_target"},
		{"CONNECT evil.example:443", ok, "", 400, "bad_method"},
		{"CONNECT /s/e/x", ok, "", 400, "bad_method"},
		{"connect /s/e/x", ok, "", 400, "bad_method"},
		{"TRACE /s/e/x", ok, "", 405, "method_not_allowed"},
		{"TRACK /s/e/x", ok, "", 405, "method_not_allowed"},
		{"GET s/e/x", ok, "", 400, ""},
		{"GET /s/e/%zz", ok, "", 400, ""},
		{"GET /s/e/a b", ok, "", 400, ""},
		{"GET /s/e/x", "", "", 400, ""},
		{"GET /s/e/x", ok, "Host: evil.example\r\n", 400, ""},
		{"GET /s/e/x", ok, "Bad Header: x\r\n", 400, ""},
		{"GET /s/e/x", ok, "X: a\x00b\r\n", 400, ""},
		{"POST /s/e/x", ok, "Content-Length: 1\r\nContent-Length: 2\r\n", 400, ""},
		{"POST /s/e/x", ok, "Transfer-Encoding: xchunked\r\n", 501, ""},
		{"GET /s/e/" + strings.Repeat("x", 80<<10), ok, "", 431, ""},
		{"GET /s/e/x", ok, "X: " + strings.Repeat("x", 80<<10) + "\r\n", 431, ""},

		{"GET /s/nosuch/x", ok, "", 404, "unknown_service"},
		{"GET /s/E/x", ok, "", 404, "unknown_service"},
		{"GET /s//x", ok, "", 404, "unknown_service"},
		{"GET /s/", ok, "", 404, "unknown_service"},
		{"GET /s/e%2Fx", ok, "", 404, "unknown_service"},
		{"GET /", ok, "", 404, "not_found"},
		{"GET /s", ok, "", 404, "not_found"},
		{"GET /%73/e/x", ok, "", 404, "not_found"},
		{"GET /./s/e/x", ok, "", 404, "not_found"},
		{"GET /healthz/", ok, "", 404, "not_found"},
		{"POST /healthz", ok, "Content-Length: 0\r\n", 404, "not_found"},
		{"GET /admin/reload", ok, "", 404, "not_found"},
		{"POST /admin/other", ok, "Content-Length: 0\r\n", 404, "not_found"},
		{"POST /admin", ok, "Content-Length: 0\r\n", 404, "not_found"},

		{"GET /s/e/x", "evil.example", "", 421, "wrong_host"},
		{"GET /healthz", "evil.example", "", 421, "wrong_host"},
		{"GET /s/e/x", "127.0.0.1.evil.example", "", 421, "wrong_host"},
		{"GET /s/e/x", "localhost.evil.example", "", 421, "wrong_host"},
		{"GET /s/e/x", "127.1", "", 421, "wrong_host"},
		{"GET /s/e/x", "2130706433", "", 421, "wrong_host"},
		{"GET /s/e/x", "0x7f.0.0.1", "", 421, "wrong_host"},
		{"GET /s/e/x", "0.0.0.0", "", 421, "wrong_host"},
		{"GET /s/e/x", "192.168.1.5:8000", "", 421, "wrong_host"},
		{"GET /s/e/x", "user@127.0.0.1", "", 400, ""},
		{"GET /s/e/x", "localhost:80:90", "", 421, "wrong_host"},
		{"GET /s/e/x", "localhost:evil", "", 421, "wrong_host"},
		{"GET /s/e/x", "[::1].evil.example", "", 421, "wrong_host"},
		{"GET /s/e/x", "[fe80::1]", "", 421, "wrong_host"},
		{"GET /s/e/x", "127.0.0.1", "", 200, ""},
		{"GET /s/e/x", "127.0.0.2:1", "", 200, ""},
		{"GET /s/e/x", "localhost", "", 200, ""},
		{"GET /s/e/x", "LocalHost:8000", "", 200, ""},
		{"GET /s/e/x", "[::1]", "", 200, ""},
		{"GET /s/e/x", "[::1]:8000", "", 200, ""},
		{"GET /s/e/x", "[::ffff:127.0.0.1]:8000", "", 200, ""},

		{"GET /s/e/x", ok, "Origin: https://evil.example\r\n", 403, "cross_site"},
		{"POST /s/e/x", ok, "Origin: http://localhost:3000\r\nContent-Length: 0\r\n", 403, "cross_site"},
		{"GET /s/e/x", ok, "Origin: null\r\n", 403, "cross_site"},
		{"GET /s/e/x", ok, "Origin: chrome-extension://abc\r\n", 403, "cross_site"},
		{"GET /s/e/x", ok, "Origin: HOST\r\n", 403, "cross_site"},
		{"GET /healthz", ok, "Origin: https://evil.example\r\n", 403, "cross_site"},
		{"OPTIONS /s/e/x", ok, "Origin: https://evil.example\r\nAccess-Control-Request-Method: PUT\r\nAccess-Control-Request-Private-Network: true\r\n", 403, "cross_site"},
		{"GET /s/e/x", ok, "Sec-Fetch-Site: cross-site\r\n", 403, "cross_site"},
		{"GET /s/e/x", ok, "Sec-Fetch-Site: same-site\r\n", 403, "cross_site"},
		{"GET /s/e/x", ok, "Sec-Fetch-Site: same-origin\r\nSec-Fetch-Site: cross-site\r\n", 403, "cross_site"},
		{"GET /s/e/x", ok, "Sec-Fetch-Site: same-origin\r\nOrigin: http://HOST\r\n", 200, ""},
		{"GET /s/e/x", ok, "Sec-Fetch-Site: none\r\n", 200, ""},

		{"GET /s/e", ok, "", 200, ""},
		{"GET /s/e?x=1", ok, "", 200, ""},
		{"GET /s/e/", ok, "", 200, ""},
		{"GET /s/%65/x", ok, "", 200, ""},
		{"PROPFIND /s/e/x", ok, "", 200, ""},
		{"QUERY /s/e/x", ok, "Content-Length: 0\r\n", 200, ""},
	}
	for _, tt := range tests {
		name := fmt.Sprintf("%.60s Host %s %.60s", tt.line, tt.host, tt.more)
		t.Run(name, func(t *testing.T) {
			before := calls.Load()
			host := ""
			if tt.host != "" {
				host = "Host: " + strings.ReplaceAll(tt.host, ok, l.addr) + "\r\n"
			}
			r := raw(t, l.addr, tt.line+" HTTP/1.1\r\n"+host+strings.ReplaceAll(tt.more, ok, l.addr)+"\r\n")
			if r.status != tt.status {
				t.Fatalf("status %d, want %d: %s", r.status, tt.status, r.body)
			}
			if tt.code != "" {
				if code := r.code(t); code != tt.code {
					t.Errorf("code %q, want %q", code, tt.code)
				}
			}
			if forwarded := calls.Load() > before; forwarded != (tt.status == 200) {
				t.Errorf("forwarded: %v", forwarded)
			}
		})
	}
	// All of /s/ and /admin, and whatever looks like an attack, is on record.
	recorded := map[string]int{}
	for _, x := range l.exchanges(t) {
		code, _, _ := strings.Cut(x.Reason, ":")
		recorded[code]++
		if x.Decision != audit.Refused && code != "" {
			t.Errorf("%s %s: decision %s for %q", x.Method, x.Path, x.Decision, x.Reason)
		}
	}
	want := map[string]int{}
	for _, tt := range tests {
		if tt.code != "" && (tt.code != "not_found" || strings.Contains(tt.line, "/admin")) || tt.status == 200 {
			want[tt.code]++
		}
	}
	for code, n := range want {
		if recorded[code] != n {
			t.Errorf("%d records of %q, want %d", recorded[code], code, n)
		}
	}
}

func TestHealth(t *testing.T) {
	l := newLab(t, services())
	for _, method := range []string{"GET", "HEAD"} {
		r := do(t, request(t, method, l.url+"/healthz?x=1", nil))
		want := "OK"
		if method == "HEAD" {
			want = ""
		}
		if r.status != 200 || r.body != want {
			t.Errorf("%s /healthz: %d %q, want 200 %q", method, r.status, r.body, want)
		}
	}
	if xs := l.exchanges(t); len(xs) != 0 {
		t.Errorf("%d records of health checks", len(xs))
	}
}

// After CONNECT the connection carries no requests: what follows must not be
// taken for one.
func TestConnectDoesNotDesync(t *testing.T) {
	l := newLab(t, services("e", open(echo(t).URL)))
	r := raw(t, l.addr, "CONNECT evil.example:443 HTTP/1.1\r\nHost: "+l.addr+"\r\n\r\nGET /s/e/smuggled HTTP/1.1\r\nHost: "+l.addr+"\r\n\r\n")
	if r.status != 400 || !r.closes {
		t.Errorf("status %d, closes the connection: %v; want 400 and true", r.status, r.closes)
	}
	for _, x := range l.exchanges(t) {
		if strings.Contains(x.Path, "smuggled") {
			t.Error("what followed the CONNECT was taken for a request")
		}
	}
}

func TestOurHostBeyondLoopback(t *testing.T) {
	lan := netip.MustParseAddrPort("192.168.1.5:8000")
	tests := []struct {
		host, listen string
		want         bool
	}{
		{"192.168.1.5:8000", "0.0.0.0:8000", true},
		{"10.0.0.1:9000", "0.0.0.0:8000", true}, // through a mapped port
		{"box.lan:8000", "box.lan:8000", true},
		{"BOX.lan", "box.lan:8000", true},
		{"evil.example:8000", "box.lan:8000", false},
		{"evil.example:8000", "0.0.0.0:8000", false},
		{"evil.example", ":8000", false},
		{"", ":8000", false},
		{"localhost:8000", ":8000", true},
	}
	if name := hostName(); name != "" {
		tests = append(tests, struct {
			host, listen string
			want         bool
		}{name + ":8000", "0.0.0.0:8000", true})
	}
	for _, tt := range tests {
		r := request(t, "GET", "http://x/", nil)
		r.Host = tt.host
		r = r.WithContext(contextWithLocal(r.Context(), lan))
		if got := ourHost(r, tt.listen); got != tt.want {
			t.Errorf("Host %q, listening on %q: %v, want %v", tt.host, tt.listen, got, tt.want)
		}
	}
}

func FuzzHostname(f *testing.F) {
	for _, s := range []string{"localhost:8000", "[::1]:80", "[::1", "a:b", ":", "[]", "::1", "a]:1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		name, ok := hostname(s)
		if ok && (name == "" || !strings.Contains(s, name)) {
			t.Errorf("hostname(%q) = %q", s, name)
		}
	})
}
