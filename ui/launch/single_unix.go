//go:build unix

package launch

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"
)

// ownedAlone reports whether a folder is this person's and no one else can
// write in it.
func ownedAlone(info fs.FileInfo) bool {
	st, ok := info.Sys().(*syscall.Stat_t)
	return ok && int(st.Uid) == os.Getuid() && info.Mode().Perm()&0o022 == 0
}

// lockFile takes a lock that the kernel drops with the process.
func lockFile(path string) (release func() error, err error) {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR|syscall.O_NOFOLLOW, 0o600) //nolint:gosec // in the session's own folder
	if err != nil {
		return nil, fmt.Errorf("the session's lock: %w", err)
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil { //nolint:gosec // a descriptor fits
		if errors.Is(err, syscall.EWOULDBLOCK) {
			err = errLocked
		}
		return nil, errors.Join(err, f.Close())
	}
	return f.Close, nil
}

// noSockets: every Unix has them.
func noSockets(error) bool { return false }
