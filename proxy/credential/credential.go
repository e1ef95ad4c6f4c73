// Package credential puts a service's credential on requests to its upstream.
package credential

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"
	"sync"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// ErrEmpty is wrapped by New's error when a field that cannot be empty is.
var ErrEmpty = errors.New("is empty")

// Applier puts one credential on requests. But for the access token of an OAuth
// credential it is immutable; it holds the credential's secrets.
type Applier struct {
	headers []header
	params  query
	source  *source      // of access tokens; nil: needs none
	signer  *signer      // nil: signs nothing
	segment secret.Value // of the path, from its slash on, encoded; zero: none
	secrets []secret.Value
}

type header struct {
	name  string // canonical
	value secret.Value
}

// New prepares a credential whose secrets were read: resolved gives the value of
// a field by its name in config.Credential.Sources. tokens has the access tokens
// of OAuth credentials. A nil c gives an Applier that applies nothing. It refuses
// values that no request can carry; its errors name the field and never hold a
// value.
func New(c *config.Credential, resolved func(field string) secret.Value, tokens *Tokens) (*Applier, error) {
	a := &Applier{}
	if c == nil {
		return a, nil
	}
	for field := range c.Sources() {
		if err := checkValue(resolved(field)); err != nil {
			return nil, fmt.Errorf("%s %w", field, err)
		}
	}
	switch c.Type {
	case config.Basic:
		return a, a.basic(c, resolved("username"), resolved("password"))
	case config.Bearer:
		token := trim(resolved("token"))
		if token.IsZero() {
			return nil, fmt.Errorf("token %w", ErrEmpty)
		}
		a.set("Authorization", secret.New("Bearer "+token.Reveal()))
		a.secrets = append(a.secrets, token)
	case config.Headers:
		return a, a.fixed(c, resolved)
	case config.Query:
		return a, a.query(c, resolved)
	case config.ClientCredentials, config.RefreshToken:
		return a, a.oauth(c, resolved, tokens)
	case config.SigV4:
		return a, a.aws(c, resolved)
	case config.Path:
		return a, a.path(c, resolved("token"))
	default:
		return nil, fmt.Errorf("type %q is not one that this version knows", c.Type)
	}
	return a, nil
}

func (a *Applier) fixed(c *config.Credential, resolved func(string) secret.Value) error {
	for _, h := range c.Headers {
		value := trim(resolved("headers/" + h.Name))
		if value.IsZero() {
			return fmt.Errorf("headers/%s %w", h.Name, ErrEmpty)
		}
		a.set(h.Name, value)
		a.secrets = append(a.secrets, value)
		a.secrets = append(a.secrets, within(value.Reveal())...)
	}
	return nil
}

// basic takes an empty user name or password, since some APIs want the key as
// the one and nothing as the other, but not both empty.
func (a *Applier) basic(c *config.Credential, username, password secret.Value) error {
	if username.IsZero() && password.IsZero() {
		return fmt.Errorf("password %w", ErrEmpty)
	}
	// RFC 7617, section 2: the first colon ends the user name.
	if strings.Contains(username.Reveal(), ":") {
		return errors.New("username cannot hold a colon: everything after it would be read as the password")
	}
	coded, secrets := pair(username, password)
	a.set("Authorization", secret.New("Basic "+coded.Reveal()))
	a.secrets = append(a.secrets, secrets...)
	// A user name such as "admin" is no secret, and taking it for one would
	// black out every admin in the audit log.
	if !username.IsZero() && !password.IsZero() && c.Username.IsRef() {
		a.secrets = append(a.secrets, username)
	}
	return nil
}

func (a *Applier) set(name string, value secret.Value) {
	a.headers = append(a.headers, header{textproto.CanonicalMIMEHeaderKey(name), value})
}

// HeaderNames are the canonical names of the headers that belong to the
// credential, and so not to the caller.
func (a *Applier) HeaderNames() []string {
	switch {
	case a.source != nil:
		return []string{"Authorization"}
	case a.signer != nil:
		return []string{"Authorization", dateHeader, sessionHeader}
	}
	names := make([]string, len(a.headers))
	for i, x := range a.headers {
		names[i] = x.name
	}
	return names
}

// Secrets are the texts of the credential that must not get out: into the audit
// log, for one. Those of a basic credential include "user:password", and those of
// "Bot TOKEN" the token. Of access tokens see Live.
func (a *Applier) Secrets() []secret.Value { return slices.Clone(a.secrets) }

// Fixed are the headers that the credential consists of. It reports false for one
// that is more than headers, or not the same for all calls.
func (a *Applier) Fixed() (http.Header, bool) {
	h := http.Header{}
	for _, x := range a.headers {
		h[x.name] = []string{x.value.Reveal()}
	}
	return h, a.source == nil && a.signer == nil && !a.InURL()
}

// InURL reports whether the credential is part of the URLs of its requests.
func (a *Applier) InURL() bool { return len(a.params) > 0 || !a.segment.IsZero() }

// Changes reports whether the credential has secrets that come to be while it is
// in use: Live has them.
func (a *Applier) Changes() bool { return a.source != nil }

// Live are the secrets that came to be since the credential was read, which are
// the tokens that an OAuth server gave, and a number that is another one when
// they are others.
func (a *Applier) Live() (secrets []secret.Value, version uint64) {
	if a.source == nil {
		return nil, 0
	}
	return a.source.live()
}

// Ready gets what one call needs of the credential: for OAuth an access token,
// which may have to be fetched. An error that is no context's is a *Fault.
func (a *Applier) Ready(ctx context.Context) (*Ready, error) {
	r := &Ready{applier: a}
	if a.source != nil {
		token, err := a.source.get(ctx)
		if err != nil {
			return nil, err
		}
		r.token = token
	}
	return r, nil
}

// Ready is a credential for the requests of one call: more than one where
// redirects are followed.
type Ready struct {
	applier *Applier
	token   secret.Value

	mu         sync.Mutex
	signatures []secret.Value
}

// Apply puts the credential on a request to its upstream, in place of whatever
// the request has in its places. base is the path of the upstream's base URL, as
// encoded. It changes the request's header map and URL.
// Only a signature reads the body, and only one that is small.
func (x *Ready) Apply(r *http.Request, base string) error {
	a := x.applier
	for _, h := range a.headers {
		r.Header[h.name] = []string{h.value.Reveal()}
	}
	if len(a.params) > 0 {
		r.URL.RawQuery = a.params.put(r.URL.RawQuery)
	}
	if !a.segment.IsZero() {
		if err := a.insert(r.URL, base); err != nil {
			return err
		}
	}
	if a.source != nil {
		r.Header["Authorization"] = []string{"Bearer " + x.token.Reveal()}
	}
	if a.signer == nil {
		return nil
	}
	signature, err := a.signer.sign(r, time.Now())
	x.mu.Lock()
	defer x.mu.Unlock()
	x.signatures = append(x.signatures, signature)
	return err
}

// Refused has the next call fetch a new access token: the upstream answered 401
// to the one of this call.
func (x *Ready) Refused() {
	if x.applier.source != nil {
		x.applier.source.refused(x.token)
	}
}

// Secrets are those of this call alone: its access token and its signatures.
func (x *Ready) Secrets() []secret.Value {
	x.mu.Lock()
	defer x.mu.Unlock()
	secrets := slices.Clone(x.signatures)
	if !x.token.IsZero() {
		secrets = append(secrets, x.token)
	}
	return secrets
}

// checkValue refuses what RFC 9110, section 5.5 bars from a field value, and
// RFC 7617, section 2 from a user name and password. As part of a key it is most
// often a newline that came along with the clipboard.
func checkValue(v secret.Value) error {
	text := v.Reveal()
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("holds a line break or another control character, which is no part of it: store it again without")
		}
	}
	return nil
}

// trim drops the space around a header's value, which no receiver counts as part
// of it: what the upstream echoes, and the audit log looks for, is without.
func trim(v secret.Value) secret.Value { return secret.New(strings.Trim(v.Reveal(), " \t")) }
