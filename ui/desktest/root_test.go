//go:build desktop && package

package desktest_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

// packages is where `make package` puts what it makes.
const packages = "../../bin/package"

// built is the one file of a kind that was packaged.
func built(t *testing.T, pattern string) string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(packages, pattern))
	if err != nil || len(found) != 1 {
		t.Fatalf("%d files %s in bin/package (%v): run make package first", len(found), pattern, err)
	}
	path, err := filepath.Abs(found[0])
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// sh runs a line of shell, and fails the test with what it says when it does.
func sh(t *testing.T, format string, a ...any) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, "sh", "-ec", fmt.Sprintf(format, a...)) //nolint:gosec // tests say what runs
	cmd.Env = append(os.Environ(), "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C.UTF-8")
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s%s", cmd.Args[2], err, tail(out), tail(said.Bytes()))
	}
	return string(out)
}

func tail(b []byte) []byte { return b[max(0, len(b)-2000):] }

// root is a Debian of its own, in a folder that programs of it take for the whole
// computer. It is thrown away after the test.
type root string

// newRoot makes a clean one, out of a copy that is kept in .cache.
func newRoot(t *testing.T, suite string, packages ...string) root {
	t.Helper()
	if os.Getuid() != 0 {
		t.Fatal("a Debian of its own can be made by root only: run make package-test, which asks for that")
	}
	if os.Getenv("LOCKBOX_OWN_MOUNTS") == "" {
		t.Fatal("what is mounted here would stay if the test is killed: run make package-test, which sees to that")
	}
	kept, err := filepath.Abs(filepath.Join("../../.cache/roots", suite))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(kept); errors.Is(err, fs.ErrNotExist) {
		sh(t, "rm -rf %[1]s.new; mkdir -p %[2]s; debootstrap --force-check-gpg --variant=minbase --include=ca-certificates %[3]s %[1]s.new http://deb.debian.org/debian", kept, filepath.Dir(kept), suite)
		if len(packages) > 0 {
			sh(t, "chroot %s.new sh -ec 'dpkg --add-architecture i386; apt-get update -q && apt-get install -y -q --no-install-recommends %s'", kept, strings.Join(packages, " "))
		}
		if err := os.Rename(kept+".new", kept); err != nil {
			t.Fatal(err)
		}
	}
	// Not t.TempDir, whose removal would go through what is mounted.
	dir, err := os.MkdirTemp("", "root-")
	if err != nil {
		t.Fatal(err)
	}
	r := root(dir)
	t.Cleanup(func() {
		if out, err := exec.Command("sh", "-c", `grep -o " $1/[^ ]*" /proc/mounts | sort -r | xargs -r umount -l; ! grep -q " $1/" /proc/mounts && rm -rf "$1"`, "sh", dir).CombinedOutput(); err != nil { //nolint:gosec // a folder of ours
			t.Errorf("the root stays behind: %v\n%s", err, out)
		}
	})
	sh(t, "cp -a %s/. %s/", kept, dir)
	sh(t, "mount -t proc proc %[1]s/proc; mount --rbind /dev %[1]s/dev; cp /etc/resolv.conf %[1]s/etc/resolv.conf", dir)
	return r
}

// on puts a desktop within the root's reach: its screen, bus and home have the same
// paths there.
func (r root) on(t *testing.T, d *desktest.Desk) {
	t.Helper()
	sh(t, "for d in %[2]s /tmp/.X11-unix; do mkdir -p %[1]s$d; mount --bind $d %[1]s$d; done", r, d.Dir)
}

// command is a program of the root's on a desktop.
func (r root) command(d *desktest.Desk, args ...string) *exec.Cmd {
	return d.Command("chroot", append([]string{string(r)}, args...)...)
}

func (r root) sh(t *testing.T, format string, a ...any) string {
	t.Helper()
	return sh(t, "chroot %s sh -ec '%s'", r, fmt.Sprintf(format, a...))
}

// files lists what is in the root, but for what apt and dpkg keep for themselves.
func (r root) files(t *testing.T) (all []string) {
	t.Helper()
	err := filepath.WalkDir(string(r), func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel := strings.TrimPrefix(path, string(r))
		switch {
		case slices.Contains([]string{"/proc", "/dev", "/tmp", "/run", "/var/cache", "/var/log", "/var/lib/apt", "/var/lib/dpkg"}, rel):
			return fs.SkipDir
		case rel != "":
			all = append(all, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(all)
	return all
}
