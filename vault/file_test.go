package vault

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"

	"lockbox/proxy/secret"
)

// A work factor for tests: a millisecond in place of a second.
const cheap = 10

const pass = "correct horse battery"

// cheapFile is the vault file at path, locked.
func cheapFile(path string, ask Passphrase) *File {
	f := NewFile(path, ask)
	f.SetWorkFactor(cheap)
	return f
}

// opened is the vault file at path, unlocked or new.
func opened(t *testing.T, path string) *File {
	t.Helper()
	f := cheapFile(path, nil)
	if err := f.UnlockWith(t.Context(), secret.New(pass)); err != nil {
		t.Fatal(err)
	}
	return f
}

func TestFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "deep", "vault.age")
	f := cheapFile(path, nil)
	refuses(t, f, Missing, secret.ErrLocked, "no vault file")
	f = opened(t, path)
	testStore(t, f)
	refuses(t, f, Locked, secret.ErrLocked, "locked")
	again := opened(t, path)
	for _, tt := range stored[1:] {
		if got, err := again.Get(t.Context(), tt.service, tt.field); err != nil || got.Reveal() != tt.value {
			t.Errorf("Get(%q, %q) of the file opened anew: %d bytes, %v; want %d", tt.service, tt.field, got.Len(), err, len(tt.value))
		}
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file: %v, %v; want mode 0600", info, err)
	}
	text, err := os.ReadFile(path)
	if err != nil || bytes.Contains(text, []byte("sk-")) || !bytes.HasPrefix(text, []byte("age-encryption.org/v1\n-> scrypt ")) {
		t.Errorf("the file shows a secret, or is no age file (%v)", err)
	}
}

// Anyone with the passphrase and age can read it.
func TestFileIsAge(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	f := opened(t, path)
	if err := f.Set(t.Context(), "acme", "token", secret.New("sk-one")); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	identity, err := age.NewScryptIdentity(pass)
	if err != nil {
		t.Fatal(err)
	}
	r, err := age.Decrypt(bytes.NewReader(text), identity)
	if err != nil {
		t.Fatal(err)
	}
	const want = `{"version":1,"secrets":{"keychain://acme/token":"sk-one"}}`
	if got, err := io.ReadAll(r); err != nil || string(got) != want {
		t.Errorf("it decrypts to %s, %v; want %s", got, err, want)
	}
}

func TestUnlockFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	asked := []bool{}
	answer, fault := pass, error(nil)
	f := cheapFile(path, func(_ context.Context, at string, making bool) (secret.Value, error) {
		if at != path {
			t.Errorf("asked for %s", at)
		}
		asked = append(asked, making)
		return secret.New(answer), fault
	})
	unlock := func(words string, is error) {
		t.Helper()
		err := f.Unlock(quick(t))
		if words == "" && err == nil {
			return
		}
		if err == nil || words == "" || !strings.Contains(err.Error(), words) || !errors.Is(err, is) {
			t.Errorf("Unlock: %v; want %q", err, words)
		}
	}
	fault = errors.New("no terminal")
	unlock("no terminal", secret.ErrLocked)
	fault = nil
	answer = " \n"
	unlock("empty", secret.ErrLocked)
	answer = pass
	unlock("", nil)
	unlock("", nil) // asks nobody
	f.Lock()
	answer = "wrong"
	unlock("wrong passphrase for the vault file "+path, ErrPassphrase)
	state(t, f, Locked)
	answer = pass
	unlock("", nil)
	if want := []bool{true, true, true, false, false}; !slices.Equal(asked, want) {
		t.Errorf("asked %v; want %v", asked, want)
	}
	if err := f.UnlockWith(t.Context(), secret.New("wrong")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("a wrong passphrase for an open file: %v", err)
	}
	state(t, f, Ready)
	silent := cheapFile(path, nil)
	if err := silent.Unlock(t.Context()); !errors.Is(err, secret.ErrLocked) || !strings.Contains(err.Error(), "unlock it with its passphrase") {
		t.Errorf("Unlock with nobody to ask: %v", err)
	}
}

func TestBadFile(t *testing.T) {
	good := func(t *testing.T, values map[secret.Ref]secret.Value) []byte {
		text, err := seal(values, secret.New(pass), cheap)
		if err != nil {
			t.Fatal(err)
		}
		return text
	}
	whole := good(t, map[secret.Ref]secret.Value{secret.KeychainRef("a", "b"): secret.New("sk-canary")})
	flipped := bytes.Clone(whole)
	flipped[len(flipped)-3] ^= 1
	dear := bytes.Replace(whole, []byte(fmt.Sprintf(" %d\n", cheap)), []byte(" 30\n"), 1)
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	inner := func(text string, to age.Recipient) []byte {
		var b bytes.Buffer
		w, err := age.Encrypt(&b, to)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.WriteString(w, text); err != nil {
			t.Fatal(err)
		}
		if err := w.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	scrypt, err := age.NewScryptRecipient(pass)
	if err != nil {
		t.Fatal(err)
	}
	scrypt.SetWorkFactor(cheap)
	tests := []struct {
		name  string
		text  []byte
		mode  os.FileMode
		words string
	}{
		{"empty", nil, 0o600, "damaged"},
		{"other text", []byte("{}"), 0o600, "damaged"},
		{"cut", whole[:len(whole)-5], 0o600, "damaged"},
		{"cut in its head", whole[:40], 0o600, "damaged"},
		{"a flipped bit", flipped, 0o600, "damaged"},
		{"too dear", dear, 0o600, "damaged"},
		{"readable by all", whole, 0o644, "chmod 600"},
		{"for a key", inner("{}", key.Recipient()), 0o600, "not by a passphrase"},
		{"newer", inner(`{"version":2,"vaults":[]}`, scrypt), 0o600, "newer"},
		{"not ours", inner(`{"acme":"sk-canary"}`, scrypt), 0o600, "not written by Lockbox"},
		{"not JSON", inner(`sk-canary`, scrypt), 0o600, "not written by Lockbox"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "vault.age")
			if err := os.WriteFile(path, tt.text, tt.mode); err != nil {
				t.Fatal(err)
			}
			f := cheapFile(path, nil)
			err := f.UnlockWith(t.Context(), secret.New(pass))
			if stateOf(err) != Unusable || !errors.Is(err, secret.ErrUnavailable) || !strings.Contains(err.Error(), tt.words) || !strings.Contains(err.Error(), path) || strings.Contains(err.Error(), "canary") {
				t.Errorf("UnlockWith: %v; want %q", err, tt.words)
			}
			if left, err := os.ReadFile(path); err != nil || !bytes.Equal(left, tt.text) {
				t.Errorf("the file was changed (%v)", err)
			}
			// The same to one that is open.
			open := opened(t, filepath.Join(t.TempDir(), "vault.age"))
			if err := os.Chmod(path, tt.mode); err != nil {
				t.Fatal(err)
			}
			if err := os.Rename(path, open.path); err != nil {
				t.Fatal(err)
			}
			if err := open.Set(t.Context(), "a", "b", secret.New("sk-canary")); stateOf(err) != Unusable || !strings.Contains(err.Error(), tt.words) {
				t.Errorf("Set: %v; want %q", err, tt.words)
			}
			if left, err := os.ReadFile(open.path); err != nil || !bytes.Equal(left, tt.text) {
				t.Errorf("the file was changed (%v)", err)
			}
		})
	}
	if err := cheapFile(t.TempDir(), nil).UnlockWith(t.Context(), secret.New(pass)); stateOf(err) != Unusable || !strings.Contains(err.Error(), "regular file") {
		t.Errorf("a folder: %v", err)
	}
}

// Changes of another process are seen, and never overwritten.
func TestForeignChange(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	ours, theirs := opened(t, path), opened(t, path)
	ctx := t.Context()
	for i := range 20 {
		a, b := ours, theirs
		if i%2 == 1 {
			a, b = b, a
		}
		field, v := fmt.Sprint("f", i), secret.New(fmt.Sprint("sk-", i))
		if err := a.Set(ctx, "acme", field, v); err != nil {
			t.Fatal(err)
		}
		if got, err := b.Get(ctx, "acme", field); err != nil || !got.Equal(v) {
			t.Fatalf("the other finds %d bytes, %v", got.Len(), err)
		}
	}
	if got, err := opened(t, path).List(ctx); err != nil || len(got) != 20 {
		t.Errorf("List has %d, %v; want 20", len(got), err)
	}
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	refuses(t, ours, Missing, secret.ErrLocked, "no vault file")
	other := cheapFile(path, nil)
	if err := other.UnlockWith(ctx, secret.New("another passphrase")); err != nil {
		t.Fatal(err)
	}
	refuses(t, theirs, Locked, secret.ErrLocked, "locked: it was given another passphrase")
}

// A file that is not writable any more keeps what it has, and so does memory.
func TestFileWriteFails(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	f := opened(t, path)
	ctx := t.Context()
	if err := f.Set(ctx, "acme", "token", secret.New("sk-one")); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, 0o400); err != nil {
		t.Fatal(err)
	}
	if err := f.Set(ctx, "acme", "token", secret.New("sk-two")); stateOf(err) != Unusable || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("Set: %v; want read-only", err)
	}
	if got, err := f.Get(ctx, "acme", "token"); err != nil || got.Reveal() != "sk-one" {
		t.Errorf("Get: %d bytes, %v; want the old one", got.Len(), err)
	}
}

func TestFileBehindLink(t *testing.T) {
	dir := t.TempDir()
	path, link := filepath.Join(dir, "real", "vault.age"), filepath.Join(dir, "link.age")
	f := opened(t, path)
	if err := os.Symlink(path, link); err != nil {
		t.Fatal(err)
	}
	if err := opened(t, link).Set(t.Context(), "acme", "token", secret.New("sk-one")); err != nil {
		t.Fatal(err)
	}
	if got, err := f.Get(t.Context(), "acme", "token"); err != nil || got.Reveal() != "sk-one" {
		t.Errorf("Get: %d bytes, %v", got.Len(), err)
	}
	if info, err := os.Lstat(link); err != nil || info.Mode()&os.ModeSymlink == 0 {
		t.Errorf("the link is one no more: %v, %v", info, err)
	}
}

// A process that holds the lock and hangs is waited for until the deadline.
func TestFileIsBusy(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	f, other := opened(t, path), opened(t, path)
	free, err := other.lockOthersOut(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 60*time.Millisecond)
	defer cancel()
	err = f.Set(ctx, "acme", "token", secret.New("sk-one"))
	if stateOf(err) != Unanswering || !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "busy") {
		t.Errorf("Set: %v; want busy", err)
	}
	free()
	if err := f.Set(t.Context(), "acme", "token", secret.New("sk-one")); err != nil {
		t.Error(err)
	}
}

func TestManyInFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "vault.age")
	f := opened(t, path)
	var changes []Change
	for i := range 10_000 {
		changes = append(changes, Change{secret.KeychainRef(fmt.Sprint("service-", i), "token"), secret.New(strings.Repeat("k", 40))})
	}
	begin := time.Now()
	if err := f.Apply(t.Context(), changes); err != nil {
		t.Fatal(err)
	}
	again := opened(t, path)
	for _, c := range changes {
		if _, err := again.Get(t.Context(), c.Ref.Service, c.Ref.Field); err != nil {
			t.Fatal(err)
		}
	}
	t.Logf("10,000 secrets written, opened and read in %v", time.Since(begin))
}
