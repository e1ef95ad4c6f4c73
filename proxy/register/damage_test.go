package register

import (
	"bytes"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lockbox/proxy/token"
)

// TestDamage: while a line of the list is damaged no token passes, known or not;
// when it is mended all is as it was.
func TestDamage(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	good, gone := claims("good", "github", "zapier", noon), claims("gone", "github", "zapier", noon)
	original := token.Claims{Service: "github", Audience: []string{"zapier"}, Expires: noon.Add(time.Hour)}
	r := open(t, path)
	do(t, r.Add("", good, gone))
	do(t, r.Revoke("gone", noon))
	text, err := os.ReadFile(path)
	do(t, err)
	head, tail, _ := bytes.Cut(text, []byte("\n"))
	tests := []struct {
		name string
		text string
		line int
	}{
		{"the first", "garbage\n" + string(text), 1},
		{"one in the middle", string(head) + "\n\x00\x00\n" + string(tail), 2},
		{"the last", string(text) + "{}}\n", 4},
	}
	for _, tt := range tests {
		do(t, os.WriteFile(path, []byte(tt.text), 0o600))
		fresh := New(path, slog.New(slog.DiscardHandler))
		for what, r := range map[string]*Register{"at the start": fresh, "while it runs": r} {
			was := r.Generation()
			err := r.Sync()
			if damage := (*Damage)(nil); !errors.As(err, &damage) || damage.Line != tt.line || damage.Path != path || r.Trouble() == nil {
				t.Errorf("%s, %s: %v", tt.name, what, err)
			}
			if r == fresh != (r.Generation() == was) {
				t.Errorf("%s, %s: the generation went from %d to %d", tt.name, what, was, r.Generation())
			}
			for _, c := range []token.Claims{good, gone, original} {
				if _, err := r.Judge(c, noon); !errors.Is(err, ErrUnread) {
					t.Errorf("%s, %s: token %q: %v", tt.name, what, c.JTI, err)
				}
			}
			if err := r.Add("", claims("new", "github", "zapier", noon)); err == nil {
				t.Errorf("%s, %s: a token is added", tt.name, what)
			}
		}
		do(t, os.WriteFile(path, text, 0o600))
		for what, r := range map[string]*Register{"at the start": fresh, "while it runs": r} {
			do(t, r.Sync())
			_, err := r.Judge(good, noon)
			if got := refused(r, good, gone, original); err != nil || len(got) != 1 || len(r.List()) != 3 || r.Trouble() != nil {
				t.Errorf("%s, mended, %s: refused %v, %v, %d listed", tt.name, what, got, err, len(r.List()))
			}
		}
	}
}

// TestSetAside: the damaged file is kept byte for byte, what can be read stays
// listed, and whatever was made before passes no more; after a restart too.
func TestSetAside(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tokens.jsonl")
	now := noon.Add(time.Hour)
	old, ahead := claims("old", "github", "zapier", noon), claims("ahead", "github", "zapier", now.Add(time.Hour))
	unknown := claims("unknown", "stripe", "zapier", noon)
	original := token.Claims{Service: "github", Audience: []string{"zapier"}, Expires: noon.Add(2 * time.Hour)}
	r := open(t, path)
	do(t, r.Add("My zap", old, ahead))
	if copied, err := r.SetAside(now); copied != "" || err != nil {
		t.Errorf("a good list: %q, %v", copied, err)
	}
	text, err := os.ReadFile(path)
	do(t, err)
	text = append(text, "garbage\n{\"op\":\"rev"...)
	do(t, os.WriteFile(path, text, 0o600))

	r = New(path, slog.New(slog.DiscardHandler))
	var copies []string
	for range 2 { // the second of the same moment
		copied, err := r.SetAside(now)
		do(t, err)
		kept, err := os.ReadFile(copied)
		do(t, err)
		if !bytes.Equal(kept, text) {
			t.Errorf("the copy differs: %q", kept)
		}
		copies = append(copies, copied)
		do(t, os.WriteFile(path, text, 0o600))
	}
	if copies[0] == copies[1] {
		t.Errorf("both copies are %s", copies[0])
	}
	_, err = r.SetAside(now)
	do(t, err)
	young := claims("young", "github", "zapier", now.Add(time.Second))
	do(t, r.Add("", young))
	for what, r := range map[string]*Register{"at once": r, "after a restart": open(t, path)} {
		if got := refused(r, old, ahead, unknown, original, young); len(got) != 4 {
			t.Errorf("%s: refused are %v", what, got)
		}
		if i, ok := r.Get("old"); !ok || i.Label != "My zap" || i.Revoked.IsZero() {
			t.Errorf("%s: of the old list there is %+v", what, i)
		}
	}
}

// TestSetAsideUnreadable: what is no damaged line is left alone.
func TestSetAsideUnreadable(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "tokens.jsonl")
	do(t, os.Mkdir(path, 0o700)) // cannot be read, and has no line that is damaged
	r := New(path, slog.New(slog.DiscardHandler))
	if copied, err := r.SetAside(noon); copied != "" || err == nil {
		t.Errorf("got %q, %v", copied, err)
	}
	if _, err := r.Judge(claims("a", "s", "z", noon), noon); !errors.Is(err, ErrUnread) {
		t.Errorf("a token: %v", err)
	}
	if info, err := os.Stat(path); err != nil || !info.IsDir() {
		t.Errorf("%v, %v", info, err)
	}
}
