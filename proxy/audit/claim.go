package audit

import (
	"errors"
	"fmt"
	"os"
	"slices"
	"time"

	"github.com/google/uuid"
)

// claim makes the log ours to write, and goes on where it ends. l.mu must be held,
// or l be new.
func (l *Log) claim() error {
	l.asked = time.Now()
	if err := os.MkdirAll(l.dir, 0o700); err != nil {
		return fmt.Errorf("the audit directory cannot be made: %w", err)
	}
	if err := os.Chmod(l.dir, 0o700); err != nil { //nolint:gosec // a directory
		return fmt.Errorf("the audit directory cannot be closed to others: %w", err)
	}
	ours, err := l.lock.TryLock()
	if err != nil {
		return fmt.Errorf("the audit log cannot be locked: %w", err)
	}
	if !ours {
		return errors.Join(ErrInUse, l.refresh())
	}
	if err := l.resume(); err != nil {
		if l.file != nil {
			err = errors.Join(err, l.file.Close())
			l.file = nil
		}
		return errors.Join(err, l.lock.Unlock())
	}
	l.claimed = true
	return nil
}

// resume goes on with the newest segment that has a whole record.
func (l *Log) resume() error {
	segments, strange, err := readSegments(l.dir)
	if err != nil {
		return err
	}
	if err := l.setAside(strange); err != nil {
		return err
	}
	if segments, err = l.dropped(segments); err != nil {
		return err
	}
	l.last, l.tip, l.seq = uuid.UUID{}, hash{}, 0
	for len(segments) > 0 {
		newest := segments[len(segments)-1]
		last, end, ok, err := mend(l.path(newest.name))
		if err != nil {
			return err
		}
		if !ok {
			if err := l.setAside([]string{newest.name}); err != nil {
				return err
			}
			segments = segments[:len(segments)-1]
			continue
		}
		if l.file, err = os.OpenFile(l.path(newest.name), os.O_RDWR|os.O_APPEND, 0o600); err != nil {
			return fmt.Errorf("the audit log cannot be written: %w", err)
		}
		l.size, l.began, l.tip, l.seq = end, newest.began(), last.hash, last.seq
		if l.last, err = uuid.Parse(last.id); err != nil {
			return fmt.Errorf("%s: %w", newest.name, err)
		}
		break
	}
	l.segments, l.written = segments, l.seq
	return l.doubt(segments)
}

// setAside renames files that cannot be gone on with. They are never overwritten.
func (l *Log) setAside(names []string) error {
	for _, name := range names {
		info, err := os.Stat(l.path(name))
		if err != nil {
			return err
		}
		if info.Size() == 0 { // a crash before its first record
			if err := os.Remove(l.path(name)); err != nil {
				return err
			}
			continue
		}
		aside := fmt.Sprintf("%s.%s.damaged", name, time.Now().UTC().Format("20060102T150405"))
		l.logger.Error("an audit file holds no whole record and was set aside", "file", l.path(name), "as", aside)
		if err := os.Rename(l.path(name), l.path(aside)); err != nil {
			return fmt.Errorf("a damaged audit file cannot be set aside: %w", err)
		}
	}
	return nil
}

// refresh looks at what another process has written meanwhile.
func (l *Log) refresh() error {
	segments, _, err := readSegments(l.dir)
	if err != nil {
		return err
	}
	l.segments = segments
	for _, s := range slices.Backward(segments) {
		found := false
		err := backward(l.path(s.name), func(line []byte) (bool, error) {
			if last, err := readLink(line); err == nil {
				l.seq, l.written, l.tip, found = last.seq, last.seq, last.hash, true
			}
			return !found, nil
		})
		if err != nil || found {
			return err
		}
	}
	return nil
}

// now is the log's segments and the Seq of its newest record, once more from disk
// if another process writes it.
func (l *Log) now() (segments []segment, newest int64, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.claimed && !l.closed {
		err = l.refresh()
	}
	return l.segments, l.written, err
}
