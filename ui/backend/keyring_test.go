package backend

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

// dying is a store that does no more after so many writes, as when the process is
// killed then.
type dying struct {
	vault.Store
	left int
}

var errKilled = errors.New("killed")

func (d *dying) Set(ctx context.Context, service, field string, v secret.Value) error {
	if d.left--; d.left < 0 {
		return errKilled
	}
	return d.Store.Set(ctx, service, field, v)
}

func (d *dying) Delete(ctx context.Context, service, field string) error {
	if d.left--; d.left < 0 {
		return errKilled
	}
	return d.Store.Delete(ctx, service, field)
}

// verifying is which of the named keys verify at a moment, the one that signs
// first.
func verifying(t *testing.T, ring keyRing, names map[string]string, now time.Time) []string {
	t.Helper()
	keys, err := ring.read(t.Context(), now)
	if err != nil {
		t.Fatal(err)
	}
	out := []string{names[keys.Current.Reveal()]}
	for _, f := range keys.Former {
		out = append(out, names[f.Key.Reveal()])
	}
	return out
}

func openVaultFile(t *testing.T) *vault.File {
	t.Helper()
	f := vault.NewFile(filepath.Join(t.TempDir(), "vault.age"), nil)
	f.SetWorkFactor(4)
	if err := f.UnlockWith(t.Context(), secret.New("a passphrase of tests")); err != nil {
		t.Fatal(err)
	}
	return f
}

// TestRotate: former keys verify for their grace time, in the vault and in files.
func TestRotate(t *testing.T) {
	names := map[string]string{"key-a\n": "a", "key-b": "b", "key-c": "c", "key-d": "d"}
	start := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	path := filepath.Join(t.TempDir(), "signing_key")
	for name, ring := range map[string]keyRing{"vault": {store: openVaultFile(t)}, "file": {file: path}} {
		t.Run(name, func(t *testing.T) {
			if _, err := ring.read(t.Context(), start); !errors.Is(err, secret.ErrNotFound) {
				t.Errorf("without a key: %v", err)
			}
			steps := []struct {
				key   string
				grace time.Duration
				after time.Duration // since the start
				want  []string
			}{
				{"key-a\n", time.Hour, 0, []string{"a"}},
				{"key-b", 3 * time.Hour, time.Hour, []string{"b", "a"}},
				{"key-b", 3 * time.Hour, time.Hour, []string{"b", "a"}},
				{"key-c", time.Hour, 2 * time.Hour, []string{"c", "a", "b"}},
				{"key-a\n", 2 * time.Hour, 2 * time.Hour, []string{"a", "b", "c"}},
				{"key-b", time.Hour, 5 * time.Hour, []string{"b", "a"}},
				{"key-d", 0, 5 * time.Hour, []string{"d"}},
			}
			for i, s := range steps {
				now := start.Add(s.after)
				if err := ring.replace(t.Context(), secret.New(s.key), s.grace, now); err != nil {
					t.Fatalf("step %d: %v", i, err)
				}
				if got := verifying(t, ring, names, now); !slices.Equal(got, s.want) {
					t.Errorf("step %d: %v verify, want %v", i, got, s.want)
				}
			}
			if ring.file != "" {
				if text, err := os.ReadFile(ring.file); err != nil || string(text) != "key-d" {
					t.Errorf("the file holds something else: %v", err)
				}
				if _, err := os.Stat(ring.formerFile()); !errors.Is(err, os.ErrNotExist) {
					t.Errorf("former keys are kept without a grace time: %v", err)
				}
			}
		})
	}
}

// TestRotateKilled: killed after any write, the keys are those of before or those
// of after, and the next try comes through.
func TestRotateKilled(t *testing.T) {
	names := map[string]string{"key-a": "a", "key-b": "b", "key-c": "c"}
	now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		grace         time.Duration
		before, after []string
	}{
		{time.Hour, []string{"b", "a"}, []string{"c", "a", "b"}},
		{0, []string{"b", "a"}, []string{"c"}},
	} {
		for left := 0; ; left++ {
			store := &dying{openVaultFile(t), 1000}
			ring := keyRing{store: store}
			for _, key := range []string{"key-a", "key-b"} {
				if err := ring.replace(t.Context(), secret.New(key), time.Hour, now); err != nil {
					t.Fatal(err)
				}
			}
			store.left = left
			err := ring.replace(t.Context(), secret.New("key-c"), tt.grace, now)
			got := verifying(t, ring, names, now)
			if !slices.Equal(got, tt.before) && !slices.Equal(got, tt.after) {
				t.Errorf("grace %v, killed after %d writes: %v verify, want %v or %v", tt.grace, left, got, tt.before, tt.after)
			}
			done := err == nil
			if done && left < 2 {
				t.Errorf("it took %d writes only", left)
			}
			store.left = 1000
			if err := ring.replace(t.Context(), secret.New("key-c"), tt.grace, now); err != nil {
				t.Fatal(err)
			}
			if got := verifying(t, ring, names, now); !slices.Equal(got, tt.after) {
				t.Errorf("tried again after %d writes: %v verify, want %v", left, got, tt.after)
			}
			if done {
				break
			}
		}
	}
}

// TestDamagedFormers: what is damaged is not quoted, for it holds keys.
func TestDamagedFormers(t *testing.T) {
	dir := t.TempDir()
	ring := keyRing{file: filepath.Join(dir, "signing_key")}
	for name, text := range map[string]string{ring.file: "the-current-key", ring.formerFile(): `{"x": "sk-canary-0001"`} {
		if err := os.WriteFile(name, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	keys, err := ring.read(t.Context(), time.Now())
	if err == nil || keys.Current.Reveal() != "the-current-key" {
		t.Fatalf("read: %v", err)
	}
	if got := err.Error(); containsAny(got, "canary", "the-current-key") {
		t.Error("the error quotes a key")
	}
	if err := ring.replace(t.Context(), secret.New("another"), 0, time.Now()); err != nil {
		t.Errorf("replacing it with no grace: %v", err)
	}
}

func containsAny(s string, words ...string) bool {
	return slices.ContainsFunc(words, func(w string) bool { return strings.Contains(s, w) })
}
