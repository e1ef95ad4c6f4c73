package limit

import (
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

var silent = slog.New(slog.DiscardHandler)

func TestCountsTurn(t *testing.T) {
	at := func(s string) time.Time {
		v, err := time.Parse(time.DateTime, s)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	c := counts{}.at(at("2026-01-31 23:59:59")).plus(7, true)
	for _, tt := range []struct {
		now                        string
		calls, ofMonth             int
		dayEnds, monthEnds, lasted string
	}{
		{"2026-01-31 23:59:59", 7, 7, "2026-02-01 00:00:00", "2026-02-01 00:00:00", "744h0m0s"},
		{"2026-02-01 00:00:00", 0, 0, "2026-02-02 00:00:00", "2026-03-01 00:00:00", "672h0m0s"},
		{"2026-12-31 00:00:00", 0, 0, "2027-01-01 00:00:00", "2027-01-01 00:00:00", "744h0m0s"},
		{"2028-02-29 12:00:00", 0, 0, "2028-03-01 00:00:00", "2028-03-01 00:00:00", "696h0m0s"},
		// A clock that is set back.
		{"2026-01-31 00:00:00", 7, 7, "2026-02-01 00:00:00", "2026-02-01 00:00:00", "744h0m0s"},
		{"2026-01-30 23:00:00", 7, 7, "2026-02-01 00:00:00", "2026-02-01 00:00:00", "744h0m0s"},
		{"1999-12-31 23:00:00", 7, 7, "2026-02-01 00:00:00", "2026-02-01 00:00:00", "744h0m0s"},
	} {
		got := c.at(at(tt.now))
		if got.calls != tt.calls || got.writes != tt.calls || got.callsOfMonth != tt.ofMonth || got.writesOfMonth != tt.ofMonth ||
			got.dayEnds().Format(time.DateTime) != tt.dayEnds || got.monthEnds().Format(time.DateTime) != tt.monthEnds || got.monthLasts().String() != tt.lasted {
			t.Errorf("%s: %+v until %v and %v, %v", tt.now, got, got.dayEnds(), got.monthEnds(), got.monthLasts())
		}
	}
	next := c.at(at("2026-02-01 00:00:00")).plus(1, false)
	if got := next.less(c, true); got != next {
		t.Errorf("a call of last month is taken back from this one: %+v", got)
	}
	same := c.plus(1, true)
	if got := same.less(same, true); got != c {
		t.Errorf("taken back: %+v, want %+v", got, c)
	}
}

func TestLine(t *testing.T) {
	for _, k := range []key{{"github", ""}, {"Zürich ünï", "0192f0a0-9d1a-7c5b-8f6f-2b11aabbccdd"}, {strings.Repeat("x", 100), strings.Repeat("y", 64)}, keyOf("a\"b", "tab\tand\x00"), keyOf("x", strings.Repeat("z", 5000)), keyOf("bad\xff", "audience:zapier,n8n")} {
		c := counts{}.at(time.Date(2026, 11, 25, 1, 2, 3, 0, time.UTC)).plus(1<<40, true)
		line := appendLine(nil, k, c)
		if len(line) != lineLength {
			t.Errorf("%v: a line of %d bytes", k, len(line))
		}
		gotKey, got, ok, err := readLine(line)
		if gotKey != k || got != c || !ok || err != nil {
			t.Errorf("%s: read as %v, %+v, %v, %v", line, gotKey, got, ok, err)
		}
		for i := range strings.TrimRight(string(line), " \n") {
			bad := []byte(string(line))
			bad[i] ^= 2
			if _, _, ok, err := readLine(bad); ok && err == nil {
				t.Errorf("altered at %d and not noticed: %s", i, bad)
			}
		}
	}
	if _, _, ok, err := readLine(make([]byte, lineLength)); ok || err != nil {
		t.Errorf("a line that was never written: %v, %v", ok, err)
	}
}

// Counts outlive the program that made them, also one that does not close its Book.
func TestBookStays(t *testing.T) {
	path := filepath.Join(t.TempDir(), "state", "limits.jsonl")
	const keys = `"quota": {"calls_per_day": 10}, "each_token": {"quota": {"calls_per_month": 4}}`
	first := Open(path, silent)
	if _, err := os.Stat(path); !os.IsNotExist(err) {
		t.Errorf("a file before there is anything to count: %v", err)
	}
	g := gateOf(t, New(first), keys)
	if n := passes(g, 3, zapier, false); n != 3 {
		t.Fatalf("%d passed", n)
	}
	counted, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if tokens := counted.Tokens("a"); len(tokens) != 1 || tokens[0] != zapier.ID {
		t.Errorf("the file has the tokens %v", tokens)
	}
	if u := counted.Uses("a", "", g.service.Limits, time.Now()); len(u) != 1 || u[0].Used != 3 || u[0].Left != 7 {
		t.Errorf("the file says %+v", u)
	}
	// Another one may not count there meanwhile.
	second := Open(path, silent)
	if _, r := gateOf(t, New(second), keys).Take(zapier, false); r == nil || r.Err == nil || !strings.Contains(r.Err.Error(), "another Lockbox") {
		t.Errorf("with two at a time: %+v", r)
	}
	if err := first.lock.Close(); err != nil { // as the end of the process does
		t.Fatal(err)
	}
	time.Sleep(openEvery + 50*time.Millisecond)
	g = gateOf(t, New(second), keys)
	if n := passes(g, 9, zapier, false); n != 1 {
		t.Errorf("%d more of the token's 4 passed, want 1", n)
	}
	if n := passes(g, 9, Caller{}, false); n != 6 {
		t.Errorf("%d more of the service's 10 passed, want 6", n)
	}
	if err := second.Close(); err != nil {
		t.Error(err)
	}
	if _, r := g.Take(zapier, false); r == nil {
		t.Error("a call passes that cannot be counted")
	}
	_ = first.Close()
}

func TestDamagedBook(t *testing.T) {
	dir := t.TempDir()
	whole := appendLine(nil, key{"a", ""}, counts{}.at(time.Now()).plus(2, false))
	whole = appendLine(whole, key{"b", ""}, counts{}.at(time.Now()))
	for what, tt := range map[string]struct {
		text string
		want int // calls of 3 that pass; -1: none can be counted
	}{
		"whole":            {string(whole), 1},
		"empty":            {"", 3},
		"torn end":         {string(whole[:lineLength+100]), 1},
		"torn at once":     {string(whole[:100]), 3},
		"zeros at the end": {string(whole) + strings.Repeat("\x00", lineLength), 1},
		"altered":          {strings.Replace(string(whole), `"calls":2`, `"calls":0`, 1), -1},
		"other text":       {strings.Repeat("{}\n", 400), -1},
		"one twice":        {string(whole[:lineLength]) + string(whole[:lineLength]), -1},
	} {
		path := filepath.Join(dir, strings.ReplaceAll(what, " ", "-"))
		if err := os.WriteFile(path, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		b := Open(path, silent)
		g := gateOf(t, New(b), `"quota": {"calls_per_day": 3}`)
		_, r := g.Take(Caller{}, false)
		switch {
		case tt.want < 0 && (r == nil || r.Err == nil || !strings.Contains(r.Err.Error(), "move the file away")):
			t.Errorf("%s: %+v", what, r)
		case tt.want < 0:
			if text, _ := os.ReadFile(path); string(text) != tt.text {
				t.Errorf("%s: the file was changed", what)
			}
			if err := os.Remove(path); err != nil {
				t.Fatal(err)
			}
			time.Sleep(openEvery + 50*time.Millisecond)
			if n := passes(g, 9, Caller{}, false); n != 3 {
				t.Errorf("%s: %d pass when the file is gone, want 3", what, n)
			}
		case r != nil:
			t.Errorf("%s: %+v", what, r)
		default:
			if n := 1 + passes(g, 9, Caller{}, false); n != tt.want {
				t.Errorf("%s: %d pass, want %d", what, n, tt.want)
			}
		}
		if err := b.Close(); err != nil {
			t.Errorf("%s: %v", what, err)
		}
	}
}

// The lines of months that are over make room for others, when there are many.
func TestBookRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "limits.jsonl")
		b := Open(path, silent)
		defer b.Close()
		slot := func(token string) *slot {
			s, err := b.slot(key{"a", token}, time.Now())
			if err == nil {
				err = s.set(s.now.at(time.Now()).plus(1, false))
			}
			if err != nil {
				t.Fatal(err)
			}
			return s
		}
		name := func(i int) string { return strings.Repeat("x", i%60) + string(rune('a'+i/60)) }
		for i := range mostPast {
			slot(name(i)).leave()
		}
		slot("busy")
		slot("more").leave()
		size := b.size
		time.Sleep(40 * 24 * time.Hour)
		slot("new")
		if b.size != size {
			t.Errorf("the file grew from %d to %d bytes", size, b.size)
		}
		if got := slot("busy").now.callsOfMonth; got != 1 {
			t.Errorf("%d calls in a new month, want 1", got)
		}
		counted, err := Read(path)
		if n := len(counted.Tokens("a")); err != nil || n != mostPast+2 {
			t.Errorf("%d tokens in the file, %v", n, err)
		}
	})
}

// TestCountAfterTheEnd: a call that outlives the book fails to count there.
func TestCountAfterTheEnd(t *testing.T) {
	b := Open(filepath.Join(t.TempDir(), "quota"), slog.New(slog.DiscardHandler))
	s, err := b.slot(keyOf("a", ""), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	counting, done := make(chan struct{}), make(chan error)
	go func() {
		close(counting)
		var err error
		for err == nil {
			err = s.set(counts{})
		}
		done <- err
	}()
	<-counting
	if err := errors.Join(b.Close(), b.Close()); err != nil {
		t.Error(err)
	}
	if err := <-done; !errors.Is(err, os.ErrClosed) {
		t.Errorf("%v, want that the file is closed", err)
	}
}
