package token

import (
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/golang-jwt/jwt/v5"
)

// Why a token is refused. Their texts never hold any of it.
var (
	ErrNoKey        = errors.New("there is no signing key")
	ErrMalformed    = errors.New("the token is malformed")
	ErrSignature    = errors.New("the token's signature is not ours")
	ErrExpired      = errors.New("the token has expired")
	ErrIssuer       = errors.New("the token's issuer is not lockbox")
	ErrWrongService = errors.New("the token is for another service")
	ErrAudience     = errors.New("the token's audience is not allowed")
	ErrNotAdmin     = errors.New("the token is no admin token")
)

// Verifier checks tokens against one set of keys. It is immutable.
type Verifier struct {
	current []byte // nil: there is none
	former  []formerKey
}

type formerKey struct {
	key   []byte
	until time.Time
}

// NewVerifier prepares keys. A blank key is as good as none.
func NewVerifier(keys Keys) *Verifier {
	v := &Verifier{}
	if !blank(keys.Current) {
		v.current = []byte(keys.Current.Reveal())
	}
	for _, f := range keys.Former {
		if !blank(f.Key) {
			v.former = append(v.former, formerKey{[]byte(f.Key.Reveal()), f.Until})
		}
	}
	return v
}

// Service checks a service token for a service and its allowed audiences: nil
// allows any, the empty list none. A token without aud is refused, as the
// original does. When only the signature is good, the error comes with the
// claims, for the record.
func (v *Verifier) Service(raw, service string, audiences []string, now time.Time) (Claims, error) {
	c, err := v.verify(raw, now)
	switch {
	case err != nil:
		return c, err
	case c.Service != service:
		return c, ErrWrongService
	case len(c.Audience) == 0:
		return c, ErrAudience
	case audiences != nil && !slices.ContainsFunc(c.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return c, ErrAudience
	}
	return c, nil
}

// Admin checks an admin token. A good token of another kind gives ErrNotAdmin.
func (v *Verifier) Admin(raw string, now time.Time) (Claims, error) {
	c, err := v.verify(raw, now)
	if err == nil && !c.Admin {
		err = ErrNotAdmin
	}
	return c, err
}

// The parser's own claim checks are left out: verify makes each, in an order
// that says the most useful thing first.
var parser = jwt.NewParser(jwt.WithValidMethods([]string{"HS256"}), jwt.WithStrictDecoding(), jwt.WithoutClaimsValidation(), jwt.WithJSONNumber())

func (v *Verifier) verify(raw string, now time.Time) (Claims, error) {
	if v.current == nil && len(v.former) == 0 {
		return Claims{}, ErrNoKey
	}
	if len(raw) > MaxLength {
		return Claims{}, fmt.Errorf("%w: it is longer than %d bytes", ErrMalformed, MaxLength)
	}
	p := payload{}
	tok, err := parser.ParseWithClaims(raw, jwt.MapClaims(p), func(*jwt.Token) (any, error) { return v.keys(now), nil })
	switch {
	case errors.Is(err, jwt.ErrTokenSignatureInvalid), errors.Is(err, jwt.ErrTokenUnverifiable):
		return Claims{}, ErrSignature
	case err != nil:
		return Claims{}, ErrMalformed // the parser's own words may quote the token
	}
	// RFC 7515, section 4.1.11: an extension that must be understood and is not.
	if _, ok := tok.Header["crit"]; ok {
		return Claims{}, ErrMalformed
	}
	return p.check(now)
}

func (v *Verifier) keys(now time.Time) jwt.VerificationKeySet {
	var set jwt.VerificationKeySet
	if v.current != nil {
		set.Keys = append(set.Keys, v.current)
	}
	for _, f := range v.former {
		if now.Before(f.until) {
			set.Keys = append(set.Keys, f.key)
		}
	}
	return set
}

// payload is the claims as they are written. Their names are exact, unlike those
// that encoding/json gives the fields of a struct.
type payload jwt.MapClaims

func (p payload) check(now time.Time) (Claims, error) {
	c := Claims{Admin: p["admin"] == true}
	c.Service, _ = p["service_name"].(string)
	c.JTI, _ = p["jti"].(string)
	var ok bool
	if c.Audience, ok = stringOrList(p["aud"]); !ok {
		return c, ErrMalformed
	}
	if iat, has := p["iat"]; has {
		if c.IssuedAt, ok = moment(iat); !ok {
			return c, ErrMalformed
		}
	}
	if c.Expires, ok = moment(p["exp"]); !ok {
		return c, fmt.Errorf("%w: it has no expiry", ErrMalformed)
	}
	if p["iss"] != Issuer {
		return c, ErrIssuer
	}
	if !now.Before(c.Expires) {
		return c, ErrExpired
	}
	return c, nil
}

// stringOrList reads aud (RFC 7519, section 4.1.3).
func stringOrList(aud any) (list []string, ok bool) {
	switch aud := aud.(type) {
	case nil:
		return nil, true
	case string:
		return []string{aud}, true
	case []any:
		for _, a := range aud {
			s, ok := a.(string)
			if !ok {
				return nil, false
			}
			list = append(list, s)
		}
		return list, true
	}
	return nil, false
}

// maxMoment, in the year 9999, keeps a date further off from overflowing.
const maxMoment = 253402300799

// moment reads a NumericDate, which may have a fraction (RFC 7519, section 2).
func moment(v any) (time.Time, bool) {
	n, ok := v.(json.Number)
	if !ok {
		return time.Time{}, false
	}
	f, err := n.Float64()
	if err != nil || f < 0 {
		return time.Time{}, false
	}
	f = min(f, maxMoment)
	sec := int64(f)
	return time.Unix(sec, int64((f-float64(sec))*1e9)), true
}
