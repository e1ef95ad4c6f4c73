package backend

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

// broken is a store that does no more after some changes, as a keychain that is
// locked in between.
type broken struct {
	vault.Store
	left int
}

var errBroken = errors.New("the store is broken")

func (s *broken) Apply(ctx context.Context, changes []vault.Change) error {
	for _, c := range changes {
		if s.left == 0 {
			return errBroken
		}
		s.left--
		if err := s.Store.Apply(ctx, []vault.Change{c}); err != nil {
			return err
		}
	}
	return nil
}

// drawer is a journal with a vault and files of its own.
func drawer(t *testing.T) (j *journal, f *vault.File, home string) {
	t.Helper()
	home = t.TempDir()
	f = vault.NewFile(filepath.Join(home, "vault.age"), nil)
	f.SetWorkFactor(workFactor)
	if err := f.UnlockWith(t.Context(), secret.New(pass)); err != nil {
		t.Fatal(err)
	}
	put(t, f, "acme", "token", "sk-old")
	o := Options{StateDir: filepath.Join(home, "state"), ConfigPath: filepath.Join(home, "config.json")}
	writeConfig(t, o.ConfigPath, `{"services": {}}`)
	return newJournal(o, func() vault.Store { return f }), f, home
}

// picture is all that a change may touch, by name.
func picture(t *testing.T, home string, store vault.Store) map[string]string {
	t.Helper()
	p := map[string]string{}
	err := filepath.WalkDir(home, func(path string, d fs.DirEntry, err error) error {
		switch rel, _ := filepath.Rel(home, path); {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "audit" || d.Name() == "original"):
			return filepath.SkipDir
		case d.IsDir() || strings.HasSuffix(rel, ".lock") || rel == "vault.age" || d.Name() == "audit.head":
			return nil
		default:
			text, err := os.ReadFile(path)
			if i := strings.Index(rel, ".before-import-"); i > 0 {
				rel = rel[:i] // the rest is the time
			}
			if strings.HasSuffix(rel, ".age") {
				text = nil // sealed anew each time
			}
			p[rel+" "] += string(text)
			return err
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	refs, err := store.List(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, ref := range refs {
		if ref == auditKeyRef { // no part of any change
			continue
		}
		v, err := store.Get(t.Context(), ref.Service, ref.Field)
		if err != nil {
			t.Fatal(err)
		}
		p[ref.String()] = v.Reveal()
	}
	return p
}

// differs names what is neither as before nor as after.
func differs(now, before, after map[string]string) string {
	var s strings.Builder
	for _, p := range []map[string]string{before, after} {
		for name := range p {
			if now[name] != p[name] {
				fmt.Fprintf(&s, " %s differs;", name)
			}
		}
		for name := range now {
			if _, ok := p[name]; !ok {
				fmt.Fprintf(&s, " %s is new;", name)
			}
		}
		s.WriteString(" or")
	}
	return s.String()
}

// edit is a change of two keys, two files, and a key to be dropped.
func edit(home string) change {
	c := change{what: "the test", unused: []secret.Ref{secret.KeychainRef("acme", "unused")}}
	c.set(secret.KeychainRef("acme", "token"), secret.New("sk-new"))
	c.set(secret.KeychainRef("more", "token"), secret.New("sk-more"))
	c.write(filepath.Join(home, "config.json"), []byte(`{"services": {} /* new */}`))
	c.write(filepath.Join(home, "other"), []byte("new"))
	return c
}

func TestChangeThatFails(t *testing.T) {
	for name, tt := range map[string]struct {
		left   int // changes that the store still makes
		effect error
		want   string
	}{
		"at the copy":     {0, nil, "could not be undone"}, // the store does not come back
		"in the effect":   {100, errors.New("not loaded"), "not loaded"},
		"at the last":     {100, nil, ""},
		"at the drop":     {3, nil, ""}, // what is left over is no failure
		"at the first":    {1, nil, "could not be undone"},
		"and not undone":  {3, errors.New("not loaded"), "could not be undone"},
		"and not cleaned": {5, errors.New("not loaded"), "not loaded"},
	} {
		t.Run(name, func(t *testing.T) {
			j, f, home := drawer(t)
			put(t, f, "acme", "unused", "sk-unused")
			before := picture(t, home, f)
			s := &broken{f, tt.left}
			j.store = func() vault.Store { return s }
			err := j.make(t.Context(), edit(home), func(context.Context) error { return tt.effect })
			if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
				t.Errorf("make: %v; want %q", err, tt.want)
			}
			s.left = 1000
			if err := j.settle(t.Context(), s); err != nil {
				t.Fatal(err)
			}
			now := picture(t, home, f)
			if tt.want != "" && !maps.Equal(now, before) {
				t.Errorf("not as before: %s", differs(now, before, before))
			}
			if tt.want == "" && (now["keychain://acme/token"] != "sk-new" || now["other "] != "new" || len(now) != 4) {
				t.Errorf("not as it was to be: %v", len(now))
			}
			if _, err := os.Stat(j.markerPath()); err == nil {
				t.Error("the marker is still there")
			}
		})
	}
}

// interrupt leaves a change as a killed process does, before it is done.
func interrupt(t *testing.T, j *journal, c change) {
	t.Helper()
	back, err := c.before(t.Context(), j.store())
	if err != nil {
		t.Fatal(err)
	}
	m := newMarker("id", j.store().Name(), c, back)
	if err := j.writeMarker(m); err != nil {
		t.Fatal(err)
	}
	if err := j.apply(t.Context(), j.store(), m, c, back); err != nil {
		t.Fatal(err)
	}
}

func TestInterruptedChange(t *testing.T) {
	t.Run("a locked vault", func(t *testing.T) {
		j, f, home := drawer(t)
		before := picture(t, home, f)
		interrupt(t, j, edit(home))
		f.Lock()
		for _, err := range []error{j.settle(t.Context(), f), j.make(t.Context(), edit(home), nil)} {
			if !errors.Is(err, secret.ErrLocked) || !strings.Contains(err.Error(), "the test was interrupted") || !strings.Contains(err.Error(), "unlock") {
				t.Errorf("%v; want what was interrupted, and to unlock", err)
			}
		}
		if err := f.UnlockWith(t.Context(), secret.New(pass)); err != nil {
			t.Fatal(err)
		}
		if err := j.settle(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if now := picture(t, home, f); !maps.Equal(now, before) {
			t.Errorf("not as before: %s", differs(now, before, before))
		}
	})
	t.Run("another vault", func(t *testing.T) {
		j, f, home := drawer(t)
		interrupt(t, j, edit(home))
		if err := j.settle(t.Context(), vault.NewKeychain()); err == nil || !strings.Contains(err.Error(), f.Name()) {
			t.Errorf("%v; want the vault's name", err)
		}
	})
	t.Run("a file that was edited since", func(t *testing.T) {
		j, f, home := drawer(t)
		interrupt(t, j, edit(home))
		const mine = `{"services": {} /* edited by hand */}`
		writeConfig(t, filepath.Join(home, "config.json"), mine)
		if err := j.settle(t.Context(), f); err != nil {
			t.Fatal(err)
		}
		if now := picture(t, home, f); now["config.json "] != mine || now["keychain://acme/token"] != "sk-old" || now["other "] != "" {
			t.Errorf("%q", now["config.json "])
		}
	})
	t.Run("a damaged marker", func(t *testing.T) {
		j, f, home := drawer(t)
		interrupt(t, j, edit(home))
		for text, want := range map[string]string{
			"{": "damaged", `{"version": 2}`: "newer", `{"version": 1, "x": 1}`: "damaged",
			`{"version": 1, "files": [{"path": "/etc/passwd", "copy": "/tmp/x.undo"}]}`: "damaged",
		} {
			writeConfig(t, j.markerPath(), text)
			if err := j.settle(t.Context(), f); err == nil || !strings.Contains(err.Error(), want) || !strings.Contains(err.Error(), j.markerPath()) {
				t.Errorf("%s: %v; want %s", text, err, want)
			}
		}
	})
	t.Run("the proxy says so", func(t *testing.T) {
		var path string
		b := start(t, func(o *Options) {
			path = withFile(t, o, "https://acme.example")
			o.Passphrase = secret.New(pass)
			put(t, other(t, path), "acme", "token", "sk-old")
		})
		src, err := os.ReadFile(b.opts.ConfigPath)
		if err != nil {
			t.Fatal(err)
		}
		c := edit(t.TempDir())
		c.files = nil
		c.write(b.opts.ConfigPath, append(src, "// new\n"...))
		interrupt(t, b.changes, c)
		b.store().Lock()
		b.opts.PassphraseFile = filepath.Join(t.TempDir(), "none")
		if err := b.Reload(t.Context()); err == nil || b.View().Problem.Action != "unlock" || len(b.View().Services) != 2 {
			t.Errorf("%v: %+v", err, b.View().Problem)
		}
		if err := b.UnlockWith(t.Context(), secret.New(pass)); err != nil || !b.View().Problem.IsZero() {
			t.Errorf("%v: %+v", err, b.View().Problem)
		}
		if v, err := b.Reveal(t.Context(), "acme", "token"); err != nil || v.Reveal() != "sk-old" {
			t.Errorf("%v: not the key of before", err)
		}
	})
}

// TestTwoAtOnce: while one process makes a change, another neither takes it back
// nor makes one of its own.
func TestTwoAtOnce(t *testing.T) {
	j, f, home := drawer(t)
	second := newJournal(Options{StateDir: j.dir, ConfigPath: j.config}, func() vault.Store { return f })
	inside, settled := make(chan struct{}), make(chan error, 1)
	made := make(chan error, 1)
	go func() {
		made <- j.make(t.Context(), edit(home), func(context.Context) error {
			close(inside)
			time.Sleep(100 * time.Millisecond)
			select {
			case err := <-settled:
				return fmt.Errorf("the other one went ahead: %w", err)
			default:
				return nil
			}
		})
	}()
	<-inside
	if !second.interrupted() {
		t.Error("the other one does not see the change")
	}
	settled <- second.settle(t.Context(), f)
	if err := errors.Join(<-made, <-settled); err != nil {
		t.Error(err)
	}
	if now := picture(t, home, f); now["keychain://acme/token"] != "sk-new" {
		t.Error("the change was taken back")
	}
}

func FuzzMarker(f *testing.F) {
	f.Add([]byte(`{"version":1,"what":"x","secrets":[{"ref":"keychain://a/b","copy":"keychain://lockbox/undo-1"}],"files":[{"path":"/a/b","copy":"/a/.b.undo","sum":""}],"unused":["keychain://a/c"]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		m, err := parseMarker(text)
		if err != nil {
			return
		}
		for _, s := range m.Secrets {
			if s.ref().Scheme != secret.Keychain {
				t.Errorf("%q passes", s.Ref)
			}
		}
		for _, file := range m.Files {
			if !filepath.IsAbs(file.Path) {
				t.Errorf("%q passes", file.Path)
			}
		}
	})
}
