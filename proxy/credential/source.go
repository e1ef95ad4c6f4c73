package credential

import (
	"context"
	"maps"
	"strings"
	"sync"
	"time"

	"golang.org/x/net/http/httpguts"
	"golang.org/x/oauth2"
	"golang.org/x/oauth2/clientcredentials"

	"lockbox/proxy/secret"
)

const (
	// fetchTime bounds the wait for a token endpoint, storeTime that for the
	// place of a refresh token.
	fetchTime = 15 * time.Second
	storeTime = 10 * time.Second
	// pause is how long a failure answers for the calls that come after it: a
	// provider may lock out a client that tries too often.
	pause = 2 * time.Second
	// A token is renewed, without anyone waiting for it, this long before it
	// ends; and it is not used in its last seconds, in which it could end on its
	// way. Both are less for one that does not live long.
	renewAhead = time.Minute
	stopAhead  = 10 * time.Second
)

// source gets the access tokens of one credential, one at a time.
type source struct {
	tokens *Tokens
	client *clientcredentials.Config
	grant  *grant // the refresh token; nil: the client asks on its own behalf

	mu      sync.Mutex
	token   *access // nil: none
	former  *access // the one before, which answers may still show
	held    *access // waits for its refresh token to be saved
	fetch   *fetch  // under way; nil: none
	fault   *Fault  // of the last fetch; nil: it went well
	again   time.Time
	version uint64
}

// access is an access token.
type access struct {
	value          secret.Value
	renew, expires time.Time // zero: it lives until it is refused
	renewed        int       // of the grant
}

// fetch is one that calls wait for.
type fetch struct {
	done  chan struct{} // closed when the rest is set
	token *access
	fault *Fault
}

// get returns an access token, of those there are or a new one. Calls at the
// same time wait for the same fetch, which goes on when they do not.
func (s *source) get(ctx context.Context) (secret.Value, error) {
	s.mu.Lock()
	now := time.Now()
	if t := s.token; t != nil && s.usable(t, now) {
		if !t.renew.IsZero() && !now.Before(t.renew) && !now.Before(s.again) {
			s.begin()
		}
		s.mu.Unlock()
		return t.value, nil
	}
	if s.fetch == nil && s.fault != nil && now.Before(s.again) {
		defer s.mu.Unlock()
		return secret.Value{}, s.fault
	}
	f := s.begin()
	s.mu.Unlock()
	select {
	case <-f.done:
	case <-ctx.Done():
		return secret.Value{}, context.Cause(ctx)
	}
	if f.fault != nil {
		return secret.Value{}, f.fault
	}
	return f.token.value, nil
}

// usable is called with mu held.
func (s *source) usable(t *access, now time.Time) bool {
	if s.grant != nil {
		if _, renewed := s.grant.current(); renewed != t.renewed {
			return false // of a refresh token that a person has replaced
		}
	}
	return t.expires.IsZero() || now.Before(t.expires)
}

// begin starts a fetch unless there is one. It is called with mu held.
func (s *source) begin() *fetch {
	if s.fetch != nil {
		return s.fetch
	}
	f := &fetch{done: make(chan struct{})}
	s.fetch = f
	ended := s.tokens.begin()
	go func() {
		defer ended()
		token, fault := s.obtain()
		if g := s.grant; g != nil && g.ref != (secret.Ref{}) && g.unsaved() {
			s.tokens.remember(g)
		}
		s.mu.Lock()
		defer s.mu.Unlock()
		s.fetch, s.fault = nil, fault
		if fault != nil {
			s.again = time.Now().Add(pause)
			s.tokens.log.Warn("no access token", "endpoint", s.endpoint(), "why", "it "+fault.Error())
		} else {
			s.drop()
			s.token, s.held, s.again = token, nil, time.Time{}
		}
		s.version++
		f.token, f.fault = token, fault
		close(f.done)
	}()
	return f
}

// obtain fetches a token. Of a refresh token that comes with it, the old one may
// be worthless already: the new one is saved before anything else.
func (s *source) obtain() (*access, *Fault) {
	ctx, cancel := context.WithTimeout(s.tokens.ctx, fetchTime)
	defer cancel()
	if s.grant == nil {
		return s.ask(ctx, secret.Value{}, 0)
	}
	select {
	case s.grant.using <- struct{}{}:
		defer func() { <-s.grant.using }()
	case <-ctx.Done():
		return nil, faultOf(ctx.Err(), true)
	}
	if fault := s.save(); fault != nil {
		return nil, fault
	}
	used, renewed := s.grant.current()
	s.mu.Lock()
	held := s.held
	usable := held != nil && s.usable(held, time.Now())
	s.mu.Unlock()
	if usable {
		return held, nil
	}
	token, fault := s.ask(ctx, used, renewed)
	s.mu.Lock()
	s.held = token
	s.version++
	s.mu.Unlock()
	if unsaved := s.save(); unsaved != nil {
		return nil, unsaved
	}
	return token, fault
}

// save saves a refresh token that was replaced, even when Lockbox is ending.
func (s *source) save() *Fault {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(s.tokens.ctx), storeTime)
	defer cancel()
	switch kept, err := s.grant.save(ctx, s.tokens.store); {
	case err != nil:
		s.tokens.log.Error("a refresh token that was replaced cannot be saved, and calls wait until it can", "endpoint", s.endpoint(), "ref", s.grant.ref.String(), "why", err)
		return unsaved(err)
	case !kept:
		s.tokens.log.Warn("a refresh token was replaced by its provider, where Lockbox cannot save the new one: it is lost when Lockbox ends; keep it in the keychain", "endpoint", s.endpoint(), "ref", s.grant.ref.String())
	}
	return nil
}

// endpoint is the token endpoint as the log names it.
func (s *source) endpoint() string {
	address, _, _ := strings.Cut(s.client.TokenURL, "?")
	return address
}

// ask makes the one request.
func (s *source) ask(ctx context.Context, refresh secret.Value, renewed int) (*access, *Fault) {
	client := &clientcredentials.Config{
		ClientID: s.client.ClientID, ClientSecret: s.client.ClientSecret, TokenURL: s.client.TokenURL,
		Scopes: s.client.Scopes, EndpointParams: maps.Clone(s.client.EndpointParams), AuthStyle: s.client.AuthStyle,
	}
	if s.grant != nil {
		// oauth2.Config would leave the scopes out of a refresh.
		client.EndpointParams.Set("grant_type", "refresh_token")
		client.EndpointParams.Set("refresh_token", refresh.Reveal())
	}
	began := time.Now()
	got, err := client.Token(context.WithValue(ctx, oauth2.HTTPClient, s.tokens.client))
	if err != nil {
		return nil, faultOf(err, s.grant != nil)
	}
	if s.grant != nil {
		s.grant.rotate(refresh, secret.New(got.RefreshToken))
	}
	switch strings.ToLower(got.TokenType) {
	case "mac", "pop", "dpop": // each request would have to be signed
		return nil, &Fault{"is of a type that Lockbox cannot send: have the provider give bearer tokens to this client"}
	}
	if !httpguts.ValidHeaderFieldValue(got.AccessToken) {
		return nil, &Fault{"cannot be fetched: the token endpoint gave one that no header can carry; check token_url"}
	}
	token := &access{value: secret.New(got.AccessToken), renewed: renewed}
	if !got.Expiry.IsZero() {
		life := time.Until(got.Expiry)
		token.renew = began.Add(life - min(renewAhead, life/5))
		token.expires = began.Add(life - min(stopAhead, life/10))
	}
	return token, nil
}

// refused forgets a token that the upstream did not take.
func (s *source) refused(value secret.Value) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.token != nil && s.token.value.Equal(value) {
		s.drop()
		s.version++
	}
}

// drop is called with mu held.
func (s *source) drop() {
	if s.token != nil {
		s.former, s.token = s.token, nil
	}
}

// live are the tokens that may show somewhere, and their version.
func (s *source) live() ([]secret.Value, uint64) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var secrets []secret.Value
	for _, t := range []*access{s.token, s.former, s.held} {
		if t != nil {
			secrets = append(secrets, t.value)
		}
	}
	version := s.version
	if s.grant != nil {
		value, renewed := s.grant.current()
		secrets = append(secrets, value)
		version += uint64(renewed) // #nosec G115 -- small and not negative
	}
	return secrets, version
}
