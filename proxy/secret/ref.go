package secret

import (
	"fmt"
	"net/url"
	"strings"
)

// The schemes of a Ref.
const (
	Keychain = "keychain"
	Env      = "env"
	File     = "file"
)

// Ref says where a secret is kept: keychain://service/field, env://NAME or
// file:///absolute/path. It is not secret itself.
type Ref struct {
	Scheme  string // Keychain, Env or File
	Service string // of a keychain reference
	Field   string // of a keychain reference; the variable's name; the file's path
}

// KeychainRef names a field of a service in the OS keychain.
func KeychainRef(service, field string) Ref {
	return Ref{Scheme: Keychain, Service: service, Field: field}
}

// IsRef reports whether s is meant as a reference, well-formed or not.
func IsRef(s string) bool {
	for _, scheme := range []string{Keychain, Env, File} {
		if strings.HasPrefix(s, scheme+"://") {
			return true
		}
	}
	return false
}

// ParseRef reads a reference. Its errors never repeat s: a key that was typed
// in the wrong place must not end in a log.
func ParseRef(s string) (Ref, error) {
	scheme, rest, ok := strings.Cut(s, "://")
	if !ok {
		return Ref{}, fmt.Errorf("not a reference: want keychain://service/field, env://NAME or file:///path")
	}
	switch scheme {
	case Keychain:
		service, field, ok := strings.Cut(rest, "/")
		service, err1 := url.PathUnescape(service)
		field, err2 := url.PathUnescape(field)
		if !ok || err1 != nil || err2 != nil || !plain(service) || !plain(field) {
			return Ref{}, fmt.Errorf("a keychain reference is written keychain://service/field")
		}
		return KeychainRef(service, field), nil
	case Env:
		if !plain(rest) || strings.ContainsAny(rest, "=/") {
			return Ref{}, fmt.Errorf("an environment reference is written env://NAME")
		}
		return Ref{Scheme: Env, Field: rest}, nil
	case File:
		if !strings.HasPrefix(rest, "/") || !plain(rest) {
			return Ref{}, fmt.Errorf("a file reference is written file:///absolute/path")
		}
		return Ref{Scheme: File, Field: rest}, nil
	}
	return Ref{}, fmt.Errorf("unknown kind of reference: want keychain://, env:// or file://")
}

// plain refuses the empty string and control characters: macOS's security
// command, for one, cannot take a newline in a name.
func plain(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r == 0x7f })
}

// String is the reference as the config file writes it.
func (r Ref) String() string {
	switch r.Scheme {
	case "":
		return ""
	case Keychain:
		return Keychain + "://" + url.PathEscape(r.Service) + "/" + url.PathEscape(r.Field)
	}
	return r.Scheme + "://" + r.Field
}

// Source is what a secret field of the config holds: a literal, as in the
// Python original, or a reference. At most one of the two is set.
type Source struct {
	Literal Value
	Ref     Ref
}

// ParseSource takes a config field's text.
func ParseSource(s string) (Source, error) {
	if !IsRef(s) {
		return Source{Literal: New(s)}, nil
	}
	ref, err := ParseRef(s)
	return Source{Ref: ref}, err
}

// IsRef reports whether the secret is kept elsewhere.
func (s Source) IsRef() bool { return s.Ref != Ref{} }

// IsZero reports whether the field is empty.
func (s Source) IsZero() bool { return s == Source{} }
