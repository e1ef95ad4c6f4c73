// Package export writes records of the audit log for other programs to read:
// JSON Lines, CSV and HAR. However many there are, it keeps one at a time.
package export

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"

	"lockbox/proxy/audit"
)

// Format is how records are written.
type Format string

// The formats.
const (
	JSONLines Format = "jsonl" // a record a line, all of it, as the log has it
	CSV       Format = "csv"   // a record a row, without headers and bodies
	HAR       Format = "har"   // HTTP Archive 1.2, for browsers' tools and others
)

// Options are what else an export needs to know.
type Options struct {
	Format  Format
	Base    string // Lockbox's address, for HAR's URLs: http://127.0.0.1:8000
	Version string // Lockbox's
	// Progress, if not nil, is told now and then how many records are written, of
	// how many, and at the end.
	Progress func(done, total int64)
}

// writer is a format at work.
type writer interface {
	begin() error
	record(x *audit.Exchange) error
	end() error
}

// often is how many records are written between two calls of Progress.
const often = 256

// Write writes the records of l that q chooses, newest first, all of them unless
// it has a limit, and returns how many there were.
func Write(ctx context.Context, w io.Writer, l *audit.Log, q audit.Query, o Options) (done int64, err error) {
	var total int64
	if o.Progress != nil {
		if total, err = l.Matches(ctx, q); err != nil {
			return 0, err
		}
		if limit := int64(q.Limit); limit > 0 {
			total = min(total, limit)
		}
	}
	out := bufio.NewWriterSize(w, 64<<10)
	f, err := o.writer(out)
	if err != nil {
		return 0, err
	}
	if err := f.begin(); err != nil {
		return 0, err
	}
	err = l.Each(ctx, q, func(x *audit.Exchange) error {
		if err := f.record(x); err != nil {
			return err
		}
		if done++; o.Progress != nil && done%often == 0 {
			o.Progress(done, max(done, total)) // more may have come since they were counted
		}
		return nil
	})
	if err != nil {
		return done, err
	}
	if err := f.end(); err != nil {
		return done, err
	}
	if o.Progress != nil {
		o.Progress(done, done)
	}
	return done, out.Flush()
}

func (o Options) writer(out *bufio.Writer) (writer, error) {
	switch o.Format {
	case JSONLines:
		return jsonLines{json.NewEncoder(out)}, nil
	case CSV:
		return newTable(out), nil
	case HAR:
		return &archive{out: out, base: o.Base, version: o.Version}, nil
	}
	return nil, fmt.Errorf("there is no format %q: the formats are %s, %s and %s", o.Format, JSONLines, CSV, HAR)
}

// jsonLines writes JSON Lines (jsonlines.org).
type jsonLines struct{ encoder *json.Encoder }

func (j jsonLines) begin() error                   { return nil }
func (j jsonLines) record(x *audit.Exchange) error { return j.encoder.Encode(x) }
func (j jsonLines) end() error                     { return nil }
