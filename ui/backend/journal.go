package backend

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// How long a change waits for one that another process makes, and how often it
// looks.
const (
	lockTime = 10 * time.Second
	lockPoll = 10 * time.Millisecond
)

// errLeft is the cause when a change is made or taken back, but its copies are
// still there.
var errLeft = errors.New("copies that an interrupted change left cannot be removed yet")

// journal has changes done whole or not at all, over a kill -9 too. Before the
// first step of a change a marker file names what it touches and where the old
// values are: secrets in items of ours in the vault, files in copies beside
// them. The marker says when the change is done; a process that finds one which
// does not takes the change back. A lock file in the same folder is held by
// whoever makes a change or takes one back; the system frees it with the process.
type journal struct {
	dir    string // the state directory
	config string // the config file
	store  func() vault.Store
	log    *slog.Logger
	reload func(context.Context) error // has the proxy load what is there; may be nil
	wrote  func()                      // told of each single write; for tests
	making atomic.Bool                 // this process is about a change
}

func newJournal(o Options, store func() vault.Store) *journal {
	log := o.Logger
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	return &journal{dir: o.StateDir, config: o.ConfigPath, store: store, log: log}
}

func (j *journal) stepped() {
	if j.wrote != nil {
		j.wrote()
	}
}

func (j *journal) markerPath() string { return filepath.Join(j.dir, "change.json") }

// lock keeps other processes' changes apart from ours until free is called.
func (j *journal) lock(ctx context.Context) (free func(), err error) {
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return nil, fmt.Errorf("the state folder cannot be made: %w", err)
	}
	path := filepath.Join(j.dir, "change.lock")
	wait, cancel := context.WithTimeout(ctx, lockTime)
	defer cancel()
	l := flock.New(path, flock.SetPermissions(0o600))
	switch _, err := l.TryLockContext(wait, lockPoll); {
	case err == nil:
		return func() { _ = l.Close() }, nil
	case ctx.Err() != nil:
		return nil, ctx.Err()
	case wait.Err() != nil:
		return nil, fmt.Errorf("another Lockbox is changing something (it holds %s): try again when it is done", path)
	}
	return nil, fmt.Errorf("the lock file %s cannot be used: %w", path, err)
}

// interrupted reports whether there is something to settle. While this process
// itself makes a change there is not: it loads when it is done.
func (j *journal) interrupted() bool {
	if j.making.Load() {
		return false
	}
	_, err := os.Stat(j.markerPath())
	return !errors.Is(err, fs.ErrNotExist)
}

// settle takes back what an earlier process did not get done, if there is such,
// with the vault that the config names. Copies that cannot be removed yet are
// left for later.
func (j *journal) settle(ctx context.Context, store vault.Store) error {
	if !j.interrupted() {
		return nil
	}
	free, err := j.lock(ctx)
	if err != nil {
		return err
	}
	defer free()
	err = j.takeBack(ctx, store)
	if errors.Is(err, errLeft) {
		j.log.Warn(err.Error())
		return nil
	}
	return err
}

// takeBack undoes the change whose marker is there and not done, and removes
// what it left. It can itself be interrupted anywhere and begun anew. The lock
// must be held.
func (j *journal) takeBack(ctx context.Context, store vault.Store) error {
	m, err := j.readMarker()
	if m == nil || err != nil {
		return err
	}
	if m.hasSecrets() && m.Store != store.Name() {
		return fmt.Errorf("%s was interrupted, and its keys are in another vault (%s): start Lockbox with that one, once", m.What, m.Store)
	}
	if m.Done {
		if err := j.finish(ctx, m, store); err != nil {
			return fmt.Errorf("%w: %w", errLeft, err)
		}
		return nil
	}
	back, err := j.kept(ctx, m, store)
	if err == nil {
		err = j.apply(ctx, store, nil, back, change{})
	}
	if err == nil {
		err = j.discard(ctx, m, store)
	}
	if err != nil {
		return fmt.Errorf("%s was interrupted, and what it had done cannot be taken back yet: %w", m.What, err)
	}
	j.log.Warn("a change was interrupted and is taken back", "what", m.What)
	return nil
}

// kept is the change that leads back to what the copies hold.
func (j *journal) kept(ctx context.Context, m *marker, store vault.Store) (back change, err error) {
	for _, s := range m.Secrets {
		if s.Copy == "" {
			back.set(s.ref(), secret.Value{})
			continue
		}
		v, err := store.Get(ctx, s.copy().Service, s.copy().Field)
		if errors.Is(err, secret.ErrNotFound) {
			continue // interrupted while the copies were made
		}
		if err != nil {
			return back, err
		}
		back.set(s.ref(), v)
	}
	for _, f := range m.Files {
		now, err := readWhole(f.Path)
		if err != nil {
			return back, err
		}
		var was []byte
		if f.Copy != "" {
			if was, err = readWhole(f.Copy); err != nil {
				return back, err
			}
			if was == nil {
				continue
			}
		}
		switch sum := sumOf(now); {
		case sum == sumOf(was):
		case sum != f.Sum:
			j.log.Warn("a file was changed after a change of it was interrupted, and is left as it is", "file", f.Path, "what", m.What)
		default:
			back.write(f.Path, was)
		}
	}
	return back, nil
}

// sumOf tells contents of a file apart; "" is for no file.
func sumOf(content []byte) string {
	if content == nil {
		return ""
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:])
}

// finish removes what a change that is done or taken back leaves: its copies,
// keys without use, and last the marker.
func (j *journal) finish(ctx context.Context, m *marker, store vault.Store) error {
	var secrets []vault.Change
	for _, s := range m.Secrets {
		if s.Copy != "" {
			secrets = append(secrets, vault.Change{Ref: s.copy()})
		}
	}
	unused, err := j.stillUnused(m)
	if err != nil {
		return err
	}
	if secrets = append(secrets, unused...); len(secrets) > 0 {
		if err := store.Apply(ctx, secrets); err != nil {
			return err
		}
		j.stepped()
	}
	for _, f := range m.Files {
		sweep(f.Path)
		if f.Copy == "" {
			continue
		}
		sweep(f.Copy)
		if err := putFile(fileChange{path: f.Copy}); err != nil {
			return err
		}
		j.stepped()
	}
	sweep(j.markerPath())
	if err := putFile(fileChange{path: j.markerPath()}); err != nil {
		return err
	}
	j.stepped()
	return nil
}

// stillUnused are the keys that a change left without use. It may be long ago:
// what the config has use for again is not among them.
func (j *journal) stillUnused(m *marker) ([]vault.Change, error) {
	if len(m.Unused) == 0 {
		return nil, nil
	}
	cfg, err := config.Load(j.config)
	if err != nil {
		return nil, err
	}
	inUse := keychainRefs(cfg)
	var out []vault.Change
	for _, text := range m.Unused {
		ref, err := secret.ParseRef(text)
		if err == nil && !inUse[ref] {
			out = append(out, vault.Change{Ref: ref})
		}
	}
	return out, nil
}
