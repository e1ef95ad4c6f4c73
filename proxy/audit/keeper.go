package audit

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"sort"
	"sync"
	"time"

	"lockbox/proxy/secret"
)

// How often the log is put to disk and its newest record signed, and how often it
// is looked whether something is to be dropped.
const (
	signEvery   = 2 * time.Second
	retainEvery = time.Minute
)

// Retention is how long records are kept. What is over either is dropped, the
// oldest first and some 16 MB at a time.
type Retention struct {
	Age   time.Duration // 0: however old
	Bytes int64         // of the log's files; 0: however large
}

// keeper does in the background what no call should wait for.
type keeper struct {
	log  *Log
	stop chan struct{}
	done sync.WaitGroup
	once sync.Once

	mu     sync.Mutex
	key    secret.Value
	limits Retention
	signed int64    // Seq of the newest record that the head speaks of
	bare   bool     // the head has no signature
	named  *os.File // the one whose name is on disk
	fresh  bool     // the key was made just now: it cannot have signed anything
	known  bool     // what was signed before was held against the key
}

func keep(l *Log) *keeper {
	k := &keeper{log: l, stop: make(chan struct{}), signed: -1}
	k.done.Go(k.run)
	return k
}

// SetKey gives the log the key that its newest record and its checkpoints are
// signed with, 32 random bytes that whoever can write the log should not have.
// What was on record before it came must have its signature.
func (l *Log) SetKey(key secret.Value) { l.setKey(key, false) }

// SetNewKey is SetKey with a key that was made just now, and takes what is on
// record before it as it is.
func (l *Log) SetNewKey(key secret.Value) { l.setKey(key, true) }

func (l *Log) setKey(key secret.Value, fresh bool) {
	l.keeper.mu.Lock()
	l.keeper.key, l.keeper.fresh = key, fresh
	l.keeper.mu.Unlock()
	if err := l.keeper.sign(); err != nil {
		l.logger.Error("the audit log's newest record cannot be signed", "why", err)
	}
}

// SetRetention says how long records are kept.
func (l *Log) SetRetention(r Retention) {
	l.keeper.mu.Lock()
	defer l.keeper.mu.Unlock()
	l.keeper.limits = r
}

func (k *keeper) run() {
	sign, retain := time.NewTicker(signEvery), time.NewTicker(retainEvery)
	defer sign.Stop()
	defer retain.Stop()
	told := ""
	for {
		var err error
		select {
		case <-sign.C:
			err = k.sign()
		case <-retain.C:
			err = k.log.Retain(time.Now())
		case <-k.stop:
			return
		}
		if err != nil && err.Error() != told {
			k.log.logger.Error("the audit log cannot be looked after", "why", err)
		}
		told = ""
		if err != nil {
			told = err.Error()
		}
	}
}

func (k *keeper) close() error {
	k.once.Do(func() { close(k.stop) })
	k.done.Wait()
	return k.sign()
}

// headPath is beside the directory: an old copy of that does not bring its head.
func (l *Log) headPath() string { return filepath.Clean(l.dir) + ".head" }

func (l *Log) checkpointPath() string { return l.path("checkpoint") }

// sign puts what is written to disk, and then writes the head.
func (k *keeper) sign() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	l := k.log
	l.mu.Lock()
	// A batch that waits is in tip and seq already, but not on disk.
	file, m, waiting, ours := l.file, mark{Seq: l.seq, Hash: l.tip.String(), Time: time.Now()}, l.next != nil, l.claimed && !l.closed
	if waiting {
		m.Seq, m.Hash = l.next.seq, l.next.tip.String()
	}
	l.mu.Unlock()
	if !ours || m.Seq == k.signed && (k.key.IsZero() || !k.bare) {
		return nil
	}
	if file != nil {
		if err := file.Sync(); err != nil && !errors.Is(err, os.ErrClosed) { // closed: synced by that
			return err
		}
		if k.named != file {
			syncDir(file.Name())
			k.named = file
		}
	}
	if ok, err := k.mayWrite(); !ok || err != nil {
		return err
	}
	if err := writeMark(l.headPath(), headKind, m, k.key); err != nil {
		return fmt.Errorf("the head of the audit log cannot be written: %w", err)
	}
	k.signed, k.bare = m.Seq, k.key.IsZero()
	return nil
}

// mayWrite reports whether a head can take the place of the one there is. Without
// the key none takes that of a signed one, which goes on to hold for what it says.
// The key's first head takes the place of one that it did not sign only where
// there was no key before.
func (k *keeper) mayWrite() (bool, error) {
	if k.known {
		return true, nil
	}
	l := k.log
	head, err := readMark(l.headPath())
	if err != nil {
		return false, err
	}
	if k.key.IsZero() {
		return head == nil || head.Signature == "", nil
	}
	switch {
	case head == nil || head.sealed(headKind, k.key):
	case k.fresh || l.fresh.Load() && head.Signature == "":
		if err := k.adopt(); err != nil {
			return false, err
		}
	default:
		if err := l.distrust(); err != nil {
			return false, err
		}
	}
	k.known = true
	return true, nil
}

// adopt signs the checkpoint that was written before there was a key.
func (k *keeper) adopt() error {
	m, err := readMark(k.log.checkpointPath())
	if err != nil || m == nil {
		return err
	}
	return writeMark(k.log.checkpointPath(), checkpointKind, *m, k.key)
}

// Retain drops what is older or more than the log may keep. The disk space is free
// at once.
func (l *Log) Retain(now time.Time) error {
	k := l.keeper
	k.mu.Lock()
	defer k.mu.Unlock()
	l.mu.Lock()
	segments, ours := l.segments, l.claimed
	l.mu.Unlock()
	if last := len(segments) - 1; last >= 0 {
		if info, err := os.Stat(l.path(segments[last].name)); err == nil && info.Size() == 0 {
			segments = segments[:last] // its first record could not be written yet
		}
	}
	n, err := l.excess(segments, k.limits, now)
	if n == 0 || err != nil || !ours {
		return err
	}
	// What the chain begins after is on disk before anything is gone.
	m, err := k.checkpoint(segments[n], now)
	if err != nil {
		return fmt.Errorf("old audit records are kept: %w", err)
	}
	l.mu.Lock()
	l.segments = l.segments[n:]
	l.mu.Unlock()
	for _, s := range segments[:n] {
		if e := os.Remove(l.path(s.name)); e != nil {
			err = fmt.Errorf("an old audit file cannot be removed before the next start: %w", e)
		}
	}
	l.logger.Info("old audit records were dropped", "up to", m.Seq)
	l.index.wakeUp()
	return err
}

// checkpoint notes that the log begins with a segment from now on.
func (k *keeper) checkpoint(s segment, now time.Time) (mark, error) {
	l, m := k.log, mark{Seq: s.first - 1, Time: now}
	if k.key.IsZero() {
		if head, err := readMark(l.headPath()); err != nil || head != nil && head.Signature != "" {
			return m, errors.Join(errors.New("what is dropped has to be signed for, which it can be when the vault can be read"), err)
		}
	}
	err := forward(l.path(s.name), 0, func(line []byte, _ int64) error {
		next, err := readLink(line)
		if err == nil {
			m.Hash = next.prev.String()
		}
		return errors.Join(err, errEnough)
	})
	if !errors.Is(err, errEnough) || errors.Is(err, errUnchained) {
		return m, fmt.Errorf("what follows them is damaged: %w", err)
	}
	if err := writeMark(l.checkpointPath(), checkpointKind, m, k.key); err != nil {
		return m, fmt.Errorf("the checkpoint cannot be written: %w", err)
	}
	return m, nil
}

// excess is how many segments are over the limits. The newest one never is.
func (l *Log) excess(segments []segment, r Retention, now time.Time) (n int, err error) {
	var bytes int64
	for i := len(segments) - 1; i >= 0 && r.Bytes > 0; i-- {
		info, err := os.Stat(l.path(segments[i].name))
		if err != nil {
			return 0, err
		}
		if bytes += info.Size(); bytes > r.Bytes && i < len(segments)-1 {
			n = i + 1
			break
		}
	}
	// All of a segment is older than what the next one begins with.
	for r.Age > 0 && n < len(segments)-1 && now.Sub(segments[n+1].began()) > r.Age {
		n++
	}
	return n, nil
}

// doubt holds the log that is gone on with against its head. A head which says
// otherwise is kept, for Verify to name: the next one would hide it.
func (l *Log) doubt(segments []segment) error {
	m, err := readMark(l.headPath())
	if err == nil && m == nil {
		return l.beginHead()
	}
	if err == nil && (m.Seq == 0 || len(segments) > 0 && m.Seq < segments[0].first) {
		return nil
	}
	if err == nil && m.Seq <= l.seq {
		if same, err := l.has(segments, m); same || err != nil {
			return err
		}
	}
	return l.distrust()
}

// has reports whether the record that m speaks of is in the log.
func (l *Log) has(segments []segment, m *mark) (same bool, err error) {
	i := sort.Search(len(segments), func(i int) bool { return segments[i].first > m.Seq }) - 1
	if i < 0 { // no head of ours speaks of it
		return false, nil
	}
	err = backward(l.path(segments[i].name), func(line []byte) (bool, error) {
		r, err := readLink(line)
		same = same || err == nil && r.seq == m.Seq && r.hash.String() == m.Hash
		return !same && (err != nil || r.seq >= m.Seq), nil
	})
	return same, err
}

// headAside is where a head is kept that Verify has to name.
func (l *Log) headAside() string {
	return l.headPath() + "." + time.Now().UTC().Format("20060102T150405.000")
}

// distrust keeps a head that is not right.
func (l *Log) distrust() error {
	aside := l.headAside()
	l.logger.Error("the audit log is not what it was when it was last signed: lockbox audit verify says more", "head", aside)
	return os.Rename(l.headPath(), aside)
}

// beginHead writes the head of a new log before its first record, so that a log
// without one has lost it. For that one it leaves a note to Verify.
func (l *Log) beginHead() error {
	m, path := mark{Seq: l.seq, Hash: l.tip.String(), Time: time.Now()}, l.headPath()
	if l.fresh.Store(l.seq == 0); l.seq > 0 {
		m.Hash, path = "", l.headAside()
		l.logger.Error("the head of the audit log is missing: lockbox audit verify says more", "head", l.headPath())
	}
	if err := writeMark(path, headKind, m, secret.Value{}); err != nil {
		return fmt.Errorf("the head of the audit log cannot be written: %w", err)
	}
	return nil
}

// dropped finishes what a crash left of Retain: it leaves out, and removes, the
// segments that the checkpoint speaks of.
func (l *Log) dropped(segments []segment) ([]segment, error) {
	m, err := readMark(l.checkpointPath())
	if err != nil {
		l.logger.Error("the audit log's checkpoint cannot be read: verify names it", "why", err)
	}
	for m != nil && len(segments) > 1 && segments[1].first <= m.Seq+1 {
		if err := os.Remove(l.path(segments[0].name)); err != nil {
			return nil, err
		}
		segments = segments[1:]
	}
	return segments, nil
}
