package proxy

import (
	"encoding/hex"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"testing"

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
	if x.Decision != audit.Allowed || x.BytesOut == 0 || x.ResponseBody == nil || !strings.Contains(x.ResponseBody.Text, hex.EncodeToString([]byte("M-SEARCH"))) {
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
