package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2/lang"

	"lockbox/proxy/secret"
)

// clipTimes are how long a token may stay on the clipboard.
var clipTimes = []struct {
	label string
	d     time.Duration
}{
	{"30 seconds", 30 * time.Second},
	{"1 minute", time.Minute},
	{"5 minutes", 5 * time.Minute},
	{"never", 0},
}

func clipLabels() (out []string) {
	for _, c := range clipTimes {
		out = append(out, lang.L(c.label))
	}
	return out
}

func clipLabel(d time.Duration) string {
	for _, c := range clipTimes {
		if c.d == d {
			return lang.L(c.label)
		}
	}
	return d.String()
}

// clipTime is what a label stands for; ok is false for one that was set by hand.
func clipTime(label string) (d time.Duration, ok bool) {
	for _, c := range clipTimes {
		if lang.L(c.label) == label {
			return c.d, true
		}
	}
	return 0, false
}

// copySecret puts a token on the clipboard, and takes it off again after the time
// that the settings say, unless something else was copied meanwhile.
func (f *face) copySecret(v secret.Value) {
	f.app.Clipboard().SetContent(v.Reveal())
	f.copied++
	f.copiedAt = time.Now()
	mine, after := f.copied, f.backend.View().Token.Clipboard
	f.onClipboard = secret.Value{}
	if after == 0 {
		return
	}
	f.onClipboard = v
	f.loop.run("", func(ctx context.Context) error {
		select {
		case <-time.After(after):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, func(err error) {
		// A later copy has its own time, also of the same token.
		if err == nil && mine == f.copied && f.takeOff() {
			f.say(markInfo, lang.L("The token was taken off the clipboard."))
		}
	})
}

// takeOff takes a token off the clipboard that is there for a time, and reports whether
// it was still there. At the end of the program its time is over too.
func (f *face) takeOff() bool {
	v := f.onClipboard
	f.onClipboard = secret.Value{}
	if v.IsZero() || f.app.Clipboard().Content() != v.Reveal() {
		return false
	}
	f.app.Clipboard().SetContent("")
	return true
}
