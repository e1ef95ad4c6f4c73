//go:build linux

package conformance

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// An abuse is what an attacker, or a broken client, writes. In text, MARK makes
// the case's requests known, HOST is Lockbox's address, AUTH the header line
// with the token; \n stands for CRLF, <LF> for a bare LF, and all else for itself.
type abuse struct {
	name    string
	text    string
	status  []int  // any of these; none: the connection closes without an answer
	reached string // what the upstream has to see of it: "" nothing
}

var (
	refused    = []int{400}
	refusedOr0 = []int{400, 0} // 0: closed without a word
	coding     = []int{400, 501}
)

const (
	okGet  = "[GET /v1/MARK]"
	okPost = "[POST /v1/MARK hello]"
	post   = "POST /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n"
	getAt  = "GET /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n"
	// What must never arrive as a request of its own.
	smuggled = "GET /s/rec/MARK-smuggled HTTP/1.1\nHost: HOST\nAUTH\n\n"
)

// Two readings of where a body ends are how requests are smuggled (RFC 9112,
// section 11.2).
var framingAbuses = []abuse{
	{"two CLs that differ", post + "Content-Length: 5\nContent-Length: 6\n\nhello", refused, ""},
	{"two CLs alike", post + "Content-Length: 5\nContent-Length: 5\n\nhello", []int{200, 400}, okPost},
	{"CL list that differs", post + "Content-Length: 5, 6\n\nhello", refused, ""},
	{"CL list alike", post + "Content-Length: 5, 5\n\nhello", []int{200, 400}, okPost},
	{"CL with plus", post + "Content-Length: +5\n\nhello", refused, ""},
	{"CL with minus", post + "Content-Length: -5\n\nhello", refused, ""},
	{"CL -0", post + "Content-Length: -0\n\n", refused, ""},
	{"CL in hex", post + "Content-Length: 0x5\n\nhello", refused, ""},
	{"CL with a point", post + "Content-Length: 5.0\n\nhello", refused, ""},
	{"CL with space within", post + "Content-Length: 5 5\n\nhello", refused, ""},
	{"CL with underscore", post + "Content-Length: 1_0\n\nhello", refused, ""},
	{"CL empty", post + "Content-Length:\n\nhello", refused, ""},
	{"CL of 64 bits and one", post + "Content-Length: 18446744073709551621\n\nhello", refused, ""},
	{"CL of 63 bits and one", post + "Content-Length: 9223372036854775808\n\nhello", refused, ""},
	{"CL of 100 digits", post + "Content-Length: " + strings.Repeat("9", 100) + "\n\nhello", refused, ""},
	{"CL in Arabic digits", post + "Content-Length: \u0665\n\nhello", refused, ""},
	{"CL with a NUL", post + "Content-Length: 5\x00\n\nhello", refused, ""},
	{"TE xchunked", post + "Transfer-Encoding: xchunked\n\n0\n\n", coding, ""},
	{"TE chunked twice", post + "Transfer-Encoding: chunked, chunked\n\n0\n\n", coding, ""},
	{"two TEs", post + "Transfer-Encoding: chunked\nTransfer-Encoding: chunked\n\n0\n\n", coding, ""},
	{"two TEs, identity first", post + "Transfer-Encoding: identity\nTransfer-Encoding: chunked\n\n0\n\n", coding, ""},
	{"two TEs, the other hidden", post + "Transfer-Encoding: chunked\nTransfer-encoding: cow\n\n0\n\n", coding, ""},
	{"TE gzip, chunked", post + "Transfer-Encoding: gzip, chunked\n\n0\n\n", coding, ""},
	{"TE chunked, identity", post + "Transfer-Encoding: chunked, identity\n\n0\n\n", coding, ""},
	{"TE identity", post + "Transfer-Encoding: identity\nContent-Length: 5\n\nhello", coding, ""},
	{"TE quoted", post + "Transfer-Encoding: \"chunked\"\n\n0\n\n", coding, ""},
	{"TE with a parameter", post + "Transfer-Encoding: chunked;q=1\n\n0\n\n", coding, ""},
	{"TE after a tab", post + "Transfer-Encoding:\tchunked\n\n5\nhello\n0\n\n", []int{200, 400}, okPost},
	{"TE with a vertical tab", post + "Transfer-Encoding: \x0bchunked\n\n0\n\n", coding, ""},
	{"TE with a no-break space", post + "Transfer-Encoding: chunked\xa0\n\n0\n\n", coding, ""},
	{"TE empty", post + "Transfer-Encoding:\n\n0\n\n", coding, ""},
	{"TE with a space before its colon", post + "Transfer-Encoding : chunked\n\n0\n\n", refused, ""},
	{"TE folded", post + "Transfer-Encoding:\n chunked\n\n0\n\n", []int{400, 501, 200}, "[POST /v1/MARK]"},
	{"TE with a long s", post + "Tran\u017ffer-Encoding: chunked\n\n0\n\n", refused, ""},
	{"TE with an underscore", post + "Transfer_Encoding: chunked\nContent-Length: 5\n\nhello", []int{200, 400}, okPost},
	{"TE in HTTP/1.0", strings.Replace(post, "1.1", "1.0", 1) + "Transfer-Encoding: chunked\n\n0\n\n" + smuggled, []int{200, 400, 501}, "[POST /v1/MARK]"},
	{"chunk size negative", post + "Transfer-Encoding: chunked\n\n-1\n\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk size with plus", post + "Transfer-Encoding: chunked\n\n+5\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk size with 0x", post + "Transfer-Encoding: chunked\n\n0x5\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk size empty", post + "Transfer-Encoding: chunked\n\n\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk size huge", post + "Transfer-Encoding: chunked\n\nfffffffffffffffff\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk size of 64 bits", post + "Transfer-Encoding: chunked\n\n10000000000000005\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk size after a space", post + "Transfer-Encoding: chunked\n\n 5\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk size, letters", post + "Transfer-Encoding: chunked\n\nxyz\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk too short", post + "Transfer-Encoding: chunked\n\n4\nhello\n0\n\n", refused, "[POST /v1/MARK hell CUT]"},
	{"chunk too long", post + "Transfer-Encoding: chunked\n\n6\nhello\n0\n\n", refused, "[POST /v1/MARK hello\r CUT]"},
	{"chunk without CRLF", post + "Transfer-Encoding: chunked\n\n5\nhelloXX0\n\n", refused, "[POST /v1/MARK hello CUT]"},
	{"chunk extension with a bare LF", post + "Transfer-Encoding: chunked\n\n5;a=<LF>b\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk extension of 100 KB", post + "Transfer-Encoding: chunked\n\n5;" + strings.Repeat("x", 100<<10) + "\nhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"chunk line ends in a bare CR", post + "Transfer-Encoding: chunked\n\n5\rhello\n0\n\n", refused, "[POST /v1/MARK CUT]"},
	{"trailer without a colon", post + "Transfer-Encoding: chunked\n\n5\nhello\n0\nnot a header\n\n", refused, "[POST /v1/MARK hello CUT]"},
	{"trailer with a NUL", post + "Transfer-Encoding: chunked\nTrailer: X-A\n\n5\nhello\n0\nX-A: a\x00b\n\n", []int{200, 400}, "[POST /v1/MARK hello CUT]"},
	{"trailer of framing", post + "Transfer-Encoding: chunked\nTrailer: Content-Length, Transfer-Encoding\n\n5\nhello\n0\nContent-Length: 99\nTransfer-Encoding: chunked\n\n", []int{200, 400}, okPost},
	{"trailer of 200 KB", post + "Transfer-Encoding: chunked\n\n5\nhello\n0\n" + strings.Repeat("X-A: "+strings.Repeat("x", 1000)+"\n", 200) + "\n", []int{400, 431, 200}, "[POST /v1/MARK hello CUT]"},
	{"GET with a request as body", getAt + fmt.Sprintf("Content-Length: %d\n\n", len("GET /s/rec/x HTTP/1.1\r\n\r\n")) + "GET /s/rec/x HTTP/1.1\n\n", []int{200}, "[GET /v1/MARK GET /s/rec/x HTTP/1.1\r\n\r\n]"},
	{"GET with a request after its end", getAt + "Content-Length: 0\n\nGET /admin HTTP/1.1\nHost: HOST\n\n", []int{200}, okGet},
}

// A request with both lengths is refused or read by its chunks, and the
// connection is closed after it either way (RFC 9112, section 6.1).
var bothLengths = []abuse{
	{"CL and TE", post + "Content-Length: 5\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n", []int{400, 200}, okPost},
	{"TE and CL", post + "Transfer-Encoding: chunked\nContent-Length: 5\n\n5\nhello\n0\n\n", []int{400, 200}, okPost},
	{"CL 0 and TE", post + "Content-Length: 0\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n", []int{400, 200}, okPost},
	{"request in the difference", post + "Content-Length: 4\nTransfer-Encoding: chunked\n\n0\n\n" + smuggled, []int{400, 200}, "[POST /v1/MARK]"},
}

var headerAbuses = []abuse{
	{"obs-fold", getAt + "X-A: b\n c\n\n", []int{400, 200}, okGet},
	{"obs-fold in the first header", "GET /s/rec/MARK HTTP/1.1\n Host: HOST\nAUTH\n\n", refused, ""},
	{"obs-fold that hides a length", post + "X-A: b\n Content-Length: 5\n\n", []int{400, 200}, "[POST /v1/MARK]"},
	{"space before the colon", getAt + "X-A : b\n\n", refused, ""},
	{"space before CL's colon", post + "Content-Length : 5\n\nhello", refused, ""},
	{"tab before the colon", getAt + "X-A\t: b\n\n", refused, ""},
	{"space in a name", getAt + "X A: b\n\n", refused, ""},
	{"no colon", getAt + "X-A\n\n", refused, ""},
	{"no name", getAt + ": b\n\n", refused, ""},
	{"NUL in a name", getAt + "X\x00A: b\n\n", refused, ""},
	{"NUL in a value", getAt + "X-A: a\x00b\n\n", refused, ""},
	{"bare CR in a value", getAt + "X-A: a\rX-B: c\n\n", refused, ""},
	{"bare CR at a line's end", getAt + "X-A: a\rX-Api-Key: c\r\n\n", refused, ""},
	{"control character in a value", getAt + "X-A: a\x01b\n\n", refused, ""},
	{"DEL in a value", getAt + "X-A: a\x7fb\n\n", refused, ""},
	{"0x80-0xff in a name", getAt + "X-\xc3\xa4: b\n\n", refused, ""},
	{"0x80-0xff in a value", getAt + "X-A: \x80\xff\n\n", []int{200}, okGet},
	{"separators in names", getAt + "X(A): b\n\n", refused, ""},
	{"slash in a name", getAt + "X/A: b\n\n", refused, ""},
	{"quote in a name", getAt + "\"X\": b\n\n", refused, ""},
	{"at in a name", getAt + "X@A: b\n\n", refused, ""},
	{"braces in a name", getAt + "X{A}: b\n\n", refused, ""},
	{"all odd characters that are allowed", getAt + "!#$%&'*+-.^_`|~: b\n\n", []int{200}, okGet},
	{"Connection: Authorization", getAt + "Connection: Authorization\n\n", []int{200}, okGet},
	{"Connection: close, X-Api-Key", getAt + "Connection: close, X-Api-Key\n\n", []int{200}, okGet},
	{"Connection: Host", getAt + "Connection: Host\n\n", []int{200, 400}, okGet},
	{"Connection: Content-Length", post + "Connection: Content-Length\nContent-Length: 5\n\nhello", []int{200, 400}, okPost},
	{"Connection: Transfer-Encoding", post + "Connection: Transfer-Encoding\nTransfer-Encoding: chunked\n\n5\nhello\n0\n\n", []int{200, 400}, okPost},
	{"Connection: X-Lockbox-Token", getAt + "Connection: X-Lockbox-Token\n\n", []int{200}, okGet},
	{"the credential's headers", getAt + "X-Api-Key: mine\nx_api_key: mine\nAuthorization: Basic bWluZQ==\nAUTHORIZATION: mine\n\n", []int{200, 401}, okGet},
	{"duplicate Host", "GET /s/rec/MARK HTTP/1.1\nHost: HOST\nHost: HOST\nAUTH\n\n", refused, ""},
	{"another Host after", getAt + "Host: evil.example\n\n", refused, ""},
	{"no Host", "GET /s/rec/MARK HTTP/1.1\nAUTH\n\n", refused, ""},
	{"empty Host", "GET /s/rec/MARK HTTP/1.1\nHost:\nAUTH\n\n", []int{400, 421}, ""},
	{"Host with a path", "GET /s/rec/MARK HTTP/1.1\nHost: HOST/x\nAUTH\n\n", []int{400, 421}, ""},
	{"Host with a user", "GET /s/rec/MARK HTTP/1.1\nHost: u@HOST\nAUTH\n\n", []int{400, 421}, ""},
	{"Host in a list", "GET /s/rec/MARK HTTP/1.1\nHost: HOST, HOST\nAUTH\n\n", []int{400, 421}, ""},
	{"another's Host", "GET /s/rec/MARK HTTP/1.1\nHost: evil.example\nAUTH\n\n", []int{421}, ""},
	{"X-Forwarded-Host", getAt + "X-Forwarded-Host: evil.example\nX-Original-URL: /v2/MARK\nX-Rewrite-URL: /v2\n\n", []int{200}, okGet},
	{"X-HTTP-Method-Override", getAt + "X-HTTP-Method-Override: DELETE\n\n", []int{200}, okGet},
	{"h2c upgrade", getAt + "Connection: Upgrade, HTTP2-Settings\nUpgrade: h2c\nHTTP2-Settings: AAMAAABkAARAAAAAAAIAAAAA\n\n", []int{200}, okGet},
	{"h2c upgrade in a list", getAt + "Connection: Upgrade\nUpgrade: websocket, h2c\n\n", []int{200, 400}, okGet},
	{"WebSocket upgrade by POST", post + "Connection: Upgrade\nUpgrade: websocket\nContent-Length: 5\n\nhello", []int{200, 400}, okPost},
	{"another site's page", getAt + "Origin: https://evil.example\n\n", []int{403}, ""},
	{"10,000 headers", getAt + strings.Repeat("X:y\n", 10_000) + "\n", []int{200, 400, 431}, okGet},
}

var targetAbuses = []abuse{
	{"absolute form", "GET http://HOST/s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"absolute form of another host", "GET http://evil.example/s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"absolute form, scheme file", "GET file:///s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"authority form", "GET HOST HTTP/1.1\nHost: HOST\nAUTH\nX: MARK\n\n", refused, ""},
	{"asterisk form", "OPTIONS * HTTP/1.1\nHost: HOST\nAUTH\nX: MARK\n\n", refused, ""},
	{"CONNECT to a host", "CONNECT evil.example:443 HTTP/1.1\nHost: evil.example:443\nAUTH\nX: MARK\n\n", refused, ""},
	{"CONNECT to a path", "CONNECT /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{400, 405}, ""},
	{"CONNECT with a request after it", "CONNECT HOST HTTP/1.1\nHost: HOST\nAUTH\nX: MARK\n\n" + smuggled, refused, ""},
	{"TRACE", "TRACE /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{405, 501}, ""},
	{"h2c, known before", "PRI * HTTP/2.0\n\nSM\n\n\x00\x00\x00\x04\x00\x00\x00\x00\x00", []int{400, 505, 0}, ""},
	{"HTTP/0.9", "GET /s/rec/MARK\n\n", refusedOr0, ""},
	{"HTTP/2.0 in a line", "GET /s/rec/MARK HTTP/2.0\nHost: HOST\nAUTH\n\n", []int{400, 505}, ""},
	{"HTTP/1.2", "GET /s/rec/MARK HTTP/1.2\nHost: HOST\nAUTH\n\n", []int{200, 400, 505}, okGet},
	{"HTTP/1.10", "GET /s/rec/MARK HTTP/1.10\nHost: HOST\nAUTH\n\n", refused, ""},
	{"http/1.1", "GET /s/rec/MARK http/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"HTTPS/1.1", "GET /s/rec/MARK HTTPS/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"two spaces", "GET  /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"space in the target", "GET /s/rec/MARK x HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"tab after the method", "GET\t/s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"NUL in the target", "GET /s/rec/MARK\x00 HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"control character in the target", "GET /s/rec/MARK\x01 HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"DEL in the target", "GET /s/rec/MARK\x7f HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"bare CR in the target", "GET /s/rec/MARK\rX HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"0x80-0xff in the target", "GET /s/rec/MARK/\xe2\x82\xac\xff?\xff HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{200, 400}, "[GET /v1/MARK/\xe2\x82\xac\xff?\xff]"},
	{"CRLF encoded", "GET /s/rec/MARK%0d%0aX-Injected:%201?%0d%0a HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{200, 400}, "[GET /v1/MARK%0d%0aX-Injected:%201?%0d%0a]"},
	{"fragment", "GET /s/rec/MARK#x HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"no slash", "GET s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"empty target", "GET  HTTP/1.1\nHost: HOST\nAUTH\nX: MARK\n\n", refused, ""},
	{"query only", "GET ?/s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"//host", "GET //evil.example/s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"//host after the service", "GET /s/rec//evil.example/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"@host after the service", "GET /s/rec@evil.example/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{401, 404}, ""},
	{"bad percent escape in the path", "GET /s/rec/MARK%zz HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{200, 400}, "[GET /v1/MARK%zz]"},
	{"bad method characters", "G(T /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"slash in the method", "GE/T /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"0x80-0xff in the method", "G\xc3\x84T /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"NUL in the method", "G\x00T /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"no method", " /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""},
	{"method of 100 KB", strings.Repeat("G", 100<<10) + " /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{400, 431, 501}, ""},
	{"garbage", "\x00\x01\x02\x03\xff\n\n", refusedOr0, ""},
	{"TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + strings.Repeat("x", 100) + "\n\n", refusedOr0, ""},
	{"empty lines before", "\n\nGET /s/rec/MARK HTTP/1.1\nHost: HOST\nAUTH\n\n", []int{200, 400}, okGet},
}

// Ways up: none reaches the upstream, whoever decodes them how often.
var climbs = []string{
	"/../MARK", "/MARK/..", "/MARK/../../x", "/%2e%2e/MARK", "/.%2e/MARK", "/%2E./MARK", "/%252e%252e/MARK", "/%25252e%25252e/MARK", "/..;/MARK", "/..;a=b/MARK", "/%2e%2e;/MARK", "/..%3b/MARK",
	"/MARK%2f..%2fx", "/MARK%252f..%252fx", "/..%2fMARK", "/..%5cMARK", `/..\MARK`, `/MARK\..\x`, `/\evil.example/MARK`, "/%5c%5cevil.example/MARK", "/%255cMARK", "/MARK%00", "/MARK%2500.txt", "/..%00/MARK",
	"/%c0%ae%c0%ae/MARK", "/%e0%80%ae%e0%80%ae/MARK", "/..%c0%afMARK", "/%uff0e%uff0e\\MARK", "/%u002e%u002e/MARK", "/.. /MARK", "/..%20/MARK", "/..%09/MARK", "/MARK/..?x", "/MARK/..%3fx", "/..%23/MARK", "/%%32%65%%32%65/MARK", "/\xc0\xae\xc0\xae/MARK",
	"/../rec/MARK", "/../bare/MARK", "/../../s/bare/MARK", "/../../admin/reload?MARK", "/../../healthz?MARK",
}

func TestAbuse(t *testing.T) {
	l := start(t)
	cases := map[string][]abuse{"framing": framingAbuses, "header": headerAbuses, "target": targetAbuses, "both lengths": bothLengths}
	for _, path := range climbs {
		cases["climb"] = append(cases["climb"], abuse{path, "GET /s/rec" + path + " HTTP/1.1\nHost: HOST\nAUTH\n\n", refused, ""})
	}
	// A line may end in LF alone (RFC 9112, section 2.2), if only everyone reads
	// it the same way: what goes on is in CRLF (the recorder sees to that).
	for name, text := range map[string]string{
		"request line": strings.Replace(getAt, "\n", "<LF>", 1) + "\n",
		"header line":  getAt + "X-A: b<LF>\n",
		"last line":    getAt + "<LF>",
		"all lines":    strings.ReplaceAll(getAt+"\n", "\n", "<LF>"),
	} {
		cases["bare LF"] = append(cases["bare LF"], abuse{name, text, []int{200, 400}, okGet})
	}
	for group, abuses := range cases {
		t.Run(group, func(t *testing.T) {
			t.Parallel()
			for _, a := range abuses {
				t.Run(a.name, func(t *testing.T) { judge(t, group+"/"+a.name, a.commit(t, l, group == "both lengths")) })
			}
		})
	}
}

// commit writes the abuse, and after it, in the same breath, a good request: it
// is answered as what it is, or not at all. It returns what is not as wanted.
func (a abuse) commit(t *testing.T, l *lab, closes bool) (problems []string) {
	m, next := mark(), mark()
	wrong := func(format string, args ...any) { problems = append(problems, fmt.Sprintf(format, args...)) }
	fill := strings.NewReplacer("\n", "\r\n", "<LF>", "\n", "MARK", m, "HOST", l.addr, "AUTH", "X-Lockbox-Token: "+l.tokens["rec"])
	w := dial(t, l.addr)
	w.send(fill.Replace(a.text) + l.head("GET", "rec", "/"+next) + "Connection: close\r\n\r\n")
	replies, hangs := w.rest("GET")
	if hangs {
		wrong("want an answer and an end within %v, got %d answers and an open connection", patience, len(replies))
	}
	status, got := 0, "none"
	if len(replies) > 0 {
		status, got = replies[0].status, replies[0].short()
	}
	if !slices.Contains(a.status, status) || len(replies) > 0 && replies[0].err != nil {
		wrong("status: want one of %v and a whole answer, got %s", a.status, got)
	}
	problems = append(problems, a.judgeUpstream(l, m, status)...)

	nexts := l.rec.marked(next)
	answered := len(replies) > 1 && replies[len(replies)-1].short() == `200 "ok"`
	for i, s := range nexts {
		switch {
		case i > 0:
			wrong("the next request: want it once, got %s", l.rec.lines(next))
		case s.String() != "GET /v1/"+next:
			wrong("the next request: want it as it was sent, got %s", s)
		case !answered:
			wrong("the next request: want its answer, as it was made, got %d answers", len(replies))
		}
	}
	if closes && (len(replies) > 1 || len(nexts) > 0) {
		wrong("want the connection closed after the answer, got %d answers", len(replies))
	}
	for _, r := range replies {
		if s := fmt.Sprint(r.header, r.trailer, r.body); strings.Contains(s, realKey) || strings.Contains(s, realLogin) || strings.Contains(s, l.tokens["rec"]) {
			wrong("want no secret in the answer, got one in %d %s", r.status, r.header.Get("X-Lockbox-Error"))
		}
	}
	return problems
}

// judgeUpstream compares what reached the upstream: all that was to, if the
// caller was told so; else nothing, or a request cut short.
func (a abuse) judgeUpstream(l *lab, m string, status int) (problems []string) {
	got, want := l.rec.lines(m), strings.ReplaceAll(a.reached, "MARK", m)
	switch {
	case status/100 == 2 && got != strings.ReplaceAll(want, " CUT]", "]"):
		problems = append(problems, fmt.Sprintf("at the upstream: want %s, got %s", brief(want), brief(got)))
	case status/100 != 2 && got != "" && (want == "" || !strings.HasSuffix(got, " CUT]")):
		problems = append(problems, fmt.Sprintf("at the upstream: want nothing whole, as the caller was told %d, got %s", status, brief(got)))
	}
	for _, s := range l.rec.marked(m) {
		if flaws := l.flaws(s); len(flaws) > 0 {
			problems = append(problems, fmt.Sprintf("at the upstream: want a clean request, got one of which is wrong: %s", strings.Join(flaws, "; ")))
		}
	}
	return problems
}
