package ui

import (
	"context"
	"errors"
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// exporter writes what the words choose of the log into a file, and says how far
// it is meanwhile.
type exporter struct {
	*face
	bar    *queryBar
	strip  *strip
	cancel context.CancelFunc // of the export under way; nil if there is none
	path   string
}

func newExporter(f *face, bar *queryBar) *exporter {
	return &exporter{face: f, bar: bar, strip: newStrip(f.keys)}
}

// exportFormats are the formats as they are offered.
var exportFormats = []struct {
	format backend.ExportFormat
	label  string
}{
	{backend.JSONLines, "JSON Lines"},
	{backend.CSV, "CSV"},
	{backend.HAR, "HAR"},
}

// items are the exporter's part of the page's menu.
func (e *exporter) items() (out []*fyne.MenuItem) {
	for _, x := range exportFormats {
		item := fyne.NewMenuItemWithIcon(fmt.Sprintf(lang.L("Export as %s…"), x.label), theme.DocumentSaveIcon(), func() { e.choose(x.format) })
		item.Disabled = e.cancel != nil
		out = append(out, item)
	}
	return out
}

// choose asks where the file is to be.
func (e *exporter) choose(f backend.ExportFormat) {
	e.place("lockbox-calls-"+time.Now().Format("2006-01-02")+"."+string(f), func(path string) { e.begin(path, f) }, func(err error) {
		e.strip.say(markFailed, lang.L("The file cannot be used"), backend.Sentence(err.Error()), e.strip.dismiss())
	})
}

// close takes away what is said of an export that has ended; it reports whether there
// was something.
func (e *exporter) close() bool {
	shown := e.cancel == nil && e.strip.root.Visible()
	if shown {
		e.strip.clear()
	}
	return shown
}

// begin exports what the words in force choose.
func (e *exporter) begin(path string, f backend.ExportFormat) {
	if e.cancel != nil {
		return
	}
	q := e.bar.query()
	e.path = path
	var total int64
	told := time.Now()
	e.cancel = e.loop.run("", func(ctx context.Context) (err error) {
		total, err = e.backend.ExportFile(ctx, path, q, f, func(done, of int64) {
			if time.Since(told) < drawEvery {
				return
			}
			told = time.Now()
			e.loop.hop(func() { e.progress(done, of) })
		})
		return err
	}, func(err error) {
		e.cancel = nil
		switch {
		case errors.Is(err, context.Canceled):
			e.strip.say(markInfo, "", fmt.Sprintf(lang.L("The export was cancelled. %s has none of it."), path), e.strip.dismiss())
		case err != nil:
			e.strip.say(markFailed, lang.L("Not exported"), backend.Sentence(err.Error()), e.strip.dismiss())
		default:
			e.strip.say(markGood, lang.L("Exported"), fmt.Sprintf(lang.L("%s has %s."), path, counted(total, "record")), e.strip.dismiss())
		}
	})
	e.progress(0, 0)
}

// progress says how far the export is; of is 0 while that is not known.
func (e *exporter) progress(done, of int64) {
	if e.cancel == nil {
		return // it has ended
	}
	text := thousands(done)
	if of > 0 {
		text = fmt.Sprintf(lang.L("%s of %s"), text, thousands(of))
	}
	e.strip.say(markInfo, fmt.Sprintf(lang.L("Exporting to %s"), e.path), fmt.Sprintf(lang.L("%s records"), text), action{label: lang.L("Cancel"), do: e.cancel})
}
