package credential

import (
	"context"
	"errors"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/oauthtest"
	"lockbox/proxy/secret"
)

// TestAsked: what the token endpoint gets, and that it is asked once.
func TestAsked(t *testing.T) {
	full := func(c *config.Credential) {
		c.OAuth.Scopes, c.OAuth.Audience = []string{"a", "b:c"}, "https://api.example"
		c.OAuth.ExtraParams = []config.Param{{Name: "resource", Value: lit("r s")}}
	}
	tests := []struct {
		name    string
		options oauthtest.Options
		change  func(*config.Credential)
		person  bool
		want    map[string]string
	}{
		{"header", oauthtest.Options{Secret: clientSecret}, func(*config.Credential) {}, false, map[string]string{"grant_type": "client_credentials"}},
		{"params", oauthtest.Options{Secret: clientSecret, InParams: true}, func(c *config.Credential) { c.OAuth.AuthStyle = config.AuthInParams }, false,
			map[string]string{"grant_type": "client_credentials", "client_id": "client", "client_secret": clientSecret}},
		{"everything", oauthtest.Options{Secret: clientSecret}, full, false,
			map[string]string{"grant_type": "client_credentials", "scope": "a b:c", "audience": "https://api.example", "resource": "r s"}},
		{"refresh, everything", oauthtest.Options{Secret: clientSecret}, full, true,
			map[string]string{"grant_type": "refresh_token", "refresh_token": "?", "scope": "a b:c", "audience": "https://api.example", "resource": "r s"}},
		{"refresh, public client", oauthtest.Options{InParams: true}, func(c *config.Credential) { c.OAuth.ClientSecret = secret.Source{} }, true,
			map[string]string{"grant_type": "refresh_token", "refresh_token": "?", "client_id": "client"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := newBench(t, tt.options)
			c := asClient()
			if tt.person {
				c = b.asPerson(t)
				tt.want["refresh_token"] = b.vault[refreshRef].Reveal()
			}
			tt.change(c)
			a := b.applier(t, c)
			first := mustToken(t, a)
			if second := mustToken(t, a); !b.server.Valid(first) || second != first || b.server.Issued() != 1 {
				t.Errorf("%d tokens for two calls, the first valid: %v", b.server.Issued(), b.server.Valid(first))
			}
			got := map[string]string{}
			for name, values := range b.server.Forms()[0] {
				got[name] = strings.Join(values, "|")
			}
			if !maps.Equal(got, tt.want) {
				t.Errorf("the form has %v, want %v", got, tt.want)
			}
		})
	}
}

// TestLifetime: a token is renewed ahead of its end, with no call waiting, and
// never used after it.
func TestLifetime(t *testing.T) {
	tests := []struct {
		name         string
		lifetime     time.Duration
		early, renew time.Duration // no renewal yet; one in the background
		late         time.Duration // of the second token: it is not used any more
	}{
		{"an hour", time.Hour, 58 * time.Minute, 59*time.Minute + 5*time.Second, 59*time.Minute + 51*time.Second},
		{"ten seconds", 10 * time.Second, 7 * time.Second, 8500 * time.Millisecond, 9100 * time.Millisecond},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				b := newBench(t, oauthtest.Options{Secret: clientSecret, Lifetime: tt.lifetime})
				a := b.applier(t, asClient())
				first := mustToken(t, a)
				time.Sleep(tt.early)
				if got := mustToken(t, a); got != first || b.server.Issued() != 1 {
					t.Errorf("another token after %s", tt.early)
				}
				b.front = func(w http.ResponseWriter, r *http.Request) {
					time.Sleep(500 * time.Millisecond)
					b.server.ServeHTTP(w, r)
				}
				time.Sleep(tt.renew - tt.early)
				began := time.Now()
				if got := mustToken(t, a); got != first || time.Since(began) != 0 {
					t.Errorf("after %s a call waits for %s", tt.renew, time.Since(began))
				}
				time.Sleep(501 * time.Millisecond)
				second := mustToken(t, a)
				if second == first || b.server.Issued() != 2 || time.Since(began) != 501*time.Millisecond {
					t.Errorf("no renewal in the background: %d tokens", b.server.Issued())
				}
				time.Sleep(tt.late)
				began = time.Now()
				if got := mustToken(t, a); got == second || time.Since(began) != 500*time.Millisecond {
					t.Errorf("a token is used %s after it came", tt.late)
				}
			})
		})
	}
}

// TestEndless: a token without an end is used until it is refused.
func TestEndless(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, oauthtest.Options{Secret: clientSecret})
		a := b.applier(t, asClient())
		first := mustToken(t, a)
		time.Sleep(1000 * time.Hour)
		ready, err := a.Ready(t.Context())
		if err != nil || b.server.Issued() != 1 {
			t.Fatalf("%d tokens, %v", b.server.Issued(), err)
		}
		ready.Refused()
		ready.Refused() // a second call with the same token
		second := mustToken(t, a)
		if second == first || b.server.Issued() != 2 {
			t.Errorf("after a refusal: %d tokens, want 2", b.server.Issued())
		}
		ready.Refused() // a late answer to the first token
		if got := mustToken(t, a); got != second {
			t.Error("the refusal of an old token took the new one away")
		}
	})
}

// TestOneFetch: 64 callers share one fetch. Those that leave do not end it.
func TestOneFetch(t *testing.T) {
	for _, person := range []bool{false, true} {
		synctest.Test(t, func(t *testing.T) {
			b := newBench(t, oauthtest.Options{Secret: clientSecret, Lifetime: time.Hour, Rotate: true})
			c := asClient()
			if person {
				c = b.asPerson(t)
			}
			a := b.applier(t, c)
			b.front = func(w http.ResponseWriter, r *http.Request) { time.Sleep(time.Second); b.server.ServeHTTP(w, r) }
			leaving, leave := context.WithCancel(t.Context())
			var (
				wg   sync.WaitGroup
				mu   sync.Mutex
				seen = map[string]int{}
				left int
			)
			for i := range 64 {
				ctx := t.Context()
				if i%2 == 0 { // the one that began it, too
					ctx = leaving
				}
				wg.Go(func() {
					got, err := token(ctx, a)
					mu.Lock()
					defer mu.Unlock()
					if errors.Is(err, context.Canceled) {
						left++
						return
					}
					if err != nil {
						t.Error(err)
					}
					seen[got]++
				})
				synctest.Wait()
			}
			time.Sleep(500 * time.Millisecond)
			leave()
			wg.Wait()
			if len(seen) != 1 || left != 32 || b.server.Issued() != 1 {
				t.Errorf("%d tokens seen, %d issued, %d callers left; want 1, 1 and 32", len(seen), b.server.Issued(), left)
			}
		})
	}
}

// TestHangs: an endpoint that does not answer keeps no call for long.
func TestHangs(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, oauthtest.Options{Secret: clientSecret})
		b.front = func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() }
		a := b.applier(t, asClient())
		began := time.Now()
		_, err := token(t.Context(), a)
		if err == nil || !strings.Contains(err.Error(), "no answer within 15 seconds; check token_url") || time.Since(began) != fetchTime {
			t.Errorf("after %s: %v", time.Since(began), err)
		}
		time.Sleep(pause)
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if _, err := token(ctx, a); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a caller with less patience: %v", err)
		}
		began = time.Now()
		b.Close()
		if got := time.Since(began); got != closeTime {
			t.Errorf("Close takes %s of a fetch that hangs", got)
		}
		if _, err := token(t.Context(), b.applier(t, asClient())); err == nil {
			t.Error("a token was fetched after Close")
		}
	})
}

// TestRenewalFails: a failure ahead of the token's end bothers no one yet.
func TestRenewalFails(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newBench(t, oauthtest.Options{Secret: clientSecret, Lifetime: time.Hour})
		a := b.applier(t, asClient())
		first := mustToken(t, a)
		asked := 0
		b.front = func(w http.ResponseWriter, _ *http.Request) { asked++; w.WriteHeader(500) }
		time.Sleep(59*time.Minute + time.Second)
		for range 48 {
			if got := mustToken(t, a); got != first {
				t.Error("another token")
			}
			time.Sleep(time.Second)
		}
		if asked < 10 || asked > 24 {
			t.Errorf("the endpoint was asked %d times in 48 seconds, want every other one", asked)
		}
		time.Sleep(2 * time.Second)
		if _, err := token(t.Context(), a); err == nil {
			t.Error("a token is used in its last seconds")
		}
		b.front = nil
		time.Sleep(pause)
		mustToken(t, a)
	})
}

func TestLive(t *testing.T) {
	b := newBench(t, oauthtest.Options{Secret: clientSecret, Rotate: true})
	a := b.applier(t, b.asPerson(t))
	before := b.vault[refreshRef].Reveal()
	_, none := a.Live()
	ready, err := a.Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	first := mustToken(t, a)
	live, version := a.Live()
	text := func(secrets []secret.Value) (texts []string) {
		for _, s := range secrets {
			texts = append(texts, s.Reveal())
		}
		return texts
	}
	rotated := b.vault[refreshRef].Reveal()
	if got := text(live); !slices.Contains(got, first) || !slices.Contains(got, rotated) || version == none || rotated == before {
		t.Errorf("the access token or the new refresh token is not live, or the version is the same")
	}
	if got := text(a.Secrets()); !slices.Contains(got, before) || !slices.Contains(got, clientSecret) {
		t.Error("the client's secret or the first refresh token is none")
	}
	if got := text(ready.Secrets()); !slices.Equal(got, []string{first}) {
		t.Error("a call's secrets are not its token")
	}
	ready.Refused()
	second := mustToken(t, a)
	if got, v := a.Live(); !slices.Contains(text(got), first) || !slices.Contains(text(got), second) || v == version {
		t.Error("the token before, or the one after, is not live")
	}
}
