package ui

import (
	"os"
	"testing"
	"time"

	"fyne.io/fyne/v2"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

const undoConfig = `{"vault": {"type": "file", "path": "vault.age"}, "services": {
    "acme": {"base_url": "lockbox://demo", "requires_service_token": false, "credential": {"type": "bearer", "token": "keychain://acme/token"}}, // mine
    "demo": {"base_url": "lockbox://demo", "requires_service_token": false},
}}`

// undoable is a window whose service acme has a key in a vault file.
func undoable(t *testing.T) *screen {
	t.Helper()
	s := openBackend(t, undoConfig, func(o *backend.Options) { o.Passphrase = secret.New("correct horse") })
	f, err := s.b.Form("acme")
	if err != nil {
		t.Fatal(err)
	}
	f.Token.Value = secret.New(canary)
	if err := s.b.Save(t.Context(), "acme", f); err != nil {
		t.Fatal(err)
	}
	s.until("it serves", func() bool { return s.call("GET", "/s/acme/x", "") == 200 })
	return s
}

func (s *screen) delete(name string) {
	s.t.Helper()
	was := s.undo.deleted
	s.showService(name)
	s.services.detail.confirm()
	pressIn(s.t, s.services.detail.ask, "Delete")
	s.until(name+" is gone", func() bool { return s.undo.offered() && s.undo.deleted != was })
}

// TestUndo: what was deleted comes back by the bar, by Ctrl+Z on any page or by the
// palette, while there is time; then its key is let go of.
func TestUndo(t *testing.T) {
	s := undoable(t)
	before, err := os.ReadFile(s.b.View().ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []struct {
		name, service string
		back          func()
	}{
		{"the bar", "demo", func() { pressIn(t, s.undo.strip, "Undo") }},
		{"Ctrl+Z", "acme", func() { s.window.open(pageAudit); s.ctrl(fyne.KeyZ) }},
		{"Ctrl+Z in an empty field", "demo", func() {
			s.focus(s.services.search)
			s.ctrl(fyne.KeyZ)
		}},
		{"the palette", "demo", func() { s.find("bring back"); s.press(fyne.KeyReturn) }},
	} {
		name, path := way.name, "/s/"+way.service+"/x"
		s.delete(way.service)
		if got := s.call("GET", path, ""); got != 404 {
			t.Errorf("%s: deleted, it answers %d", name, got)
		}
		way.back()
		s.until("it is back", func() bool { return s.undo.deleted == nil })
		if got := s.call("GET", path, ""); got != 200 || s.undo.root.Visible() {
			t.Errorf("%s: back, it answers %d", name, got)
		}
		if v, err := s.b.Reveal(t.Context(), "acme", "token"); err != nil || v.Reveal() != canary {
			t.Errorf("%s: its key is not back: %v", name, err)
		}
		if after, err := os.ReadFile(s.b.View().ConfigPath); err != nil || string(after) != string(before) {
			t.Errorf("%s: the config is\n%s (%v)", name, after, err)
		}
	}

	s.services.search.SetText("de")
	s.delete("acme")
	s.services.search.SetText("x")
	s.focus(s.services.search)
	s.ctrl(fyne.KeyZ)
	if s.undo.working {
		t.Error("Ctrl+Z in a field that is typed in brings a service back")
	}
	s.services.search.SetText("")
	d := s.undo.deleted
	s.b.SetPaused(false)
	if err := s.b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.until("nothing is offered", func() bool { return !s.undo.offered() })
	if err := s.b.UnlockWith(t.Context(), secret.New("correct horse")); err != nil {
		t.Fatal(err)
	}
	if err := s.b.Undelete(t.Context(), d); err == nil {
		t.Error("its key was kept while Lockbox was locked")
	}
}

// TestUndoEnds: the time ends, and another deletion does.
func TestUndoEnds(t *testing.T) {
	s := undoable(t)
	s.delete("demo")
	first := s.undo.deleted
	s.undo.last = 300 * time.Millisecond
	s.delete("acme")
	second := s.undo.deleted
	if err := s.b.Undelete(t.Context(), first); err == nil {
		t.Error("two can be brought back")
	}
	s.until("the time is over", func() bool { return s.undo.deleted == nil })
	if s.undo.root.Visible() || s.undo.offered() {
		t.Error("the bar is still there")
	}
	if err := s.b.Undelete(t.Context(), second); err == nil {
		t.Error("it can be brought back when the time is over")
	}
	s.ctrl(fyne.KeyZ) // does nothing
	if got := len(s.b.View().Services); got != 0 {
		t.Errorf("%d services", got)
	}
}

// TestUndoBesideAnother: what is deleted while another comes back is still offered then.
func TestUndoBesideAnother(t *testing.T) {
	s := undoable(t)
	s.delete("acme")
	s.undo.bringBack()
	other := &backend.Deleted{Name: "demo"}
	s.undo.offer(other)
	s.until("acme is back", func() bool { return !s.undo.working })
	if s.undo.deleted != other || !s.undo.offered() || !s.undo.root.Visible() {
		t.Errorf("%v is offered, want demo", s.undo.deleted)
	}
	if got := s.call("GET", "/s/acme/x", ""); got != 200 {
		t.Errorf("acme answers %d", got)
	}
}
