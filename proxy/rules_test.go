package proxy

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

// denied reads a refusal's sentence.
func denied(t *testing.T, r reply) string {
	t.Helper()
	if code := r.code(t); r.status != http.StatusForbidden || code != "denied_by_rule" {
		t.Fatalf("status %d, code %s: want 403 denied_by_rule", r.status, code)
	}
	var p struct{ Detail string }
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatal(err)
	}
	return p.Detail
}

// TestRules: what rules allow arrives as it was sent, and what they deny does not.
func TestRules(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("a", shut(up.URL+"/v1", `"rules": [
		{"action": "deny", "path": "/admin/**", "note": "Ask Anna."},
		{"action": "allow", "methods": ["GET"], "path": "/**", "for": ["x"]},
		{"action": "allow", "methods": ["POST"], "path": "/small", "max_body": 8},
		{"action": "ask", "methods": ["DELETE"], "path": "/repos/*"}]`)))
	auth := "Bearer " + l.token(t, "a")
	for _, tt := range []struct {
		method, target, body string
		header               []string
		detail               string // of a refusal; "" is none
		rule                 string // on record
	}{
		{"GET", "/repos/x?a=%zz;b", "", nil, "", "2 allow GET /** for x"},
		{"GET", "", "", nil, "", "2 allow GET /** for x"},
		{"GET", "/r%65pos/%C3%A9/", "", nil, "", "2 allow GET /** for x"},
		{"GET", "/admin/x", "", nil, "Rule 1 of the service (deny /admin/**) denies this call. Ask Anna.", "1 deny /admin/**"},
		{"GET", "/%61dmin", "", nil, "Rule 1 of", "1 deny /admin/**"},
		{"GET", "/Admin", "", nil, "Rule 1 of", "1 deny /admin/**"},
		{"HEAD", "/x", "", nil, "-", ""},
		{"PUT", "/x", "y", nil, "No rule of the service allows", ""},
		{"GET", "/x%2fadmin", "", nil, "more than one way", ""},
		{"GET", "/x;/admin", "", nil, "more than one way", ""},
		{"POST", "/small", "12345678", nil, "", "3 allow POST /small up to 8 bytes"},
		{"POST", "/small", "123456789", nil, "No rule of the service allows", ""},
		{"POST", "/small", "1", []string{"X-HTTP-Method-Override", "DELETE"}, "asks for another method", ""},
		{"POST", "/small?_method=DELETE", "1", nil, "asks for another method", ""},
		{"DELETE", "/repos/1", "", nil, "Nobody can be asked", "4 ask DELETE /repos/*"},
	} {
		r := do(t, request(t, tt.method, l.url+"/s/a"+tt.target, strings.NewReader(tt.body), append(tt.header, "Authorization", auth)...))
		x := l.exchanges(t)[0]
		if x.Rule != tt.rule || x.Audience != "x" {
			t.Errorf("%s %s: the record has rule %q, audience %q, want %q", tt.method, tt.target, x.Rule, x.Audience, tt.rule)
		}
		switch {
		case tt.detail == "-":
			if r.status != http.StatusForbidden {
				t.Errorf("%s %s: status %d", tt.method, tt.target, r.status)
			}
		case tt.detail != "":
			if d := denied(t, r); !strings.Contains(d, tt.detail) || x.Decision != audit.Refused || !strings.HasPrefix(x.Reason, "denied_by_rule: ") {
				t.Errorf("%s %s: answer %q, record %s %q", tt.method, tt.target, d, x.Decision, x.Reason)
			}
		default:
			if s := r.seen(t); s.Method != tt.method || s.Target != "/v1"+tt.target || s.Body != tt.body || x.Decision != audit.Allowed {
				t.Errorf("%s %s: the upstream got %s %s %q, record %s", tt.method, tt.target, s.Method, s.Target, s.Body, x.Decision)
			}
		}
	}
	for text, want := range map[string]int64{"anna": 3, "ask repos": 1, "allow post": 1} {
		if n, err := l.log.Matches(t.Context(), audit.Query{Text: text}); err != nil || n != want {
			t.Errorf("a search for %q finds %d calls, %v, want %d", text, n, err, want)
		}
	}
}

// TestRulesReload: rules change with the config, for the next call.
func TestRulesReload(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("a", open(up.URL)))
	for _, tt := range []struct {
		rules string
		want  int
	}{{`[]`, 200}, {`[{"action": "deny"}]`, 403}, {`[{"action": "allow", "methods": ["GET"]}]`, 200}, {`[{"action": "allow", "for": ["x"]}]`, 403}, {`null`, 200}} {
		l.reloaded(t, func() { l.text = services("a", open(up.URL, `"rules": `+tt.rules)) })
		if r := get(t, l.url+"/s/a/x"); r.status != tt.want {
			t.Errorf("%s: status %d, want %d", tt.rules, r.status, tt.want)
		}
	}
	l.text = services("a", open(up.URL, `"rules": [{"action": "deny"}]`))
	l.Lock()
	if r := get(t, l.url+"/s/a/x"); r.status != http.StatusOK { // the config is read anew at Unlock
		t.Errorf("locked: status %d", r.status)
	}
	if _, err := l.Unlock(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.Lock()
	if r := get(t, l.url+"/s/a/x"); r.status != http.StatusForbidden {
		t.Errorf("a locked Lockbox forgets the rules of a service without secrets: status %d", r.status)
	}
}

// TestBodyRules: nothing is sent on before the body is known, and then all of it.
func TestBodyRules(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("a", open(up.URL, `"rules": [
		{"action": "allow", "methods": ["GET"]},
		{"action": "deny", "body": {"/amount": {"min": 100}}},
		{"action": "allow", "methods": ["POST"], "path": "/pay"}]`)))
	big := `{"amount": 1, "pad": "` + strings.Repeat("x", 1<<20) + `"}`
	const asJSON, chunked = "application/json", -1
	for _, tt := range []struct {
		name, body, kind, encoding string
		length                     int64
		status                     int
		want                       string
	}{
		{"allowed", `{"amount": 99}`, asJSON, "", 0, 200, ""},
		{"allowed in chunks", ` {"amount":99.5 } `, asJSON, "", chunked, 200, ""},
		{"empty chunks", ``, asJSON, "", chunked, 200, ""},
		{"denied", `{"amount": 100}`, asJSON, "", 0, 403, "Rule 2 of the service (deny /** body /amount>=100) denies"},
		{"denied in chunks", `{"amount": 100}`, asJSON, "", chunked, 403, "Rule 2 of"},
		{"twice", `{"amount": 1, "amount": 100}`, asJSON, "", 0, 403, "has a field twice"},
		{"as text", `{"amount": "100"}`, asJSON, "", 0, 403, "Rule 2 of"},
		{"another type", `{"amount": 1}`, "text/plain", "", 0, 403, "not sent as application/json"},
		{"packed", `{"amount": 1}`, asJSON, "gzip", 0, 403, "packed"},
		{"too large", big, asJSON, "", 0, 413, "1048576 bytes"},
		{"too large in chunks", big, asJSON, "", chunked, 413, "1048576 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, "POST", l.url+"/s/a/pay", strings.NewReader(tt.body), "Content-Type", tt.kind)
			if tt.encoding != "" {
				r.Header.Set("Content-Encoding", tt.encoding)
			}
			if tt.length == chunked {
				r.ContentLength = chunked
			}
			a := do(t, r)
			x := l.exchanges(t)[0]
			if tt.status == http.StatusOK {
				if s := a.seen(t); s.Body != tt.body || x.BytesIn != int64(len(tt.body)) || s.Header.Get("Content-Type") != tt.kind {
					t.Errorf("the upstream got %q, and %d bytes are on record", s.Body, x.BytesIn)
				}
				return
			}
			if a.status != tt.status || !strings.Contains(a.body, tt.want) && !strings.Contains(x.Reason, tt.want) || x.Decision != audit.Refused {
				t.Errorf("got %d %s, record %s %q, want %d %s", a.status, a.body, x.Decision, x.Reason, tt.status, tt.want)
			}
			if strings.HasPrefix(tt.name, "denied") && x.BytesIn != int64(len(tt.body)) {
				t.Errorf("%d bytes of the body that was denied are on record", x.BytesIn)
			}
		})
	}
	if r := get(t, l.url+"/s/a/pay"); r.status != http.StatusOK {
		t.Errorf("a call that no body rule is about: status %d", r.status)
	}
}

// TestBodyOutgrowsRule: an upstream never gets the end of a body that grew past
// what its rule allows.
func TestBodyOutgrowsRule(t *testing.T) {
	type end struct {
		n   int
		err error
	}
	ends := make(chan end, 1)
	up := upstreamOf(t, func(_ http.ResponseWriter, r *http.Request) {
		b, err := io.ReadAll(r.Body)
		ends <- end{len(b), err}
	})
	l := newLab(t, services("a", open(up.URL, `"rules": [{"action": "allow", "max_body": 100000}]`)))
	for size, whole := range map[int]bool{100000: true, 100001: false, 5000000: false} {
		r := request(t, "POST", l.url+"/s/a/x", io.LimitReader(endless{}, int64(size)))
		r.ContentLength = -1
		a := do(t, r)
		if whole {
			if e := <-ends; a.status != http.StatusOK || e.err != nil || e.n != size {
				t.Errorf("%d bytes: status %d, the upstream got %d, %v", size, a.status, e.n, e.err)
			}
			continue
		}
		if d := denied(t, a); !strings.Contains(d, "more than the 100000 bytes that rule 1 allow /** up to 100000 bytes allows") {
			t.Errorf("%d bytes: %s", size, d)
		}
		select {
		case e := <-ends:
			if e.err == nil || e.n > 100000 {
				t.Errorf("%d bytes: the upstream got %d and an end of the body, error %v", size, e.n, e.err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the upstream still waits for the body")
		}
		if x := l.exchanges(t)[0]; x.Decision != audit.Refused || x.Rule != "1 allow /** up to 100000 bytes" {
			t.Errorf("record: %s by %q", x.Decision, x.Rule)
		}
	}
}

// TestRulesHoldForRedirects: a redirect leads to no path that rules refuse.
func TestRulesHoldForRedirects(t *testing.T) {
	var paths []string
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		paths = append(paths, r.Method+" "+r.RequestURI)
		if to := r.URL.Query().Get("to"); to != "" {
			http.Redirect(w, r, "/v1"+to, http.StatusSeeOther)
		}
	})
	l := newLab(t, services("a", open(up.URL+"/v1", `"allow_redirects": true`, `"rules": [{"action": "deny", "path": "/secret/**"}, {"action": "ask", "path": "/ask"}, {"action": "allow", "methods": ["GET", "POST"]}]`)))
	for _, tt := range []struct {
		to     string
		follow bool
	}{{"/open", true}, {"/secret/x", false}, {"/SECRET/x", false}, {"/open%2fsecret", false}, {"/ask", false}, {"/open?_method=DELETE", false}} {
		paths = nil
		r := do(t, request(t, "POST", l.url+"/s/a/go?to="+strings.NewReplacer("%", "%25", "?", "%3F", "=", "%3D").Replace(tt.to), strings.NewReader("x")))
		if followed := len(paths) == 2; followed != tt.follow || (r.status == http.StatusSeeOther) == tt.follow {
			t.Errorf("to %s: status %d, the upstream got %q", tt.to, r.status, paths)
		}
		if !tt.follow && r.header.Get("Location") != "/s/a"+tt.to {
			t.Errorf("to %s: the caller is sent to %q", tt.to, r.header.Get("Location"))
		}
	}
}

// TestRulesEverywhere: on the public side, and for replays, which are judged as
// the caller's whose call they repeat.
func TestRulesEverywhere(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("a", shut(up.URL, public, `"rules": [{"action": "allow", "methods": ["GET"], "for": ["x"]}, {"action": "allow", "body": {"/a": 1}}]`)))
	addr := opened(t, l)
	auth := "Bearer " + l.token(t, "a")
	if r := get(t, "http://"+addr+"/s/a/x", "Authorization", auth); r.status != http.StatusOK {
		t.Errorf("public, allowed: status %d", r.status)
	}
	post := func(body string) reply {
		return do(t, request(t, "POST", "http://"+addr+"/s/a/x", strings.NewReader(body), "Authorization", auth, "Content-Type", "application/json"))
	}
	if r := post(`{"a": 1}`); r.status != http.StatusOK {
		t.Errorf("public, allowed by its body: status %d", r.status)
	}
	denied(t, post(`{"a": 2}`))
	// Without a token nobody learns of rules.
	if r := do(t, request(t, "POST", "http://"+addr+"/s/a/x", strings.NewReader(`{"a": 2}`))); r.status != http.StatusUnauthorized {
		t.Errorf("public, no token: status %d", r.status)
	}
	for _, tt := range []struct {
		replay   Replay
		decision audit.Decision
		rule     string
	}{
		{Replay{Method: "GET", Target: "/s/a/x", Audience: []string{"x"}}, audit.Allowed, "1 allow GET /** for x"},
		{Replay{Method: "GET", Target: "/s/a/x"}, audit.Refused, ""},
		{Replay{Method: "POST", Target: "/s/a/x", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"a": 1}`)}, audit.Allowed, "2 allow /** body /a=1"},
		{Replay{Method: "POST", Target: "/s/a/x", Header: http.Header{"Content-Type": {"application/json"}}, Body: []byte(`{"a": 2}`)}, audit.Refused, ""},
	} {
		tt.replay.Of = "0198-of"
		x, err := l.Replay(t.Context(), tt.replay)
		if err != nil || x.Decision != tt.decision || x.Rule != tt.rule || x.Audience != "" {
			t.Errorf("replay of %s as %q: %s by %q, %v, want %s by %q", tt.replay.Method, tt.replay.Audience, x.Decision, x.Rule, err, tt.decision, tt.rule)
		}
	}
}

// TestAskedCalls: a rule that asks has the call wait for a person, whose word
// counts.
func TestAskedCalls(t *testing.T) {
	up := echo(t)
	word := make(chan *problem)
	l := newLab(t, services("a", open(up.URL, `"rules": [{"action": "ask", "methods": ["POST"]}, {"action": "allow"}]`)), func(l *lab) {
		l.approve = func(ctx context.Context, a *asked) *problem {
			if a.verdict.Rule != "1 ask POST /**" || a.target.rest != "/x" || a.route.service.Name != "a" || a.in.ContentLength != 2 || a.rec == nil {
				t.Errorf("asked about %+v", a)
			}
			select {
			case p := <-word:
				return p
			case <-ctx.Done():
				return errNotFound
			}
		}
	})
	for _, p := range []*problem{nil, errDenied} {
		done := make(chan reply, 1)
		go func() {
			res, err := client.Transport.RoundTrip(request(t, "POST", l.url+"/s/a/x", strings.NewReader("hi")))
			if err != nil {
				t.Error(err)
				done <- reply{}
				return
			}
			done <- finish(res)
		}()
		word <- p
		if r := <-done; p == nil && r.seen(t).Body != "hi" || p != nil && denied(t, r) != p.detail {
			t.Errorf("got %d %s", r.status, r.body)
		}
	}
}

// TestWebSocketsByRules: they begin with a GET.
func TestWebSocketsByRules(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		conn, rw, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		defer conn.Close()
		printf(rw, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\r\n")
		_ = rw.Flush()
	})
	l := newLab(t, services("a", open(up.URL, `"rules": [{"action": "allow", "methods": ["GET"], "path": "/ws"}]`)))
	for path, want := range map[string]int{"/ws": http.StatusSwitchingProtocols, "/other": http.StatusForbidden} {
		conn, err := net.Dial("tcp", l.addr)
		if err != nil {
			t.Fatal(err)
		}
		printf(conn, "GET /s/a%s HTTP/1.1\r\nHost: %s\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n", path, l.addr)
		res, err := http.ReadResponse(bufio.NewReader(conn), nil)
		if err != nil {
			t.Fatal(err)
		}
		if res.StatusCode != want {
			t.Errorf("%s: status %d, want %d", path, res.StatusCode, want)
		}
		if err := errors.Join(res.Body.Close(), conn.Close()); err != nil {
			t.Error(err)
		}
	}
}
