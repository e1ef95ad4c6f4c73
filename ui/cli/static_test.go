//go:build linux

package cli

import (
	"debug/elf"
	"os"
	"os/exec"
	"strings"
	"testing"
)

// The headless binary runs on a machine that has nothing: no loader, no C
// library, no display's libraries. It has nothing of a window in it.
func TestStatic(t *testing.T) {
	t.Parallel()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	f, err := elf.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close() //nolint:errcheck // only read
	for _, p := range f.Progs {
		if p.Type == elf.PT_INTERP || p.Type == elf.PT_DYNAMIC {
			t.Errorf("the binary has a %v segment: it is linked dynamically", p.Type)
		}
	}
	list := exec.Command("go", "list", "-deps", "-tags", "headless", "lockbox")
	list.Env = append(os.Environ(), "CGO_ENABLED=0")
	out, err := list.Output()
	if err != nil {
		t.Fatal(err)
	}
	for _, pkg := range strings.Fields(string(out)) {
		if strings.HasPrefix(pkg, "fyne.io/") || strings.HasPrefix(pkg, "github.com/go-gl/") {
			t.Errorf("the headless build has %s in it", pkg)
		}
	}
}
