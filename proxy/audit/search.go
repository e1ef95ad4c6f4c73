package audit

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"strings"
	"time"
)

// ErrNoRecord is what Get returns where there is none.
var ErrNoRecord = errors.New("there is no such record")

// maxTail is how many records that the index has not reached yet a search with
// filters reads from the log's files. Where there are more, the oldest of them are
// found only once they are indexed.
const maxTail = 5000

// Unsearched is how many records List, Matches and Timeline do not find by filters
// yet, as it was last looked at: they are still to be indexed.
func (l *Log) Unsearched() int { return l.index.unsearched() }

func (x *index) unsearched() int {
	if x.db() == nil {
		return 0 // the files are searched
	}
	return max(0, int(x.behind.Load())-maxTail)
}

// found is a record with its place in the log.
type found struct {
	Exchange
	segment string
	offset  int64
	length  int
}

// search is one look at the log and its index.
type search struct {
	log      *Log
	ctx      context.Context
	db       *sql.DB // the index; nil: there is none
	q        Query
	segments []segment
	newest   int64 // Seq of the newest record
	until    int64 // Seq of the newest record that is indexed
	low      int64 // Seqs that the records found can have
	high     int64
	match    string // the words table's query; "" is all
	exact    bool   // the bounds and match leave nothing to be looked at again
	patient  bool   // all that the index has not reached is read from the log's files
}

func (l *Log) search(ctx context.Context, q Query) (*search, error) {
	s := &search{log: l, ctx: ctx, q: q, exact: true}
	var err error
	if s.segments, s.newest, err = l.now(); err != nil || len(s.segments) == 0 {
		return s, err
	}
	s.low, s.high = max(s.segments[0].first, q.After+1), s.newest
	if q.Before > 0 {
		s.high = min(s.high, q.Before-1)
	}
	if s.db = l.index.db(); s.db != nil {
		if err = s.db.QueryRowContext(ctx, "SELECT until FROM state").Scan(&s.until); err != nil {
			return nil, s.failed(err)
		}
	}
	s.until = min(s.until, s.newest)
	if s.db != nil {
		s.log.index.behind.Store(s.newest - s.until)
	}
	s.match = q.match()
	return s, nil
}

// failed is the error of reading the index.
func (s *search) failed(err error) error {
	s.log.index.suspect(err)
	return fmt.Errorf("the index of the audit log cannot be read: %w", err)
}

// match is what q asks of the words table.
func (q *Query) match() string {
	var and []string
	for _, word := range Words {
		values := q.list(word)
		if values == nil || len(*values) == 0 {
			continue
		}
		or := make([]string, len(*values))
		for i, v := range *values {
			or[i] = facetTerm(word, v)
		}
		and = append(and, "facets : ("+strings.Join(or, " OR ")+")")
	}
	if q.JTI != "" {
		and = append(and, "facets : "+facetTerm("token", q.JTI))
	}
	for word := range strings.FieldsSeq(q.Text) {
		if parts := terms(word); len(parts) > 0 {
			term := `text : "` + strings.Join(parts, " ") + `"`
			if strings.HasSuffix(word, "*") {
				term += "*"
			}
			and = append(and, term)
		}
	}
	return strings.Join(and, " AND ")
}

// bound narrows the Seqs to q's range of times, as far as the index goes.
func (s *search) bound() error {
	if s.until == 0 || s.q.Since.IsZero() && s.q.Until.IsZero() {
		return nil
	}
	if !s.q.Since.IsZero() {
		first, err := s.first(s.q.Since)
		if err != nil {
			return err
		}
		s.low = max(s.low, first)
	}
	var setback bool
	if err := s.db.QueryRowContext(s.ctx, "SELECT setback FROM state").Scan(&setback); err != nil {
		return s.failed(err)
	}
	// Without a clock that was set back, at is each record's time.
	s.exact = !setback
	if s.q.Until.IsZero() || setback {
		return nil
	}
	end, err := s.first(s.q.Until)
	if err == nil && end <= s.until {
		s.high = min(s.high, end-1)
	}
	return err
}

// first is the Seq of the first indexed record from which on none is older than t;
// one after the last when all are.
func (s *search) first(t time.Time) (int64, error) {
	low, high := s.segments[0].first, s.until+1
	for low < high {
		mid := low + (high-low)/2
		var at int64
		err := s.db.QueryRowContext(s.ctx, "SELECT coalesce((SELECT at FROM calls WHERE seq >= ? ORDER BY seq LIMIT 1), ?)", mid, int64(1)<<62).Scan(&at)
		if err != nil {
			return 0, s.failed(err)
		}
		if at < t.UnixNano() {
			low = mid + 1
		} else {
			high = mid
		}
	}
	return low, nil
}

// rows gives f the records that q chooses, newest first. Those from the index have
// no headers and bodies, but a place in the log.
func (s *search) rows(f func(*found) error) error {
	if len(s.segments) == 0 {
		return nil
	}
	if s.newest > s.until {
		if err := s.tail(f); err != nil {
			return err
		}
	}
	if s.until == 0 {
		return nil
	}
	if err := s.bound(); err != nil {
		return err
	}
	from := "calls WHERE seq BETWEEN ? AND ?"
	args := []any{s.low, min(s.high, s.until)}
	if s.match != "" {
		from = "words CROSS JOIN calls ON calls.seq = words.rowid WHERE words.rowid BETWEEN ? AND ? AND words MATCH ?"
		args = append(args, s.match)
	}
	order := " ORDER BY seq DESC"
	if s.match != "" {
		order = " ORDER BY words.rowid DESC"
	}
	rows, err := s.db.QueryContext(s.ctx, "SELECT "+columns+" FROM "+from+order, args...)
	if err != nil {
		return s.failed(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err says it
	for rows.Next() {
		var x found
		var at, t, d int64
		err := rows.Scan(&x.Seq, &x.segment, &x.offset, &x.length, &at, &x.ID, &t, &x.Service, &x.Method, &x.Path, &x.Query, &x.Status,
			&d, &x.BytesIn, &x.BytesOut, &x.Audience, &x.JTI, &x.Listener, &x.Remote, &x.Decision, &x.Reason, &x.Event, &x.ReplayOf, &x.Drift)
		if err != nil {
			return err
		}
		x.Time, x.Duration = time.Unix(0, t), time.Duration(d)
		if !s.exact && !s.q.covers(x.Time) {
			continue
		}
		if err := f(&x); err != nil {
			return err
		}
	}
	if err := rows.Err(); err != nil {
		return s.failed(err)
	}
	return nil
}

var errEnough = errors.New("enough")

// List returns the newest records that q chooses, newest first, without headers
// and bodies, which are Get's.
func (l *Log) List(q Query) ([]Exchange, error) {
	if q.Limit <= 0 {
		q.Limit = 100
	}
	s, err := l.search(context.Background(), q)
	if err != nil {
		return nil, err
	}
	var out []Exchange
	err = s.rows(func(x *found) error {
		x.RequestHeader, x.ResponseHeader, x.RequestBody, x.ResponseBody = nil, nil, nil, nil
		if out = append(out, x.Exchange); len(out) == q.Limit {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return out, err
}

// Each gives f the records that q chooses, newest first, whole, and without q's
// limit when that is 0: those that are not indexed yet too, however many. It ends
// with f's first error, or ctx's.
func (l *Log) Each(ctx context.Context, q Query, f func(*Exchange) error) error {
	n := 0
	for page := 500; ; {
		s, err := l.search(ctx, q)
		if err != nil {
			return err
		}
		s.patient = true
		var rows []found // f may take its time, and no read of the index should
		err = s.rows(func(x *found) error {
			if rows = append(rows, *x); len(rows) == page {
				return errEnough
			}
			return nil
		})
		if err != nil && !errors.Is(err, errEnough) {
			return err
		}
		for i := range rows {
			err := errors.Join(ctx.Err(), l.whole(&rows[i]))
			if errors.Is(err, fs.ErrNotExist) {
				return nil // it and what is older was dropped meanwhile
			}
			if err != nil {
				return err
			}
			if err := f(&rows[i].Exchange); err != nil {
				return err
			}
			if n++; n == q.Limit {
				return nil
			}
		}
		if len(rows) < page {
			return nil
		}
		q.Before = rows[len(rows)-1].Seq
	}
}

// whole reads what the index does not have of a record.
func (l *Log) whole(x *found) error {
	if x.length == 0 {
		return nil // it is from the log's own files
	}
	line, err := readAt(l.path(x.segment), x.offset, x.length)
	if err != nil {
		return err
	}
	seq := x.Seq
	x.Exchange = Exchange{}
	if err := json.Unmarshal(line, &x.Exchange); err != nil || x.Seq != seq {
		return fmt.Errorf("record %d is damaged in %s: run lockbox audit verify", seq, x.segment)
	}
	return nil
}
