//go:build desktop

package ui

import (
	"errors"
	"fmt"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

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

// picture saves what the window shows, in light and dark, at one and two pixels
// a unit.
func (s *screen) picture(name string) {
	s.t.Helper()
	dir := os.Getenv("LOCKBOX_ARTIFACTS")
	if dir == "" {
		dir = s.t.ArtifactDir()
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		s.t.Fatal(err)
	}
	for variant, v := range map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark} {
		fyne.CurrentApp().Settings().SetTheme(look{fixed: true, variant: v})
		s.win.Content().Refresh()
		for _, scale := range []float32{1, 2} {
			s.win.Canvas().(software.WindowlessCanvas).SetScale(scale)
			s.settle()
			img := s.win.Canvas().Capture()
			if b := img.Bounds(); b.Dx() < int(1000*scale) {
				s.t.Errorf("%s: %d pixels wide at scale %v", name, b.Dx(), scale)
			}
			f, err := os.Create(filepath.Join(dir, fmt.Sprintf("%s-%s@%gx.png", name, variant, scale)))
			if err == nil {
				err = errors.Join(png.Encode(f, img), f.Close())
			}
			if err != nil {
				s.t.Fatal(err)
			}
		}
		s.win.Canvas().(software.WindowlessCanvas).SetScale(1)
	}
	fyne.CurrentApp().Settings().SetTheme(look{fixed: true, variant: theme.VariantLight})
}

// whole is a picture of a window so high that nothing has to be scrolled.
func (s *screen) whole(name string) {
	s.win.Resize(fyne.NewSize(1080, 1400))
	s.picture(name)
	s.win.Resize(fyne.NewSize(1080, 720))
}

func TestPictures(t *testing.T) {
	s := open(t, testConfig)
	s.picture("services")
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
	s.picture("form-new")
	s.whole("form-whole")
	s.form.submit()
	s.picture("form-refused")
	s.form = nil
	s.edit("stripe")
	test.Type(s.form.name, "X")
	s.form.cancel()
	s.picture("form-edit-discard")
	s.form = nil
	s.call("GET", "/s/demo/hello?x=1", "")
	s.call("POST", "/s/demo/things", `{"name": "box", "size": 3}`)
	s.call("GET", "/s/acme/users/1", "")
	s.call("GET", "/s/nobody/users/1", "")
	s.window.open(pageAudit)
	s.settle()
	s.picture("audit")
	s.audit.choose(2)
	s.settle()
	s.picture("audit-detail")
	s.whole("audit-detail-whole")
	s.window.open(pageTokens)
	s.settle()
	s.picture("tokens-empty")
	s.fillTokens()
	s.picture("tokens")
	s.tokens.choose(1)
	s.tokens.detail.askAll("acme", "")
	s.picture("tokens-revoke")
	s.newToken("github")
	s.tokens.maker.lifetime.SetSelected(untilDate)
	s.tokens.maker.submit()
	s.picture("tokens-new")
	s.tokens.maker.lifetime.SetSelected("90 days")
	s.tokens.maker.audience.SetText("make")
	s.tokens.maker.submit()
	s.until("the token", func() bool { return s.tokens.maker.made.Visible() })
	s.picture("tokens-made")
	s.window.open(pageSettings)
	s.picture("settings")
	s.whole("settings-whole")
	e := open(t, none)
	e.settle()
	e.picture("services-empty")
	e.window.open(pageAudit)
	e.picture("audit-empty")
	f := open(t, "")
	f.picture("services-first")
	f.window.open(pageAudit)
	f.picture("audit-first")
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
