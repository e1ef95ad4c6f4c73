package backend

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

const pass = "correct horse battery"

func init() { workFactor = 10 } // a millisecond a guess

// keyed is an upstream that tells which key it saw.
func keyed(t *testing.T) string {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "saw a key of %d bytes", len(r.Header.Get("Authorization"))-len("Bearer "))
	}))
	t.Cleanup(s.Close)
	return s.URL
}

// withFile gives a backend a config with a vault file and a service.
func withFile(t *testing.T, o *Options, base string) (path string) {
	t.Helper()
	dir := filepath.Dir(o.ConfigPath)
	text := fmt.Sprintf(`{
  "vault": {"type": "file", "path": "vault.age"},
  "services": {
    "acme": {"base_url": %q, "credential": {"type": "bearer", "token": "keychain://acme/token"}},
    "demo": {"base_url": "lockbox://demo", "requires_service_token": false},
  },
}`, base)
	if err := errors.Join(os.MkdirAll(dir, 0o700), os.WriteFile(o.ConfigPath, []byte(text), 0o600)); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "vault.age")
}

// other is the vault file as another process has it.
func other(t *testing.T, path string) *vault.File {
	t.Helper()
	f := vault.NewFile(path, nil)
	f.SetWorkFactor(workFactor)
	if err := f.UnlockWith(t.Context(), secret.New(pass)); err != nil {
		t.Fatal(err)
	}
	return f
}

func put(t *testing.T, s vault.Store, service, field, value string) {
	t.Helper()
	if err := s.Set(t.Context(), service, field, secret.New(value)); err != nil {
		t.Fatal(err)
	}
}

func problem(b *Backend, name string) string {
	for _, s := range b.View().Services {
		if s.Name == name {
			return s.Problem
		}
	}
	return "no such service"
}

func makeToken(t *testing.T, b *Backend, service string) string {
	t.Helper()
	tok, err := b.MakeToken(t.Context(), service, "zapier", 0)
	if err != nil {
		t.Fatal(err)
	}
	return tok.Value.Reveal()
}

func TestFileVault(t *testing.T) {
	var path string
	log := &said{}
	base := keyed(t)
	b := start(t, func(o *Options) {
		path = withFile(t, o, base)
		o.Passphrase = secret.New(pass)
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
	})
	v := b.View()
	if v.Vault != (VaultInfo{Name: path, File: true}) || v.Keychain.State != "ready" || v.SigningKeySource != path {
		t.Errorf("the view: %+v, %+v, key in %s", v.Vault, v.Keychain, v.SigningKeySource)
	}
	if _, err := os.Stat(signingKeyPath(b.opts)); !errors.Is(err, os.ErrNotExist) || log.count("plain file") > 0 {
		t.Errorf("a signing key in a plain file (%v)", err)
	}
	if p := problem(b, "acme"); !strings.Contains(p, "the vault file "+path+" has no such secret") {
		t.Errorf("acme without a key: %q", p)
	}
	f, err := b.Form("acme")
	if err != nil {
		t.Fatal(err)
	}
	f.Token.Value = secret.New("sk-canary-1")
	if err := b.Save(t.Context(), "acme", f); err != nil {
		t.Fatal(err)
	}
	tok := makeToken(t, b, "acme")
	call := func() string { _, body := get(t, b.View().BaseURL+"/s/acme/x", tok); return body }
	if got := call(); got != "saw a key of 11 bytes" {
		t.Errorf("saved: %q", got)
	}
	theirs := other(t, path)
	if v, err := theirs.Get(t.Context(), "acme", "token"); err != nil || v.Reveal() != "sk-canary-1" {
		t.Errorf("the file has %d bytes, %v", v.Len(), err)
	}
	put(t, theirs, "acme", "token", "sk-canary-23")
	waitFor(t, "a change of another process", func() bool { return call() == "saw a key of 12 bytes" })
	waitFor(t, "the log to say so", func() bool { return log.count(`a secret has changed since it was read" ref=keychain://acme/token`) > 0 })
	if err := theirs.Delete(t.Context(), "acme", "token"); err != nil {
		t.Fatal(err)
	}
	want := "keychain://acme/token is gone from the vault file " + path
	waitFor(t, "the loss", func() bool { return strings.Contains(problem(b, "acme"), want) })
	if err := b.Reload(t.Context()); err != nil || !strings.Contains(problem(b, "acme"), want) {
		t.Errorf("after a reload: %v, %q", err, problem(b, "acme"))
	}
	put(t, theirs, "acme", "token", "sk-canary-234")
	waitFor(t, "its return", func() bool { return call() == "saw a key of 13 bytes" })
	key, err := theirs.Get(t.Context(), signingKeyRef.Service, signingKeyRef.Field)
	if err == nil {
		err = theirs.Delete(t.Context(), signingKeyRef.Service, signingKeyRef.Field)
	}
	if err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the loss of the signing key", func() bool {
		return log.count("the signing key stays as it was: keychain://lockbox/signing_key is gone") > 0
	})
	if got := call(); got != "saw a key of 13 bytes" {
		t.Errorf("tokens end when the signing key is gone: %q", got)
	}
	put(t, theirs, signingKeyRef.Service, signingKeyRef.Field, key.Reveal())
	if _, err := b.Delete(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	if left, err := theirs.List(t.Context()); err != nil || len(left) != 2 || left[0] != auditKeyRef || left[1] != signingKeyRef {
		t.Errorf("after Delete: %v, %v", left, err)
	}
	if log.count("canary")+log.count(pass) > 0 {
		t.Error("the log shows a secret")
	}
}

func TestFileVaultCannotBeOpened(t *testing.T) {
	tests := []struct {
		name   string
		change func(o *Options, path string)
		want   string
	}{
		{"no source", func(*Options, string) {}, "LOCKBOX_PASSPHRASE"},
		{"wrong", func(o *Options, _ string) { o.Passphrase = secret.New("sk-canary") }, "wrong passphrase"},
		{"wrong in a file", func(o *Options, path string) {
			o.PassphraseFile, o.Passphrase = path+".pass", secret.New(pass)
			_ = os.WriteFile(o.PassphraseFile, []byte("sk-canary\n"), 0o600)
		}, "wrong passphrase"},
		{"no file of it", func(o *Options, path string) { o.PassphraseFile = path + ".none" }, "passphrase file"},
		{"an empty file", func(o *Options, path string) {
			o.PassphraseFile = path + ".pass"
			_ = os.WriteFile(o.PassphraseFile, []byte("\n"), 0o600)
		}, "empty"},
		{"damaged", func(o *Options, path string) {
			o.Passphrase = secret.New(pass)
			_ = os.WriteFile(path, []byte("age?"), 0o600)
		}, "damaged"},
		{"bad override", func(o *Options, _ string) { o.Vault = "keyring" }, "neither keychain nor"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			home := t.TempDir()
			o := Options{ConfigPath: filepath.Join(home, "config.json"), StateDir: filepath.Join(home, "state"), Listen: "127.0.0.1:0"}
			path := withFile(t, &o, "https://a.example")
			other(t, path)
			tt.change(&o, path)
			b, err := Open(t.Context(), o)
			if err == nil {
				err = errors.Join(b.Run(t.Context()), b.Close())
			}
			if err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "canary") {
				t.Errorf("Run: %v; want %q", err, tt.want)
			}
		})
	}
}

// Who types the passphrase may mistype it, and is asked once for a new file.
func TestFileVaultAsks(t *testing.T) {
	var path string
	answers := []string{"wrong", "wrong too", pass}
	b := start(t, func(o *Options) {
		path = withFile(t, o, "https://a.example")
		other(t, path)
		o.Ask = func(_ context.Context, at string, making bool) (secret.Value, error) {
			if at != path || making || len(answers) == 0 {
				t.Errorf("asked for %s, making %v, %d answers left", at, making, len(answers))
				return secret.Value{}, errors.New("enough")
			}
			answer := answers[0]
			answers = answers[1:]
			return secret.New(answer), nil
		}
	})
	if len(answers) > 0 || b.View().Keychain.State != "ready" {
		t.Errorf("%d answers left, the vault is %s", len(answers), b.View().Keychain.State)
	}
	put(t, other(t, path), "acme", "token", "sk")
	waitFor(t, "the change", func() bool { return problem(b, "acme") == "" })
	// A passphrase that was changed elsewhere is not asked for under way.
	if err := os.Remove(path); err != nil {
		t.Fatal(err)
	}
	f := vault.NewFile(path, nil)
	f.SetWorkFactor(workFactor)
	if err := f.UnlockWith(t.Context(), secret.New("another")); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the lock", func() bool { return b.View().Keychain.State == "locked" })
	if err := b.Reload(t.Context()); err != nil || problem(b, "acme") != "" {
		t.Errorf("Reload: %v, acme: %s; want the key of before", err, problem(b, "acme"))
	}
}

// The vault of the config is taken over with it, whole or not at all.
func TestVaultChanges(t *testing.T) {
	b := start(t, func(o *Options) { o.Passphrase = secret.New(pass) })
	if v := b.View(); v.Vault.Name != "keychain" || v.Vault.File {
		t.Errorf("by default: %+v", v.Vault)
	}
	before, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(filepath.Dir(b.opts.ConfigPath), "sub", "v.age")
	b.edit.Lock() // the watch waits
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(b.opts.ConfigPath, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	write(`{"vault": {"type": "file", "path": "sub/v.age"}, "services": {}, "audit_log": {"type": "local_dir", "root_dir": "/proc/self/none"}}`)
	if err := b.load(t.Context()); err == nil || b.View().Vault.File || b.store().Name() != "keychain" {
		t.Errorf("a config that failed: %v, the vault is %s", err, b.store().Name())
	}
	write(`{"vault": {"type": "file", "path": "sub/v.age"}, "services": {}}`)
	if err := b.load(t.Context()); err != nil || b.View().Vault.Name != path || b.View().Keychain.State != "ready" {
		t.Errorf("a vault file: %v, %+v", err, b.View().Vault)
	}
	write(string(before))
	if err := b.load(t.Context()); err != nil || b.View().Vault.Name != "keychain" {
		t.Errorf("back: %v, %+v", err, b.View().Vault)
	}
	b.edit.Unlock()
}

func TestPlainKeyIsSaid(t *testing.T) {
	log := &said{}
	b := start(t, func(o *Options) { o.Logger = slog.New(slog.NewTextHandler(log, nil)) })
	if log.count("the signing key lies in a plain file") != 1 || log.count(signingKeyPath(b.opts)) == 0 {
		t.Error("the log does not say so")
	}
}

func TestTakePassphrase(t *testing.T) {
	t.Setenv("LOCKBOX_PASSPHRASE", pass)
	if got := TakePassphrase(); got.Reveal() != pass {
		t.Errorf("it has %d bytes", got.Len())
	}
	if _, there := os.LookupEnv("LOCKBOX_PASSPHRASE"); there {
		t.Error("it is still in the environment")
	}
	if got := TakePassphrase(); !got.IsZero() {
		t.Error("it is there twice")
	}
}

// A locked vault concerns every service: it is not said of ten thousand.
func TestFewer(t *testing.T) {
	all := make([]string, 10_000)
	if got := fewer(all); len(got) != mostSaid+1 || got[mostSaid] != "and 9950 more warnings" {
		t.Errorf("%d warnings are left of 10,000, the last is %q", len(got), got[len(got)-1])
	}
	if got := fewer(all[:mostSaid]); len(got) != mostSaid {
		t.Errorf("%d are left of %d", len(got), mostSaid)
	}
}
