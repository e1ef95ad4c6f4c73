package backend

import (
	"context"
	"errors"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

// errLocked refuses what needs a key while Lockbox is locked.
var errLocked = errors.New("Lockbox is locked: unlock it first") //nolint:staticcheck // it is a name

// SetPaused stops or resumes forwarding; a paused proxy answers 503.
func (b *Backend) SetPaused(paused bool) {
	b.server.SetPaused(paused)
	b.publish()
}

// Lock drops every secret, token and signing key from memory, the passphrase of
// a vault file included, until Unlock. Calls that need one get a 503; those under
// way end as they began. Reloads keep it locked.
func (b *Backend) Lock(ctx context.Context) error {
	b.server.Lock() // before b.edit: it waits for a refresh token to be saved
	b.edit.Lock()
	defer b.edit.Unlock()
	b.store().Lock()
	b.mu.Lock()
	b.status.passphrase = secret.Value{}
	b.mu.Unlock()
	b.lookAtVault(ctx, b.store())
	b.opts.Logger.Info("Lockbox is locked")
	b.publish()
	return nil
}

// Unlock undoes Lock, and opens the vault: the desktop is asked to unlock its
// keychain, which may show the person a prompt; a vault file is opened with the
// passphrase file, if one was named. Then the secrets are read again. It gives up
// after two minutes.
func (b *Backend) Unlock(ctx context.Context) error {
	return b.unlock(ctx, func(ctx context.Context) error {
		err := b.store().Unlock(ctx)
		if b.server.Locked() && !b.View().Vault.File && errors.Is(err, secret.ErrUnavailable) {
			return nil // a keychain that is not there does not keep Lockbox locked
		}
		return err
	})
}

// UnlockWith is Unlock for a vault file, by its passphrase; where there is no file
// yet, it makes one. WrongPassphrase tells that it was the wrong one.
func (b *Backend) UnlockWith(ctx context.Context, passphrase secret.Value) error {
	return b.unlock(ctx, func(ctx context.Context) error {
		f, ok := b.store().(*vault.File)
		if !ok {
			return errors.New("the keychain takes its password in the desktop's own prompt")
		}
		return f.UnlockWith(ctx, passphrase)
	})
}

// WrongPassphrase reports whether an error of UnlockWith says so.
func WrongPassphrase(err error) bool { return errors.Is(err, vault.ErrPassphrase) }

func (b *Backend) unlock(ctx context.Context, open func(context.Context) error) error {
	wait, cancel := context.WithTimeout(ctx, unlockTime)
	defer cancel()
	err := open(wait)
	if err != nil {
		b.lookAtVault(ctx, b.store())
		b.publish()
		return err
	}
	b.edit.Lock()
	defer b.edit.Unlock()
	if b.server.Locked() {
		err = b.loadBy(ctx, b.server.Unlock)
	} else {
		err = b.load(ctx)
	}
	b.publish()
	return err
}

// UnlockAtStart asks the desktop once to unlock the keychain, if something that
// the config needs is in it and could not be read. Call it when the window is up,
// which would cover the prompt otherwise and take the keyboard from it.
func (b *Backend) UnlockAtStart(ctx context.Context) error {
	select {
	case <-b.loaded:
	case <-ctx.Done():
		return ctx.Err()
	}
	v, report := b.View(), b.server.Report()
	if v.Locked || v.Vault.File || !v.Keychain.CanUnlock || v.Problem.Action != "unlock" && len(report.Unavailable) == 0 && report.KeyProblem == "" {
		return nil
	}
	return b.Unlock(ctx)
}

// unlocked refuses what needs a key while Lockbox is locked.
func (b *Backend) unlocked() error {
	if b.server.Locked() {
		return errLocked
	}
	return nil
}
