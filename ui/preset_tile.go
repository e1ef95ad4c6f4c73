package ui

import (
	"image/color"
	"strconv"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

const (
	tileHeight = 58
	tileWidth  = 240 // at least
)

// presetTile is an API to choose, or with no preset any other one. It takes no
// focus: the keyboard stays in the search, which moves the choice.
type presetTile struct {
	widget.BaseWidget
	preset  *backend.Preset
	tapped  func()
	chosen  bool
	hovered bool
	name    string
	about   string
	emblem  emblem
}

func newPresetTile(p *backend.Preset, tapped func()) *presetTile {
	t := &presetTile{preset: p, tapped: tapped, name: lang.L("Other API"), about: lang.L("Any address, any kind of key"), emblem: emblem{"+", badgeGrey}}
	if p != nil {
		t.name, t.about, t.emblem = p.Name, p.About, presetEmblem(p)
	}
	t.ExtendBaseWidget(t)
	return t
}

// hexColor reads #RRGGBB; grey stands in for what is none.
func hexColor(s string) color.NRGBA {
	n, err := strconv.ParseUint(strings.TrimPrefix(s, "#"), 16, 24)
	if err != nil {
		return badgeGrey
	}
	return rgb(uint32(n))
}

func (t *presetTile) choose(yes bool) {
	if t.chosen != yes {
		t.chosen = yes
		t.Refresh()
	}
}

// Tapped implements fyne.Tappable.
func (t *presetTile) Tapped(*fyne.PointEvent) { t.tapped() }

// Cursor implements desktop.Cursorable.
func (*presetTile) Cursor() desktop.Cursor { return desktop.PointerCursor }

// MouseIn implements desktop.Hoverable.
func (t *presetTile) MouseIn(*desktop.MouseEvent) { t.hovered = true; t.Refresh() }

// MouseMoved implements desktop.Hoverable.
func (*presetTile) MouseMoved(*desktop.MouseEvent) {}

// MouseOut implements desktop.Hoverable.
func (t *presetTile) MouseOut() { t.hovered = false; t.Refresh() }

// CreateRenderer implements fyne.Widget.
func (t *presetTile) CreateRenderer() fyne.WidgetRenderer {
	r := &presetTileRenderer{
		tile: t, ground: canvas.NewRectangle(color.Transparent), over: canvas.NewRectangle(color.Transparent),
		badge: newBadge(), name: canvas.NewText("", nil), about: canvas.NewText("", nil),
	}
	r.ground.CornerRadius, r.over.CornerRadius = radiusLarge, radiusLarge
	r.name.TextStyle.Bold = true
	r.Refresh()
	return r
}

type presetTileRenderer struct {
	tile         *presetTile
	ground, over *canvas.Rectangle
	badge        badge
	name, about  *canvas.Text
}

func (r *presetTileRenderer) Layout(s fyne.Size) {
	r.ground.Resize(s)
	r.over.Resize(s)
	r.badge.move(fyne.NewPos(gap, (s.Height-badgeSize)/2))
	left := float32(gap + badgeSize + gap)
	place(r.name, r.tile.name, left, s.Height/2-18, s.Width-left-gap)
	place(r.about, r.tile.about, left, s.Height/2+1, s.Width-left-gap)
}

func (*presetTileRenderer) MinSize() fyne.Size { return fyne.NewSize(tileWidth, tileHeight) }

func (r *presetTileRenderer) Refresh() {
	t := r.tile
	r.ground.FillColor, r.ground.StrokeColor, r.ground.StrokeWidth = theme.Color(colorSurface), theme.Color(theme.ColorNameSeparator), 1
	r.over.FillColor = color.Transparent
	if t.chosen {
		r.ground.StrokeColor, r.ground.StrokeWidth = theme.Color(theme.ColorNamePrimary), 2
		r.over.FillColor = theme.Color(theme.ColorNameSelection)
	}
	if t.hovered {
		r.over.FillColor = theme.Color(theme.ColorNameHover)
	}
	r.badge.set(t.emblem)
	paint(r.name, theme.ColorNameForeground, theme.SizeNameText)
	paint(r.about, colorMuted, theme.SizeNameCaptionText)
	r.Layout(t.Size())
	canvas.Refresh(t)
}

func (r *presetTileRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.over, r.badge.ground, r.badge.letter, r.name, r.about}
}
func (*presetTileRenderer) Destroy() {}

// tiles puts tiles of one width into as many columns as there is space for.
type tiles struct{ columns int }

func (g *tiles) fit(width float32) int {
	return max(1, int((width+gapSmall+2)/(tileWidth+gapSmall+2)))
}

// MinSize implements fyne.Layout.
func (g *tiles) MinSize(o []fyne.CanvasObject) fyne.Size {
	columns := max(1, g.columns)
	rows := (len(o) + columns - 1) / columns
	return fyne.NewSize(tileWidth, float32(rows)*(tileHeight+gapSmall+2))
}

// Layout implements fyne.Layout.
func (g *tiles) Layout(o []fyne.CanvasObject, s fyne.Size) {
	const space = gapSmall + 2
	g.columns = g.fit(s.Width)
	width := (s.Width - float32(g.columns-1)*space) / float32(g.columns)
	for i, x := range o {
		x.Resize(fyne.NewSize(width, tileHeight))
		x.Move(fyne.NewPos(float32(i%g.columns)*(width+space), float32(i/g.columns)*(tileHeight+space)))
	}
}
