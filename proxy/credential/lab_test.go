package credential

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"lockbox/proxy/config"
	"lockbox/proxy/oauthtest"
	"lockbox/proxy/secret"
)

// A bench has the tokens of one Lockbox and a real OAuth server, which it calls
// without a network: time is the test's.
type bench struct {
	*Tokens
	server *oauthtest.Server
	front  http.HandlerFunc // before the server; nil: nothing
	err    error            // of the network

	mu    sync.Mutex
	said  bytes.Buffer
	vault map[secret.Ref]secret.Value
	fails error // of the vault
}

const clientSecret = "client-secret-c27d"

func newBench(t *testing.T, o oauthtest.Options) *bench {
	o.ID = "client"
	b := &bench{server: oauthtest.New(o), vault: map[secret.Ref]secret.Value{}}
	b.restart(t)
	return b
}

// restart is a new process with the same vault.
func (b *bench) restart(t *testing.T) {
	b.Tokens = NewTokens(b, b.store, slog.New(slog.NewTextHandler(b, nil)))
	t.Cleanup(b.Tokens.Close)
}

// Write implements io.Writer for the log.
func (b *bench) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.Write(p)
}

func (b *bench) log() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.said.String()
}

func (b *bench) store(_ context.Context, ref secret.Ref, value secret.Value) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.fails == nil {
		b.vault[ref] = value
	}
	return b.fails
}

func (b *bench) breaks(err error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.fails = err
}

// RoundTrip implements http.RoundTripper.
func (b *bench) RoundTrip(r *http.Request) (*http.Response, error) {
	if b.err != nil {
		return nil, b.err
	}
	w := httptest.NewRecorder()
	answered := make(chan struct{})
	go func() {
		defer close(answered)
		if b.front != nil {
			b.front(w, r)
		} else {
			b.server.ServeHTTP(w, r)
		}
	}()
	select {
	case <-answered:
		return w.Result(), nil
	case <-r.Context().Done():
		return nil, r.Context().Err()
	}
}

// credential reads its references from the bench's vault, as a reload does.
func (b *bench) applier(t *testing.T, c *config.Credential) *Applier {
	t.Helper()
	sources := maps.Collect(c.Sources())
	a, err := New(c, func(field string) secret.Value {
		b.mu.Lock()
		defer b.mu.Unlock()
		if s := sources[field]; !s.IsRef() {
			return s.Literal
		}
		return b.vault[sources[field].Ref]
	}, b.Tokens)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func asClient() *config.Credential {
	return &config.Credential{Type: config.ClientCredentials, OAuth: config.OAuth{TokenURL: "https://login.example/token", ClientID: lit("client"), ClientSecret: lit(clientSecret)}}
}

var refreshRef = secret.KeychainRef("mail", "refresh_token")

// asPerson is a credential whose refresh token is in the vault.
func (b *bench) asPerson(t *testing.T) *config.Credential {
	t.Helper()
	token, err := b.server.Allow()
	if err != nil {
		t.Fatal(err)
	}
	b.vault[refreshRef] = secret.New(token)
	c := asClient()
	c.Type, c.OAuth.RefreshToken = config.RefreshToken, secret.Source{Ref: refreshRef}
	return c
}

// token makes a call ready and gives the access token that it sends.
func token(ctx context.Context, a *Applier) (string, error) {
	ready, err := a.Ready(ctx)
	if err != nil {
		return "", err
	}
	r := &http.Request{Header: http.Header{"Authorization": {"the caller's"}}}
	if err := ready.Apply(r, ""); err != nil {
		return "", err
	}
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	if scheme != "Bearer" || len(r.Header["Authorization"]) != 1 {
		return "", fmt.Errorf("Authorization has the scheme %q", scheme)
	}
	return token, nil
}

func mustToken(t *testing.T, a *Applier) string {
	t.Helper()
	got, err := token(t.Context(), a)
	if err != nil {
		t.Fatal(err)
	}
	return got
}
