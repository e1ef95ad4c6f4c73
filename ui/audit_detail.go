package ui

import (
	"context"
	"fmt"
	"net/http"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

const (
	callDetailWidth = 400
	textWidth       = callDetailWidth - (gap + 2) - scrollRoom - 2
	scrollRoom      = 12
	factWidth       = 92 // of a fact's name
)

// callDetail is the selected exchange with all that is on record of it.
type callDetail struct {
	*face
	root    *fyne.Container
	marker  *marker
	status  *line
	close   *button
	path    *sheet
	why     *strip
	note    *strip // what came of a replay
	buttons *fyne.Container
	facts   []fact
	parts   []*part
	find    *finder
	scroll  *container.Scroll
	again   *replayForm
	made    func(backend.Exchange) // the call was made again
	found   func() string          // a word that the search looks for

	x       backend.Exchange
	reading string // the ID of the record that is being read
}

// fact is a name and what the record says.
type fact struct {
	root  *fyne.Container
	value *sheet
	of    func(d *callDetail, x backend.Exchange) string
}

func newCallDetail(f *face, closed func(), made func(backend.Exchange), found func() string) *callDetail {
	d := &callDetail{face: f, made: made, found: found, marker: newMarker(markNone), status: heading("").flexible(), why: newNarrowStrip(f.keys), note: newNarrowStrip(f.keys)}
	d.close = newButton(f.keys, "", theme.CancelIcon(), closed).quiet()
	d.path = newSheet(f, true)
	for _, name := range partNames {
		d.parts = append(d.parts, newPart(f, lang.L(name)))
	}
	d.find = newFinder(f, d.parts, d.reveal)
	d.buttons = container.New(&flow{},
		newButton(f.keys, lang.L("Copy as curl"), theme.ContentCopyIcon(), d.copyCurl).quiet(),
		newButton(f.keys, lang.L("Copy URL"), nil, d.copyURL).quiet(),
		newButton(f.keys, lang.L("Replay"), theme.MediaReplayIcon(), func() { d.replay(nil) }).quiet(),
		newButton(f.keys, lang.L("Edit…"), nil, d.edit).quiet())
	head := container.NewBorder(nil, nil, d.marker, d.close, inset(0, 0, gapSmall, 0, middle(d.status)))
	body := column(gap, d.path.root, d.why.root)
	facts := column(3)
	for _, name := range factNames {
		v := newSheet(f, false)
		row := container.NewBorder(nil, nil, container.NewVBox(wide(factWidth, caption(lang.L(name.label)))), nil, v.root)
		d.facts = append(d.facts, fact{row, v, name.of})
		facts.Add(row)
	}
	body.Add(facts)
	for _, p := range d.parts {
		body.Add(p.root)
	}
	d.scroll = container.NewVScroll(inset(0, gap, gap+2, scrollRoom, body))
	d.again = newReplayForm(f, d.send, d.backToRecord)
	top := inset(gap, gapSmall, gap+2, gap, column(gapSmall, head, d.buttons, d.find.root, d.note.root))
	d.root = inset(0, 0, gap, 0, wide(callDetailWidth, newSurface(colorSurface, theme.ColorNameSeparator, radiusLarge, 1,
		container.NewBorder(top, nil, nil, nil, container.NewStack(d.scroll, d.again.root)))))
	d.root.Hide()
	return d
}

// factNames are the facts in their order.
var factNames = []struct {
	label string
	of    func(d *callDetail, x backend.Exchange) string
}{
	{"Time", func(_ *callDetail, x backend.Exchange) string {
		return stamp(x.Time.Local(), "2 Jan 2006, 15:04:05.000")
	}},
	{"Service", func(_ *callDetail, x backend.Exchange) string { return x.Service }},
	{"Decision", func(_ *callDetail, x backend.Exchange) string { return decisionWords(x) }},
	{"Took", func(_ *callDetail, x backend.Exchange) string { return unlessNoted(x, took(x.Duration)) }},
	{"Size", func(_ *callDetail, x backend.Exchange) string {
		return unlessNoted(x, fmt.Sprintf(lang.L("%s in, %s out"), size(x.BytesIn), size(x.BytesOut)))
	}},
	{"Rule", func(_ *callDetail, x backend.Exchange) string { return x.Rule }},
	{"Audience", func(_ *callDetail, x backend.Exchange) string { return x.Audience }},
	{"Token", func(d *callDetail, x backend.Exchange) string {
		if t, ok := d.backend.TokenByID(x.JTI); ok && x.JTI != "" {
			return tokenName(t)
		}
		return ""
	}},
	{"Token ID", func(_ *callDetail, x backend.Exchange) string { return x.JTI }},
	{"New", func(_ *callDetail, x backend.Exchange) string { return driftWords(x) }},
	{"Came from", func(_ *callDetail, x backend.Exchange) string {
		return strings.TrimSuffix(strings.TrimPrefix(x.Remote+", "+x.Listener, ", "), ", ")
	}},
	{"Replay of", func(_ *callDetail, x backend.Exchange) string { return x.ReplayOf }},
	{"Call ID", func(_ *callDetail, x backend.Exchange) string { return x.ID }},
}

// decisionWords says what was decided; a refusal's reason stands above.
func decisionWords(x backend.Exchange) string {
	word := string(x.Decision)
	if x.Reason != "" && x.Decision != refusedCall && x.Decision != failedCall && !isNote(x) {
		word = strings.TrimPrefix(word+", "+x.Reason, ", ")
	}
	return word
}

func unlessNoted(x backend.Exchange, s string) string {
	if isNote(x) {
		return ""
	}
	return s
}

// open reads a record and shows it, unless another is asked for meanwhile.
func (d *callDetail) open(id string, then func(error)) {
	d.reading = id
	var x backend.Exchange
	var parts []content
	d.loop.run(lang.L("Reading the call…"), func(context.Context) (err error) {
		if x, err = d.backend.Exchange(id); err == nil {
			parts = contentsOf(x)
		}
		return err
	}, func(err error) {
		if d.reading != id {
			return
		}
		if err == nil {
			d.show(x, parts)
		}
		then(err)
	})
}

// hide closes the pane.
func (d *callDetail) hide() {
	d.reading = ""
	d.again.hide()
	d.root.Hide()
}

// show fills the pane.
func (d *callDetail) show(x backend.Exchange, parts []content) {
	d.x = x
	d.note.clear()
	d.backToRecord()
	m := statusMark(x)
	d.marker.set(m)
	d.buttons.Hidden, d.path.root.Hidden = isNote(x), isNote(x)
	if isNote(x) {
		title, text := noteWords(x)
		d.status.set(title, "")
		d.why.clear()
		if text != "" {
			d.why.say(m, "", backend.Sentence(text))
		}
	} else {
		d.status.set(strings.TrimSpace(fmt.Sprintf("%s %s", statusWord(x.Status), http.StatusText(x.Status))), "")
		d.path.set(visible(address(x)), textWidth)
		d.sayWhy(m)
	}
	for _, f := range d.facts {
		v := visible(f.of(d, x))
		f.value.set(v, textWidth-factWidth-gapSmall)
		f.root.Hidden = v == ""
	}
	for i, p := range d.parts {
		p.show(parts[i])
	}
	d.scroll.ScrollToTop()
	d.root.Show()
	d.root.Refresh()
	d.find.suggest(d.found())
}

// address is the first line of a request.
func address(x backend.Exchange) string {
	path := strings.TrimSpace(x.Method + " " + x.Path)
	if x.Query != "" {
		path += "?" + x.Query
	}
	return path
}

func (d *callDetail) sayWhy(m mark) {
	d.why.clear()
	if d.x.Reason == "" || d.x.Decision != refusedCall && d.x.Decision != failedCall {
		return
	}
	code, text, _ := strings.Cut(visible(d.x.Reason), ":")
	title := fmt.Sprintf(lang.L("Refused by Lockbox: %s"), code)
	if m != markRefused {
		title = fmt.Sprintf(lang.L("Failed: %s"), code)
	}
	d.why.say(m, title, backend.Sentence(text))
}

// reveal scrolls to what was found in a part: its text may be higher than the pane.
func (d *callDetail) reveal(p *part) {
	at := fyne.CurrentApp().Driver().AbsolutePositionForObject
	top := at(p.sheet.root).Y - at(d.scroll).Y + p.sheet.height()
	if high := d.scroll.Size().Height; top < 0 || top+rowHeight > high {
		d.scroll.ScrollToOffset(fyne.NewPos(0, max(0, d.scroll.Offset.Y+top-high/2)))
	}
}

func (d *callDetail) copyCurl() {
	if !d.root.Visible() || isNote(d.x) {
		return
	}
	what := lang.L("The call as a curl line")
	if left := backend.LeftOut(d.x); len(left) > 0 {
		what = fmt.Sprintf(lang.L("The call as a curl line, without %s,"), strings.Join(left, ", "))
	}
	d.copyText(backend.CurlOf(d.backend.View().BaseURL, d.x), what)
}

func (d *callDetail) copyURL() {
	e, _ := backend.EditOf(d.x) // as far as it is on record
	url := d.backend.View().BaseURL + e.Path
	if e.Query != "" {
		url += "?" + e.Query
	}
	d.copyText(url, lang.L("The URL"))
}
