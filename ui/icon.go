package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// newIcon is a picture of a size.
func newIcon(r fyne.Resource, size float32) *fyne.Container {
	return container.New(layout.NewGridWrapLayout(fyne.NewSquareSize(size)), widget.NewIcon(r))
}

// peek is the eye at the end of a key's field. It takes no focus, so that the
// Tab key goes from field to field; Ctrl+R does the same.
type peek struct {
	widget.BaseWidget
	open   bool
	tapped func()
}

func newPeek(tapped func()) *peek {
	p := &peek{tapped: tapped}
	p.ExtendBaseWidget(p)
	return p
}

// Tapped implements fyne.Tappable.
func (p *peek) Tapped(*fyne.PointEvent) { p.tapped() }

// Cursor implements desktop.Cursorable: it is no text.
func (p *peek) Cursor() desktop.Cursor { return desktop.PointerCursor }

// CreateRenderer implements fyne.Widget.
func (p *peek) CreateRenderer() fyne.WidgetRenderer {
	r := &peekRenderer{p, widget.NewIcon(nil)}
	r.Refresh()
	return r
}

type peekRenderer struct {
	peek *peek
	icon *widget.Icon
}

const peekSize = 18

func (r *peekRenderer) Layout(s fyne.Size) {
	r.icon.Resize(fyne.NewSquareSize(peekSize))
	r.icon.Move(fyne.NewPos((s.Width-peekSize)/2, (s.Height-peekSize)/2))
}

// MinSize has the eye sit in the middle of a field that is one line high.
func (*peekRenderer) MinSize() fyne.Size { return fyne.NewSize(peekSize+gap, peekSize+4) }

func (r *peekRenderer) Refresh() {
	icon := theme.VisibilityOffIcon()
	if r.peek.open {
		icon = theme.VisibilityIcon()
	}
	r.icon.SetResource(theme.NewThemedResource(icon))
}
func (r *peekRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.icon} }
func (*peekRenderer) Destroy()                       {}
