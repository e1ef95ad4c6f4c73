// Package vault reads and writes secrets by reference: in the keychain of the
// operating system or a file under a passphrase, in environment variables and in
// files.
//
// On Linux the keychain is the Secret Service (gnome-keyring, KWallet, KeePassXC),
// spoken to over connections of our own, not through go-keyring: that one waits without
// end for prompts and replies, on the connection that the tray listens on too.
// Its items are laid out as go-keyring's are, so that either finds the other's.
// Elsewhere go-keyring does the work.
package vault

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"lockbox/proxy/secret"
)

const (
	// itemService is the attribute that all our items have in common.
	itemService = "lockbox"
	// answerTime bounds a call whose context has no deadline.
	answerTime = 5 * time.Second
	// promptTime bounds an unlock, in which a person types a password.
	promptTime = 2 * time.Minute
)

// State is what a store can do for us now.
type State string

// The states of a store.
const (
	Ready       State = "ready"
	Locked      State = "locked"
	Missing     State = "missing"     // there is no keychain, or no vault file, yet; Unlock makes one
	NoService   State = "no service"  // no program offers a keychain
	NoBus       State = "no bus"      // no D-Bus session bus to reach one by
	Unanswering State = "unanswering" // it failed, or did not answer in time
	Unusable    State = "unusable"    // a vault file that is damaged, or may not be read
)

// String implements fmt.Stringer.
func (s State) String() string { return string(s) }

// Status is a State and what to tell the person about it.
type Status struct {
	State   State
	Message string // a sentence and the next step; empty when Ready
}

// Keychain is the secret store of the operating system. Its methods may be
// called concurrently. None blocks beyond its context's deadline, or beyond five
// seconds when it has none, and none but Unlock ever shows a prompt.
type Keychain struct{ store store }

// NewKeychain returns the keychain of the account that runs this process. It
// does not touch it yet.
func NewKeychain() *Keychain { return &Keychain{newStore()} }

// Name implements Store.
func (*Keychain) Name() string { return "keychain" }

// Lock implements Store. There is nothing to drop.
func (*Keychain) Lock() {}

// Apply implements Store.
func (k *Keychain) Apply(ctx context.Context, changes []Change) error {
	for _, c := range changes {
		var err error
		if c.Value.IsZero() {
			err = k.Delete(ctx, c.Ref.Service, c.Ref.Field)
		} else {
			err = k.Set(ctx, c.Ref.Service, c.Ref.Field, c.Value)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// Get reads a secret. errors.Is tells secret.ErrNotFound, secret.ErrLocked and
// secret.ErrUnavailable apart.
func (k *Keychain) Get(ctx context.Context, service, field string) (secret.Value, error) {
	op := "cannot read " + secret.KeychainRef(service, field).String()
	user, err := userName(service, field)
	if err != nil {
		return secret.Value{}, &Error{Op: op, State: Ready, Err: err}
	}
	ctx, cancel := deadline(ctx, answerTime)
	defer cancel()
	v, err := k.store.get(ctx, user)
	if err == nil && v.IsZero() {
		err = fmt.Errorf("%w: the item is empty", secret.ErrNotFound)
	}
	if err != nil {
		return secret.Value{}, failure(op, err)
	}
	return v, nil
}

// Set writes a secret, over an older one if there is any, and reads it back. What
// the platform cannot hold is refused before anything is written: on Windows
// values above 2,560 bytes, on macOS above some 3,000 with the names, on Linux
// above 1 MiB.
func (k *Keychain) Set(ctx context.Context, service, field string, v secret.Value) error {
	op := "cannot store " + secret.KeychainRef(service, field).String()
	user, err := userName(service, field)
	if err == nil {
		err = checkLimits(platform, user, v)
	}
	if err != nil {
		return &Error{Op: op, State: Ready, Err: err}
	}
	ctx, cancel := deadline(ctx, answerTime)
	defer cancel()
	if err := k.store.set(ctx, user, v); err != nil {
		return failure(op, err)
	}
	// macOS's security command, for one, can fail without a word.
	switch got, err := k.store.get(ctx, user); {
	case err != nil:
		return failure(op, fmt.Errorf("reading it back: %w", err))
	case !got.Equal(v):
		return &Error{Op: op, State: Ready, Err: errors.New("the keychain holds something else than what was stored; try again, and compare in the keychain's own program")}
	}
	return nil
}

// Delete removes a secret. That there is none is no error.
func (k *Keychain) Delete(ctx context.Context, service, field string) error {
	op := "cannot delete " + secret.KeychainRef(service, field).String()
	user, err := userName(service, field)
	if err != nil {
		return &Error{Op: op, State: Ready, Err: err}
	}
	ctx, cancel := deadline(ctx, answerTime)
	defer cancel()
	if err := k.store.remove(ctx, user); err != nil && !errors.Is(err, secret.ErrNotFound) {
		return failure(op, err)
	}
	return nil
}

// Unlock asks the desktop to unlock the keychain, or to make the first one of a
// fresh account; the person may see its prompt. It waits for the answer until the
// context ends, two minutes when it has no deadline, and takes the prompt away
// then. A keychain that is open already is left alone.
func (k *Keychain) Unlock(ctx context.Context) error {
	ctx, cancel := deadline(ctx, promptTime)
	defer cancel()
	if err := k.store.unlock(ctx); err != nil {
		return failure("unlock the keychain", err)
	}
	return nil
}

// Status finds out whether the keychain can be used.
func (k *Keychain) Status(ctx context.Context) Status {
	ctx, cancel := deadline(ctx, answerTime)
	defer cancel()
	err := k.store.ready(ctx)
	if err == nil {
		return Status{State: Ready}
	}
	e := failure("", err)
	return Status{e.State, e.sentence()}
}

// List names the secrets that Lockbox keeps, sorted; it reads none of them.
// Where the platform cannot list, errors.Is tells errors.ErrUnsupported.
func (k *Keychain) List(ctx context.Context) ([]secret.Ref, error) {
	ctx, cancel := deadline(ctx, answerTime)
	defer cancel()
	users, err := k.store.list(ctx)
	if err != nil {
		return nil, failure("list the keychain", err)
	}
	return refs(users), nil
}

// deadline gives ctx a deadline unless it has one.
func deadline(ctx context.Context, d time.Duration) (context.Context, context.CancelFunc) {
	if _, ok := ctx.Deadline(); ok {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, d)
}

// userName is what tells our items apart: service/field, escaped as in a
// reference, so that no two of them share one and no odd character reaches the
// platform's own tools.
func userName(service, field string) (string, error) {
	ref := secret.KeychainRef(service, field)
	if again, err := secret.ParseRef(ref.String()); err != nil {
		return "", err
	} else if again != ref {
		return "", errors.New("the name cannot be written as keychain://service/field")
	}
	return strings.TrimPrefix(ref.String(), secret.Keychain+"://"), nil
}
