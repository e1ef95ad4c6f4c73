package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/proxy/secret"
)

// enter types a passphrase twice where it is asked for twice, and presses Enter.
func (s *screen) enter(p *backupPart, passphrase, again string) {
	s.t.Helper()
	p.first.SetText("")
	p.again.SetText("")
	test.Type(p.first, passphrase)
	test.Type(p.again, again)
	p.first.TypedKey(&fyne.KeyEvent{Name: fyne.KeyReturn})
	s.until("the passphrase was tried", func() bool { return !p.working })
}

func TestBackupAndRestore(t *testing.T) {
	s := open(t, vaultConfig(madeVault(t)))
	s.until("the passphrase is asked for", func() bool { return s.unlocker().root.Visible() })
	s.unlockBy(vaultPass)
	s.until("it is unlocked", func() bool { return !s.unlocker().root.Visible() })
	s.window.open(pageSettings)
	p := s.settings.backup
	if p.fields.Visible() || p.result.root.Visible() {
		t.Error("the page asks before a file is chosen")
	}

	file := filepath.Join(t.TempDir(), "all.age")
	p.begin(file, true)
	s.enter(p, " ", "")
	if p.trouble.text != "Type the passphrase." {
		t.Errorf("with none: %q", p.trouble.text)
	}
	s.enter(p, canary, "other")
	if p.trouble.text != "Type the same passphrase twice." || s.win.Canvas().Focused() != p.again {
		t.Errorf("mistyped: %q", p.trouble.text)
	}
	s.enter(p, canary, canary)
	if got := p.result.shown; got.title != "Backed up" || !strings.Contains(got.text, file+" holds 2 services and 1 key, the signing key.") {
		t.Fatalf("it says %+v, %q", got, p.trouble.text)
	}
	if p.first.Text != "" || p.again.Text != "" || p.fields.Visible() {
		t.Error("the passphrase stays in its field")
	}

	p.begin(file, false)
	s.enter(p, "wrong", "")
	if p.trouble.text != "Wrong passphrase: try again." || p.first.Text != "" {
		t.Errorf("after a wrong one: %q", p.trouble.text)
	}
	s.enter(p, canary, "")
	if got := p.result.shown; got.title != "Nothing to restore" {
		t.Errorf("it says %+v", got)
	}
	f, err := s.b.Form("acme")
	if err != nil {
		t.Fatal(err)
	}
	f.Name, f.Headers[0].Value.Value = "renamed", secret.New("sk-canary-new")
	if err := s.b.Save(t.Context(), "acme", f); err != nil {
		t.Fatal(err)
	}
	p.begin(file, false)
	s.enter(p, canary, "")
	if got := p.result.shown; !strings.HasPrefix(got.title, "Restore the backup of") || !strings.Contains(got.text, "the config with 2 services") {
		t.Fatalf("it says %+v", got)
	}
	test.Tap(p.result.buttons.Objects[0].(*button))
	s.until("it is restored", func() bool { return p.result.shown.title == "Restored" })
	if v, err := s.b.Reveal(t.Context(), "acme", "headers/X-Key"); err != nil || v.Reveal() != canary {
		t.Errorf("%v: not the key that was backed up", err)
	}
	p.begin(filepath.Join(t.TempDir(), "none.age"), false)
	s.enter(p, canary, "")
	if !strings.Contains(p.trouble.text, "no such file") {
		t.Errorf("with no file: %q", p.trouble.text)
	}
	test.Tap(p.cancelled)
	if p.fields.Visible() || p.first.Text != "" {
		t.Error("cancelled, it is still there")
	}
}

// TestMoveKeys: the note of a config with keys in plain text moves them.
func TestMoveKeys(t *testing.T) {
	path := madeVault(t)
	s := open(t, strings.Replace(vaultConfig(path), "keychain://acme/key", "sk-canary-plain", 1))
	s.until("the passphrase is asked for", func() bool { return s.unlocker().root.Visible() })
	s.unlockBy(vaultPass)
	s.until("the config's warning is shown", func() bool { return s.services.odd.root.Visible() })
	move := s.services.odd.buttons.Objects[0].(*button)
	if move.Text != "Move keys to the vault file" {
		t.Fatalf("the first button is %q", move.Text)
	}
	test.Tap(move)
	s.until("the keys are moved", func() bool { return s.services.note.root.Visible() })
	if got := s.services.note.shown; got.title != "The keys are in the vault file now" || !strings.Contains(got.text, ".before-import-") {
		t.Errorf("it says %+v", got)
	}
	s.until("the warning is gone", func() bool { return !s.services.odd.root.Visible() })
	text, err := os.ReadFile(s.b.View().ConfigPath)
	if err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("%v: a key is in the config", err)
	}
}
