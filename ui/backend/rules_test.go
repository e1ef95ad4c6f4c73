package backend

import (
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

func TestSaveRules(t *testing.T) {
	var path string
	b := start(t, func(o *Options) {
		path = o.ConfigPath
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		const src = `{"services": {"a": {"base_url": "lockbox://demo", "requires_service_token": false, /* mine */ "rules": [{"action": "deny", "path": "/admin"}]}}}`
		if err := os.WriteFile(path, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	status := func(path string) int {
		code, _ := get(t, b.View().BaseURL+"/s/a"+path, "")
		return code
	}
	if got := status("/admin"); got != http.StatusForbidden {
		t.Errorf("denied: %d", got)
	}
	rules, err := b.Rules("a")
	if err != nil || len(rules) != 1 || rules[0].Path != "/admin" {
		t.Fatalf("rules %+v, %v", rules, err)
	}
	rules = append(rules, Rule{Action: config.Allow, Path: "/open/**"})
	if err := b.SaveRules(t.Context(), "a", rules); err != nil {
		t.Fatal(err)
	}
	if a, o := status("/other"), status("/open/x"); a != http.StatusForbidden || o != http.StatusOK {
		t.Errorf("after the save: %d for what no rule allows, %d for what one does", a, o)
	}
	before, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(before), "/* mine */") {
		t.Errorf("the file is %s, %v", before, err)
	}
	for service, bad := range map[string][]Rule{"a": {{Action: "allow", Path: "open"}}, "b": rules} {
		if err := b.SaveRules(t.Context(), service, bad); err == nil {
			t.Errorf("%s: %+v were saved", service, bad)
		}
	}
	// A save of the form leaves rules alone.
	f, err := b.Form("a")
	if err != nil {
		t.Fatal(err)
	}
	f.ReadTimeout = "7"
	if err := b.Save(t.Context(), "a", f); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Rules("a"); err != nil || !reflect.DeepEqual(got, rules) {
		t.Errorf("rules %+v, %v, want %+v", got, err, rules)
	}
}

func TestTryRules(t *testing.T) {
	rules := []Rule{{Action: config.Allow, Path: "/x"}, {Action: config.Allow, For: []string{"zapier"}, Body: []config.BodyCondition{{Pointer: "/a", OneOf: []config.Scalar{"1"}}}}}
	asJSON := http.Header{"Content-Type": {"application/json"}}
	for _, tt := range []struct {
		call   RuleCall
		action config.Action
		index  int
		needs  bool
		err    string
	}{
		{RuleCall{Method: "GET", Target: "/x?a=1"}, config.Allow, 0, false, ""},
		{RuleCall{Method: "GET", Target: "/y"}, config.Deny, -1, false, ""},
		{RuleCall{Method: "POST", Target: "/y", Audience: []string{"zapier"}, Header: asJSON, Body: []byte(`{"a": 1}`)}, config.Allow, 1, false, ""},
		{RuleCall{Method: "POST", Target: "/y", Audience: []string{"zapier"}, Header: asJSON, Unknown: true}, config.Deny, 1, true, ""},
		{RuleCall{Target: "/x"}, "", 0, false, "needs a method"},
		{RuleCall{Method: "GET", Target: "x"}, "", 0, false, "must begin with /"},
		{RuleCall{Method: "GET", Target: "/a b"}, "", 0, false, "%20"},
	} {
		v, err := TryRules(rules, tt.call)
		if tt.err != "" {
			if err == nil || !strings.Contains(err.Error(), tt.err) {
				t.Errorf("%+v: error %v", tt.call, err)
			}
			continue
		}
		if err != nil || v.Action != tt.action || v.Index != tt.index || v.NeedsBody != tt.needs {
			t.Errorf("%+v: got %+v, %v", tt.call, v, err)
		}
	}
	if _, err := TryRules([]Rule{{}}, RuleCall{Method: "GET"}); err == nil {
		t.Error("a rule without an action was tried")
	}
}
