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
// it does. (A letter may be the beginning of the key, and waits for what is next.)
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
	w.send(l.head("POST", "rec", "/"+m) + "Transfer-Encoding: chunked\r\n\r\n1\r\n!\r\n")
	res, r := w.begin("POST")
	if res == nil {
		t.Fatalf("want an answer to the first chunk, got %s", r.short())
	}
	p := make([]byte, 1)
	for _, c := range "!,;?" {
		if c != '!' {
			w.sendf("1\r\n%c\r\n", c)
		}
		_, err := io.ReadFull(res.Body, p)
		check(t, "echo", fmt.Sprint(string(p), err), fmt.Sprint(string(c), "<nil>"))
	}
	w.send("0\r\n\r\n")
	_, err := io.Copy(io.Discard, res.Body)
	check(t, "end", err, nil)
	check(t, "request", l.rec.once(t, m), "POST /v1/"+m+" !,;?")
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
