package ui

import (
	"strings"
	"time"

	"lockbox/ui/backend"
)

const (
	auditPageSize = 100
	auditMax      = 10_000 // rows that are kept; older ones are read again from disk
)

// call is a row of the audit log: what the list shows of an exchange. Bodies
// stay on disk until one is looked at.
type call struct {
	seq                                 int64
	id, service, method, path, audience string
	time                                time.Time
	status                              int
	duration                            time.Duration
	mark                                mark
	note                                string // why, when Lockbox refused or the upstream failed
}

func callOf(x backend.Exchange) call {
	c := call{seq: x.Seq, id: x.ID, service: x.Service, method: x.Method, path: x.Path, audience: x.Audience,
		time: x.Time, status: x.Status, duration: x.Duration, mark: statusMark(x)}
	if x.Query != "" {
		c.path += "?" + x.Query
	}
	if c.mark == markRefused || x.Decision == "failed" {
		c.note, _, _ = strings.Cut(x.Reason, ":")
	}
	return c
}

// statusMark tells what became of a call: refused by Lockbox, failed on the
// way, or answered by the upstream with some status.
func statusMark(x backend.Exchange) mark {
	switch {
	case x.Decision == "refused":
		return markRefused
	case x.Decision == "failed", x.Status >= 500:
		return markFailed
	case x.Status >= 400:
		return markWarning
	case x.Status >= 200 && x.Status < 300:
		return markGood
	}
	return markInfo
}

// feed is the part of the audit log that is in the window, newest first.
type feed struct {
	calls []call
	whole bool // the oldest call on record is in it
}

// reset begins with the newest page.
func (f *feed) reset(page []backend.Exchange) {
	f.calls = nil
	f.whole = false
	f.older(page)
}

// newer puts the newest page on top, and returns how many calls that adds. Where
// the page does not reach down to what is there, the list begins anew with it: a
// gap would pass for silence.
func (f *feed) newer(page []backend.Exchange) (added int) {
	if len(f.calls) == 0 {
		f.reset(page)
		return 0
	}
	for i, x := range page {
		if x.ID != f.calls[0].id {
			continue
		}
		fresh := make([]call, 0, i+len(f.calls))
		for _, x := range page[:i] {
			fresh = append(fresh, callOf(x))
		}
		f.calls = append(fresh, f.calls...)
		if len(f.calls) > auditMax {
			f.calls, f.whole = f.calls[:auditMax], false
		}
		return i
	}
	if len(page) > 0 {
		f.reset(page)
	}
	return 0
}

// older adds the page that follows the last call.
func (f *feed) older(page []backend.Exchange) {
	for _, x := range page {
		f.calls = append(f.calls, callOf(x))
	}
	if len(page) < auditPageSize || len(f.calls) >= auditMax {
		f.whole = true
	}
}

// last is the cursor for older calls.
func (f *feed) last() int64 {
	if len(f.calls) == 0 {
		return 0
	}
	return f.calls[len(f.calls)-1].seq
}
