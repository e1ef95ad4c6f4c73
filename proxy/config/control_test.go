package config

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestSetControl: what a service holds its callers to is written, and nothing else
// of the file is touched.
func TestSetControl(t *testing.T) {
	const src = `{"services": {
  "a": {
    "base_url": "HTTPS://a.example/", // as I like it
    "read_timeout": 5.0,
    "rate_limit": {"requests": 60, /* a */ "per": "60s"},
    "token_limits": {"zapier": {"concurrency": 1 /* slow */}},
    "leak_guard": "on", // always
  },
}}
`
	set := func(change func(*Service)) (string, *Service) {
		t.Helper()
		s := mustParse(t, []byte(src)).Services["a"]
		change(s)
		out, err := SetControl([]byte(src), s)
		if err != nil {
			t.Fatal(err)
		}
		if got := mustParse(t, out).Services["a"]; !reflect.DeepEqual(got, s) {
			t.Errorf("it reads as %+v, want %+v", got, s)
		}
		return string(out), s
	}
	if got, _ := set(func(*Service) {}); got != src {
		t.Errorf("the same again changes the file:\n%s", got)
	}
	got, _ := set(func(s *Service) {
		s.Rules = []Rule{{Action: Deny, Path: "/admin/**"}}
		s.Limits.Concurrency = 2
		s.EachToken.Quota.WritesPerDay = 9
		s.Duplicates, s.LeakGuard, s.Drift = 10*time.Minute, LeakGuardStrict, DriftPause
	})
	for _, want := range []string{`"HTTPS://a.example/", // as I like it`, `5.0`, `{"requests": 60, /* a */ "per": "60s"}`, `1 /* slow */`,
		`"leak_guard": "strict", // always`, `"drift": "pause"`, `"duplicates": {"window": "10m"}`, `"each_token": {"quota": {"writes_per_day": 9}}`, `"concurrency": 2`} {
		if !strings.Contains(got, want) {
			t.Errorf("no %s in\n%s", want, got)
		}
	}
	for want, bad := range map[string]Service{
		"leak_guard: must be":      {Name: "a", LeakGuard: "x"},
		"drift: must be":           {Name: "a", Drift: "x"},
		"duplicates/window: must":  {Name: "a", Duplicates: 1},
		"each_token/concurrency: ": {Name: "a", EachToken: Limits{Concurrency: -1}},
		`no service "b"`:           {Name: "b"},
	} {
		if _, err := SetControl([]byte(src), &bad); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v", want, err)
		}
	}
}
