package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	leadHeight = 46
	leadEnd    = 22  // of the arrow
	leadCounts = 112 // of the numbers
)

// lead is a row that says something in two lines, and leads to more.
type lead struct {
	mark         mark
	badge        emblem // in the mark's place
	name, detail string
	count, fails string // at the right; fails is what went wrong
	bad          bool   // something did
	open         func()
}

// leads are a few of them. They take the focus together, as a list does: the
// arrows go from row to row, and Enter opens.
type leads struct {
	widget.BaseWidget
	keys    *hotkeys
	rows    []lead
	at      int             // the row that the keys are at
	over    int             // the row under the pointer; -1 is none
	moved   func(y float32) // the keys went to the row that begins there; may be nil
	focused bool
}

func newLeads(k *hotkeys) *leads {
	l := &leads{keys: k, over: -1}
	l.ExtendBaseWidget(l)
	return l
}

// set shows other rows.
func (l *leads) set(rows []lead) {
	high := len(l.rows) != len(rows)
	l.rows = rows
	l.at, l.over = max(0, min(l.at, len(rows)-1)), min(l.over, len(rows)-1)
	l.Refresh()
	if high {
		l.Resize(fyne.NewSize(l.Size().Width, l.MinSize().Height))
	}
}

func (l *leads) row(y float32) int {
	if i := int(y / leadHeight); y >= 0 && i < len(l.rows) {
		return i
	}
	return -1
}

func (l *leads) open(i int) {
	if i >= 0 && i < len(l.rows) && l.rows[i].open != nil {
		l.rows[i].open()
	}
}

// Tapped implements fyne.Tappable.
func (l *leads) Tapped(ev *fyne.PointEvent) { l.open(l.row(ev.Position.Y)) }

// Cursor implements desktop.Cursorable.
func (*leads) Cursor() desktop.Cursor { return desktop.PointerCursor }

// MouseIn implements desktop.Hoverable.
func (l *leads) MouseIn(ev *desktop.MouseEvent) { l.MouseMoved(ev) }

// MouseMoved implements desktop.Hoverable.
func (l *leads) MouseMoved(ev *desktop.MouseEvent) { l.hover(l.row(ev.Position.Y)) }

// MouseOut implements desktop.Hoverable.
func (l *leads) MouseOut() { l.hover(-1) }

func (l *leads) hover(i int) {
	if l.over != i {
		l.over = i
		l.Refresh()
	}
}

// TypedKey implements fyne.Focusable.
func (l *leads) TypedKey(ev *fyne.KeyEvent) {
	switch {
	case leaves(ev.Name):
		l.keys.typed(ev)
	case isEnter(ev.Name), ev.Name == fyne.KeySpace:
		l.open(l.at)
	case ev.Name == fyne.KeyDown:
		l.move(l.at + 1)
	case ev.Name == fyne.KeyUp:
		l.move(l.at - 1)
	case ev.Name == fyne.KeyHome:
		l.move(0)
	case ev.Name == fyne.KeyEnd:
		l.move(len(l.rows) - 1)
	}
}

func (l *leads) move(to int) {
	l.at = max(0, min(to, len(l.rows)-1))
	l.Refresh()
	if l.moved != nil {
		l.moved(float32(l.at) * leadHeight)
	}
}

// TypedRune implements fyne.Focusable.
func (*leads) TypedRune(rune) {}

// FocusGained implements fyne.Focusable.
func (l *leads) FocusGained() { l.focused = true; l.move(l.at) }

// FocusLost implements fyne.Focusable.
func (l *leads) FocusLost() { l.focused = false; l.Refresh() }

// CreateRenderer implements fyne.Widget.
func (l *leads) CreateRenderer() fyne.WidgetRenderer {
	r := &leadsRenderer{leads: l}
	r.Refresh()
	return r
}

// leadDrawing are the canvas objects of a row.
type leadDrawing struct {
	ground, rule               *canvas.Rectangle
	mark                       drawing
	badge                      badge
	name, detail, count, fails *canvas.Text
	arrow                      *widget.Icon
}

func newLeadDrawing() *leadDrawing {
	d := &leadDrawing{ground: canvas.NewRectangle(color.Transparent), rule: canvas.NewRectangle(color.Transparent), mark: newDrawing(), badge: newBadge(), arrow: widget.NewIcon(nil)}
	for _, t := range []**canvas.Text{&d.name, &d.detail, &d.count, &d.fails} {
		*t = canvas.NewText("", color.Transparent)
	}
	d.ground.CornerRadius = radiusSmall
	d.name.TextStyle.Bold = true
	return d
}

func (d *leadDrawing) objects() []fyne.CanvasObject {
	return append(append([]fyne.CanvasObject{d.rule, d.ground}, d.mark.objects()...), d.badge.ground, d.badge.letter, d.name, d.detail, d.count, d.fails, d.arrow)
}

type leadsRenderer struct {
	leads *leads
	rows  []*leadDrawing
}

func (r *leadsRenderer) Layout(s fyne.Size) {
	for i, d := range r.rows {
		d.layout(&r.leads.rows[i], float32(i)*leadHeight, s.Width)
	}
}

func (d *leadDrawing) layout(l *lead, y, width float32) {
	d.rule.Move(fyne.NewPos(gap, y))
	d.rule.Resize(fyne.NewSize(max(0, width-2*gap), 1))
	d.ground.Move(fyne.NewPos(4, y+3))
	d.ground.Resize(fyne.NewSize(max(0, width-8), leadHeight-5))
	if width <= 0 {
		return
	}
	left := float32(gap + markSize + gap)
	d.mark.move(fyne.NewPos(gap+2, y+12))
	if l.badge.letter != "" {
		left = gap + badgeSize + gap
		d.badge.move(fyne.NewPos(gap, y+(leadHeight-badgeSize)/2))
	}
	end := width - gap - leadEnd
	d.arrow.Move(fyne.NewPos(end+2, y+(leadHeight-18)/2))
	d.arrow.Resize(fyne.NewSquareSize(18))
	if l.count != "" || l.fails != "" {
		end -= leadCounts
		placeEnd(d.count, l.count, end, y+5, leadCounts)
		placeEnd(d.fails, l.fails, end, y+24, leadCounts)
	}
	top := y + 5
	if l.detail == "" {
		top = y + (leadHeight-d.name.TextSize*1.4)/2
	}
	place(d.name, l.name, left, top, end-left-gapSmall)
	place(d.detail, l.detail, left, y+24, end-left-gapSmall)
}

// placeEnd is place for a text that ends at the right.
func placeEnd(t *canvas.Text, text string, x, y, width float32) {
	t.Alignment = fyne.TextAlignTrailing
	place(t, text, x, y, width)
}

func (r *leadsRenderer) MinSize() fyne.Size {
	return fyne.NewSize(240, float32(len(r.leads.rows))*leadHeight)
}

func (r *leadsRenderer) Refresh() {
	l := r.leads
	for len(r.rows) < len(l.rows) {
		r.rows = append(r.rows, newLeadDrawing())
	}
	r.rows = r.rows[:len(l.rows)]
	for i, d := range r.rows {
		d.paint(&l.rows[i], i > 0)
		d.ground.FillColor, d.ground.StrokeWidth = color.Transparent, 0
		if i == l.over {
			d.ground.FillColor = theme.Color(theme.ColorNameHover)
		}
		if l.focused && i == l.at {
			d.ground.StrokeColor, d.ground.StrokeWidth = theme.Color(theme.ColorNamePrimary), 2
		}
		d.ground.Refresh()
	}
	r.Layout(l.Size())
	canvas.Refresh(l)
}

// paint gives a row the colours of the theme and of what it says.
func (d *leadDrawing) paint(l *lead, ruled bool) {
	d.rule.FillColor, d.rule.Hidden = theme.Color(theme.ColorNameSeparator), !ruled
	d.mark.set(l.mark)
	d.badge.ground.Hidden, d.badge.letter.Hidden = l.badge.letter == "", l.badge.letter == ""
	d.badge.set(l.badge)
	fails := colorMuted
	if l.bad {
		fails = theme.ColorNameError
	}
	paint(d.name, theme.ColorNameForeground, theme.SizeNameText)
	paint(d.detail, colorMuted, theme.SizeNameCaptionText)
	paint(d.count, theme.ColorNameForeground, theme.SizeNameText)
	paint(d.fails, fails, theme.SizeNameCaptionText)
	d.count.Hidden, d.fails.Hidden, d.detail.Hidden = l.count == "", l.fails == "", l.detail == ""
	d.arrow.Hidden = l.open == nil
	d.arrow.SetResource(theme.NewColoredResource(theme.NavigateNextIcon(), colorMuted))
}

func (r *leadsRenderer) Objects() []fyne.CanvasObject {
	var all []fyne.CanvasObject
	for _, d := range r.rows {
		all = append(all, d.objects()...)
	}
	return all
}
func (*leadsRenderer) Destroy() {}
