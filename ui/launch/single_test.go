package launch

import (
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"
)

// TestSingle: the second raises the first, and the next may be the first again
// when that one has ended.
func TestSingle(t *testing.T) {
	t.Setenv("XDG_RUNTIME_DIR", t.TempDir())
	raised := make(chan bool, 10)
	first, done, err := Single(true, func() { raised <- true })
	if err != nil || !first {
		t.Fatalf("the first: %v, %v", first, err)
	}
	second, none, err := Single(true, func() { t.Error("the second was raised") })
	if err != nil || second {
		t.Errorf("the second: %v, %v", second, err)
	}
	none()
	if quiet, _, err := Single(false, func() {}); err != nil || quiet {
		t.Errorf("one that wakes none: %v, %v", quiet, err)
	}
	select {
	case <-raised:
	case <-time.After(5 * time.Second):
		t.Error("the first was not raised")
	}
	done()
	if n := len(raised); n != 0 {
		t.Errorf("the first was raised %d times too often", n)
	}
	third, done, err := Single(true, func() {})
	if err != nil || !third {
		t.Fatalf("the one after: %v, %v", third, err)
	}
	done()
}

// TestSingleInAForeignFolder: a folder that others can write to could hold
// someone else's socket.
func TestSingleInAForeignFolder(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("folders have no such bits on Windows")
	}
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o777); err != nil { //nolint:gosec // on purpose
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", dir)
	if _, _, err := Single(true, func() {}); err == nil || !strings.Contains(err.Error(), "XDG_RUNTIME_DIR") {
		t.Errorf("a folder of everyone's: %v", err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(t.TempDir(), link); err != nil {
		t.Fatal(err)
	}
	t.Setenv("XDG_RUNTIME_DIR", link)
	if _, _, err := Single(true, func() {}); err == nil {
		t.Error("a link was followed")
	}
}
