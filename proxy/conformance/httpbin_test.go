//go:build linux

package conformance

import (
	"fmt"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"
)

// Where an answer through Lockbox differs from the upstream's own. Everything
// else has to be the same.
var differences = []struct {
	header string
	why    string
}{
	{"Date", "says when it was made, and two were made"},
	{"Access-Control-Allow-Origin", "no other site's page may read it (SPEC, section 2)"},
	{"Access-Control-Allow-Credentials", "as above"},
	{"Access-Control-Allow-Methods", "as above"},
	{"Access-Control-Allow-Headers", "as above"},
	{"Keep-Alive", "is about the connection (RFC 9110, section 7.6.1)"},
	{"Connection", "as above"},
	{"Proxy-Authenticate", "is about the next proxy, and Lockbox asks for nothing as one (RFC 9110, section 11.7.1)"},
}

// moved is a Location or Link of the upstream's as its caller gets it: where it
// leads into the service, it leads there through Lockbox.
func moved(l *lab, service, host, v string) string {
	for _, scheme := range []string{"http://", "https://"} {
		if service == "bins" && scheme == "http://" || service == "bin" && scheme == "https://" {
			continue
		}
		v = strings.ReplaceAll(v, scheme+host+"/", "http://"+l.addr+"/s/"+service+"/")
	}
	if strings.HasPrefix(v, "/") && !strings.HasPrefix(v, "//") {
		return "/s/" + service + v
	}
	return v
}

// A parity case is a request that httpbin answers the same with Lockbox between.
type parity struct {
	line    string   // method and target
	headers []string // lines
	body    string
	ignore  []string // headers that are made by chance
	anyBody bool     // so is the body
}

func (p parity) name() string {
	name := fmt.Sprintf("%.70s", p.line)
	if len(p.headers) > 0 {
		name += fmt.Sprintf(" %.50s", strings.Join(p.headers, " "))
	}
	return name
}

func length(body string) []string { return []string{fmt.Sprintf("Content-Length: %d", len(body))} }

var chunked = []string{"Transfer-Encoding: chunked"}

// lastModified is the present second at these.
var lastModified = []string{"Last-Modified"}

// chunkedEcho is what httpbin says of a chunked body.
const chunkedEcho = ",\n    \"Transfer-Encoding\": [\n      \"chunked\"\n    ]"

// digest answers httpbin's /digest-auth challenge wrongly, with the realm's form.
const digest = `Digest username="u", realm="go-httpbin", nonce="n", uri="/digest-auth/auth/u/p", response="0123456789abcdef0123456789abcdef", qop=auth, nc=00000001, cnonce="c"`

var parities = []parity{
	{line: "GET /"}, {line: "GET /get"}, {line: "GET /html"}, {line: "GET /json"}, {line: "GET /xml"}, {line: "GET /jsonl"},
	{line: "GET /robots.txt"}, {line: "GET /deny"}, {line: "GET /encoding/utf8"}, {line: "GET /forms/post"}, {line: "GET /env"},
	{line: "GET /ip"}, {line: "GET /hostname"}, {line: "GET /headers"}, {line: "GET /user-agent"}, {line: "GET /version"},
	{line: "GET /uuid", anyBody: true}, {line: "GET /unstable?seed=1"}, {line: "GET /unstable?failure_rate=1"},
	{line: "GET /headers", headers: []string{"User-Agent: curl/8.5.0", "Accept: */*", "X-Custom: one", "X-Custom: two", "X-Empty:", "Accept-Language: de,en;q=0.5", "X-Bytes: caf\xc3\xa9 \xe9", "Cookie: a=b; c=d"}},
	{line: "GET /user-agent", headers: []string{"User-Agent: Zapier"}},
	{line: "GET /dump/request?a=b", headers: []string{"X-A: 1", "X-B: 2"}},
	{line: "POST /dump/request", headers: length("raw body"), body: "raw body"},

	// Methods.
	{line: "HEAD /head"}, {line: "HEAD /get"}, {line: "HEAD /bytes/1000?seed=1"}, {line: "HEAD /status/404"}, {line: "HEAD /gzip"}, {line: "HEAD /stream/3"},
	{line: "OPTIONS /get"}, {line: "OPTIONS /post", headers: []string{"Access-Control-Request-Headers: X-A"}},
	{line: "DELETE /delete"}, {line: "DELETE /delete", headers: length("{}"), body: "{}"},
	{line: "POST /post", headers: append(length("a=1&b=2&a=3"), "Content-Type: application/x-www-form-urlencoded"), body: "a=1&b=2&a=3"},
	{line: "POST /post", headers: append(length(`{"a":[1,2]}`), "Content-Type: application/json; charset=utf-8"), body: `{"a":[1,2]}`},
	{line: "POST /post", headers: append(length("--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n\r\nfile\r\n--b--\r\n"), `Content-Type: multipart/form-data; boundary=b`), body: "--b\r\nContent-Disposition: form-data; name=\"f\"; filename=\"x.txt\"\r\n\r\nfile\r\n--b--\r\n"},
	{line: "POST /post", headers: length("\x00\x01\xff\r\n\r\n"), body: "\x00\x01\xff\r\n\r\n"},
	{line: "POST /post", headers: length("")},
	{line: "POST /post", headers: chunked, body: "5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n"},
	{line: "POST /post", headers: chunked, body: "0\r\n\r\n"},
	{line: "POST /post", headers: length(strings.Repeat("x", 300_000)), body: strings.Repeat("x", 300_000)},
	{line: "PUT /put", headers: length("put"), body: "put"}, {line: "PATCH /patch", headers: length("patch"), body: "patch"},
	{line: "PUT /upload", headers: length(strings.Repeat("y", 2<<20)), body: strings.Repeat("y", 2<<20)},
	{line: "GET /post"}, {line: "POST /get", headers: length("")}, // 405 with Allow
	{line: "GET /anything", headers: length("a body to GET"), body: "a body to GET"},
	{line: "PROPFIND /anything"}, {line: "QUERY /anything", headers: length("q"), body: "q"}, {line: "M-SEARCH /anything"}, {line: "get /anything"}, {line: "X!#$%&'*+-.^_`|~9 /anything"},

	// Paths and queries, byte by byte.
	{line: "GET /anything/a%2Fb%2fc"}, {line: "GET /anything/a;v=1/b;c"}, {line: "GET /anything/a+b%20c"}, {line: "GET /anything/%E2%82%AC/%FF%FE"},
	{line: "GET /anything//a//b/"}, {line: "GET /anything/./a"}, {line: "GET /anything/%7euser/~user"}, {line: "GET /anything/100%25"}, {line: "GET /anything/{id}|^`\"<>[]"},
	{line: "GET /anything/@:!$&'()*,="}, {line: "GET /anything/" + strings.Repeat("long/", 1500)}, {line: "GET /anything/%252F"}, {line: "GET /anything/%3Fq%23f"},
	{line: "GET /anything?"}, {line: "GET /anything?a=1&a=2&b&=c&&"}, {line: "GET /anything?a;b;c=%zz&%"}, {line: "GET /anything??y=?/../x"}, {line: "GET /anything?q=a+b%20c%2B&u=%E2%82%AC&bad=%FF"},
	{line: "GET /anything?q=http://x/?a=b&c[]=1&d={}|\"'<>\\^`"}, {line: "GET /anything?q=" + strings.Repeat("0123456789", 1500)}, {line: "GET /nosuch/path"}, {line: "GET /base64/aGVsbG8gd29ybGQ="}, {line: "GET /base64/%%%"},

	// Statuses.
	{line: "GET /status/200"}, {line: "GET /status/201"}, {line: "GET /status/204"}, {line: "GET /status/205"}, {line: "GET /status/206"}, {line: "GET /status/299"}, {line: "GET /status/300"}, {line: "GET /status/304"}, {line: "GET /status/400"},
	{line: "GET /status/401"}, {line: "GET /status/402"}, {line: "GET /status/407"}, {line: "GET /status/418"}, {line: "GET /status/421"}, {line: "GET /status/429"}, {line: "GET /status/500"}, {line: "GET /status/502"}, {line: "GET /status/503"}, {line: "GET /status/599"},
	{line: "POST /status/204", headers: length("x"), body: "x"}, {line: "GET /status/600"}, {line: "GET /status/abc"},

	// Headers of the answer, caches, ranges.
	{line: "GET /response-headers?X-A=1&X-A=2&Server=up/1&Content-Type=text/odd"}, {line: "GET /response-headers?Alt=x&Retry-After=7&X-RateLimit-Remaining=0&ETag=%22x%22"},
	{line: "GET /cookies", headers: []string{"Cookie: a=1; b=2"}}, {line: "GET /cookies/set?session=1"}, {line: "GET /cookies/delete?session", ignore: []string{"Set-Cookie"}},
	{line: "GET /cache", ignore: []string{"Last-Modified", "Etag"}}, {line: "GET /cache", headers: []string{"If-None-Match: x"}}, {line: "GET /cache/60"},
	{line: "GET /etag/abc", ignore: lastModified}, {line: "GET /etag/abc", headers: []string{`If-None-Match: "abc"`}, ignore: lastModified}, {line: "GET /etag/abc", headers: []string{`If-Match: "no"`}, ignore: lastModified},
	{line: "GET /range/1000"}, {line: "GET /range/1000", headers: []string{"Range: bytes=10-19"}}, {line: "GET /range/1000", headers: []string{"Range: bytes=-5"}}, {line: "GET /range/1000", headers: []string{"Range: bytes=0-1,5-6"}, ignore: []string{"Content-Type"}, anyBody: true}, {line: "GET /range/1000", headers: []string{"Range: bytes=5000-"}},

	// Compression: neither asked for nor undone here.
	{line: "GET /gzip", headers: []string{"Accept-Encoding: gzip"}}, {line: "GET /gzip"}, {line: "GET /deflate", headers: []string{"Accept-Encoding: deflate, br;q=0.1"}}, {line: "GET /brotli"},

	// Redirects go to the caller, and lead back here.
	{line: "GET /redirect/1"}, {line: "GET /redirect/3"}, {line: "GET /relative-redirect/2"}, {line: "GET /absolute-redirect/2"}, {line: "GET /redirect-to?url=https://other.example/x&status_code=307"}, {line: "POST /redirect-to?url=/get&status_code=308", headers: length("x"), body: "x"}, {line: "GET /redirect-to?url=//other.example/x"}, {line: "GET /links/3/1"},

	// Authorization that is meant for the upstream.
	{line: "GET /basic-auth/u/p"}, {line: "GET /basic-auth/u/p", headers: []string{"Authorization: Basic dTpw"}}, {line: "GET /hidden-basic-auth/u/p"}, {line: "GET /bearer"}, {line: "GET /bearer", headers: []string{"Authorization: Bearer upstream-token"}},
	{line: "GET /digest-auth/auth/u/p", ignore: []string{"Www-Authenticate"}}, {line: "GET /digest-auth/auth/u/p", headers: []string{"Authorization: " + digest}, ignore: []string{"Www-Authenticate"}},

	// Bodies of all kinds.
	{line: "GET /bytes/1?seed=1"}, {line: "GET /bytes/65536?seed=2"}, {line: "GET /stream-bytes/300000?seed=3&chunk_size=7000"}, {line: "GET /stream/5"}, {line: "GET /image/png"}, {line: "GET /image", headers: []string{"Accept: image/webp"}},
	{line: "GET /drip?numbytes=5&duration=0.05&delay=0"}, {line: "GET /drip?numbytes=2&duration=0&delay=0&code=500"}, {line: "GET /delay/0.05"},
	{line: "GET /trailers?X-Sum=abc&X-Other=1"}, {line: "GET /trailers"}, {line: "GET /websocket/echo"},
}

func TestHTTPBin(t *testing.T) {
	l := start(t)
	for _, service := range []string{"bin", "bins"} {
		t.Run(service, func(t *testing.T) {
			t.Parallel()
			for _, p := range parities {
				t.Run(p.name(), func(t *testing.T) { p.compare(t, l, service) })
			}
		})
	}
}

func (p parity) compare(t *testing.T, l *lab, service string) {
	method, target, _ := strings.Cut(p.line, " ")
	host := l.bin
	direct, err := net.Dial, error(nil)
	if service == "bins" {
		host = l.bins
		direct = func(_, addr string) (net.Conn, error) { return dialTLS(addr) }
	}
	lines := strings.Join(append(slices.Clone(p.headers), "", ""), "\r\n")
	conn, err := direct("tcp", host)
	up := onWire(t, conn, err)
	up.send(method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n" + lines + p.body)
	want := up.read(method)
	if want.status == 0 {
		t.Fatalf("httpbin itself: %v", want.err)
	}
	box := dial(t, l.addr)
	box.send(l.head(method, service, target) + lines + p.body)
	got := box.read(method)

	check(t, "status", got.short()[:min(3, len(got.short()))], fmt.Sprint(want.status))
	check(t, "reading", got.err, want.err)
	if service == "bins" {
		// Asked over HTTP/2 it says so, knows no chunks, and frames as it likes.
		want.body = strings.Replace(want.body, target+" HTTP/1.1\r\n", target+" HTTP/2.0\r\n", 1)
		want.body = strings.Replace(want.body, chunkedEcho, "", 1)
		got.length, want.length = 0, 0
		got.header.Del("Content-Length")
		want.header.Del("Content-Length")
	}
	if !p.anyBody {
		check(t, "body", got.body, want.body)
		check(t, "length", got.length, want.length)
	}
	check(t, "interim answers", got.interim, want.interim)
	check(t, "trailers", got.trailer, want.trailer)
	check(t, "header", sorted(got.header, p.ignore, nil), sorted(want.header, p.ignore, func(v string) string { return moved(l, service, host, v) }))
}

// sorted is a header with what may differ left out.
func sorted(h http.Header, ignore []string, move func(string) string) string {
	h = maps.Clone(h)
	for _, d := range differences {
		h.Del(d.header)
	}
	for _, name := range ignore {
		h.Del(name)
	}
	for _, name := range []string{"Location", "Link"} {
		for i, v := range h[name] {
			if move != nil {
				h[name][i] = move(v)
			}
		}
	}
	return fmt.Sprint(h)
}

// Bytes that are sent one by one arrive one by one.
func TestDrip(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, service := range []string{"bin", "bins"} {
		w := dial(t, l.addr)
		began := time.Now()
		w.send(l.head("GET", service, "/drip?numbytes=4&duration=0.6&delay=0.2") + "\r\n")
		res, r := w.begin("GET")
		if res == nil {
			t.Fatalf("%s: %s", service, r.short())
		}
		var at []time.Duration
		for p := make([]byte, 1); ; {
			n, err := res.Body.Read(p)
			if n == 1 {
				at = append(at, time.Since(began).Round(time.Millisecond))
			}
			if err != nil {
				break
			}
		}
		if len(at) != 4 || at[0] < 150*time.Millisecond || at[3]-at[0] < 400*time.Millisecond {
			t.Errorf("%s: want 4 bytes, the first after 200 ms and the last 600 ms later, got them at %v", service, at)
		}
	}
}

// Events arrive as they are sent.
func TestHTTPBinEvents(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, service := range []string{"bin", "bins"} {
		w := dial(t, l.addr)
		w.send(l.head("GET", service, "/sse?count=3&duration=0.6s&delay=0s") + "Accept: text/event-stream\r\n\r\n")
		res, r := w.begin("GET")
		if res == nil {
			t.Fatalf("%s: %s", service, r.short())
		}
		check(t, service+": content type", r.header.Get("Content-Type"), "text/event-stream; charset=utf-8")
		began, events := time.Now(), 0
		var spread time.Duration
		for p := make([]byte, 4096); ; {
			n, err := res.Body.Read(p)
			if n := strings.Count(string(p[:n]), "event:"); n > 0 {
				events += n
				spread = time.Since(began)
			}
			if err != nil {
				break
			}
		}
		if events != 3 || spread < 300*time.Millisecond {
			t.Errorf("%s: want 3 events over 600 ms, got %d over %v", service, events, spread)
		}
		if res.Trailer.Get("Server-Timing") == "" {
			t.Errorf("%s: want the trailer Server-Timing, got %v", service, res.Trailer)
		}
	}
}
