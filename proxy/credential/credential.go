// Package credential puts a service's credential on requests to its upstream.
package credential

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// ErrEmpty is wrapped by New's error when a field that cannot be empty is.
var ErrEmpty = errors.New("is empty")

// Applier sets the headers of one credential. It is immutable and holds the
// credential's secrets.
type Applier struct {
	headers []header
	secrets []secret.Value
}

type header struct {
	name  string // canonical
	value secret.Value
}

// New prepares a credential whose secrets were read: resolved gives the value of
// a field by its name in config.Credential.Sources. A nil c gives an Applier that
// applies nothing. It refuses values that a header cannot carry; its errors name
// the field and never hold a value.
func New(c *config.Credential, resolved func(field string) secret.Value) (*Applier, error) {
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
		for _, h := range c.Headers {
			value := trim(resolved("headers/" + h.Name))
			if value.IsZero() {
				return nil, fmt.Errorf("headers/%s %w", h.Name, ErrEmpty)
			}
			a.set(h.Name, value)
			a.secrets = append(a.secrets, value)
		}
	default:
		return nil, fmt.Errorf("type %q is not one that this version knows", c.Type)
	}
	return a, nil
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
	pair := secret.New(username.Reveal() + ":" + password.Reveal())
	a.set("Authorization", secret.New("Basic "+base64.StdEncoding.EncodeToString([]byte(pair.Reveal()))))
	a.secrets = append(a.secrets, pair)
	if !password.IsZero() {
		a.secrets = append(a.secrets, password)
	}
	// A user name such as "admin" is no secret, and taking it for one would
	// black out every admin in the audit log.
	if !username.IsZero() && (password.IsZero() || c.Username.IsRef()) {
		a.secrets = append(a.secrets, username)
	}
	return nil
}

func (a *Applier) set(name string, value secret.Value) {
	a.headers = append(a.headers, header{textproto.CanonicalMIMEHeaderKey(name), value})
}

// Apply sets the credential's headers on a request to the upstream, in place of
// any of the same name.
func (a *Applier) Apply(h http.Header) {
	for _, x := range a.headers {
		h[x.name] = []string{x.value.Reveal()}
	}
}

// HeaderNames are the canonical names of the headers that Apply sets.
func (a *Applier) HeaderNames() []string {
	names := make([]string, len(a.headers))
	for i, x := range a.headers {
		names[i] = x.name
	}
	return names
}

// Secrets are the texts that must not get out: into the audit log, for one. Those
// of a basic credential include "user:password".
func (a *Applier) Secrets() []secret.Value { return slices.Clone(a.secrets) }

// checkValue refuses what RFC 9110, section 5.5 bars from a field value, and
// RFC 7617, section 2 from a user name and password. As part of a key it is most
// often a newline that came along with the clipboard.
func checkValue(v secret.Value) error {
	text := v.Reveal()
	for i := range len(text) {
		if c := text[i]; c < ' ' && c != '\t' || c == 0x7f {
			return errors.New("holds a line break or another control character, which a header cannot carry: store it again without")
		}
	}
	return nil
}

// trim drops the space around a header's value, which no receiver counts as part
// of it: what the upstream echoes, and the audit log looks for, is without.
func trim(v secret.Value) secret.Value { return secret.New(strings.Trim(v.Reveal(), " \t")) }
