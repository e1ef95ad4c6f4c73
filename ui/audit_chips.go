package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

// maxChoices bounds a filter's menu: one with hundreds is no help.
const maxChoices = 24

// chipRow are the filters of the audit log. They show what the words of the query
// bar say, and change the words.
type chipRow struct {
	*face
	root  fyne.CanvasObject
	bar   *queryBar
	chips []*chip // as filters
	menu  *widget.PopUpMenu
	asked int // menus asked for so far: the values of an earlier one come too late
}

// filters are the chips in their order. What has no menu is shown when the words
// have it only.
var filters = []struct {
	word, label string
	menu        bool
}{
	{"service", "Service", true},
	{"status", "Status", true},
	{"method", "Method", true},
	{"listener", "Listener", true},
	{"audience", "Audience", true},
	{"decision", "Decision", true},
	{"since", "Time", true},
	{"token", "Token", false},
	{"drift", "New use", true},
}

// spans are the ranges of the time filter.
var spans = []struct{ value, label string }{
	{"15m", "Last 15 minutes"},
	{"1h", "Last hour"},
	{"24h", "Last 24 hours"},
	{"7d", "Last 7 days"},
	{"30d", "Last 30 days"},
}

func newChipRow(f *face, bar *queryBar) *chipRow {
	r := &chipRow{face: f, bar: bar}
	box := container.New(&flow{})
	for i, x := range filters {
		c := newChip(f.keys, lang.L(x.label), func() { r.open(i) }, func() { r.remove(x.word) })
		c.Hidden = !x.menu
		r.chips = append(r.chips, c)
		box.Add(c)
	}
	r.root = box
	return r
}

// draw shows the words that are in force.
func (r *chipRow) draw() {
	for i, x := range filters {
		values := r.bar.values(x.word)
		c := r.chips[i]
		label := lang.L(x.label)
		switch {
		case x.word == "since":
			label = r.time(values, r.bar.values("until"))
		case x.word == "token" && len(values) > 0:
			label = fmt.Sprintf(lang.L("Token: %s"), r.tokenName(values[0]))
		case len(values) > 0:
			label += ": " + visible(strings.Join(values, ", "))
		}
		c.show(label, label != lang.L(x.label))
		c.Hidden = !x.menu && len(values) == 0
	}
	r.root.Refresh()
}

func (r *chipRow) tokenName(id string) string {
	if t, ok := r.backend.TokenByID(id); ok {
		return visible(tokenName(t))
	}
	return visible(id)
}

// time is a range of time in words.
func (r *chipRow) time(since, until []string) string {
	for _, s := range spans {
		if len(since) == 1 && len(until) == 0 && since[0] == s.value {
			return lang.L(s.label)
		}
	}
	if len(since) == 1 && len(until) == 0 && len(since[0]) < len(time.DateOnly) {
		return fmt.Sprintf(lang.L("Last %s"), visible(since[0]))
	}
	q := r.bar.query()
	layout := "2 Jan 15:04:05"
	switch {
	case len(since) > 0 && len(until) > 0:
		end := layout
		if y, m, d := q.Since.Local().Date(); sameDay(y, m, d, q.Until.Local()) {
			end = "15:04:05"
		}
		return stamp(q.Since.Local(), layout) + " – " + stamp(q.Until.Local(), end)
	case len(since) > 0:
		return fmt.Sprintf(lang.L("From %s"), stamp(q.Since.Local(), layout))
	case len(until) > 0:
		return fmt.Sprintf(lang.L("Up to %s"), stamp(q.Until.Local(), layout))
	}
	return lang.L("Time")
}

func (r *chipRow) remove(word string) {
	if word == "since" {
		r.bar.between(time.Time{}, time.Time{})
		return
	}
	r.bar.replace(word)
}

// open shows the menu of a filter, once it is known what to put in it.
func (r *chipRow) open(i int) {
	word := filters[i].word
	if word == "token" {
		return
	}
	if word == "since" {
		r.show(i, r.spanItems())
		return
	}
	r.asked++
	mine := r.asked
	var values []backend.Value
	r.loop.run(lang.L("Reading the audit log…"), func(ctx context.Context) (err error) {
		values, err = r.backend.FilterValues(ctx, word)
		return err
	}, func(err error) {
		switch {
		case mine != r.asked || r.chips[i].Size().IsZero() || !inSight(r.chips[i]):
		case err != nil:
			r.say(markFailed, backend.Sentence(err.Error()))
		default:
			r.show(i, r.items(word, values))
		}
	})
}

func (r *chipRow) show(i int, items []*fyne.MenuItem) {
	c := r.chips[i]
	r.menu = widget.NewPopUpMenu(fyne.NewMenu("", items...), r.window.Canvas())
	r.menu.ShowAtRelativePosition(fyne.NewPos(0, chipHeight+2), c)
	r.menu.ActivateNext() // so that Enter chooses something
}

func (r *chipRow) spanItems() []*fyne.MenuItem {
	var out []*fyne.MenuItem
	now := r.bar.values("since")
	for _, s := range spans {
		item := fyne.NewMenuItem(lang.L(s.label), func() {
			terms, _ := backend.Terms(replaced(r.bar.terms(), "until"))
			r.bar.set(replaced(terms, "since", s.value))
		})
		item.Checked = slices.Equal(now, []string{s.value})
		out = append(out, item)
	}
	return append(out, fyne.NewMenuItemSeparator(), fyne.NewMenuItem(lang.L("The whole range"), func() { r.remove("since") }))
}

// items are the values of a filter with how many calls have each; those that are
// chosen are there in any case.
func (r *chipRow) items(word string, values []backend.Value) []*fyne.MenuItem {
	chosen := r.bar.values(word)
	var out []*fyne.MenuItem
	add := func(v backend.Value) {
		item := fyne.NewMenuItem(visible(v.Name)+tallied(v.Count), func() { r.bar.toggle(word, v.Name) })
		item.Checked = slices.Contains(chosen, v.Name)
		out = append(out, item)
	}
	if word == "status" {
		for _, c := range classes(values) {
			add(c)
		}
		out = append(out, fyne.NewMenuItemSeparator())
	}
	left := 0
	for i, v := range values {
		switch {
		case v.Name == "" || v.Name == "0":
		case i < maxChoices || slices.Contains(chosen, v.Name):
			add(v)
		default:
			left++
		}
	}
	for _, name := range chosen {
		if !slices.ContainsFunc(values, func(v backend.Value) bool { return v.Name == name }) && !strings.HasSuffix(name, "xx") {
			add(backend.Value{Name: name})
		}
	}
	if len(out) == 0 {
		out = append(out, fyne.NewMenuItem(lang.L("No call has one yet"), nil))
		out[0].Disabled = true
	}
	if left > 0 {
		more := fyne.NewMenuItem(fmt.Sprintf(lang.L("and %d more: type %s:…"), left, word), func() { r.focus(r.bar.box) })
		out = append(out, more)
	}
	return out
}

func tallied(n int64) string {
	if n == 0 {
		return ""
	}
	return "   " + thousands(n)
}

// classes sums statuses up.
func classes(values []backend.Value) (out []backend.Value) {
	for _, c := range []byte("12345") {
		sum := backend.Value{Name: string(c) + "xx"}
		for _, v := range values {
			if len(v.Name) == 3 && v.Name[0] == c {
				sum.Count += v.Count
			}
		}
		if sum.Count > 0 {
			out = append(out, sum)
		}
	}
	return out
}
