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
	chipHeight = 26
	chipEnd    = 24  // the part with the arrow or the cross
	chipWidth  = 190 // at most
)

// chip is a filter: a name that opens a menu, and once it is set what it is set
// to, with a cross that takes it away.
type chip struct {
	widget.BaseWidget
	keys             *hotkeys
	label            string
	set              bool
	opened, removed  func()
	hovered, focused bool
}

func newChip(k *hotkeys, label string, opened, removed func()) *chip {
	c := &chip{keys: k, label: label, opened: opened, removed: removed}
	c.ExtendBaseWidget(c)
	return c
}

func (c *chip) show(label string, set bool) {
	if c.label != label || c.set != set {
		c.label, c.set = label, set
		c.Refresh()
	}
}

// Tapped implements fyne.Tappable.
func (c *chip) Tapped(ev *fyne.PointEvent) {
	if c.set && ev.Position.X > c.Size().Width-chipEnd {
		c.removed()
		return
	}
	c.opened()
}

// TypedKey implements fyne.Focusable.
func (c *chip) TypedKey(ev *fyne.KeyEvent) {
	switch {
	case leaves(ev.Name):
		c.keys.typed(ev)
	case isEnter(ev.Name), ev.Name == fyne.KeySpace, ev.Name == fyne.KeyDown:
		c.opened()
	case c.set && (ev.Name == fyne.KeyDelete || ev.Name == fyne.KeyBackspace):
		c.removed()
	}
}

// TypedRune implements fyne.Focusable.
func (*chip) TypedRune(rune) {}

// FocusGained implements fyne.Focusable.
func (c *chip) FocusGained() { c.focused = true; c.Refresh() }

// FocusLost implements fyne.Focusable.
func (c *chip) FocusLost() { c.focused = false; c.Refresh() }

// MouseIn implements desktop.Hoverable.
func (c *chip) MouseIn(*desktop.MouseEvent) { c.hovered = true; c.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (*chip) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (c *chip) MouseOut() { c.hovered = false; c.Refresh() }

// CreateRenderer implements fyne.Widget.
func (c *chip) CreateRenderer() fyne.WidgetRenderer {
	r := &chipRenderer{chip: c, ground: canvas.NewRectangle(color.Transparent), text: canvas.NewText("", nil), end: widget.NewIcon(nil)}
	r.ground.CornerRadius = chipHeight / 2
	r.Refresh()
	return r
}

type chipRenderer struct {
	chip   *chip
	ground *canvas.Rectangle
	text   *canvas.Text
	end    *widget.Icon
}

func (r *chipRenderer) Layout(s fyne.Size) {
	r.ground.Resize(s)
	h := r.text.MinSize().Height
	r.text.Move(fyne.NewPos(gap, (s.Height-h)/2))
	r.text.Resize(fyne.NewSize(s.Width-gap-chipEnd, h))
	const icon = 14
	r.end.Move(fyne.NewPos(s.Width-chipEnd+2, (s.Height-icon)/2))
	r.end.Resize(fyne.NewSquareSize(icon))
}

func (r *chipRenderer) MinSize() fyne.Size {
	w := fyne.MeasureText(r.chip.label, theme.Size(theme.SizeNameCaptionText), r.text.TextStyle).Width
	return fyne.NewSize(min(chipWidth, gap+w+4+chipEnd), chipHeight)
}

func (r *chipRenderer) Refresh() {
	c := r.chip
	fill, stroke, words, icon := color.Color(color.Transparent), theme.Color(theme.ColorNameInputBorder), theme.ColorNameForeground, theme.MenuDropDownIcon()
	if c.set {
		fill, stroke, icon = theme.Color(theme.ColorNameSelection), theme.Color(theme.ColorNamePrimary), theme.CancelIcon()
	}
	if c.hovered {
		fill = theme.Color(theme.ColorNameHover)
	}
	r.ground.FillColor, r.ground.StrokeColor, r.ground.StrokeWidth = fill, stroke, 1
	if c.focused {
		r.ground.StrokeColor, r.ground.StrokeWidth = theme.Color(theme.ColorNamePrimary), 2
	}
	r.text.TextStyle.Bold = c.set
	r.text.TextSize, r.text.Color = theme.Size(theme.SizeNameCaptionText), theme.Color(words)
	r.text.Text = fit(c.label, r.text.TextSize, r.text.TextStyle, chipWidth-gap-chipEnd)
	r.end.SetResource(theme.NewThemedResource(icon))
	r.Layout(c.Size())
	canvas.Refresh(c)
}

func (r *chipRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.text, r.end}
}
func (*chipRenderer) Destroy() {}
