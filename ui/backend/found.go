package backend

import (
	"errors"
	"fmt"
	"log/slog"
	"sync"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

// found remembers which secrets could be read, so that one which vanished is told
// from one that was never there.
type found struct {
	log *slog.Logger
	all sync.Map // of foundAt
}

type foundAt struct {
	vault string
	ref   secret.Ref
}

// note takes what reading a secret brought. It returns err, or what to say of a
// secret that was there before.
func (f *found) note(s vault.Store, ref secret.Ref, err error) error {
	at, place := foundAt{ref: ref}, "where it was"
	if ref.Scheme == secret.Keychain {
		if at.vault, place = s.Name(), "the vault file "+s.Name(); !isFile(s) {
			place = "the keychain"
		}
	}
	_, before := f.all.Load(at)
	switch {
	case err == nil:
		f.all.Store(at, true)
	case before && errors.Is(err, secret.ErrNotFound):
		f.log.Warn("a secret is gone", "ref", ref.String(), "from", place)
		return gone{fmt.Sprintf("%s is gone from %s: enter it anew", ref, place), err}
	}
	return err
}

// gone is the error of a secret that could be read before. The store's own words
// would repeat it.
type gone struct {
	words string
	err   error
}

// Error implements error.
func (g gone) Error() string { return g.words }

// Unwrap returns the store's error.
func (g gone) Unwrap() error { return g.err }
