package policy

import (
	"encoding/json"
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

func TestTypesAndSizes(t *testing.T) {
	for _, tt := range []struct {
		condition   string
		types       []string
		length      int64
		allow, deny bool
	}{
		{`"content_type": ["application/json"]`, []string{"application/json"}, 5, true, true},
		{`"content_type": ["application/json"]`, []string{"Application/JSON; charset=utf-8"}, 5, true, true},
		{`"content_type": ["application/json"]`, []string{"text/plain"}, 5, false, false},
		{`"content_type": ["application/json"]`, nil, 5, false, true},
		{`"content_type": ["application/json"]`, nil, -1, false, true},
		{`"content_type": ["application/json"]`, nil, 0, false, false},
		{`"content_type": ["application/json"]`, []string{""}, 5, false, true},
		{`"content_type": ["application/json"]`, []string{"text/plain", "application/json"}, 5, false, true},
		{`"content_type": ["application/json"]`, []string{"text/plain, application/json"}, 5, false, true},
		{`"content_type": ["application/json"]`, []string{"text/plain; application/json"}, 5, false, true},
		{`"content_type": ["application/json"]`, []string{"text/plain; x=application/json"}, 5, false, true},
		{`"content_type": ["image/*", "*/*+json"]`, []string{"application/vnd.api+json"}, 5, true, true},
		{`"content_type": ["image/*"]`, []string{"image/png"}, 5, true, true},
	} {
		for action, fits := range map[string]bool{"allow": tt.allow, "deny": tt.deny} {
			c := compiled(t, fmt.Sprintf(`{"action": %q, %s}`, action, tt.condition))
			r := call("POST /x")
			r.Length = tt.length
			if tt.types != nil {
				r.Header["Content-Type"] = tt.types
			}
			if g, want := got(c.Check(r)), outcome(action, fits); g != want {
				t.Errorf("%s %s, %q, %d bytes: got %s, want %s", action, tt.condition, tt.types, tt.length, g, want)
			}
		}
	}
	c := compiled(t, `{"action": "allow", "max_body": 10, "path": "/a"}, {"action": "allow", "max_body": 100}`)
	for _, tt := range []struct {
		path   string
		length int64
		want   string
		limit  int64
	}{
		{"/a", 0, "allow 1", 10}, {"/a", 10, "allow 1", 10}, {"/a", 11, "allow 2", 100}, {"/a", 101, deny, 0},
		{"/b", 11, "allow 2", 100}, {"/a", -1, "allow 1", 10},
	} {
		r := call("POST " + tt.path)
		r.Length = tt.length
		if v := c.Check(r); got(v) != tt.want || v.Limit != tt.limit {
			t.Errorf("%s of %d bytes: got %s up to %d, want %s up to %d", tt.path, tt.length, got(v), v.Limit, tt.want, tt.limit)
		}
	}
}

func TestCallers(t *testing.T) {
	c := compiled(t, `{"action": "deny", "for": ["id-1"]}, {"action": "allow", "for": ["zapier", "id-2"]}`)
	for _, tt := range []struct {
		audience []string
		jti      string
		want     string
	}{
		{[]string{"zapier"}, "id-1", "deny 1"}, {[]string{"zapier"}, "id-3", "allow 2"}, {[]string{"make", "zapier"}, "", "allow 2"},
		{[]string{"make"}, "id-2", "allow 2"}, {[]string{"Zapier"}, "", deny}, {nil, "", deny}, {[]string{"zapier,make"}, "", deny},
	} {
		r := call("GET /x")
		r.Audience, r.JTI = tt.audience, tt.jti
		if g := got(c.Check(r)); g != tt.want {
			t.Errorf("%q %q: got %s, want %s", tt.audience, tt.jti, g, tt.want)
		}
	}
}

func TestBodies(t *testing.T) {
	const odd = "deny body_ambiguous"
	for _, tt := range []struct{ condition, body, allow, deny string }{
		{`{"/a": "x"}`, `{"a": "x"}`, "yes", "yes"},
		{`{"/a": "x"}`, `{"a": "y"}`, "", ""},
		{`{"/a": "x"}`, `{"a": "X"}`, "", "yes"},
		{`{"/a": "x"}`, `{"A": "x"}`, "", "yes"},
		{`{"/a": "x"}`, `{"a": "y", "A": "x"}`, "", "yes"},
		{`{"/a": "x"}`, `{"a": ["x"]}`, "", "yes"},
		{`{"/a": "x"}`, `{"b": "x"}`, "", ""},
		{`{"/a": "x"}`, `{"\u0061": "\u0078"}`, "yes", "yes"},
		{`{"/a": "x"}`, ``, "", ""},
		{`{"/a": "x"}`, `[]`, "", ""},
		{`{"/a/0/b": true}`, `{"a": [{"b": true}]}`, "yes", "yes"},
		{`{"/a/0/b": true}`, `{"a": [{"b": 1}]}`, "", "yes"},
		{`{"/a/0/b": true}`, `{"a": [{"b": false}]}`, "", ""},
		{`{"/a/0/b": true}`, `{"a": {"0": {"b": true}}}`, "yes", "yes"},
		{`{"/a~1b~0": null}`, `{"a/b~": null}`, "yes", "yes"},
		{`{"": 5}`, `5`, "yes", "yes"},
		{`{"/a": 100}`, `{"a": 1e2}`, "yes", "yes"},
		{`{"/a": 100}`, `{"a": 100.0}`, "yes", "yes"},
		{`{"/a": 100}`, `{"a": "100"}`, "", "yes"},
		{`{"/a": 9007199254740993}`, `{"a": 9007199254740992}`, "", "yes"}, // one number as floats
		{`{"/a": 100}`, `{"a": 1e99999}`, "", "yes"},
		{`{"/a": ["x", 1, null]}`, `{"a": 1}`, "yes", "yes"},
		{`{"/a": {"one_of": ["x", 1]}}`, `{"a": "y"}`, "", ""},
		{`{"/a": {"glob": "b*/c?"}}`, `{"a": "bar/x/cd"}`, "yes", "yes"},
		{`{"/a": {"glob": "b*"}}`, `{"a": "ab"}`, "", ""},
		{`{"/a": {"glob": "1*"}}`, `{"a": 12}`, "", "yes"},
		{`{"/a": {"min": 1, "max": 10}}`, `{"a": 10}`, "yes", "yes"},
		{`{"/a": {"min": 1, "max": 10}}`, `{"a": 10.5}`, "", ""},
		{`{"/a": {"max": 10}}`, `{"a": 10.000000000000000000001}`, "", "yes"},
		{`{"/a": {"max": 10}}`, `{"a": "5"}`, "", "yes"},
		{`{"/a": {"min": 1000}}`, `{"a": 99999999999999999999}`, "", "yes"},
		{`{"/a": {"min": 1000}}`, `{}`, "", ""},
		{`{"/a": {"exists": true}}`, `{"a": 0}`, "yes", "yes"},
		{`{"/a": {"exists": true}}`, `{"a": null}`, "", "yes"},
		{`{"/a": {"exists": false}}`, `{"b": 0}`, "yes", "yes"},
		{`{"/a": {"exists": false}}`, ``, "yes", "yes"},
		{`{"/a": {"exists": false}}`, `{"a": 0}`, "", ""},
		{`{"/a": {"exists": false}}`, `{"A": 0}`, "", "yes"},
		// Bodies that parsers read differently.
		{`{"/a": "x"}`, `{"a": "x", "a": "x"}`, odd, odd},
		{`{"/a": "x"}`, `{"a": "x", "b": {"c": 1, "c": 2}}`, odd, odd},
		{`{"/a": "x"}`, `{"a": "x", "\u0061": "y"}`, odd, odd},
		{`{"/a": "x"}`, "\ufeff{}", odd, odd},
		{`{"/a": "x"}`, "{\"a\": \"x\xff\"}", odd, odd},
		{`{"/a": "x"}`, `{"a": "x"} {}`, odd, odd},
		{`{"/a": "x"}`, `{"a": "x",}`, odd, odd},
		{`{"/a": "x"}`, `{"a": "x" /* */}`, odd, odd},
		{`{"/a": "x"}`, `{"a": NaN}`, odd, odd},
		{`{"/a": "x"}`, `{"a": "\ud800"}`, odd, odd},
		{`{"/a": "x"}`, `{"a\u0000": "x"}`, odd, odd},
		{`{"/a": "x"}`, `a=x`, odd, odd},
		{`{"/a": "x"}`, strings.Repeat("[", 70) + strings.Repeat("]", 70), odd, odd},
	} {
		for action, want := range map[string]string{"allow": tt.allow, "deny": tt.deny} {
			if want != odd {
				want = outcome(action, want != "")
			}
			c := compiled(t, fmt.Sprintf(`{"action": %q, "body": %s}`, action, tt.condition))
			r := call("POST /x")
			r.Header.Set("Content-Type", "application/json")
			r.Length, r.Body = int64(len(tt.body)), []byte(tt.body)
			if g := got(c.Check(r)); g != want {
				t.Errorf("%s %s, %s: got %s, want %s", action, tt.condition, tt.body, g, want)
			}
		}
	}
}

// TestBodyForms: what has to be known of a body, and how it has to be sent.
func TestBodyForms(t *testing.T) {
	c := compiled(t, `{"action": "allow", "methods": ["GET"]}, {"action": "allow", "path": "/x", "body": {"/a": "x"}}`)
	for _, tt := range []struct {
		call   string
		header http.Header
		length int64
		body   string
		want   string
	}{
		{"GET /x", nil, -1, "", "allow 1"},
		{"POST /y", nil, -1, "", deny},
		{"POST /x", nil, 0, "", deny},
		{"POST /x", http.Header{"Content-Type": {"application/json"}}, -1, "", "deny body_needed"},
		{"POST /x", http.Header{"Content-Type": {"application/json"}}, 9, "", "deny body_needed"},
		{"POST /x", http.Header{"Content-Type": {"application/problem+json; charset=UTF-8"}}, 10, `{"a": "x"}`, "allow 2"},
		{"POST /x", http.Header{"Content-Type": {"application/json; charset=utf-16"}}, 10, `{"a": "x"}`, "deny body_ambiguous"},
		{"POST /x", http.Header{"Content-Type": {"text/plain"}}, 10, `{"a": "x"}`, "deny body_ambiguous"},
		{"POST /x", nil, 10, `{"a": "x"}`, "deny body_ambiguous"},
		{"POST /x", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"gzip"}}, 10, `{"a": "x"}`, "deny body_ambiguous"},
		{"POST /x", http.Header{"Content-Type": {"application/json"}, "Content-Encoding": {"Identity"}}, 10, `{"a": "x"}`, "allow 2"},
	} {
		r := call(tt.call)
		r.Header, r.Length = tt.header, tt.length
		if tt.body != "" {
			r.Body = []byte(tt.body)
		}
		v := c.Check(r)
		if got(v) != tt.want || v.NeedsBody != (v.Code == BodyNeeded) {
			t.Errorf("%s %v %d %q: got %s, want %s", tt.call, tt.header, tt.length, tt.body, got(v), tt.want)
		}
	}
	if !c.ReadsBodies() || compiled(t, `{"action": "deny"}`).ReadsBodies() || compiled(t, ``).ReadsBodies() {
		t.Error("ReadsBodies is wrong")
	}
	if n := compiled(t, `{"action": "allow", "max_body": 5000000, "body": {"/a": 1}}, {"action": "allow", "max_body": 9000000}`).BodyLimit(); n != 5000000 {
		t.Errorf("BodyLimit is %d", n)
	}
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

// TestNumbersStaySmall: a number that takes gigabytes to write out is not.
func TestNumbersStaySmall(t *testing.T) {
	for _, s := range []string{"1e999999999", "1e-999999999", strings.Repeat("9", 1<<20)} {
		if _, ok := config.Scalar(s).Rat(); ok {
			t.Errorf("%.20s… was taken for a number", s)
		}
		c := compiled(t, `{"action": "deny", "body": {"/a": {"min": 5}}}`)
		body, err := json.Marshal(map[string]any{"a": json.Number(s)})
		if err != nil {
			t.Fatal(err)
		}
		r := &Request{Method: "POST", Path: "/", Header: http.Header{"Content-Type": {"application/json"}}, Length: int64(len(body)), Body: body}
		if g := got(c.Check(r)); g != "deny 1" {
			t.Errorf("%.20s…: %s", s, g)
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
