package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// verifier has the log's chain followed, and says how far that is and what came of
// it.
type verifier struct {
	*face
	strip  *strip
	cancel context.CancelFunc // of the verification under way; nil if there is none
}

func newVerifier(f *face) *verifier { return &verifier{face: f, strip: newStrip(f.keys)} }

// item is the verifier's part of the page's menu.
func (v *verifier) item() *fyne.MenuItem {
	item := fyne.NewMenuItemWithIcon(lang.L("Verify the log"), theme.ConfirmIcon(), v.begin)
	item.Disabled = v.cancel != nil
	return item
}

func (v *verifier) begin() {
	if v.cancel != nil {
		return
	}
	var verdict backend.Verdict
	told := time.Now()
	v.cancel = v.loop.run("", func(ctx context.Context) (err error) {
		verdict, err = v.backend.VerifyAudit(ctx, func(done, total int64) {
			if time.Since(told) < drawEvery {
				return
			}
			told = time.Now()
			v.loop.hop(func() { v.progress(done, total) })
		})
		return err
	}, func(err error) {
		v.cancel = nil
		retry := action{label: lang.L("Retry"), do: v.begin}
		switch {
		case errors.Is(err, context.Canceled):
			v.strip.clear()
		case err != nil:
			v.strip.say(markFailed, lang.L("Not verified"), backend.Sentence(err.Error()), retry, v.strip.dismiss())
		case verdict.OK():
			v.strip.say(markGood, lang.L("Nothing was altered"), strings.Join(verdict.Lines(), " "), v.strip.dismiss())
		default:
			v.strip.say(markFailed, lang.L("The log is not what was recorded"), strings.Join(firstFaults(verdict.Lines()), "\n"), v.strip.dismiss())
		}
	})
	v.progress(0, 0)
}

// close takes away what came of it; it reports whether there was something.
func (v *verifier) close() bool {
	shown := v.cancel == nil && v.strip.root.Visible()
	if shown {
		v.strip.clear()
	}
	return shown
}

// firstFaults are the first of many lines: lockbox audit verify has them all.
func firstFaults(lines []string) []string {
	const most = 5
	if len(lines) > most {
		lines = append(lines[:most:most], lang.L("lockbox audit verify lists the rest."))
	}
	return lines
}

func (v *verifier) progress(done, total int64) {
	if v.cancel != nil { // else it has ended
		v.strip.say(markInfo, lang.L("Verifying"), fmt.Sprintf(lang.L("%s of %s records"), thousands(done), thousands(total)), action{label: lang.L("Cancel"), do: v.cancel})
	}
}
