package config

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"github.com/fsnotify/fsnotify"
)

const (
	// quietTime is how long nothing may happen to a file before it counts as
	// written: editors truncate, write, rename and write again.
	quietTime = 200 * time.Millisecond
	// patience is how long a file that never comes to rest is left alone.
	patience = 2 * time.Second
)

// Watch calls changed whenever something may have happened to what can be read
// at path, and once at its beginning, until ctx ends. It follows symlinks, also
// of folders, as Kubernetes mounts them, and waits for files and folders that are
// not there yet. Compare Fingerprints to know whether anything changed. The error
// says why the system cannot watch at all; trouble is told of the first folder
// that cannot be watched while the others go on.
func Watch(ctx context.Context, path string, changed func(), trouble func(error)) error {
	path, err := filepath.Abs(path)
	if err != nil {
		return err
	}
	notify, err := fsnotify.NewWatcher()
	if err != nil {
		return explainWatch(err)
	}
	w := &watcher{path: path, notify: notify, trouble: trouble, watched: map[string]fs.FileInfo{}}
	w.run(ctx, changed)
	return notify.Close()
}

// watcher is a Watch that is under way.
type watcher struct {
	path    string
	notify  *fsnotify.Watcher
	trouble func(error)            // nil: was told already
	watched map[string]fs.FileInfo // folders and the file, and which one is meant by each name
	names   map[string]bool        // what in them leads to the file
}

func (w *watcher) run(ctx context.Context, changed func()) {
	var first time.Time // event since the last look
	rest := time.NewTimer(0)
	defer rest.Stop()
	for {
		select {
		case event := <-w.notify.Events:
			name := filepath.Clean(event.Name) // "//etc" in the root
			if !w.names[name] {
				continue // a neighbour's
			}
			if event.Has(fsnotify.Remove | fsnotify.Rename) {
				w.forget(name) // what comes in its place may even have its inode
			}
		case err := <-w.notify.Errors:
			for dir := range w.watched {
				if err != nil { // events were lost: nothing is known any more
					w.forget(dir)
				}
			}
		case <-rest.C:
			first = time.Time{}
			w.follow() // first, so that nothing gets lost between
			changed()
			continue
		case <-ctx.Done():
			return
		}
		if first.IsZero() {
			first = time.Now()
		}
		rest.Reset(max(0, min(quietTime, time.Until(first.Add(patience)))))
	}
}

// follow watches the folders on the way to the file as the way is now.
func (w *watcher) follow() {
	// What changes after a folder is watched brings an event; what changed just
	// before is found by going the way again.
	for range 8 {
		steps := trail(w.path)
		if !w.watch(steps) {
			return
		}
	}
}

// watch changes what is watched to steps, and reports whether it had to.
func (w *watcher) watch(steps []step) (news bool) {
	w.names = map[string]bool{}
	wanted := map[string]bool{}
	for _, s := range steps {
		wanted[s.dir] = true
		w.names[s.dir], w.names[filepath.Join(s.dir, s.name)] = true, true
		info, err := os.Stat(s.dir)
		if err == nil && w.watched[s.dir] != nil && os.SameFile(w.watched[s.dir], info) {
			continue
		}
		w.forget(s.dir) // of another folder that had this name
		if err == nil {
			err = w.notify.Add(s.dir)
		}
		switch {
		case err == nil:
			w.watched[s.dir] = info
			news = true
		case s.vital && !errors.Is(err, fs.ErrNotExist) && w.trouble != nil:
			w.trouble(fmt.Errorf("the folder %s cannot be watched: %w", s.dir, explainWatch(err)))
			w.trouble = nil
		}
	}
	for dir := range w.watched {
		if !wanted[dir] {
			w.forget(dir)
			news = true
		}
	}
	return news
}

func (w *watcher) forget(dir string) {
	if w.watched[dir] != nil {
		_ = w.notify.Remove(dir) // it is gone by itself when the folder is
		delete(w.watched, dir)
	}
}

// explainWatch adds the next step to what inotify(7) says when its limits are
// reached.
func explainWatch(err error) error {
	switch {
	case errors.Is(err, syscall.EMFILE):
		return fmt.Errorf("raise the limit of open files or fs.inotify.max_user_instances: %w", err)
	case errors.Is(err, syscall.ENOSPC):
		return fmt.Errorf("raise fs.inotify.max_user_watches: %w", err)
	}
	return err
}

// Fingerprint tells whether what Load reads at path is the same as at another
// time: its bytes, who may read it, or why it cannot be read. It leaves pipes
// alone, which can be read once only.
func Fingerprint(path string) string {
	info, err := os.Stat(path)
	if err != nil {
		return cause(err).Error()
	}
	if !info.Mode().IsRegular() {
		return info.Mode().String()
	}
	src, err := os.ReadFile(path) // #nosec G304 -- the file that the user asked for
	if err != nil {
		return cause(err).Error()
	}
	return fmt.Sprintf("%v %x", info.Mode(), sha256.Sum256(src))
}
