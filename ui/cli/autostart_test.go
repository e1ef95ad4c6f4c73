//go:build !darwin && !windows

package cli

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/adrg/xdg"
)

func TestAutostart(t *testing.T) {
	home := t.TempDir()
	t.Setenv("XDG_CONFIG_HOME", home)
	t.Setenv("XDG_CONFIG_DIRS", t.TempDir())
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	program, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(home, "autostart", "io.github.lockbox.desktop")
	want := func(state, said string, args ...string) {
		t.Helper()
		code, out, errOut := ask(append([]string{"autostart"}, args...)...)
		if code != 0 || out != state+"\n" || !strings.Contains(errOut, said) || said == "" && errOut != "" {
			t.Errorf("%v: exit code %d, %q, %q; want %s and %q", args, code, out, errOut, state, said)
		}
	}
	want("off", "")
	want("on", program, "on")
	want("on", file, "status")
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	// As GNOME's own settings would.
	if err := os.WriteFile(file, append(text, "X-GNOME-Autostart-enabled=false\n"...), 0o600); err != nil {
		t.Fatal(err)
	}
	want("off", file, "status")
	want("off", file, "off")
	if err := os.WriteFile(file, []byte("[Desktop Entry]\nExec=/gone/lockbox --hidden\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	want("on", "There is no such program", "status")
	want("on", program, "on")
	want("off", "", "off")
	if err := os.RemoveAll(home); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(home, nil, 0o600); err != nil { // a home that nothing can be written to, even by root
		t.Fatal(err)
	}
	if code, out, errOut := ask("autostart", "on"); code != 1 || out != "" || !strings.Contains(errOut, home) {
		t.Errorf("no home: exit code %d, %q, %q", code, out, errOut)
	}
}
