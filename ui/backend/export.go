package backend

import (
	"context"
	"io"

	"lockbox/proxy/audit/export"
	"lockbox/proxy/config"
)

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
