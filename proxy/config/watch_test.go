package config

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"
)

// watching is a Watch as its users use it: each change of the fingerprint is sent
// with what the file then says.
type watching struct {
	path  string
	saw   chan string
	looks chan bool
	end   func()
}

func watch(t *testing.T, path string) *watching {
	t.Helper()
	w := &watching{path: path, saw: make(chan string, 100), looks: make(chan bool, 10000)}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	seen := Fingerprint(path)
	go func() {
		ended <- Watch(ctx, path, func() {
			w.looks <- true
			if now := Fingerprint(path); now != seen {
				seen = now
				text, _ := os.ReadFile(path)
				w.saw <- string(text)
			}
		}, func(err error) { t.Errorf("trouble: %v", err) })
	}()
	<-w.looks
	w.end = func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("Watch: %v", err)
		}
	}
	return w
}

// Watch leaves no goroutine and no descriptor behind.
func TestWatchEnds(t *testing.T) {
	s := script{t, t.TempDir()}
	before := runtime.NumGoroutine()
	for i := range 50 {
		w := watch(t, s.at("c/f"))
		s.mkdir("c")
		s.write("c/f", fmt.Sprint(i))
		w.end()
	}
	for end := time.Now().Add(5 * time.Second); runtime.NumGoroutine() > before; time.Sleep(time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("%d goroutines are left over", runtime.NumGoroutine()-before)
		}
	}
	if open, err := filepath.Glob("/proc/self/fd/*"); err == nil && len(open) > 40 {
		t.Errorf("%d descriptors are open", len(open))
	}
}

// wants waits for the file to be seen to say something, once. On a busy machine
// the steps before may be seen too.
func (w *watching) wants(t *testing.T, want string) {
	t.Helper()
	for got := "\x00"; got != want; {
		select {
		case got = <-w.saw:
		case <-time.After(10 * time.Second):
			t.Fatalf("did not see %q", want)
		}
	}
	select {
	case got := <-w.saw:
		t.Errorf("then saw %q", got)
	case <-time.After(2 * quietTime):
	}
}

// script is what a shell does, without one.
type script struct {
	t   *testing.T
	dir string
}

func (s script) at(name string) string { return filepath.Join(s.dir, filepath.FromSlash(name)) }

func (s script) must(err error) {
	s.t.Helper()
	if err != nil {
		s.t.Fatal(err)
	}
}

func (s script) write(name, text string) {
	s.t.Helper()
	s.must(os.WriteFile(s.at(name), []byte(text), 0o600))
}

func (s script) mkdir(name string)   { s.t.Helper(); s.must(os.MkdirAll(s.at(name), 0o700)) }
func (s script) rename(a, b string)  { s.t.Helper(); s.must(os.Rename(s.at(a), s.at(b))) }
func (s script) link(to, at string)  { s.t.Helper(); s.must(os.Symlink(to, s.at(at))) }
func (s script) remove(name string)  { s.t.Helper(); s.must(os.RemoveAll(s.at(name))) }
func (s script) relink(to, n string) { s.t.Helper(); s.link(to, n+".new"); s.rename(n+".new", n) }

// Each editor's way to save, each administrator's way to replace.
func TestWatch(t *testing.T) {
	file := func(s script) { s.mkdir("c"); s.write("c/f", "old") }
	tests := []struct {
		name    string
		prepare func(s script)
		change  func(s script)
		want    string
	}{
		{"written in place", file, func(s script) { s.write("c/f", "new") }, "new"},
		{"truncated, written in parts", file, func(s script) {
			f, err := os.Create(s.at("c/f"))
			s.must(err)
			for _, part := range []string{"n", "e", "w"} {
				_, err := f.WriteString(part)
				s.must(err)
				time.Sleep(quietTime / 4)
			}
			s.must(f.Close())
		}, "new"},
		{"renamed over it", file, func(s script) { s.write("c/.f.tmp", "new"); s.rename("c/.f.tmp", "c/f") }, "new"},
		{"by WriteFile", file, func(s script) { s.must(WriteFile(s.at("c/f"), []byte("new"))) }, "new"},
		{"deleted, made again", file, func(s script) { s.remove("c/f"); s.write("c/f", "new") }, "new"},
		{"vim: a probe, a backup by renaming, a new file", file, func(s script) {
			s.write("c/4913", "")
			s.remove("c/4913")
			s.rename("c/f", "c/f~")
			s.write("c/f", "new")
			s.must(os.Chmod(s.at("c/f"), 0o600))
			s.remove("c/f~")
		}, "new"},
		{"emacs: a lock, a backup by copying", file, func(s script) {
			s.link("ann@host.123", "c/.#f")
			s.write("c/f~", "old")
			s.write("c/f", "new")
			s.remove("c/.#f")
		}, "new"},
		{"a hard link", file, func(s script) {
			s.write("other", "new")
			s.remove("c/f")
			s.must(os.Link(s.at("other"), s.at("c/f")))
		}, "new"},
		{"the file a symlink, its target written", func(s script) { s.mkdir("c"); s.write("target", "old"); s.link("../target", "c/f") },
			func(s script) { s.write("target", "new") }, "new"},
		{"the file a symlink, swapped", func(s script) { s.mkdir("c"); s.write("one", "old"); s.write("two", "new"); s.link("../one", "c/f") },
			func(s script) { s.relink("../two", "c/f") }, "new"},
		{"a target elsewhere, replaced after a swap", func(s script) {
			s.mkdir("c")
			s.mkdir("d")
			s.write("one", "old")
			s.write("d/two", "old")
			s.link("../one", "c/f")
		}, func(s script) {
			s.relink("../d/two", "c/f")
			time.Sleep(3 * quietTime)
			s.write("d/x", "new")
			s.rename("d/x", "d/two")
		}, "new"},
		{"Kubernetes: the folder a symlink, swapped", func(s script) {
			s.mkdir("c/..1")
			s.write("c/..1/f", "old")
			s.link("..1", "c/..data")
			s.link("..data/f", "c/f")
		}, func(s script) {
			s.mkdir("c/..2")
			s.write("c/..2/f", "new")
			s.relink("..2", "c/..data")
			s.remove("c/..1")
		}, "new"},
		{"Kubernetes, twice", func(s script) {
			s.mkdir("c/..1")
			s.write("c/..1/f", "old")
			s.link("..1", "c/..data")
			s.link("..data/f", "c/f")
		}, func(s script) {
			for i, text := range []string{"old", "new"} {
				n := fmt.Sprint("..", i+2)
				s.mkdir("c/" + n)
				s.write("c/"+n+"/f", text)
				s.relink(n, "c/..data")
				s.remove("c/.." + fmt.Sprint(i+1))
				time.Sleep(2 * quietTime)
			}
		}, "new"},
		{"a symlink further up, swapped", func(s script) {
			s.mkdir("v1")
			s.mkdir("v2")
			s.write("v1/f", "old")
			s.write("v2/f", "new")
			s.link("v1", "c")
		}, func(s script) { s.relink("v2", "c") }, "new"},
		{"the folder removed and made again", file, func(s script) { s.remove("c"); s.mkdir("c"); s.write("c/f", "new") }, "new"},
		{"the folder moved away, another in its place", file, func(s script) {
			s.mkdir("d")
			s.write("d/f", "new")
			s.rename("c", "away")
			s.rename("d", "c")
			s.write("away/f", "wrong")
		}, "new"},
		{"written after its folder was replaced", file, func(s script) {
			s.remove("c")
			s.mkdir("c")
			s.write("c/f", "old")
			time.Sleep(3 * quietTime)
			s.write("c/f", "new")
		}, "new"},
		{"not there at first", func(s script) { s.mkdir("c") }, func(s script) { s.write("c/f", "new") }, "new"},
		{"not even its folders at first", func(script) {}, func(s script) { s.mkdir("c"); s.write("c/f", "new") }, "new"},
		{"its folders long before it", func(script) {}, func(s script) { s.mkdir("c"); time.Sleep(2 * quietTime); s.write("c/f", "new") }, "new"},
		{"a symlink that leads nowhere at first", func(s script) { s.mkdir("c"); s.link("../d/f", "c/f") },
			func(s script) { s.mkdir("d"); s.write("d/f", "new") }, "new"},
		{"removed", file, func(s script) { s.remove("c/f") }, ""},
	}
	var all sync.WaitGroup // together: they wait most of the time
	for _, tt := range tests {
		all.Go(func() {
			t.Run(tt.name, func(t *testing.T) {
				s := script{t, t.TempDir()}
				tt.prepare(s)
				w := watch(t, s.at("c/f"))
				defer w.end()
				tt.change(s)
				w.wants(t, tt.want)
				if tt.want != "" { // and it goes on
					s.write("c/f", "newer")
					w.wants(t, "newer")
				}
			})
		})
	}
	all.Wait()
}

// What does not change what the file says is not seen, neighbours not even
// looked at.
func TestWatchNothing(t *testing.T) {
	t.Parallel()
	s := script{t, t.TempDir()}
	s.mkdir("c")
	s.write("c/f", "old")
	w := watch(t, s.at("c/f"))
	defer w.end()
	for i := range 100 {
		s.write(fmt.Sprint("c/n", i), "x")
		s.remove(fmt.Sprint("c/n", i))
	}
	time.Sleep(2 * quietTime)
	if n := len(w.looks); n != 0 {
		t.Errorf("looked %d times for its neighbours' sake", n)
	}
	s.write("c/f", "old")
	s.remove("c/f")
	s.write("c/f", "old")
	time.Sleep(2 * quietTime)
	if n := len(w.looks); n == 0 || n > 3 || n == 1 && len(w.saw) != 0 {
		t.Errorf("looked %d times, saw %d changes of a file that says the same; want 1 and 0", n, len(w.saw))
	}
	s.must(os.Chmod(s.at("c/f"), 0o644)) // which earns a warning
	w.wants(t, "old")
}

func TestWatchStorm(t *testing.T) {
	t.Parallel()
	s := script{t, t.TempDir()}
	s.write("f", "old")
	w := watch(t, s.at("f"))
	defer w.end()
	began := time.Now()
	for i := range 1000 {
		s.write("f", strings.Repeat("x", i))
	}
	took := time.Since(began)
	s.write("f", "new")
	for got := ""; got != "new"; {
		select {
		case got = <-w.saw:
		case <-time.After(10 * time.Second):
			t.Fatal("the last of the writes was not seen")
		}
	}
	if n, most := len(w.looks), 2+int(took/quietTime); n > most {
		t.Errorf("looked %d times at 1,001 writes in %v, want at most %d", n, took, most)
	}
	t.Logf("1,001 writes in %v, %d looks", took, len(w.looks))
}

// A file that never comes to rest is looked at all the same, when it has been left
// alone for long enough. A busy machine lets it rest now and then, so one of some
// tries counts.
func TestWatchRestless(t *testing.T) {
	t.Parallel()
	var early time.Duration
	for range 5 {
		if early = restless(t); early == 0 {
			return
		}
	}
	t.Errorf("looked at after %v, in the middle of it", early)
}

// restless is when the file was looked at too early, 0 if it was not.
func restless(t *testing.T) time.Duration {
	t.Helper()
	s := script{t, t.TempDir()}
	s.write("f", "old")
	w := watch(t, s.at("f"))
	defer w.end()
	began, before, rested := time.Now(), time.Now(), false
	for i := 0; len(w.saw) == 0; i++ {
		s.write("f", fmt.Sprint(i))
		rested = rested || time.Since(before) > quietTime/2 // the machine is busy
		before = time.Now()
		time.Sleep(quietTime / 4)
		if time.Since(began) > 5*patience {
			t.Fatal("never looked at")
		}
	}
	if took := time.Since(began); took < patience-quietTime && !rested {
		return took
	}
	return 0
}

func TestFingerprint(t *testing.T) {
	s := script{t, t.TempDir()}
	s.write("a", "x")
	s.write("b", "x")
	s.write("c", "y")
	s.mkdir("dir")
	f := func(name string) string { return Fingerprint(s.at(name)) }
	if f("a") != f("b") || f("a") == f("c") || f("a") == f("dir") || f("a") == f("none") || f("none") != f("none2") {
		t.Errorf("a %s, b %s, c %s, dir %s, none %s", f("a"), f("b"), f("c"), f("dir"), f("none"))
	}
	s.must(os.Chmod(s.at("b"), 0o644))
	if runtime.GOOS != "windows" && f("a") == f("b") {
		t.Error("other users may read b, which is not told")
	}
}
