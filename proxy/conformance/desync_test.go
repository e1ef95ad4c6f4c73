//go:build linux

package conformance

import (
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// A body that nobody wanted is never read as the next request, whoever refused
// it and at what point.
func TestRefusedBodies(t *testing.T) {
	t.Parallel()
	l := start(t)
	token := "X-Lockbox-Token: " + l.tokens["rec"] + "\r\n"
	for _, tt := range []struct {
		name, line, lines string
		status            int
	}{
		{"no token", "POST /s/rec/MARK", "Host: HOST\r\n", 401},
		{"bad token", "POST /s/rec/MARK", "Host: HOST\r\nAuthorization: Bearer x.y.z\r\n", 401},
		{"unknown service", "POST /s/nosuch/MARK", "Host: HOST\r\n" + token, 404},
		{"nothing there", "POST /MARK", "Host: HOST\r\n", 404},
		{"healthz", "GET /healthz", "Host: HOST\r\n", 200},
		{"reload without a token", "POST /admin/reload", "Host: HOST\r\n", 401},
		{"bad path", "POST /s/rec/../MARK", "Host: HOST\r\n" + token, 400},
		{"wrong host", "POST /s/rec/MARK", "Host: evil.example\r\n" + token, 421},
		{"another site's page", "POST /s/rec/MARK", "Host: HOST\r\nOrigin: https://evil.example\r\n" + token, 403},
		{"TRACE", "TRACE /s/rec/MARK", "Host: HOST\r\n" + token, 405},
		{"refused by the upstream", "POST /s/rec/MARK-early", "Host: HOST\r\n" + token, 403},
	} {
		for _, framing := range []string{"length", "chunks", "length, later", "length, never whole"} {
			name := tt.name + ", " + framing
			if framing == "length, never whole" && strings.Contains(tt.line, "early") {
				continue // the upstream's word and the caller's end cross
			}
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				judge(t, "refused bodies/"+name, refuseBody(t, l, tt.line, tt.lines, tt.status, framing, patience))
			})
		}
	}
}

func refuseBody(t *testing.T, l *lab, line, lines string, status int, framing string, wait time.Duration) (problems []string) {
	m := mark()
	l.rec.on(m+"-early", func(u *upstream) bool {
		u.send("HTTP/1.1 403 Forbidden\r\nContent-Length: 2\r\n\r\nno")
		return u.readBody()
	})
	fill := strings.NewReplacer("MARK", m, "HOST", l.addr)
	body := "GET /s/rec/" + m + "-smuggled HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n"
	head := fill.Replace(line + " HTTP/1.1\r\n" + lines)
	w := dial(t, l.addr)
	var replies []reply
	switch framing {
	case "length":
		w.sendf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
	case "chunks":
		w.sendf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body)
	case "length, later":
		w.sendf("%sContent-Length: %d\r\n\r\n", head, len(body))
		_ = w.SetReadDeadline(time.Now().Add(wait))
		first := w.read("POST")
		if first.status == 0 {
			return []string{"want a refusal before the body is sent, got none"}
		}
		_ = w.SetReadDeadline(time.Now().Add(patience))
		replies = append(replies, first)
		w.send(body)
	case "length, never whole":
		w.sendf("%sContent-Length: %d\r\n\r\n%s", head, 1<<30, body)
	}
	w.send(l.head("GET", "rec", "/"+m+"-next") + "Connection: close\r\n\r\n")
	if framing == "length, never whole" {
		w.closeWrite()
	}
	more, hangs := w.rest("GET")
	replies = append(replies, more...)
	if len(replies) == 0 || replies[0].status != status {
		problems = append(problems, fmt.Sprintf("want %d first, got %s", status, shorts(replies)))
	}
	if hangs || len(replies) > 2 || len(replies) == 2 && replies[1].short() != `200 "ok"` {
		problems = append(problems, fmt.Sprintf("want the connection closed or the next request answered, got %s, hangs %v", shorts(replies), hangs))
	}
	return problems
}

func shorts(replies []reply) string {
	var s []string
	for _, r := range replies {
		s = append(s, r.short())
	}
	return fmt.Sprintf("%d answers: %s", len(replies), strings.Join(s, ", "))
}

// What an upstream may not say in Lockbox's name, or write into the caller's
// connection beyond its answer.
func TestHostileAnswers(t *testing.T) {
	t.Parallel()
	l := start(t)
	rec := l.wild["hostile"]
	for name, head := range map[string]string{
		"bare CR in a value":      "X-A: b\rX-Injected: 1\r\n",
		"NUL in a value":          "X-A: b\x00c\r\n",
		"space before the colon":  "X-A : b\r\n",
		"space in a name":         "X A: b\r\n",
		"obs-fold":                "X-A: b\r\n c\r\n",
		"bare LF":                 "X-A: b\nX-B: c\r\n",
		"no colon":                "X-A\r\n",
		"Lockbox's own":           "X-Lockbox-Error: token_expired\r\nX-Lockbox-Anything: x\r\n",
		"other ways here":         "Alt-Svc: h2=\"evil.example:443\"\r\n",
		"leave for other pages":   "Access-Control-Allow-Origin: *\r\nAccess-Control-Allow-Private-Network: true\r\n",
		"a header of its hop":     "Connection: X-Hop\r\nX-Hop: 1\r\nKeep-Alive: timeout=5\r\n",
		"a switch":                "Connection: Upgrade\r\nUpgrade: h2c\r\n",
		"chunks and a length":     "Transfer-Encoding: chunked\r\n",
		"two lengths alike":       "Content-Length: 12\r\n",
		"a length list":           "Content-Length: 12, 12\r\n",
		"a redirect that injects": "Location: /x%0d%0aX-Injected: 1\r\n",
	} {
		m := mark()
		rec.on(m, func(u *upstream) bool {
			u.readBody()
			u.send("HTTP/1.1 200 OK\r\n" + head + "Content-Length: 12\r\n\r\n2\r\nok\r\n0\r\n\r\n" + "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison")
			return false
		})
		w := dial(t, l.addr)
		w.send(l.head("GET", "hostile", "/"+m) + "\r\n" + l.head("GET", "hostile", "/"+mark()) + "Connection: close\r\n\r\n")
		raw, err := io.ReadAll(w)
		text := string(raw)
		if err != nil {
			t.Errorf("%s: want an end, got %v", name, err)
		}
		if n := strings.Count(text, "HTTP/1.1 "); n < 1 || n > 2 {
			t.Errorf("%s: want one or two answers, got %s", name, brief(text))
		}
		first, _, _ := strings.Cut(text, "\r\n\r\n")
		own := strings.HasPrefix(first, "HTTP/1.1 502 ")
		if !own && !strings.HasPrefix(first, "HTTP/1.1 200 ") {
			t.Errorf("%s: want 200 or 502, got %s", name, brief(first))
		}
		for i, line := range strings.Split(first, "\r\n") {
			lower := strings.ToLower(line)
			switch {
			case i > 0 && headerLine.FindString(line+"\r\n") == "":
				t.Errorf("%s: want clean lines, got %q", name, line)
			case strings.HasPrefix(lower, "x-injected") || strings.HasPrefix(lower, "access-control-allow") || strings.HasPrefix(lower, "alt-svc") || strings.HasPrefix(lower, "x-hop") || strings.HasPrefix(lower, "upgrade") || !own && strings.HasPrefix(lower, "x-lockbox"):
				t.Errorf("%s: want it left out, got %q", name, line)
			}
		}
		if strings.Contains(text, "poison") {
			t.Errorf("%s: want nothing after the answer's end, got %s", name, brief(text))
		}
	}
}

// An upstream that hangs up on a request may have acted on it. RFC 9110, section
// 9.2.2, lets an idempotent one be sent again, but not that again, however many
// kept connections there are to try.
func TestRetriedOnce(t *testing.T) {
	t.Parallel()
	l := start(t)
	rec := l.wild["again"]
	for _, method := range []string{"GET", "HEAD", "OPTIONS", "DELETE", "PUT"} {
		var together, warm sync.WaitGroup
		m := mark()
		together.Add(4)
		rec.on(m+"-warm", func(u *upstream) bool {
			u.readBody()
			together.Done()
			together.Wait()
			u.send("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			return true
		})
		for range 4 {
			warm.Go(func() { ask(t, l.addr, l.head("POST", "again", "/"+m+"-warm")+"Content-Length: 0\r\n\r\n") })
		}
		warm.Wait()
		rec.on(m+"-cut", func(u *upstream) bool { u.readBody(); return false })
		r := ask(t, l.addr, l.head(method, "again", "/"+m+"-cut")+"\r\n")
		var problems []string
		if r.status != 502 {
			problems = append(problems, "want 502, got "+r.short())
		}
		if n := len(rec.marked(m + "-cut")); n < 1 || n > 2 {
			problems = append(problems, fmt.Sprintf("want it once at the upstream, or twice, got it %d times", n))
		}
		judge(t, "retried once/"+method, problems)
	}
}

// Many callers at once, some of which break off, get each their own answer to
// their own request.
func TestNoCrossTalk(t *testing.T) {
	t.Parallel()
	l := start(t)
	m := mark()
	l.rec.on(m, func(u *upstream) bool {
		whole := u.readBody()
		body := u.target + u.body()
		if len(body)%2 == 0 {
			u.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Id: %s\r\nContent-Length: %d\r\n\r\n%s", u.target, len(body), body))
		} else {
			u.send(fmt.Sprintf("HTTP/1.1 200 OK\r\nX-Id: %s\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", u.target, len(body), body))
		}
		return whole
	})
	var wg sync.WaitGroup
	for caller := range 24 {
		wg.Go(func() {
			random := rand.New(rand.NewPCG(1, uint64(caller)))
			w := dial(t, l.addr)
			for i := range 25 {
				path := fmt.Sprintf("/%s/%d/%d", m, caller, i)
				body := strings.Repeat(fmt.Sprintf("<%d/%d>", caller, i), random.IntN(1+random.IntN(12_000)))
				_ = w.SetDeadline(time.Now().Add(patience))
				head := l.head("POST", "bare", path) + fmt.Sprintf("X-Id: %d/%d\r\n", caller, i)
				if random.IntN(8) == 0 { // leave in the middle
					w.sendf("%sContent-Length: %d\r\n\r\n%s", head, len(body)+1, body)
					_ = w.Close()
					w = dial(t, l.addr)
					continue
				}
				if random.IntN(2) == 0 && body != "" {
					w.sendf("%sTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", head, len(body), body)
				} else {
					w.sendf("%sContent-Length: %d\r\n\r\n%s", head, len(body), body)
				}
				r := w.read("POST")
				if r.status != 200 || r.err != nil || r.body != path+body || r.header.Get("X-Id") != path {
					t.Errorf("caller %d, request %d: want its own %d bytes, got %s for %s", caller, i, len(body), r.short(), r.header.Get("X-Id"))
					return
				}
			}
		})
	}
	wg.Wait()
	seen := map[string]int{}
	for _, s := range l.rec.marked(m) {
		seen[s.target]++
		if id := s.values("x-id"); len(id) != 1 || !strings.HasSuffix(s.target, "/"+id[0]) {
			t.Errorf("at the upstream: want the request's own header, got %v with %s", id, s.target)
		}
		if n := seen[s.target]; n > 1 {
			t.Errorf("at the upstream: want %s once, got it %d times", s.target, n)
		}
	}
}
