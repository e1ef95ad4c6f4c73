package audit

import (
	"context"
	"errors"
	"time"
)

// Skim gives f the records between two Seqs that the index has, newest first, as
// far as counting needs them: the place, the time, and what came of the call for
// whom. Before 0 is no bound. It ends with the first record that is older than
// since, or with f's error, and says up to which Seq the index goes.
func (l *Log) Skim(ctx context.Context, after, before int64, since time.Time, f func(*Exchange) error) (until int64, err error) {
	s, err := l.search(ctx, Query{After: after, Before: before})
	if err != nil || s.until == 0 {
		return 0, err
	}
	rows, err := s.db.QueryContext(ctx, "SELECT seq, at, time, service, status, duration, audience, jti, decision, reason, event FROM calls WHERE seq BETWEEN ? AND ? ORDER BY seq DESC", s.low, min(s.high, s.until))
	if err != nil {
		return 0, s.failed(err)
	}
	defer rows.Close() //nolint:errcheck // rows.Err says it
	for rows.Next() {
		var x Exchange
		var at, t, d int64
		if err := rows.Scan(&x.Seq, &at, &t, &x.Service, &x.Status, &d, &x.Audience, &x.JTI, &x.Decision, &x.Reason, &x.Event); err != nil {
			return 0, err
		}
		if at < since.UnixNano() {
			break
		}
		x.Time, x.Duration = time.Unix(0, t), time.Duration(d)
		if err := f(&x); err != nil {
			return s.until, err
		}
	}
	if err := rows.Err(); err != nil {
		return 0, s.failed(err)
	}
	return s.until, nil
}

// Rest gives f the records after a Seq that the index has not reached, newest
// first: so many that reading them takes a moment. It says how many there are.
func (l *Log) Rest(ctx context.Context, after int64, f func(*Exchange)) (n int64, err error) {
	s, err := l.search(ctx, Query{After: after})
	if err != nil || len(s.segments) == 0 {
		return 0, err
	}
	if n = s.newest - max(s.until, s.low-1); n <= 0 {
		return 0, nil
	}
	left := maxTail
	err = s.tail(func(x *found) error {
		f(&x.Exchange)
		if left--; left == 0 {
			return errEnough
		}
		return nil
	})
	if errors.Is(err, errEnough) {
		err = nil
	}
	return n, err
}
