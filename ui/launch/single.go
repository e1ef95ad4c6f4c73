// Package launch is what comes before the window: whether there is one already. In
// a headless build it knows nothing of windows, and the program has none of their
// code in it.
package launch

import (
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"
)

// raiseTime is how long a second launch tries to reach the first, which may be
// starting itself.
const raiseTime = 3 * time.Second

// Single makes this the only Lockbox of the person's session. Where another
// runs already, that one's window is raised, if wake, and first is false: then this one
// should end. In the first, show is called for every later launch, from a
// goroutine, until done is called.
func Single(wake bool, show func()) (first bool, done func(), err error) {
	dir, err := sessionDir()
	if err != nil {
		return false, nil, err
	}
	release, err := lockFile(filepath.Join(dir, "lockbox.lock"))
	if errors.Is(err, errLocked) && !wake {
		return false, func() {}, nil
	}
	if errors.Is(err, errLocked) {
		return false, func() {}, raise(filepath.Join(dir, "lockbox.sock"))
	}
	if err != nil {
		return false, nil, err
	}
	deaf, err := listenForRaise(filepath.Join(dir, "lockbox.sock"), show)
	if noSockets(err) {
		// The lock tells a second one that it is not the first; it can only not say so.
		return true, func() { _ = release() }, nil
	}
	if err != nil {
		return false, nil, errors.Join(err, release())
	}
	return true, func() { deaf(); _ = release() }, nil
}

// errLocked: another process holds the lock file.
var errLocked = errors.New("locked by another process")

// sessionDir is a folder that only this person can write to.
func sessionDir() (string, error) {
	dir := os.Getenv("XDG_RUNTIME_DIR")
	if dir == "" {
		// /tmp is everyone's: someone may have made the folder first.
		dir = filepath.Join(os.TempDir(), "lockbox-"+strconv.Itoa(os.Getuid()))
		if err := os.Mkdir(dir, 0o700); err != nil && !errors.Is(err, os.ErrExist) {
			return "", fmt.Errorf("the folder for the session's socket cannot be made: %w", err)
		}
	}
	info, err := os.Lstat(dir)
	if err != nil {
		return "", fmt.Errorf("the folder for the session's socket: %w", err)
	}
	if !info.IsDir() || !ownedAlone(info) {
		return "", fmt.Errorf("%s is not a folder of yours alone, so that it cannot hold the session's socket: remove it, or set XDG_RUNTIME_DIR", dir)
	}
	return dir, nil
}

// raise asks the first instance to show its window.
func raise(socket string) error {
	ctx, cancel := context.WithTimeout(context.Background(), raiseTime)
	defer cancel()
	for {
		c, err := (&net.Dialer{}).DialContext(ctx, "unix", socket)
		if err == nil {
			return c.Close()
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("another Lockbox runs but does not answer: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// listenForRaise calls show for each connection.
func listenForRaise(socket string, show func()) (done func(), err error) {
	// A socket that is left over belongs to a process that is gone: we hold the lock.
	if err := os.Remove(socket); err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	ln, err := (&net.ListenConfig{}).Listen(context.Background(), "unix", socket)
	if err != nil {
		return nil, fmt.Errorf("the session's socket: %w", err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_ = c.Close()
			show()
		}
	})
	return func() { _ = ln.Close(); wg.Wait() }, nil
}
