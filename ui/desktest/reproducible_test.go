//go:build desktop && package

package desktest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// What is committed gives the same bytes, wherever and by whomever it is packaged: of
// two copies of the repository, the headless archives are the same.
func TestReproducible(t *testing.T) {
	var sums []string
	for _, at := range []struct{ umask, zone, dir string }{
		{"022", "UTC", "a"},
		{"077", "Asia/Tokyo", "another/place"},
	} {
		dir := filepath.Join(t.TempDir(), at.dir)
		sh(t, "git clone -q ../.. '%[1]s'; mkdir '%[1]s/.cache'; ln -s \"$(realpath ../../.cache/bin)\" '%[1]s/.cache/bin'", dir)
		cmd := exec.Command("bash", "-c", "umask "+at.umask+"; .ci/package/build headless")
		cmd.Dir = dir
		cmd.Env = append(os.Environ(), "TZ="+at.zone)
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("%v\n%s", err, tail(out))
		}
		text, err := os.ReadFile(filepath.Join(dir, "bin/package/SHA256SUMS"))
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(text), "lockbox-headless_"); n != 4 {
			t.Fatalf("%d files of the headless Lockbox, want 4:\n%s", n, text)
		}
		sums = append(sums, string(text))
	}
	if sums[0] != sums[1] {
		t.Errorf("packaged twice:\n%sand\n%s", sums[0], sums[1])
	}
}
