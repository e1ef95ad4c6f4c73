package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"lockbox/ui/backend"
)

// TestOverviewConcerns: each kind has words and leads somewhere.
func TestOverviewConcerns(t *testing.T) {
	s := open(t, testConfig)
	s.counted(0)
	tok, err := s.b.NewToken(t.Context(), backend.TokenRequest{Service: "github", Audience: "n8n", Label: "Nightly"})
	if err != nil {
		t.Fatal(err)
	}
	info, _ := s.b.TokenByID(tok.ID)
	p := s.overview
	p.now = time.Now()
	at := p.now.Add(50 * time.Hour)
	tests := []struct {
		c        backend.Concern
		what     string // part of it
		page     int
		selected string // the service, the token's ID, or the words
	}{
		{backend.Concern{Kind: backend.ConcernLeak, Service: "acme"}, "acme sent its key back", pageAudit, "service:acme leak_guard"},
		{backend.Concern{Kind: backend.ConcernPaused, Token: info, Text: "hour"}, "Nightly is paused", pageTokens, tok.ID},
		{backend.Concern{Kind: backend.ConcernTunnelLost, Text: "No network"}, "tunnel is lost", pageTunnel, ""},
		{backend.Concern{Kind: backend.ConcernBroken, Service: "weather", Text: "no key"}, "weather cannot be served", pageServices, "weather"},
		{backend.Concern{Kind: backend.ConcernBroken, More: 7}, "and 7 more", pageServices, ""},
		{backend.Concern{Kind: backend.ConcernCredential, Service: "acme", Text: "invalid_grant"}, "acme gets no access token", pageServices, "acme"},
		{backend.Concern{Kind: backend.ConcernKeyRefused, Service: "acme", Count: 3, Of: 4}, "acme refuses its key", pageServices, "acme"},
		{backend.Concern{Kind: backend.ConcernFailing, Service: "acme", Count: 3, Of: 4}, "acme fails", pageAudit, "service:acme status:5xx since:1h"},
		{backend.Concern{Kind: backend.ConcernQuestions, Count: 1}, "A call waits", pageApprovals, ""},
		{backend.Concern{Kind: backend.ConcernQuestions, Count: 2}, "2 calls wait", pageApprovals, ""},
		{backend.Concern{Kind: backend.ConcernGap, At: at, Text: "3 calls"}, "missing in the audit log", pageAudit, "*"},
		{backend.Concern{Kind: backend.ConcernVault, Text: "no keychain"}, "vault cannot be used", pageSettings, ""},
		{backend.Concern{Kind: backend.ConcernExpired, Token: info, Count: 1}, "Nightly has expired, and is still", pageTokens, tok.ID},
		{backend.Concern{Kind: backend.ConcernExpires, Token: info, At: at}, "Nightly expires in 2 days", pageTokens, tok.ID},
		{backend.Concern{Kind: backend.ConcernExpires, More: 9}, "and 9 more", pageTokens, ""},
		{backend.Concern{Kind: backend.ConcernDrift, Token: info, Text: "hour"}, "Nightly is used in a new way", pageTokens, tok.ID},
		{backend.Concern{Kind: backend.ConcernLimit, Service: "acme", Count: 2}, "acme is called more often", pageServices, "acme"},
		{backend.Concern{Kind: backend.ConcernLimit, Service: "acme", Of: 1000, At: at}, "acme has used up its 1,000 calls", pageServices, "acme"},
		{backend.Concern{Kind: backend.ConcernLimit, Service: "github", Token: info, Of: 5}, "Nightly has used up its 5 calls", pageTokens, tok.ID},
		{backend.Concern{Kind: backend.ConcernLockouts, Count: 1, Text: "203.0.113.9"}, "203.0.113.9 is locked out", pageTunnel, ""},
		{backend.Concern{Kind: backend.ConcernLockouts, Count: 3}, "3 addresses", pageTunnel, ""},
		{backend.Concern{Kind: backend.ConcernUsage, Count: 86}, "86% of ngrok's month", pageTunnel, ""},
		{backend.Concern{Kind: backend.ConcernPlainKeys, Count: 1}, "A key stands", pageServices, ""},
		{backend.Concern{Kind: backend.ConcernPlainKeys, Count: 2}, "2 keys stand", pageServices, ""},
		{backend.Concern{Kind: backend.ConcernWarnings, Count: 1, Text: "x"}, "has a warning", pageSettings, ""},
		{backend.Concern{Kind: backend.ConcernWarnings, Count: 2, Text: "x"}, "2 warnings", pageSettings, ""},
	}
	seen := map[backend.ConcernKind]bool{backend.ConcernProblem: true, backend.ConcernLocked: true}
	for _, tt := range tests {
		seen[tt.c.Kind] = true
		s.window.open(pageOverview)
		l := p.concernLead(tt.c)
		if !strings.Contains(l.name, tt.what) || l.mark == markNone || strings.Contains(l.name+l.detail, "%!") || l.detail == "" && tt.c.More == 0 {
			t.Errorf("%+v: %+v", tt.c, l)
		}
		if strings.Contains(l.name, "\x00") {
			t.Errorf("%q", l.name)
		}
		l.open()
		switch got := ""; {
		case s.page != tt.page:
			t.Errorf("%s leads to page %d, want %d", l.name, s.page, tt.page)
		case tt.selected == "*":
		case tt.page == pageServices && tt.selected != "":
			if got = s.services.selected; got != tt.selected {
				t.Errorf("%s leads to %q", l.name, got)
			}
		case tt.page == pageAudit:
			if got = s.audit.bar.words; got != tt.selected {
				t.Errorf("%s leads to the words %q, want %q", l.name, got, tt.selected)
			}
		case tt.page == pageTokens && tt.selected != "":
			s.until("the token is selected", func() bool { return s.tokens.detail.root.Visible() && s.tokens.chosen == tt.selected })
			s.tokens.key(fyne.KeyEscape)
		}
	}
	for k := backend.ConcernProblem; k <= backend.ConcernWarnings; k++ {
		if !seen[k] {
			t.Errorf("kind %d has no test", k)
		}
	}
}
