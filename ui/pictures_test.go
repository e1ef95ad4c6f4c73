//go:build desktop

package ui

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/assets"
	"lockbox/proxy/audit"
	"lockbox/ui/backend"
)

// settle does what the window has to do until nothing more comes for a moment.
func (s *screen) settle() {
	for {
		select {
		case f := <-s.queue:
			f()
		case <-time.After(250 * time.Millisecond):
			return
		}
	}
}

// picture saves what the window shows, for a person to look at: what is no golden
// picture.
func (s *screen) picture(name string) {
	s.t.Helper()
	s.pictureOf(s.win, name, 1000)
}

// pictureOf does so for any window of at least a width.
func (s *screen) pictureOf(win fyne.Window, name string, width int) {
	s.t.Helper()
	dir := os.Getenv("LOCKBOX_ARTIFACTS")
	if dir == "" {
		dir = s.t.ArtifactDir()
	}
	win.Content().Refresh()
	s.settle()
	img := win.Canvas().Capture()
	if b := img.Bounds(); b.Dx() < width {
		s.t.Errorf("%s: %d pixels wide", name, b.Dx())
	}
	if err := errors.Join(os.MkdirAll(dir, 0o750), savePNG(filepath.Join(dir, name+".png"), img)); err != nil {
		s.t.Fatal(err)
	}
}

// whole is a picture of a window so high that nothing has to be scrolled.
func (s *screen) whole(name string) {
	s.win.Resize(fyne.NewSize(1080, 1400))
	s.picture(name)
	s.win.Resize(fyne.NewSize(1080, 720))
}

func TestPictures(t *testing.T) {
	s := open(t, testConfig)
	s.services.open("acme")
	s.picture("services-selected")
	s.services.open("weather")
	s.picture("services-problem")
	s.services.open("github")
	s.services.detail.openKit()
	s.callWith("/s/github/user", "nonsense")
	s.until("the refused call", func() bool { return strings.Contains(s.services.detail.kit.call.seg.Text, "refused") })
	s.picture("services-kit")
	s.edit("")
	s.whole("form-whole")
	s.form.submit()
	s.picture("form-refused")
	s.form = nil
	s.edit("stripe")
	test.Type(s.form.name, "X")
	s.form.cancel()
	s.picture("form-edit-discard")
	s.form = nil
	s.window.open(pageTokens)
	s.settle()
	s.fillTokens()
	s.tokens.choose(1)
	s.tokens.detail.askAll("acme", "")
	s.picture("tokens-revoke")
	s.drift()
	s.settle()
	s.picture("tokens-paused")
	s.tokens.state.SetSelected(newTokens)
	s.tokens.list.Select(0)
	s.tokens.detail.askOne()
	s.picture("tokens-drifted")
	s.tokens.state.SetSelected(allTokens)
	s.newToken("github")
	s.tokens.maker.lifetime.SetSelected(untilDate)
	s.tokens.maker.submit()
	s.picture("tokens-new")
	s.tokens.maker.lifetime.SetSelected("90 days")
	s.tokens.maker.audience.SetText("make")
	s.tokens.maker.submit()
	s.until("the token", func() bool { return s.tokens.maker.made.Visible() })
	s.window.open(pageSettings)
	s.whole("settings-whole")
	f := open(t, "")
	f.picture("services-first")
	f.window.open(pageAudit)
	f.picture("audit-first")
}

func TestPresetPictures(t *testing.T) {
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = w.Write([]byte(`{"login": "octocat"}`))
	}))
	defer up.Close()
	s := open(t, testConfig)
	s.create()
	s.whole("picker-whole")
	s.picker.search.SetText("mail")
	s.picture("picker-found")
	s.picker.search.SetText("fax machine")
	s.picture("picker-nothing")
	s.choose(s.picker.all["github"].preset, "")
	s.form.baseURL.SetText(up.URL)
	s.form.keyFields["key/token"].entry.SetText(canary)
	test.Tap(s.form.test)
	s.until("the verdict", func() bool { return !s.form.test.Disabled() })
	s.picture("preset-works")
	s.form.keyFields["key/token"].entry.SetText("")
	s.form.submit()
	s.whole("preset-refused")
	for _, id := range []string{"shopify", "jira", "google", "mailgun", "trello"} {
		s.form = nil
		s.choose(s.picker.all[id].preset, "")
		s.picture("preset-" + id)
	}
	s.form.forget()
	s.form = nil
}

func TestTunnelPictures(t *testing.T) {
	s, edge := exposed(t)
	s.picture("tunnel-closed")
	s.toggleTunnel(backend.ByWindow)
	s.until("it is open", func() bool { return s.tunnel.code.root.Visible() })
	s.picture("tunnel-open")
	v := s.b.View()
	v.Usage = backend.TunnelUsage{Calls: 16_480, Out: 310_000_000}
	v.Tunnel.Unguarded = backend.TunnelTrouble{Title: "ngrok lets every call through to Lockbox", Text: "What may not come in is refused here all the same, but counts towards the plan's limits.", Code: "ERR_NGROK_15004"}
	s.tunnel.draw(v)
	s.picture("tunnel-usage")
	s.window.open(pageServices)
	s.services.open("github")
	s.picture("services-exposed")
	s.window.open(pageTunnel)
	edge.Down()
	s.until("it is lost", func() bool { return s.tunnel.trouble.root.Visible() })
	test.Tap(s.tunnel.diagnose)
	s.until("the diagnosis", func() bool { return s.tunnel.steps.root.Visible() })
	s.whole("tunnel-lost-whole")
}

func TestAuditPictures(t *testing.T) {
	calls := append(manyCalls(400), oddCalls()...)
	s := openWith(t, testConfig, calls)
	s.window.open(pageAudit)
	p := s.audit
	s.until("the timeline", func() bool { return len(p.timeline.buckets) > 0 })
	s.settle()
	p.choose(5)
	s.until("the call", p.detail.root.Visible)
	p.detail.find.box.SetText("invoice")
	s.whole("audit-detail-find")
	p.detail.edit()
	s.picture("audit-edit")
	p.key(fyne.KeyEscape)
	p.detail.find.clear()
	p.bar.set("decision:refused since:2h")
	s.until("the refused", func() bool { return len(p.feed.calls) > 0 && p.matches > 0 })
	p.choose(0)
	s.settle()
	p.timeline.at = 60
	p.timeline.Refresh()
	s.picture("audit-filtered")
	p.unselect()
	p.timeline.at, p.timeline.from = 70, 30
	p.bar.box.SetText("status:7xx invoice")
	p.bar.apply()
	p.chips.open(0)
	s.until("the menu", func() bool { return p.chips.menu != nil })
	s.settle()
	s.picture("audit-menu")
	p.chips.menu.Dismiss()
	p.timeline.at, p.timeline.from = -1, -1
	p.bar.set("")
	s.until("all of them", func() bool { return len(p.feed.calls) >= auditPageSize })
	p.choose(1)
	s.settle()
	p.detail.find.box.SetText("invoice")
	for range 70 {
		p.detail.find.step(1)
	}
	s.whole("audit-long")
	p.detail.find.clear()
	p.choose(2)
	s.settle()
	s.whole("audit-image")
	p.choose(3)
	s.settle()
	s.picture("audit-note")
	p.bar.set("nothing-is-like-this")
	p.unselect()
	s.until("nothing", func() bool { return !p.empty.Hidden && p.matches == 0 })
	p.export.cancel = func() {}
	p.export.path = "/home/ada/lockbox-calls-2026-11-25.har"
	p.export.progress(120_000, 1_000_000)
	s.picture("audit-nothing")
	p.export.cancel = nil
}

// oddCalls are no calls at all, pictures, and those that would play tricks.
func oddCalls() []audit.Exchange {
	odd := []audit.Exchange{
		{Event: "audit_gap", Decision: audit.Noted, Reason: "3 calls are not on record, for the disk was full"},
		{Service: "demo", Method: "GET", Path: "/s/demo/logo.png", Status: 200, Decision: audit.Allowed, Listener: "local", Remote: "127.0.0.1:5",
			ResponseHeader: http.Header{"Content-Type": {"image/png"}}, ResponseBody: &audit.Body{Base64: assets.IconPNG, Size: int64(len(assets.IconPNG))}},
		{Service: "acme", Method: "GET", Path: "/s/acme/customers", Status: 200, Decision: audit.Allowed, Listener: "tunnel", Remote: "203.0.113.9:4711", Audience: "zapier", Drift: "network,user_agent"},
		{Service: "demo", Method: "GET", Path: "/s/demo/long", Status: 200, Decision: audit.Allowed, Listener: "replay", ReplayOf: "01a213bf-0141-7ddf-ad4e-eeb236a8ffdf",
			ResponseBody: &audit.Body{Text: `{"rows":[` + strings.Repeat(`{"name":"Ada","text":"one\ntwo invoice 你好 and words that go on beyond the end of a row"},`, 200) + `0]}`, Size: 1 << 20}},
		{Service: "demo", Method: "GET", Path: "/s/demo/\x1b[2J\u202egnp.exe", Status: 404, Decision: audit.Allowed, Listener: "tunnel", Remote: "203.0.113.9:5"},
	}
	for i := range odd {
		odd[i].Time = time.Now()
	}
	return odd
}

func TestUnlockPictures(t *testing.T) {
	s := open(t, vaultConfig(madeVault(t)))
	s.until("the passphrase is asked for", func() bool { return s.unlocker().root.Visible() })
	s.unlockBy("wrong")
	s.picture("unlock")
	s.window.open(pageSettings)
	s.whole("unlock-settings")
}

func TestMakeVaultPictures(t *testing.T) {
	s := open(t, vaultConfig(filepath.Join(t.TempDir(), "vault.age")))
	s.until("a passphrase is asked for", func() bool { return s.unlocker().root.Visible() })
	s.picture("make-vault")
}

func TestDamagePictures(t *testing.T) {
	s := open(t, testConfig)
	s.fillTokens()
	s.damageTokens()
	s.window.open(pageServices)
	s.settle()
	s.picture("tokens-damaged")
	s.banner.ask(true)
	s.picture("tokens-damaged-ask")
	s.banner.setAside()
	s.until("the new list", func() bool { return s.b.View().Problem.IsZero() })
}

// fillTokens makes some tokens of all kinds.
func (s *screen) fillTokens() {
	s.t.Helper()
	for _, r := range []backend.TokenRequest{
		{Service: "acme", Audience: "zapier", Label: "Invoices to the sheet", Lifetime: 90 * 24 * time.Hour},
		{Service: "github", Audience: "n8n", Lifetime: 30 * 24 * time.Hour},
		{Service: "acme", Audience: "make", Label: "A label that is so long that it has to be cut off somewhere near the end", Lifetime: 3 * 24 * time.Hour},
		{Service: "stripe", Audience: "zapier", Label: "Old one", Lifetime: time.Hour},
	} {
		tok, err := s.b.NewToken(s.t.Context(), r)
		if err != nil {
			s.t.Fatal(err)
		}
		switch r.Label {
		case "Old one":
			err = s.b.RevokeToken(s.t.Context(), tok.ID)
		case "Invoices to the sheet":
			s.callWith("/s/acme/x", tok.Value.Reveal())
		}
		if err != nil {
			s.t.Fatal(err)
		}
	}
	s.tokens.state.SetSelected(allTokens)
	s.until("the tokens", func() bool { s.tokens.refresh(); return len(s.tokens.found) == 4 })
	s.settle()
}

func TestApprovalPictures(t *testing.T) {
	s := open(t, strings.Replace(askConfig, `"requires_service_token": false, `, "", 1))
	tok, err := s.b.NewToken(s.t.Context(), backend.TokenRequest{Service: "bank", Audience: "zapier", Label: "Invoices to the sheet", Lifetime: time.Hour})
	if err != nil {
		t.Fatal(err)
	}
	ask := func(path, body string) {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, s.b.View().BaseURL+"/s/bank"+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+tok.Value.Reveal())
		req.Header.Set("Content-Type", "application/json")
		go func() {
			if res, err := http.DefaultClient.Do(req); err == nil {
				_ = res.Body.Close()
			}
		}()
	}
	ask("/pay/out/4711?currency=eur&dry_run=false", `{"amount":129.5,"to":{"name":"Ada Lovelace","iban":"DE89370400440532013000"},"reference":"INV-004711"}`)
	s.asked("/pay/out")
	ask("/pay/"+strings.Repeat("a-long-path/", 20)+"?q="+strings.Repeat("x", 200), `{"rows":[`+strings.Repeat(`{"name":"Ada","text":"one\ntwo"},`, 200)+`0]}`)
	ask("/pay/empty", "")
	s.until("three", func() bool { return len(s.asker.open()) == 3 })
	s.pictureOf(s.asker.window, "approval-three", 500)
	test.Tap(s.asker.pane.answers[2])
	s.pictureOf(s.asker.window, "approval-always", 500)
	s.asker.pane.back()
	s.asker.next()
	s.until("answers", func() bool { return s.asker.alive() && !s.asker.pane.idle })
	s.pictureOf(s.asker.window, "approval-next", 500)
	s.asker.answer(backend.Deny)
	s.until("two", func() bool { return len(s.asker.open()) == 2 })
	s.window.open(pageApprovals)
}

func TestCheckupPictures(t *testing.T) {
	s := open(t, testConfig)
	s.window.open(pageSettings)
	for _, f := range []backend.Finding{
		{Name: "Config", Verdict: backend.Healthy, Text: "/home/ada/.config/lockbox/config.json: 5 services."},
		{Name: "Vault", Verdict: backend.Doubtful, Text: "Nothing needs it yet. No keychain can be reached, for there is no D-Bus session bus; start Lockbox inside your desktop session."},
		{Name: "Keys", Verdict: backend.Broken, Text: "Token of weather: cannot read env://NOT_SET; set the variable where Lockbox is started."},
		{Name: "Tunnel", Verdict: backend.Unchecked, Text: "It is not set up: ngrok's authtoken is not in the vault."},
	} {
		s.settings.checkup.count = map[string]int{}
		s.settings.checkup.add(f)
	}
	s.win.Resize(fyne.NewSize(1080, 1800))
	s.picture("settings-checkup")
}
