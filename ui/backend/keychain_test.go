//go:build desktop

package backend

import (
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/ui/desktest"
)

// startOn runs a backend, as the tray app does, with the keychain of a desktop.
func startOn(t *testing.T, o desktest.Options) (*desktest.Desk, *Backend) {
	t.Helper()
	desk := desktest.Start(t, o)
	b, stop := startWith(t, func(o *Options) {
		o.Desktop = true
		for _, pair := range desk.Env {
			name, value, _ := strings.Cut(pair, "=")
			if name == "DBUS_SESSION_BUS_ADDRESS" || name == "XDG_RUNTIME_DIR" {
				t.Setenv(name, value)
			}
		}
	})
	t.Cleanup(func() {
		if err := stop(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	waitFor(t, "the proxy to serve", func() bool { return b.View().Phase == Running })
	return desk, b
}

func acme(key string) Form {
	f := NewForm()
	f.Name, f.BaseURL = "acme", "https://api.example.com"
	f.Token.Value = secret.New(key)
	return f
}

func TestKeysLiveInTheKeychain(t *testing.T) {
	desk, b := startOn(t, desktest.Options{NoX: true})
	if got := b.View().SigningKeySource; got != "keychain" {
		t.Errorf("the signing key is in %s, want the keychain", got)
	}
	if desk.Secret("lockbox", signingKeyRef.Service+"/"+signingKeyRef.Field) == "" {
		t.Error("the keychain has no signing key")
	}
	save := func(old string, change func(*Form)) {
		t.Helper()
		f, err := b.Form("acme")
		if old == "" {
			f, err = acme("sk-first"), nil
		} else if old != "acme" {
			f, err = b.Form(old)
		}
		if err != nil {
			t.Fatal(err)
		}
		change(&f)
		if err := b.Save(t.Context(), old, f); err != nil {
			t.Fatal(err)
		}
	}
	kept := func(what, field, want string) {
		t.Helper()
		if got := desk.Secret("lockbox", field); got != want {
			t.Errorf("%s: %s holds %d bytes, want %q", what, field, len(got), want)
		}
	}
	save("", func(*Form) {})
	kept("saved", "acme/token", "sk-first")
	save("acme", func(f *Form) { f.AllowRedirects = true })
	kept("edited beside the key", "acme/token", "sk-first")
	save("acme", func(f *Form) { f.Token.Value = secret.New("  sk-second\n") })
	kept("a new key, with the white space of a paste", "acme/token", "sk-second")
	save("acme", func(f *Form) { f.Name = "acme corp" })
	kept("renamed", "acme%20corp/token", "sk-second")
	kept("renamed, the old place", "acme/token", "")
	save("acme corp", func(f *Form) { f.Name = "acme" })
	save("acme", func(f *Form) {
		f.Credential = string(config.Headers)
		f.Headers = []HeaderField{{"X-Key", SecretField{Value: secret.New("sk-header")}}}
	})
	kept("another credential", "acme/headers%2FX-Key", "sk-header")
	kept("another credential, the old key", "acme/token", "")
	if v, err := b.Reveal(t.Context(), "acme", "headers/X-Key"); err != nil || v.Reveal() != "sk-header" {
		t.Errorf("Reveal: %v", err)
	}
	src, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil || strings.Contains(string(src), "sk-") {
		t.Errorf("a key is in the config (%v):\n%s", err, src)
	}
	if _, err := b.Delete(t.Context(), "acme"); err != nil {
		t.Fatal(err)
	}
	kept("deleted", "acme/headers%2FX-Key", "")
}

// TestFailedSaveTakesTheKeyBack: the step after the keychain fails, so the
// keychain is as it was.
func TestFailedSaveTakesTheKeyBack(t *testing.T) {
	desk, b := startOn(t, desktest.Options{NoX: true})
	if err := b.Save(t.Context(), "", acme("sk-first")); err != nil {
		t.Fatal(err)
	}
	// Not even root can write there.
	aside := b.opts.ConfigPath + ".aside"
	block := func() {
		t.Helper()
		if err := errors.Join(os.Rename(b.opts.ConfigPath, aside), os.Symlink("/proc/self/none", b.opts.ConfigPath)); err != nil {
			t.Fatal(err)
		}
	}
	f, err := b.Form("acme")
	if err != nil {
		t.Fatal(err)
	}
	block()
	f.Token.Value = secret.New("sk-second")
	if err := b.Save(t.Context(), "acme", f); err == nil {
		t.Error("Save without a config: no error")
	}
	if _, err := b.Delete(t.Context(), "acme"); err == nil {
		t.Error("Delete without a config: no error")
	}
	if got := desk.Secret("lockbox", "acme/token"); got != "sk-first" {
		t.Errorf("the keychain holds %q, want what was there before", got)
	}
	if err := errors.Join(os.Remove(b.opts.ConfigPath), os.Rename(aside, b.opts.ConfigPath)); err != nil {
		t.Fatal(err)
	}
}

func TestLockedKeychain(t *testing.T) {
	desk, b := startOn(t, desktest.Options{})
	if err := b.Save(t.Context(), "", acme("sk-first")); err != nil {
		t.Fatal(err)
	}
	desk.Lock()
	// What was read stays in use; what needs the keychain says so.
	if err := b.Reload(t.Context()); err != nil {
		t.Errorf("Reload: %v", err)
	}
	v := b.View()
	if v.Keychain.Message == "" || !v.Keychain.CanUnlock {
		t.Errorf("the view does not say that the keychain is locked: %+v", v.Keychain)
	}
	if got := v.Services[0]; got.Name != "acme" || got.Problem != "" {
		t.Errorf("the key that was read before is gone: %+v", got)
	}
	g := acme("sk-second")
	g.Name = "other"
	if err := b.Save(t.Context(), "", g); !errors.Is(err, secret.ErrLocked) || strings.Contains(err.Error(), "sk-") {
		t.Errorf("Save: %v, want %v", err, secret.ErrLocked)
	}
	done := make(chan error, 1)
	go func() { done <- b.Unlock(t.Context()) }()
	desk.AnswerPrompt(desktest.Password)
	if err := <-done; err != nil {
		t.Errorf("Unlock: %v", err)
	}
	if err := b.Save(t.Context(), "", g); err != nil {
		t.Errorf("Save after it was unlocked: %v", err)
	}
}

// TestStartWithALockedKeychain: the desktop asks once; after a no, the services
// that need no key serve, and the View offers to unlock.
func TestStartWithALockedKeychain(t *testing.T) {
	desk, b := startOn(t, desktest.Options{Keyring: desktest.Locked})
	asked := make(chan error, 1)
	go func() { asked <- b.UnlockAtStart(t.Context()) }()
	desk.CancelPrompt()
	if err := <-asked; !errors.Is(err, secret.ErrLocked) {
		t.Errorf("UnlockAtStart: %v, want %v", err, secret.ErrLocked)
	}
	waitFor(t, "the notice", func() bool { return b.View().Problem.Action == "unlock" })
	if status, _ := get(t, b.View().BaseURL+"/s/demo/x", ""); status != 200 {
		t.Errorf("demo: %d, want 200", status)
	}
	if _, err := b.MakeToken(t.Context(), "demo", "", 0); err == nil || !strings.Contains(err.Error(), "lock") {
		t.Errorf("MakeToken: %v", err)
	}
	done := make(chan error, 1)
	go func() { done <- b.Unlock(t.Context()) }()
	desk.AnswerPrompt(desktest.Password)
	if err := <-done; err != nil {
		t.Fatalf("Unlock: %v", err)
	}
	if _, err := b.MakeToken(t.Context(), "demo", "", 0); err != nil {
		t.Errorf("MakeToken after it was unlocked: %v", err)
	}
	if v := b.View(); !v.Problem.IsZero() || v.Keychain.Message != "" {
		t.Errorf("still a problem: %+v, %+v", v.Problem, v.Keychain)
	}
}

// TestHungKeychain: a keychain that never answers holds up nothing but what
// needs it, and that not for long.
func TestHungKeychain(t *testing.T) {
	_, b := startOn(t, desktest.Options{NoX: true, Keyring: desktest.Hung})
	if status, _ := get(t, b.View().BaseURL+"/s/demo/x", ""); status != 200 {
		t.Errorf("demo: %d, want 200", status)
	}
	began := time.Now()
	err := b.Save(t.Context(), "", acme("sk-first"))
	if took := time.Since(began); !errors.Is(err, secret.ErrUnavailable) || took > 15*time.Second {
		t.Errorf("Save: %v after %v, want %v soon", err, took, secret.ErrUnavailable)
	}
	for range 1000 {
		_ = b.View()
		_ = b.Check("", acme("sk-first"))
	}
	if took := time.Since(began); took > 20*time.Second {
		t.Errorf("View and Check waited for the keychain: %v", took)
	}
}

// TestRotatedTokenIsInTheKeychain: a refresh token that its provider replaced is
// replaced in the keychain too, and gone with its service.
func TestRotatedTokenIsInTheKeychain(t *testing.T) {
	p, first, text := mailbox(t, "keychain://mail/refresh_token")
	desk, b := startOn(t, desktest.Options{NoX: true})
	if err := b.store().Set(t.Context(), "mail", "refresh_token", secret.New(first)); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.opts.ConfigPath, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if status, body := get(t, b.View().BaseURL+"/s/mail/x", ""); status != 200 {
		t.Errorf("%d %s", status, body)
	}
	if got := desk.Secret("lockbox", "mail/refresh_token"); got == first || got == "" || p.Issued() != 1 {
		t.Errorf("the keychain holds the old refresh token, or none; %d tokens", p.Issued())
	}
	if _, err := b.Delete(t.Context(), "mail"); err != nil {
		t.Fatal(err)
	}
	if got := desk.Secret("lockbox", "mail/refresh_token"); got != "" {
		t.Error("the refresh token outlived its service")
	}
}

// TestLockWithKeychain: what is locked is Lockbox, and not the desktop's keychain;
// a key that is gone from that is named.
func TestLockWithKeychain(t *testing.T) {
	_, b := startOn(t, desktest.Options{NoX: true})
	f := acme("sk-first")
	f.TokenRequired = false
	if err := b.Save(t.Context(), "", f); err != nil {
		t.Fatal(err)
	}
	if err := b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if v := b.View(); !v.Locked || v.Keychain.State != "ready" || v.Vault.Name != "keychain" {
		t.Errorf("locked: %v, %+v, %+v", v.Locked, v.Keychain, v.Vault)
	}
	if code, body := get(t, b.View().BaseURL+"/s/acme/x", ""); code != 503 || !strings.Contains(body, `"locked"`) {
		t.Errorf("locked, acme answers %d %s", code, body)
	}
	if err := b.Unlock(t.Context()); err != nil || b.View().Locked || problem(b, "acme") != "" {
		t.Errorf("Unlock: %v, acme: %s", err, problem(b, "acme"))
	}
	if err := b.store().Delete(t.Context(), "acme", "token"); err != nil {
		t.Fatal(err)
	}
	const want = "keychain://acme/token is gone from the keychain"
	if err := b.Reload(t.Context()); err != nil || !strings.Contains(problem(b, "acme"), want) {
		t.Errorf("Reload: %v, acme: %s", err, problem(b, "acme"))
	}
}
