package audit

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// ErrNoRecord is what Get returns where there is none.
var ErrNoRecord = errors.New("there is no such record")

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

// Get returns a record with its headers and bodies, by its ID or its Seq.
func (l *Log) Get(id string) (Exchange, error) {
	var found *Exchange
	err := l.Each(context.Background(), Query{}, func(x *Exchange) error {
		if x.ID == id || fmt.Sprint(x.Seq) == id {
			found = x
			return errEnough
		}
		return nil
	})
	if found == nil && err == nil {
		err = fmt.Errorf("%s: %w", id, ErrNoRecord)
	}
	if found == nil {
		return Exchange{}, err
	}
	return *found, nil
}

var errEnough = errors.New("enough")

// Each gives f the records that q chooses, newest first, whole, and without q's
// limit when that is 0. It ends with f's first error, or ctx's.
func (l *Log) Each(ctx context.Context, q Query, f func(*Exchange) error) error {
	limit := q.Limit
	q.Limit = 1 << 30
	xs, err := l.list(q)
	for i := range xs {
		if err = errors.Join(ctx.Err(), f(&xs[i])); err != nil || i+1 == limit {
			break
		}
	}
	return err
}

// Matches is the number of records that q chooses.
func (l *Log) Matches(ctx context.Context, q Query) (n int64, err error) {
	err = l.Each(ctx, q, func(*Exchange) error { n++; return nil })
	return n, err
}

// Timeline counts the records that q chooses in n equal parts of the time from
// q.Since to q.Until; without these it goes from the oldest record to the newest.
func (l *Log) Timeline(ctx context.Context, q Query, n int) ([]Bucket, error) {
	var xs []Exchange
	if err := l.Each(ctx, q, func(x *Exchange) error { xs = append(xs, *x); return nil }); err != nil || len(xs) == 0 {
		return nil, err
	}
	if q.Since.IsZero() {
		q.Since = xs[len(xs)-1].Time
	}
	if q.Until.IsZero() {
		q.Until = xs[0].Time.Add(1)
	}
	step := max(1, q.Until.Sub(q.Since)/time.Duration(n))
	out := make([]Bucket, n)
	for i := range out {
		out[i].Start = q.Since.Add(time.Duration(i) * step)
	}
	for i := range xs {
		b := &out[min(n-1, int(xs[i].Time.Sub(q.Since)/step))]
		b.Calls++
		if xs[i].Fails() {
			b.Errors++
		}
	}
	return out, nil
}

// Values are those that a filter can have, the most frequent first: a word of
// Words. There are at most 200.
func (l *Log) Values(ctx context.Context, word string) ([]Value, error) {
	at := map[string]int{}
	var out []Value
	err := l.Each(ctx, Query{}, func(x *Exchange) error {
		name := map[string]string{"service": x.Service, "method": x.Method, "listener": x.Listener, "audience": x.Audience, "decision": string(x.Decision), "status": fmt.Sprint(x.Status)}[word]
		if name == "" {
			return nil
		}
		i, ok := at[name]
		if !ok {
			i = len(out)
			at[name] = i
			out = append(out, Value{Name: name})
		}
		out[i].Count++
		return nil
	})
	return out, err
}

// List returns the newest records that q chooses, newest first, without headers
// and bodies, which are Get's.
func (l *Log) List(q Query) ([]Exchange, error) {
	xs, err := l.list(q)
	for i := range xs {
		x := &xs[i]
		x.RequestHeader, x.ResponseHeader, x.RequestBody, x.ResponseBody = nil, nil, nil, nil
	}
	return xs, err
}
