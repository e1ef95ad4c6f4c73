//go:build linux

package conformance

import (
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// What the caller may read into a body of no length is told by how it ends.
func TestAnswerFraming(t *testing.T) {
	t.Parallel()
	l := start(t)
	rec := l.wild["framing"]
	for _, tt := range []struct{ name, method, answer, want string }{
		{"until the end", "GET", "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", `200 "all of it" <nil>`},
		{"HTTP/1.0", "GET", "HTTP/1.0 200 OK\r\n\r\nall of it", `200 "all of it" <nil>`},
		{"odd reason", "GET", "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nok", `200 "ok" <nil>`},
		{"204", "GET", "HTTP/1.1 204 No Content\r\n\r\n", `204 "" <nil>`},
		{"304 with a length", "GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 99\r\nETag: \"x\"\r\n\r\n", `304 "" <nil>`},
		{"HEAD with a length", "HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 99\r\n\r\n", `200 "" <nil>`},
		{"HEAD with chunks", "HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", `200 "" <nil>`},
		{"empty", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", `200 "" <nil>`},
		{"no chunks", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", `200 "" <nil>`},
		{"length cut", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 100\r\nConnection: close\r\n\r\nonly this", `200 "only this" unexpected EOF`},
		{"length cut at its last byte", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\nonly this", `200 "only this" unexpected EOF`},
		{"length, nothing of it", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 10\r\nConnection: close\r\n\r\n", `200 "" unexpected EOF`},
		{"chunks cut between", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n", `200 "only this" unexpected EOF`},
		{"chunks cut within", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nonly this", `200 "only this" unexpected EOF`},
		{"chunks cut at the last CRLF", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\n0\r\n", `200 "only this" unexpected EOF`},
		{"chunks with a bad size", "GET", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n9\r\nonly this\r\nxyz\r\n", `200 "only this" unexpected EOF`},
		{"garbage after the length", "GET", "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison", `200 "ok" <nil>`},
	} {
		m := mark()
		rec.on(m, func(u *upstream) bool {
			u.readBody()
			u.send(tt.answer)
			return false
		})
		w := dial(t, l.addr)
		w.send(l.head(tt.method, "framing", "/"+m) + "\r\n")
		r := w.read(tt.method)
		if tt.name == "length, nothing of it" && r.status == 0 {
			r.status = 200 // no answer at all says as much
		}
		if r.err != nil && strings.Contains(r.err.Error(), "connection reset") {
			r.err = io.ErrUnexpectedEOF // a plain way to break off
		}
		check(t, tt.name, fmt.Sprintf("%d %q %v", r.status, r.body, r.err), tt.want)
		if n := len(rec.marked(m)); n != 1 {
			t.Errorf("%s: want one request at the upstream, got %d", tt.name, n)
		}
		if r.err != nil || tt.method == "HEAD" && r.closes {
			continue
		}
		// Nothing of a broken or odd answer is left for the next one. By then the
		// end of the upstream's connection has arrived: nothing is sent twice.
		time.Sleep(10 * time.Millisecond)
		next := mark()
		w.send(l.head("GET", "framing", "/"+next) + "\r\n")
		check(t, tt.name+": the next answer", w.read("GET").short(), `200 "ok"`)
	}
}

// Answers that no one can read, or that begin badly, are a 502 of Lockbox's own.
func TestBadAnswers(t *testing.T) {
	t.Parallel()
	l := start(t)
	rec := l.wild["bad"]
	for name, answer := range map[string]string{
		"nothing":                   "",
		"no HTTP":                   "SSH-2.0-OpenSSH\r\n\r\n",
		"cut header":                "HTTP/1.1 200 OK\r\nContent-Len",
		"two lengths":               "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!",
		"negative length":           "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\nok",
		"unknown transfer coding":   "HTTP/1.1 200 OK\r\nTransfer-Encoding: xchunked\r\n\r\nok",
		"bad status":                "HTTP/1.1 2000 OK\r\n\r\n",
		"a protocol no one asked":   "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n",
		"a WebSocket no one asked":  "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n",
		"2 MB of headers":           "HTTP/1.1 200 OK\r\n" + strings.Repeat("X-Big: "+strings.Repeat("x", 1000)+"\r\n", 2000) + "Content-Length: 2\r\n\r\nok",
		"header lines without end":  "HTTP/1.1 200 OK\r\nX: " + strings.Repeat("x", 3<<20),
		"only informational, ended": "HTTP/1.1 103 Early Hints\r\n\r\n",
	} {
		m := mark()
		rec.on(m, func(u *upstream) bool {
			u.readBody()
			u.send(answer)
			return false
		})
		r := ask(t, l.addr, l.head("POST", "bad", "/"+m)+"Content-Length: 2\r\n\r\nhi")
		check(t, name, fmt.Sprint(r.status, " ", r.header.Get("X-Lockbox-Error")), "502 upstream_unreachable")
		check(t, name, rec.once(t, m), "POST /v1/"+m+" hi")
	}
}
