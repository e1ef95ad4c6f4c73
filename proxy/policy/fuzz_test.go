package policy

import (
	"net/http"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

// FuzzCheck: a condition that holds in a rule which allows holds in one that
// denies, whatever the call; and what is allowed has a path that reads in one way.
func FuzzCheck(f *testing.F) {
	for _, s := range [][6]string{
		{`"path": "/admin/**"`, "GET", "/Admin/x", "", "", ""},
		{`"path": "/{a,b}/[0-9]?/*"`, "GET", "/a/1x/%C3%A9", "", "", ""},
		{`"query": {"a": ["x*", "\\*"], "b": true, "c": false}`, "GET", "/", "a=x&b=1&C=", "", ""},
		{`"content_type": ["*/json"]`, "POST", "/", "", "application/json; charset=utf-8", "{}"},
		{`"body": {"/a/0": [1, "x", true, null], "/b": {"glob": "x*"}, "/c": {"min": 1, "max": 2}}`, "POST", "/", "", "application/json", `{"a": [1], "b": "xy", "c": 1.5}`},
		{`"body": {"/a": {"exists": false}}, "max_body": 5`, "POST", "/", "", "application/json", `{}`},
		{`"methods": ["GET"], "for": ["x"]`, "get", "/%2561", "_method=x;y", "", ""},
	} {
		f.Add(s[0], s[1], s[2], s[3], s[4], s[5])
	}
	f.Fuzz(func(t *testing.T, condition, method, path, query, kind, body string) {
		c, err := config.Parse("f", []byte(`{"services": {"a": {"base_url": "https://a.example", "rules": [{"action": "allow", `+condition+`}]}}}`))
		if err != nil || len(c.Services["a"].Rules) != 1 {
			return
		}
		rule := c.Services["a"].Rules[0]
		r := Request{Method: method, Path: path, Query: query, Header: http.Header{}, Length: int64(len(body)), Body: []byte(body), Audience: []string{"x"}}
		if kind != "" {
			r.Header.Set("Content-Type", kind)
		}
		check := func(a config.Action) Verdict {
			rule.Action = a
			if a == config.Deny {
				rule.MaxBody = 0
			}
			compiled, err := Compile([]config.Rule{rule})
			if err != nil {
				t.Fatal(err)
			}
			return compiled.Check(&r)
		}
		if rule.Action != config.Allow {
			return
		}
		allow, ask, deny := check(config.Allow), check(config.Ask), check(config.Deny)
		if allow.Action == config.Allow && (deny.Action != config.Deny || ask.Action != config.Ask) {
			t.Errorf("%s fits %+v as a rule that allows, but as others it gives %+v and %+v", condition, r, deny, ask)
		}
		if allow.Action == config.Allow && strings.ContainsAny(path, "\\;\x00?#") {
			t.Errorf("the path %q was allowed", path)
		}
		if deny.Action == config.Deny != (deny.Reason != "") || allow.Action == config.Deny != (allow.Reason != "") {
			t.Errorf("a verdict without its reason: %+v, %+v", allow, deny)
		}
	})
}
