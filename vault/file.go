package vault

import (
	"context"
	"errors"
	"io/fs"
	"maps"
	"os"
	"runtime"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/secret"
)

// Passphrase asks for the passphrase of the vault file at path; making: there is
// none yet and this is to be a new one's. It may wait for a person, until ctx
// ends.
type Passphrase func(ctx context.Context, path string, making bool) (secret.Value, error)

// fileTime bounds a call whose context has no deadline: another process may be at
// work on the file, on a slow machine.
const fileTime = 30 * time.Second

// File keeps secrets in one file, encrypted by a passphrase with age
// (https://age-encryption.org/v1): `age -d FILE` shows it as JSON. Reading a file
// that another process wrote, and each write, take the second and the 256 MiB
// that make guessing the passphrase dear. A write replaces the file whole; a lock
// file beside it, FILE.lock, keeps the writes of several processes apart.
type File struct {
	path string
	ask  Passphrase
	work int           // log2 of scrypt's N; less in tests
	turn chan struct{} // whoever has put something in may touch what follows

	passphrase secret.Value
	values     map[secret.Ref]secret.Value // nil: locked
	read       fs.FileInfo                 // the file that values are from
	changed    bool                        // locked, for another passphrase is on the file since
	foreign    int                         // see Changes
}

// NewFile returns the vault file at path, locked; it does not touch it yet. ask,
// if not nil, is where Unlock has the passphrase from.
func NewFile(path string, ask Passphrase) *File {
	return &File{path: path, ask: ask, work: workFactor, turn: make(chan struct{}, 1)}
}

// SetWorkFactor sets what a guess of the passphrase costs in files that are
// written from now on, as a power of two; without it it is age's own, 18. Tests
// have less time.
func (f *File) SetWorkFactor(log2 int) { f.work = log2 }

// Name implements Store: it is the file's path.
func (f *File) Name() string { return f.path }

// Lock implements Store: it forgets the passphrase and the secrets.
func (f *File) Lock() {
	f.turn <- struct{}{}
	defer f.done()
	f.forget()
}

func (f *File) forget() { f.passphrase, f.values, f.read, f.changed = secret.Value{}, nil, nil, false }

// Get implements Store.
func (f *File) Get(ctx context.Context, service, field string) (secret.Value, error) {
	ref := secret.KeychainRef(service, field)
	op := "cannot read " + ref.String()
	if _, err := userName(service, field); err != nil {
		return secret.Value{}, f.failure(op, Ready, err)
	}
	if err := f.start(ctx); err != nil {
		return secret.Value{}, f.failure(op, Unanswering, err)
	}
	defer f.done()
	if err := f.refresh(); err != nil {
		return secret.Value{}, f.failure(op, Unusable, err)
	}
	v, ok := f.values[ref]
	if !ok {
		return secret.Value{}, f.failure(op, Ready, secret.ErrNotFound)
	}
	return v, nil
}

// Set implements Store. A value has at most 1 MiB.
func (f *File) Set(ctx context.Context, service, field string, v secret.Value) error {
	ref := secret.KeychainRef(service, field)
	if v.IsZero() {
		return f.failure("cannot store "+ref.String(), Ready, errEmpty)
	}
	return f.Apply(ctx, []Change{{ref, v}})
}

// Delete implements Store.
func (f *File) Delete(ctx context.Context, service, field string) error {
	return f.Apply(ctx, []Change{{Ref: secret.KeychainRef(service, field)}})
}

// Apply implements Store: it writes the file once, or not at all where nothing
// changes.
func (f *File) Apply(ctx context.Context, changes []Change) error {
	op := "cannot write"
	for _, c := range changes {
		op = "cannot store " + c.Ref.String()
		if c.Value.IsZero() {
			op = "cannot delete " + c.Ref.String()
		}
		if _, err := userName(c.Ref.Service, c.Ref.Field); err != nil {
			return f.failure(op, Ready, err)
		}
		if err := checkLength(c.Value, fileValue, "a vault file", ownFile); err != nil {
			return f.failure(op, Ready, err)
		}
	}
	if len(changes) > 1 {
		op = "cannot change the vault"
	}
	if err := f.start(ctx); err != nil {
		return f.failure(op, Unanswering, err)
	}
	defer f.done()
	free, err := f.lockOthersOut(ctx)
	if err != nil {
		return f.failure(op, Unusable, err)
	}
	defer free()
	if err := f.refresh(); err != nil {
		if state := stateOf(err); state == Missing && deletesOnly(changes) {
			return nil // what does not exist holds nothing
		}
		return f.failure(op, Unusable, err)
	}
	next := maps.Clone(f.values)
	for _, c := range changes {
		if c.Value.IsZero() {
			delete(next, c.Ref)
		} else {
			next[c.Ref] = c.Value
		}
	}
	if maps.EqualFunc(next, f.values, secret.Value.Equal) {
		return nil
	}
	if err := f.write(next, f.passphrase); err != nil {
		return f.failure(op, Unusable, err)
	}
	return nil
}

func deletesOnly(changes []Change) bool {
	return !slices.ContainsFunc(changes, func(c Change) bool { return !c.Value.IsZero() })
}

// List implements Store.
func (f *File) List(ctx context.Context) ([]secret.Ref, error) {
	if err := f.start(ctx); err != nil {
		return nil, f.failure("list the vault", Unanswering, err)
	}
	defer f.done()
	if err := f.refresh(); err != nil {
		return nil, f.failure("list the vault", Unusable, err)
	}
	return slices.SortedFunc(maps.Keys(f.values), func(a, b secret.Ref) int { return strings.Compare(a.String(), b.String()) }), nil
}

// Status implements Store.
func (f *File) Status(ctx context.Context) Status {
	err := f.start(ctx)
	if err == nil {
		defer f.done()
		err = f.refresh()
	}
	if err == nil {
		return Status{State: Ready}
	}
	e := f.failure("", Unusable, err)
	return Status{e.State, e.sentence()}
}

// Unlock implements Store: it asks where NewFile was told to. A file that is open
// already is left alone.
func (f *File) Unlock(ctx context.Context) error {
	status := f.Status(ctx)
	if status.State == Ready {
		return nil
	}
	if status.State != Locked && status.State != Missing || f.ask == nil {
		return f.failure("unlock the vault", status.State, nil)
	}
	passphrase, err := f.ask(ctx, f.path, status.State == Missing)
	if err != nil {
		return f.failure("unlock the vault", status.State, err)
	}
	return f.UnlockWith(ctx, passphrase)
}

// UnlockWith opens the file with a passphrase, or makes a new one where there is
// none. errors.Is tells ErrPassphrase for a wrong one.
func (f *File) UnlockWith(ctx context.Context, passphrase secret.Value) error {
	const op = "unlock the vault"
	if strings.TrimSpace(passphrase.Reveal()) == "" {
		return f.failure(op, Locked, errNoPassphrase)
	}
	if err := f.start(ctx); err != nil {
		return f.failure(op, Unanswering, err)
	}
	defer f.done()
	err := f.load(passphrase)
	if stateOf(err) == Missing {
		err = f.create(ctx, passphrase)
	}
	if err != nil {
		return f.failure(op, Unusable, err)
	}
	f.passphrase, f.changed = passphrase, false
	return nil
}

// create makes an empty file, unless another process just did.
func (f *File) create(ctx context.Context, passphrase secret.Value) error {
	free, err := f.lockOthersOut(ctx)
	if err != nil {
		return err
	}
	defer free()
	if err := f.load(passphrase); stateOf(err) != Missing {
		return err
	}
	return f.write(map[secret.Ref]secret.Value{}, passphrase)
}

// start waits for its turn.
func (f *File) start(ctx context.Context) error {
	ctx, cancel := deadline(ctx, fileTime)
	defer cancel()
	select {
	case f.turn <- struct{}{}:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (f *File) done() { <-f.turn }

// refresh reads the file anew if it is not the one that was read last.
func (f *File) refresh() error {
	info, err := f.look()
	switch {
	case err != nil:
		if stateOf(err) == Missing {
			f.forget()
		}
		return err
	case f.changed:
		return &Error{State: Locked, Err: errOtherPassphrase}
	case f.values == nil:
		return &Error{State: Locked}
	case os.SameFile(info, f.read) && info.ModTime().Equal(f.read.ModTime()) && info.Size() == f.read.Size():
		return nil
	}
	err = f.load(f.passphrase)
	if errors.Is(err, ErrPassphrase) {
		f.forget()
		f.changed = true
		return &Error{State: Locked, Err: errOtherPassphrase}
	}
	if err == nil {
		f.foreign++
	}
	return err
}

// Changes counts how often the file was read anew for another process had changed
// it.
func (f *File) Changes() int {
	f.turn <- struct{}{}
	defer f.done()
	return f.foreign
}

// look refuses a file that cannot be a vault, or not one of this person's alone.
func (f *File) look() (fs.FileInfo, error) {
	info, err := os.Stat(f.path)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, &Error{State: Missing}
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is not a regular file; name another one")
	case info.Size() > fileSize:
		return nil, errTooLarge
	case runtime.GOOS != "windows" && info.Mode().Perm()&0o077 != 0:
		return nil, errOpenToOthers
	}
	return info, nil
}

// load reads the file.
func (f *File) load(passphrase secret.Value) error {
	// Looked at before it is read: a change in between is read again.
	info, err := f.look()
	if err != nil {
		return err
	}
	text, err := os.ReadFile(f.path)
	if err != nil {
		return err
	}
	values, err := open(text, passphrase)
	if err != nil {
		return err
	}
	f.values, f.read = values, info
	return nil
}
