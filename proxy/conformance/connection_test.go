//go:build linux

package conformance

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

// Pipelined requests are answered in order, each once.
func TestPipelined(t *testing.T) {
	t.Parallel()
	l := start(t)
	m := mark()
	w := dial(t, l.addr)
	var text strings.Builder
	for i := range 10 {
		if i%2 == 0 {
			fmt.Fprintf(&text, "%s\r\n", l.head("GET", "rec", fmt.Sprintf("/%s/%d", m, i)))
		} else {
			fmt.Fprintf(&text, "%sContent-Length: 4\r\n\r\nGET ", l.head("POST", "rec", fmt.Sprintf("/%s/%d", m, i)))
		}
	}
	for i := range 10 {
		l.rec.on(fmt.Sprintf("%s/%d", m, i), func(u *upstream) bool {
			u.readBody()
			time.Sleep(time.Duration(10-i) * 3 * time.Millisecond) // the later, the faster
			u.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n%d", i))
			return true
		})
	}
	w.send(text.String())
	for i := range 10 {
		check(t, "answer", w.read("GET").short(), fmt.Sprintf(`200 "%d"`, i))
	}
	if got := l.rec.marked(m); len(got) != 10 {
		t.Errorf("want 10 requests at the upstream, got %s", l.rec.lines(m))
	}
}

// Which connections are kept, and what version answers.
func TestKeepAlive(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct {
		name, version, lines string
		kept                 bool
	}{
		{"HTTP/1.1", "1.1", "", true},
		{"close", "1.1", "Connection: close\r\n", false},
		{"close in a list", "1.1", "Connection: x-hop, Close\r\n", false},
		{"close in a second line", "1.1", "Connection: x-hop\r\nConnection: close\r\n", false},
		{"HTTP/1.0", "1.0", "", false},
		{"HTTP/1.0 keep-alive", "1.0", "Connection: keep-alive\r\n", true},
	} {
		for _, body := range []string{"length", "chunks", "none"} {
			m := mark()
			switch body {
			case "chunks":
				l.rec.on(m, text("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n"))
			case "none":
				l.rec.on(m, text("HTTP/1.1 204 No Content\r\n\r\n"))
			}
			what := tt.name + ", " + body
			w := dial(t, l.addr)
			w.send(strings.Replace(l.head("GET", "rec", "/"+m), "HTTP/1.1", "HTTP/"+tt.version, 1) + tt.lines + "\r\n")
			r := w.read("GET")
			want := `200 "ok"`
			if body == "none" {
				want = `204 ""`
			}
			check(t, what, r.short(), want)
			if tt.version == "1.0" && r.chunked {
				t.Errorf("%s: want no chunks for a caller that knows none", what)
			}
			kept := tt.kept && !r.closes
			if tt.version == "1.0" && tt.kept {
				// It may be closed all the same, but must then say so; with a body
				// of no length it has to be.
				kept = strings.EqualFold(r.header.Get("Connection"), "keep-alive")
			} else if tt.kept != kept {
				t.Errorf("%s: want kept %v, got %v", what, tt.kept, kept)
			}
			if kept {
				w.send(l.head("GET", "rec", "/"+mark()) + "Connection: close\r\n\r\n")
				check(t, what+": the next", w.read("GET").short(), `200 "ok"`)
			}
			if rest, hangs := w.rest("GET"); len(rest) > 0 || hangs {
				t.Errorf("%s: want the connection closed, got %d answers, hangs %v", what, len(rest), hangs)
			}
		}
	}
}

// Headers of any size up to 64 KB go through, larger ones are a 431.
func TestHeaderSizes(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct {
		name  string
		lines string
		want  int
	}{
		{"60 KB in a line", "X-Big: " + strings.Repeat("x", 60<<10) + "\r\n", 200},
		{"50 KB in 500 lines", strings.Repeat("X-Many: "+strings.Repeat("y", 90)+"\r\n", 500), 200},
		{"100 KB in a line", "X-Big: " + strings.Repeat("x", 100<<10) + "\r\n", 431},
		{"100 KB in 1,000 lines", strings.Repeat("X-Many: "+strings.Repeat("y", 90)+"\r\n", 1000), 431},
		{"1 MB", "X-Big: " + strings.Repeat("x", 1<<20) + "\r\n", 431},
	} {
		m := mark()
		w := dial(t, l.addr)
		go w.send(l.head("GET", "rec", "/"+m) + tt.lines + "\r\n")
		r := w.read("GET")
		check(t, tt.name, r.status, tt.want)
		if n := len(l.rec.marked(m)); (n == 1) != (tt.want == 200) {
			t.Errorf("%s: want it forwarded only when whole, got %d requests", tt.name, n)
		}
	}
	m := mark()
	w := dial(t, l.addr)
	go w.send("GET /s/rec/" + m + strings.Repeat("/long", 20<<10) + " HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n")
	if r := w.read("GET"); r.status != 431 && r.status != 414 {
		t.Errorf("a target of 100 KB: want 431 or 414, got %s", r.short())
	}
	check(t, "a target of 100 KB at the upstream", l.rec.lines(m), "")
	// As many headers in an answer go through, too.
	m = mark()
	l.rec.on(m, text("HTTP/1.1 200 OK\r\nX-Big: "+strings.Repeat("x", 100<<10)+"\r\nContent-Length: 2\r\n\r\nok"))
	r := ask(t, l.addr, l.head("GET", "rec", "/"+m)+"\r\n")
	check(t, "an answer with 100 KB of headers", fmt.Sprint(r.short(), len(r.header.Get("X-Big"))), fmt.Sprint(`200 "ok"`, 100<<10))
}

// Kept connections to the upstream die between requests: what was sent may have
// been carried out, so no request is made twice unless it is one that RFC 9110,
// section 9.2.2, calls idempotent, or not a byte of it got anywhere.
func TestDyingUpstreamConnections(t *testing.T) {
	t.Parallel()
	l := start(t)
	rec := l.wild["dying"]
	for _, tt := range []struct {
		name, method, text string
		status             int // 0: 200 or 502
	}{
		{"GET", "GET", "\r\n", 0},
		{"POST with a length", "POST", "Content-Length: 5\r\n\r\nhello", 0},
		{"POST with chunks", "POST", "Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n", 0},
		{"POST without a body", "POST", "Content-Length: 0\r\n\r\n", 0},
		{"PATCH", "PATCH", "Content-Length: 5\r\n\r\nhello", 0},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			// The upstream closes kept connections while they idle: the next
			// request finds out before or while it is sent.
			for i := range 15 {
				warm, m := mark(), mark()
				rec.on(warm, func(u *upstream) bool {
					u.readBody()
					u.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
					time.Sleep(time.Duration(i) * time.Millisecond / 5)
					return false
				})
				// It may meet a connection that another one's upstream closes.
				for r := (reply{}); r.status != 200; {
					r = ask(t, l.addr, l.head("GET", "dying", "/"+warm)+"\r\n")
				}
				r := ask(t, l.addr, l.head(tt.method, "dying", "/"+m)+tt.text)
				if r.status != 200 && r.status != 502 || r.err != nil {
					t.Errorf("want 200, or 502 when it cannot be known, got %s", r.short())
				}
				if n := len(rec.marked(m)); n > 1 || r.status == 200 && n != 1 {
					t.Errorf("%s: want one request at the upstream, got %d: %s", r.short(), n, rec.lines(m))
				}
			}
			// The upstream takes the whole request, on a kept connection too, and
			// hangs up without an answer: it may have acted.
			for range 5 {
				m := mark()
				for r := (reply{}); r.status != 200; {
					r = ask(t, l.addr, l.head("GET", "dying", "/"+mark())+"\r\n")
				}
				rec.on(m, func(u *upstream) bool { u.readBody(); return false })
				r := ask(t, l.addr, l.head(tt.method, "dying", "/"+m)+tt.text)
				check(t, "hung up on", fmt.Sprint(r.status, " ", r.header.Get("X-Lockbox-Error")), "502 upstream_unreachable")
				if n := len(rec.marked(m)); n > 1 && tt.method != "GET" { // of which TestRetriedOnce
					t.Errorf("hung up on: want no more than one request at the upstream, got %d", n)
				}
			}
		})
	}
}

// A key that a caller brings to make its request repeatable does not make
// Lockbox repeat it.
func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	l := start(t)
	rec := l.wild["keys"]
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		for range 5 {
			m := mark()
			check(t, "warm-up", ask(t, l.addr, l.head("GET", "keys", "/"+mark())+"\r\n").short(), `200 "ok"`)
			rec.on(m, func(u *upstream) bool { u.readBody(); return false })
			r := ask(t, l.addr, l.head("POST", "keys", "/"+m)+name+": k1\r\nContent-Length: 0\r\n\r\n")
			check(t, name, r.status, 502)
			if n := len(rec.marked(m)); n != 1 {
				t.Errorf("%s: want one request at the upstream, got %d", name, n)
			}
			check(t, name+" at the upstream", rec.marked(m)[0].values(strings.ToLower(name)), "[k1]")
		}
	}
}

// What Lockbox adds to a request is nothing, and what it takes away is listed.
func TestRequestHeaders(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, tt := range []struct{ name, lines, want string }{
		{"none", "", ""},
		{"all kinds", "User-Agent: x/1\r\nAccept: a/b\r\nAccept: c/d\r\nX-Empty:\r\nCookie: a=b\r\nReferer: http://x/\r\nx-lower: 1\r\nX-UPPER: 2\r\nX_Score: 3\r\nX.Dot: 4\r\n!#$%&'*+-^`|~: 5\r\n",
			"accept=a/b accept=c/d cookie=a=b referer=http://x/ user-agent=x/1 x-empty= x-lower=1 x-upper=2 x.dot=4 x_score=3 !#$%&'*+-^`|~=5"},
		{"bytes", "X-Bytes: caf\xc3\xa9 \xe9\xff\r\nX-Tab: a\tb\r\nX-Space:   a  b  \r\n", "x-bytes=caf\xc3\xa9 \xe9\xff x-space=a  b x-tab=a\tb"},
		{"hop by hop", "Connection: keep-alive, X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\nProxy-Connection: keep-alive\r\nProxy-Authorization: Basic x\r\nTE: gzip\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABk\r\nX-Stays: 1\r\n", "x-stays=1"},
		{"who forwards", "X-Forwarded-For: 1.2.3.4\r\nX-Forwarded-Host: evil\r\nX_Forwarded_Proto: x\r\nForwarded: for=1.2.3.4\r\nVia: 1.1 x\r\nNgrok-Trace-Id: x\r\nX-Lockbox-Error: x\r\nX-Stays: 1\r\n", "x-stays=1"},
		{"a browser's cookie", "Sec-Fetch-Site: none\r\nCookie: session=1\r\n", "sec-fetch-site=none"},
		{"the upstream's own Authorization", "Authorization: Bearer upstreams-own\r\n", "authorization=Bearer upstreams-own"},
	} {
		m := mark()
		r := ask(t, l.addr, l.head("GET", "bare", "/"+m)+tt.lines+"\r\n")
		check(t, tt.name, r.short(), `200 "ok"`)
		s := l.rec.once(t, m)
		var got []string
		for _, line := range s.lines {
			if line[0] != "host" {
				got = append(got, line[0]+"="+line[1])
			}
		}
		check(t, tt.name+" at the upstream", sortedWords(strings.Join(got, " ")), sortedWords(tt.want))
	}
}

// The token opens the service however it is sent, and is never seen behind it.
func TestTokenForms(t *testing.T) {
	t.Parallel()
	l := start(t)
	token := l.tokens["rec"]
	for name, tt := range map[string]struct {
		lines  string
		status int
	}{
		"Bearer":                      {"Authorization: Bearer " + token + "\r\n", 200},
		"bearer":                      {"authorization: bearer " + token + "\r\n", 200},
		"Basic":                       {"Authorization: Basic " + base64Of("zapier:"+token) + "\r\n", 200},
		"X-Lockbox-Token":             {"X-Lockbox-Token: " + token + "\r\n", 200},
		"both":                        {"X-Lockbox-Token: " + token + "\r\nAuthorization: Bearer " + token + "\r\n", 200},
		"other headers hold it":       {"X-Lockbox-Token: " + token + "\r\nX-Copy: " + token + "\r\nX-Api-Key: " + token + "\r\nCookie: t=" + token + "\r\n", 200},
		"X-Lockbox-Token comes twice": {"X-Lockbox-Token: " + token + "\r\nX-Lockbox-Token: " + token + "\r\n", 401},
		"Authorization comes twice":   {"Authorization: Bearer " + token + "\r\nAuthorization: Bearer x\r\n", 401},
		"none":                        {"", 401},
		"another service's":           {"Authorization: Bearer " + l.tokens["bare"] + "\r\n", 401},
		"bad":                         {"Authorization: Bearer " + token[:len(token)-4] + "AAAA\r\n", 401},
		"in X-Api-Key only":           {"X-Api-Key: " + token + "\r\n", 401},
	} {
		m := mark()
		r := ask(t, l.addr, "GET /s/rec/"+m+" HTTP/1.1\r\nHost: "+l.addr+"\r\n"+tt.lines+"\r\n")
		check(t, name, r.status, tt.status)
		check(t, name+": at the upstream", len(l.rec.marked(m)) == 1, tt.status == 200)
	}
	for _, target := range []string{"/x?token=" + token, "/" + token} {
		m := mark()
		r := ask(t, l.addr, l.head("GET", "rec", "/"+m+target)+"\r\n")
		check(t, "in the target, too", r.status, 400)
		check(t, "in the target, at the upstream", l.rec.lines(m), "")
	}
}
