package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// chartHeight is that of the calls; what went wrong hangs below, as on the Audit
// log page.
const chartHeight = 72

// chart is the last hour, minute by minute. The pointer and the arrows go to a
// minute, which a click or Enter opens.
type chart struct {
	timeline
	keys    *hotkeys
	minutes []backend.Minute
}

func newChart(k *hotkeys, chosen func(since, until time.Time)) *chart {
	c := &chart{keys: k}
	c.chosen, c.high, c.at, c.from = chosen, chartHeight, -1, -1
	c.scale, c.said = hourMinute, c.minutesWords
	c.ExtendBaseWidget(c)
	return c
}

// show shows other numbers, if they are others.
func (c *chart) show(minutes []backend.Minute) {
	if len(c.minutes) == len(minutes) {
		same := true
		for i := range minutes {
			same = same && minutes[i] == c.minutes[i]
		}
		if same {
			return
		}
	}
	c.minutes = minutes
	buckets := make([]backend.Bucket, len(minutes))
	for i, m := range minutes {
		buckets[i] = backend.Bucket{Start: m.Start, Calls: m.Calls, Errors: m.Errors + m.Refused}
	}
	c.set(buckets)
}

// minutesWords say what came in some minutes.
func (c *chart) minutesWords(a, b int) string {
	var sum backend.Minute
	for _, m := range c.minutes[a : b+1] {
		sum.Calls, sum.Errors, sum.Refused = sum.Calls+m.Calls, sum.Errors+m.Errors, sum.Refused+m.Refused
	}
	when := c.minutes[a].Start.Local().Format(hourMinute)
	if b > a {
		when += " – " + c.minutes[b].Start.Add(time.Minute).Local().Format(hourMinute)
	}
	return when + "   " + callsWords(sum.Calls) + ", " + errorsWords(sum.Errors) + ", " + refusedWords(sum.Refused)
}

// most is the minute with the most calls.
func (c *chart) most() (most backend.Minute) {
	for _, m := range c.minutes {
		if m.Calls > most.Calls {
			most = m
		}
	}
	return most
}

// TypedKey implements fyne.Focusable.
func (c *chart) TypedKey(ev *fyne.KeyEvent) {
	last := len(c.minutes) - 1
	switch {
	case leaves(ev.Name):
		c.keys.typed(ev)
	case last < 0:
	case isEnter(ev.Name), ev.Name == fyne.KeySpace:
		c.choose(c.at, c.at)
	case ev.Name == fyne.KeyLeft:
		c.point(max(0, c.at-1))
	case ev.Name == fyne.KeyRight:
		c.point(min(last, c.at+1))
	case ev.Name == fyne.KeyHome:
		c.point(0)
	case ev.Name == fyne.KeyEnd:
		c.point(last)
	}
}

func (c *chart) point(to int) {
	c.at = to
	c.Refresh()
}

// TypedRune implements fyne.Focusable.
func (*chart) TypedRune(rune) {}

// FocusGained implements fyne.Focusable.
func (c *chart) FocusGained() {
	if c.at < 0 {
		c.point(len(c.minutes) - 1)
	}
}

// FocusLost implements fyne.Focusable.
func (c *chart) FocusLost() { c.point(-1) }

const hourMinute = "15:04"

func callsWords(n int64) string {
	if n == 1 {
		return lang.L("1 call")
	}
	return fmt.Sprintf(lang.L("%s calls"), thousands(n))
}

func errorsWords(n int64) string {
	switch n {
	case 0:
		return lang.L("no errors")
	case 1:
		return lang.L("1 error")
	}
	return fmt.Sprintf(lang.L("%s errors"), thousands(n))
}

func refusedWords(n int64) string {
	if n == 0 {
		return lang.L("none refused")
	}
	return fmt.Sprintf(lang.L("%s refused"), thousands(n))
}
