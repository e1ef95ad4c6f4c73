//go:build desktop

package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"lockbox/proxy/audit"
	"lockbox/ui/backend"
)

// manyServices is a config of 500 services, every second of which lacks its key.
func manyServices() string {
	var b strings.Builder
	b.WriteString(`{"services": {`)
	for i := range 500 {
		fmt.Fprintf(&b, `"service-%03d": {"base_url": "https://api%d.example.com/v2", "credential": {"type": "bearer", "token": "env://%s"}},`, i, i, []string{"ACME_KEY", "NOT_SET"}[i%2])
	}
	return b.String() + "}}"
}

func someCalls() []audit.Exchange { return manyCalls(2000) }

func TestGoldenServices(t *testing.T) {
	still(t, none, nil, func(s *screen) { s.golden("services-empty") })
	still(t, testConfig, nil, func(s *screen) {
		s.golden("services")
		s.services.open("github")
		s.settle()
		s.golden("service")
		s.create()
		s.golden("picker")
		s.choose(s.picker.all["github"].preset, "")
		s.golden("form")
		s.form.forget()
		s.form = nil
	})
	still(t, manyServices(), nil, func(s *screen) {
		s.golden("services-500")
		s.find("service 49")
		s.golden("palette-500")
		s.palette.close()
	})
}

func TestGoldenGuide(t *testing.T) {
	still(t, "", nil, func(s *screen) {
		s.guide()
		s.golden("guide-api")
		s.tour.choose(s.tour.picker.all["github"].preset, "")
		s.golden("guide-key")
		f := s.tour.form
		f.keyFields["key/token"].entry.SetText(canary)
		f.onward()
		s.golden("guide-test")
		f.judge(markFailed, "GitHub answered 401 Unauthorized: it does not know this key.")
		s.golden("guide-test-failed")
		s.tour.takeDemo("demo")
		s.golden("guide-demo")
		s.tour.saved("demo")
		s.golden("guide-token")
		s.tour.maker.audience.SetText("zapier")
		s.tour.maker.submit()
		s.until("the token", func() bool { return s.tour.maker.made.Visible() })
		s.golden("guide-kit")
		s.tour.finish()
	})
}

func TestGoldenRules(t *testing.T) {
	still(t, testConfig, nil, func(s *screen) {
		s.control("github")
		s.golden("rules-empty")
		s.rules.use(mustParse(t, `[
			{"action": "deny", "path": "/admin/**", "note": "Ask Anna."},
			{"action": "allow", "methods": ["GET", "HEAD"], "path": "/repos/**"},
			{"action": "ask", "methods": ["POST"], "path": "/repos/*/*/issues", "for": ["zapier"], "content_type": ["application/json"], "max_body": 65536}
		]`))
		s.rules.try.path.SetText("/repos/acme/box/issues/17?page=2")
		s.golden("rules")
	})
}

func TestGoldenOverview(t *testing.T) {
	still(t, testConfig, nil, func(s *screen) {
		s.glance(func(o *backend.Overview) { o.Concerns = nil })
		s.golden("overview-empty")
	})
	still(t, testConfig, someCalls, func(s *screen) {
		s.someTokens()
		s.glance(func(o *backend.Overview) {
			tokens := s.b.Tokens()
			slices.SortFunc(tokens, func(a, b backend.TokenInfo) int { return strings.Compare(a.Label+a.Service, b.Label+b.Service) })
			o.Concerns = []backend.Concern{
				{Kind: backend.ConcernBroken, Service: "weather", Text: "headers/X-Api-Key: the environment has no NOT_SET"},
				{Kind: backend.ConcernFailing, Service: "acme", Count: 41, Of: 120, Text: "The upstream did not answer within 30 s."},
				{Kind: backend.ConcernExpires, Token: tokens[1], At: standstill.Add(50 * time.Hour)},
			}
			for i := range o.Tokens {
				o.Tokens[i].Token = tokens[i%len(tokens)]
			}
		})
		s.golden("overview")
	})
	still(t, manyServices(), func() []audit.Exchange {
		calls := someCalls()
		for i := range calls {
			calls[i].Service = fmt.Sprintf("service-%03d", i*i%500)
		}
		return calls
	}, func(s *screen) {
		s.glance(func(o *backend.Overview) {
			o.Concerns = slices.DeleteFunc(o.Concerns, func(c backend.Concern) bool { return c.Kind == backend.ConcernVault })
		})
		s.golden("overview-500")
	})
}

// glance shows the Overview, changed.
func (s *screen) glance(change func(*backend.Overview)) {
	s.window.open(pageOverview)
	s.redraw(nil)
	p := s.overview
	s.until("the overview", func() bool {
		p.sight.paint()
		return !p.asking && !p.now.IsZero() && !p.seen.Partial && p.seen.Uncounted == 0
	})
	p.shown = false // or it would look again
	s.redraw(nil)
	p.drawState(p.view)
	change(&p.seen)
	p.drawParts()
}

// someTokens makes tokens of all kinds, and has some used.
func (s *screen) someTokens() {
	s.t.Helper()
	for _, r := range []backend.TokenRequest{
		{Service: "acme", Audience: "zapier", Label: "Invoices to the sheet", Lifetime: 90 * 24 * time.Hour},
		{Service: "github", Audience: "n8n", Lifetime: 30 * 24 * time.Hour},
		{Service: "acme", Audience: "make", Label: "A label that is so long that it has to be cut off somewhere near the end", Lifetime: 3 * 24 * time.Hour},
		{Service: "stripe", Audience: "zapier", Label: "Old one", Lifetime: time.Hour},
	} {
		tok, err := s.b.NewToken(s.t.Context(), r)
		if err == nil && r.Label == "Old one" {
			err = s.b.RevokeToken(s.t.Context(), tok.ID)
		}
		if err != nil {
			s.t.Fatal(err)
		}
		time.Sleep(time.Second)
	}
}

func TestGoldenTokens(t *testing.T) {
	still(t, testConfig, nil, func(s *screen) {
		s.window.open(pageTokens)
		s.settle()
		s.golden("tokens-empty")
		s.someTokens()
		s.tokens.state.SetSelected(allTokens)
		s.tokens.refresh()
		s.until("the tokens", func() bool { return len(s.tokens.all) == 4 })
		s.tokens.shown = false // or it would read them again
		for i := range s.tokens.all {
			if x := &s.tokens.all[i]; x.Label != "" {
				x.Calls, x.LastUsed = uint64(1200/(i+1)), standstill.Add(-time.Duration(i*i*40+3)*time.Minute)
			}
		}
		s.tokens.filter()
		s.golden("tokens")
		s.tokens.choose(slices.IndexFunc(s.tokens.found, func(x backend.TokenInfo) bool { return x.Label == "Invoices to the sheet" }))
		s.golden("token")
		s.newToken("github")
		s.golden("token-new")
		s.tokens.maker.audience.SetText("make")
		s.tokens.maker.submit()
		s.until("the token", func() bool { return s.tokens.maker.made.Visible() })
		s.golden("token-made")
	})
}

func TestGoldenAudit(t *testing.T) {
	still(t, testConfig, nil, func(s *screen) {
		s.window.open(pageAudit)
		s.redraw(nil)
		s.golden("audit-empty")
	})
	still(t, testConfig, func() []audit.Exchange { return manyCalls(400) }, func(s *screen) {
		s.window.open(pageAudit)
		s.redraw(nil)
		p := s.audit
		s.until("the timeline", func() bool { return len(p.timeline.buckets) > 0 })
		s.golden("audit")
		p.choose(5)
		s.until("the call", p.detail.root.Visible)
		x := p.detail.x
		x.ID = "019abbd0-3560-7000-aeb8-8b73a48ed3d1" // it counts on from the test before
		p.detail.show(x, contentsOf(x))
		s.golden("call")
	})
}

func TestGoldenApprovals(t *testing.T) {
	still(t, testConfig, nil, func(s *screen) {
		s.window.open(pageApprovals)
		s.golden("approvals-empty")
		ask := func(id, method, path, body string, ago, left time.Duration) backend.Question {
			q := backend.Question{ID: id, Asked: standstill.Add(-ago), Since: standstill.Add(-ago), Until: standstill.Add(left), Expires: standstill.Add(time.Hour), Waiting: 1}
			q.Service, q.Listener, q.Remote, q.Audience, q.Method, q.Path = "acme", "local", "127.0.0.1:50123", []string{"zapier"}, method, path
			q.Rule, q.Note = "2 ask POST /pay/**", "Money leaves the account."
			if body != "" {
				q.ContentType, q.Body = "application/json", &audit.Body{Text: body, Size: int64(len(body))}
			}
			return q
		}
		denied := ask("4", "POST", "/pay/out/4708", "", 12*time.Minute, -7*time.Minute)
		denied.Waiting, denied.Answer, denied.By, denied.Answered = 0, backend.Deny, backend.ByWindow, standstill.Add(-10*time.Minute)
		allowed := ask("5", "DELETE", "/customers/17", "", 40*time.Minute, -35*time.Minute)
		allowed.Waiting, allowed.Answer, allowed.By, allowed.Answered = 0, backend.AllowHour, backend.ByWindow, standstill.Add(-38*time.Minute)
		s.asker.questions = []backend.Question{
			ask("1", "POST", "/pay/out/4711", `{"amount":129.5,"to":{"name":"Ada Lovelace","iban":"DE89370400440532013000"},"reference":"INV-004711"}`, 40*time.Second, 4*time.Minute),
			ask("2", "POST", "/pay/out/4712", `{"amount":12}`, 20*time.Second, 5*time.Minute),
			denied, allowed,
		}
		s.approvals.refresh()
		s.golden("approvals")
		s.asker.look("1")
		s.until("it takes answers", func() bool { return s.asker.alive() })
		s.goldenOf(s.asker.window, "approval")
		s.asker.later()
		s.asker.questions = nil
		s.settle()
	})
}

func TestGoldenTunnel(t *testing.T) {
	still(t, strings.Replace(testConfig, `"base_url": "https://api.github.com",`, `"base_url": "https://api.github.com", "tunnel": true,`, 1), nil, func(s *screen) {
		s.window.open(pageTunnel)
		s.redraw(nil)
		s.golden("tunnel-closed")
		s.window.face.window.Canvas().Unfocus()
		s.redraw(func(v *backend.View) {
			v.Tunnel = backend.TunnelState{Phase: backend.TunnelOpen, Since: standstill.Add(-95 * time.Minute), URL: "https://mine.ngrok.app", Account: "Ada Lovelace", Plan: "free"}
			v.Usage = backend.TunnelUsage{Month: "2026-11", Calls: 6480, Out: 310_000_000}
		})
		s.golden("tunnel")
	})
}

func TestGoldenSettings(t *testing.T) {
	still(t, testConfig, nil, func(s *screen) {
		s.window.open(pageSettings)
		s.redraw(nil)
		s.golden("settings")
		s.win.Resize(fyne.NewSize(windowWidth, 1960))
		s.golden("settings-whole")
		s.win.Resize(fyne.NewSize(windowWidth, windowHeight))
		s.find("")
		s.golden("palette")
		s.palette.close()
	})
	still(t, testConfig, nil, func(s *screen) {
		vault := backend.VaultInfo{Name: "/home/ada/.local/share/lockbox/vault.age", File: true}
		s.redraw(func(v *backend.View) {
			v.Locked, v.Vault = true, vault
			v.Keychain = backend.KeychainInfo{State: "locked", CanUnlock: true, Message: "it is locked"}
		})
		s.unlocker().wrong("Wrong passphrase: try again.")
		s.golden("unlock")
	})
}
