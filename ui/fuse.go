package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const fuseHeight = 4

// fuse is a bar that shows how much is left of a time.
type fuse struct {
	widget.BaseWidget
	left  float32 // from 1 down to 0
	color fyne.ThemeColorName
}

func newFuse() *fuse {
	f := &fuse{color: theme.ColorNamePrimary}
	f.ExtendBaseWidget(f)
	return f
}

func (f *fuse) set(left float32, color fyne.ThemeColorName) {
	f.left, f.color = max(0, min(1, left)), color
	f.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (f *fuse) CreateRenderer() fyne.WidgetRenderer {
	r := &fuseRenderer{f, canvas.NewRectangle(color.Transparent), canvas.NewRectangle(color.Transparent)}
	r.ground.CornerRadius, r.bar.CornerRadius = fuseHeight/2, fuseHeight/2
	r.Refresh()
	return r
}

type fuseRenderer struct {
	fuse        *fuse
	ground, bar *canvas.Rectangle
}

func (r *fuseRenderer) Layout(s fyne.Size) {
	r.ground.Resize(s)
	r.bar.Resize(fyne.NewSize(s.Width*r.fuse.left, s.Height))
}

func (*fuseRenderer) MinSize() fyne.Size { return fyne.NewSize(40, fuseHeight) }

func (r *fuseRenderer) Refresh() {
	r.ground.FillColor, r.bar.FillColor = theme.Color(theme.ColorNameSeparator), theme.Color(r.fuse.color)
	r.bar.Hidden = r.fuse.left <= 0
	r.Layout(r.fuse.Size())
	r.ground.Refresh()
	r.bar.Refresh()
}

func (r *fuseRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.ground, r.bar} }
func (*fuseRenderer) Destroy()                       {}
