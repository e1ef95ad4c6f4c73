package backend

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/config"
)

func TestSaveControl(t *testing.T) {
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
	c, err := b.Control("a")
	if err != nil || len(c.Rules) != 1 || c.Rules[0].Path != "/admin" {
		t.Fatalf("control %+v, %v", c, err)
	}
	c.Rules = append(c.Rules, Rule{Action: config.Allow, Path: "/open/**"})
	c.Limits.Quota.CallsPerDay, c.LeakGuard, c.Duplicates = 5, LeakGuardStrict, time.Minute
	if err := b.SaveControl(t.Context(), "a", c); err != nil {
		t.Fatal(err)
	}
	if a, o := status("/other"), status("/open/x"); a != http.StatusForbidden || o != http.StatusOK {
		t.Errorf("after the save: %d for what no rule allows, %d for what one does", a, o)
	}
	before, err := os.ReadFile(path)
	if err != nil || !strings.Contains(string(before), "/* mine */") {
		t.Errorf("the file is %s, %v", before, err)
	}
	for what, bad := range map[string]struct {
		service string
		change  func(*Control)
	}{
		"rule":    {"a", func(c *Control) { c.Rules = []Rule{{Action: "allow", Path: "open"}} }},
		"limit":   {"a", func(c *Control) { c.Rules, c.Limits.Concurrency = nil, -1 }},
		"window":  {"a", func(c *Control) { c.Rules, c.Duplicates = nil, 1 }},
		"service": {"b", func(*Control) {}},
	} {
		wrong := c
		bad.change(&wrong)
		if err := b.SaveControl(t.Context(), bad.service, wrong); err == nil {
			t.Errorf("%s: %+v was saved", what, wrong)
		}
	}
	if now, err := os.ReadFile(path); err != nil || !bytes.Equal(now, before) {
		t.Errorf("a save that failed left %s, %v", now, err)
	}
	if err := b.SaveRules(t.Context(), "b", c.Rules); err == nil {
		t.Error("rules of a service that there is not were saved")
	}
	if err := b.SaveRules(t.Context(), "a", c.Rules[:1]); err != nil {
		t.Error(err)
	}
	if got, err := b.Control("a"); err != nil || len(got.Rules) != 1 || got.Limits != c.Limits || got.LeakGuard != c.LeakGuard || got.Duplicates != c.Duplicates {
		t.Errorf("rules alone saved: %+v, %v", got, err)
	}
	if err := b.SaveRules(t.Context(), "a", c.Rules); err != nil {
		t.Error(err)
	}
	uses := b.Limits()
	if len(uses) != 1 || uses[0].Limit != "calls_per_day" || uses[0].Used != 1 || uses[0].Most != 5 {
		t.Errorf("limits %+v", uses)
	}
	// A save of the form leaves all of it alone.
	f, err := b.Form("a")
	if err != nil {
		t.Fatal(err)
	}
	f.ReadTimeout = "7"
	if err := b.Save(t.Context(), "a", f); err != nil {
		t.Fatal(err)
	}
	if got, err := b.Control("a"); err != nil || !reflect.DeepEqual(got, c) {
		t.Errorf("control %+v, %v, want %+v", got, err, c)
	}
}
