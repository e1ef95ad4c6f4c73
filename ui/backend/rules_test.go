package backend

import (
	"net/http"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

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
