package register

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/drift"
	"lockbox/proxy/token"
)

var strange = drift.Sight{At: noon.Local(), News: drift.Network | drift.Agent, Network: "203.0.113.0/24", Program: "curl"}

// paused says how a token stands.
func paused(t *testing.T, r *Register, c token.Claims) string {
	t.Helper()
	e, err := r.Judge(c, noon)
	if p := (*Paused)(nil); errors.As(err, &p) {
		return "paused: " + p.Words()
	}
	do(t, err)
	info, _ := r.Get(e.ID())
	if s, ok := r.Accepted(e); ok {
		return fmt.Sprintf("good, %d to look at, accepted: %s", len(info.Sights), s.Words())
	}
	return fmt.Sprintf("good, %d to look at", len(info.Sights))
}

// TestPause: a paused token is refused until it is accepted: at once, by another
// process that follows, after a restart, and after the file was written anew.
func TestPause(t *testing.T) {
	mine := claims("mine", "github", "zapier", noon.Add(-time.Hour))
	seen := claims("seen", "github", "zapier", noon.Add(-time.Hour))
	original := token.Claims{Service: "github", Audience: []string{"zapier"}, Expires: noon.Add(time.Hour)}
	for _, c := range []token.Claims{mine, seen, original} {
		path := filepath.Join(t.TempDir(), "tokens.jsonl")
		r, follower := open(t, path), open(t, path)
		do(t, r.Add("", mine))
		e, err := r.Judge(c, noon)
		do(t, err)
		e.Use(noon) // of those that were not made here, it is nowhere on disk
		check := func(when, want string) {
			t.Helper()
			do(t, follower.Sync())
			for where, r := range map[string]*Register{"here": r, "in another process": follower, "after a restart": open(t, path)} {
				if got := paused(t, r, c); got != want {
					t.Errorf("%q, %s, %s: %s, want %s", e.ID(), when, where, got, want)
				}
			}
		}
		generation := r.Generation()
		do(t, r.Pause(e.ID(), strange))
		if r.Generation() == generation {
			t.Error("paused, and the generation stayed")
		}
		const is = "paused: network 203.0.113.0/24, user agent curl"
		check("paused", is)
		do(t, r.Pause(e.ID(), strange)) // by a call at the same time
		r.compactNow(t)
		check("compacted", is)
		generation = r.Generation()
		do(t, follower.Accept(e.ID(), noon))
		do(t, r.Sync())
		if r.Generation() == generation {
			t.Error("accepted, and the generation stayed")
		}
		const good = "good, 0 to look at, accepted: network 203.0.113.0/24, user agent curl"
		check("accepted", good)
		r.compactNow(t)
		check("accepted and compacted", good)
		if err := r.Accept(e.ID(), noon); err == nil {
			t.Error("accepted twice")
		}
		do(t, r.Pause(e.ID(), strange))
		check("paused once more", is)
		do(t, r.Revoke(e.ID(), noon))
		if _, err := r.Judge(c, noon); !errors.Is(err, ErrRevoked) {
			t.Errorf("revoked: %v", err)
		}
	}
}

// TestNote: what is only noted refuses nothing, is written down with the next
// Flush, and is looked at until it is accepted. The last ones are kept.
func TestNote(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	r, follower := open(t, path), open(t, path)
	c := claims("mine", "github", "zapier", noon)
	do(t, r.Add("", c))
	revision, generation := r.Revision(), r.Generation()
	for i := range 2 * mostSights {
		s := strange
		s.At = s.At.Add(time.Duration(i) * time.Minute)
		r.Note("mine", s)
	}
	if r.Revision() == revision || r.Generation() != generation {
		t.Errorf("revision %d → %d, generation %d → %d", revision, r.Revision(), generation, r.Generation())
	}
	want := fmt.Sprintf("good, %d to look at", mostSights)
	if got := paused(t, r, c); got != want {
		t.Errorf("here: %s", got)
	}
	do(t, r.Flush())
	do(t, follower.Sync())
	r.compactNow(t)
	for where, r := range map[string]*Register{"here": r, "in another process": follower, "after a restart": open(t, path)} {
		info, _ := r.Get("mine")
		if got := paused(t, r, c); got != want || !info.Sights[mostSights-1].At.Equal(noon.Add((2*mostSights-1)*time.Minute)) {
			t.Errorf("%s: %s, %+v", where, got, info.Sights)
		}
	}
	r.Note("mine", strange)
	do(t, r.Accept("mine", noon)) // with what is on no disk yet
	for where, r := range map[string]*Register{"here": r, "after a restart": open(t, path)} {
		if got := paused(t, r, c); got != "good, 0 to look at" {
			t.Errorf("accepted, %s: %s", where, got)
		}
	}
	if err := r.Accept("nobody", noon); err == nil {
		t.Error("a token that is not there was accepted")
	}
}

// TestPauseUnwritten: a pause that cannot be written down holds all the same, and
// is written once it can be.
func TestPauseUnwritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	r := open(t, path)
	c := claims("mine", "github", "zapier", noon)
	do(t, r.Add("", c))
	do(t, os.Rename(path, path+".away"))
	do(t, os.Mkdir(path, 0o700))
	if err := r.Pause("mine", strange); err == nil {
		t.Fatal("it was written to a folder")
	}
	do(t, os.Remove(path))
	do(t, os.Rename(path+".away", path))
	do(t, r.Sync())
	if got := paused(t, r, c); !strings.HasPrefix(got, "paused") {
		t.Errorf("here: %s", got)
	}
	do(t, r.Flush())
	if got := paused(t, open(t, path), c); !strings.HasPrefix(got, "paused") {
		t.Errorf("after a restart: %s", got)
	}
}
