package credential

import (
	"context"
	"crypto/sha256"
	"encoding/json"
	"fmt"
	"log/slog"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// closeTime is how long Close lets token endpoints answer. It comes after the
// drain of the server, which has ten seconds in all.
const closeTime = 500 * time.Millisecond

// Tokens has the access tokens of OAuth credentials, so that they outlive a
// reload, and services with the same credential share them.
type Tokens struct {
	client *http.Client
	store  func(context.Context, secret.Ref, secret.Value) error
	log    *slog.Logger

	ctx  context.Context // of the fetches
	stop context.CancelFunc
	work sync.WaitGroup

	mu      sync.Mutex
	sources map[[sha256.Size]byte]*source
	grants  map[secret.Ref]*grant
	fetches int           // under way
	resting chan struct{} // closed when there are none; nil: nobody waits for that
	closed  bool
}

// NewTokens makes an empty store of access tokens, which it fetches through
// transport. store saves a refresh token that its provider replaced; a nil one
// saves none.
func NewTokens(transport http.RoundTripper, store func(context.Context, secret.Ref, secret.Value) error, log *slog.Logger) *Tokens {
	t := &Tokens{
		store: store, log: log,
		sources: map[[sha256.Size]byte]*source{}, grants: map[secret.Ref]*grant{},
		client: &http.Client{
			Transport: transport,
			// A redirect would take the client's secret elsewhere.
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
		},
	}
	t.ctx, t.stop = context.WithCancel(context.Background())
	return t
}

// Close waits for the fetches under way, but not long for those that hang, and
// has none begin. A refresh token that came by then is saved.
func (t *Tokens) Close() {
	t.mu.Lock()
	t.closed = true
	t.mu.Unlock()
	defer time.AfterFunc(closeTime, t.stop).Stop()
	t.work.Wait()
	t.stop()
}

// begin notes that a fetch begins, and returns what is to be called at its end.
// After Close its context has ended.
func (t *Tokens) begin() (ended func()) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.closed {
		t.stop()
		return func() {}
	}
	t.work.Add(1)
	t.fetches++
	return t.end
}

func (t *Tokens) end() {
	t.mu.Lock()
	t.fetches--
	if t.fetches == 0 && t.resting != nil {
		close(t.resting)
		t.resting = nil
	}
	t.mu.Unlock()
	t.work.Done()
}

// remember keeps a grant that Drop would have kept, had it known.
func (t *Tokens) remember(g *grant) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.grants[g.ref] == nil {
		t.grants[g.ref] = g
	}
}

// Rest waits until no fetch is under way, or ctx ends.
func (t *Tokens) Rest(ctx context.Context) {
	t.mu.Lock()
	if t.fetches > 0 && t.resting == nil {
		t.resting = make(chan struct{})
	}
	resting := t.resting
	t.mu.Unlock()
	if resting == nil {
		return
	}
	select {
	case <-resting:
	case <-ctx.Done():
	}
}

// Drop forgets all tokens but the refresh tokens that were replaced by their
// provider and could not be saved yet: those are nowhere else.
func (t *Tokens) Drop() {
	t.mu.Lock()
	defer t.mu.Unlock()
	clear(t.sources)
	maps.DeleteFunc(t.grants, func(_ secret.Ref, g *grant) bool { return !g.unsaved() })
}

// Keep forgets the tokens of credentials that none of these has any more.
func (t *Tokens) Keep(appliers []*Applier) {
	used, grants := map[*source]bool{}, map[*grant]bool{}
	for _, a := range appliers {
		if a.source != nil {
			used[a.source], grants[a.source.grant] = true, true
		}
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	for key, s := range t.sources {
		if !used[s] {
			delete(t.sources, key)
		}
	}
	for ref, g := range t.grants {
		if !grants[g] {
			delete(t.grants, ref)
		}
	}
}

func (a *Applier) oauth(c *config.Credential, resolved func(string) secret.Value, tokens *Tokens) error {
	o := &c.OAuth
	id, key, refresh := trim(resolved("client_id")), trim(resolved("client_secret")), trim(resolved("refresh_token"))
	switch {
	case id.IsZero():
		return fmt.Errorf("client_id %w", ErrEmpty)
	case key.IsZero() && (c.Type == config.ClientCredentials || !o.ClientSecret.IsZero()):
		return fmt.Errorf("client_secret %w", ErrEmpty)
	case refresh.IsZero() && c.Type == config.RefreshToken:
		return fmt.Errorf("refresh_token %w", ErrEmpty)
	}
	params := url.Values{}
	for _, p := range o.ExtraParams {
		value := trim(resolved("extra_params/" + p.Name))
		params.Set(p.Name, value.Reveal())
		if p.Value.IsRef() {
			a.secrets = append(a.secrets, value)
		}
	}
	if o.Audience != "" {
		params.Set("audience", o.Audience)
	}
	a.secrets = append(a.secrets, nonZero(key, refresh)...)
	if o.ClientID.IsRef() {
		a.secrets = append(a.secrets, id)
	}
	style := oauth2.AuthStyleInHeader
	if o.AuthStyle == config.AuthInParams || o.AuthStyle == "" && key.IsZero() {
		style = oauth2.AuthStyleInParams
	}
	a.source = tokens.source(c, refresh, &clientcredentials.Config{
		ClientID: id.Reveal(), ClientSecret: key.Reveal(), TokenURL: o.TokenURL,
		Scopes: slices.Clone(o.Scopes), EndpointParams: params, AuthStyle: style,
	})
	return nil
}

func nonZero(values ...secret.Value) []secret.Value {
	return slices.DeleteFunc(values, secret.Value.IsZero)
}

// source is the one for a credential: the same for the same credential.
func (t *Tokens) source(c *config.Credential, refresh secret.Value, client *clientcredentials.Config) *source {
	t.mu.Lock()
	defer t.mu.Unlock()
	ref := c.OAuth.RefreshToken.Ref
	literal := ""
	if !c.OAuth.RefreshToken.IsRef() {
		literal = refresh.Reveal()
	}
	text, err := json.Marshal([]any{
		c.Type, client.TokenURL, client.ClientID, client.ClientSecret, client.Scopes, client.EndpointParams, client.AuthStyle, ref, literal,
	})
	if err != nil { // strings and lists of them: cannot be
		panic(err)
	}
	key := sha256.Sum256(text)
	s, ok := t.sources[key]
	if !ok {
		s = &source{tokens: t, client: client, grant: t.grant(c, refresh)}
		t.sources[key] = s
	}
	if s.grant != nil {
		s.grant.offer(refresh)
	}
	return s
}

// grant is the one of a credential with a refresh token, nil of another. It is
// called with mu held.
func (t *Tokens) grant(c *config.Credential, refresh secret.Value) *grant {
	ref := c.OAuth.RefreshToken.Ref
	switch {
	case c.Type != config.RefreshToken:
		return nil
	case !c.OAuth.RefreshToken.IsRef():
		return newGrant(ref, refresh)
	}
	if t.grants[ref] == nil {
		t.grants[ref] = newGrant(ref, refresh)
	}
	return t.grants[ref]
}
