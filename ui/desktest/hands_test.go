//go:build desktop

package desktest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/ui/desktest"
)

// TestPaletteAndUndo: a command is found and run by keyboard; a service that was
// deleted comes back by Ctrl+Z, with the key that its calls need.
func TestPaletteAndUndo(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	desk.Store("lockbox", "mail/token", acmeKey)
	up := newRecorder(t, "one")
	addr := freeAddr(t)
	config := writeConfig(t, desk, `{"services": {
    "first": {"base_url": "lockbox://demo", "requires_service_token": false},
    // the post
    "mail": {"base_url": "`+up.URL+`", "requires_service_token": false, "credential": {"type": "bearer", "token": "keychain://mail/token"}},
    "last": {"base_url": "lockbox://demo", "requires_service_token": false},
}, "listen": "`+addr+`"}`)
	before, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	a := launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the service to answer", a.answers("/s/mail/x", "", "200"))

	a.palette("pause pro")
	eventually(t, "the proxy to be paused", a.answers("/s/mail/x", "", "503"))
	a.palette("resume")
	eventually(t, "the proxy to go on", a.answers("/s/mail/x", "", "200"))

	a.palette("mail delete")
	a.reads("palette-delete", "Delete mail?")
	a.key("Tab", "Return") // from Keep to Delete
	eventually(t, "the service to be gone", a.answers("/s/mail/x", "", "404"))
	if got := desk.Secret("lockbox", "mail/token"); got != "" {
		t.Error("its key is still in the keychain")
	}
	a.reads("undo", "mail was deleted", "Undo")
	if found := filesWith(t, desk.Home, acmeKey); len(found) > 0 {
		t.Errorf("the key is in files: %v", found)
	}
	a.key("ctrl+z")
	eventually(t, "the service to be back", a.answers("/s/mail/x", "", "200"))
	if got := desk.Secret("lockbox", "mail/token"); got != acmeKey {
		t.Errorf("the keychain does not hold its key again (%d bytes)", len(got))
	}
	calls := up.calls()
	if got := calls[len(calls)-1].Get("Authorization"); got != "Bearer "+acmeKey {
		t.Error("the upstream does not get the key again")
	}
	if after, err := os.ReadFile(config); err != nil || string(after) != string(before) {
		t.Errorf("the config is another one than before (%v):\n%s", err, after)
	}
	a.reads("undone", "mail is back")
	a.key("F1")
	a.reads("shortcuts", "Keyboard shortcuts", "Ctrl+Z")
	a.key("Escape", "ctrl+q")
	a.ended()
}

// palette opens the palette, and does what it finds.
func (a *app) palette(words string) {
	a.t.Helper()
	a.key("ctrl+k")
	a.desk.Type(words)
	a.key("Return")
}

// TestWindowIsRemembered: size and page are those of before, on a smaller screen no
// larger than that, and nonsense is not obeyed.
func TestWindowIsRemembered(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	addr := freeAddr(t)
	writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
	a := launch(t, desk)
	a.addr = addr
	a.open()
	kept := filepath.Join(desk.Home, ".local/state/lockbox/window.json")
	holds := func(want string) func() bool {
		return func() bool {
			text, err := os.ReadFile(kept)
			return err == nil && strings.Contains(string(text), want)
		}
	}
	size := func(want func(w, h int) bool) func() bool {
		return func() bool { return want(desk.Size(a.win)) }
	}
	a.key("ctrl+3")
	eventually(t, "the page to be kept", holds(`"page":"tokens"`))
	desk.Resize(a.win, 1111, 678)
	a.key("ctrl+4", "ctrl+q") // at once: what is not written yet is written in the end
	a.ended()
	if !holds(`"page":"audit"`)() || !holds(`"width":1111`)() {
		text, _ := os.ReadFile(kept)
		t.Fatalf("kept is %s", text)
	}

	a = launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the size of before", size(func(w, h int) bool { return w == 1111 && h == 678 }))
	a.reads("remembered", "No calls yet")
	a.key("ctrl+q")
	a.ended()

	for text, want := range map[string]func(w, h int) bool{
		`{"width":5000,"height":3000,"page":"tunnel"}`: func(w, h int) bool { return w > 1000 && w <= 1280 && h > 600 && h <= 800 },
		`{"width":-7,"height":1e30,"page":"../x"}`:     func(w, h int) bool { return w == 1080 && h == 720 },
		`{"width":"`: func(w, h int) bool { return w == 1080 && h == 720 },
	} {
		if err := os.WriteFile(kept, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		a = launch(t, desk)
		a.addr = addr
		a.open()
		eventually(t, "a size that can be after "+text, size(want))
		a.key("ctrl+q")
		a.ended()
	}
}

// TestDropConfig: a config that is dropped on the window is shown, asked about and
// imported, its key into the keychain; a letter is not.
func TestDropConfig(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	addr := freeAddr(t)
	up := newRecorder(t, "one")
	writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
	a := launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))
	letter, config := filepath.Join(desk.Home, "a letter.txt"), filepath.Join(desk.Home, "my config.json")
	for path, text := range map[string]string{
		letter: "Dear Ada,",
		config: `{"services": {"mail": {"base_url": "` + up.URL + `", "requires_service_token": false, "credential": {"type": "bearer", "token": "` + acmeKey + `"}}}}`,
	} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	desk.Drop(a.win, letter)
	a.reads("drop-letter", "nothing to import", "letter.txt")
	desk.Drop(a.win, config)
	a.reads("drop-config", "Import these services", "mail")
	a.key("Return")
	eventually(t, "the service to answer", a.answers("/s/mail/x", "", "200"))
	if got := desk.Secret("lockbox", "mail/token"); got != acmeKey {
		t.Errorf("the keychain does not hold its key (%d bytes)", len(got))
	}
	a.reads("dropped", "Imported services", "plain text")
	a.end()
}
