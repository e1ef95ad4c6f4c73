package backend

import (
	"context"
	"time"

	"lockbox/proxy/audit"
)

// Bucket is a part of the timeline of the audit log.
type Bucket = audit.Bucket

// Value is a value that a filter of the audit log can have.
type Value = audit.Value

// Term is a part of a Query's words.
type Term = audit.Term

// ParseQuery reads a query as a person types it: words, and filters such as
// "service:github status:5xx since:1h".
func ParseQuery(text string) (Query, error) { return audit.ParseQuery(text, time.Now()) }

// Terms are the parts of such words, in their order.
func Terms(words string) ([]Term, error) { return audit.Terms(words) }

// Exchanges are the newest records that q chooses, newest first, without headers
// and bodies.
func (b *Backend) Exchanges(q Query) ([]Exchange, error) { return b.audit.List(q) }

// Exchange is a whole record, by its ID or its Seq.
func (b *Backend) Exchange(id string) (Exchange, error) { return b.audit.Get(id) }

// EachExchange gives f the whole records that q chooses, newest first, until one
// fails or ctx ends.
func (b *Backend) EachExchange(ctx context.Context, q Query, f func(*Exchange) error) error {
	return b.audit.Each(ctx, q, f)
}

// Matches is how many records q chooses.
func (b *Backend) Matches(ctx context.Context, q Query) (int64, error) {
	return b.audit.Matches(ctx, q)
}

// Timeline counts what q chooses in n parts of its time.
func (b *Backend) Timeline(ctx context.Context, q Query, n int) ([]Bucket, error) {
	return b.audit.Timeline(ctx, q, n)
}

// FilterValues are the values that a filter can have, the most frequent first.
func (b *Backend) FilterValues(ctx context.Context, word string) ([]Value, error) {
	return b.audit.Values(ctx, word)
}
