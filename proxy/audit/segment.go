package audit

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
)

// segmentSize is when a file of the log is followed by the next, in bytes, and
// segmentAge when it is so however small: what is old is dropped a file at a time.
const (
	segmentSize = 16 << 20
	segmentAge  = 24 * time.Hour
)

const suffix = ".jsonl"

// segment is a file of the log. It is named by the ID of its first record, so that
// names sort by time.
type segment struct {
	name  string
	first int64 // Seq of its first record
}

// began is when the segment's first record was written.
func (s segment) began() time.Time {
	id, err := uuid.Parse(strings.TrimSuffix(s.name, suffix))
	if err != nil {
		return time.Time{}
	}
	sec, nsec := id.Time().UnixTime()
	return time.Unix(sec, nsec)
}

// readSegments lists what is in dir, oldest first. What holds no chained record is
// left out and named.
func readSegments(dir string) (all []segment, strange []string, err error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil, nil
	}
	if err != nil {
		return nil, nil, fmt.Errorf("the audit directory cannot be read: %w", err)
	}
	for _, e := range entries {
		if !strings.HasSuffix(e.Name(), suffix) {
			continue
		}
		s := segment{name: e.Name()}
		err := forward(filepath.Join(dir, e.Name()), 0, func(line []byte, _ int64) error {
			l, err := readLink(line)
			if err != nil {
				return nil // a later one may say
			}
			s.first = l.seq
			return errEnough
		})
		switch {
		case errors.Is(err, errEnough):
			all = append(all, s)
		case errors.Is(err, os.ErrNotExist): // just dropped
		case err != nil:
			return nil, nil, err
		default:
			strange = append(strange, e.Name())
		}
	}
	slices.SortFunc(all, func(a, b segment) int { return strings.Compare(a.name, b.name) })
	return all, strange, nil
}

// forward gives the lines of a file to f from an offset on, with where each
// begins. A last line without its line break is left out.
func forward(path string, from int64, f func(line []byte, at int64) error) error {
	file, err := os.Open(path) //nolint:gosec // a segment of ours
	if err != nil {
		return fmt.Errorf("the audit log cannot be read: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	if _, err := file.Seek(from, io.SeekStart); err != nil {
		return err
	}
	r := bufio.NewReaderSize(file, 256<<10)
	var long []byte // a line that is longer than the buffer
	for at := from; ; {
		part, err := r.ReadSlice('\n')
		switch {
		case errors.Is(err, bufio.ErrBufferFull):
			long = append(long, part...)
			continue
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return fmt.Errorf("the audit log cannot be read: %w", err)
		}
		line := part
		if len(long) > 0 {
			line = append(long, part...)
		}
		if err := f(line[:len(line)-1], at); err != nil {
			return err
		}
		at += int64(len(line))
		long = long[:0]
	}
}

const chunk = 64 << 10

// backward gives the lines of a file to f, last first, until f says no. A last
// line without its newline is still being written, and is left out.
func backward(path string, f func(line []byte) (more bool, err error)) error {
	file, err := os.Open(path) //nolint:gosec // a segment of ours
	if err != nil {
		return fmt.Errorf("the audit log cannot be read: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	end, err := file.Seek(0, io.SeekEnd)
	if err != nil {
		return err
	}
	var rest []byte // what is read and not yet given away; its head may be half a line
	complete := false
	for end > 0 {
		n := min(end, chunk)
		end -= n
		head := make([]byte, n, int(n)+len(rest))
		if _, err := file.ReadAt(head, end); err != nil {
			return err
		}
		rest = append(head, rest...)
		for {
			i := bytes.LastIndexByte(rest, '\n')
			if i < 0 {
				break
			}
			line := rest[i+1:]
			rest = rest[:i]
			if complete && len(line) > 0 {
				if more, err := f(line); !more || err != nil {
					return err
				}
			}
			complete = true
		}
	}
	if complete && len(rest) > 0 {
		_, err = f(rest)
	}
	return err
}

// readAt reads a line of a file.
func readAt(path string, at int64, length int) ([]byte, error) {
	file, err := os.Open(path) //nolint:gosec // a segment of ours
	if err != nil {
		return nil, fmt.Errorf("the audit log cannot be read: %w", err)
	}
	defer file.Close() //nolint:errcheck // only read
	line := make([]byte, length)
	if _, err := file.ReadAt(line, at); err != nil {
		return nil, fmt.Errorf("the audit log cannot be read: %w", err)
	}
	return line, nil
}

// mend prepares a segment to be gone on with: what follows its last whole record,
// which a crash or a failing disk leaves, is kept in a file of its own beside it.
// It returns that record, and where it ends; ok is false when there is none.
func mend(path string) (last link, end int64, ok bool, err error) {
	err = forward(path, 0, func(line []byte, at int64) error {
		if l, err := readLink(line); err == nil && l.whole {
			last, end, ok = l, at+int64(len(line))+1, true
		}
		return nil
	})
	if err != nil {
		return last, 0, false, err
	}
	info, err := os.Stat(path)
	if err != nil || info.Size() == end {
		return last, end, ok, err
	}
	rest, err := readAt(path, end, int(info.Size()-end))
	if err != nil {
		return last, 0, false, err
	}
	aside := fmt.Sprintf("%s.%s.torn", path, time.Now().UTC().Format("20060102T150405"))
	if err := writeAside(aside, rest); err != nil {
		return last, 0, false, fmt.Errorf("the torn end of the audit log cannot be set aside: %w", err)
	}
	return last, end, ok, os.Truncate(path, end)
}

// writeAside has it on disk before its place is cut.
func writeAside(path string, text []byte) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // beside the log
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	return errors.Join(err, f.Sync(), f.Close())
}
