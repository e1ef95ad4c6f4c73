package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// mark is a state as colour and shape: no state is told by its colour alone.
type mark int

const (
	markNone     mark = iota
	markGood          // a disc
	markInfo          // a ring
	markWarning       // a triangle
	markRefused       // a diamond
	markFailed        // a square
	markInactive      // a hollow square
)

// color is the mark's colour in the theme.
func (m mark) color() fyne.ThemeColorName {
	switch m {
	case markGood:
		return theme.ColorNameSuccess
	case markInfo:
		return colorInfo
	case markWarning, markRefused:
		return theme.ColorNameWarning
	case markFailed:
		return theme.ColorNameError
	}
	return colorMuted
}

// soft is the colour of a background behind the mark.
func (m mark) soft() fyne.ThemeColorName {
	switch m {
	case markGood:
		return colorSuccessSoft
	case markInfo:
		return colorInfoSoft
	case markWarning, markRefused:
		return colorWarningSoft
	case markFailed:
		return colorErrorSoft
	}
	return theme.ColorNameButton
}

// markSize is the width of a marker.
const markSize = 10

// drawing are the canvas objects of one marker: both are there, one is shown, so
// that rows can be used again for another state.
type drawing struct {
	disc *canvas.Circle
	poly *canvas.RegularPolygon
}

func newDrawing() drawing {
	d := drawing{canvas.NewCircle(color.Transparent), canvas.NewRegularPolygon(4, color.Transparent)}
	d.set(markNone)
	return d
}

func (d drawing) objects() []fyne.CanvasObject { return []fyne.CanvasObject{d.disc, d.poly} }

func (d drawing) move(p fyne.Position) {
	d.disc.Move(p)
	d.disc.Resize(fyne.NewSquareSize(markSize))
	// A polygon's corners lie on the circle: a square drawn so looks small.
	d.poly.Move(p.SubtractXY(1, 1))
	d.poly.Resize(fyne.NewSquareSize(markSize + 2))
}

func (d drawing) set(m mark) {
	c := theme.Color(m.color())
	d.disc.FillColor, d.disc.StrokeColor, d.disc.StrokeWidth = c, color.Transparent, 0
	d.poly.FillColor, d.poly.StrokeColor, d.poly.StrokeWidth = c, color.Transparent, 0
	d.disc.Hidden = m != markGood && m != markInfo
	d.poly.Hidden = !d.disc.Hidden || m == markNone
	switch m {
	case markInfo:
		d.disc.FillColor, d.disc.StrokeColor, d.disc.StrokeWidth = color.Transparent, c, 2
	case markWarning:
		d.poly.Sides, d.poly.Angle = 3, 0
	case markRefused:
		d.poly.Sides, d.poly.Angle = 4, 0
	case markFailed:
		d.poly.Sides, d.poly.Angle = 4, 45
	case markInactive:
		d.poly.Sides, d.poly.Angle = 4, 45
		d.poly.FillColor, d.poly.StrokeColor, d.poly.StrokeWidth = color.Transparent, c, 2
	case markNone:
		d.disc.Hidden = true
	}
	d.disc.Refresh()
	d.poly.Refresh()
}

// marker is a mark as a widget.
type marker struct {
	widget.BaseWidget
	mark mark
}

func newMarker(m mark) *marker {
	w := &marker{mark: m}
	w.ExtendBaseWidget(w)
	return w
}

func (w *marker) set(m mark) {
	if w.mark != m {
		w.mark = m
		w.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (w *marker) CreateRenderer() fyne.WidgetRenderer {
	r := &markerRenderer{w, newDrawing()}
	r.Refresh()
	return r
}

type markerRenderer struct {
	marker *marker
	drawn  drawing
}

func (r *markerRenderer) Layout(s fyne.Size) {
	r.drawn.move(fyne.NewPos((s.Width-markSize)/2, (s.Height-markSize)/2))
}
func (*markerRenderer) MinSize() fyne.Size             { return fyne.NewSize(markSize+4, markSize+4) }
func (r *markerRenderer) Refresh()                     { r.drawn.set(r.marker.mark) }
func (r *markerRenderer) Objects() []fyne.CanvasObject { return r.drawn.objects() }
func (*markerRenderer) Destroy()                       {}
