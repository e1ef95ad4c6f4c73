package ui

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2/lang"

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
	noted                               bool   // it is no call: path has the words
}

// What was decided about a call.
const (
	refusedCall = "refused"
	failedCall  = "failed"
	notedCall   = "noted"
)

func callOf(x backend.Exchange) call {
	c := call{seq: x.Seq, id: x.ID, service: visible(x.Service), method: visible(x.Method), path: x.Path, audience: visible(x.Audience),
		time: x.Time, status: x.Status, duration: x.Duration, mark: statusMark(x), noted: isNote(x)}
	if c.noted {
		title, text := noteWords(x)
		c.path = strings.TrimSuffix(title+": "+text, ": ")
		return c
	}
	if x.Query != "" {
		c.path += "?" + x.Query
	}
	c.path = visible(cut(c.path))
	if c.mark == markRefused || x.Decision == failedCall {
		c.note, _, _ = strings.Cut(visible(x.Reason), ":")
	}
	if x.Drift != "" {
		c.note = strings.TrimPrefix(c.note+", "+fmt.Sprintf(lang.L("new %s"), visible(driftWords(x))), ", ")
	}
	if x.ReplayOf != "" {
		c.note = strings.TrimPrefix(c.note+", "+lang.L("replay"), ", ")
	}
	return c
}

// cut shortens what is longer than any row: 10,000 of them are kept.
func cut(path string) string {
	const longest = 300
	if len(path) > longest {
		return strings.ToValidUTF8(path[:longest], "") + ellipsis
	}
	return path
}

// isNote reports whether a record is of no call, but of something that Lockbox
// did or met.
func isNote(x backend.Exchange) bool {
	return x.Decision == notedCall || x.Event != "" && x.Method == ""
}

// noteWords say what such a record is about.
func noteWords(x backend.Exchange) (title, text string) {
	title = backend.Sentence(visible(strings.ReplaceAll(or(x.Event, "note"), "_", " ")))
	return strings.TrimSuffix(title, "."), visible(x.Reason)
}

// statusMark tells what became of a call: refused by Lockbox, failed on the
// way, or answered by the upstream with some status.
func statusMark(x backend.Exchange) mark {
	switch {
	case isNote(x):
		return markInactive
	case x.Decision == refusedCall:
		return markRefused
	case x.Decision == failedCall, x.Status >= 500:
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

// newer puts a page of calls on top that are newer than the first. A full page may
// not reach down to what is there: the list begins anew with it, for a gap would
// pass for silence.
func (f *feed) newer(page []backend.Exchange) {
	if len(f.calls) == 0 || len(page) >= auditPageSize {
		f.reset(page)
		return
	}
	fresh := make([]call, 0, len(page)+len(f.calls))
	for _, x := range page {
		fresh = append(fresh, callOf(x))
	}
	f.calls = append(fresh, f.calls...)
	if len(f.calls) > auditMax {
		f.calls, f.whole = f.calls[:auditMax], false
	}
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

// first and last are the cursors for newer and older calls.
func (f *feed) first() int64 {
	if len(f.calls) == 0 {
		return 0
	}
	return f.calls[0].seq
}

func (f *feed) last() int64 {
	if len(f.calls) == 0 {
		return 0
	}
	return f.calls[len(f.calls)-1].seq
}

// find is where a call is; -1 if it is not in the list.
func (f *feed) find(id string) int {
	return slices.IndexFunc(f.calls, func(c call) bool { return c.id == id })
}
