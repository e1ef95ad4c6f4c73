package policy

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

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
