package audit

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"time"
)

// list reads no more of the files than it needs, from their ends.
func (l *Log) list(q Query) ([]Exchange, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	l.mu.Lock()
	segments := l.segments
	l.mu.Unlock()
	var out []Exchange
	for _, name := range slices.Backward(segments) {
		err := backward(l.path(name), func(line []byte) (bool, error) {
			var x Exchange
			if err := json.Unmarshal(line, &x); err != nil {
				return false, fmt.Errorf("the audit file %s has a damaged record: %w", l.path(name), err)
			}
			if q.fits(&x) {
				out = append(out, x)
			}
			return len(out) < q.Limit, nil
		})
		if err != nil {
			return nil, err
		}
		if len(out) == q.Limit {
			break
		}
	}
	return out, nil
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

func countLines(path string) (int, error) {
	f, err := os.Open(path) //nolint:gosec // a segment of ours
	if err != nil {
		return 0, fmt.Errorf("the audit log cannot be read: %w", err)
	}
	defer f.Close() //nolint:errcheck // only read
	buf := make([]byte, 256<<10)
	for total := 0; ; {
		n, err := f.Read(buf)
		total += bytes.Count(buf[:n], []byte{'\n'})
		if errors.Is(err, io.EOF) {
			return total, nil
		}
		if err != nil {
			return 0, err
		}
	}
}

// setTornTailAside cuts what follows the last newline off a segment and keeps
// it in a file of its own.
func setTornTailAside(path string) error {
	content, err := os.ReadFile(path) //nolint:gosec // a segment of ours
	if err != nil {
		return fmt.Errorf("the audit log cannot be read: %w", err)
	}
	whole := bytes.LastIndexByte(content, '\n') + 1
	if whole == len(content) {
		return nil
	}
	aside := fmt.Sprintf("%s.%s.torn", path, time.Now().UTC().Format("20060102T150405"))
	if err := os.WriteFile(aside, content[whole:], 0o600); err != nil {
		return fmt.Errorf("the torn end of the audit log cannot be set aside: %w", err)
	}
	return os.Truncate(path, int64(whole))
}
