package ui

import (
	"testing"
	"time"

	"lockbox/ui/backend"
)

// TestAccess: a row says who may call, and that there are rules and limits.
func TestAccess(t *testing.T) {
	closed := backend.ServiceInfo{TokenRequired: true, Credential: "bearer"}
	zapier := backend.ServiceInfo{TokenRequired: true, Audiences: []string{"zapier", "make"}}
	with := func(s backend.ServiceInfo, rules int, limited bool) backend.ServiceInfo {
		s.Rules, s.Limited = rules, limited
		return s
	}
	tests := []struct {
		info         backend.ServiceInfo
		mark         mark
		word, detail string
	}{
		{closed, markInactive, "Closed", "no audience is allowed"},
		{zapier, markGood, "Token needed", "zapier, make"},
		{with(zapier, 3, true), markGood, "Token needed", "zapier, make · 3 rules · limits"},
		{with(zapier, 1, false), markGood, "Token needed", "zapier, make · 1 rule"},
		{with(backend.ServiceInfo{TokenRequired: true, AnyAudience: true}, 0, true), markGood, "Token needed", "any audience · limits"},
		{with(backend.ServiceInfo{Credential: backend.NoCredential}, 2, false), markInfo, "Open", "no token needed · 2 rules"},
		{with(backend.ServiceInfo{Credential: "bearer"}, 0, false), markWarning, "Open, with a key", "every program on this computer"},
		{with(backend.ServiceInfo{Problem: "token: not found"}, 3, true), markFailed, "Cannot serve", "token: not found"},
	}
	for _, tt := range tests {
		if m, word, detail := access(tt.info); m != tt.mark || word != tt.word || detail != tt.detail {
			t.Errorf("%+v: %d, %q, %q, want %d, %q, %q", tt.info, m, word, detail, tt.mark, tt.word, tt.detail)
		}
	}
}

func TestWords(t *testing.T) {
	tests := []struct{ got, want string }{
		{count(0, "call"), "0 calls"},
		{count(1, "call"), "1 call"},
		{took(300 * time.Microsecond), "< 1 ms"},
		{took(42 * time.Millisecond), "42 ms"},
		{took(1500 * time.Millisecond), "1.5 s"},
		{took(61 * time.Second), "1 min 1 s"},
		{size(999), "999 B"},
		{size(1500), "1.5 kB"},
		{size(2_500_000), "2.5 MB"},
		{lifetimeLabel(24 * time.Hour), "1 day"},
		{lifetimeLabel(36 * time.Hour), "36h0m0s"},
		{lifetimeOf("90 days").String(), "2160h0m0s"},
		{lifetimeOf("36h0m0s").String(), "0s"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
