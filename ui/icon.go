package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

// textSegment is a piece of a prose.
type textSegment = widget.TextSegment

// newIcon is a picture of a size.
func newIcon(r fyne.Resource, size float32) *fyne.Container {
	return container.New(layout.NewGridWrapLayout(fyne.NewSquareSize(size)), widget.NewIcon(r))
}

// peek is the eye at the end of a key's field. It takes no focus, so that the
// Tab key goes from field to field; Ctrl+R does the same.
type peek struct {
	widget.Icon
	open   bool
	tapped func()
}

func newPeek(closed fyne.Resource, tapped func()) *peek {
	p := &peek{tapped: tapped}
	p.Resource = closed
	p.ExtendBaseWidget(p)
	return p
}

// Tapped implements fyne.Tappable.
func (p *peek) Tapped(*fyne.PointEvent) { p.tapped() }

// MinSize keeps the eye as large as a field's other icons.
func (p *peek) MinSize() fyne.Size { return fyne.NewSquareSize(30) }
