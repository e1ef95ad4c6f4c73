package vault

import (
	"context"
	"errors"
	"strings"
	"unicode"
	"unicode/utf8"

	"lockbox/proxy/secret"
)

// Error says what was tried, why it failed and what to do next. errors.Is tells
// secret.ErrLocked (Locked, Missing), secret.ErrUnavailable (NoService, NoBus,
// Unanswering, Unusable) and secret.ErrNotFound.
type Error struct {
	Op    string // such as "cannot read keychain://acme/token"
	State State  // of the store; Ready when the trouble is with this call alone
	Err   error  // the cause; nil when State says it all

	file string // the vault file that it is about; "": the keychain
}

// errDismissed is the cause when the person said no.
var errDismissed = errors.New("the prompt was cancelled, or the desktop could not show it; unlock again and enter the keychain's password")

// errAsks is the cause when the store wants a person's consent to a single call.
var errAsks = errors.New("the keychain wants each access confirmed; allow Lockbox in its settings, then try again")

// elsewhere is what to do without a keychain.
const elsewhere = `or keep secrets in a vault file ("vault": {"type": "file", "path": "vault.age"} in the config), or refer to them by env://NAME or file:///path`

// Error implements error.
func (e *Error) Error() string {
	if e.Op == "" {
		return e.words()
	}
	return e.Op + ": " + e.words()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Is maps the state to the errors that every store of secrets answers with.
func (e *Error) Is(target error) bool {
	switch e.State {
	case Locked, Missing:
		return target == secret.ErrLocked
	case NoService, NoBus, Unanswering, Unusable:
		return target == secret.ErrUnavailable
	}
	return false
}

func (e *Error) words() string {
	if e.file != "" {
		return e.fileWords()
	}
	switch {
	case errors.Is(e.Err, secret.ErrNotFound):
		return "the keychain has no such secret; enter it in Lockbox's window"
	case errors.Is(e.Err, errDismissed), errors.Is(e.Err, errAsks):
		return e.Err.Error()
	case errors.Is(e.Err, context.Canceled):
		return "given up before the keychain answered"
	}
	switch e.State {
	case Locked:
		if errors.Is(e.Err, context.DeadlineExceeded) {
			return "nobody answered the unlock prompt in time; unlock again and enter the keychain's password"
		}
		return "the keychain is locked; unlock it here, or log in to the desktop"
	case Missing:
		return "this account has no keychain yet; unlock here to make one, with your login password if the next login shall open it"
	case NoService:
		return "no keychain program runs here; " + startOne + ", " + elsewhere
	case NoBus:
		return "no keychain can be reached, for there is no D-Bus session bus; start Lockbox inside your desktop session, " + elsewhere
	case Unanswering:
		if e.Err != nil && !errors.Is(e.Err, context.DeadlineExceeded) {
			return "the keychain failed; try again, or log out and in: " + e.Err.Error()
		}
		return "the keychain does not answer; try again, or log out and in"
	}
	if e.Err != nil {
		return e.Err.Error()
	}
	return "the keychain is " + e.State.String()
}

// sentence is the error's text, able to stand alone.
func (e *Error) sentence() string {
	words := e.words()
	first, n := utf8.DecodeRuneInString(words)
	return string(unicode.ToUpper(first)) + strings.TrimSuffix(words[n:], ".") + "."
}

// failure gives an error of a store its operation. One that is no Error yet is
// about the call alone when the secret is absent, else about a keychain that did
// not do what was asked.
func failure(op string, err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return &Error{Op: op, State: e.State, Err: e.Err}
	case errors.Is(err, secret.ErrNotFound), errors.Is(err, errors.ErrUnsupported):
		return &Error{Op: op, State: Ready, Err: err}
	}
	return &Error{Op: op, State: Unanswering, Err: err}
}
