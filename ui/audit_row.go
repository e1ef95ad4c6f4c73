package ui

import (
	"image/color"
	"strconv"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	callHeight = 26
	callWide   = 700 // a narrower row does without service, audience and duration
)

// callColumns are the columns of the audit log in their order. The path takes
// the width that is left.
var callColumns = []struct {
	name  string
	width float32 // 0: what is left
	wide  bool    // only in a wide row
	right bool
}{
	{"Time", 108, false, false},
	{"Status", 72, false, false},
	{"Method", 66, false, false},
	{"Service", 128, true, false},
	{"Path", 0, false, false},
	{"Audience", 96, true, false},
	{"Duration", 76, true, true},
}

const (
	columnTime = iota
	columnStatus
	columnMethod
	columnService
	columnPath
	columnAudience
	columnDuration
)

// columnSpans are where the columns begin and how wide they are; 0 for those
// that are left out.
func columnSpans(width float32) (x, w [7]float32) {
	full := width >= callWide
	var taken float32
	for i, c := range callColumns {
		if c.width > 0 && (full || !c.wide) {
			w[i] = c.width
			taken += c.width
		}
	}
	w[columnPath] = max(40, width-taken-2*gap)
	at := float32(gap)
	for i := range w {
		x[i] = at
		at += w[i]
	}
	return x, w
}

// callRow is a row of the audit log, of plain texts.
type callRow struct {
	widget.BaseWidget
	call     call
	selected bool
	head     bool // shows the columns' names
}

func newCallRow() *callRow {
	r := &callRow{}
	r.ExtendBaseWidget(r)
	return r
}

func (r *callRow) set(c call, selected bool) {
	if r.call == c && r.selected == selected {
		return
	}
	r.call, r.selected = c, selected
	r.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (r *callRow) CreateRenderer() fyne.WidgetRenderer {
	d := &callRowRenderer{row: r, mark: newDrawing(), ground: canvas.NewRectangle(color.Transparent)}
	for i := range d.texts {
		d.texts[i] = canvas.NewText("", color.Transparent)
		if callColumns[i].right {
			d.texts[i].Alignment = fyne.TextAlignTrailing
		}
	}
	d.texts[columnTime].TextStyle.Monospace = !r.head
	d.texts[columnStatus].TextStyle.Bold = !r.head
	d.Refresh()
	return d
}

type callRowRenderer struct {
	row    *callRow
	ground *canvas.Rectangle
	mark   drawing
	texts  [7]*canvas.Text
}

func (d *callRowRenderer) Layout(s fyne.Size) {
	d.ground.Resize(s)
	x, _ := columnSpans(s.Width)
	d.mark.move(fyne.NewPos(x[columnStatus], (s.Height-markSize)/2))
	d.place(s)
}

func (d *callRowRenderer) place(s fyne.Size) {
	if s.Width <= 0 {
		return
	}
	x, w := columnSpans(s.Width)
	for i, text := range d.words() {
		t := d.texts[i]
		t.Hidden = w[i] == 0
		if t.Hidden {
			continue
		}
		left, width := x[i], w[i]-gapSmall
		if i == columnStatus && !d.row.head {
			left, width = left+markSize+gapSmall, width-markSize-gapSmall
		}
		place(t, text, left, (s.Height-t.TextSize*1.4)/2, width)
	}
}

// words are the texts of the columns.
func (d *callRowRenderer) words() [7]string {
	var out [7]string
	if d.row.head {
		for i, c := range callColumns {
			out[i] = lang.L(c.name)
		}
		return out
	}
	c := d.row.call
	if c.noted {
		return [7]string{columnTime: clock(c.time), columnStatus: lang.L("Note"), columnService: c.service, columnPath: c.path}
	}
	out = [7]string{clock(c.time), statusWord(c.status), c.method, c.service, c.path, c.audience, took(c.duration)}
	if c.note != "" {
		out[columnPath] += "  ·  " + c.note
	}
	return out
}

// statusWord is a status; a call that had no answer has none.
func statusWord(status int) string {
	if status == 0 {
		return "—"
	}
	return strconv.Itoa(status)
}

// clock is the time of a call today, with its day when it was another.
func clock(t time.Time) string {
	t = t.Local()
	if y, m, d := t.Date(); !sameDay(y, m, d, time.Now()) {
		return stamp(t, "02 Jan 15:04")
	}
	return t.Format("15:04:05.0")
}

func sameDay(y int, m time.Month, d int, t time.Time) bool {
	y2, m2, d2 := t.Date()
	return y == y2 && m == m2 && d == d2
}

func (d *callRowRenderer) MinSize() fyne.Size { return fyne.NewSize(360, callHeight) }

func (d *callRowRenderer) Refresh() {
	d.ground.FillColor = color.Transparent
	if d.row.selected {
		d.ground.FillColor = theme.Color(theme.ColorNameSelection)
	}
	d.ground.CornerRadius = radiusSmall
	d.ground.Refresh()
	m := d.row.call.mark
	if d.row.head {
		m = markNone
	}
	d.mark.set(m)
	for i, t := range d.texts {
		c, s := theme.ColorNameForeground, theme.SizeNameText
		switch {
		case d.row.head:
			c, s = colorMuted, theme.SizeNameCaptionText
		case i == columnTime, i == columnAudience, i == columnDuration:
			c, s = colorMuted, theme.SizeNameCaptionText
		case i == columnStatus && m != markGood:
			c = m.color()
		case i == columnPath && d.row.call.noted:
			c = colorMuted
		}
		paint(t, c, s)
	}
	d.place(d.row.Size())
}

func (d *callRowRenderer) Objects() []fyne.CanvasObject {
	out := append([]fyne.CanvasObject{d.ground}, d.mark.objects()...)
	for _, t := range d.texts {
		out = append(out, t)
	}
	return out
}
func (*callRowRenderer) Destroy() {}
