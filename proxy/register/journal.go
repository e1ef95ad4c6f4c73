package register

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	// keepExpired is how long a token is listed after it expired.
	keepExpired = 90 * 24 * time.Hour
	// compactAbove is how many lines are tolerated that say nothing any more.
	compactAbove = 10_000
)

// journal is the file. A lock file beside it keeps writers apart.
type journal struct {
	path   string
	info   fs.FileInfo // of the file that was read
	offset int64       // up to where
	lines  int
	doubt  bool   // it is to be read from the beginning: what was read may be there no more
	wrote  func() // told of each single write; for tests
}

// did tells of a write that is done.
func (j *journal) did(err error) error {
	if err == nil && j.wrote != nil {
		j.wrote()
	}
	return err
}

// Hold keeps every process from writing the list at path, until free. Whoever
// holds it may put another file in its place; nothing here works meanwhile.
func Hold(path string) (free func(), err error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	l := flock.New(path+".lock", flock.SetPermissions(0o600))
	if err := l.Lock(); err != nil {
		return nil, err
	}
	return func() { _ = l.Close() }, nil
}

// news reads the whole lines that were added since, from the beginning where
// another file has taken the place.
func (j *journal) news() (lines []line, anew bool, err error) {
	f, err := os.Open(j.path)
	if errors.Is(err, fs.ErrNotExist) {
		anew = j.info != nil
		j.info, j.offset, j.lines = nil, 0, 0
		return nil, anew, nil
	}
	if err != nil {
		return nil, false, err
	}
	defer f.Close() //nolint:errcheck // only read
	info, err := f.Stat()
	if err != nil {
		return nil, false, err
	}
	from, n := j.offset, j.lines
	if anew = j.doubt || j.info != nil && (!os.SameFile(j.info, info) || info.Size() < j.offset); anew {
		from, n = 0, 0
	}
	text, err := io.ReadAll(io.NewSectionReader(f, from, info.Size()-from))
	if err != nil {
		return nil, false, err
	}
	for {
		one, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole {
			break // it is being written, or was when its writer died
		}
		n++
		l, err := parse(one)
		if err != nil && !j.doubt { // the file may have been written over
			j.doubt = true
			return j.news()
		}
		if err != nil {
			return nil, false, &Damage{Path: j.path, Line: n, Why: err}
		}
		lines = append(lines, l)
		from += int64(len(one)) + 1
		text = rest
	}
	j.info, j.offset, j.lines, j.doubt = info, from, n, false
	return lines, anew, nil
}

// add writes lines, whole or not at all. The file must be locked and read.
func (j *journal) add(lines []line) (err error) {
	f, err := os.OpenFile(j.path, os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	text, err := encode(lines)
	if err != nil {
		return err
	}
	// Half a line behind the last whole one is of a writer that died.
	if err := j.did(f.Truncate(j.offset)); err != nil {
		return err
	}
	if _, err = f.WriteAt(text, j.offset); j.did(err) == nil {
		err = j.did(f.Sync())
	}
	if err != nil {
		return errors.Join(err, f.Truncate(j.offset))
	}
	return nil
}

func encode(lines []line) ([]byte, error) {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	for _, l := range lines {
		if err := enc.Encode(l); err != nil {
			return nil, err
		}
	}
	return b.Bytes(), nil
}

// replace puts other lines in the place of all. The file must be locked and read.
func (j *journal) replace(lines []line) error {
	text, err := encode(lines)
	if err != nil {
		return err
	}
	tmp := j.path + ".tmp"                                                // nobody else writes: the file is locked
	f, err := os.OpenFile(tmp, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600) //nolint:gosec // in our own folder
	if j.did(err) != nil {
		return err
	}
	if _, err = f.Write(text); j.did(err) == nil {
		err = j.did(f.Sync())
	}
	if err = errors.Join(err, f.Close()); err == nil {
		err = j.did(os.Rename(tmp, j.path))
	}
	if err != nil {
		return errors.Join(err, os.Remove(tmp))
	}
	return j.did(syncDir(filepath.Dir(j.path)))
}
