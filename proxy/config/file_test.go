package config

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"
)

func TestWriteFile(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "new", "deeper", "config.json")
	for _, text := range []string{"{}", `{"services": {}}`} {
		if err := WriteFile(path, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != text {
			t.Errorf("got %q, %v; want %q", got, err, text)
		}
	}
	wantMode(t, path, 0o600)
	wantMode(t, filepath.Dir(path), 0o700)
	wantOnly(t, filepath.Dir(path), "config.json")

	if err := os.Chmod(path, 0o644); err != nil { // #nosec G302 -- what it is to put right
		t.Fatal(err)
	}
	if err := WriteFile(path, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	wantMode(t, path, 0o600)
}

func wantMode(t *testing.T, path string, want fs.FileMode) {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	if got := info.Mode().Perm(); got != want && runtime.GOOS != "windows" {
		t.Errorf("%s has mode %v, want %v", path, got, want)
	}
}

func wantOnly(t *testing.T, dir, name string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil || len(entries) != 1 || entries[0].Name() != name {
		t.Errorf("%s holds %v, %v; want %s alone", dir, entries, err, name)
	}
}

func TestWriteFileThroughSymlinks(t *testing.T) {
	dir := t.TempDir()
	target := filepath.Join(dir, "dotfiles", "lockbox.json")
	link, second := filepath.Join(dir, "config.json"), filepath.Join(dir, "second.json")
	if err := errors.Join(os.Symlink(filepath.Join("dotfiles", "lockbox.json"), link), os.Symlink(link, second)); err != nil {
		t.Fatal(err)
	}
	for _, text := range []string{"1", "2"} { // the target is not there, then it is
		if err := WriteFile(second, []byte(text)); err != nil {
			t.Fatal(err)
		}
		if got, err := os.ReadFile(target); err != nil || string(got) != text {
			t.Errorf("the target holds %q, %v", got, err)
		}
	}
	if _, err := os.Readlink(link); err != nil {
		t.Errorf("the link is gone: %v", err)
	}
	loop := filepath.Join(dir, "loop")
	if err := os.Symlink(loop, loop); err != nil {
		t.Fatal(err)
	}
	if err := WriteFile(loop, nil); err == nil || !strings.Contains(err.Error(), "too many symbolic links") {
		t.Errorf("a loop: %v", err)
	}
}

func TestWriteFileRefused(t *testing.T) {
	dir := t.TempDir()
	readOnly := filepath.Join(dir, "config.json")
	if err := errors.Join(os.WriteFile(readOnly, []byte("old"), 0o600), os.Chmod(readOnly, 0o400)); err != nil {
		t.Fatal(err)
	}
	err := WriteFile(readOnly, []byte("new"))
	if !errors.Is(err, fs.ErrPermission) || !strings.Contains(err.Error(), "chmod u+w") || !strings.Contains(err.Error(), readOnly) {
		t.Errorf("a read-only file: %v", err)
	}
	if got, _ := os.ReadFile(readOnly); string(got) != "old" {
		t.Errorf("a read-only file was changed to %q", got)
	}
	wantOnly(t, dir, "config.json")
	if err := WriteFile(dir, nil); err == nil || !strings.Contains(err.Error(), "not a regular file") {
		t.Errorf("a folder: %v", err)
	}
	if err := WriteFile(filepath.Join(readOnly, "x.json"), nil); err == nil || !strings.Contains(err.Error(), "was not written") {
		t.Errorf("below a file: %v", err)
	}
}

// TestWriteFileIsWhole: a reader sees one text or the other, never a part.
func TestWriteFileIsWhole(t *testing.T) {
	path := filepath.Join(t.TempDir(), "config.json")
	texts := []string{strings.Repeat("a", 100_000), strings.Repeat("b", 50_000)}
	if err := WriteFile(path, []byte(texts[0])); err != nil {
		t.Fatal(err)
	}
	var writers sync.WaitGroup
	for _, text := range texts {
		writers.Go(func() {
			for range 20 {
				if err := WriteFile(path, []byte(text)); err != nil {
					t.Error(err)
				}
			}
		})
	}
	done := make(chan struct{})
	go func() { writers.Wait(); close(done) }()
	for reading := true; reading; {
		select {
		case <-done:
			reading = false
		default:
		}
		if got, err := os.ReadFile(path); err != nil || string(got) != texts[0] && string(got) != texts[1] {
			t.Fatalf("read %d bytes, %v", len(got), err)
		}
	}
	wantOnly(t, filepath.Dir(path), "config.json")
}

func TestLoad(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "config.json")
	if _, err := Load(path); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), path) || !strings.Contains(err.Error(), "--config") {
		t.Errorf("no file: %v", err)
	}
	if _, err := Load(dir); err == nil || !strings.Contains(err.Error(), "is a folder") {
		t.Errorf("a folder: %v", err)
	}
	if _, err := Load(filepath.Join(dir, "x\x00")); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("a bad name: %v", err)
	}
	src := []byte(`{"services": {"a": {"base_url": "a.example", "credential": {"token": "x"}}}}`)
	if err := WriteFile(path, src); err != nil {
		t.Fatal(err)
	}
	c, err := Load(path)
	if err != nil || len(c.Services) != 1 || len(c.Warnings) != 1 || c.Warnings[0].File != path {
		t.Errorf("got %+v, %v", c, err)
	}
	if runtime.GOOS != "windows" {
		if err := os.Chmod(path, 0o640); err != nil { // #nosec G302 -- what it is to warn of
			t.Fatal(err)
		}
		if c, err = Load(path); err != nil || len(c.Warnings) != 2 || !strings.Contains(c.Warnings[1].Error(), "chmod 600") {
			t.Errorf("readable by others: %+v, %v", c, err)
		}
	}
	if err := WriteFile(path, []byte(`{"services": 1}`)); err != nil {
		t.Fatal(err)
	}
	_, err = Load(path)
	check(t, problemLines(err), []string{path + ":1:14: services: must be an object"})
}

// TestWriteExplained: what a disk answers, in words that say what to do. A
// superuser, who may run the tests, never gets most of these.
func TestWriteExplained(t *testing.T) {
	tests := []struct {
		err  error
		want string
	}{
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EROFS}, "/etc/lockbox is on a read-only file system"},
		{&fs.PathError{Op: "open", Path: "/x", Err: syscall.EACCES}, "your user may not write in the folder /etc/lockbox"},
		{&os.LinkError{Op: "rename", Old: "/x", New: "/y", Err: syscall.EBUSY}, "it is mounted by itself: mount its folder"},
		{&fs.PathError{Op: "write", Path: "/x", Err: syscall.ENOSPC}, "the disk is full"},
		{errors.New("odd"), "odd"},
	}
	for _, tt := range tests {
		err := explainWrite("/etc/lockbox/config.json", cause(tt.err))
		if !strings.HasPrefix(err.Error(), tt.want) || !errors.Is(err, cause(tt.err)) {
			t.Errorf("%v: got %v, want %q", tt.err, err, tt.want)
		}
	}
}
