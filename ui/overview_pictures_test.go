//go:build desktop

package ui

import (
	"slices"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"lockbox/ui/backend"
)

// TestOverviewPictures draws the Overview with a minute pointed at, and with everything
// wrong.
func TestOverviewPictures(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(8000))
	s.fillTokens()
	s.overviewOf("overview", func(o *backend.Overview, _ *backend.View) { o.Concerns = nil })
	s.overview.chart().point(30)
	s.picture("overview-minute")

	w := openWith(t, testConfig, manyCalls(8000))
	w.fillTokens()
	w.b.SetPaused(true)
	w.until("the pause", func() bool { return w.overview.view.Phase == backend.Paused })
	wrong := everythingWrong(w.b.Tokens())
	w.overviewOf("overview-wrong", func(o *backend.Overview, v *backend.View) {
		o.Concerns = wrong
		v.Tunnel = backend.TunnelState{Phase: backend.TunnelLost, Since: time.Now(), Trouble: backend.TunnelTrouble{Title: "The network is gone"}}
	})
	w.focus(w.overview.concerns)
	w.overview.toggleAll()
	w.whole("overview-wrong-whole")
}

// chart is the page's.
func (p *overviewPage) chart() *chart { return p.activity.chart }

// overviewOf draws the page as it is when something else were so.
func (s *screen) overviewOf(name string, other func(*backend.Overview, *backend.View)) {
	s.t.Helper()
	s.window.open(pageOverview)
	p := s.overview
	s.win.Content().Refresh()
	s.until("the overview", func() bool {
		s.win.Canvas().Capture()
		return !p.asking && !p.now.IsZero() && !p.seen.Partial && p.seen.Uncounted == 0 && (p.view.Exchanges == 0 || p.seen.Calls > 0)
	})
	p.shown = false // or it would look again
	tokens := s.b.Tokens()
	for i := range p.seen.Tokens {
		if i < len(tokens) {
			p.seen.Tokens[i].Token = tokens[i]
		}
	}
	s.banner.dismissed, p.view.Keychain = p.view.Keychain.Message, backend.KeychainInfo{State: "ready"}
	s.banner.draw(s.b.View())
	p.seen.Concerns = slices.DeleteFunc(p.seen.Concerns, func(c backend.Concern) bool { return c.Kind == backend.ConcernVault })
	other(&p.seen, &p.view)
	p.drawState(p.view)
	p.drawParts()
	s.win.Resize(fyne.NewSize(1080, 720))
	s.picture(name)
}

// everythingWrong are concerns of each kind that the banner does not speak of.
func everythingWrong(tokens []backend.TokenInfo) (all []backend.Concern) {
	now := time.Now()
	for _, c := range []backend.Concern{
		{Kind: backend.ConcernLeak, Service: "stripe", At: now, Text: "body"},
		{Kind: backend.ConcernPaused, Text: "network 203.0.113.0/24, user agent curl"},
		{Kind: backend.ConcernTunnelLost, Text: "The network is gone"},
		{Kind: backend.ConcernBroken, Service: "weather", Text: "headers/X-Api-Key: the environment has no NOT_SET"},
		{Kind: backend.ConcernCredential, Service: "crm", Text: "The token endpoint says invalid_grant: the refresh token was revoked."},
		{Kind: backend.ConcernKeyRefused, Service: "github", Count: 12, Of: 14},
		{Kind: backend.ConcernFailing, Service: "acme", Count: 41, Of: 120, Text: "The upstream did not answer within 30 s."},
		{Kind: backend.ConcernFailing, More: 17},
		{Kind: backend.ConcernQuestions, Count: 3},
		{Kind: backend.ConcernGap, Count: 1, At: now, Text: "12 calls since 2026-11-25T03:00:00Z could not be recorded."},
		{Kind: backend.ConcernExpired, Count: 88},
		{Kind: backend.ConcernExpires, At: now.Add(50 * time.Hour)},
		{Kind: backend.ConcernExpires, More: 23},
		{Kind: backend.ConcernDrift, Text: "hour"},
		{Kind: backend.ConcernLimit, Service: "stripe", Of: 1000, At: now.Add(5 * time.Hour)},
		{Kind: backend.ConcernLockouts, Count: 1, Text: "203.0.113.9"},
		{Kind: backend.ConcernUsage, Count: 86},
		{Kind: backend.ConcernPlainKeys, Count: 2},
		{Kind: backend.ConcernWarnings, Count: 2, Text: "line 7: unknown key “base_ulr”: did you mean base_url?"},
	} {
		switch c.Kind {
		case backend.ConcernPaused, backend.ConcernExpired, backend.ConcernExpires, backend.ConcernDrift:
			c.Token = tokens[int(c.Kind)%len(tokens)]
		}
		all = append(all, c)
	}
	return all
}
