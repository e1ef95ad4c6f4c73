package vault

import (
	"context"
	"errors"
	"fmt"
	"io/fs"

	"lockbox/proxy/secret"
)

// ErrPassphrase is the cause when the passphrase does not open the vault file.
var ErrPassphrase = errors.New("wrong passphrase")

// What can be the matter with a vault file.
var (
	errEmpty           = errors.New("an empty secret cannot be stored; delete it instead")
	errNoPassphrase    = errors.New("the passphrase is empty")
	errOtherPassphrase = errors.New("it was given another passphrase; unlock it with that one")
	errOpenToOthers    = errors.New("other users of this machine can reach it; run chmod 600 on it")
	errTooLarge        = fmt.Errorf("it is larger than the %d MiB that a vault file may have", fileSize>>20)
	errDamaged         = errors.New("it is damaged, or no vault file; put a backup in its place")
	errNoScrypt        = errors.New("it is encrypted, but not by a passphrase; name a vault file that Lockbox made")
	errContent         = errors.New("it opens, but what is inside was not written by Lockbox; put a backup in its place")
	errNewer           = errors.New("a newer Lockbox wrote it; update this one")
)

// stateOf is the state that an error speaks of; Ready where it speaks of none.
func stateOf(err error) State {
	var e *Error
	if errors.As(err, &e) {
		return e.State
	}
	return Ready
}

// failure is an Error about this file; state is for an err that has none itself.
func (f *File) failure(op string, state State, err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return &Error{op, e.State, e.Err, f.path}
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		state = Unanswering
	}
	return &Error{op, state, err, f.path}
}

// fileWords are the words of an Error about a vault file.
func (e *Error) fileWords() string {
	if errors.Is(e.Err, secret.ErrNotFound) {
		return fmt.Sprintf("the vault file %s has no such secret; enter it in Lockbox's window, or with lockbox secret set", e.file)
	}
	switch e.State {
	case Locked:
		switch {
		case errors.Is(e.Err, ErrPassphrase):
			return fmt.Sprintf("wrong passphrase for the vault file %s; try again", e.file)
		case e.Err != nil:
			return fmt.Sprintf("the vault file %s is locked: %v", e.file, e.Err)
		}
		return fmt.Sprintf("the vault file %s is locked; unlock it with its passphrase", e.file)
	case Missing:
		if e.Err != nil {
			return fmt.Sprintf("there is no vault file %s yet: %v", e.file, e.Err)
		}
		return fmt.Sprintf("there is no vault file %s yet; choose its passphrase in the window, at the start of lockbox serve, or with lockbox secret set", e.file)
	case Unanswering:
		if errors.Is(e.Err, context.Canceled) {
			return "given up before the vault file answered"
		}
		return fmt.Sprintf("another Lockbox has been busy with the vault file %s for long; try again", e.file)
	case Unusable:
		var path *fs.PathError
		switch {
		case errors.Is(e.Err, fs.ErrPermission) && errors.As(e.Err, &path):
			return fmt.Sprintf("the vault file %s cannot be used: your user may not %s %s; make it yours (chown, chmod 600)", e.file, path.Op, path.Path)
		case e.Err != nil:
			return fmt.Sprintf("the vault file %s cannot be used: %v", e.file, e.Err)
		}
	}
	if e.Err != nil {
		return e.Err.Error()
	}
	return fmt.Sprintf("the vault file %s is %s", e.file, e.State)
}
