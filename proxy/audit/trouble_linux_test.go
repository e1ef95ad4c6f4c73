package audit

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"
)

// TestSmallDisk runs TestOnSmallDisk where a file system of 3 MB can be mounted:
// in a name space of its own.
func TestSmallDisk(t *testing.T) {
	if dir := os.Getenv("AUDIT_TEST_DISK"); dir != "" {
		onSmallDisk(t, dir)
		return
	}
	cmd := exec.Command("unshare", "-rm", "sh", "-c", `mount -t tmpfs -o size=3m none "$AUDIT_TEST_DISK" && exec "$0" -test.run='^TestSmallDisk$' -test.v`, os.Args[0])
	cmd.Env = append(os.Environ(), "AUDIT_TEST_DISK="+t.TempDir())
	out, err := cmd.CombinedOutput()
	if err != nil || !strings.Contains(string(out), "the disk was full, then read-only, then neither") {
		t.Errorf("%v\n%s", err, out)
	}
}

func onSmallDisk(t *testing.T, disk string) {
	dir := filepath.Join(disk, "audit")
	l := open(t, dir)
	body := &Body{Text: strings.Repeat("some text ", 2000)}
	var err error
	n := 0
	for ; err == nil && n < 1000; n++ {
		err = l.Append(&Exchange{Time: time.Now(), Service: "s", RequestBody: body})
	}
	if !errors.Is(err, syscall.ENOSPC) {
		t.Fatalf("after %d records: %v; want a full disk", n, err)
	}
	n-- // the last one
	if got, err := l.List(Query{Limit: 1000}); err != nil || len(got) != n {
		t.Errorf("on a full disk %d are listed, %v; want %d", len(got), err, n)
	}
	// Room again: the index gives way, as anything else on the disk would.
	if err := os.Truncate(filepath.Join(dir, "index.db-wal"), 0); err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT, "size=30m"); err != nil {
		t.Fatal(err)
	}
	add(t, l, "s", "/with-room")

	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	remount := func(flags uintptr) {
		t.Helper()
		if err := syscall.Mount("", disk, "", syscall.MS_REMOUNT|syscall.MS_BIND|flags, ""); err != nil {
			t.Fatal(err)
		}
	}
	remount(syscall.MS_RDONLY)
	if _, err := Open(dir); !errors.Is(err, syscall.EROFS) {
		t.Errorf("read-only: %v", err)
	}
	l, err = OpenWith(Options{Dir: dir, Patient: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Append(&Exchange{Time: time.Now()}); !errors.Is(err, syscall.EROFS) {
		t.Errorf("read-only: %v", err)
	}
	remount(0)
	eventually(t, "it is written again", func() bool { return l.Append(&Exchange{Time: time.Now(), Service: "s"}) == nil })
	if err := l.Close(); err != nil {
		t.Error(err)
	}
	again := open(t, dir)
	if v, err := again.Verify(t.Context(), func(_, _ int64) {}); err != nil || !v.OK() || v.Records != int64(n+2) {
		t.Errorf("%+v, %v; want %d records", v, err, n+2)
	}
	eventually(t, "all is found", func() bool {
		n, err := again.Matches(t.Context(), Query{Service: []string{"s"}})
		return err == nil && n == int64(again.Count())
	})
	fmt.Println("the disk was full, then read-only, then neither")
}
