package audit

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"sync/atomic"

	"github.com/google/uuid"
)

// segmentSize is when a file of the log is followed by the next, in bytes.
const segmentSize = 16 << 20

const suffix = ".jsonl"

// maxRoom is how much room is kept for the next batch, in bytes.
const maxRoom = 1 << 20

// Log keeps exchanges in append-only files of JSON Lines. A file is named by the
// ID of its first exchange, so that names sort by time too.
type Log struct {
	dir   string
	limit int64 // segmentSize, but in tests

	mu       sync.Mutex
	segments []string // names, oldest first
	file     *os.File // the newest segment; nil until the first Append
	size     int64    // of file
	next     *batch   // nil: none is waiting
	room     []byte   // for the batch after it
	last     uuid.UUID
	tip      hash  // of the newest record
	seq      int64 // of the newest record
	count    int
	closed   bool

	listeners atomic.Pointer[[]func()]
}

// Open opens the log in dir, which it makes for its owner alone. What a crash
// left of a half-written record is set aside in a file that ends in .torn.
func Open(dir string) (*Log, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, fmt.Errorf("the audit directory cannot be made: %w", err)
	}
	if err := os.Chmod(dir, 0o700); err != nil { //nolint:gosec // a directory
		return nil, fmt.Errorf("the audit directory cannot be closed to others: %w", err)
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return nil, fmt.Errorf("the audit directory cannot be read: %w", err)
	}
	l := &Log{dir: dir, limit: segmentSize}
	for _, e := range entries {
		if strings.HasSuffix(e.Name(), suffix) {
			l.segments = append(l.segments, e.Name())
		}
	}
	slices.Sort(l.segments)
	for _, name := range l.segments {
		n, err := countLines(l.path(name))
		if err != nil {
			return nil, err
		}
		l.count += n
	}
	if len(l.segments) == 0 {
		return l, nil
	}
	if err := l.resume(l.segments[len(l.segments)-1]); err != nil {
		return nil, err
	}
	return l, nil
}

func (l *Log) path(name string) string { return filepath.Join(l.dir, name) }

// resume goes on with the newest segment.
func (l *Log) resume(name string) error {
	if err := setTornTailAside(l.path(name)); err != nil {
		return err
	}
	f, err := os.OpenFile(l.path(name), os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return fmt.Errorf("the audit log cannot be written: %w", err)
	}
	info, err := f.Stat()
	if err != nil {
		return errors.Join(err, f.Close())
	}
	l.file, l.size = f, info.Size()
	err = backward(l.path(name), func(line []byte) (more bool, err error) {
		newest, err := readLink(line)
		if err == nil && !newest.whole {
			err = errors.New("its last record is altered")
		}
		if err == nil {
			l.tip, l.seq = newest.hash, newest.seq
			l.last, err = uuid.Parse(newest.id)
		}
		return false, err
	})
	if err != nil {
		return errors.Join(fmt.Errorf("the audit file %s is damaged; move it away to start a new one: %w", l.path(name), err), f.Close())
	}
	return nil
}

// Append gives x its ID and its Seq and writes it. When it returns nil, the record
// is with the kernel and survives the end of this process. Records that come at
// the same time are written together.
func (l *Log) Append(x *Exchange) error {
	content := lines.Get().(*[]byte)
	*content = appendContent((*content)[:0], x)
	digest := hash(sha256.Sum256(*content))
	l.mu.Lock()
	b, first, err := l.join(x, *content, digest)
	l.mu.Unlock()
	lines.Put(content)
	switch {
	case err != nil:
	case first:
		runtime.Gosched() // whoever is about to come can join
		l.mu.Lock()
		err = l.write(b)
		l.mu.Unlock()
	default:
		<-b.written
		err = b.err
	}
	if err != nil {
		return fmt.Errorf("the audit record cannot be written: %w", err)
	}
	if f := l.listeners.Load(); f != nil {
		for _, f := range *f {
			f()
		}
	}
	return nil
}

// batch are records that are written together.
type batch struct {
	name    string // of a segment that begins with it
	lines   []byte
	count   int
	tip     hash  // of the record before it
	seq     int64 // of the record before it
	written chan struct{}
	err     error // once it is written
}

// lines are for encoding, outside of the lock.
var lines = sync.Pool{New: func() any { return new([]byte) }}

// join gives a record its ID and its place in the chain, and adds it to the next
// batch. The first one in it has to write it.
func (l *Log) join(x *Exchange, content []byte, digest hash) (b *batch, first bool, err error) {
	if l.closed {
		return nil, false, os.ErrClosed
	}
	id, err := nextID(l.last)
	if err != nil {
		return nil, false, err
	}
	x.ID = id.String()
	if first = l.next == nil; first {
		l.next = &batch{name: x.ID + suffix, lines: l.room[:0], written: make(chan struct{}), tip: l.tip, seq: l.seq}
		l.room = nil
	}
	b = l.next
	l.last = id
	l.seq++
	x.Seq = l.seq
	begin := len(b.lines)
	b.lines = appendHead(b.lines, x.ID, x.Seq, l.tip)
	l.tip = seal(b.lines[begin:], digest)
	b.lines = append(appendTail(append(b.lines, content...), l.tip), '\n')
	b.count++
	return b, first, nil
}

// write writes the next batch, which is closed by that.
func (l *Log) write(b *batch) error {
	l.next = nil
	if b.err = l.append(b); b.err != nil {
		l.tip, l.seq = b.tip, b.seq // none of it is on record
	}
	if cap(b.lines) <= maxRoom {
		l.room = b.lines
	}
	close(b.written)
	return b.err
}

func (l *Log) append(b *batch) error {
	if l.closed {
		return os.ErrClosed
	}
	if l.file == nil || l.size >= l.limit {
		if err := l.begin(b.name); err != nil {
			return err
		}
	}
	if _, err := l.file.Write(b.lines); err != nil {
		// Half a line would spoil the next one.
		return errors.Join(err, l.file.Truncate(l.size))
	}
	l.size += int64(len(b.lines))
	l.count += b.count
	return nil
}

func (l *Log) begin(name string) error {
	f, err := os.OpenFile(l.path(name), os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if l.file != nil {
		if err := l.file.Close(); err != nil {
			return errors.Join(err, f.Close(), os.Remove(l.path(name)))
		}
	}
	l.file, l.size = f, 0
	l.segments = append(slices.Clip(l.segments), name)
	return nil
}

// nextID is a UUIDv7 after last, even when the clock was set back.
func nextID(last uuid.UUID) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil || bytes.Compare(id[:], last[:]) > 0 {
		return id, err
	}
	id = last
	for i := len(id) - 1; i > 8; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id, nil
}

// OnChange has f called after each append. f must not block.
func (l *Log) OnChange(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	var all []func()
	if before := l.listeners.Load(); before != nil {
		all = slices.Clone(*before)
	}
	all = append(all, f)
	l.listeners.Store(&all)
}

// Count is the number of exchanges on record.
func (l *Log) Count() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.count
}

// Close closes the log; Append fails from then on.
func (l *Log) Close() error {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.closed = true
	if l.file == nil {
		return nil
	}
	err := l.file.Close()
	l.file = nil
	return err
}
