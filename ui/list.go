package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// list is a list that lets the window's keys through; Enter selects. Its own way
// of showing the row that the keyboard is at is too faint, and is not used.
type list struct {
	widget.List
	keys  *hotkeys
	moved func(fyne.KeyName) bool // what the page does with a key in the list's place; may be nil
	// at is the row that the keyboard is at, -1 for none, and steps goes to another;
	// nil: the arrows are moved's.
	at      func() int
	steps   func(int)
	enter   func(int) // Enter on the row; nil: nothing
	focused bool
	high    float32 // of a row
	still   bool    // it is not drawn for now
}

func newList(k *hotkeys, length func() int, create func() fyne.CanvasObject, update func(int, fyne.CanvasObject)) *list {
	l := &list{keys: k}
	l.Length = length
	l.CreateItem = func() fyne.CanvasObject { return newRowFrame(create()) }
	l.UpdateItem = func(i int, o fyne.CanvasObject) {
		f := o.(*rowFrame)
		update(i, f.row)
		f.set(l.focused && l.at != nil && l.at() == i)
	}
	l.ExtendBaseWidget(l)
	return l
}

// TypedKey implements fyne.Focusable.
func (l *list) TypedKey(ev *fyne.KeyEvent) {
	switch {
	case (leaves(ev.Name) || ev.Name == fyne.KeyDelete) && l.keys.typed(ev):
	case l.moved != nil && l.moved(ev.Name):
	case l.steps != nil && (isEnter(ev.Name) || ev.Name == fyne.KeySpace):
		if i := l.at(); l.enter != nil && i >= 0 {
			l.enter(i)
		}
	case l.steps != nil:
		l.step(ev.Name)
	case isEnter(ev.Name):
		l.List.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	default:
		l.List.TypedKey(ev)
	}
}

// step goes from row to row.
func (l *list) step(k fyne.KeyName) {
	if to, ok := stepped(k, l.at(), l.Length(), l.page()); ok {
		l.steps(to)
		l.ScrollTo(to)
		l.Refresh()
	}
}

// page is how many rows a page has, roughly.
func (l *list) page() int {
	if l.high == 0 {
		l.high = max(1, l.CreateItem().MinSize().Height)
	}
	return max(1, int(l.Size().Height/l.high)-1)
}

// stepped is the row of n to which a key leads from one, -1 for none.
func stepped(k fyne.KeyName, from, n, page int) (to int, ok bool) {
	switch k {
	case fyne.KeyDown:
		to = from + 1
	case fyne.KeyUp:
		to = from - 1
	case fyne.KeyPageDown:
		to = from + page
	case fyne.KeyPageUp:
		to = from - page
	case fyne.KeyHome:
		to = 0
	case fyne.KeyEnd:
		to = n - 1
	default:
		return from, false
	}
	return min(n-1, max(0, to)), n > 0
}

// FocusGained implements fyne.Focusable.
func (l *list) FocusGained() { l.focused = true; l.Refresh() }

// FocusLost implements fyne.Focusable.
func (l *list) FocusLost() { l.focused = false; l.Refresh() }

// CreateRenderer implements fyne.Widget.
func (l *list) CreateRenderer() fyne.WidgetRenderer {
	return newRinged(&stillRenderer{l.List.CreateRenderer(), l}, inner, func() bool { return l.focused && (l.at == nil || l.at() < 0) })
}

// setHeights gives rows their heights. Fyne's SetItemHeight draws the list for each row
// whose height differs; it is drawn once here, by whoever calls Refresh then.
func (l *list) setHeights(n int, height func(int) float32) {
	l.still = true
	for i := range n {
		l.SetItemHeight(i, height(i))
	}
	l.still = false
}

// stillRenderer draws a list but while it is to be still.
type stillRenderer struct {
	fyne.WidgetRenderer
	of *list
}

// Refresh implements fyne.WidgetRenderer.
func (r *stillRenderer) Refresh() {
	if !r.of.still {
		r.WidgetRenderer.Refresh()
	}
}

// rowFrame is a row, with a ring around the one that the keyboard is at.
type rowFrame struct {
	widget.BaseWidget
	row    fyne.CanvasObject
	ringed bool
}

func newRowFrame(row fyne.CanvasObject) *rowFrame {
	f := &rowFrame{row: row}
	f.ExtendBaseWidget(f)
	return f
}

func (f *rowFrame) set(ringed bool) {
	if f.ringed != ringed {
		f.ringed = ringed
		f.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (f *rowFrame) CreateRenderer() fyne.WidgetRenderer {
	return newRinged(widget.NewSimpleRenderer(f.row), inner, func() bool { return f.ringed })
}

// Where a ring is drawn: around what has the keyboard, or on its edge, where there
// is no space around.
const (
	outer = 3
	inner = -1
)

// ringed draws a ring around a widget while it has the keyboard: Fyne's own colour
// for that is a shade that many cannot see.
type ringed struct {
	fyne.WidgetRenderer
	ring *canvas.Rectangle
	out  float32 // how far around
	on   func() bool
}

func newRinged(r fyne.WidgetRenderer, out float32, on func() bool) *ringed {
	d := &ringed{WidgetRenderer: r, ring: canvas.NewRectangle(color.Transparent), out: out, on: on}
	d.ring.StrokeWidth, d.ring.CornerRadius = 2, radiusSmall+max(0, out)
	d.paint()
	return d
}

func (d *ringed) paint() {
	d.ring.Hidden = !d.on()
	d.ring.StrokeColor = theme.Color(theme.ColorNamePrimary)
}

// Layout implements fyne.WidgetRenderer.
func (d *ringed) Layout(s fyne.Size) {
	d.WidgetRenderer.Layout(s)
	d.ring.Move(fyne.NewPos(-d.out, -d.out))
	d.ring.Resize(s.AddWidthHeight(2*d.out, 2*d.out))
}

// Refresh implements fyne.WidgetRenderer.
func (d *ringed) Refresh() {
	d.WidgetRenderer.Refresh()
	d.paint()
	d.ring.Refresh()
}

// Objects implements fyne.WidgetRenderer.
func (d *ringed) Objects() []fyne.CanvasObject {
	return append(append([]fyne.CanvasObject{}, d.WidgetRenderer.Objects()...), d.ring)
}
