package register

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/token"
)

var noon = time.Date(2026, 3, 4, 12, 0, 0, 0, time.UTC)

func claims(jti, service, audience string, made time.Time) token.Claims {
	return token.Claims{JTI: jti, Service: service, Audience: []string{audience}, IssuedAt: made, Expires: noon.Add(30 * 24 * time.Hour)}
}

func open(t testing.TB, path string) *Register {
	t.Helper()
	r, err := Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	return r
}

func do(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// refused is which of the tokens are.
func refused(r *Register, tokens ...token.Claims) (out []string) {
	for _, c := range tokens {
		if _, err := r.Judge(c, noon.Add(time.Hour)); errors.Is(err, ErrRevoked) {
			out = append(out, c.JTI+"/"+c.Service)
		}
	}
	return out
}

// TestRevoke: what is revoked is refused at once, by another process that follows,
// after a restart, and after the file was written anew; nothing else is.
func TestRevoke(t *testing.T) {
	old := claims("old", "github", "zapier", noon.Add(-time.Hour))
	other := claims("other", "github", "n8n", noon.Add(-time.Hour))
	stripe := claims("stripe", "stripe", "zapier", noon.Add(-time.Hour))
	young := claims("young", "github", "zapier", noon)
	seen := claims("seen", "github", "zapier", noon.Add(-time.Minute))
	later := claims("later", "github", "zapier", noon.Add(time.Minute))
	original := token.Claims{Service: "github", Audience: []string{"zapier"}, Expires: noon.Add(time.Hour)}
	all := []token.Claims{old, other, stripe, young, seen, later, original}
	tests := []struct {
		name string
		do   func(*Register) (int, error)
		n    int
		want []string
	}{
		{"nothing", func(*Register) (int, error) { return 0, nil }, 0, nil},
		{"one", func(r *Register) (int, error) { return 1, r.Revoke("old", noon) }, 1, []string{"old/github"}},
		{"one that is unknown", func(r *Register) (int, error) {
			if r.Revoke("nobody", noon) == nil {
				return 1, nil
			}
			return 0, nil
		}, 0, nil},
		{"a service", func(r *Register) (int, error) { return r.RevokeAll("github", "", noon) }, 2, []string{"old/github", "other/github", "seen/github", "/github"}},
		{"an audience", func(r *Register) (int, error) { return r.RevokeAll("", "zapier", noon) }, 2, []string{"old/github", "stripe/stripe", "seen/github", "/github"}},
		{"an audience of a service", func(r *Register) (int, error) { return r.RevokeAll("github", "zapier", noon) }, 1, []string{"old/github", "seen/github", "/github"}},
		{"panic", func(r *Register) (int, error) { return 0, r.Panic(noon) }, 0, []string{"old/github", "other/github", "stripe/stripe", "seen/github", "/github"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tokens.jsonl")
			r, follower := open(t, path), open(t, path)
			for _, c := range []token.Claims{old, other, stripe} {
				do(t, r.Add("of "+c.JTI, c))
			}
			before := r.Generation()
			n, err := tt.do(r)
			if err != nil || n != tt.n {
				t.Errorf("got %d, %v; want %d", n, err, tt.n)
			}
			if changed := r.Generation() != before; changed != (tt.want != nil) {
				t.Errorf("the generation changed: %v", changed)
			}
			do(t, r.Add("", young)) // in the same second, but after
			check := func(when string, r *Register) {
				t.Helper()
				if got := refused(r, all...); !slices.Equal(got, tt.want) {
					t.Errorf("%s: %v are refused, want %v", when, got, tt.want)
				}
			}
			do(t, follower.Sync())
			check("in another process", follower)
			check("at once", r)
			check("after a restart", open(t, path))
			before = follower.Generation()
			r.compactNow(t)
			check("after it was compacted", r)
			do(t, follower.Sync())
			check("compacted, in another process", follower)
			check("compacted, after a restart", open(t, path))
			if follower.Generation() == before {
				t.Error("another file, and the generation stayed")
			}
		})
	}
}

func (r *Register) compactNow(t *testing.T) {
	t.Helper()
	r.file.lines = compactAbove + 3*len(r.order)
	do(t, r.compact(noon))
}

// TestCompact: a file that says much again and again is written anew at the start,
// without what expired long ago.
func TestCompact(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	r := open(t, path)
	now := time.Now()
	long := now.Add(-keepExpired - 2*time.Hour)
	do(t, r.Add("", token.Claims{JTI: "gone", Service: "s", IssuedAt: long, Expires: long.Add(time.Hour)}))
	do(t, r.Add("", token.Claims{JTI: "mine", Service: "s", IssuedAt: now, Expires: now.Add(time.Hour)}))
	var lines []line
	for i := range compactAbove {
		lines = append(lines, line{Op: opUsed, ID: "mine", Calls: uint64(i + 1), At: now.Unix()}, line{Op: opRule, Service: "x", At: now.Unix()})
	}
	do(t, r.write(lines...))
	again := open(t, path)
	if got := again.List(); len(got) != 1 || got[0].ID != "mine" || got[0].Calls != compactAbove || !got[0].Revoked.IsZero() {
		t.Errorf("the list is %+v", got)
	}
	if again.file.lines != 3 || len(again.rules) != 1 {
		t.Errorf("%d lines, %d rules; want 3 and 1", again.file.lines, len(again.rules))
	}
}

// TestCounts: calls are counted, survive a restart, and are told of tokens that
// were not made here.
func TestCounts(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	r := open(t, path)
	mine := claims("mine", "github", "zapier", noon)
	do(t, r.Add("My zap", mine))
	use := func(r *Register, c token.Claims, n int) {
		t.Helper()
		for range n {
			e, err := r.Judge(c, noon)
			if err != nil {
				t.Fatal(err)
			}
			e.Use(noon.Add(time.Minute))
		}
	}
	use(r, mine, 3)
	use(r, claims("elsewhere", "github", "make", noon), 2)
	use(r, token.Claims{Service: "github", Audience: []string{"zapier"}, Expires: noon.Add(time.Hour)}, 1)
	use(r, token.Claims{Service: "github", Audience: []string{"zapier"}, Expires: noon.Add(2 * time.Hour)}, 1)
	do(t, r.Flush())
	want := []string{
		"original  github [zapier] 2 12:01 exp 14:00",
		"seen elsewhere github [make] 2 12:01 exp 12:00",
		"made mine github [zapier] 3 12:01 exp 12:00",
	}
	tell := func(r *Register) (out []string) {
		for _, i := range r.List() {
			id := i.ID
			if i.Kind == Original {
				id = ""
			}
			out = append(out, fmt.Sprintf("%s %s %s %v %d %s exp %s", i.Kind, id, i.Service, i.Audience, i.Calls, i.LastUsed.UTC().Format("15:04"), i.Expires.UTC().Format("15:04")))
		}
		return out
	}
	if got := tell(r); !slices.Equal(got, want) {
		t.Errorf("got %q\nwant %q", got, want)
	}
	again := open(t, path)
	if got := tell(again); !slices.Equal(got, want) {
		t.Errorf("after a restart: got %q\nwant %q", got, want)
	}
	use(again, mine, 1)
	do(t, again.Close())
	do(t, again.Close())
	if i, _ := open(t, path).Get("mine"); i.Calls != 4 || i.Label != "My zap" {
		t.Errorf("the restarted one's call: %+v", i)
	}
	text, _ := os.ReadFile(path)
	if n := bytes.Count(text, []byte("\n")); n != 7 {
		t.Errorf("%d lines, want 7:\n%s", n, text)
	}
	if info, _ := os.Stat(path); info.Mode().Perm() != 0o600 {
		t.Errorf("the mode is %v", info.Mode())
	}
}

// TestTornAndDamaged: a line that its writer did not end is overwritten; a damaged
// one is not passed over, since it might revoke something.
func TestTornAndDamaged(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	r := open(t, path)
	do(t, r.Add("", claims("a", "github", "zapier", noon)))
	whole, err := os.ReadFile(path)
	do(t, err)
	for cut := range len(whole) {
		do(t, os.WriteFile(path, append(slices.Clip(whole), whole[:cut]...), 0o600))
		r := open(t, path)
		if got := len(r.List()); got != 1 {
			t.Fatalf("cut at %d: %d tokens", cut, got)
		}
		do(t, r.Revoke("a", noon))
		if got := refused(open(t, path), claims("a", "github", "zapier", noon)); len(got) != 1 {
			t.Fatalf("cut at %d: the revocation was lost", cut)
		}
	}
	do(t, os.WriteFile(path, append([]byte("{\"op\":\"revo\x00\n"), whole...), 0o600))
	if _, err := Open(path, nil); err == nil || !strings.Contains(err.Error(), "line 1") || !strings.Contains(err.Error(), path) {
		t.Errorf("a damaged line: %v", err)
	}
	if err := r.Sync(); err == nil {
		t.Error("a damaged line is passed over while it runs")
	}
	do(t, os.WriteFile(path, append([]byte(`{"op":"of tomorrow","id":"a"}`+"\n"), whole...), 0o600))
	if got := len(open(t, path).List()); got != 1 {
		t.Errorf("with a line of a newer Lockbox: %d tokens", got)
	}
}

// TestUnwritable: what cannot be written is not so.
func TestUnwritable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens.jsonl")
	r := open(t, path)
	a := claims("a", "github", "zapier", noon)
	do(t, r.Add("", a))
	do(t, os.Remove(path))
	do(t, os.Mkdir(path, 0o700))
	if err := r.Revoke("a", noon); err == nil {
		t.Error("a revocation that cannot be written gives no error")
	}
	if err := r.Add("", claims("b", "github", "zapier", noon)); err == nil {
		t.Error("a token that cannot be listed gives no error")
	}
	if got := refused(r, a); len(got) != 0 {
		t.Error("a revocation that was not written is in force")
	}
}

// TestNil: without a list nothing is revoked.
func TestNil(t *testing.T) {
	var r *Register
	e, err := r.Judge(claims("a", "s", "z", noon), noon)
	e.Use(noon)
	if err != nil || r.Generation() != 0 {
		t.Errorf("got %v", err)
	}
}

func FuzzParse(f *testing.F) {
	f.Add([]byte(`{"op":"made","id":"a","service":"s","aud":["z"],"at":1,"exp":2}` + "\n" + `{"op":"rule","at":3}` + "\n"))
	f.Add([]byte(`{"op":"used","id":"a","calls":18446744073709551615,"at":-1}` + "\n" + `{"op":"panic"}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		path := filepath.Join(t.TempDir(), "tokens.jsonl")
		do(t, os.WriteFile(path, text, 0o600))
		r, err := Open(path, nil)
		if err != nil {
			return
		}
		before := r.List()
		lines := r.essence(time.Unix(0, 0))
		do(t, r.file.replace(lines))
		if again := open(t, path).List(); len(again) != len(before) {
			t.Errorf("%d tokens, %d after it was compacted", len(before), len(again))
		}
	})
}
