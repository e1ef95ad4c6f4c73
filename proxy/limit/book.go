package limit

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/gofrs/flock"

	"lockbox/proxy/config"
)

const (
	// syncEvery is how often the counts are forced to the disk: so much a computer
	// that loses its power may forget. A program that ends, however, forgets nothing.
	syncEvery = time.Second
	// openEvery is how often a file is asked for again that could not be had.
	openEvery = time.Second
	// mostPast is how many lines may be of months that are over.
	mostPast = 1000
)

// key says what is counted: the calls to a service, or those with one token.
type key struct{ service, token string }

// keyOf bounds what comes from outside.
func keyOf(service, token string) key { return key{short(service, 100), short(token, 64)} }

func short(s string, most int) string {
	odd := func(r rune) bool { return !unicode.IsPrint(r) || r == '"' || r == '\\' || r == utf8.RuneError }
	if len(s) <= most && strings.IndexFunc(s, odd) < 0 {
		return s
	}
	sum := sha256.Sum256([]byte(s))
	return "sha256:" + hex.EncodeToString(sum[:])
}

// Book keeps the counts of quotas, in a file if it has one. A count is with the
// kernel before its call goes on, so that it outlives a kill -9.
type Book struct {
	path string // "": in memory alone
	log  *slog.Logger

	mu      sync.Mutex // guards what follows; taken after a Gate's
	file    *os.File
	lock    *flock.Flock
	trouble error     // why there is no file
	asked   time.Time // when it was last tried
	slots   map[key]*slot
	size    int64
	closed  bool

	dirty atomic.Bool
	stop  func() // may be called again
	ended <-chan struct{}
	done  chan struct{}
}

// slot is a line of the file. It belongs to whoever holds the Gate's mutex.
type slot struct {
	book *Book
	key  key
	at   int64
	used bool // an entry has it; guarded by the Book's mutex
	now  counts
	line [lineLength]byte
}

// NewBook keeps counts in memory, until the program ends.
func NewBook() *Book { return &Book{slots: map[key]*slot{}} }

// Open keeps counts in a file, which is made when there is something to count. What
// is wrong with the file is no error: calls that are to be counted are refused then,
// and it is tried again.
func Open(path string, log *slog.Logger) *Book {
	b := NewBook()
	b.path, b.log = path, log
	ctx, stop := context.WithCancel(context.Background())
	b.ended, b.stop, b.done = ctx.Done(), stop, make(chan struct{})
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, err := os.Stat(path); err == nil {
		b.open(time.Now())
	}
	go b.keep()
	return b
}

// Close ends what Open began. It may be called again.
func (b *Book) Close() error {
	if b.path == "" {
		return nil
	}
	b.stop()
	<-b.done
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed || b.file == nil {
		b.closed = true
		return nil
	}
	b.closed = true // the file stays, closed: a call that is late fails to count there
	return errors.Join(b.file.Sync(), b.file.Close(), b.lock.Close())
}

// keep forces the counts to the disk now and then.
func (b *Book) keep() {
	defer close(b.done)
	tick := time.NewTicker(syncEvery)
	defer tick.Stop()
	told := false
	for {
		select {
		case <-tick.C:
		case <-b.ended:
			return
		}
		if !b.dirty.Swap(false) {
			continue
		}
		b.mu.Lock()
		file := b.file
		b.mu.Unlock()
		err := file.Sync()
		if err != nil && !told {
			b.log.Error("the counts of quotas may be forgotten when the computer loses its power", "why", err)
		}
		told = err != nil
	}
}

// open reads the file and takes it. b.mu must be held.
func (b *Book) open(now time.Time) {
	if b.closed || now.Sub(b.asked) < openEvery && !b.asked.IsZero() {
		return
	}
	b.asked = now
	before := b.trouble
	if b.trouble = b.take(); b.trouble != nil && (before == nil || before.Error() != b.trouble.Error()) {
		b.log.Error("the counts of quotas cannot be had: calls that are to be counted are refused until they can", "why", b.trouble)
	}
}

func (b *Book) take() (err error) {
	if err := os.MkdirAll(filepath.Dir(b.path), 0o700); err != nil {
		return err
	}
	l := flock.New(b.path+".lock", flock.SetPermissions(0o600))
	ours, err := l.TryLock()
	if err == nil && !ours {
		err = errors.New("another Lockbox counts there: end that one")
	}
	if err != nil {
		return errors.Join(err, l.Close())
	}
	f, err := os.OpenFile(b.path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return errors.Join(err, l.Close())
	}
	slots, size, err := read(f, b.path)
	if err != nil {
		return errors.Join(err, f.Close(), l.Close())
	}
	for _, s := range slots {
		s.book = b
	}
	b.file, b.lock, b.slots, b.size = f, l, slots, size
	return nil
}

// read reads all lines. What is shorter than a line was being written when the
// power went.
func read(r io.ReaderAt, path string) (map[key]*slot, int64, error) {
	slots := map[key]*slot{}
	line := make([]byte, lineLength)
	for at := int64(0); ; at += lineLength {
		n, err := r.ReadAt(line, at)
		if n < lineLength {
			if errors.Is(err, io.EOF) {
				return slots, at, nil
			}
			return nil, 0, err
		}
		k, c, ok, err := readLine(line)
		if err == nil && ok && slots[k] != nil {
			err = errors.New("it counts the same as a line before")
		}
		if err != nil {
			return nil, 0, fmt.Errorf("%s: line %d cannot be read (%w): move the file away, and every quota begins anew", path, at/lineLength+1, err)
		}
		if ok {
			slots[k] = &slot{key: k, at: at, now: c}
		}
	}
}

// slot is where k is counted.
func (b *Book) slot(k key, now time.Time) (*slot, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.path != "" && b.file == nil {
		if b.open(now); b.file == nil {
			return nil, b.trouble
		}
	}
	s := b.slots[k]
	if s == nil {
		s = &slot{book: b, key: k, at: b.room(now)}
		b.slots[k] = s
	}
	s.used = true
	return s, nil
}

// room is where the next line goes: to the end, or in the place of one whose month
// is over when there are many. b.mu must be held.
func (b *Book) room(now time.Time) int64 {
	if len(b.slots) >= mostPast {
		for k, s := range b.slots {
			if !s.used && s.now.month < monthOf(now) {
				delete(b.slots, k)
				return s.at
			}
		}
	}
	at := b.size
	b.size += lineLength
	return at
}

// leave gives a slot back that nobody counts in for the time being.
func (s *slot) leave() {
	s.book.mu.Lock()
	defer s.book.mu.Unlock()
	s.used = false
}

// set writes a count down.
func (s *slot) set(c counts) error {
	if s.book.path != "" {
		line := appendLine(s.line[:0], s.key, c)
		if _, err := s.book.file.WriteAt(line, s.at); err != nil {
			return fmt.Errorf("a call cannot be counted: %w", err)
		}
		if !s.book.dirty.Load() {
			s.book.dirty.Store(true)
		}
	}
	s.now = c
	return nil
}

// Read is what a file counts, whether a running Lockbox counts there or not. There
// may be no file yet.
func Read(path string) (Counted, error) {
	f, err := os.Open(path) //nolint:gosec // of the state directory
	if errors.Is(err, fs.ErrNotExist) {
		return Counted{}, nil
	}
	if err != nil {
		return Counted{}, err
	}
	defer f.Close() //nolint:errcheck // only read
	var slots map[key]*slot
	for range 5 { // a line that is being written may be read in halves
		if slots, _, err = read(f, path); err == nil {
			break
		}
	}
	return Counted{slots}, err
}

// Counted is what a file counts.
type Counted struct{ slots map[key]*slot }

// Tokens are those of a service that are counted by themselves, sorted.
func (c Counted) Tokens(service string) []string {
	var all []string
	for k := range c.slots {
		if k.token != "" && k.service == keyOf(service, "").service {
			all = append(all, k.token)
		}
	}
	slices.Sort(all)
	return all
}

// Uses says how far the quotas are used that a service, or one of its tokens, has
// under these limits. What else there is, the running Lockbox alone knows.
func (c Counted) Uses(service, token string, l config.Limits, now time.Time) []Use {
	var have counts
	if s := c.slots[keyOf(service, token)]; s != nil {
		have = s.now
	}
	uses := []Use{}
	var room [4]allowance
	for _, a := range quotas(&room, l.Quota, have.at(now)) {
		uses = append(uses, a.use(service, token, now))
	}
	return uses
}
