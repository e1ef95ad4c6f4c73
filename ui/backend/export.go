package backend

import (
	"context"
	"io"
	"os"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/audit/export"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/vault"
)

// AuditLog is the audit log by itself, for a command: a Lockbox may run with the
// same options and write it meanwhile.
type AuditLog = audit.Log

// OpenAudit opens the audit log to read it.
func OpenAudit(o Options) (*AuditLog, error) { return audit.OpenReader(auditDir(o)) }

// AuditKey reads the key that the audit log is signed with from the vault.
func AuditKey(ctx context.Context, o Options) (secret.Value, error) {
	s, err := o.openVault(ctx, false)
	if err != nil {
		return secret.Value{}, err
	}
	return vault.Resolve(ctx, s, auditKeyRef)
}

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
