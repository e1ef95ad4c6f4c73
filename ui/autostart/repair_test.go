//go:build !darwin && !windows

package autostart

import (
	"os"
	"path/filepath"
	"testing"

	"github.com/adrg/xdg"
)

// TestRepair: a program that was moved is found again, one that is still there is
// not pushed aside.
func TestRepair(t *testing.T) {
	t.Setenv("XDG_CONFIG_HOME", t.TempDir())
	t.Setenv("XDG_CONFIG_DIRS", t.TempDir())
	xdg.Reload()
	t.Cleanup(xdg.Reload)
	dir := t.TempDir()
	first, second := filepath.Join(dir, "first box"), filepath.Join(dir, "second")
	for _, p := range []string{first, second} {
		if err := os.WriteFile(p, nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	repair := func(want bool, program string) {
		t.Helper()
		got, err := Repair(second)
		s, readErr := Read()
		if err != nil || readErr != nil || got != want || s.Program != program {
			t.Errorf("repaired %v, %v; %+v, %v; want %v and %q", got, err, s, readErr, want, program)
		}
	}
	repair(false, "") // off: nothing to repair
	if err := Set(first, true); err != nil {
		t.Fatal(err)
	}
	repair(false, first)
	if err := os.Remove(first); err != nil {
		t.Fatal(err)
	}
	repair(true, second)
	repair(false, second)
	if err := Set(second, false); err != nil {
		t.Fatal(err)
	}
	repair(false, "")
}
