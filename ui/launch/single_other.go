//go:build !unix

package launch

import (
	"errors"
	"io/fs"
	"os"
	"syscall"
)

// ownedAlone: the temp folder is the account's own here.
func ownedAlone(fs.FileInfo) bool { return true }

// lockFile holds a file open and removes it at the end. A file that another
// process has open cannot be removed on Windows; one that is left over can.
func lockFile(path string) (release func() error, err error) {
	if err := os.Remove(path); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, errLocked
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_RDWR, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil, errLocked
	}
	if err != nil {
		return nil, err
	}
	return func() error { return errors.Join(f.Close(), os.Remove(path)) }, nil
}

// noSockets reports whether err is for want of Unix sockets, which Windows has since
// version 1803 and Wine has not.
func noSockets(err error) bool { return errors.Is(err, wsaNoFamily) }

// wsaNoFamily is Windows's WSAEAFNOSUPPORT.
const wsaNoFamily = syscall.Errno(10047)
