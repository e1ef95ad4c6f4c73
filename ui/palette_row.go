package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	paletteRowHeight = 34
	paletteAbout     = 250 // at most, of what is said about a line
)

// paletteRow is a line of the palette, of plain texts.
type paletteRow struct {
	widget.BaseWidget
	answer answer
	chosen bool
}

func newPaletteRow() *paletteRow {
	r := &paletteRow{}
	r.ExtendBaseWidget(r)
	return r
}

func (r *paletteRow) set(a answer, chosen bool) {
	r.answer, r.chosen = a, chosen
	r.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (r *paletteRow) CreateRenderer() fyne.WidgetRenderer {
	d := &paletteRowRenderer{row: r, ground: canvas.NewRectangle(color.Transparent), bar: canvas.NewRectangle(color.Transparent), key: canvas.NewRectangle(color.Transparent)}
	for _, t := range []**canvas.Text{&d.name, &d.about, &d.keys} {
		*t = canvas.NewText("", color.Transparent)
	}
	d.ground.CornerRadius, d.bar.CornerRadius, d.key.CornerRadius = radiusSmall, 1.5, 4
	d.about.Alignment = fyne.TextAlignTrailing
	d.Refresh()
	return d
}

type paletteRowRenderer struct {
	row               *paletteRow
	ground, bar, key  *canvas.Rectangle
	name, about, keys *canvas.Text
}

func (d *paletteRowRenderer) Layout(s fyne.Size) {
	d.ground.Resize(s)
	d.bar.Move(fyne.NewPos(0, 8))
	d.bar.Resize(fyne.NewSize(3, s.Height-16))
	if s.Width <= 0 {
		return
	}
	a, end := d.row.answer, s.Width-gap
	d.key.Hidden = a.keys == ""
	if a.keys != "" {
		w := measure(a.keys, d.keys.TextSize, d.keys.TextStyle) + 1
		place(d.keys, a.keys, end-w-gapSmall, (s.Height-d.keys.TextSize*1.4)/2, w)
		d.key.Move(fyne.NewPos(end-w-2*gapSmall, 7))
		d.key.Resize(fyne.NewSize(w+2*gapSmall, s.Height-14))
		end -= w + 2*gapSmall + gap
	}
	if a.about != "" {
		w := min(paletteAbout, measure(a.about, d.about.TextSize, d.about.TextStyle)+1)
		place(d.about, a.about, end-w, (s.Height-d.about.TextSize*1.4)/2, w)
		end -= w + gap
	}
	place(d.name, a.name, gap, (s.Height-d.name.TextSize*1.4)/2, end-gap)
}

func (*paletteRowRenderer) MinSize() fyne.Size { return fyne.NewSize(200, paletteRowHeight) }

func (d *paletteRowRenderer) Refresh() {
	d.ground.FillColor, d.bar.FillColor = color.Transparent, color.Transparent
	if d.row.chosen {
		d.ground.FillColor, d.bar.FillColor = theme.Color(theme.ColorNameSelection), theme.Color(theme.ColorNamePrimary)
	}
	d.key.FillColor, d.key.StrokeColor, d.key.StrokeWidth = color.Transparent, theme.Color(theme.ColorNameInputBorder), 1
	d.keys.Hidden, d.about.Hidden = d.row.answer.keys == "", d.row.answer.about == ""
	paint(d.name, theme.ColorNameForeground, theme.SizeNameText)
	paint(d.about, colorMuted, theme.SizeNameCaptionText)
	paint(d.keys, colorMuted, theme.SizeNameCaptionText)
	d.Layout(d.row.Size())
	for _, r := range []*canvas.Rectangle{d.ground, d.bar, d.key} {
		r.Refresh()
	}
}

func (d *paletteRowRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{d.ground, d.bar, d.key, d.name, d.about, d.keys}
}
func (*paletteRowRenderer) Destroy() {}
