package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const copySize = 16

// copyMark copies what stands before it. It takes no focus: it is in rows, and what
// is selected there can be copied beside the list too.
type copyMark struct {
	widget.BaseWidget
	tapped func()
}

func newCopyMark(tapped func()) *copyMark {
	c := &copyMark{tapped: tapped}
	c.ExtendBaseWidget(c)
	return c
}

// Tapped implements fyne.Tappable.
func (c *copyMark) Tapped(*fyne.PointEvent) { c.tapped() }

// Cursor implements desktop.Cursorable.
func (*copyMark) Cursor() desktop.Cursor { return desktop.PointerCursor }

// CreateRenderer implements fyne.Widget.
func (*copyMark) CreateRenderer() fyne.WidgetRenderer {
	return widget.NewSimpleRenderer(newIcon(theme.ContentCopyIcon(), copySize))
}
