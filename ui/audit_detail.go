package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

const (
	callDetailWidth = 400
	textWidth       = callDetailWidth - gap - 2*(gap+2) - 2
	bodyShown       = 8 << 10 // of a body; Copy takes all that is on record
)

// callDetail is the selected exchange with all that is on record of it.
type callDetail struct {
	*face
	root   *fyne.Container
	marker *marker
	status *line
	close  *button
	path   *reading
	why    *strip
	facts  []fact
	parts  []*part
	scroll *container.Scroll
}

// fact is a name and what the record says.
type fact struct {
	root  *fyne.Container
	value *reading
	of    func(x backend.Exchange) string
}

// part is a text of the record: headers or a body.
type part struct {
	root *fyne.Container
	note *line
	text *reading
	full string
	of   func(x backend.Exchange) (text, note string)
}

func newCallDetail(f *face, closed func()) *callDetail {
	d := &callDetail{face: f, marker: newMarker(markNone), status: heading("").flexible(), why: newNarrowStrip(f.keys)}
	d.close = newButton(f.keys, "", theme.CancelIcon(), closed).quiet()
	path, pathBox := newReading(f, true, true)
	d.path = path
	head := container.NewBorder(nil, nil, d.marker, d.close, inset(0, 0, gapSmall, 0, middle(d.status)))
	body := column(gap, head, pathBox, d.why.root)
	facts := column(0)
	for _, name := range factNames {
		v, box := newReading(f, false, false)
		row := container.NewBorder(nil, nil, wide(92, middle(caption(name.label))), nil, box)
		d.facts = append(d.facts, fact{row, v, name.of})
		facts.Add(row)
	}
	body.Add(facts)
	for _, p := range []struct {
		name string
		of   func(backend.Exchange) (string, string)
	}{
		{"Request headers", func(x backend.Exchange) (string, string) { return headerText(x.RequestHeader), "" }},
		{"Request body", func(x backend.Exchange) (string, string) { return bodyText(x.RequestBody) }},
		{"Response headers", func(x backend.Exchange) (string, string) { return headerText(x.ResponseHeader), "" }},
		{"Response body", func(x backend.Exchange) (string, string) { return bodyText(x.ResponseBody) }},
	} {
		d.parts = append(d.parts, d.newPart(p.name, p.of, body))
	}
	d.scroll = container.NewVScroll(inset(gap, gap, gap+2, gap+2, body))
	d.root = inset(0, 0, gap, 0, wide(callDetailWidth, newSurface(colorSurface, theme.ColorNameSeparator, 8, 1, d.scroll)))
	d.root.Hide()
	return d
}

func (d *callDetail) newPart(name string, of func(backend.Exchange) (string, string), body *fyne.Container) *part {
	text, box := newReading(d.face, true, true)
	p := &part{note: caption("").flexible(), text: text, of: of}
	button := newButton(d.keys, "", theme.ContentCopyIcon(), func() { d.copyText(p.full, name) }).quiet()
	p.root = column(2, container.NewBorder(nil, nil, middle(strong(name)), button, inset(0, 0, gapSmall, 0, middle(p.note))),
		newSurface(theme.ColorNameInputBackground, theme.ColorNameSeparator, 6, gapSmall, box))
	body.Add(p.root)
	return p
}

// factNames are the facts in their order.
var factNames = []struct {
	label string
	of    func(x backend.Exchange) string
}{
	{"Time", func(x backend.Exchange) string { return x.Time.Local().Format("2 Jan 2006, 15:04:05.000") }},
	{"Service", func(x backend.Exchange) string { return x.Service }},
	{"Decision", func(x backend.Exchange) string { return string(x.Decision) }},
	{"Took", func(x backend.Exchange) string { return took(x.Duration) }},
	{"Size", func(x backend.Exchange) string { return size(x.BytesIn) + " in, " + size(x.BytesOut) + " out" }},
	{"Audience", func(x backend.Exchange) string { return x.Audience }},
	{"Token ID", func(x backend.Exchange) string { return x.JTI }},
	{"Came from", func(x backend.Exchange) string { return strings.TrimSuffix(x.Remote+", "+x.Listener, ", ") }},
	{"ID", func(x backend.Exchange) string { return x.ID }},
}

// show fills the pane.
func (d *callDetail) show(x backend.Exchange) {
	m := statusMark(x)
	d.marker.set(m)
	d.status.set(fmt.Sprintf("%d %s", x.Status, http.StatusText(x.Status)), "")
	path := x.Method + " " + x.Path
	if x.Query != "" {
		path += "?" + x.Query
	}
	d.path.setText(path, textWidth)
	d.why.clear()
	if x.Reason != "" {
		code, text, _ := strings.Cut(x.Reason, ":")
		title := "Refused by Lockbox: " + code
		if m != markRefused {
			title = "Failed: " + code
		}
		d.why.say(m, title, backend.Sentence(text))
	}
	for _, f := range d.facts {
		v := f.of(x)
		f.value.SetText(v)
		f.root.Hidden = v == ""
	}
	for _, p := range d.parts {
		text, note := p.of(x)
		p.full = text
		p.note.set(note, "")
		if len(text) > bodyShown {
			text = strings.ToValidUTF8(text[:bodyShown], "") + "\n" + ellipsis
			p.note.set(strings.TrimPrefix(note+", the first "+size(bodyShown)+" shown", ", "), "")
		}
		p.text.setText(text, textWidth-2*gapSmall)
		p.root.Hidden = text == "" && note == ""
		p.text.Hidden = text == ""
	}
	d.scroll.ScrollToTop()
	d.root.Show()
	d.root.Refresh()
}

// headerText is a header block, by name.
func headerText(h http.Header) string {
	var b strings.Builder
	names := make([]string, 0, len(h))
	for n := range h {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range h[n] {
			fmt.Fprintf(&b, "%s: %s\n", n, v)
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// bodyText is a captured body and what there is to say about it. JSON is
// indented when it is whole.
func bodyText(b *backend.Body) (text, note string) {
	if b == nil {
		return "", ""
	}
	var notes []string
	if b.Size > 0 {
		notes = append(notes, size(b.Size))
	}
	if b.Truncated {
		notes = append(notes, "cut short")
	}
	if b.Note != "" {
		notes = append(notes, b.Note)
	}
	text = b.Text
	var out bytes.Buffer
	if !b.Truncated && json.Indent(&out, []byte(text), "", "  ") == nil && text != "" {
		text = out.String()
	}
	if text == "" && len(b.Base64) > 0 {
		notes = append(notes, "base64")
		text = base64.StdEncoding.EncodeToString(b.Base64)
	}
	return text, strings.Join(notes, ", ")
}
