package config

import (
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// withRules is a file whose service has these rules.
func withRules(text string) []byte {
	return fmt.Appendf(nil, `{"services": {"a": {"base_url": "https://a.example", "rules": %s}}}`, text)
}

func TestRulesAreRead(t *testing.T) {
	for _, tt := range []struct {
		src  string
		want []Rule
		text string // of the first
	}{
		{`null`, nil, ""},
		{`[]`, nil, ""},
		{`[{"action": "allow"}]`, []Rule{{Action: Allow}}, "allow /**"},
		{`[{"action": "deny", "path": "/a/**"}, {"action": "ask", "_note": "why"}]`, []Rule{{Action: Deny, Path: "/a/**"}, {Action: Ask}}, "deny /a/**"},
		{`[{"action": "allow", "methods": ["GET", "HEAD"], "path": "/repos/**", "for": ["zapier", "id"], "note": "Ask Anna."}]`,
			[]Rule{{Action: Allow, Methods: []string{"GET", "HEAD"}, Path: "/repos/**", For: []string{"zapier", "id"}, Note: "Ask Anna."}}, "allow GET,HEAD /repos/** for zapier,id"},
		{`[{"action": "allow", "content_type": ["application/json", "*/*+json"], "max_body": 65536, "methods": null}]`,
			[]Rule{{Action: Allow, ContentType: []string{"application/json", "*/*+json"}, MaxBody: 65536}}, "allow /** type application/json|*/*+json up to 65536 bytes"},
		{`[{"action": "deny", "query": {"state": "open", "_x": ["a", "b*"], "page": true, "force": false}}]`,
			[]Rule{{Action: Deny, Query: []QueryCondition{{Name: "state", Values: []string{"open"}}, {Name: "_x", Values: []string{"a", "b*"}}, {Name: "page"}, {Name: "force", Absent: true}}}},
			"deny /** with ?state=open with ?_x=a|b* with ?page without ?force"},
		{`[{"action": "deny", "body": {"_why": 1, "/a": "x\u0041<", "/b": 1.50, "/c/0": [null, true, "y"], "/d": {"glob": "b*", "min": 1, "max": -2e3}, "/e": {"exists": false}, "/f": {"exists": true, "equals": 5}, "": {"one_of": [1, 2]}}}]`,
			[]Rule{{Action: Deny, Body: []BodyCondition{
				{Pointer: "/a", OneOf: []Scalar{`"xA<"`}}, {Pointer: "/b", OneOf: []Scalar{"1.50"}}, {Pointer: "/c/0", OneOf: []Scalar{"null", "true", `"y"`}},
				{Pointer: "/d", Glob: "b*", Min: "1", Max: "-2e3"}, {Pointer: "/e", Absent: true}, {Pointer: "/f", Present: true, OneOf: []Scalar{"5"}}, {OneOf: []Scalar{"1", "2"}},
			}}}, `deny /** body /a="xA<" body /b=1.50 body /c/0=null|true|"y" body /d~b*>=1<=-2e3 body /e absent body /f present=5 body (all)=1|2`},
	} {
		got := mustParse(t, withRules(tt.src)).Services["a"].Rules
		if !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.src, got, tt.want)
		}
		if len(got) > 0 && got[0].String() != tt.text {
			t.Errorf("%s in words: got %s, want %s", tt.src, got[0], tt.text)
		}
	}
}

func TestRuleProblems(t *testing.T) {
	rule := func(more string) string { return `[{"action": "allow", ` + more + `}]` }
	for _, tt := range []struct{ src, want string }{ // want begins after the service
		{`{}`, `1:63: rules: must be a list`},
		{`[5]`, `1:64: rules/0: must be an object`},
		{`[{}]`, `1:64: rules/0/action: is missing`},
		{`[{"acton": "allow"}]`, `1:65: rules/0: has a key that is not known, and a rule is not used in part: is "action" meant?`},
		{`[{"action": "permit"}]`, `1:75: rules/0/action: must be "allow", "deny" or "ask"`},
		{rule(`"path": "repos"`), `1:92: rules/0/path: must begin with /`},
		{rule(`"path": ""`), `1:92: rules/0/path: is empty`},
		{rule(`"path": "/a%2F"`), `1:92: rules/0/path: is held against the decoded path`},
		{rule(`"path": "/a**"`), `1:92: rules/0/path: ** stands for whole segments`},
		{rule(`"path": "/**a"`), `1:92: rules/0/path: ** stands for whole segments`},
		{rule(`"path": "/a/../b"`), `1:92: rules/0/path: cannot hold . or ..`},
		{rule(`"path": "/a//b"`), `1:92: rules/0/path: cannot hold //`},
		{rule(`"path": "/a;b"`), `1:92: rules/0/path: cannot hold ;`},
		{rule(`"path": "/[^a]"`), `1:92: rules/0/path: cannot say which letters are not meant`},
		{rule(`"path": "/[a"`), `1:92: rules/0/path: is no valid pattern`},
		{rule(`"methods": "GET"`), `1:95: rules/0/methods: must be a list of texts`},
		{rule(`"methods": []`), `1:95: rules/0/methods: is empty: leave it out for any`},
		{rule(`"methods": ["GET", "post"]`), `1:103: rules/0/methods/1: methods are written in capitals: POST`},
		{rule(`"methods": ["TRACE"]`), `1:96: rules/0/methods/0: is refused whatever the rules`},
		{rule(`"content_type": ["json"]`), `1:101: rules/0/content_type/0: must be a media type`},
		{rule(`"max_body": 0`), `1:96: rules/0/max_body: must be a number of bytes`},
		{rule(`"max_body": 1.5`), `1:96: rules/0/max_body: must be a number of bytes`},
		{`[{"action": "deny", "max_body": 5}]`, `1:95: rules/0/max_body: has no use in a rule that denies`},
		{rule(`"max_body": 99999999999, "body": {"/a": 1}`), `1:96: rules/0/max_body: must be at most 67108864`},
		{rule(`"query": {"a": 5}`), `1:99: rules/0/query/a: must be text, a list of texts, true`},
		{rule(`"query": {"a": []}`), `1:99: rules/0/query/a: is empty`},
		{rule(`"body": {"a": 5}`), `1:98: rules/0/body/a: must be a JSON pointer`},
		{rule(`"body": {"/a~2": 5}`), `1:101: rules/0/body/a~2: ~ is written ~0`},
		{rule(`"body": {"/a": {}}`), `1:99: rules/0/body/a: says nothing`},
		{rule(`"body": {"/a": {"equal": 1}}`), `1:100: rules/0/body/a: has a key that is not known, and a rule is not used in part: is "equals" meant?`},
		{rule(`"body": {"/a": {"exists": false, "min": 1}}`), `1:99: rules/0/body/a: what is absent has no value`},
		{rule(`"body": {"/a": {"min": "1"}}`), `1:99: rules/0/body/a: min and max must be numbers`},
		{rule(`"body": {"/a": 1e999}`), `1:99: rules/0/body/a: a value must be text, a number of at most 40 digits`},
		{rule(`"body": {"/a": {"equals": []}}`), `1:110: rules/0/body/a/equals: must be text, a number`},
		{rule(`"body": {"/a": {"equals": 1, "one_of": [2]}}`), `1:123: rules/0/body/a/one_of: stands beside equals`},
		{rule(`"for": [""]`), `1:92: rules/0/for/0: is empty`},
		{rule(`"note": "a\u0007"`), `1:92: rules/0/note: has control characters`},
		{`[` + strings.Repeat(`{"action": "deny"},`, MaxRules+1) + `]`, `1:63: rules: are more than 500`},
	} {
		_, err := Parse("f", withRules(tt.src))
		if want := `f:` + strings.Replace(tt.want, ": ", `: service "a": `, 1); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%.80s:\n got %v\nwant %s", tt.src, err, want)
		}
	}
}

// TestSetControlRules: what is not changed stays as it is written.
func TestSetControlRules(t *testing.T) {
	const src = `{
  // mine
  "services": {
    "a": {
      "base_url": "https://a.example", // here
      "rules": [
        // first: no admins
        {"action": "deny", "path": "/admin/**", "_why": "since May"}, // really
        {
          "path": "/repos/**", // all of them
          "action": "allow",
          "methods": ["GET"],
        },
        {"action": "ask"},
      ],
    },
    "b": {"base_url": "https://b.example"},
  },
}
`
	rules := mustParse(t, []byte(src)).Services["a"].Rules
	set := func(service string, rules []Rule) string {
		t.Helper()
		out, err := SetControl([]byte(src), &Service{Name: service, Rules: rules})
		if err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t, out).Services[service].Rules; !slices.EqualFunc(got, rules, func(a, b Rule) bool { return reflect.DeepEqual(a, b) }) {
			t.Errorf("wrote %+v, read %+v", rules, got)
		}
		return string(out)
	}
	if got := set("a", rules); got != src {
		t.Errorf("the same rules change the file:\n%s", got)
	}
	changed := slices.Clone(rules)
	changed[1].Methods = []string{"GET", "HEAD"}
	changed[0].Note = "No."
	for _, want := range []string{"// first: no admins\n        {\"action\": \"deny\", \"path\": \"/admin/**\", \"note\": \"No.\", \"_why\": \"since May\"}, // really", "\"/repos/**\", // all of them", `["GET", "HEAD"],`, `{"action": "ask"},`} {
		if got := set("a", changed); !strings.Contains(got, want) {
			t.Errorf("%s is not in\n%s", want, got)
		}
	}
	added := slices.Insert(slices.Clone(rules), 1, Rule{Action: Allow, Path: "/x"})
	if got := set("a", added); !strings.Contains(got, "// really\n        {\"action\": \"allow\", \"path\": \"/x\"},\n        {\n          \"path\": \"/repos/**\", // all") {
		t.Errorf("a new rule is written as\n%s", got)
	}
	if got := set("a", slices.Delete(slices.Clone(rules), 0, 1)); strings.Contains(got, "admin") || !strings.Contains(got, "all of them") {
		t.Errorf("without the first:\n%s", got)
	}
	if got := set("a", nil); !strings.Contains(got, `"rules": [`) || !strings.Contains(got, "// here") {
		t.Errorf("without rules:\n%s", got)
	}
	if got := set("b", rules); !strings.Contains(got, `"b": {"base_url": "https://b.example", "rules": [`) {
		t.Errorf("the first rules of b:\n%s", got)
	}
	if got := set("b", nil); got != src {
		t.Errorf("no rules change the file:\n%s", got)
	}
	for _, bad := range []struct {
		service string
		rules   []Rule
		want    string
	}{
		{"c", rules, `no service "c"`}, {"a", []Rule{{Action: "x"}}, "rules/0/action: must be"}, {"a", []Rule{{Action: Deny}, {Action: Allow, Path: "x"}}, "rules/1/path: must begin"},
	} {
		if _, err := SetControl([]byte(src), &Service{Name: bad.service, Rules: bad.rules}); err == nil || !strings.Contains(err.Error(), bad.want) {
			t.Errorf("%s %v: %v", bad.service, bad.rules, err)
		}
	}
}

// FuzzRules: what is read as rules is written so that it reads the same.
func FuzzRules(f *testing.F) {
	for _, s := range []string{
		`[]`, `[{"action": "deny", "path": "/a/**"}]`, `[{"action": "allow", "methods": ["GET"], "for": ["x"], "max_body": 5}]`,
		`[{"action": "ask", "query": {"a": "b", "c": ["d", "é<"], "e": true, "f": false}, "content_type": ["a/*"], "note": "n"}]`,
		`[{"action": "deny", "body": {"/a~1": [1, "x", null], "": {"exists": true}, "/b": {"glob": "*", "min": 1, "max": 2, "one_of": [true, false]}}}]`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		c, err := Parse("f", withRules(text))
		if err != nil || c.Services["a"] == nil {
			return
		}
		rules := c.Services["a"].Rules
		out, err := SetControl([]byte(`{"services": {"a": {"base_url": "https://a.example"}}}`), &Service{Name: "a", Rules: rules})
		if err != nil {
			t.Fatalf("%s cannot be written: %v", text, err)
		}
		again, err := Parse("f", out)
		if err != nil {
			t.Fatalf("%s cannot be read: %v", out, err)
		}
		if got := again.Services["a"].Rules; len(got) != len(rules) || len(rules) > 0 && !reflect.DeepEqual(got, rules) {
			t.Errorf("wrote %+v, read %+v", rules, got)
		}
		for _, r := range rules {
			if strings.ContainsAny(r.String(), "\n\r") {
				t.Errorf("%q is more than a line", r)
			}
		}
	})
}
