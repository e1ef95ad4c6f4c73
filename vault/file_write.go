package vault

import (
	"context"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// lockPoll is how often a lock is tried that another process has.
const lockPoll = 20 * time.Millisecond

// write puts values in the file's place. Others must be locked out.
func (f *File) write(values map[secret.Ref]secret.Value, passphrase secret.Value) error {
	text, err := seal(values, passphrase, f.work)
	if err != nil {
		return err
	}
	f.sweep()
	if err := config.ReplaceFile(f.path, text); err != nil {
		return err
	}
	info, err := f.look()
	if err != nil {
		return err
	}
	f.values, f.read = values, info
	return nil
}

// sweep removes what writes left that did not live to their end.
func (f *File) sweep() {
	target := f.target()
	left, _ := filepath.Glob(filepath.Join(filepath.Dir(target), "."+filepath.Base(target)+".*.tmp")) // fails for an odd path only
	for _, path := range left {
		_ = os.Remove(path)
	}
}

// target is the file itself where the path is a link.
func (f *File) target() string {
	if target, err := filepath.EvalSymlinks(f.path); err == nil {
		return target
	}
	return f.path
}

// lockOthersOut holds the lock file until free, or until the process ends.
func (f *File) lockOthersOut(ctx context.Context) (free func(), err error) {
	ctx, cancel := deadline(ctx, fileTime)
	defer cancel()
	target := f.target()
	if err := os.MkdirAll(filepath.Dir(target), 0o700); err != nil {
		return nil, err
	}
	lock := flock.New(target+".lock", flock.SetPermissions(0o600))
	switch _, err := lock.TryLockContext(ctx, lockPoll); {
	case err != nil && ctx.Err() != nil:
		return nil, &Error{State: Unanswering, Err: ctx.Err()}
	case err != nil:
		return nil, err
	}
	return func() { _ = lock.Close() }, nil
}
