package backend

import (
	"context"
	"io"
	"os"
	"path/filepath"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/audit/export"
	"lockbox/proxy/config"
)

// Bucket is a part of the timeline of the audit log.
type Bucket = audit.Bucket

// Value is a value that a filter of the audit log can have.
type Value = audit.Value

// Term is a part of a Query's words.
type Term = audit.Term

// Terms are the parts of a query's words, in their order.
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

// AuditLog is the audit log by itself, for a command: a Lockbox may run with the
// same options and write it meanwhile.
type AuditLog = audit.Log

// OpenAudit opens the audit log to read it.
func OpenAudit(o Options) (*AuditLog, error) { return audit.Open(auditPath(o)) }

func auditPath(o Options) string { return filepath.Join(o.StateDir, "audit") }

// sizeOf is how many bytes the files in a folder take.
func sizeOf(dir string) (total int64) {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return 0
	}
	for _, e := range entries {
		if info, err := e.Info(); err == nil && info.Mode().IsRegular() { // else it was just removed
			total += info.Size()
		}
	}
	return total
}

// FilterWords are the filters that a query's text can have.
var FilterWords = audit.Words

// ParseQuery reads a query as a person types it: words, and filters such as
// "service:github status:5xx since:1h".
func ParseQuery(text string) (Query, error) { return audit.ParseQuery(text, time.Now()) }

// AddFilter narrows a query by one filter.
func AddFilter(q *Query, word, value string) error { return q.Add(word, value, time.Now()) }

// ExportFormat is how records are exported.
type ExportFormat = export.Format

// The formats of exports.
const (
	JSONLines = export.JSONLines
	CSV       = export.CSV
	HAR       = export.HAR
)

// ExportFile writes the records that q chooses to a file, which is there whole or
// not at all, and for its owner only. progress, if not nil, is told how far it is.
func (b *Backend) ExportFile(ctx context.Context, path string, q Query, f ExportFormat, progress func(done, total int64)) (n int64, err error) {
	err = config.ReplaceFileBy(path, func(w io.Writer) error {
		n, err = export.Write(ctx, w, b.audit, q, export.Options{Format: f, Base: b.View().BaseURL, Version: b.opts.Version, Progress: progress})
		return err
	})
	return n, err
}

// ExportRecords is ExportFile for a command, which has a writer.
func ExportRecords(ctx context.Context, o Options, l *AuditLog, w io.Writer, q Query, f ExportFormat, progress func(done, total int64)) (int64, error) {
	listen := config.DefaultListen
	if cfg, err := config.Load(o.ConfigPath); err == nil { // else it does not matter to the records
		listen = cfg.Listen
	}
	return export.Write(ctx, w, l, q, export.Options{Format: f, Base: baseURL(listen), Version: o.Version, Progress: progress})
}
