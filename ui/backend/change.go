package backend

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// change is what is done whole or not at all, whenever the process ends.
type change struct {
	what    string         // "saving acme", for errors
	secrets []vault.Change // a zero value deletes
	files   []fileChange
	unused  []secret.Ref // deleted when all else is done; it can wait
}

// fileChange is what a file is to hold, nil for no file.
type fileChange struct {
	path    string
	content []byte
}

func (c *change) set(ref secret.Ref, v secret.Value) {
	c.secrets = append(c.secrets, vault.Change{Ref: ref, Value: v})
}

func (c *change) write(path string, content []byte) {
	if abs, err := filepath.Abs(path); err == nil { // it may be taken back from another folder
		path = abs
	}
	c.files = append(c.files, fileChange{path, content})
}

// before is the change that leads back from c to how things are now. What c
// leaves as it is it drops from c.
func (c *change) before(ctx context.Context, store vault.Store) (back change, err error) {
	back.what = c.what
	var secrets []vault.Change
	for _, s := range c.secrets {
		was, err := store.Get(ctx, s.Ref.Service, s.Ref.Field)
		if err != nil && !errors.Is(err, secret.ErrNotFound) {
			return back, err
		}
		if !was.Equal(s.Value) {
			secrets = append(secrets, s)
			back.set(s.Ref, was)
		}
	}
	c.secrets = secrets
	var files []fileChange
	for _, f := range c.files {
		was, err := readWhole(f.path)
		if err != nil {
			return back, err
		}
		if (was == nil) != (f.content == nil) || string(was) != string(f.content) {
			files = append(files, f)
			back.write(f.path, was)
		}
	}
	c.files = files
	return back, nil
}

// readWhole reads a file, nil if there is none.
func readWhole(path string) ([]byte, error) {
	text, err := os.ReadFile(path) //nolint:gosec // a file of ours, or one that the person named
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, nil
	case err != nil:
		return nil, err
	case text == nil:
		text = []byte{}
	}
	return text, nil
}

// make does a change and then has effect, if any, put it to use. When a step or
// effect fails, what was done is taken back, and what was there before is loaded
// again. When the process ends in between, the next one takes it back.
func (j *journal) make(ctx context.Context, c change, effect func(context.Context) error) error {
	free, err := j.lock(ctx)
	if err != nil {
		return err
	}
	defer free()
	store := j.store()
	if err := j.takeBack(ctx, store); err != nil {
		return err
	}
	j.making.Store(true)
	defer j.making.Store(false)
	back, err := c.before(ctx, store)
	if err != nil {
		return err
	}
	var m *marker
	// A single step is whole in itself.
	if len(c.secrets)+len(c.files)+len(c.unused) > 1 {
		m = newMarker(rand.Text(), store.Name(), c, back)
		if err := j.writeMarker(m); err != nil {
			return err
		}
	}
	err = j.apply(ctx, store, m, c, back)
	if err == nil && effect != nil {
		err = effect(ctx)
	}
	ctx = context.WithoutCancel(ctx)
	if err != nil {
		return j.undo(ctx, store, m, back, err)
	}
	if m == nil {
		return nil
	}
	m.Done = true
	if err := j.writeMarker(m); err != nil {
		m.Done = false
		return j.undo(ctx, store, m, back, err)
	}
	if err := j.finish(ctx, m, store); err != nil {
		j.log.Warn("a change is made, but something it left is still there; it is removed when that can be done", "what", c.what, "why", err)
	}
	return nil
}

// undo takes back a change that failed for cause, and joins what went wrong.
func (j *journal) undo(ctx context.Context, store vault.Store, m *marker, back change, cause error) error {
	err := j.apply(ctx, store, nil, back, change{})
	if err == nil {
		err = j.discard(ctx, m, store)
	}
	if err != nil {
		return errors.Join(cause, fmt.Errorf("and could not be undone: %w", err))
	}
	if j.reload != nil && len(back.files) > 0 {
		if err := j.reload(ctx); err != nil {
			j.log.Warn("what was there before is not in use again", "what", back.what, "why", err)
		}
	}
	return cause
}

// apply makes the steps of a change. With a marker it first makes the copies
// that the marker names, all of them before any step: where a copy is missing
// later, nothing was changed yet.
func (j *journal) apply(ctx context.Context, store vault.Store, m *marker, c, back change) error {
	var secrets []vault.Change
	if m != nil {
		for i, f := range back.files {
			if f.content == nil {
				continue
			}
			if err := config.ReplaceFile(m.Files[i].Copy, f.content); err != nil {
				return fmt.Errorf("the copy %w", err)
			}
			j.stepped()
		}
		for i, s := range back.secrets {
			if !s.Value.IsZero() {
				secrets = append(secrets, vault.Change{Ref: m.Secrets[i].copy(), Value: s.Value})
			}
		}
	}
	// One Apply for all: a vault file is written once for it.
	if secrets = append(secrets, c.secrets...); len(secrets) > 0 {
		if err := store.Apply(ctx, secrets); err != nil {
			return err
		}
		j.stepped()
	}
	for _, f := range c.files {
		if err := putFile(f); err != nil {
			return err
		}
		j.stepped()
	}
	return nil
}

// putFile makes one file as it is to be.
func putFile(f fileChange) error {
	if f.content == nil {
		if err := os.Remove(f.path); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	}
	if err := config.ReplaceFile(f.path, f.content); err != nil {
		return fmt.Errorf("the file %w", err)
	}
	return nil
}

// discard ends a marker whose change was taken back.
func (j *journal) discard(ctx context.Context, m *marker, store vault.Store) error {
	if m == nil {
		return nil
	}
	m.Done, m.Unused = true, nil
	if err := j.writeMarker(m); err != nil {
		return err
	}
	if err := j.finish(ctx, m, store); err != nil {
		j.log.Warn("a change is taken back, but its copies are still there; they are removed when that can be done", "what", m.What, "why", err)
	}
	return nil
}

// sweep removes what writes of these files left that did not live to their end.
func sweep(paths ...string) {
	slices.Sort(paths)
	for _, path := range slices.Compact(paths) {
		if target, err := filepath.EvalSymlinks(path); err == nil {
			path = target
		}
		left, _ := filepath.Glob(filepath.Join(filepath.Dir(path), "."+filepath.Base(path)+".*.tmp")) // fails for an odd path only
		for _, name := range left {
			_ = os.Remove(name)
		}
	}
}
