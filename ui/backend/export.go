package backend

import (
	"context"
)

type ExportFormat struct{ Label, Suffix string }

var ExportFormats = []ExportFormat{{"JSON Lines", ".jsonl"}}

func (b *Backend) Export(ctx context.Context, path string, f ExportFormat, q Query, progress func(done, of int64)) (int64, error) {
	return 0, nil
}
