package backend

import (
	"bytes"
	"encoding/json"
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"

	"lockbox/proxy/secret"
)

// TestArchiveRefused: what is no backup of ours is told apart in words.
func TestArchiveRefused(t *testing.T) {
	a := &archive{Version: archiveVersion, Config: []byte(`{"services": {}}`), Secrets: map[string][]byte{"keychain://a/b": {0, 0xff}}}
	sealed, err := a.seal(secret.New(pass), workFactor)
	if err != nil {
		t.Fatal(err)
	}
	got, err := openArchive(sealed, secret.New(pass))
	if err != nil || !bytes.Equal(got.Secrets["keychain://a/b"], []byte{0, 0xff}) {
		t.Fatalf("%v: not what was sealed", err)
	}
	key, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	var foreign bytes.Buffer
	w, err := age.Encrypt(&foreign, key.Recipient())
	if err := errors.Join(err, w.Close()); err != nil {
		t.Fatal(err)
	}
	flipped := bytes.Clone(sealed)
	flipped[len(flipped)-1] ^= 1
	for name, tt := range map[string]struct {
		sealed []byte
		pass   string
		want   error
	}{
		"wrong passphrase":  {sealed, "canary", ErrPassphrase},
		"cut in the middle": {sealed[:len(sealed)-9], pass, errDamaged},
		"cut at the head":   {sealed[:30], pass, errNoBackup},
		"flipped":           {flipped, pass, errDamaged},
		"empty":             {nil, pass, errNoBackup},
		"another's":         {foreign.Bytes(), pass, errNoScrypt},
	} {
		if _, err := openArchive(tt.sealed, secret.New(tt.pass)); !errors.Is(err, tt.want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v; want %v", name, err, tt.want)
		}
	}
	for text, want := range map[string]error{
		`{}`:                       errArchive,
		`{"version": 2, "new": 1}`: errNewerBackup,
		`{"version": 1}`:           errArchive,
		`{"version": 1, "config": "e30K", "more": 1}`:                                                            errArchive,
		`{"version": 1, "config": "e30K", "secrets": {"env://A": "YQ=="}}`:                                       errArchive,
		`{"version": 1, "config": "e30K", "secrets": {"keychain://a/b": ""}}`:                                    errArchive,
		`{"version": 1, "config": "e30K", "secrets": {"keychain://a/b": "canary!"}}`:                             errArchive,
		`{"version": 1, "config": "eyJzZXJ2aWNlcyI6IDF9"}`:                                                       errArchive,
		`{"version": 1, "config": "eyJzZXJ2aWNlcyI6IHt9fQ==", "secrets": {"keychain://a/b": "YQ=="}, "made": 1}`: errArchive,
	} {
		if _, err := parseArchive([]byte(text)); !errors.Is(err, want) || strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: %v; want %v", text, err, want)
		}
	}
}

// TestRestoreKeepsRevocations: what a register has since the backup stays.
func TestRestoreKeepsRevocations(t *testing.T) {
	for _, tt := range []struct{ from, here, want string }{
		{"", "", ""},
		{"a\nb\n", "", "a\nb\n"},
		{"a\nb\n", "a\nb\nrevoked a\n", "a\nb\nrevoked a\n"},
		{"a\nb", "c\nd", "a\nc\n"}, // b and d were being written
	} {
		if got := string(mergeLines([]byte(tt.from), []byte(tt.here))); got != tt.want {
			t.Errorf("mergeLines(%q, %q) = %q, want %q", tt.from, tt.here, got, tt.want)
		}
	}
}

// TestBackupWhileRunning goes through a running Lockbox: what is restored serves,
// and what cannot be is not begun.
func TestBackupWhileRunning(t *testing.T) {
	b := start(t, func(o *Options) {
		path := withFile(t, o, "https://acme.example")
		o.Passphrase = secret.New(pass)
		put(t, other(t, path), "acme", "token", "sk-old")
	})
	file := filepath.Join(t.TempDir(), "all.age")
	if _, err := b.Backup(t.Context(), file, secret.New(" ")); err == nil {
		t.Error("an empty passphrase is taken")
	}
	done, err := b.Backup(t.Context(), file, secret.New("backup pass"))
	if err != nil || done.Services != 2 || done.Keys != 1 || !done.SigningKey {
		t.Fatalf("%+v, %v", done, err)
	}
	key := b.server.Keys().Current
	f, err := b.Form("acme")
	if err != nil {
		t.Fatal(err)
	}
	f.Token.Value, f.Name = secret.New("sk-new"), "renamed"
	if err := b.Save(t.Context(), "acme", f); err != nil {
		t.Fatal(err)
	}
	if _, err := b.OpenBackup(t.Context(), file, secret.New("wrong")); !errors.Is(err, ErrPassphrase) {
		t.Errorf("%v; want %v", err, ErrPassphrase)
	}
	r, err := b.OpenBackup(t.Context(), file, secret.New("backup pass"))
	if err != nil || r.Same || r.HereServices != 2 || r.HereKey {
		t.Fatalf("%+v, %v", r, err)
	}
	if err := b.Restore(t.Context(), r); err != nil {
		t.Fatal(err)
	}
	if v, err := b.Reveal(t.Context(), "acme", "token"); err != nil || v.Reveal() != "sk-old" || !b.server.Keys().Current.Equal(key) {
		t.Errorf("%v: not what was backed up", err)
	}
	if err := b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if _, err := b.Backup(t.Context(), file, secret.New("x")); !errors.Is(err, errLocked) {
		t.Errorf("%v; want %v", err, errLocked)
	}
}

func FuzzArchive(f *testing.F) {
	text, err := json.Marshal(&archive{Version: 1, Config: []byte(`{"services": {}}`), Secrets: map[string][]byte{"keychain://a/b": []byte("x")}})
	if err != nil {
		f.Fatal(err)
	}
	f.Add(text)
	f.Fuzz(func(t *testing.T, text []byte) {
		a, err := parseArchive(text)
		if err != nil {
			return
		}
		again, err := json.Marshal(a)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := parseArchive(again); err != nil {
			t.Errorf("what was read does not read back: %v", err)
		}
	})
}
