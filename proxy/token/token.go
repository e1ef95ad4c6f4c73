// Package token makes and checks the JWTs that open Lockbox: service tokens,
// which open one service, and admin tokens. They are readable by and from the
// Python original: HS256, iss "lockbox", exp, service_name and aud, or admin.
package token

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/google/uuid"

	"lockbox/proxy/secret"
)

const (
	// Issuer is every token's iss. Tokens that are out depend on it.
	Issuer = "lockbox"
	// MaxLength bounds a token that is looked at, in bytes.
	MaxLength = 8192
	// WeakKeyLength is the length in bytes below which a signing key can be
	// guessed (RFC 7518, section 3.2).
	WeakKeyLength = 32
)

// Claims are what a token says, once its signature was found good.
type Claims struct {
	Service  string
	Audience []string
	JTI      string    // "" in tokens of the original
	IssuedAt time.Time // zero in tokens of the original
	Expires  time.Time
	Admin    bool
}

// Keys are the signing keys: one to sign with, and former ones that still
// verify for a while. The zero Keys accept nothing.
type Keys struct {
	Current secret.Value
	Former  []FormerKey
}

// Shortest is the length of the shortest key that verifies, in bytes.
func (k Keys) Shortest() int {
	n := k.Current.Len()
	for _, f := range k.Former {
		n = min(n, f.Key.Len())
	}
	return n
}

// FormerKey verifies tokens until a moment.
type FormerKey struct {
	Key   secret.Value
	Until time.Time
}

// NewKey makes a signing key of 256 random bits.
func NewKey() secret.Value {
	var b [32]byte
	_, _ = rand.Read(b[:]) // never fails: crypto/rand ends the program instead
	return secret.New(base64.RawURLEncoding.EncodeToString(b[:]))
}

// Issue signs a service token. It fails without a key, service or audience, and
// for a lifetime that is not positive.
func Issue(key secret.Value, service, audience string, lifetime time.Duration, now time.Time) (secret.Value, Claims, error) {
	if service == "" || audience == "" {
		return secret.Value{}, Claims{}, errors.New("a service token needs a service and an audience")
	}
	c := Claims{Service: service, Audience: []string{audience}, JTI: uuid.NewString(), IssuedAt: now.Truncate(time.Second), Expires: now.Add(lifetime).Truncate(time.Second)}
	raw, err := sign(key, lifetime, jwt.MapClaims{
		"iss": Issuer, "iat": c.IssuedAt.Unix(), "exp": c.Expires.Unix(), "jti": c.JTI,
		"service_name": service, "aud": audience,
	})
	if err != nil {
		return secret.Value{}, Claims{}, err
	}
	return raw, c, nil
}

// IssueAdmin signs an admin token, under Issue's conditions.
func IssueAdmin(key secret.Value, lifetime time.Duration, now time.Time) (secret.Value, error) {
	return sign(key, lifetime, jwt.MapClaims{"iss": Issuer, "iat": now.Unix(), "exp": now.Add(lifetime).Unix(), "jti": uuid.NewString(), "admin": true})
}

func sign(key secret.Value, lifetime time.Duration, c jwt.MapClaims) (secret.Value, error) {
	if blank(key) {
		return secret.Value{}, ErrNoKey
	}
	if lifetime <= 0 {
		return secret.Value{}, fmt.Errorf("a token's lifetime must be positive, not %v", lifetime)
	}
	raw, err := jwt.NewWithClaims(jwt.SigningMethodHS256, c).SignedString([]byte(key.Reveal()))
	if err != nil {
		return secret.Value{}, fmt.Errorf("the token could not be signed: %w", err)
	}
	return secret.New(raw), nil
}

// blank: such a key would let anyone in.
func blank(key secret.Value) bool { return strings.TrimSpace(key.Reveal()) == "" }
