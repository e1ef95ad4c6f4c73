package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy/oauthtest"
	"lockbox/proxy/secret"
)

func rotating() oauthtest.Options {
	return oauthtest.Options{Secret: clientSecret, Rotate: true, Lifetime: time.Hour}
}

// TestRotation: each refresh token is saved before the access token that came
// with it is used, and the next refresh is made with it.
func TestRotation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, rotating())
		c := b.asPerson(t)
		store := b.Tokens.store
		saving := make(chan struct{})
		b.Tokens.store = func(ctx context.Context, ref secret.Ref, value secret.Value) error {
			<-saving
			return store(ctx, ref, value)
		}
		a := b.applier(t, c)
		was := b.vault[refreshRef]
		done := make(chan struct{})
		go func() { defer close(done); mustToken(t, a) }()
		synctest.Wait()
		select {
		case <-done:
			t.Fatal("the access token is used before the refresh token is saved")
		default:
		}
		if b.server.Issued() != 1 {
			t.Errorf("%d tokens, want 1", b.server.Issued())
		}
		close(saving)
		<-done
		if b.vault[refreshRef].Equal(was) {
			t.Error("the new refresh token is not in the vault")
		}
		for range 5 {
			time.Sleep(2 * time.Hour)
			mustToken(t, a)
		}
		if b.server.Issued() != 6 {
			t.Errorf("%d tokens, want 6", b.server.Issued())
		}
	})
}

// TestCrash: Lockbox ends after the new refresh token was saved and before its
// access token was used. The next one begins with what is in the vault.
func TestCrash(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, rotating())
		c := b.asPerson(t)
		stored := make(chan struct{})
		store := b.Tokens.store
		b.Tokens.store = func(ctx context.Context, ref secret.Ref, value secret.Value) error {
			err := store(ctx, ref, value)
			close(stored)
			<-ctx.Done() // what comes after it never happens
			return errors.Join(err, ctx.Err())
		}
		ctx, cancel := context.WithCancel(t.Context())
		crashed := make(chan struct{})
		go func() { defer close(crashed); _, _ = token(ctx, b.applier(t, c)) }()
		<-stored
		cancel()
		<-crashed
		b.restart(t)
		if got := mustToken(t, b.applier(t, c)); !b.server.Valid(got) || b.server.Issued() != 2 {
			t.Errorf("%d tokens, the last one valid: %v", b.server.Issued(), b.server.Valid(got))
		}
	})
}

// TestVaultFails: while the new refresh token cannot be saved no call is made.
// Once it can, the tokens that came are used: the old ones are worthless.
func TestVaultFails(t *testing.T) {
	for _, tt := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("no: %w", secret.ErrLocked), "while the keychain is locked; unlock it"},
		{fmt.Errorf("no: %w", secret.ErrUnavailable), "which cannot be saved; see that the keychain can be used"},
		{errors.New("read-only"), "where refresh_token points; keep it in the keychain"},
	} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, rotating())
			c := b.asPerson(t)
			was := b.vault[refreshRef]
			b.breaks(tt.err)
			a := b.applier(t, c)
			for range 3 {
				if _, err := token(t.Context(), a); err == nil || !strings.Contains(err.Error(), tt.want) {
					t.Fatalf("error %v, want %q", err, tt.want)
				}
				time.Sleep(pause)
			}
			if !strings.Contains(b.log(), "cannot be saved") {
				t.Errorf("the log says nothing:\n%s", b.log())
			}
			b.breaks(nil)
			if got := mustToken(t, a); !b.server.Valid(got) || b.server.Issued() != 1 || b.vault[refreshRef].Equal(was) {
				t.Errorf("%d tokens, want the one that was held back", b.server.Issued())
			}
			time.Sleep(2 * time.Hour)
			mustToken(t, a)
		})
	}
}

// TestNoPlace: a refresh token in the file or the environment cannot be
// replaced there; that is said, without it, and it goes on for now.
func TestNoPlace(t *testing.T) {
	for _, where := range []string{"literal", "env"} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, rotating())
			c := b.asPerson(t)
			first := b.vault[refreshRef].Reveal()
			c.OAuth.RefreshToken = lit(first)
			if where == "env" {
				ref := secret.Ref{Scheme: secret.Env, Field: "REFRESH"}
				b.vault[ref] = secret.New(first)
				c.OAuth.RefreshToken = secret.Source{Ref: ref}
			}
			a := b.applier(t, c)
			for range 3 {
				mustToken(t, a)
				time.Sleep(time.Hour)
			}
			if n := strings.Count(b.log(), "keep it in the keychain"); n != 3 {
				t.Errorf("%s: the log says it %d times, want 3", where, n)
			}
			live, _ := a.Live()
			for _, s := range append(live, secret.New(first), secret.New(clientSecret)) {
				if strings.Contains(b.log(), s.Reveal()) {
					t.Errorf("%s: the log has a secret", where)
				}
			}
			// A reload reads the first one again, which is worthless by now.
			a = b.applier(t, c)
			mustToken(t, a)
		})
	}
}

// TestReload: tokens outlive a reload in which their credential stays what it
// was, and nothing else.
func TestReload(t *testing.T) {
	b := newBench(t, rotating())
	c := b.asPerson(t)
	stale := b.vault[refreshRef]
	a := b.applier(t, c)
	first := mustToken(t, a)

	again := b.applier(t, c)
	b.Keep([]*Applier{again})
	if got := mustToken(t, again); got != first {
		t.Error("the token did not outlive a reload")
	}
	// The keychain was read just before the refresh token was replaced.
	newest := b.vault[refreshRef]
	b.vault[refreshRef] = stale
	late := b.applier(t, c)
	if got := mustToken(t, late); got != first {
		t.Error("an old reading of the refresh token took the token away")
	}
	// The same, with another credential.
	wider := *c
	wider.OAuth.Scopes = []string{"more"}
	second := mustToken(t, b.applier(t, &wider))
	if second == first || !b.server.Valid(second) {
		t.Error("a credential with other scopes has the same token, or none that is valid")
	}
	// A person allows access anew, to another account maybe.
	if newest.Equal(b.vault[refreshRef]) {
		t.Error("the refresh token was not replaced")
	}
	b.asPerson(t)
	third := mustToken(t, b.applier(t, c))
	if third == first || third == second || !b.server.Valid(third) {
		t.Error("the token of the old refresh token is used with a new one")
	}
	b.Keep(nil)
	if len(b.sources) != 0 || len(b.grants) != 0 {
		t.Errorf("%d sources and %d grants are kept of credentials that are gone", len(b.sources), len(b.grants))
	}
}

// TestSharedGrant: two services with one refresh token never use it twice.
func TestSharedGrant(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, rotating())
		c := b.asPerson(t)
		wider := *c
		wider.OAuth.Scopes = []string{"more"}
		b.front = func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); b.server.ServeHTTP(w, r) }
		appliers := []*Applier{b.applier(t, c), b.applier(t, &wider)}
		for range 3 {
			var wg sync.WaitGroup
			for _, a := range appliers {
				wg.Go(func() {
					if _, err := token(t.Context(), a); err != nil {
						t.Error(err)
					}
				})
			}
			wg.Wait()
			time.Sleep(2 * time.Hour)
		}
		if b.server.Issued() != 6 {
			t.Errorf("%d tokens, want 6", b.server.Issued())
		}
	})
}

// TestUnusableTokenSavesRefresh: a refresh token that came with an access token
// that is good for nothing is saved all the same.
func TestUnusableTokenSavesRefresh(t *testing.T) {
	b := newBench(t, rotating())
	c := b.asPerson(t)
	b.front = func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write([]byte(`{"access_token": "a", "token_type": "dpop", "refresh_token": "the-next-one"}`))
	}
	if _, err := token(t.Context(), b.applier(t, c)); err == nil {
		t.Error("no error")
	}
	if got := b.vault[refreshRef].Reveal(); got != "the-next-one" {
		t.Errorf("the vault has %q", got)
	}
}

// TestFileRef: a file can be written, through the same func.
func TestFileRef(t *testing.T) {
	b := newBench(t, rotating())
	c := b.asPerson(t)
	ref := secret.Ref{Scheme: secret.File, Field: "/run/mail"}
	b.vault[ref] = b.vault[refreshRef]
	c.OAuth.RefreshToken = secret.Source{Ref: ref}
	mustToken(t, b.applier(t, c))
	if b.vault[ref].Equal(b.vault[refreshRef]) {
		t.Error("the new refresh token is not saved")
	}
}
