package export

import (
	"encoding/csv"
	"io"
	"strconv"
	"strings"
	"time"

	"lockbox/proxy/audit"
)

// table writes CSV (RFC 4180), with a row of names first.
type table struct{ out *csv.Writer }

func newTable(w io.Writer) table { return table{csv.NewWriter(w)} }

func (t table) begin() error {
	return t.out.Write([]string{
		"time", "id", "seq", "service", "method", "path", "query", "status", "duration_ms", "bytes_in", "bytes_out",
		"audience", "token", "listener", "remote", "decision", "reason", "event", "replay_of", "drift",
	})
}

func (t table) record(x *audit.Exchange) error {
	row := []string{
		x.Time.UTC().Format(time.RFC3339Nano), x.ID, strconv.FormatInt(x.Seq, 10), x.Service, x.Method, x.Path, x.Query,
		strconv.Itoa(x.Status), strconv.FormatFloat(milliseconds(x.Duration), 'f', -1, 64), strconv.FormatInt(x.BytesIn, 10), strconv.FormatInt(x.BytesOut, 10),
		x.Audience, x.JTI, x.Listener, x.Remote, string(x.Decision), x.Reason, x.Event, x.ReplayOf, x.Drift,
	}
	for i := range row {
		row[i] = inert(row[i])
	}
	return t.out.Write(row)
}

func (t table) end() error {
	t.out.Flush()
	return t.out.Error()
}

// inert puts an apostrophe before what a spreadsheet would run as a formula: a
// caller chooses the path, and the person who opens the file is someone else. The
// characters are OWASP's (CSV Injection), with the wide ones that some programs
// read as the plain.
func inert(s string) string {
	if strings.HasPrefix(strings.TrimLeft(s, " "), "'") {
		return "'" + s // or it could not be told from one of ours
	}
	for _, c := range []string{"=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠"} {
		if strings.HasPrefix(strings.TrimLeft(s, " "), c) {
			return "'" + s
		}
	}
	return s
}

func milliseconds(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
