//go:build desktop

package desktest_test

import (
	"net"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

const echoConfig = `{"services": {"echo": {"base_url": "lockbox://demo", "requires_service_token": false}}, "listen": "ADDR"}`

// TestNoKeychain: in each state of the keychain the window comes up, says what
// is wrong and what to do, and what needs no key is served.
func TestNoKeychain(t *testing.T) {
	tests := []struct {
		name    string
		keyring desktest.Keyring
		prompt  bool   // the desktop asks at the start, and is told no
		says    string // on the Settings page
	}{
		{"none", desktest.None, false, "gnome-keyring"},
		{"locked", desktest.Locked, true, "locked"},
		{"hung", desktest.Hung, false, "does not answer"},
		{"no session bus", desktest.NoBus, false, "bus"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			desk := desktest.Start(t, desktest.Options{Keyring: tt.keyring})
			addr := freeAddr(t)
			writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
			a := launch(t, desk)
			a.addr = addr
			a.win = desk.Window("Lockbox")
			if tt.prompt {
				desk.CancelPrompt()
			}
			eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))
			a.key("ctrl+7")
			a.reads("keychain-"+strings.ReplaceAll(tt.name, " ", "-"), tt.says)

			// A key cannot be saved: the form says why and keeps what was typed.
			a.key("ctrl+2")
			a.newService()
			a.fill("acme", "Tab", "https://api.example.com", "Tab", "Tab", acmeKey)
			a.key("ctrl+s")
			a.reads("save-keychain-"+strings.ReplaceAll(tt.name, " ", "-"), "keychain", "api.example.com")
			if found := filesWith(t, desk.Home, acmeKey); len(found) > 0 {
				t.Errorf("the key is in files: %v", found)
			}
			a.end()
		})
	}
}

// TestWindowIsNeverBlocked: while the keychain hangs, the window goes on drawing
// and taking keys.
func TestWindowIsNeverBlocked(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{Keyring: desktest.Hung})
	addr := freeAddr(t)
	writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
	a := launch(t, desk)
	a.addr = addr
	a.win = desk.Window("Lockbox")
	eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))
	a.newService()
	a.fill("acme", "Tab", "https://api.example.com", "Tab", "Tab", acmeKey)
	// The page is drawn while the keychain is still being asked, which a slow
	// machine may miss: the form keeps what was typed, and can save again.
	eventually(t, "the audit page while acme is saved", func() bool {
		a.key("ctrl+s") // asks the keychain, which never answers
		a.key("ctrl+4")
		text := desk.Read(desk.Screenshot("while-it-hangs"))
		if strings.Contains(text, "echo") && strings.Contains(text, "Saving acme") {
			return true
		}
		a.key("ctrl+2")
		return false
	})
	a.end()
}

func (a *app) end() {
	a.t.Helper()
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		a.t.Fatal(err)
	}
	a.ended()
}

// TestUnlockAtStart: the keychain is locked, the person types its password, and
// the service with its key serves.
func TestUnlockAtStart(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	desk.Store("lockbox", "acme/token", acmeKey)
	desk.Lock()
	up := newRecorder(t, "one")
	addr := freeAddr(t)
	writeConfig(t, desk, `{"services": {"acme": {"base_url": "`+up.URL+`", "requires_service_token": false,
		"credential": {"type": "bearer", "token": "keychain://acme/token"}}}, "listen": "`+addr+`"}`)
	a := launch(t, desk)
	a.addr = addr
	desk.WaitPrompt()
	if status, body := a.curl("/s/acme/x", ""); status != "503" || !strings.Contains(body, "locked") {
		t.Errorf("while it is locked: %s %s, want 503 locked", status, body)
	}
	desk.AnswerPrompt(desktest.Password)
	eventually(t, "the service to serve", a.answers("/s/acme/x", "", "200"))
	if got := up.calls(); len(got) != 1 || got[0].Get("Authorization") != "Bearer "+acmeKey {
		t.Errorf("%d calls arrived, with the key: %v", len(got), len(got) > 0)
	}
	a.open()
	a.end()
}

// TestTray: the tray shows the state and acts; its items keep their ids while
// services come and go.
func TestTray(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	addr := freeAddr(t)
	path := writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
	a := launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))

	a.tray.Click("Copy base URL")
	eventually(t, "the base URL on the clipboard", func() bool { return desk.Clipboard() == "http://"+addr })

	pause := a.tray.Get("Pause proxy")
	a.tray.Click("Pause proxy")
	eventually(t, "the proxy to pause", a.answers("/s/echo/x", "", "503"))
	a.tray.Wait("Pause proxy", func(i desktest.TrayItem) bool { return i.Checked && i.ID == pause.ID })
	a.reads("paused", "aused")
	a.tray.Click("Pause proxy")
	eventually(t, "the proxy to resume", a.answers("/s/echo/x", "", "200"))

	if err := os.WriteFile(path, []byte(strings.ReplaceAll(strings.Replace(echoConfig, `"echo":`, `"second": {"base_url": "lockbox://demo"}, "echo":`, 1), "ADDR", addr)), 0o600); err != nil {
		t.Fatal(err)
	}
	admin, err := desk.Command(mustBinary(t), "admin-token").Output()
	if err != nil {
		t.Fatal(err)
	}
	out, err := desk.Command("curl", "-s", "-X", "POST", "-H", "Authorization: Bearer "+strings.TrimSpace(string(admin)), "http://"+addr+"/admin/reload").Output()
	if err != nil || !strings.Contains(string(out), `"ok"`) {
		t.Fatalf("reload: %s, %v", out, err)
	}
	a.tray.Wait("Copy token/second", func(desktest.TrayItem) bool { return true })
	if got := a.tray.Get("Pause proxy").ID; got != pause.ID {
		t.Errorf("the id of an item changed from %d to %d", pause.ID, got)
	}
	token := a.copyToken("second")
	if status, _ := a.curl("/s/second/x", token); status != "200" {
		t.Errorf("with the token from the tray: %s", status)
	}
	// The next token may be for an audience of before, or is made in the window.
	out, err = desk.Command(mustBinary(t), "token", "--service-name", "second", "--audience", "zapier").Output()
	if err != nil {
		t.Fatalf("a token by the command: %s, %v", out, err)
	}
	a.tray.Wait("Copy token/second/zapier", func(i desktest.TrayItem) bool { return i.Visible })
	items := len(a.tray.List())
	third := a.copyToken("second") // the audience that was used last is the first
	if status, _ := a.curl("/s/second/x", third); status != "200" {
		t.Errorf("with the token for zapier from the tray: %s", status)
	}
	fresh := a.tray.Get("Copy token/second/New…")
	a.tray.Click("Copy token/second/New…")
	a.reads("new-token-from-tray", "New token", "Opens service", "second")
	a.fill("n8n")
	a.key("Return")
	a.tray.Wait("Copy token/second/n8n", func(i desktest.TrayItem) bool { return i.Visible })
	if got := a.tray.Get("Copy token/second/New…").ID; got != fresh.ID || len(a.tray.List()) != items {
		t.Errorf("New… went from id %d to %d, the menu from %d items to %d", fresh.ID, got, items, len(a.tray.List()))
	}
	lock := a.tray.Get("Lock")
	a.tray.Click("Lock")
	a.tray.Wait("Unlock", func(i desktest.TrayItem) bool { return i.ID == lock.ID })
	eventually(t, "what needs a key to be refused", a.answers("/s/second/x", token, "503"))
	eventually(t, "what needs none to be served", a.answers("/s/echo/x", "", "200"))
	a.tray.Click("Unlock")
	eventually(t, "the proxy to be unlocked", a.answers("/s/second/x", token, "200"))
	a.tray.Wait("Lock", func(desktest.TrayItem) bool { return true })

	// Closing the window hides it; the tray brings it back.
	desk.CloseWindow(a.win)
	desk.WindowGone("Lockbox")
	if status, _ := a.curl("/s/echo/x", ""); status != "200" {
		t.Errorf("with the window closed: %s", status)
	}
	a.tray.Click("Settings…")
	a.win = desk.Window("Lockbox")
	a.reads("settings-from-tray", addr)
	// On a busy machine the tray may lose a click; a person clicks again.
	eventually(t, "the Audit log page", func() bool {
		a.tray.Click("Audit log…")
		time.Sleep(time.Second)
		return strings.Contains(desk.Read(desk.Screenshot("audit-from-tray")), "on record")
	})
	a.reads("audit-from-tray", "echo", "200", "503")
	a.tray.Click("Quit")
	a.ended()
}

func mustBinary(t *testing.T) string {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// TestNoTrayHost: where nothing shows tray icons, closing the window must end
// the program rather than lose it.
func TestNoTrayHost(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{NoPanel: true})
	addr := freeAddr(t)
	writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
	a := launch(t, desk)
	a.addr = addr
	a.win = desk.Window("Lockbox")
	eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))
	desk.CloseWindow(a.win)
	a.ended()
}

// TestSecondInstance: the second launch raises the window of the first and ends.
func TestSecondInstance(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	addr := freeAddr(t)
	writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
	first := launch(t, desk)
	first.addr = addr
	first.open()
	desk.CloseWindow(first.win)
	desk.WindowGone("Lockbox")
	second := launch(t, desk)
	second.ended()
	if code := second.cmd.ProcessState.ExitCode(); code != 0 {
		t.Errorf("the second launch ended with %d", code)
	}
	desk.Window("Lockbox")
	if status, _ := first.curl("/s/echo/x", ""); status != "200" {
		t.Errorf("the first one: %s", status)
	}
	first.end()
}

// TestPortInUse: the window says so, and Retry works once the port is free.
func TestPortInUse(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := ln.Addr().String()
	writeConfig(t, desk, strings.ReplaceAll(echoConfig, "ADDR", addr))
	a := launch(t, desk)
	a.addr = addr
	a.open()
	a.reads("port-in-use", "in use", "Settings", "http://"+addr)
	_ = ln.Close()
	a.key("F5") // what the Retry button does
	eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))
	a.end()
}

// TestBrokenAndUnwritableConfig: the window opens with the reason.
func TestBrokenAndUnwritableConfig(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	path := writeConfig(t, desk, `{"services": {"echo": {"base_url": 7}}}`)
	a := launch(t, desk)
	a.open()
	a.reads("broken-config", "config", "base_url", "once the config can be loaded")
	a.end()

	// Not even root can make a directory there.
	if err := os.RemoveAll(filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink("/proc/self/fdinfo", filepath.Dir(path)); err != nil {
		t.Fatal(err)
	}
	b := launch(t, desk)
	b.open()
	b.reads("read-only-config", "config")
	b.end()
}
