package audit

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"lockbox/proxy/secret"
)

// FaultKind is what was done to the record.
type FaultKind string

// The faults that Verify tells apart.
const (
	Altered   FaultKind = "altered"
	Missing   FaultKind = "missing"
	Misplaced FaultKind = "misplaced" // swapped, put in or repeated
	Truncated FaultKind = "truncated" // missing from the end: an old copy ends early too
	Unsigned  FaultKind = "unsigned"  // a checkpoint or head that the key did not sign
)

// Fault is a place where the record is not what was written.
type Fault struct {
	Kind     FaultKind `json:"kind"`
	Seq, End int64     `json:"-"` // of the first and the last record concerned; 0 for one that has none
	Text     string    `json:"text"`
}

// Verdict is what Verify found.
type Verdict struct {
	Records int64     `json:"records"`
	First   int64     `json:"first"` // Seqs of the first and the last record
	Last    int64     `json:"last"`
	Signed  int64     `json:"signed"` // up to which record the head's signature vouches; 0: the key is not at hand
	At      time.Time `json:"at"`     // when that was signed
	Dropped int64     `json:"dropped"`
	Faults  []Fault   `json:"faults"` // in the order of the files, maxFaults at most
	More    bool      `json:"more"`   // there are more than maxFaults
}

// OK reports whether nothing was found.
func (v *Verdict) OK() bool { return len(v.Faults) == 0 }

// Lines puts v into words, a fault a line.
func (v *Verdict) Lines() []string {
	var out []string
	for _, f := range v.Faults {
		out = append(out, strings.ToUpper(f.Text[:1])+f.Text[1:]+".")
	}
	switch {
	case v.More:
		out = append(out, fmt.Sprintf("There are more than these %d.", maxFaults))
	case !v.OK():
	case v.Records == 0:
		out = append(out, "There are no records.")
	default:
		out = append(out, fmt.Sprintf("All %d records, from %d to %d, are as they were written.", v.Records, v.First, v.Last))
	}
	if v.Dropped > 0 {
		out = append(out, fmt.Sprintf("Records up to %d were dropped by retention.", v.Dropped))
	}
	if v.Signed > 0 {
		out = append(out, fmt.Sprintf("Record %d and all before it are signed, at %s.", v.Signed, v.At.Local().Format(time.DateTime)))
	}
	return out
}

// maxFaults bounds a verdict: a file of noise would have millions.
const maxFaults = 100

// Verify reads the whole log and follows its chain. progress is told now and then
// how many of the records are done. The error is of reading, not of what was read.
func (l *Log) Verify(ctx context.Context, progress func(done, total int64)) (Verdict, error) {
	var key secret.Value
	if l.keeper != nil {
		if err := l.keeper.sign(); err != nil { // the head before says enough
			l.logger.Error("the audit log's newest record cannot be signed", "why", err)
		}
		l.keeper.mu.Lock()
		key = l.keeper.key
		l.keeper.mu.Unlock()
	}
	return l.VerifyWith(ctx, key, progress)
}

// VerifyWith is Verify with the key of SetKey; a zero one leaves signatures alone.
func (l *Log) VerifyWith(ctx context.Context, key secret.Value, progress func(done, total int64)) (Verdict, error) {
	// What is signed must be written, and what is written after may not count: the
	// head is read first.
	c := &checking{key: key, progress: progress, missing: map[int64]bool{}}
	if err := c.readHeads(l.headPath()); err != nil {
		return c.verdict, err
	}
	checkpoint, segments, newest, err := l.remaining()
	if err != nil {
		return c.verdict, err
	}
	c.begin(checkpoint, newest)
	for c.verdict.Dropped > 0 && len(segments) > 1 && segments[1].first <= c.next {
		segments = segments[1:] // about to be removed
	}
	if len(segments) > 0 {
		c.total = newest - segments[0].first + 1
	}
	for _, s := range segments {
		n := 0
		err := forward(l.path(s.name), 0, func(line []byte, _ int64) error {
			if n++; n%512 == 1 {
				if err := ctx.Err(); err != nil {
					return err
				}
				c.progress(c.verdict.Records, max(c.total, c.verdict.Records))
			}
			c.line(line, s.name, n)
			return nil
		})
		if errors.Is(err, os.ErrNotExist) { // dropped meanwhile, or else missing
			if m, err := readMark(l.checkpointPath()); err == nil && m != nil && m.Seq >= c.next {
				c.begin(checkpointed{m, nil}, max(newest, m.Seq))
			}
			continue
		}
		if err != nil {
			return c.verdict, err
		}
	}
	c.end(newest, l.headPath())
	c.progress(c.verdict.Records, c.verdict.Records)
	return c.verdict, nil
}

// readHeads reads the head, and those that were kept beside it.
func (c *checking) readHeads(path string) error {
	dir, name := filepath.Split(path)
	entries, err := os.ReadDir(filepath.Clean(dir))
	if err != nil {
		return fmt.Errorf("the head of the audit log cannot be looked for: %w", err)
	}
	for _, e := range entries {
		if !strings.HasPrefix(e.Name(), name) || strings.HasSuffix(e.Name(), ".new") { // a crash while it was written
			continue
		}
		path := filepath.Join(dir, e.Name())
		switch m, err := readMark(path); {
		case err != nil:
			c.fault(Unsigned, 0, 0, "the head of the audit log cannot be read: %v", err)
		case m != nil:
			c.heads = append(c.heads, &head{mark: *m, path: path})
		}
	}
	return nil
}

// checkpointed is what was read of a checkpoint.
type checkpointed struct {
	mark *mark
	err  error
}

// remaining is the checkpoint with the segments that follow it, while records may
// be dropped.
func (l *Log) remaining() (c checkpointed, segments []segment, newest int64, err error) {
	c.mark, c.err = readMark(l.checkpointPath())
	for {
		if segments, newest, err = l.now(); err != nil {
			return c, nil, 0, err
		}
		before := c.mark
		c.mark, c.err = readMark(l.checkpointPath())
		if c.err != nil || before == c.mark || before != nil && c.mark != nil && before.Seq == c.mark.Seq {
			return c, segments, newest, nil
		}
	}
}

// checking is a Verify under way.
type checking struct {
	key      secret.Value
	progress func(done, total int64)
	total    int64
	heads    []*head
	verdict  Verdict

	next    int64 // the Seq that comes next
	prev    hash  // of the record before it
	loose   bool  // prev is not known: a line before could not be read
	missing map[int64]bool
}

// head is a head's mark. There are more than one when the log was once found not to
// be what its head says: each of them has to be right.
type head struct {
	mark
	path string
	met  bool // its record is there, and is the one that was signed
}

func (c *checking) fault(kind FaultKind, seq, end int64, format string, args ...any) {
	if len(c.verdict.Faults) == maxFaults {
		c.verdict.More = true
		return
	}
	c.verdict.Faults = append(c.verdict.Faults, Fault{kind, seq, end, fmt.Sprintf(format, args...)})
}

// begin takes up the chain where the checkpoint says, or at its first record.
func (c *checking) begin(checkpoint checkpointed, newest int64) {
	c.next = max(c.next, 1)
	m := checkpoint.mark
	switch {
	case checkpoint.err != nil:
		c.fault(Unsigned, 0, 0, "the checkpoint cannot be read: %v", checkpoint.err)
		c.loose = true
	case m == nil:
	case !readHash(&c.prev, []byte(m.Hash)) || m.Seq < 1 || m.Seq > newest+1:
		c.fault(Unsigned, 0, 0, "the checkpoint makes no sense: it was altered")
		c.loose = true
	default:
		c.next, c.verdict.Dropped, c.loose = m.Seq+1, m.Seq, false
		if !c.key.IsZero() && !m.sealed(checkpointKind, c.key) {
			c.fault(Unsigned, 0, 0, "the checkpoint that says records up to %d were dropped was not signed with this Lockbox's key", m.Seq)
		}
	}
	c.verdict.First = c.next
}

// line takes the next line of a file.
func (c *checking) line(line []byte, file string, n int) {
	l, err := readLink(line)
	if err != nil {
		c.fault(Altered, c.next, c.next, "record %d is altered: line %d of %s cannot be read as a record", c.next, n, file)
		c.next++
		c.loose = true
		return
	}
	c.verdict.Records++
	for _, h := range c.heads {
		h.met = h.met || l.seq == h.Seq && l.hash.String() == h.Hash
	}
	switch {
	case l.seq > c.next:
		c.gap(l.seq)
	case l.seq < c.next:
		c.early(l, file, n)
		return
	case !c.loose && l.prev != c.prev:
		c.fault(Altered, l.seq-1, l.seq-1, "record %d is altered: it is not the one that record %d was chained to (line %d of %s)", l.seq-1, l.seq, n, file)
	}
	if !l.whole {
		c.fault(Altered, l.seq, l.seq, "record %d is altered: it does not have its hash (line %d of %s)", l.seq, n, file)
	}
	c.next, c.prev, c.loose = l.seq+1, l.hash, false
	c.verdict.Last = l.seq
}

// gap notes that the records before seq are not where they belong. They may be
// found later, out of place.
func (c *checking) gap(seq int64) {
	c.fault(Missing, c.next, seq-1, "%s missing: record %d follows record %d", some(c.next, seq-1), seq, c.next-1)
	for s := c.next; s < seq && len(c.missing) < maxFaults; s++ {
		c.missing[s] = true
	}
}

// early notes a record that stands after a later one.
func (c *checking) early(l link, file string, n int) {
	if !c.missing[l.seq] {
		c.fault(Misplaced, l.seq, l.seq, "record %d was put in: it stands after record %d (line %d of %s)", l.seq, c.next-1, n, file)
		return
	}
	delete(c.missing, l.seq)
	for i, f := range c.verdict.Faults {
		if f.Kind == Missing && f.Seq == l.seq && f.End == l.seq {
			c.verdict.Faults[i] = Fault{Misplaced, l.seq, l.seq, fmt.Sprintf("record %d is out of order: it stands after record %d (line %d of %s)", l.seq, c.next-1, n, file)}
			return
		}
	}
	c.fault(Misplaced, l.seq, l.seq, "record %d is out of order: it stands after record %d (line %d of %s)", l.seq, c.next-1, n, file)
}

// end holds what was read against the heads.
func (c *checking) end(newest int64, path string) {
	last, current := c.next-1, false
	for _, m := range c.heads {
		current = current || m.path == path
		switch {
		case m.Hash == "":
			c.fault(Unsigned, 0, 0, "the head of the audit log was missing at %s: whether records were missing from its end then cannot be told", m.Time.Format(time.RFC3339))
		case !c.key.IsZero() && !m.sealed(headKind, c.key):
			c.fault(Unsigned, 0, 0, "the head of the audit log was not signed with this Lockbox's key: %s", m.path)
		case m.Seq > last:
			c.fault(Truncated, last+1, m.Seq, "%s missing from the end: record %d was signed at %s. The log was cut off, or it is an old copy", some(last+1, m.Seq), m.Seq, m.Time.Format(time.RFC3339))
		case m.Seq >= c.verdict.First && !m.met:
			c.fault(Altered, m.Seq, m.Seq, "record %d, or one before it, is not the one that was signed at %s: the log was altered, or cut off and gone on with", m.Seq, m.Time.Format(time.RFC3339))
		case !c.key.IsZero() && m.path == path:
			c.verdict.Signed, c.verdict.At = m.Seq, m.Time
		}
	}
	if !current && newest > 0 {
		c.fault(Unsigned, 0, 0, "the head of the audit log is missing: whether records are missing from its end cannot be told")
	}
}

// some names records.
func some(first, last int64) string {
	if first == last {
		return fmt.Sprintf("record %d is", first)
	}
	return fmt.Sprintf("records %d to %d are", first, last)
}
