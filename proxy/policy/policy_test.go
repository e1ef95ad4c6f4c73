package policy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

// rules are those of a config file that has them.
func rules(t testing.TB, text string) []config.Rule {
	t.Helper()
	c, err := config.Parse("f", fmt.Appendf(nil, `{"services": {"a": {"base_url": "https://a.example", "rules": [%s]}}}`, text))
	if err != nil {
		t.Fatal(err)
	}
	return c.Services["a"].Rules
}

func compiled(t testing.TB, text string) *Checker {
	t.Helper()
	c, err := Compile(rules(t, text))
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// call is a request written as "METHOD /path?query".
func call(text string) *Request {
	method, target, _ := strings.Cut(text, " ")
	path, query, _ := strings.Cut(target, "?")
	return &Request{Method: method, Path: path, Query: query, Header: http.Header{}}
}

// got is a verdict in a word and the rule's number.
func got(v Verdict) string {
	if v.Code == ByRule {
		return fmt.Sprintf("%s %d", v.Action, v.Index+1)
	}
	return fmt.Sprintf("%s %s", v.Action, v.Code)
}

const deny = "deny no_rule_matched"

func TestOrderAndDefaults(t *testing.T) {
	for _, tt := range []struct{ rules, call, want string }{
		{``, "DELETE /x", "allow no_rules"},
		{`{"action": "deny", "path": "/x"}`, "GET /x", "deny 1"},
		{`{"action": "deny", "path": "/x"}`, "GET /y", "allow no_rule_matched"},
		{`{"action": "allow", "path": "/x"}`, "GET /x", "allow 1"},
		{`{"action": "allow", "path": "/x"}`, "GET /y", deny},
		{`{"action": "ask", "path": "/x"}`, "GET /x", "ask 1"},
		{`{"action": "ask", "path": "/x"}`, "GET /y", deny},
		{`{"action": "deny", "path": "/x/y"}, {"action": "allow", "path": "/x/**"}`, "GET /x/y", "deny 1"},
		{`{"action": "deny", "path": "/x/y"}, {"action": "allow", "path": "/x/**"}`, "GET /x/z", "allow 2"},
		{`{"action": "allow", "path": "/x/**"}, {"action": "deny", "path": "/x/y"}`, "GET /x/y", "allow 1"},
		{`{"action": "ask", "methods": ["DELETE"]}, {"action": "allow"}`, "DELETE /x", "ask 1"},
		{`{"action": "ask", "methods": ["DELETE"]}, {"action": "allow"}`, "GET /x", "allow 2"},
		// A rule that only may fit counts where it is the stricter one.
		{`{"action": "ask", "path": "/x"}, {"action": "allow"}`, "GET /X", "ask 1"},
		{`{"action": "ask", "path": "/x"}, {"action": "deny"}`, "GET /X", "deny 2"},
		{`{"action": "ask", "path": "/x"}, {"action": "allow", "path": "/y"}`, "GET /X", deny},
		{`{"action": "allow", "path": "/x"}, {"action": "deny"}`, "GET /X", "deny 2"},
	} {
		if g := got(compiled(t, tt.rules).Check(call(tt.call))); g != tt.want {
			t.Errorf("%s with %s: got %s, want %s", tt.call, tt.rules, g, tt.want)
		}
	}
}

func TestMethods(t *testing.T) {
	c := compiled(t, `{"action": "deny", "methods": ["DELETE"]}, {"action": "allow", "methods": ["GET", "POST", "DELETE"]}`)
	for method, want := range map[string]string{
		"GET": "allow 2", "POST": "allow 2", "DELETE": "deny 1", "HEAD": deny, "PUT": deny,
		"get": deny, "delete": "deny 1", "DELETE ": deny, "": deny,
	} {
		r := call(" /x")
		r.Method = method
		if g := got(c.Check(r)); g != want {
			t.Errorf("%q: got %s, want %s", method, g, want)
		}
	}
}

// TestMethodOverrides: what makes a server take another method or path.
func TestMethodOverrides(t *testing.T) {
	c := compiled(t, `{"action": "allow", "methods": ["POST"]}`)
	for _, tt := range []struct{ query, header, trailer, want string }{
		{"", "", "", "allow 1"},
		{"", "X-Http-Method-Override", "", "deny method_override"},
		{"", "X-HTTP-METHOD-OVERRIDE", "", "deny method_override"},
		{"", "X_HTTP_Method_Override", "", "deny method_override"},
		{"", "X-Method-Override", "", "deny method_override"},
		{"", "X-Http-Method", "", "deny method_override"},
		{"", "X-Original-Url", "", "deny method_override"},
		{"", "x-rewrite-url", "", "deny method_override"},
		{"", "", "X-Http-Method-Override", "deny method_override"},
		{"_method=DELETE", "", "", "deny method_override"},
		{"a=1&_METHOD=DELETE", "", "", "deny method_override"},
		{"a=1;_method=DELETE", "", "", "deny method_override"},
		{"%5fmeth%6Fd=DELETE", "", "", "deny method_override"},
		{"%255fmethod=DELETE", "", "", "deny method_override"},
		{".method=DELETE", "", "", "deny method_override"},
		{"_method[]=DELETE", "", "", "deny method_override"},
		{"$httpMethod=DELETE", "", "", "deny method_override"},
		{"X-HTTP-Method-Override=DELETE", "", "", "deny method_override"},
		{"method=x&payment_method=card", "X-Http-Methods", "X-Original", "allow 1"},
	} {
		r := call("POST /x?" + tt.query)
		r.Header, r.Trailer = http.Header{tt.header: {"DELETE"}}, http.Header{tt.trailer: nil}
		if g := got(c.Check(r)); g != tt.want {
			t.Errorf("?%s %q %q: got %s, want %s", tt.query, tt.header, tt.trailer, g, tt.want)
		}
	}
	r := call("POST /x")
	r.Header = http.Header{"Connection": {"close, Content-Type"}}
	if g := got(c.Check(r)); g != "deny method_override" {
		t.Errorf("a Content-Type that does not arrive: %s", g)
	}
}

func TestPaths(t *testing.T) {
	const odd = "deny path_ambiguous"
	for _, tt := range []struct{ pattern, path, allow, deny string }{ // what an allow and a deny rule say
		{"/repos/**", "/repos", "allow", "deny"},
		{"/repos/**", "/repos/", "allow", "deny"},
		{"/repos/**", "/repos/a/b", "allow", "deny"},
		{"/repos/**", "/repositories", "", ""},
		{"/repos/*", "/repos/a", "allow", "deny"},
		{"/repos/*", "/repos/a/b", "", ""},
		{"/repos/*", "/repos/", "", "deny"}, // some see /repos
		{"/repos/*", "/repos", "", ""},
		{"/repos/*/issues", "/repos/a/issues", "allow", "deny"},
		{"/repos/*/issues", "/repos/a/b/issues", "", ""},
		{"/repos/**/issues", "/repos/a/b/issues", "allow", "deny"},
		{"/{a,b}/[0-9]?", "/b/1x", "allow", "deny"},
		{"/{a,b}/[0-9]?", "/c/1x", "", ""},
		{"/", "", "allow", "deny"},
		{"/", "/", "allow", "deny"},
		{"/x", "/x/", "", "deny"},
		{"/x/", "/x", "", "deny"},
		{"/x/", "/x/", "allow", "deny"},
		{"/admin", "/ADMIN", "", "deny"},
		{"/admin", "/%61dmin", "allow", "deny"},
		{"/admin", "/%41dmin", "", "deny"},
		{"/a b", "/a%20b", "allow", "deny"},
		{"/a b", "/a+b", "", "deny"},
		{"/a+b", "/a%2Bb", "allow", "deny"},
		{"/é", "/%C3%A9", "allow", "deny"},
		{"/é", "/%c3%a9", "allow", "deny"},
		{"/É", "/%C3%A9", "", "deny"},
		{"/é", "/e%CC%81", "", "deny"}, // the other way to write it
		{"/admin", "/%EF%BD%81dmin", "", "deny"},
		{"/100\\*", "/100*", "allow", "deny"},
		{"/a/**", "/a/x%25y", "allow", "deny"},
		{"/v:run", "/v:run", "allow", "deny"},
		// Paths that are refused, whatever the rules.
		{"/x", "/a%2Fb", odd, odd},
		{"/x", "/a%2fb", odd, odd},
		{"/x", "/a//b", odd, odd},
		{"/x", "//b", odd, odd},
		{"/x", "/a/./b", odd, odd},
		{"/x", "/a/%2e/b", odd, odd},
		{"/x", "/a/../b", odd, odd},
		{"/x", "/a/b.", odd, odd},
		{"/x", "/a/b./c", odd, odd},
		{"/x", "/a/b%20", odd, odd},
		{"/x", "/a;v=1/b", odd, odd},
		{"/x", "/a%3Bv=1/b", odd, odd},
		{"/x", "/a%3Fb", odd, odd},
		{"/x", "/a%23b", odd, odd},
		{"/x", "/a%5Cb", odd, odd},
		{"/x", `/a\b`, odd, odd},
		{"/x", "/a%00b", odd, odd},
		{"/x", "/a%0Ab", odd, odd},
		{"/x", "/%2561dmin", odd, odd},
		{"/x", "/%25u0061dmin", odd, odd},
		{"/x", "/%u0061dmin", odd, odd},
		{"/x", "/a%zz", odd, odd},
		{"/x", "/a%", odd, odd},
		{"/x", "/%E9", odd, odd},
		{"/x", "/%C0%AF", odd, odd},
		{"/x", "/a%EF%BC%8Fb", odd, odd}, // a wide slash
		{"/x", "/a::$DATA", odd, odd},
		{"/x", "a", odd, odd},
	} {
		for action, want := range map[string]string{"allow": tt.allow, "deny": tt.deny} {
			switch {
			case want == odd:
			case want != "":
				want = action + " 1"
			case action == "allow":
				want = deny
			default:
				want = "allow no_rule_matched"
			}
			c := compiled(t, fmt.Sprintf(`{"action": %q, "path": %q}`, action, tt.pattern))
			r := call("GET ")
			r.Path = tt.path
			if g := got(c.Check(r)); g != want {
				t.Errorf("%s %s, path %s: got %s, want %s", action, tt.pattern, tt.path, g, want)
			}
		}
	}
}

func TestQueries(t *testing.T) {
	for _, tt := range []struct{ condition, query, allow, deny string }{
		{`{"state": "open"}`, "state=open", "yes", "yes"},
		{`{"state": "open"}`, "x=1&state=open&y", "yes", "yes"},
		{`{"state": "open"}`, "state=closed", "", ""},
		{`{"state": "open"}`, "", "", ""},
		{`{"state": "open"}`, "state=ope%6E", "yes", "yes"},
		{`{"state": "open"}`, "%73tate=open", "yes", "yes"},
		{`{"state": "open"}`, "state=OPEN", "", "yes"},
		{`{"state": "open"}`, "STATE=open", "", "yes"},
		{`{"state": "open"}`, "state=closed&state=open", "", "yes"},
		{`{"state": "open"}`, "state=open&state=open", "", "yes"}, // open,open for some
		{`{"state": "open*"}`, "state=open&state=opened", "yes", "yes"},
		{`{"state": "open"}`, "state[]=open", "", "yes"},
		{`{"state": "open"}`, "state=ope%256E", "", "yes"},
		{`{"state": "open"}`, "x=1;state=open", "", "yes"},
		{`{"state": "open"}`, "x=%zz", "", "yes"},
		{`{"state": "open"}`, "state=%zz", "", "yes"},
		{`{"state": ["open", "a*d"]}`, "state=abcd", "yes", "yes"},
		{`{"a b": "1"}`, "a%20b=1", "yes", "yes"},
		{`{"a b": "1"}`, "a+b=1", "yes", "yes"},
		{`{"a.b": "1"}`, "a_b=1", "", "yes"},
		{`{"u": "a/*"}`, "u=a/b/c", "yes", "yes"},
		{`{"page": true}`, "page=1", "yes", "yes"},
		{`{"page": true}`, "page", "", "yes"},
		{`{"page": true}`, "", "", ""},
		{`{"page": true}`, "Page=1", "", "yes"},
		{`{"force": false}`, "page=1", "yes", "yes"},
		{`{"force": false}`, "force=1", "", ""},
		{`{"force": false}`, "Force=1", "", "yes"},
		{`{"force": false}`, "force=", "", "yes"},
		{`{"force": false}`, "a=1;force=1", "", "yes"},
		{`{"force": false}`, "%66orce=1", "", ""},
		{`{"a": "1", "b": "2"}`, "a=1&b=2", "yes", "yes"},
		{`{"a": "1", "b": "2"}`, "a=1", "", ""},
	} {
		for action, want := range map[string]string{"allow": tt.allow, "deny": tt.deny} {
			want = outcome(action, want != "")
			c := compiled(t, fmt.Sprintf(`{"action": %q, "query": %s}`, action, tt.condition))
			if g := got(c.Check(call("GET /x?" + tt.query))); g != want {
				t.Errorf("%s %s, ?%s: got %s, want %s", action, tt.condition, tt.query, g, want)
			}
		}
	}
}

// outcome is the verdict of a single rule that fits, or does not.
func outcome(action string, fits bool) string {
	switch {
	case fits:
		return action + " 1"
	case action == "allow":
		return deny
	}
	return "allow no_rule_matched"
}

// TestWords: a refusal names the rule, its number and its note.
func TestWords(t *testing.T) {
	c := compiled(t, `{"action": "allow", "methods": ["GET"], "path": "/repos/**", "query": {"force": false}},
		{"action": "deny", "path": "/admin/**", "note": "Ask Anna."}, {"action": "ask", "methods": ["DELETE"], "for": ["zapier"]}`)
	for call1, want := range map[string][2]string{
		"GET /repos/a":          {"1 allow GET /repos/** without ?force", ""},
		"GET /admin/x":          {"2 deny /admin/**", "Rule 2 of the service (deny /admin/**) denies this call. Ask Anna."},
		"DELETE /x":             {"3 ask DELETE /** for zapier", "Rule 3 of the service (ask DELETE /** for zapier) wants a person's yes to this call."},
		"PUT /x":                {"", "No rule of the service allows this call."},
		"GET /repos/a?Force=1":  {"", "No rule of the service allows this call for sure: the query's force can be read as missing."},
		"GET /repos/a%2Fb":      {"", "Upstreams could read the path in more than one way: it has an encoded slash (%2F). A service with rules takes no such path."},
		"GET /repos/a/../admin": {"", "Upstreams could read the path in more than one way: it has a segment that ends in a dot or a space. A service with rules takes no such path."},
	} {
		r := call(call1)
		r.Audience = []string{"zapier"}
		if v := c.Check(r); v.Rule != want[0] || v.Reason != want[1] {
			t.Errorf("%s: got %q, %q, want %q", call1, v.Rule, v.Reason, want)
		}
	}
}

func TestWild(t *testing.T) {
	for _, tt := range []struct {
		pattern, s string
		want       bool
	}{
		{"", "", true}, {"", "a", false}, {"*", "", true}, {"*", "a/b", true}, {"a*c", "abbc", true}, {"a*c", "abcd", false},
		{"?", "é", true}, {"?", "", false}, {"**a", "bba", true}, {`\*`, "*", true}, {`\*`, "a", false}, {`\?x`, "?x", true}, {`\`, `\`, true},
		{"*ab*ab", "abab", true}, {"*ab*ab", "aab", false}, {strings.Repeat("*a", 50), strings.Repeat("a", 49), false},
	} {
		if got := wild(tt.pattern, tt.s); got != tt.want {
			t.Errorf("wild(%q, %q) = %t", tt.pattern, tt.s, got)
		}
	}
}

// TestCheckAllocates nothing for a plain call that a rule allows.
func TestCheckAllocates(t *testing.T) {
	c := compiled(t, `{"action": "deny", "path": "/admin/**"}, {"action": "allow", "methods": ["POST"], "path": "/repos/*/issues", "content_type": ["application/json"], "max_body": 1000}`)
	r := call("POST /repos/lockbox/issues")
	r.Header.Set("Content-Type", "application/json")
	r.Length = 10
	if n := testing.AllocsPerRun(100, func() { c.Check(r) }); n > 0 {
		t.Errorf("%.0f allocations", n)
	}
}

func BenchmarkCheck(b *testing.B) {
	c := compiled(b, `{"action": "deny", "path": "/admin/**"}, {"action": "allow", "methods": ["GET"], "path": "/repos/**"}, {"action": "allow", "methods": ["POST"], "path": "/repos/*/issues"}`)
	r := call("POST /repos/lockbox/issues")
	b.ReportAllocs()
	for b.Loop() {
		c.Check(r)
	}
}
