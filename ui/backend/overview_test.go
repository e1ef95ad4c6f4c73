package backend

import (
	"fmt"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

func TestHasOwn(t *testing.T) {
	demo := ServiceInfo{Name: "demo", BaseURL: "lockbox://demo", Credential: "none"}
	github := ServiceInfo{Name: "github_public", BaseURL: "https://api.github.com", Credential: "none"}
	keyed := github
	keyed.Credential = "bearer"
	elsewhere := github
	elsewhere.BaseURL = "https://github.example"
	tests := []struct {
		name     string
		services []ServiceInfo
		want     bool
	}{
		{"none", nil, false},
		{"those of the starter config", []ServiceInfo{demo, github}, false},
		{"one more", []ServiceInfo{{Name: "acme", BaseURL: "https://acme.example", Credential: "bearer"}, demo}, true},
		{"the demo under another name", []ServiceInfo{{Name: "echo", BaseURL: "lockbox://demo", Credential: "none"}}, false},
		{"one that was given a key", []ServiceInfo{demo, keyed}, true},
		{"one that was led elsewhere", []ServiceInfo{demo, elsewhere}, true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := (View{Services: tt.services}).HasOwn(); got != tt.want {
				t.Errorf("got %v, want %v", got, tt.want)
			}
		})
	}
}

// fillLog makes the audit log of a Lockbox that is yet to start.
func fillLog(t testing.TB, o Options, calls []audit.Exchange) {
	t.Helper()
	log, err := audit.Open(auditDir(o))
	if err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		if err := log.Append(&calls[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestOverview: the calls of before and those that come are counted, each once.
func TestOverview(t *testing.T) {
	now := time.Now()
	var calls []audit.Exchange
	before := func(ago time.Duration, service, jti string, status int, d audit.Decision, reason string) {
		calls = append(calls, audit.Exchange{Time: now.Add(-ago), Service: service, Method: "GET", Path: "/", Status: status, Duration: 100 * time.Millisecond, JTI: jti, Decision: d, Reason: reason})
	}
	before(25*time.Hour, "acme", "jti-1", 200, audit.Allowed, "")
	for i := range 40 {
		before(50*time.Minute-time.Duration(i)*time.Second, "acme", "jti-1", 200, audit.Allowed, "")
	}
	before(10*time.Minute, "acme", "jti-1", 504, audit.Failed, "upstream_timeout: The upstream did not answer within 30 s.")
	before(10*time.Minute, "acme", "jti-2", 401, audit.Refused, "token_service: …")
	before(10*time.Minute, "gone", "", 404, audit.Refused, "unknown_service: …")
	before(10*time.Minute, "", "", 0, audit.Noted, "")
	b := start(t, func(o *Options) {
		writeConfig(t, o.ConfigPath, `{"services": {"acme": {"base_url": "lockbox://demo", "requires_service_token": false}, "echo": {"base_url": "lockbox://demo", "requires_service_token": false}}}`)
		fillLog(t, *o, calls)
	})
	look := func(last int64) (v Overview) {
		t.Helper()
		waitFor(t, "the calls to be counted", func() bool {
			var err error
			if v, err = b.Overview(t.Context()); err != nil {
				t.Fatal(err)
			}
			return !v.Partial && len(v.Services) > 0 && v.Services[len(v.Services)-1].Calls == last
		})
		return v
	}
	lately := func(v Overview) (calls, errors, refused int64) {
		for _, m := range v.Minutes {
			calls, errors, refused = calls+m.Calls, errors+m.Errors, refused+m.Refused
		}
		return calls, errors, refused
	}
	v := look(42)
	if calls, errors, refused := lately(v); calls != 43 || errors != 1 || refused != 2 || len(v.Minutes) != 60 {
		t.Errorf("the last hour has %d calls, %d errors, %d refused in %d minutes", calls, errors, refused, len(v.Minutes))
	}
	if got := v.Services; len(got) != 1 || got[0].Name != "acme" || got[0].Errors != 1 || got[0].Refused != 1 || v.ServicesUsed != 1 {
		t.Errorf("services: %+v", got)
	}
	if got := v.Tokens; len(got) != 2 || got[0].Name != "jti-1" || got[0].Calls != 41 || got[1].Name != "jti-2" {
		t.Errorf("tokens: %+v", got)
	}
	for i := range 7 {
		if status := call(t, b, "GET", "/s/echo/"+fmt.Sprint(i), "").Status; status != 200 {
			t.Fatal(status)
		}
		look(int64(i + 1))
	}
	v = look(7)
	if calls, errors, _ := lately(v); calls != 50 || errors != 1 {
		t.Errorf("after seven more, %d calls, %d errors", calls, errors)
	}
	if v.Services[0].Calls != 42 || v.Services[1].Name != "echo" {
		t.Errorf("%+v", v.Services)
	}
}
