//go:build desktop

package desktest_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

// TestHiddenStart: with a tray there is no window until it is asked for, also by what
// was written for the login; a second hidden one shows nothing either.
func TestHiddenStart(t *testing.T) {
	desk, addr := desktest.Start(t, desktest.Options{}), freeAddr(t)
	writeConfig(t, desk, `{"services": {"acme": {"base_url": "lockbox://demo", "requires_service_token": false}}, "listen": "`+addr+`"}`)
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	if out, err := desk.Command(path, "autostart", "on").CombinedOutput(); err != nil || !strings.Contains(string(out), "on\n") {
		t.Fatalf("autostart on: %v, %s", err, out)
	}
	entry, err := os.ReadFile(filepath.Join(desk.Home, ".config", "autostart", "io.github.lockbox.desktop"))
	if err != nil || !bytes.Contains(entry, []byte(`Exec="`+path+`" --hidden`)) {
		t.Fatalf("the entry: %v\n%s", err, entry)
	}
	a := launchWith(t, desk, []string{"--hidden"})
	a.addr = addr
	eventually(t, "the proxy", a.answers("/s/acme/hello", "", "200"))
	a.tray = desk.Tray(a.cmd.Process.Pid)
	if out, err := desk.Command(path, "--hidden").CombinedOutput(); err != nil {
		t.Fatalf("another hidden one: %v, %s", err, out)
	}
	time.Sleep(3 * time.Second)
	if desk.HasWindow("Lockbox") {
		t.Fatal("the window is shown")
	}
	// A paste from a program without a window works.
	a.tray.Click("Copy base URL")
	eventually(t, "the base URL on the clipboard", func() bool { return desk.Clipboard() == "http://"+addr })
	a.tray.Click("Open Lockbox")
	a.win = desk.Window("Lockbox")
	a.key("ctrl+7")
	a.reads("hidden-start", "Settings", "Listen on")
}

// TestHiddenStartWithoutTray: a program that cannot be seen in a tray shows its window.
func TestHiddenStartWithoutTray(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{NoPanel: true})
	a := launchWith(t, desk, []string{"--hidden"})
	a.win = desk.Window("Lockbox")
	a.reads("hidden-no-tray", "no tray icons")
}

// TestNotifications: one thing is told of once, as the desktop's notification daemon
// was told it, and a kind that is switched off is not.
func TestNotifications(t *testing.T) {
	for _, muted := range []bool{false, true} {
		desk, addr := desktest.Start(t, desktest.Options{}), freeAddr(t)
		writeConfig(t, desk, `{"services": {"acme": {"base_url": "lockbox://demo"}}, "listen": "`+addr+`"}`)
		if muted {
			state := filepath.Join(desk.Home, ".local", "state", "lockbox")
			if err := os.MkdirAll(state, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(state, "manners.json"), []byte(`{"muted": ["token"]}`), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		heard := new(lockedBuffer)
		monitor := desk.Command("dbus-monitor", "--session", "interface='org.freedesktop.Notifications',member='Notify'")
		monitor.Stdout = heard
		if err := monitor.Start(); err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = monitor.Process.Kill(); _ = monitor.Wait() })
		a := launchWith(t, desk, []string{"--hidden"})
		a.addr = addr
		a.tray = desk.Tray(a.cmd.Process.Pid)
		a.copyToken("acme")
		count := func() int { return strings.Count(heard.String(), `"Token copied"`) }
		if muted {
			time.Sleep(5 * time.Second)
		} else {
			eventually(t, "the notification", func() bool { return count() > 0 })
			desk.Screenshot("notification")
		}
		if got := count(); (got == 0) != muted || got > 1 {
			t.Errorf("muted %v: told %d times\n%s", muted, got, heard.String())
		}
	}
}
