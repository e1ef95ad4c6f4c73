package backend

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// maxLabel bounds a token's label, in bytes.
const maxLabel = 100

// saveCallsEvery is how often it is written down how often tokens were used.
const saveCallsEvery = 5 * time.Second

// TokenInfo is a token in the list of those that are out.
type TokenInfo = register.Info

// Token is a service token with what it was made for.
type Token struct {
	Value    secret.Value
	ID       string // in the list
	Label    string
	Service  string
	Audience string
	Expires  time.Time
}

// TokenRequest says what token is wanted. An empty audience takes the default,
// which gives way to the first that the service allows; no lifetime and no end
// take the default lifetime.
type TokenRequest struct {
	Service, Audience, Label string
	Lifetime                 time.Duration // 0: until Expires
	Expires                  time.Time
}

// TokenList is the list of tokens by itself, for a command: a Lockbox that runs
// with the same options sees what is done to it, and the other way round.
type TokenList = register.Register

// OpenTokens opens the list of tokens.
func OpenTokens(o Options) (*TokenList, error) { return register.Open(tokensPath(o), o.Logger) }

// CheckToken says what is wrong with a request, by field: "service", "audience",
// "label" and "expires".
func (b *Backend) CheckToken(r TokenRequest) Fields {
	bad := Fields{}
	cfg := b.server.Config()
	switch {
	case r.Service == "":
		bad["service"] = "choose a service"
	case cfg == nil || cfg.Services[r.Service] == nil:
		bad["service"] = fmt.Sprintf("there is no service %q", r.Service)
	case r.Audience != "" && !allows(cfg.Services[r.Service], r.Audience):
		bad["audience"] = fmt.Sprintf("%s does not accept %q: allow it in the service's form", r.Service, r.Audience)
	}
	if r.Audience != "" && bad["audience"] == "" {
		if err := config.CheckAudience(r.Audience); err != nil {
			bad["audience"] = "the audience " + err.Error()
		}
	}
	if len(r.Label) > maxLabel || strings.ContainsFunc(r.Label, func(c rune) bool { return c < ' ' }) {
		bad["label"] = fmt.Sprintf("a label is a line of at most %d letters", maxLabel)
	}
	switch {
	case r.Lifetime < 0, r.Lifetime == 0 && !r.Expires.IsZero() && !r.Expires.After(time.Now()):
		bad["expires"] = "the token would have expired already"
	case r.Lifetime > maxLifetime, time.Until(r.Expires) > maxLifetime:
		bad["expires"] = "a token is good for a hundred years at most"
	}
	return bad
}

// maxLifetime: beyond, a date is a slip of the finger rather than a wish.
const maxLifetime = 100 * 365 * 24 * time.Hour

func allows(svc *config.Service, audience string) bool {
	return svc.ValidAudiences == nil || slices.Contains(svc.ValidAudiences, audience)
}

// NewToken signs a service token and puts it on the list. The error is Fields
// where the request is at fault.
func (b *Backend) NewToken(ctx context.Context, r TokenRequest) (Token, error) {
	if err := b.unlocked(); err != nil {
		return Token{}, err
	}
	r.Audience, r.Label = strings.TrimSpace(r.Audience), strings.TrimSpace(r.Label)
	if bad := b.CheckToken(r); len(bad) > 0 {
		return Token{}, bad
	}
	now := time.Now()
	lifetime := r.Lifetime
	switch {
	case lifetime > 0:
	case !r.Expires.IsZero():
		lifetime = r.Expires.Sub(now)
	default:
		lifetime = b.View().Token.Lifetime
	}
	audience := r.Audience
	if audience == "" {
		var err error
		if audience, err = b.usualAudience(r.Service); err != nil {
			return Token{}, err
		}
	}
	key, err := b.currentKey(ctx)
	if err != nil {
		return Token{}, err
	}
	value, claims, err := token.Issue(key, r.Service, audience, lifetime, now)
	if err != nil {
		return Token{}, err
	}
	if err := b.tokens.Add(r.Label, claims); err != nil {
		return Token{}, fmt.Errorf("no token was made: %w", err)
	}
	b.publish()
	return Token{value, claims.JTI, r.Label, r.Service, audience, claims.Expires}, nil
}

// MakeToken is NewToken without a label.
func (b *Backend) MakeToken(ctx context.Context, service, audience string, lifetime time.Duration) (Token, error) {
	return b.NewToken(ctx, TokenRequest{Service: service, Audience: audience, Lifetime: lifetime})
}

// usualAudience is the default one, or the first that the service allows.
func (b *Backend) usualAudience(service string) (string, error) {
	usual := b.View().Token.Audience
	cfg := b.server.Config()
	if cfg == nil || cfg.Services[service] == nil {
		return "", fmt.Errorf("there is no service %q", service)
	}
	allowed := cfg.Services[service].ValidAudiences
	switch {
	case allows(cfg.Services[service], usual):
		return usual, nil
	case len(allowed) == 0:
		return "", fmt.Errorf("%s accepts no audience, so no token would open it: allow one in the service's form", service)
	}
	return allowed[0], nil
}

// currentKey is what signs tokens.
func (b *Backend) currentKey(ctx context.Context) (secret.Value, error) {
	if key := b.server.Keys().Current; !key.IsZero() {
		return key, nil
	}
	if _, err := b.server.Reload(ctx); err != nil {
		return secret.Value{}, err
	}
	key := b.server.Keys().Current
	if key.IsZero() {
		return key, fmt.Errorf("no token can be made: %s", b.server.Report().KeyProblem)
	}
	return key, nil
}

// Tokens are those that are out, the newest first, and those that no longer are.
func (b *Backend) Tokens() []TokenInfo { return b.tokens.List() }

// TokenByID is one of Tokens.
func (b *Backend) TokenByID(id string) (TokenInfo, bool) { return b.tokens.Get(id) }

// LastAudiences are up to n audiences that a service's tokens were made for, the
// last one first.
func (b *Backend) LastAudiences(service string, n int) []string {
	return b.lastAudiences([]string{service}, n)[service]
}

// lastAudiences goes through the list once.
func (b *Backend) lastAudiences(services []string, n int) map[string][]string {
	out := map[string][]string{}
	cfg := b.server.Config()
	if cfg == nil {
		return out
	}
	wanted := map[string]*config.Service{}
	for _, name := range services {
		if svc := cfg.Services[name]; svc != nil {
			wanted[name] = svc
		}
	}
	for _, t := range b.tokens.List() {
		svc, known := wanted[t.Service], out[t.Service]
		if svc == nil || len(known) >= n {
			continue
		}
		for _, a := range t.Audience {
			if len(known) < n && !slices.Contains(known, a) && allows(svc, a) {
				known = append(known, a)
			}
		}
		out[t.Service] = known
	}
	return out
}

// OfferedAudiences are up to n audiences for each of some services that a person
// may want a token for: those of LastAudiences, and where there is room the usual
// one.
func (b *Backend) OfferedAudiences(services []string, n int) map[string][]string {
	out := b.lastAudiences(services, n)
	for _, name := range services {
		usual, err := b.usualAudience(name)
		if err == nil && len(out[name]) < n && !slices.Contains(out[name], usual) {
			out[name] = append(out[name], usual)
		}
	}
	return out
}

// RevokeToken ends a token: the next call with it is refused.
func (b *Backend) RevokeToken(_ context.Context, id string) error {
	err := b.tokens.Revoke(id, time.Now())
	b.publish()
	return err
}

// RevokeTokens ends every token of a service and an audience that was made up to
// now, "" being any, and says how many of the list those are.
func (b *Backend) RevokeTokens(_ context.Context, service, audience string) (n int, err error) {
	n, err = b.tokens.RevokeAll(service, audience, time.Now())
	b.publish()
	return n, err
}

// LiveTokens are those that RevokeTokens would end.
func (b *Backend) LiveTokens(service, audience string) []TokenInfo {
	return b.tokens.Covered(service, audience, time.Now())
}

// watchTokens follows what other processes do to the list: lockbox token and
// lockbox panic.
func (b *Backend) watchTokens(ctx context.Context) {
	path := tokensPath(b.opts)
	trouble := func(err error) {
		b.opts.Logger.Warn("tokens that a command makes or revokes may go unnoticed", "path", path, "why", err)
	}
	if err := config.Watch(ctx, path, func() { b.tokensChanged(ctx) }, trouble); err != nil {
		trouble(err)
	}
}

func (b *Backend) tokensChanged(ctx context.Context) {
	if err := b.tokens.Sync(); err != nil {
		b.opts.Logger.Error("the list of tokens was changed and cannot be read, so no token passes", "why", err)
		b.publish()
		return
	}
	b.obeyPanic()
	b.mu.Lock()
	replaced := b.keysSeen != b.tokens.KeyChanges()
	b.mu.Unlock()
	if replaced && b.server.Config() != nil {
		_ = b.Reload(ctx) // its trouble is in the View
	}
	b.publish()
}

// saveCalls writes down now and then how often tokens were used, and at once what
// was new about that.
func (b *Backend) saveCalls(ctx context.Context) {
	tick := time.NewTicker(saveCallsEvery)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-tick.C:
		case <-b.sighted:
		case <-ctx.Done():
			return
		}
		if b.tokens.Trouble() != nil && b.tokens.Sync() == nil { // which may be over without a change of the file
			b.tokensChanged(ctx)
		}
		err := errors.Join(b.noteResumed(), b.tokens.Flush())
		if err != nil && !told {
			b.opts.Logger.Error("how often tokens were used cannot be written down", "why", err)
		}
		told = err != nil
	}
}

// What TokenInfo.Kind says.
const (
	TokenMade     = register.Made
	TokenSeen     = register.Seen
	TokenOriginal = register.Original
)
