package ui

import (
	"context"
	"fmt"
	"net/http"
	"net/textproto"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// replayForm is a recorded call to be changed and made again.
type replayForm struct {
	*face
	root                *fyne.Container
	method, path, query *entry
	headers, body       *entry
	left                *prose
	trouble             *strip
	sent, cancelled     *button
	send                func(*backend.ReplayEdit)
	begun               backend.ReplayEdit
	binary              bool // the body is no text: it goes as it is
	bodyBox             fyne.CanvasObject
	binaryNote          *line
}

// replayMethods are those that are offered; others can be typed.
var replayMethods = []string{"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}

func newReplayForm(f *face, send func(*backend.ReplayEdit), cancelled func()) *replayForm {
	r := &replayForm{face: f, send: send, left: newProse("", theme.SizeNameCaptionText, colorMuted), trouble: newNarrowStrip(f.keys)}
	r.method, r.path, r.query = newEntry(f.keys), newEntry(f.keys), newEntry(f.keys)
	r.headers, r.body = newEntry(f.keys), newEntry(f.keys)
	for _, e := range []*entry{r.headers, r.body} {
		e.MultiLine = true
		e.Wrapping = fyne.TextWrapOff
		e.TextStyle.Monospace = true
	}
	for e, hint := range map[*entry]string{r.method: "GET", r.path: "/s/github/user", r.query: "page=2", r.headers: "Accept: application/json", r.body: `{"name": "Ada"}`} {
		e.SetPlaceHolder(hint)
	}
	r.headers.SetMinRowsVisible(6)
	r.body.SetMinRowsVisible(8)
	for _, e := range []*entry{r.method, r.path, r.query} {
		e.OnSubmitted = func(string) { r.submit() }
	}
	r.sent = newButton(f.keys, lang.L("Send"), theme.MailSendIcon(), r.submit).primary()
	r.cancelled = newButton(f.keys, lang.L("Cancel"), nil, cancelled)
	r.binaryNote = caption("").flexible()
	r.bodyBox = column(gapTight, caption(lang.L("Body")), frame(r.body))
	field := func(label string, o fyne.CanvasObject) *fyne.Container {
		return column(gapTight, caption(label), frame(o))
	}
	form := column(gap, strong(lang.L("Edit and make again")), r.trouble.root,
		container.NewBorder(nil, nil, wide(84, field(lang.L("Method"), r.method)), nil, inset(0, 0, gapSmall, 0, field(lang.L("Path"), r.path))),
		field(lang.L("Query"), r.query), field(lang.L("Headers, one a line"), r.headers), r.left.root,
		r.bodyBox, r.binaryNote, container.New(mirrored{}, r.sent, r.cancelled))
	r.root = container.NewStack(container.NewVScroll(inset(gapSmall, gap, gap+2, scrollRoom, form)))
	r.root.Hide()
	return r
}

// begin fills the form with what is on record.
func (r *replayForm) begin(x backend.Exchange) {
	e, err := backend.EditOf(x)
	r.begun = e
	r.trouble.clear()
	if err != nil {
		r.trouble.say(markWarning, "", backend.Sentence(err.Error()))
	}
	r.method.SetText(e.Method)
	r.path.SetText(percent(e.Path))
	r.query.SetText(percent(e.Query))
	r.headers.SetText(headerText(e.Header))
	r.binary = len(e.Body) > 0 && visibleText(string(e.Body)) != string(e.Body)
	r.binaryNote.set(fmt.Sprintf(lang.L("The body of %s is sent as it is on record."), size(int64(len(e.Body)))), "")
	r.binaryNote.Hidden = !r.binary
	r.bodyBox.Show()
	r.body.SetText("")
	if r.binary {
		r.bodyBox.Hide()
	} else {
		r.body.SetText(string(e.Body))
	}
	text := ""
	if left := backend.LeftOut(x); len(left) > 0 {
		text = fmt.Sprintf(lang.L("Left out, for their values are not on record: %s."), strings.Join(left, ", "))
	}
	r.left.set(text, "")
	r.path.CursorColumn = len(r.path.Text)
	r.root.Show()
	r.root.Refresh()
	r.focus(r.path)
}

func (r *replayForm) hide() {
	r.root.Hide()
	r.body.SetText("")
}

// submit sends what the form says.
func (r *replayForm) submit() {
	if r.sent.Disabled() {
		return
	}
	h, err := parseHeaders(r.headers.Text)
	if err != nil {
		r.trouble.say(markFailed, "", backend.Sentence(err.Error()))
		r.focus(r.headers)
		return
	}
	e := &backend.ReplayEdit{Method: strings.ToUpper(strings.TrimSpace(r.method.Text)), Path: r.path.Text, Query: r.query.Text, Header: h, Body: []byte(r.body.Text)}
	if r.binary {
		e.Body = r.begun.Body
	}
	if !slices.Contains(replayMethods, e.Method) {
		r.trouble.say(markFailed, "", fmt.Sprintf(lang.L("The method is one of %s."), strings.Join(replayMethods, ", ")))
		r.focus(r.method)
		return
	}
	r.trouble.clear()
	r.send(e)
}

// percent writes what is not plain ASCII in an address as an address does: it is
// sent the same, and does nothing to the field.
func percent(s string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, "%%%02X", c)
		}
	}
	return b.String()
}

// parseHeaders reads one header a line.
func parseHeaders(text string) (http.Header, error) {
	h := http.Header{}
	for l := range strings.SplitSeq(text, "\n") {
		if l = strings.TrimSpace(l); l == "" {
			continue
		}
		name, value, ok := strings.Cut(l, ":")
		name = strings.TrimSpace(name)
		if !ok || name == "" || strings.ContainsAny(name, " \t") {
			return nil, fmt.Errorf(lang.L("%q is no header: write Name: value"), l)
		}
		name = textproto.CanonicalMIMEHeaderKey(name)
		h[name] = append(h[name], strings.TrimSpace(value))
	}
	return h, nil
}

// edit opens the form.
func (d *callDetail) edit() {
	d.note.clear()
	d.scroll.Hide()
	d.find.root.Hide()
	d.again.begin(d.x)
	d.root.Refresh()
}

// backToRecord closes the form.
func (d *callDetail) backToRecord() {
	d.again.hide()
	d.scroll.Show()
	d.find.root.Show()
	d.root.Refresh()
}

func (d *callDetail) send(e *backend.ReplayEdit) { d.replay(e) }

// replay makes the call again, as it was if edit is nil.
func (d *callDetail) replay(edit *backend.ReplayEdit) {
	id := d.x.ID
	d.working(true)
	d.note.clear()
	var made backend.Exchange
	d.loop.run(lang.L("Making the call again…"), func(ctx context.Context) (err error) {
		made, err = d.backend.Replay(ctx, id, edit)
		return err
	}, func(err error) {
		d.working(false)
		switch {
		case err == nil:
			d.say(statusMark(made), fmt.Sprintf(lang.L("Made again: %s."), statusWord(made.Status)))
			if d.x.ID == id && d.root.Visible() { // else another is being read
				d.made(made)
			}
		case d.x.ID != id || !d.root.Visible():
			d.say(markFailed, backend.Sentence(err.Error()))
		case edit != nil:
			d.again.trouble.say(markFailed, lang.L("Not sent"), backend.Sentence(err.Error()))
		default:
			d.note.say(markFailed, lang.L("Not made again"), backend.Sentence(err.Error()), action{label: lang.L("Edit"), do: d.edit, first: true}, d.note.dismiss())
		}
	})
}

func (d *callDetail) working(on bool) {
	setDisabled(d.again.sent, on)
	for _, o := range d.buttons.Objects {
		setDisabled(o.(*button), on)
	}
}
