package vault

import (
	"context"

	"lockbox/proxy/secret"
)

// Store keeps secrets by the names of their keychain:// references: *Keychain in
// the operating system's keychain, *File in a file under a passphrase. Its
// methods may be called concurrently. But for Unlock none waits for a person.
type Store interface {
	// Name says in a word or a path which store it is: "keychain", or the file.
	Name() string
	// Get reads a secret. errors.Is tells secret.ErrNotFound, secret.ErrLocked
	// and secret.ErrUnavailable apart, here and in all that follow.
	Get(ctx context.Context, service, field string) (secret.Value, error)
	// Set writes a secret, over an older one if there is any.
	Set(ctx context.Context, service, field string, v secret.Value) error
	// Delete removes a secret. That there is none is no error.
	Delete(ctx context.Context, service, field string) error
	// Apply makes several changes, in their order. In a file they are one write:
	// all or none. In a keychain they come one after the other, and an error
	// leaves those before it in place.
	Apply(ctx context.Context, changes []Change) error
	// List names the secrets that are kept, sorted; errors.ErrUnsupported where
	// the platform cannot list them.
	List(ctx context.Context) ([]secret.Ref, error)
	// Status finds out whether the store can be used.
	Status(ctx context.Context) Status
	// Unlock opens the store, or makes the first one, and may wait for the person.
	Unlock(ctx context.Context) error
	// Lock drops what the store keeps in memory. A keychain keeps nothing there:
	// it is the desktop's to lock.
	Lock()
}

// Change is one step of Apply.
type Change struct {
	Ref   secret.Ref   // a keychain:// reference
	Value secret.Value // the new value; zero deletes
}

var (
	_ Store = (*Keychain)(nil)
	_ Store = (*File)(nil)
)
