package backend

import (
	"errors"
	"os"
	"strings"
	"testing"

	"lockbox/proxy/secret"
)

func TestLockAndUnlock(t *testing.T) {
	base := keyed(t)
	var path string
	b := start(t, func(o *Options) { path = withFile(t, o, base); o.Desktop = true })
	if v := b.View(); v.Keychain.State != "missing" || !v.Keychain.CanUnlock || !v.Vault.New || v.Problem.Action != "unlock" {
		t.Fatalf("at first: %+v, %+v, %+v", v.Keychain, v.Vault, v.Problem)
	}
	if err := b.Unlock(t.Context()); err == nil || !strings.Contains(err.Error(), "no vault file") {
		t.Errorf("Unlock without a passphrase: %v", err)
	}
	unlock := func(passphrase string) error { return b.UnlockWith(t.Context(), secret.New(passphrase)) }
	if err := unlock(pass); err != nil {
		t.Fatal(err)
	}
	if v := b.View(); v.Keychain.State != "ready" || v.Vault.New || !v.Problem.IsZero() || v.SigningKeySource != path {
		t.Fatalf("with a vault: %+v, %+v, %+v, %s", v.Keychain, v.Vault, v.Problem, v.SigningKeySource)
	}
	put(t, other(t, path), "acme", "token", "sk-canary")
	waitFor(t, "the key", func() bool { return problem(b, "acme") == "" })
	tok := makeToken(t, b, "acme")
	status := func(service string) int { code, _ := get(t, b.View().BaseURL+"/s/"+service+"/x", tok); return code }
	if status("acme") != 200 || status("demo") != 200 {
		t.Error("it does not serve")
	}
	if err := b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	locked := func(when string) {
		t.Helper()
		if v := b.View(); !v.Locked || v.Phase != Running || v.Keychain.State != "locked" || !v.Problem.IsZero() {
			t.Errorf("%s: %v %s %+v %+v", when, v.Locked, v.Phase, v.Keychain, v.Problem)
		}
		if status("acme") != 503 || status("demo") != 200 {
			t.Errorf("%s: acme answers %d, demo %d", when, status("acme"), status("demo"))
		}
	}
	locked("locked")
	if err := b.Reload(t.Context()); err != nil {
		t.Error(err)
	}
	locked("reloaded")
	f, err := b.Form("acme")
	if err != nil {
		t.Fatal(err)
	}
	_, makes := b.MakeToken(t.Context(), "acme", "", 0)
	_, reveals := b.Reveal(t.Context(), "acme", "token")
	_, deletes := b.Delete(t.Context(), "acme")
	_, tests := b.Test(t.Context(), "acme", f, Trial{Method: "GET", Path: "/"})
	for what, err := range map[string]error{"Save": b.Save(t.Context(), "acme", f), "Delete": deletes, "MakeToken": makes, "Reveal": reveals, "Test": tests} {
		if err == nil || !strings.Contains(err.Error(), "ocked") {
			t.Errorf("%s while locked: %v", what, err)
		}
	}
	if err := unlock("wrong"); !WrongPassphrase(err) || !errors.Is(err, secret.ErrLocked) {
		t.Errorf("a wrong passphrase: %v", err)
	}
	locked("a wrong passphrase")
	if err := unlock(pass); err != nil || b.View().Locked || status("acme") != 200 {
		t.Errorf("unlocked: %v, acme answers %d", err, status("acme"))
	}
}

// A passphrase from the environment is not there after Lock, one in a file is.
func TestLockForgetsThePassphrase(t *testing.T) {
	for _, inFile := range []bool{false, true} {
		b := start(t, func(o *Options) {
			withFile(t, o, "https://a.example")
			if o.Passphrase = secret.New(pass); inFile {
				o.PassphraseFile = o.ConfigPath + ".pass"
				if err := os.WriteFile(o.PassphraseFile, []byte(pass+"\r\n"), 0o600); err != nil {
					t.Fatal(err)
				}
			}
		})
		if err := b.Lock(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := b.Unlock(t.Context()); (err == nil) != inFile {
			t.Errorf("a passphrase file %v: Unlock: %v", inFile, err)
		}
		if err := b.UnlockWith(t.Context(), secret.New(pass)); err != nil || b.View().Locked {
			t.Errorf("UnlockWith: %v", err)
		}
	}
}
