package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// pick has a text that is read selected, by a double click or a drag, and copied
// with Ctrl+C or from a menu. Fyne's labels can do that too, but each would be a
// stop of the Tab key that keeps the window's keys to itself.
type pick struct {
	widget.BaseWidget
	keys    *hotkeys
	content fyne.CanvasObject
	text    func() string
}

func newPick(k *hotkeys, content fyne.CanvasObject, text func() string) *pick {
	p := &pick{keys: k, content: content, text: text}
	p.ExtendBaseWidget(p)
	return p
}

// pickable is a line whose text can be selected.
func pickable(k *hotkeys, l *line) *pick { return newPick(k, l, func() string { return l.text }) }

// pickable has the text selected as a whole.
func (p *prose) pickable(k *hotkeys) *prose {
	p.root.Objects = []fyne.CanvasObject{newPick(k, p.root.Objects[0], func() string { return p.seg.Text })}
	return p
}

// unpick reports whether something was selected.
func (k *hotkeys) unpick() bool {
	p := k.picked
	if k.picked = nil; p != nil {
		p.Refresh()
	}
	return p != nil
}

func (p *pick) pick() {
	if p.text() == "" || p.keys.picked == p {
		return
	}
	p.keys.unpick()
	p.keys.picked = p
	if c := fyne.CurrentApp().Driver().CanvasForObject(p); c != nil {
		c.Unfocus() // what has the focus would take Ctrl+C
	}
	p.Refresh()
}

func (p *pick) copy() { fyne.CurrentApp().Clipboard().SetContent(p.text()) }

// Tapped implements fyne.Tappable: nothing is selected any more.
func (p *pick) Tapped(*fyne.PointEvent) { p.keys.unpick() }

// DoubleTapped implements fyne.DoubleTappable.
func (p *pick) DoubleTapped(*fyne.PointEvent) { p.pick() }

// Dragged implements fyne.Draggable.
func (p *pick) Dragged(*fyne.DragEvent) { p.pick() }

// DragEnd implements fyne.Draggable.
func (*pick) DragEnd() {}

// TappedSecondary implements fyne.SecondaryTappable.
func (p *pick) TappedSecondary(ev *fyne.PointEvent) {
	c := fyne.CurrentApp().Driver().CanvasForObject(p)
	if c == nil || p.text() == "" {
		return
	}
	p.pick()
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", fyne.NewMenuItem(lang.L("Copy"), p.copy)), c, ev.AbsolutePosition)
}

// Cursor implements desktop.Cursorable.
func (*pick) Cursor() desktop.Cursor { return desktop.TextCursor }

// CreateRenderer implements fyne.Widget.
func (p *pick) CreateRenderer() fyne.WidgetRenderer {
	r := &pickRenderer{pick: p, ground: canvas.NewRectangle(color.Transparent)}
	r.ground.CornerRadius = 3
	return r
}

type pickRenderer struct {
	pick   *pick
	ground *canvas.Rectangle
}

func (r *pickRenderer) Layout(s fyne.Size) {
	r.ground.Resize(s)
	r.pick.content.Resize(s)
}

func (r *pickRenderer) MinSize() fyne.Size { return r.pick.content.MinSize() }

func (r *pickRenderer) Refresh() {
	r.ground.FillColor = color.Transparent
	if r.pick.keys.picked == r.pick {
		r.ground.FillColor = theme.Color(theme.ColorNameSelection)
	}
	r.ground.Refresh()
	r.pick.content.Refresh()
}

func (r *pickRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.pick.content}
}
func (*pickRenderer) Destroy() {}
