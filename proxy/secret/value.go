// Package secret holds the types that keep keys, passwords and tokens from
// being printed by accident, and the references that say where they are kept.
package secret

import (
	"crypto/subtle"
	"errors"
	"fmt"
	"io"
	"log/slog"
)

// Redacted is what a Value prints, in whatever way it is printed.
const Redacted = "[redacted]"

// Errors that a store of secrets answers with, wrapped with what to do next.
var (
	// ErrNotFound: the store was asked and has no such secret.
	ErrNotFound = errors.New("secret not found")
	// ErrLocked: the store is locked, or its owner did not let us in.
	ErrLocked = errors.New("the keychain is locked")
	// ErrUnavailable: there is no store, or it did not answer in time.
	ErrUnavailable = errors.New("no keychain is available")
)

// Value is a key, password or token. Every way of printing or encoding it
// gives Redacted; Reveal is the one way to the text, so that its uses can be
// counted with grep.
type Value struct {
	// A pointer, because fmt cannot call the methods of an unexported field and
	// would print its content; of a pointer in there it prints the address.
	text *string
}

// New wraps text. The empty text is the zero Value.
func New(text string) Value {
	if text == "" {
		return Value{}
	}
	return Value{&text}
}

// Reveal returns the secret itself.
func (v Value) Reveal() string {
	if v.text == nil {
		return ""
	}
	return *v.text
}

// IsZero reports whether there is no secret.
func (v Value) IsZero() bool { return v.text == nil }

// Len is the secret's length in bytes.
func (v Value) Len() int { return len(v.Reveal()) }

// Equal compares in constant time for equal lengths.
func (v Value) Equal(w Value) bool {
	return subtle.ConstantTimeCompare([]byte(v.Reveal()), []byte(w.Reveal())) == 1
}

// String implements fmt.Stringer.
func (Value) String() string { return Redacted }

// GoString implements fmt.GoStringer.
func (Value) GoString() string { return Redacted }

// Format implements fmt.Formatter: no verb, %x and %q included, gets past it.
func (Value) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, Redacted) }

// LogValue implements slog.LogValuer.
func (Value) LogValue() slog.Value { return slog.StringValue(Redacted) }

// MarshalJSON implements json.Marshaler.
func (Value) MarshalJSON() ([]byte, error) { return []byte(`"` + Redacted + `"`), nil }

// MarshalText implements encoding.TextMarshaler.
func (Value) MarshalText() ([]byte, error) { return []byte(Redacted), nil }
