package ui

import (
	"image/color"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// The steps of the spacing that all pages keep.
const (
	gapSmall = 6
	gap      = 12
	gapLarge = 20
)

// surface is a coloured ground with something on it.
type surface struct {
	widget.BaseWidget
	content fyne.CanvasObject
	fill    fyne.ThemeColorName
	border  fyne.ThemeColorName // "" for none
	radius  float32
	inset   float32
}

func newSurface(fill, border fyne.ThemeColorName, radius, inset float32, content fyne.CanvasObject) *surface {
	s := &surface{content: content, fill: fill, border: border, radius: radius, inset: inset}
	s.ExtendBaseWidget(s)
	return s
}

// card is the ground of what belongs together on a page.
func card(content fyne.CanvasObject) *surface {
	return newSurface(colorSurface, theme.ColorNameSeparator, 8, gap+4, content)
}

// tight is a card without margins, for lists.
func tight(content fyne.CanvasObject) *surface {
	return newSurface(colorSurface, theme.ColorNameSeparator, 8, 1, content)
}

// CreateRenderer implements fyne.Widget.
func (s *surface) CreateRenderer() fyne.WidgetRenderer {
	r := &surfaceRenderer{s, canvas.NewRectangle(color.Transparent)}
	r.paint()
	return r
}

type surfaceRenderer struct {
	surface *surface
	ground  *canvas.Rectangle
}

func (r *surfaceRenderer) Layout(s fyne.Size) {
	r.ground.Resize(s)
	in := r.surface.inset
	r.surface.content.Move(fyne.NewPos(in, in))
	r.surface.content.Resize(s.SubtractWidthHeight(2*in, 2*in))
}

func (r *surfaceRenderer) MinSize() fyne.Size {
	return r.surface.content.MinSize().AddWidthHeight(2*r.surface.inset, 2*r.surface.inset)
}

func (r *surfaceRenderer) paint() {
	r.ground.FillColor = theme.Color(r.surface.fill)
	r.ground.CornerRadius = r.surface.radius
	r.ground.StrokeWidth = 0
	if r.surface.border != "" {
		r.ground.StrokeColor, r.ground.StrokeWidth = theme.Color(r.surface.border), 1
	}
}

func (r *surfaceRenderer) Refresh() {
	r.paint()
	r.ground.Refresh()
	r.surface.content.Refresh()
}

func (r *surfaceRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.surface.content}
}
func (*surfaceRenderer) Destroy() {}

// column and row put things below and beside each other.
func column(space float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedVBoxLayout(space), objects...)
}

func row(space float32, objects ...fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedHBoxLayout(space), objects...)
}

// inset leaves space around something.
func inset(top, bottom, left, right float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(layout.NewCustomPaddedLayout(top, bottom, left, right), o)
}

// ends puts one thing at the left, which takes the space there is, and others at
// the right; all stand on one middle line.
func ends(left fyne.CanvasObject, right ...fyne.CanvasObject) *fyne.Container {
	return container.NewBorder(nil, nil, nil, middle(row(gapSmall, right...)), middle(left))
}

// middle centres something in the height there is, at its full width.
func middle(o fyne.CanvasObject) *fyne.Container { return container.New(middleLayout{}, o) }

type middleLayout struct{}

func (middleLayout) MinSize(o []fyne.CanvasObject) fyne.Size { return o[0].MinSize() }
func (middleLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	h := o[0].MinSize().Height
	o[0].Resize(fyne.NewSize(s.Width, h))
	o[0].Move(fyne.NewPos(0, (s.Height-h)/2))
}

// wide gives something at least a width, and no more than that.
func wide(width float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(wideLayout(width), o)
}

type wideLayout float32

func (w wideLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(float32(w), o[0].MinSize().Height)
}

func (w wideLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Resize(fyne.NewSize(min(float32(w), s.Width), s.Height))
	o[0].Move(fyne.NewPos(0, 0))
}

// atMost lets something shrink, and grow up to a width.
func atMost(width float32, o fyne.CanvasObject) *fyne.Container {
	return container.New(atMostLayout(width), o)
}

type atMostLayout float32

func (w atMostLayout) MinSize(o []fyne.CanvasObject) fyne.Size { return o[0].MinSize() }
func (w atMostLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	o[0].Resize(fyne.NewSize(min(float32(w), s.Width), s.Height))
	o[0].Move(fyne.NewPos(0, 0))
}

// prose is text that wraps.
func prose(s string) *widget.RichText {
	t := widget.NewRichText(&widget.TextSegment{Text: s, Style: widget.RichTextStyle{
		ColorName: colorMuted, SizeName: theme.SizeNameText,
	}})
	t.Wrapping = fyne.TextWrapWord
	return t
}

// setProse changes a prose's text, colour and size; "" keeps those.
func setProse(t *widget.RichText, s string, color fyne.ThemeColorName) {
	seg := t.Segments[0].(*widget.TextSegment)
	if color == "" {
		color = seg.Style.ColorName
	}
	if seg.Text == s && seg.Style.ColorName == color {
		return
	}
	seg.Text, seg.Style.ColorName = s, color
	t.Refresh()
}

// proseBox is a prose that takes no space while it says nothing.
type proseBox struct {
	root  *fyne.Container
	prose *widget.RichText
}

func newProseBox(s string, c fyne.ThemeColorName) *proseBox {
	b := &proseBox{prose: smallProse(s)}
	setProse(b.prose, s, c)
	b.root = container.NewStack(b.prose)
	b.root.Hidden = s == ""
	return b
}

func (b *proseBox) set(s string) {
	setProse(b.prose, s, "")
	if b.root.Hidden != (s == "") {
		b.root.Hidden = s == ""
		b.root.Refresh()
	}
}
