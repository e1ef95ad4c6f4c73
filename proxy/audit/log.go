package audit

import (
	"bytes"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"github.com/gofrs/flock"
	"github.com/google/uuid"
)

// maxRoom is how much room is kept for the next batch, in bytes.
const maxRoom = 1 << 20

// claimEvery is how often a log that another process writes is asked for again.
const claimEvery = 200 * time.Millisecond

// ErrInUse is why a log cannot be written that another process writes.
var ErrInUse = errors.New("another Lockbox writes this audit log: end that one")

// Log keeps exchanges in append-only files of JSON Lines, and an index of them for
// searches. Its methods can be used by many goroutines at once.
type Log struct {
	dir    string
	limit  int64 // segmentSize, but in tests
	logger *slog.Logger
	reader bool // of a log that another process may write
	lock   *flock.Flock

	mu       sync.Mutex
	claimed  bool      // the log is ours to write
	asked    time.Time // when it was last tried to claim it
	refusal  error     // what came of that
	segments []segment // oldest first; replaced, never changed
	file     *os.File  // the newest segment; nil until the first Append
	size     int64     // of file
	torn     bool      // file is longer than size: half a line could not be taken back
	began    time.Time // of file
	next     *batch    // nil: none is waiting
	room     []byte    // for the batch after it
	last     uuid.UUID
	tip      hash  // of the newest record
	seq      int64 // of the newest record
	written  int64 // Seq of the newest record that is in a file
	closed   bool

	fresh     atomic.Bool // the log was begun by this process
	listeners atomic.Pointer[[]func()]
	keeper    *keeper
	index     *index // nil: it cannot be had, and searches read the files
}

// Options say how a log is opened.
type Options struct {
	Dir    string
	Logger *slog.Logger // nil: nobody is told
	// Patient opens what cannot be written too: Append returns the reason, and tries
	// again.
	Patient bool
}

// Open is OpenWith with a directory alone.
func Open(dir string) (*Log, error) { return OpenWith(Options{Dir: dir}) }

// OpenWith opens the log in a directory, which it makes for its owner alone. What
// a crash left of a half-written record is set aside in a file that ends in .torn.
// A log that another process writes is opened too: Append returns ErrInUse until
// that one has ended.
func OpenWith(o Options) (*Log, error) {
	l := newLog(o)
	l.lock = flock.New(filepath.Join(o.Dir, "lock"), flock.SetPermissions(0o600))
	err := l.claim()
	switch {
	case err == nil, errors.Is(err, ErrInUse):
		l.index = openIndex(l)
	case o.Patient:
		l.logger.Error("the audit log cannot be opened: calls are refused until it can, and searches are slow until the next start", "why", err)
	default:
		return nil, errors.Join(err, l.lock.Close())
	}
	l.keeper = keep(l)
	return l, nil
}

// OpenReader opens a log to be read only, whether another process writes it or not.
func OpenReader(dir string) (*Log, error) {
	l := newLog(Options{Dir: dir})
	l.reader = true
	if err := l.refresh(); err != nil {
		return nil, err
	}
	l.index = openIndex(l)
	return l, nil
}

func newLog(o Options) *Log {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	return &Log{dir: o.Dir, limit: segmentSize, logger: o.Logger}
}

func (l *Log) path(name string) string { return filepath.Join(l.dir, name) }

// ours reports whether the log is written by this process.
func (l *Log) ours() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.claimed
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
	l.index.wakeUp()
	l.tell()
	return nil
}

// tell has the listeners look at the log anew.
func (l *Log) tell() {
	if f := l.listeners.Load(); f != nil {
		for _, f := range *f {
			f()
		}
	}
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
	if l.closed || l.reader {
		return nil, false, os.ErrClosed
	}
	if !l.claimed {
		if time.Since(l.asked) >= claimEvery || l.refusal == nil {
			l.refusal = l.claim()
		}
		if l.refusal != nil {
			return nil, false, l.refusal
		}
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
	if l.torn { // before there is another file
		if err := l.file.Truncate(l.size); err != nil {
			return err
		}
		l.torn = false
	}
	if l.file == nil || l.size >= l.limit || l.size > 0 && time.Since(l.began) > segmentAge {
		if err := l.begin(b.name, b.seq+1); err != nil {
			return err
		}
	}
	if _, err := l.file.Write(b.lines); err != nil {
		// Half a line would spoil the next one.
		cut := l.file.Truncate(l.size)
		l.torn = cut != nil
		return errors.Join(err, cut)
	}
	l.size += int64(len(b.lines))
	l.written = b.seq + int64(b.count)
	return nil
}

func (l *Log) begin(name string, first int64) error {
	f, err := os.OpenFile(l.path(name), os.O_CREATE|os.O_EXCL|os.O_RDWR|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	if l.file != nil {
		// A file that cannot be synced stays the newest: the next call tries again.
		if err := l.file.Sync(); err != nil {
			return errors.Join(err, f.Close(), os.Remove(l.path(name)))
		}
		if err := l.file.Close(); err != nil {
			l.logger.Warn("an audit file could not be closed", "why", err) // it is on disk
		}
	}
	l.file, l.size, l.began = f, 0, time.Now()
	l.segments = append(slices.Clip(l.segments), segment{name, first})
	return nil
}

// nextID is a UUIDv7 after last, even when the clock was set back. In the same
// millisecond it is the next number (RFC 9562, section 6.2): random ones are dear.
func nextID(last uuid.UUID) (id uuid.UUID, err error) {
	var now [8]byte
	binary.BigEndian.PutUint64(now[:], uint64(time.Now().UnixMilli())<<16) //nolint:gosec // after 1970
	if bytes.Compare(now[:6], last[:6]) > 0 {
		return uuid.NewV7()
	}
	id = last
	for i := len(id) - 1; i > 8; i-- {
		if id[i]++; id[i] != 0 {
			break
		}
	}
	return id, nil
}

// OnChange has f called after each append, and when searches find more than before.
// f must not block.
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
	if len(l.segments) == 0 {
		return 0
	}
	return int(l.written - l.segments[0].first + 1)
}

// Close ends the log; Append fails from then on.
func (l *Log) Close() error {
	var err error
	if l.keeper != nil {
		err = l.keeper.close()
	}
	l.mu.Lock()
	already := l.closed
	l.closed = true
	l.mu.Unlock()
	if already {
		return nil
	}
	if l.index != nil {
		err = errors.Join(err, l.index.close()) // which looks at the log
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.file != nil {
		err = errors.Join(err, l.file.Sync(), l.file.Close())
		l.file = nil
	}
	if l.lock != nil {
		err = errors.Join(err, l.lock.Close())
	}
	return err
}
