package ui

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"

	"lockbox/ui/backend"
)

// limitPart is how often something may call, as it is filled in.
type limitPart struct {
	root   fyne.CanvasObject
	boxes  []*entry // in the order of texts
	fields []*field // of each the limits are those of fieldKeys
}

// fieldKeys are what the backend calls the limits of each field.
var fieldKeys = [][]string{
	{"rate_limit/requests", "rate_limit/per", "rate_limit/burst"}, {"concurrency"},
	{"quota/calls_per_day", "quota/writes_per_day"}, {"quota/calls_per_month", "quota/writes_per_month"},
}

// texts are the texts of a LimitText in the order of the boxes.
func texts(t *backend.LimitText) []*string {
	return []*string{&t.Requests, &t.Per, &t.Burst, &t.Concurrency, &t.CallsPerDay, &t.WritesPerDay, &t.CallsPerMonth, &t.WritesPerMonth}
}

func newLimitPart(f *face, name string, l backend.Limits, changed func(), shown func(fyne.CanvasObject)) *limitPart {
	p := &limitPart{}
	was := backend.LimitTextOf(l)
	for _, text := range texts(&was) {
		e := newEntry(f.keys)
		e.SetPlaceHolder(lang.L("none"))
		e.SetText(*text)
		p.boxes = append(p.boxes, e)
	}
	p.boxes[1].SetPlaceHolder("1m")
	p.boxes[2].SetPlaceHolder(lang.L("as many"))
	line := func(parts ...fyne.CanvasObject) fyne.CanvasObject {
		return container.New(layout.NewCustomPaddedHBoxLayout(gapSmall), parts...)
	}
	box := func(i int) fyne.CanvasObject { return wide(84, p.boxes[i]) }
	word := func(s string) fyne.CanvasObject { return middle(caption(s)) }
	p.fields = []*field{
		newNarrowField(lang.L("Calls"), "", line(box(0), word(lang.L("in")), box(1), word(lang.L("at once")), box(2))),
		newNarrowField(lang.L("At a time"), "", line(box(3))),
		newNarrowField(lang.L("A day"), "", line(box(4), word(lang.L("of them writes")), box(5))),
		newNarrowField(lang.L("A month"), "", line(box(6), word(lang.L("of them writes")), box(7))),
	}
	all := column(gap, strong(name))
	for _, x := range p.fields {
		all.Add(x.root)
	}
	p.root = all
	for _, e := range p.boxes {
		e.OnChanged = func(string) { p.check(); changed() }
		e.focused = func() { shown(e) }
	}
	return p
}

// value are the limits as they are filled in; ok is false while they are none.
func (p *limitPart) value() (l backend.Limits, ok bool) {
	l, bad := p.text().Limits()
	return l, len(bad) == 0
}

func (p *limitPart) text() backend.LimitText {
	var t backend.LimitText
	for i, into := range texts(&t) {
		*into = p.boxes[i].Text
	}
	return t
}

// check says at each field what is wrong with it.
func (p *limitPart) check() {
	_, bad := p.text().Limits()
	for i, f := range p.fields {
		why := ""
		for _, key := range slices.Backward(fieldKeys[i]) {
			if bad[key] != "" {
				why = strings.ReplaceAll(path.Base(key), "_", " ") + " " + bad[key]
			}
		}
		f.say(markFailed, backend.Sentence(why))
	}
}

func (p *limitPart) disable(yes bool) {
	for _, e := range p.boxes {
		setDisabled(e, yes)
	}
}

// usedLimits says how far a service's limits are used.
func usedLimits(uses []backend.LimitUse, service string, now time.Time) string {
	var lines []string
	tokens := map[string]bool{}
	for _, u := range uses {
		switch {
		case u.Service != service:
		case u.Token != "":
			if u.Left == 0 {
				tokens[u.Token] = true
			}
		default:
			lines = append(lines, usedLimit(u, now))
		}
	}
	if len(tokens) > 0 {
		lines = append(lines, fmt.Sprintf(lang.L("%s at a limit of its own"), count(len(tokens), "token")))
	}
	return strings.Join(lines, " · ")
}

func usedLimit(u backend.LimitUse, now time.Time) string {
	name := strings.ReplaceAll(strings.TrimSuffix(u.Limit, "_limit"), "_", " ")
	text := fmt.Sprintf(lang.L("%s: %s of %s used"), name, thousands(int64(u.Used)), thousands(int64(u.Most)))
	if u.Used > 0 && u.Resets.After(now) {
		text += fmt.Sprintf(lang.L(", free again in %s"), took(u.Resets.Sub(now).Round(time.Second)))
	}
	return text
}
