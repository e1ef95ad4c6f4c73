package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"slices"
	"strings"
	"time"
)

// The index follows the log with an eye on the calls: a batch of records at a time,
// and when many come it works a small part of the time only. What it has not
// reached yet, searches read from the log's files.
const (
	batchRecords = 500
	batchBytes   = 4 << 20
	busyRate     = 1000 // calls a second
	busyShare    = 100  // the rest that follows a batch then, in times of what it took
	settle       = 30 * time.Millisecond
	retryEvery   = 5 * time.Second
	tellEvery    = time.Second // that older records are found now
)

// run keeps the index up to date until ctx ends.
func (x *index) run(ctx context.Context) {
	timer := time.NewTimer(0)
	defer timer.Stop()
	last, at := int64(0), time.Now()
	progress := catching{told: time.Now()}
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		case <-x.wake:
			if !pause(ctx, settle) { // more may come, and a batch costs as much as its commit
				return
			}
		}
		began := time.Now()
		more, newest, err := x.follow(ctx)
		if ctx.Err() != nil {
			return
		}
		if err != nil && damaged(err) {
			err = x.remake(err)
			more = err == nil
		}
		x.note(err)
		if progress.news(x.unsearched(), more) {
			x.log.tell()
		}
		rate := float64(newest-last) / time.Since(at).Seconds()
		if last == 0 {
			rate = 0
		}
		last, at = newest, time.Now()
		switch {
		case err != nil:
			timer.Reset(retryEvery)
		case rate > busyRate:
			if !pause(ctx, busyShare*time.Since(began)) {
				return
			}
			timer.Reset(0)
		case more:
			timer.Reset(0)
		}
	}
}

// catching says when searches find more than before, while old records are indexed.
type catching struct {
	up   bool // there are such
	told time.Time
}

// news reports whether that is to be told now.
func (c *catching) news(left int, more bool) bool {
	c.up = c.up || left > 0
	if !c.up || more && time.Since(c.told) < tellEvery {
		return false
	}
	c.told, c.up = time.Now(), more
	return true
}

// pause reports whether ctx still holds after a while.
func pause(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// note keeps and tells what is wrong with the index, once.
func (x *index) note(err error) {
	x.mu.Lock()
	before := x.problem
	x.problem = err
	x.mu.Unlock()
	if err != nil && (before == nil || before.Error() != err.Error()) {
		x.log.logger.Error("the index of the audit log does not follow it: searches will be slow", "why", err)
	}
}

// follow adds the next batch of records, and drops some of those that the log no
// longer has. It tells whether there is more to do.
func (x *index) follow(ctx context.Context) (more bool, newest int64, err error) {
	segments, newest, err := x.log.now()
	if err != nil {
		return false, newest, err
	}
	if !x.log.ours() {
		return false, newest, nil
	}
	if err := x.ready(newest); err != nil || len(segments) == 0 {
		return false, newest, err
	}
	tx, err := x.writer.Begin() // one that ctx ends would be rolled back after close
	if err != nil {
		return false, newest, err
	}
	b := &indexing{tx: tx, ctx: ctx, counts: map[[2]string]int64{}}
	if err = b.add(x.log, segments); err == nil {
		err = b.drop(segments[0].first)
	}
	if err == nil {
		err = b.save()
	}
	if err != nil {
		return false, newest, errors.Join(err, ignoreDone(tx.Rollback()))
	}
	if err := tx.Commit(); err != nil {
		return false, newest, err
	}
	if b.dropped > 0 {
		_, err = x.writer.ExecContext(ctx, "PRAGMA incremental_vacuum(2000)")
	}
	x.behind.Store(newest - b.until)
	return b.more || b.dropped == batchRecords, newest, err
}

// ready has the index be there, and know of no record after the newest.
func (x *index) ready(newest int64) error {
	if x.suspected.Swap(false) {
		return errSuspected
	}
	if x.writer == nil {
		if err := x.prepare(); err != nil {
			return err
		}
	}
	if x.db() == nil {
		if err := x.read(); err != nil {
			return err
		}
	}
	until, err := x.until(context.Background())
	if err == nil && until > newest {
		err = errForeign
	}
	return err
}

// errForeign is of an index that knows of records which the log does not have.
var errForeign = errors.New("it is not of this log")

// errSuspected is of an index in which a search met damage.
var errSuspected = errors.New("a search met damage in it")

func ignoreDone(err error) error {
	if errors.Is(err, sql.ErrTxDone) {
		return nil
	}
	return err
}

// indexing is a batch on its way into the index.
type indexing struct {
	tx                 *sql.Tx
	ctx                context.Context
	until, at, setback int64
	counts             map[[2]string]int64
	dropped            int
	more               bool // records are left for the next batch
	call, words        *sql.Stmt
	text               strings.Builder
}

const columns = "seq, segment, offset, length, at, id, time, service, method, path, query, status, duration, bytes_in, bytes_out, audience, jti, listener, remote, decision, reason, event, replay_of, drift"

// add indexes the records that follow the newest one which is.
func (b *indexing) add(l *Log, segments []segment) error {
	err := b.tx.QueryRow("SELECT until, at, setback FROM state").Scan(&b.until, &b.at, &b.setback)
	if err != nil {
		return err
	}
	b.until = max(b.until, segments[0].first-1)
	if b.call, err = b.tx.Prepare("INSERT OR REPLACE INTO calls (" + columns + ") VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?,?)"); err != nil {
		return err
	}
	if b.words, err = b.tx.Prepare("INSERT INTO words (rowid, facets, text) VALUES (?,?,?)"); err != nil {
		return err
	}
	i, _ := slices.BinarySearchFunc(segments, b.until+1, func(s segment, seq int64) int { return int(s.first - seq) })
	if i == len(segments) || segments[i].first > b.until+1 {
		i--
	}
	from, err := b.offset(l, segments[i])
	if err != nil {
		return err
	}
	n, size := 0, 0
	for ; i < len(segments); i++ {
		err := forward(l.path(segments[i].name), from, func(line []byte, at int64) error {
			link, err := readLink(line)
			if err != nil || link.seq <= b.until {
				return b.ctx.Err() // damaged, or out of place: Verify names it
			}
			if n == batchRecords || size > batchBytes {
				b.more = true
				return errEnough
			}
			n++
			size += len(line)
			return b.insert(segments[i].name, line, link, at)
		})
		if err != nil {
			if errors.Is(err, errEnough) {
				return nil
			}
			return err
		}
		from = 0
	}
	return nil
}

// offset is where in a segment to read on: at the newest record that is indexed.
// After the power failed the log may have another one in its place, or none.
func (b *indexing) offset(l *Log, s segment) (int64, error) {
	var from int64
	var length int
	var id string
	err := b.tx.QueryRow("SELECT offset, length, id FROM calls WHERE seq = ? AND segment = ?", b.until, s.name).Scan(&from, &length, &id)
	if errors.Is(err, sql.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	line, err := readAt(l.path(s.name), from, length)
	if err != nil && !errors.Is(err, io.EOF) {
		return 0, err
	}
	if last, err := readLink(line); err != nil || last.seq != b.until || last.id != id {
		return 0, errForeign
	}
	return from, nil
}

func (b *indexing) insert(segment string, line []byte, l link, at int64) error {
	var x Exchange
	if err := json.Unmarshal(line, &x); err != nil {
		return nil // damaged: Verify names it
	}
	b.until = l.seq
	now := x.Time.UnixNano()
	if now < b.at {
		b.setback = 1
	}
	b.at = max(b.at, now)
	_, err := b.call.Exec(l.seq, segment, at, len(line), b.at, x.ID, now, x.Service, x.Method, x.Path, x.Query, x.Status,
		int64(x.Duration), x.BytesIn, x.BytesOut, x.Audience, x.JTI, x.Listener, x.Remote, string(x.Decision), x.Reason, x.Event, x.ReplayOf, x.Drift)
	if err != nil {
		return err
	}
	var terms strings.Builder
	for _, f := range facetsOf(&x) {
		b.counts[f]++
		terms.WriteString(facetTerm(f[0], f[1]) + " ")
	}
	if x.JTI != "" {
		terms.WriteString(facetTerm("token", x.JTI) + " ")
	}
	if x.Fails() {
		terms.WriteString(errorTerm)
	}
	b.text.Reset()
	for t := range x.texts {
		b.text.WriteString(t)
		b.text.WriteByte('\n')
	}
	_, err = b.words.Exec(l.seq, terms.String(), b.text.String())
	return err
}

// drop forgets up to a batch of records before first.
func (b *indexing) drop(first int64) error {
	rows, err := b.tx.Query("SELECT seq, service, method, listener, decision, audience, status, drift FROM calls WHERE seq < ? ORDER BY seq LIMIT ?", first, batchRecords)
	if err != nil {
		return err
	}
	defer rows.Close() //nolint:errcheck // rows.Err says it
	var last int64
	for rows.Next() {
		var x Exchange
		if err := rows.Scan(&last, &x.Service, &x.Method, &x.Listener, &x.Decision, &x.Audience, &x.Status, &x.Drift); err != nil {
			return err
		}
		for _, f := range facetsOf(&x) {
			b.counts[f]--
		}
		b.dropped++
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil || b.dropped == 0 {
		return err
	}
	if _, err := b.tx.Exec("DELETE FROM words WHERE rowid <= ?", last); err != nil {
		return err
	}
	_, err = b.tx.Exec("DELETE FROM calls WHERE seq <= ?", last)
	return err
}

// save writes what the batch leaves in the other tables.
func (b *indexing) save() error {
	for _, f := range slices.Collect(maps.Keys(b.counts)) {
		if _, err := b.tx.Exec("INSERT INTO facets VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET n = n + excluded.n", f[0], f[1], b.counts[f]); err != nil {
			return err
		}
	}
	_, err := b.tx.Exec("UPDATE state SET until = ?, at = ?, setback = ?", b.until, b.at, b.setback)
	return err
}
