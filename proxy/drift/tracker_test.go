package drift

import (
	"bytes"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// odd are calls that a learnt token's owner is told of, and what of.
var odd = map[News]Call{
	0:                      {monday.AddDate(0, 0, 15), home, "Zapier/2"},
	Network:                {monday.AddDate(0, 0, 15), "203.0.113.9:1", zapier},
	Agent:                  {monday.AddDate(0, 0, 15), home, "curl/8.5"},
	Hour:                   {monday.AddDate(0, 0, 15).Add(12 * time.Hour), home, zapier},
	Network | Agent | Hour: {monday.AddDate(0, 0, 15).Add(12 * time.Hour), "[2001:db8::1]:1", ""},
}

func judged(t *testing.T, what string, h *Habit) {
	t.Helper()
	for want, c := range odd {
		if got := h.See(c); got != want {
			t.Errorf("%s: of %+v %q is new, want %q", what, c, got, want)
		}
	}
}

// TestRestart: what was learnt is there after a restart, and after a kill as far as
// it was written down: what is newer is learnt anew.
func TestRestart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		path := filepath.Join(t.TempDir(), "drift.jsonl")
		var said bytes.Buffer
		log := slog.New(slog.NewTextHandler(&said, nil))
		first := Open(path, log)
		learnt(t, first)
		time.Sleep(saveEvery - time.Second)
		if _, err := os.Stat(path); !os.IsNotExist(err) {
			t.Errorf("written on the way of a call: %v", err)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		first.Of("young").See(Call{monday, home, zapier})

		killed := Open(path, log) // as if the first were no more
		judged(t, "after a kill", killed.Of("a"))
		if k := killed.Of("young").known.Load(); k.calls != 0 {
			t.Errorf("what was not written down: %+v", k)
		}
		if err := killed.Close(); err != nil {
			t.Error(err)
		}
		roams := first.Of("roams")
		for i := range 30 {
			roams.See(Call{monday, fmt.Sprintf("10.0.%d.1:1", i), fmt.Sprintf("p%c/1", 'a'+i)})
		}
		if err := first.Close(); err != nil {
			t.Error(err)
		}
		second := Open(path, log)
		judged(t, "after a restart", second.Of("a"))
		if k := second.Of("young").known.Load(); k.calls != 1 || k.first != monday.Unix() {
			t.Errorf("what was written at the end: %+v", k)
		}
		if k := second.Of("roams").known.Load(); !k.roams || !k.varies {
			t.Errorf("a token that roams: %+v", k)
		}
		if err := second.Close(); err != nil {
			t.Error(err)
		}
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the file: %v, %v", info.Mode(), err)
		}
		if said.Len() > 0 {
			t.Errorf("said: %s", &said)
		}
	})
}

// TestNoSecrets: a key that a caller sends as its User-Agent is not in the file.
func TestNoSecrets(t *testing.T) {
	path := filepath.Join(t.TempDir(), "drift.jsonl")
	tr := Open(path, slog.New(slog.DiscardHandler))
	tr.Of("a").See(Call{monday, home, "swordfish/1.0"})
	if err := tr.Close(); err != nil {
		t.Fatal(err)
	}
	if text, err := os.ReadFile(path); err != nil || len(text) == 0 || strings.Contains(string(text), "swordfish") {
		t.Errorf("the file: %q, %v", text, err)
	}
}

// TestDamage: a file that cannot be read is kept beside, and said; all is learnt
// anew.
func TestDamage(t *testing.T) {
	const good = `{"id":"a","first":1,"calls":20,"hour":5,"days":9,"hours":7}` + "\n"
	for _, text := range []string{
		"\x00\x00", "{}\n", good + "{", good + `{"id":"b"}`, good + "[]\n", `{"id":"a","calls":21}` + "\n", `{"id":"a","calls":-1}` + "\n",
		`{"id":"a","programs":["x"]}` + "\n", `{"id":"a","networks":[` + strings.Repeat(`"",`, mostNetworks) + `""]}` + "\n",
	} {
		path := filepath.Join(t.TempDir(), "drift.jsonl")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		var said bytes.Buffer
		tr := Open(path, slog.New(slog.NewTextHandler(&said, nil)))
		if k := tr.Of("a").known.Load(); k.calls != 0 {
			t.Errorf("%q: known is %+v", text, k)
		}
		aside, err := filepath.Glob(path + ".*.damaged")
		if err != nil || len(aside) != 1 || !strings.Contains(said.String(), "set aside") {
			t.Fatalf("%q: aside %v, said %s", text, aside, &said)
		}
		if kept, err := os.ReadFile(aside[0]); err != nil || string(kept) != text {
			t.Errorf("%q: kept %q, %v", text, kept, err)
		}
		tr.Of("a").See(Call{monday, home, zapier})
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
		if again := Open(path, slog.New(slog.DiscardHandler)); again.Of("a").known.Load().calls != 1 {
			t.Errorf("%q: not written anew", text)
		} else if err := again.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestMostTokens: those that were used last are watched.
func TestMostTokens(t *testing.T) {
	tr := open(t)
	for i := range mostTokens + 1 {
		tr.Of(fmt.Sprint(i)).See(Call{monday.Add(time.Duration(i) * time.Minute), home, zapier})
	}
	if n := len(tr.habits); n > mostTokens {
		t.Errorf("%d tokens are watched", n)
	}
	if tr.habits["0"] != nil || tr.habits[fmt.Sprint(mostTokens)] == nil || tr.habits[fmt.Sprint(mostTokens/5)] == nil {
		t.Error("not the oldest were dropped")
	}
	tr.changed.Store(false) // nothing of it need be written
}

func TestNoTracker(t *testing.T) {
	if h := (*Tracker)(nil).Of("a"); h != nil {
		t.Errorf("got %v", h)
	}
	if h := open(t).Of(""); h != nil {
		t.Errorf("a token that is in no list: %v", h)
	}
}
