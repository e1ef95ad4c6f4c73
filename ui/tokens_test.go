package ui

import (
	"fmt"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/proxy/drift"
	"lockbox/proxy/register"
	"lockbox/proxy/token"
	"lockbox/ui/backend"
)

const tokensConfig = `{"services": {
	"acme": {"base_url": "lockbox://demo"},
	"shop": {"base_url": "lockbox://demo", "valid_audiences": ["make"]},
	"open": {"base_url": "lockbox://demo", "requires_service_token": false}}}`

// TestTokensPage: a token is made on the page, shown once, used, revoked and
// refused.
func TestTokensPage(t *testing.T) {
	s := open(t, tokensConfig)
	s.open(pageTokens)
	p := s.tokens
	s.until("the empty list", func() bool { return p.read && !p.empty.Hidden })
	if p.first.Hidden || !p.unsearch.Hidden {
		t.Error("without tokens the list does not offer to make one")
	}
	s.newToken("")
	m := p.maker
	if got := strings.Join(m.service.Options, ","); got != "acme,shop" {
		t.Errorf("the services are %s", got)
	}
	m.submit()
	if m.fields["service"].trouble() == "" {
		t.Error("a token for no service is not refused")
	}
	m.service.SetSelected("shop")
	m.audience.SetText("zapier")
	if !strings.Contains(m.fields["audience"].trouble(), "does not accept") {
		t.Errorf("an audience that is not allowed: %q", m.fields["audience"].trouble())
	}
	m.service.SetSelected("acme")
	m.label.SetText("My zap")
	m.lifetime.SetSelected(untilDate)
	m.date.SetText("yesterday")
	if m.fields["date"].trouble() == "" {
		t.Error("a day that is none is not refused")
	}
	m.date.SetText(time.Now().AddDate(0, 0, 40).Format("2006-01-02"))
	m.submit()
	m.submit() // Enter twice
	s.until("the token", func() bool { return m.made.Visible() })
	if n := len(s.b.Tokens()); n != 1 {
		t.Errorf("%d tokens were made, want 1", n)
	}
	raw := m.value.Reveal()
	if strings.Count(raw, ".") != 2 || m.text.Text != raw || !m.text.Password {
		t.Errorf("the token is shown as it should not be")
	}
	m.text.SetText("something else")
	if m.text.Text != raw {
		t.Error("the token can be written over")
	}
	s.until("its row", func() bool { return len(p.found) == 1 })
	p.search.SetText("nothing like it")
	if p.empty.Hidden || !p.first.Hidden || p.unsearch.Hidden {
		t.Error("a search that finds nothing does not offer to show all")
	}
	test.Tap(p.unsearch)
	if len(p.found) != 1 || !p.empty.Hidden || p.search.Text != "" {
		t.Errorf("all tokens: %d", len(p.found))
	}
	p.state.SetSelected(liveTokens)
	if got := s.callWith("/s/acme/x", raw); got != 200 {
		t.Errorf("a call with it: %d", got)
	}

	if got := m.kit.call.seg.Text; !strings.Contains(got, "Waiting") && !strings.Contains(got, "200") {
		t.Errorf("the kit says %q", got)
	}
	s.until("the call in the kit", func() bool {
		return strings.HasPrefix(m.kit.call.seg.Text, "Received from a caller at 127.0.0.1, 200, ")
	})
	for _, name := range platformNames() {
		m.kit.platform.SetSelected(name)
		if len(m.kit.fields.Objects) == 0 {
			t.Errorf("%s has no fields", name)
		}
	}
	m.kit.platform.SetSelected("Zapier")
	m.kit.copyField(platformNamed("Zapier").fields[2])
	if got := s.app.Clipboard().Content(); got != "Bearer "+raw {
		t.Error("the copied field is not the token's")
	}
	s.callWith("/s/acme/x", "nonsense")
	s.until("the refused call in the kit", func() bool {
		return strings.Contains(m.kit.call.seg.Text, "was refused: This is no service token")
	})

	p.choose(0)
	if m.value.Reveal() != "" || m.text.Text != "" || m.root.Visible() {
		t.Error("the token is kept after its form was left")
	}
	if got := p.detail.name.text; got != "My zap" {
		t.Errorf("the detail shows %q", got)
	}
	p.detail.askOne()
	if !p.detail.ask.root.Visible() || s.callWith("/s/acme/x", raw) != 200 {
		t.Error("it is revoked without a question")
	}
	p.key(fyne.KeyEscape)
	if p.detail.ask.root.Visible() {
		t.Error("Esc does not take the question back")
	}
	p.detail.askOne()
	press(t, p.detail.ask, "Revoke it")
	s.until("the end of the token", func() bool { return len(p.found) == 0 })
	if got := s.callWith("/s/acme/x", raw); got != 401 {
		t.Errorf("a call with a revoked token: %d", got)
	}
	p.state.SetSelected(endedTokens)
	if len(p.found) != 1 || !p.empty.Hidden {
		t.Errorf("%d have ended", len(p.found))
	}
	p.search.SetText("nothing like it")
	if len(p.found) != 0 || p.empty.Hidden {
		t.Error("a search without a find")
	}
	p.key(fyne.KeyEscape)
	if p.search.Text != "" || len(p.found) != 1 {
		t.Error("Esc does not clear the search")
	}

	other, err := s.b.NewToken(t.Context(), backend.TokenRequest{Service: "acme", Audience: "n8n"})
	if err != nil {
		t.Fatal(err)
	}
	p.state.SetSelected(liveTokens)
	s.until("a token that was made elsewhere in the program", func() bool { return len(p.found) == 1 })
	p.choose(0)
	p.detail.askAll("acme", "")
	if got := p.detail.ask.shown.text; !strings.Contains(got, "1 token") {
		t.Errorf("the question is %q", got)
	}
	press(t, p.detail.ask, "Revoke all")
	s.until("the end of the service's tokens", func() bool { return len(p.found) == 0 })
	if got := s.callWith("/s/acme/x", other.Value.Reveal()); got != 401 {
		t.Errorf("a call with a token of a revoked service: %d", got)
	}
}

// TestManyTokens: 100,000 tokens are listed, searched and gone through without a
// hitch.
func TestManyTokens(t *testing.T) {
	s := open(t, tokensConfig)
	list, err := backend.OpenTokens(backend.Options{StateDir: s.b.View().StateDir})
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Add("", manyClaims(100_000)...); err != nil {
		t.Fatal(err)
	}
	quick := func(what string, f func()) { t.Helper(); s.quick(what, f) }
	p := s.tokens
	quick("opening", func() { s.open(pageTokens) })
	s.until("all of them", func() bool { p.refresh(); return len(p.all) == 100_000 })
	s.until("rest", func() bool { return !p.reading })
	quick("drawing", func() { s.draw(s.b.View()) })
	quick("searching", func() { p.search.SetText("a99999") })
	if len(p.found) != 1 {
		t.Errorf("%d found, want 1", len(p.found))
	}
	quick("clearing", func() { p.search.SetText("") })
	quick("choosing", func() { p.list.Select(50_000) })
	for i := range 20 {
		quick("scrolling", func() { p.list.ScrollToOffset(float32(i) * 100_000) })
	}
	quick("revoking all, asked for", func() { p.detail.askAll("acme", "") })
}

// quick fails where something takes longer than a person notices.
func (s *screen) quick(what string, f func()) {
	s.t.Helper()
	best := time.Hour
	for try := 0; try < 3 && best > 300*time.Millisecond*slowed; try++ { // others need the machine too
		began := time.Now()
		f()
		best = min(best, time.Since(began))
	}
	if best > 300*time.Millisecond*slowed {
		s.t.Errorf("%s took %v", what, best)
	}
}

// trouble is what a field says is wrong with it.
func (f *field) trouble() string {
	if f.marker.mark == markNone {
		return ""
	}
	return f.note.seg.Text
}

// press presses a button of a strip.
func press(t *testing.T, s *strip, label string) {
	t.Helper()
	for _, o := range s.buttons.Objects {
		if b := o.(*button); b.Text == label {
			b.OnTapped()
			return
		}
	}
	t.Fatalf("there is no button %q", label)
}

// callWith calls the proxy with a token and returns the status.
func (s *screen) callWith(path, token string) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), http.MethodGet, s.b.View().BaseURL+path, nil)
	if err != nil {
		s.t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func manyClaims(n int) []token.Claims {
	all := make([]token.Claims, n)
	for i := range all {
		all[i] = token.Claims{JTI: fmt.Sprintf("%036d", i), Service: "acme", Audience: []string{fmt.Sprintf("a%d", i)}, IssuedAt: time.Now(), Expires: time.Now().Add(time.Hour)}
	}
	return all
}

// drift has two tokens be used in a new way, of which one is paused and shown.
func (s *screen) drift() (paused, marked string) {
	s.t.Helper()
	list, err := register.Open(filepath.Join(s.b.View().StateDir, "tokens.jsonl"), slog.New(slog.DiscardHandler))
	if err != nil {
		s.t.Fatal(err)
	}
	for _, t := range s.b.Tokens() {
		switch {
		case t.Service == "acme" && t.Label != "":
			paused = t.ID
		case t.Live(time.Now()) && t.ID != paused:
			marked = t.ID
		}
	}
	at := time.Now().Add(-time.Hour)
	list.Note(marked, drift.Sight{At: at, News: drift.Network, Network: "198.51.100.0/24"})
	list.Note(marked, drift.Sight{At: at.Add(time.Minute), News: drift.Hour})
	if err := list.Pause(paused, drift.Sight{At: at, News: drift.Network | drift.Agent, Network: "203.0.113.0/24", Program: "python-requests"}); err != nil {
		s.t.Fatal(err)
	}
	p := s.tokens
	s.until("the paused token", func() bool {
		t, _ := s.b.TokenByID(paused)
		p.refresh()
		return !t.Paused.IsZero() && slices.ContainsFunc(p.found, func(t backend.TokenInfo) bool { return t.ID == paused && !t.Paused.IsZero() })
	})
	p.choose(slices.IndexFunc(p.found, func(t backend.TokenInfo) bool { return t.ID == paused }))
	return paused, marked
}

// TestDriftedTokens: a token that was used in a new way is seen in the list, says
// what was new, and is accepted or revoked.
func TestDriftedTokens(t *testing.T) {
	s := open(t, testConfig)
	s.window.open(pageTokens)
	for _, label := range []string{"One", ""} {
		if _, err := s.b.NewToken(t.Context(), backend.TokenRequest{Service: "acme", Audience: "zapier", Label: label}); err != nil {
			t.Fatal(err)
		}
	}
	paused, marked := s.drift()
	p := s.tokens
	for id, want := range map[string]string{paused: "Paused, new network, program", marked: "Used anew, new hour"} {
		info, _ := s.b.TokenByID(id)
		if _, word, detail := tokenState(info, time.Now()); word+", "+detail != want {
			t.Errorf("the row says %s, %s; want %s", word, detail, want)
		}
	}
	p.state.SetSelected(newTokens)
	if len(p.found) != 2 {
		t.Errorf("%d tokens were used anew", len(p.found))
	}
	said := p.detail.news.shown
	if !p.detail.news.root.Visible() || !strings.HasPrefix(said.title, "Paused") || !strings.Contains(said.text, "network 203.0.113.0/24, user agent python-requests") {
		t.Errorf("of the paused one: %+v", said)
	}
	press(t, p.detail.news, "It was me")
	s.until("the end of the pause", func() bool {
		info, _ := s.b.TokenByID(paused)
		return info.Paused.IsZero() && len(p.found) == 1
	})
	p.choose(0)
	if said := p.detail.news.shown; !strings.HasPrefix(said.title, "New use") || strings.Count(said.text, "\n") != 1 {
		t.Errorf("of the marked one: %+v", said)
	}
	press(t, p.detail.news, "Revoke…")
	press(t, p.detail.ask, "Revoke it")
	s.until("the end of the token", func() bool { return len(p.found) == 0 })
	if info, _ := s.b.TokenByID(marked); info.Revoked.IsZero() {
		t.Error("it is not revoked")
	}
	if p.detail.news.root.Visible() {
		t.Error("a revoked token is asked about")
	}
}

// TestDriftSetting: the choice is saved in the config, and comes from it.
func TestDriftSetting(t *testing.T) {
	s := open(t, testConfig)
	s.window.open(pageSettings)
	p := s.settings
	s.until("the settings", func() bool { return p.loaded })
	if p.drift.Selected != driftLabel(backend.DriftMark) {
		t.Errorf("by default %q", p.drift.Selected)
	}
	for _, c := range driftChoices {
		p.drift.SetSelected(c.label)
		p.submit()
		s.until("the choice "+c.label, func() bool { return s.b.Settings().Drift == c.choice && !p.dirty() && !p.saving })
	}
}
