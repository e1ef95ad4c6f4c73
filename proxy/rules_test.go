package proxy

import (
	"bufio"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"

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
		{"action": "allow", "methods": ["POST"], "path": "/small", "max_body": 8}]`)))
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
	for text, want := range map[string]int64{"anna": 3, "allow post": 1} {
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
