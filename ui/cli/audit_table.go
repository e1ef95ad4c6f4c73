package cli

import (
	"fmt"
	"io"
	"os"
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"golang.org/x/term"

	"lockbox/ui/backend"
)

// isTerminal reports whether a person reads what is written there, and where.
func isTerminal(w io.Writer) (*os.File, bool) {
	f, ok := w.(*os.File)
	return f, ok && term.IsTerminal(int(f.Fd())) //nolint:gosec // a file's number is small
}

// auditTable prints records one below the other. Columns grow with what comes, so
// that a table can go on for as long as there are new records.
type auditTable struct {
	t       Terminal
	json    bool
	widths  []int
	headed  bool
	screen  int  // its width; 0: it is no terminal, and nothing is cut off
	colours bool // wanted there
}

func newAuditTable(t Terminal, json bool) *auditTable {
	a := &auditTable{t: t, json: json}
	if f, ok := isTerminal(t.Out); ok {
		a.screen = 80
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 { //nolint:gosec // as above
			a.screen = width
		}
		// no-color.org
		a.colours = os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb" && (runtime.GOOS != "windows" || os.Getenv("WT_SESSION") != "")
	}
	return a
}

var auditColumns = []string{"SEQ", "TIME", "STATUS", "SERVICE", "AUDIENCE", "TOOK", "CALL", "WHY"}

// print prints records in the order in which they are given.
func (a *auditTable) print(xs []backend.Exchange) error {
	var rows [][]string
	for i := range xs {
		if a.json {
			if err := jsonLine(a.t, &xs[i]); err != nil {
				return err
			}
			continue
		}
		rows = append(rows, auditRow(&xs[i]))
	}
	if len(rows) == 0 {
		return nil
	}
	if a.widths == nil {
		a.widths = make([]int, len(auditColumns))
	}
	for _, row := range append(rows, auditColumns) {
		for i, cell := range row {
			a.widths[i] = max(a.widths[i], min(utf8.RuneCountInString(cell), widest))
		}
	}
	if !a.headed {
		a.headed = true
		if err := a.line(" ", "", auditColumns); err != nil {
			return err
		}
	}
	for i, row := range rows {
		shape, colour := outcome(&xs[i])
		if err := a.line(shape, colour, row); err != nil {
			return err
		}
	}
	return nil
}

// widest is how wide a column gets: what is longer stands out.
const widest = 60

func (a *auditTable) line(shape, colour string, row []string) error {
	var b strings.Builder
	for i, cell := range row {
		b.WriteString(cell)
		if i < len(row)-1 {
			b.WriteString(strings.Repeat(" ", max(0, a.widths[i]-utf8.RuneCountInString(cell))+2))
		}
	}
	text := strings.TrimRight(b.String(), " ")
	if a.screen == 0 {
		return a.t.answer("%s", text)
	}
	if room := max(a.screen-2, 20); utf8.RuneCountInString(text) > room {
		text = string([]rune(text)[:room-1]) + "…"
	}
	if a.colours && colour != "" {
		shape = colour + shape + "\x1b[0m"
	}
	return a.t.answer("%s %s", shape, text)
}

// outcome is what became of a call, as a shape and a colour.
func outcome(x *backend.Exchange) (shape, colour string) {
	switch {
	case x.Fails():
		return "✕", "\x1b[31m"
	case x.Status >= 400:
		return "▲", "\x1b[33m"
	case x.Status >= 200 && x.Status < 300:
		return "●", "\x1b[32m"
	}
	return "○", "\x1b[2m"
}

func auditRow(x *backend.Exchange) []string {
	call := x.Method + " " + x.Path
	if x.Query != "" {
		call += "?" + x.Query
	}
	if x.Event != "" {
		call = x.Event
	}
	status := fmt.Sprint(x.Status)
	if x.Status == 0 {
		status = ""
	}
	why, _, _ := strings.Cut(x.Reason, ": ")
	if x.Drift != "" {
		why = strings.TrimSpace(why + " (new " + strings.ReplaceAll(x.Drift, "_", " ") + ")")
	}
	if x.ReplayOf != "" {
		why = strings.TrimSpace(why + " (a replay)")
	}
	return []string{
		fmt.Sprint(x.Seq), x.Time.Local().Format(time.DateTime), shown(status), shown(x.Service), shown(x.Audience),
		took(x.Duration), shown(call), shown(why),
	}
}

// took is how long a call took, to three digits.
func took(d time.Duration) string {
	switch {
	case d >= time.Minute:
		return d.Round(time.Second).String()
	case d >= time.Second:
		return d.Round(10 * time.Millisecond).String()
	case d >= time.Millisecond:
		return d.Round(100 * time.Microsecond).String()
	}
	return d.Round(time.Microsecond).String()
}
