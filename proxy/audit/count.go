package audit

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"strings"
	"time"
)

// Bucket is a part of a timeline.
type Bucket struct {
	Start         time.Time
	Calls, Errors int64 // Errors are the refused, the failed, and answers of 500 and more
}

// Value is a value that a filter can have, with the number of records that have it.
type Value struct {
	Name  string
	Count int64
}

// Fails reports whether x counts as an error in a timeline.
func (x *Exchange) Fails() bool {
	return x.Decision == Refused || x.Decision == Failed || x.Status >= 500
}

// Matches is the number of records that q chooses, its limit aside.
func (l *Log) Matches(ctx context.Context, q Query) (n int64, err error) {
	s, err := l.search(ctx, q)
	if err != nil || len(s.segments) == 0 {
		return 0, err
	}
	if s.newest > s.until {
		if err := s.tail(func(*found) error { n++; return nil }); err != nil {
			return 0, err
		}
	}
	if s.until == 0 {
		return n, nil
	}
	if err := s.bound(); err != nil {
		return 0, err
	}
	indexed, err := s.count(s.low, min(s.high, s.until), s.match)
	return n + indexed, err
}

// count is how many of the records from low to high fit match.
func (s *search) count(low, high int64, match string) (n int64, err error) {
	switch {
	case high < low:
		return 0, nil
	case match == "":
		return high - low + 1, nil
	}
	err = s.db.QueryRowContext(s.ctx, "SELECT count(*) FROM words WHERE words MATCH ? AND rowid BETWEEN ? AND ?", match, low, high).Scan(&n)
	if err != nil {
		err = s.failed(err)
	}
	return n, err
}

// Timeline counts the records that q chooses in n equal parts of the time from
// q.Since to q.Until; without these it goes from the oldest record to the newest.
// Where the clock was set back, the parts follow the order of the records.
func (l *Log) Timeline(ctx context.Context, q Query, n int) ([]Bucket, error) {
	s, err := l.search(ctx, q)
	if err != nil || len(s.segments) == 0 {
		return nil, err
	}
	if err := l.span(&q, s.segments[0].first); err != nil {
		return nil, err
	}
	step := max(1, q.Until.Sub(q.Since)/time.Duration(n))
	out := make([]Bucket, n)
	for i := range out {
		out[i].Start = q.Since.Add(time.Duration(i) * step)
	}
	if s.newest > s.until {
		err := s.tail(func(x *found) error {
			b := &out[max(0, min(n-1, int(x.Time.Sub(q.Since)/step)))]
			b.Calls++
			if x.Fails() {
				b.Errors++
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	if s.until > 0 {
		err = s.fill(out, q.Since, step)
	}
	return out, err
}

// fill adds the records of the index to the parts of a timeline.
func (s *search) fill(out []Bucket, since time.Time, step time.Duration) error {
	fails := "facets : " + errorTerm
	if s.match != "" {
		fails += " AND " + s.match
	}
	from, err := s.first(since)
	for i := 0; i < len(out) && err == nil; i++ {
		var to int64
		if to, err = s.first(out[i].Start.Add(step)); err != nil {
			break
		}
		low, high := max(from, s.low), min(to-1, s.high, s.until)
		from = to
		var calls, errs int64
		if calls, err = s.count(low, high, s.match); err == nil && calls > 0 {
			errs, err = s.count(low, high, fails)
		}
		out[i].Calls += calls
		out[i].Errors += errs
	}
	return err
}

// span completes q's range of times: from the oldest record, first, to the newest.
func (l *Log) span(q *Query, first int64) (err error) {
	if q.Since.IsZero() {
		if q.Since, err = l.timeOf(Query{Before: first + 1, Limit: 1}); err != nil {
			return err
		}
	}
	if q.Until.IsZero() {
		if q.Until, err = l.timeOf(Query{Limit: 1}); err != nil {
			return err
		}
		q.Until = q.Until.Add(time.Millisecond)
	}
	return nil
}

// timeOf is when the first record that q chooses was made.
func (l *Log) timeOf(q Query) (time.Time, error) {
	xs, err := l.List(q)
	if err != nil || len(xs) == 0 {
		return time.Time{}, err
	}
	return xs[0].Time, nil
}

// Values are those that a filter can have, the most frequent first: of a word of
// Words. There are at most 200.
func (l *Log) Values(ctx context.Context, word string) ([]Value, error) {
	counts := map[string]int64{}
	s, err := l.search(ctx, Query{})
	if err != nil || len(s.segments) == 0 {
		return nil, err
	}
	if s.until > 0 {
		rows, err := s.db.QueryContext(ctx, "SELECT value, n FROM facets WHERE word = ? AND n > 0 ORDER BY n DESC LIMIT 200", word)
		if err != nil {
			return nil, s.failed(err)
		}
		defer rows.Close() //nolint:errcheck // rows.Err says it
		for rows.Next() {
			var v Value
			if err := rows.Scan(&v.Name, &v.Count); err != nil {
				return nil, err
			}
			counts[v.Name] = v.Count
		}
		if err := rows.Err(); err != nil {
			return nil, err
		}
	}
	left := maxTail
	err = s.tail(func(x *found) error {
		for _, f := range facetsOf(&x.Exchange) {
			if f[0] == word {
				counts[f[1]]++
			}
		}
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	out := make([]Value, 0, len(counts))
	for name, n := range counts {
		out = append(out, Value{name, n})
	}
	slices.SortFunc(out, func(a, b Value) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), 200)], err
}
