package audit

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/google/uuid"
)

func open(t testing.TB, dir string) *Log {
	t.Helper()
	l, err := Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	return l
}

func add(t testing.TB, l *Log, service, path string) Exchange {
	t.Helper()
	x := Exchange{Time: time.Now(), Service: service, Method: "GET", Path: path, Status: 200, Decision: Allowed}
	if err := l.Append(&x); err != nil {
		t.Fatal(err)
	}
	return x
}

func TestAppendAndList(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "audit")
	l := open(t, dir)
	changes := 0
	l.OnChange(func() { changes++ })
	for i := range 250 {
		add(t, l, []string{"a", "b"}[i%2], fmt.Sprint("/", i))
	}
	if changes != 250 || l.Count() != 250 {
		t.Errorf("%d changes, count %d; want 250", changes, l.Count())
	}
	check := func(l *Log) {
		t.Helper()
		var seen []string
		for q := (Query{Limit: 40}); ; {
			page, err := l.List(q)
			if err != nil {
				t.Fatal(err)
			}
			if len(page) == 0 {
				break
			}
			for _, x := range page {
				seen = append(seen, x.Path)
			}
			q.Before = page[len(page)-1].Seq
		}
		if len(seen) != 250 || seen[0] != "/249" || seen[249] != "/0" {
			t.Fatalf("%d in pages, from %s to %s", len(seen), seen[0], seen[len(seen)-1])
		}
		only, err := l.List(Query{Service: []string{"b"}, Limit: 3})
		if err != nil || len(only) != 3 || only[0].Path != "/249" || only[2].Path != "/245" {
			t.Errorf("service b: %+v, %v", only, err)
		}
	}
	check(l)
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	if err := l.Append(&Exchange{}); !errors.Is(err, os.ErrClosed) {
		t.Errorf("Append after Close: %v", err)
	}
	again := open(t, dir)
	if again.Count() != 250 {
		t.Errorf("after opening again: count %d", again.Count())
	}
	check(again)
	for _, path := range append(files(t, dir), dir) {
		info, err := os.Stat(path)
		if err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v, %v; others can read it", path, info.Mode(), err)
		}
	}
}

func files(t *testing.T, dir string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(dir, "*"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func TestSegments(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	l.limit = 16 << 10
	big := strings.Repeat("x", 1<<10)
	var ids []string
	for i := range 40 {
		x := Exchange{Time: time.Now(), Service: "s", Path: fmt.Sprint("/", i), RequestBody: &Body{Text: big}}
		if err := l.Append(&x); err != nil {
			t.Fatal(err)
		}
		ids = append(ids, x.ID)
	}
	if got := len(files(t, dir)); got < 3 {
		t.Errorf("%d files for 40 KB, want more", got)
	}
	for i := range ids {
		page, err := l.List(Query{Before: int64(i + 1), Limit: 1})
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 && len(page) != 0 && page[0].Seq != 40 || i > 0 && (len(page) != 1 || page[0].ID != ids[i-1]) {
			t.Errorf("before %d: %d found", i, len(page))
		}
	}
	if again := open(t, dir); again.Count() != 40 {
		t.Errorf("after opening again: count %d", again.Count())
	}
}

func TestConcurrentAppend(t *testing.T) {
	l := open(t, t.TempDir())
	var wg sync.WaitGroup
	for range 16 {
		wg.Go(func() {
			for range 50 {
				if err := l.Append(&Exchange{Service: "s"}); err != nil {
					t.Error(err)
				}
				if _, err := l.List(Query{Limit: 5}); err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	all, err := l.List(Query{Limit: 1000})
	if err != nil || len(all) != 800 {
		t.Fatalf("%d exchanges, %v; want 800", len(all), err)
	}
	for i := 1; i < len(all); i++ {
		if all[i-1].ID <= all[i].ID {
			t.Fatalf("not newest first at %d", i)
		}
	}
}

func TestTornTail(t *testing.T) {
	dir := t.TempDir()
	l := open(t, dir)
	add(t, l, "s", "/whole")
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	segment := files(t, dir)[0]
	f, err := os.OpenFile(segment, os.O_APPEND|os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := f.WriteString(`{"id":"torn`); err != nil {
		t.Fatal(err)
	}
	_ = f.Close()
	l = open(t, dir)
	add(t, l, "s", "/next")
	all, err := l.List(Query{})
	if err != nil || len(all) != 2 || l.Count() != 2 {
		t.Errorf("%+v, %v, count %d; want two", all, err, l.Count())
	}
	aside, _ := filepath.Glob(filepath.Join(dir, "*.torn"))
	if len(aside) != 1 {
		t.Fatalf("set aside: %v", aside)
	}
	if text, _ := os.ReadFile(aside[0]); string(text) != `{"id":"torn` {
		t.Errorf("set aside: %q", text)
	}
}

func TestDamagedFileIsKept(t *testing.T) {
	dir := t.TempDir()
	if err := os.WriteFile(filepath.Join(dir, "019a.jsonl"), []byte("no JSON\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	l := open(t, dir)
	add(t, l, "s", "/")
	aside, err := filepath.Glob(filepath.Join(dir, "019a.jsonl.*.damaged"))
	if err != nil || len(aside) != 1 {
		t.Fatalf("set aside: %v, %v", aside, err)
	}
	if text, _ := os.ReadFile(aside[0]); string(text) != "no JSON\n" {
		t.Errorf("the damaged file was changed to %q", text)
	}
}

func TestOpenWhereNoDirectoryCanBe(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(filepath.Join(file, "audit")); err == nil || !strings.Contains(err.Error(), "audit directory") {
		t.Errorf("Open: %v", err)
	}
}

func TestIDsGoOnWhenTheClockWasSetBack(t *testing.T) {
	future := uuid.MustParse("ffffffff-ffff-7fff-bfff-ffffffffff00")
	id, err := nextID(future)
	if err != nil || id.String() <= future.String() {
		t.Errorf("after %s: %s, %v", future, id, err)
	}
}

// TestKill: what Append has answered is on record, however the process ends.
func TestKill(t *testing.T) {
	if dir := os.Getenv("AUDIT_TEST_DIR"); dir != "" {
		appendForEver(dir)
	}
	dir := t.TempDir()
	for round := range 5 {
		cmd := exec.Command(os.Args[0], "-test.run=^TestKill$") //nolint:gosec // this test itself
		cmd.Env = append(os.Environ(), "AUDIT_TEST_DIR="+dir)
		out, err := cmd.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := cmd.Start(); err != nil {
			t.Fatal(err)
		}
		answered := map[string]bool{}
		for lines := bufio.NewScanner(out); lines.Scan(); {
			if _, err := uuid.Parse(lines.Text()); err == nil {
				if len(answered) == 0 {
					time.AfterFunc(time.Duration(20+37*round)*time.Millisecond, func() { _ = cmd.Process.Signal(syscall.SIGKILL) })
				}
				answered[lines.Text()] = true
			}
		}
		_ = cmd.Wait()
		if len(answered) == 0 {
			t.Fatal("nothing was appended before the kill")
		}
		l := open(t, dir)
		all, err := l.List(Query{Limit: 1 << 20})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range all {
			delete(answered, x.ID)
		}
		if len(answered) > 0 {
			t.Errorf("round %d: %d answered calls are not on record", round, len(answered))
		}
		if err := l.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func appendForEver(dir string) {
	l, err := Open(dir)
	if err != nil {
		fmt.Println(err)
		os.Exit(1)
	}
	for range 4 {
		go func() {
			for {
				x := Exchange{Service: "s", Path: strings.Repeat("x", 3000)}
				if err := l.Append(&x); err != nil {
					os.Exit(1)
				}
				_, _ = os.Stdout.WriteString(x.ID + "\n")
			}
		}()
	}
	select {}
}

func BenchmarkAppend(b *testing.B) {
	l := open(b, b.TempDir())
	x := Exchange{Time: time.Now(), Service: "github", Method: "GET", Path: "/user/repos", Status: 200, Decision: Allowed}
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			y := x
			if err := l.Append(&y); err != nil {
				b.Fatal(err)
			}
		}
	})
}

func BenchmarkListNewest(b *testing.B) {
	l := open(b, b.TempDir())
	for range 20000 {
		add(b, l, "github", "/user/repos")
	}
	b.ResetTimer()
	for b.Loop() {
		if page, err := l.List(Query{Limit: 100}); err != nil || len(page) != 100 {
			b.Fatal(len(page), err)
		}
	}
}
