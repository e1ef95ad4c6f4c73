package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

const vaultPass = "correct horse battery"

// vaultConfig is a config with a vault file.
func vaultConfig(path string) string {
	return fmt.Sprintf(`{
  "vault": {"type": "file", "path": %q},
  "services": {
    "acme": {"base_url": "lockbox://demo", "requires_service_token": false, "credential": {"type": "headers", "headers": {"X-Key": "keychain://acme/key"}}},
    "demo": {"base_url": "lockbox://demo", "requires_service_token": false},
  },
}`, path)
}

// madeVault is a vault file that is quick to open, and so needs no write.
func madeVault(t *testing.T) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "vault.age")
	f := vault.NewFile(path, nil)
	f.SetWorkFactor(10)
	if err := f.UnlockWith(t.Context(), secret.New(vaultPass)); err != nil {
		t.Fatal(err)
	}
	err := f.Apply(t.Context(), []vault.Change{
		{Ref: secret.KeychainRef("lockbox", "signing_key"), Value: secret.New(strings.Repeat("k", 32))},
		{Ref: secret.KeychainRef("acme", "key"), Value: secret.New(canary)},
	})
	if err != nil {
		t.Fatal(err)
	}
	return path
}

func (s *screen) unlocker() *unlocker { return s.banner.unlocker }

// unlockBy types a passphrase and presses Enter.
func (s *screen) unlockBy(passphrase string) {
	s.t.Helper()
	u := s.unlocker()
	u.first.SetText("")
	test.Type(u.first, passphrase)
	u.first.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	s.until("the passphrase was tried", func() bool { return !u.working })
}

func TestUnlocker(t *testing.T) {
	path := madeVault(t)
	s := open(t, vaultConfig(path))
	u := s.unlocker()
	s.until("the passphrase is asked for", func() bool { return u.root.Visible() })
	if u.notice.shown.title != "The vault file is locked" || !strings.Contains(u.notice.shown.text, path) || u.twice.Visible() || !u.fields.Visible() || !u.first.Password {
		t.Errorf("it says %+v", u.notice.shown)
	}
	if s.banner.problem.root.Visible() || s.banner.keychain.root.Visible() {
		t.Error("the banner says it twice")
	}
	if got := s.settings.vault.text.text; got != path {
		t.Errorf("the Settings page says %q", got)
	}
	s.unlockBy("wrong")
	if u.trouble.text != "Wrong passphrase: try again." || !u.trouble.Visible() || u.first.Text != "" || s.win.Canvas().Focused() != u.first {
		t.Errorf("after a wrong one: %q, %d characters left, %v has the keyboard", u.trouble.text, len(u.first.Text), s.win.Canvas().Focused())
	}
	s.unlockBy("")
	if u.trouble.text != "Type the passphrase." {
		t.Errorf("after none: %q", u.trouble.text)
	}
	s.unlockBy(vaultPass)
	s.until("it is unlocked", func() bool { return !u.root.Visible() && s.status.lock.Text == "Lock" })
	if s.call("GET", "/s/acme/x", "") != 200 || u.first.Text != "" {
		t.Error("unlocked, acme is not served, or the passphrase stays in its field")
	}

	test.Tap(s.status.lock)
	s.until("it is locked", func() bool { return u.root.Visible() && s.status.lock.Text == "Unlock" })
	if u.notice.shown.title != "Lockbox is locked" || s.status.state.text != "Locked" {
		t.Errorf("locked, it says %+v, %q", u.notice.shown, s.status.state.text)
	}
	if got := trayOf(s.b.View()); got.Line != "Locked" || got.Icon != trayLocked || !got.Locked {
		t.Errorf("locked, the tray shows %+v", got)
	}
	if a, d := s.call("GET", "/s/acme/x", ""), s.call("GET", "/s/demo/x", ""); a != 503 || d != 200 {
		t.Errorf("locked, acme answers %d and demo %d", a, d)
	}
	s.win.Canvas().Unfocus()
	s.trayDo(trayLock)
	if s.win.Canvas().Focused() != u.first {
		t.Error("Unlock in the tray does not ask for the passphrase")
	}
	s.unlockBy(vaultPass)
	s.until("it is unlocked again", func() bool { return !u.root.Visible() })
	s.trayDo(trayLock)
	s.until("the tray locks it", func() bool { return u.root.Visible() })
}

func TestUnlockerMakesAVault(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	s := open(t, vaultConfig(path))
	u := s.unlocker()
	s.until("a passphrase is asked for", func() bool { return u.root.Visible() && u.twice.Visible() })
	if u.notice.shown.title != "There is no vault file yet" || u.submitted.Text != "Make it" {
		t.Errorf("it says %+v, %s", u.notice.shown, u.submitted.Text)
	}
	s.unlockBy(vaultPass)
	if u.trouble.text != "Type the same passphrase twice." {
		t.Errorf("once only: %q", u.trouble.text)
	}
	if _, err := os.Stat(path); err == nil {
		t.Error("the file is there already")
	}
	test.Type(u.again, vaultPass)
	test.Tap(u.submitted)
	s.until("it is made", func() bool { return !u.root.Visible() })
	if v := s.b.View(); v.Vault.New || v.SigningKeySource != path {
		t.Errorf("%+v, the key is in %s", v.Vault, v.SigningKeySource)
	}
}

// Without a vault file a click unlocks.
func TestUnlockerWithoutPassphrase(t *testing.T) {
	s := open(t, testConfig)
	u := s.unlocker()
	s.until("it is drawn", func() bool { return s.status.state.text != "Starting…" })
	if u.root.Visible() {
		t.Errorf("it says %+v", u.notice.shown)
	}
	s.trayDo(trayLock)
	s.until("it is locked", func() bool { return u.root.Visible() })
	if u.fields.Visible() || u.notice.shown.title != "Lockbox is locked" || s.call("GET", "/s/acme/x", "") != 503 {
		t.Errorf("it says %+v", u.notice.shown)
	}
	test.Tap(u.notice.buttons.Objects[0].(*button))
	s.until("it is unlocked", func() bool { return !u.root.Visible() })
	if s.b.View().Locked {
		t.Error("it is locked still")
	}
}
