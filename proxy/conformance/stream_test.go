//go:build linux

package conformance

import (
	"bytes"
	"compress/gzip"
	"fmt"
	"io"
	"strings"
	"testing"
	"time"
)

// Compressed bodies go through as they are, whoever asked for what.
func TestCompressedBodies(t *testing.T) {
	t.Parallel()
	l := start(t)
	var zipped bytes.Buffer
	z := gzip.NewWriter(&zipped)
	_, _ = io.WriteString(z, strings.Repeat("compress me ", 5000))
	_ = z.Close()
	for _, tt := range []struct{ coding, body string }{
		{"gzip", zipped.String()}, {"br", "\x1b\x0f\x00\x00\xa4\x80\x00\x01"}, {"zstd", "\x28\xb5\x2f\xfd\x04\x00\x09\x00\x00abc"}, {"gzip, br", "\x00\xff\x00"}, {"gzip", "not gzip at all"}, {"identity", "plain"},
	} {
		for _, framing := range []string{"length", "chunks"} {
			m := mark()
			answer := fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Encoding: %s\r\n", tt.coding)
			if framing == "length" {
				answer += fmt.Sprintf("Content-Length: %d\r\n\r\n%s", len(tt.body), tt.body)
			} else {
				half := len(tt.body) / 2
				answer += fmt.Sprintf("Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", half, tt.body[:half], len(tt.body)-half, tt.body[half:])
			}
			l.rec.on(m, text(answer))
			r := ask(t, l.addr, l.head("GET", "bare", "/"+m)+"Accept-Encoding: x-odd;q=0.1\r\n\r\n")
			what := tt.coding + " by " + framing
			check(t, what+": body", r.body, tt.body)
			check(t, what+": Content-Encoding", r.header.Get("Content-Encoding"), tt.coding)
			check(t, what+": Accept-Encoding at the upstream", l.rec.once(t, m).values("accept-encoding"), []string{"x-odd;q=0.1"})
		}
	}
}

// Requests arrive with the framing that they came in.
func TestRequestFraming(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct{ name, method, text, length, coding, body string }{
		{"no body", "GET", "\r\n", "[]", "[]", ""},
		{"length", "POST", "Content-Length: 5\r\n\r\nhello", "[5]", "[]", "hello"},
		{"length 0", "POST", "Content-Length: 0\r\n\r\n", "[0]", "[]", ""},
		{"length with zeros before", "POST", "Content-Length: 0005\r\n\r\nhello", "[5]", "[]", "hello"},
		{"chunks", "PUT", "Transfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n003\r\nllo\r\n0\r\n\r\n", "[]", "[chunked]", "hello"},
		{"chunks in capitals", "PUT", "TRANSFER-ENCODING: Chunked\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n", "[]", "[chunked]", "0123456789"},
		{"chunk extensions", "PUT", "Transfer-Encoding: chunked\r\n\r\n5;a=b;c=\"d\"\r\nhello\r\n0;x\r\n\r\n", "[]", "[chunked]", "hello"},
		{"length, GET", "GET", "Content-Length: 5\r\n\r\nhello", "[5]", "[]", "hello"},
		{"chunks, DELETE", "DELETE", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", "[]", "[chunked]", "hello"},
	} {
		m := mark()
		r := ask(t, l.addr, l.head(tt.method, "rec", "/"+m)+tt.text)
		check(t, tt.name+": answer", r.short(), `200 "ok"`)
		s := l.rec.once(t, m)
		check(t, tt.name+": Content-Length", s.values("content-length"), tt.length)
		check(t, tt.name+": Transfer-Encoding", s.values("transfer-encoding"), tt.coding)
		check(t, tt.name+": body", s.body(), tt.body)
		check(t, tt.name+": whole", s.whole(), true)
	}
}

// Trailers go both ways, with names that are the credential's or Lockbox's own
// left out.
func TestTrailers(t *testing.T) {
	t.Parallel()
	l := start(t)
	m := mark()
	l.rec.on(m, text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\n\r\n2\r\nok\r\n0\r\nX-Sum: abc\r\nX-Late: 1\r\n\r\n"))
	r := ask(t, l.addr, l.head("POST", "rec", "/"+m)+"Transfer-Encoding: chunked\r\nTE: trailers\r\nTrailer: X-Digest, X-Api-Key, Authorization, X-Lockbox-Token\r\n\r\n5\r\nhello\r\n0\r\nX-Digest: 1\r\nX-Api-Key: mine\r\nAuthorization: Bearer mine\r\nX-Lockbox-Token: mine\r\nContent-Length: 99\r\nHost: evil.example\r\n\r\n")
	check(t, "answer", r.short(), `200 "ok"`)
	check(t, "trailers of the answer", r.trailer.Get("X-Sum"), "abc")
	check(t, "request", l.rec.once(t, m), "POST /v1/"+m+" hello x-digest=1")
}

// Each piece of an answer goes on when it comes, whatever its type: the upstream
// sends the next one only when the caller has the last.
func TestFlushedAtOnce(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct{ name, header string }{
		{"events", "Content-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n"},
		{"events without chunks", "Content-Type: text/event-stream\r\nConnection: close\r\n"},
		{"json lines", "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n"},
		{"no type", "Transfer-Encoding: chunked\r\n"},
		{"length", "Content-Type: application/octet-stream\r\nContent-Length: 35\r\n"},
		{"compressed", "Content-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n"},
	} {
		m, next := mark(), make(chan bool)
		l.rec.on(m, func(u *upstream) bool {
			u.readBody()
			u.send("HTTP/1.1 200 OK\r\n" + tt.header + "\r\n")
			for i := range 5 {
				if _, ok := <-next; !ok {
					return false
				}
				if strings.Contains(tt.header, "chunked") {
					u.send(fmt.Sprintf("7\r\npiece %d\r\n", i))
				} else {
					u.send(fmt.Sprintf("piece %d", i))
				}
			}
			if strings.Contains(tt.header, "chunked") {
				u.send("0\r\n\r\n")
			}
			return !strings.Contains(tt.header, "close")
		})
		func() {
			defer close(next)
			w := dial(t, l.addr)
			w.send(l.head("GET", "bare", "/"+m) + "\r\n")
			res, r := w.begin("GET") // before the first byte of the body
			if res == nil {
				t.Errorf("%s: want the header before the body, got %s", tt.name, r.short())
				return
			}
			for i := range 5 {
				next <- true
				p := make([]byte, 7)
				_, err := io.ReadFull(res.Body, p)
				check(t, tt.name, string(p), fmt.Sprintf("piece %d", i))
				if err != nil {
					t.Errorf("%s: piece %d: %v", tt.name, i, err)
					return
				}
			}
			_, err := io.Copy(io.Discard, res.Body)
			check(t, tt.name+": end", err, nil)
		}()
	}
}

// A request's body is sent on as it comes, too, and an upstream may answer while
// it does.
func TestBothWaysAtOnce(t *testing.T) {
	t.Parallel()
	l := start(t)
	m := mark()
	l.rec.on(m, func(u *upstream) bool {
		u.send("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
		for u.readChunk() {
			body := u.body()
			u.send("1\r\n" + body[len(body)-1:] + "\r\n")
		}
		u.send("0\r\n\r\n")
		return true
	})
	w := dial(t, l.addr)
	w.send(l.head("POST", "rec", "/"+m) + "Transfer-Encoding: chunked\r\n\r\n1\r\na\r\n")
	res, r := w.begin("POST")
	if res == nil {
		t.Fatalf("want an answer to the first chunk, got %s", r.short())
	}
	p := make([]byte, 1)
	for _, c := range "abcd" {
		if c != 'a' {
			w.sendf("1\r\n%c\r\n", c)
		}
		_, err := io.ReadFull(res.Body, p)
		check(t, "echo", fmt.Sprint(string(p), err), fmt.Sprint(string(c), "<nil>"))
	}
	w.send("0\r\n\r\n")
	_, err := io.Copy(io.Discard, res.Body)
	check(t, "end", err, nil)
	check(t, "request", l.rec.once(t, m), "POST /v1/"+m+" abcd")
}

// Expect: 100-continue is the upstream's to answer: a caller that is refused
// keeps its body.
func TestExpectContinue(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct{ name, framing, body string }{
		{"length", "Content-Length: 5\r\n", "hello"}, {"chunks", "Transfer-Encoding: chunked\r\n", "5\r\nhello\r\n0\r\n\r\n"},
	} {
		m := mark()
		l.rec.on(m, func(u *upstream) bool {
			check(t, tt.name+": Expect at the upstream", u.values("expect"), "[100-continue]")
			u.send("HTTP/1.1 100 Continue\r\n\r\n")
			u.readBody()
			u.send("HTTP/1.1 201 Created\r\nContent-Length: 2\r\n\r\nok")
			return true
		})
		w := dial(t, l.addr)
		w.send(l.head("PUT", "rec", "/"+m) + "Expect: 100-continue\r\n" + tt.framing + "\r\n")
		line, err := w.br.ReadString('\n')
		blank, _ := w.br.ReadString('\n')
		check(t, tt.name+": first", fmt.Sprint(line, blank, err), "HTTP/1.1 100 Continue\r\n\r\n<nil>")
		w.send(tt.body)
		check(t, tt.name, w.read("PUT").short(), `201 "ok"`)
		check(t, tt.name, l.rec.once(t, m), "PUT /v1/"+m+" hello")

		m = mark()
		l.rec.on(m, func(u *upstream) bool {
			u.send("HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbig")
			return false
		})
		w = dial(t, l.addr)
		began := time.Now()
		w.send(l.head("PUT", "rec", "/"+m) + "Expect: 100-continue\r\n" + tt.framing + "\r\n")
		r := w.read("PUT")
		check(t, tt.name+", refused", fmt.Sprint(r.short(), r.interim), `413 "big"[]`)
		if took := time.Since(began); took > 900*time.Millisecond {
			t.Errorf("%s, refused: want it at once, got it after %v", tt.name, took)
		}
		// What comes next is the body, or nothing is read any more.
		w.send(tt.body + l.head("GET", "rec", "/"+m+"-next") + "Connection: close\r\n\r\n")
		rest, hangs := w.rest("PUT")
		if hangs || len(rest) > 1 || len(rest) == 1 && (r.closes || rest[0].short() != `200 "ok"`) {
			t.Errorf("%s, refused: want the connection closed or the next request answered, got %d answers, closes %v, hangs %v", tt.name, len(rest), r.closes, hangs)
		}
	}
	w := dial(t, l.addr)
	w.sendf("PUT /s/rec/x HTTP/1.1\r\nHost: %s\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\n", l.addr)
	r := w.read("PUT")
	check(t, "refused by Lockbox", fmt.Sprint(r.status, r.interim), "401 []")
	m := mark()
	r = ask(t, l.addr, l.head("PUT", "rec", "/"+m)+"Expect: 200-maybe\r\nContent-Length: 5\r\n\r\nhello")
	if r.status != 417 && r.status != 200 {
		t.Errorf("unknown expectation: want 417 or that it goes through, got %s", r.short())
	}
}

// 1xx answers before the last one go through.
func TestInformational(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct{ before, interim string }{
		{"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n", "[103]"},
		{"HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 103 Early Hints\r\n\r\n", "[102 103]"},
		{"HTTP/1.1 199 Odd\r\n\r\n", "[199]"},
	} {
		m := mark()
		l.rec.on(m, text(tt.before+"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"))
		r := ask(t, l.addr, l.head("GET", "rec", "/"+m)+"\r\n")
		check(t, tt.interim, fmt.Sprint(r.short(), r.interim), `200 "ok"`+tt.interim)
	}
}

// An upstream that has heard enough answers before the body is there, and its
// answer reaches a caller that is still sending.
func TestEarlyAnswers(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct{ name, text string }{
		{"length", "Content-Length: 100000000\r\n\r\nsome"}, {"chunks", "Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"},
	} {
		for _, after := range []string{"close", "keep-alive"} {
			m := mark()
			l.rec.on(m, func(u *upstream) bool {
				u.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\nConnection: " + after + "\r\n\r\nno")
				if after == "keep-alive" {
					u.gone()
				}
				return false
			})
			w := dial(t, l.addr)
			began := time.Now()
			w.send(l.head("POST", "rec", "/"+m) + tt.text)
			check(t, tt.name+", "+after, w.read("POST").short(), `403 "no"`)
			if took := time.Since(began); took > 5*time.Second {
				t.Errorf("%s, %s: want it at once, got it after %v", tt.name, after, took)
			}
		}
	}
}

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
		// Nothing of a broken or odd answer is left for the next one.
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
