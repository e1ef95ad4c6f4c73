//go:build desktop

package vault

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/zalando/go-keyring"

	"lockbox/proxy/secret"
	"lockbox/ui/desktest"
)

// desk brings up a desktop and points this process at its bus.
func desk(t *testing.T, o desktest.Options) *desktest.Desk {
	t.Helper()
	d := desktest.Start(t, o)
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "")
	t.Setenv("XDG_RUNTIME_DIR", "")
	for _, pair := range d.Env {
		name, value, _ := strings.Cut(pair, "=")
		if name == "DBUS_SESSION_BUS_ADDRESS" || name == "XDG_RUNTIME_DIR" {
			t.Setenv(name, value)
		}
	}
	return d
}

func TestUnlocked(t *testing.T) {
	d := desk(t, desktest.Options{NoX: true})
	testStore(t, NewKeychain())
	if got := d.Secret("lockbox", "acme/headers%2FX-Api-Key%2Fvalue"); got != "sk-two" {
		t.Errorf("secret-tool finds %d bytes; want what was set", len(got))
	}
}

func TestLargestValue(t *testing.T) {
	desk(t, desktest.Options{NoX: true})
	k := NewKeychain()
	v := secret.New(strings.Repeat("x", linuxValue))
	if err := k.Set(t.Context(), "acme", "token", v); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Get(t.Context(), "acme", "token"); err != nil || !got.Equal(v) {
		t.Errorf("Get: %d bytes, %v", got.Len(), err)
	}
	if err := k.Set(t.Context(), "acme", "token", secret.New(v.Reveal()+"x")); err == nil || !strings.Contains(err.Error(), "1048576") {
		t.Errorf("Set of one byte more: %v", err)
	}
	if got, err := k.Get(t.Context(), "acme", "token"); err != nil || !got.Equal(v) {
		t.Errorf("Get after a refused Set: %d bytes, %v", got.Len(), err)
	}
}

// Others that follow go-keyring's layout find our items, and we theirs.
func TestGoKeyring(t *testing.T) {
	desk(t, desktest.Options{NoX: true})
	k := NewKeychain()
	if err := keyring.Set("lockbox", "acme/token", "sk-theirs"); err != nil {
		t.Fatal(err)
	}
	if got, err := k.Get(t.Context(), "acme", "token"); err != nil || got.Reveal() != "sk-theirs" {
		t.Errorf("we find %d bytes, %v", got.Len(), err)
	}
	if err := k.Set(t.Context(), "acme", "token", secret.New("sk-ours")); err != nil {
		t.Fatal(err)
	}
	if got, err := keyring.Get("lockbox", "acme/token"); err != nil || got != "sk-ours" {
		t.Errorf("go-keyring finds %d bytes, %v", len(got), err)
	}
	if got, err := k.List(t.Context()); err != nil || len(got) != 1 {
		t.Errorf("List() = %v, %v; want one", got, err)
	}
}

// A copy in another collection, from when that was the default, must not win.
func TestStaleCopy(t *testing.T) {
	d := desk(t, desktest.Options{NoX: true})
	cmd := d.Command("secret-tool", "store", "--collection=session", "--label=x", "service", "lockbox", "username", "acme/token")
	cmd.Stdin = strings.NewReader("sk-stale")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	k := NewKeychain()
	if got, err := k.Get(t.Context(), "acme", "token"); err != nil || got.Reveal() != "sk-stale" {
		t.Fatalf("Get: %d bytes, %v", got.Len(), err)
	}
	if err := k.Set(t.Context(), "acme", "token", secret.New("sk-new")); err != nil {
		t.Fatal(err)
	}
	d.Lock()
	if _, err := k.Get(t.Context(), "acme", "token"); !errors.Is(err, secret.ErrLocked) {
		t.Errorf("Get with the new copy locked: %v; want the stale one gone", err)
	}
}

func TestConcurrent(t *testing.T) {
	desk(t, desktest.Options{NoX: true})
	k := NewKeychain()
	errs := make(chan error)
	for i := range 20 {
		go func() {
			field, v := fmt.Sprint("f", i), secret.New(fmt.Sprint("sk-", i))
			err := k.Set(t.Context(), "acme", field, v)
			if got, getErr := k.Get(t.Context(), "acme", field); err == nil && getErr == nil && !got.Equal(v) {
				err = fmt.Errorf("%s holds another's value", field)
			} else {
				err = errors.Join(err, getErr)
			}
			errs <- err
		}()
	}
	for range 20 {
		if err := <-errs; err != nil {
			t.Error(err)
		}
	}
}

func TestLocked(t *testing.T) {
	d := desk(t, desktest.Options{Keyring: desktest.Locked, NoPanel: true})
	k := NewKeychain()
	refuses(t, k, Locked, secret.ErrLocked, "locked")
	if d.Prompted() {
		t.Error("a call other than Unlock shows a prompt")
	}
}

func TestUnlockAnswered(t *testing.T) {
	d := desk(t, desktest.Options{Keyring: desktest.Unlocked, NoPanel: true})
	k := NewKeychain()
	if err := k.Set(t.Context(), "acme", "token", secret.New("sk-one")); err != nil {
		t.Fatal(err)
	}
	d.Lock()
	refuses(t, k, Locked, secret.ErrLocked, "locked")
	unlocked := make(chan error, 2)
	for range 2 { // the second one rides on the first one's prompt
		go func() { unlocked <- k.Unlock(t.Context()) }()
	}
	d.WaitPrompt()
	d.Screenshot("keyring-prompt")
	d.Type("wrong-password")
	d.Key("Return")
	d.AnswerPrompt(desktest.Password)
	for range 2 {
		if err := <-unlocked; err != nil {
			t.Errorf("Unlock: %v", err)
		}
	}
	state(t, k, Ready)
	if got, err := k.Get(t.Context(), "acme", "token"); err != nil || got.Reveal() != "sk-one" {
		t.Errorf("Get after Unlock: %d bytes, %v", got.Len(), err)
	}
}

func TestUnlockCancelled(t *testing.T) {
	d := desk(t, desktest.Options{Keyring: desktest.Locked, NoPanel: true})
	k := NewKeychain()
	unlocked := make(chan error, 1)
	go func() { unlocked <- k.Unlock(t.Context()) }()
	d.CancelPrompt()
	err := <-unlocked
	var e *Error
	if !errors.As(err, &e) || e.State != Locked || !errors.Is(err, secret.ErrLocked) || !strings.Contains(err.Error(), "cancelled") || !strings.Contains(err.Error(), "unlock again") {
		t.Errorf("a cancelled Unlock: %v", err)
	}
	state(t, k, Locked)
}

func TestUnlockUnanswered(t *testing.T) {
	d := desk(t, desktest.Options{Keyring: desktest.Locked, NoPanel: true})
	k := NewKeychain()
	ctx, cancel := context.WithCancel(t.Context())
	unlocked := make(chan error, 1)
	go func() { unlocked <- k.Unlock(ctx) }()
	d.WaitPrompt()
	begin := time.Now()
	cancel()
	if err := <-unlocked; !errors.Is(err, context.Canceled) || !errors.Is(err, secret.ErrLocked) || time.Since(begin) > time.Second {
		t.Errorf("a given-up Unlock: %v after %v", err, time.Since(begin))
	}
	for end := time.Now().Add(10 * time.Second); d.Prompted(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatal("the prompt stays on the screen")
		}
	}
	short, stop := context.WithTimeout(t.Context(), time.Second)
	defer stop()
	if err := k.Unlock(short); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "in time") {
		t.Errorf("an Unlock nobody answers: %v", err)
	}
}

func TestFreshAccount(t *testing.T) {
	d := desk(t, desktest.Options{Keyring: desktest.NoLogin, NoPanel: true})
	k := NewKeychain()
	refuses(t, k, Missing, secret.ErrLocked, "no keychain yet")
	unlocked := make(chan error, 1)
	go func() { unlocked <- k.Unlock(t.Context()) }()
	d.ChoosePassword(desktest.Password)
	if err := <-unlocked; err != nil {
		t.Fatalf("Unlock: %v", err)
	}
	state(t, k, Ready)
	if err := k.Set(t.Context(), "acme", "token", secret.New("sk-one")); err != nil {
		t.Fatal(err)
	}
	if got := d.Secret("lockbox", "acme/token"); got != "sk-one" {
		t.Errorf("secret-tool finds %d bytes; want what was set", len(got))
	}
	// The collection that the login opens: else it would be another one tomorrow.
	d.Lock()
	state(t, k, Locked)
}

func TestNoService(t *testing.T) {
	desk(t, desktest.Options{Keyring: desktest.None, NoX: true})
	k := NewKeychain()
	refuses(t, k, NoService, secret.ErrUnavailable, "gnome-keyring")
	if err := k.Unlock(quick(t)); !errors.Is(err, secret.ErrUnavailable) {
		t.Errorf("Unlock: %v", err)
	}
}

func TestNoBus(t *testing.T) {
	desk(t, desktest.Options{Keyring: desktest.NoBus, NoX: true})
	k := NewKeychain()
	refuses(t, k, NoBus, secret.ErrUnavailable, "D-Bus")
	if err := k.Unlock(quick(t)); !errors.Is(err, secret.ErrUnavailable) {
		t.Errorf("Unlock: %v", err)
	}
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path=/nonexistent/bus")
	refuses(t, k, NoBus, secret.ErrUnavailable, "D-Bus")
}

func TestHung(t *testing.T) {
	desk(t, desktest.Options{Keyring: desktest.Hung, NoX: true})
	k := NewKeychain()
	before := runtime.NumGoroutine()
	v := secret.New(strings.Repeat("x", 100_000))
	for i := range 50 {
		ctx, cancel := context.WithTimeout(t.Context(), 40*time.Millisecond)
		begin := time.Now()
		var err error
		switch i % 5 {
		case 0:
			_, err = k.Get(ctx, "acme", "token")
		case 1:
			err = k.Set(ctx, "acme", "token", v)
		case 2:
			err = k.Delete(ctx, "acme", "token")
		case 3:
			_, err = k.List(ctx)
		case 4:
			err = k.Unlock(ctx)
		}
		if took := time.Since(begin); took > 500*time.Millisecond {
			t.Errorf("call %d took %v with a deadline of 40ms", i, took)
		}
		var e *Error
		if !errors.As(err, &e) || e.State != Unanswering || !errors.Is(err, secret.ErrUnavailable) || !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("call %d: %v", i, err)
		}
		cancel()
	}
	end := time.Now().Add(5 * time.Second)
	for runtime.NumGoroutine() > before+1 && time.Now().Before(end) {
		time.Sleep(20 * time.Millisecond)
	}
	if after := runtime.NumGoroutine(); after > before+1 {
		t.Errorf("%d goroutines before 50 calls, %d after", before, after)
	}
	begin := time.Now()
	if got := k.Status(t.Context()); got.State != Unanswering || time.Since(begin) > answerTime+time.Second {
		t.Errorf("Status without a deadline: %+v after %v", got, time.Since(begin))
	}
}
