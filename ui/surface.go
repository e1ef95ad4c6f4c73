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
	gapTight = 2 // a label and what it labels, two lines of one thing
	gapSmall = 6
	gap      = 12
	gapLarge = 20

	pageMargin = gapLarge + 4 // at both sides of a page
	titleDrop  = 7            // puts small text beside a page's title on its line
	emptyIcon  = 44           // the size of a page's icon where it has nothing to show
)

// The corners: of what is on a page, and of what is on that or in a bar. Fyne's
// fields and buttons have the latter too.
const (
	radiusLarge = 8
	radiusSmall = 6
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
	return newSurface(colorSurface, theme.ColorNameSeparator, radiusLarge, gap+4, content)
}

// tight is a card without margins, for lists.
func tight(content fyne.CanvasObject) *surface {
	return newSurface(colorSurface, theme.ColorNameSeparator, radiusLarge, 1, content)
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

// emptyBox is what a list without rows says under its page's icon, and the button that
// leads on; of several one is shown.
func emptyBox(icon fyne.Resource, words *line, next ...fyne.CanvasObject) *fyne.Container {
	words.align = fyne.TextAlignCenter
	return container.NewVBox(layout.NewSpacer(),
		column(gap, container.NewCenter(newIcon(icon, emptyIcon)), words, container.NewCenter(container.NewStack(next...))), layout.NewSpacer())
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

// flow puts things beside each other, and below where the width ends. It is as
// high as it was last laid out.
type flow struct{ width float32 }

// MinSize implements fyne.Layout.
func (f *flow) MinSize(o []fyne.CanvasObject) fyne.Size {
	var least float32
	for _, x := range o {
		if x.Visible() {
			least = max(least, x.MinSize().Width)
		}
	}
	return fyne.NewSize(least, f.place(o, f.width, func(fyne.CanvasObject, fyne.Position) {}))
}

// Layout implements fyne.Layout.
func (f *flow) Layout(o []fyne.CanvasObject, s fyne.Size) {
	f.width = s.Width
	f.place(o, s.Width, func(x fyne.CanvasObject, at fyne.Position) {
		x.Resize(x.MinSize())
		x.Move(at)
	})
}

// place says where each thing comes, and how high that is.
func (*flow) place(o []fyne.CanvasObject, width float32, put func(fyne.CanvasObject, fyne.Position)) float32 {
	var x, y, high float32
	for _, o := range o {
		if !o.Visible() {
			continue
		}
		size := o.MinSize()
		if x > 0 && width > 0 && x+size.Width > width {
			x, y, high = 0, y+high+gapSmall, 0
		}
		put(o, fyne.NewPos(x, y))
		x, high = x+size.Width+gapSmall, max(high, size.Height)
	}
	return y + high
}

// prose is text that wraps, without the padding that Fyne puts around it. It
// takes no space while it says nothing.
type prose struct {
	root *fyne.Container
	text *widget.RichText
	seg  *widget.TextSegment
}

func newProse(s string, size fyne.ThemeSizeName, color fyne.ThemeColorName) *prose {
	p := &prose{seg: &widget.TextSegment{Text: s, Style: widget.RichTextStyle{ColorName: color, SizeName: size}}}
	p.text = widget.NewRichText(p.seg)
	p.text.Wrapping = fyne.TextWrapWord
	p.root = container.NewStack(container.NewThemeOverride(p.text, flush{}))
	p.root.Hidden = s == ""
	return p
}

// set changes the text and its colour; "" keeps the colour.
func (p *prose) set(s string, color fyne.ThemeColorName) {
	if color == "" {
		color = p.seg.Style.ColorName
	}
	if p.seg.Text == s && p.seg.Style.ColorName == color {
		return
	}
	p.seg.Text, p.seg.Style.ColorName = s, color
	p.text.Refresh()
	p.root.Hidden = s == ""
	p.root.Refresh()
}

// flush is the theme of texts without padding.
type flush struct{}

// Color implements fyne.Theme.
func (flush) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	return fyne.CurrentApp().Settings().Theme().Color(n, v)
}

// Font implements fyne.Theme.
func (flush) Font(s fyne.TextStyle) fyne.Resource { return look{}.Font(s) }

// Icon implements fyne.Theme.
func (flush) Icon(n fyne.ThemeIconName) fyne.Resource { return look{}.Icon(n) }

// Size implements fyne.Theme.
func (flush) Size(n fyne.ThemeSizeName) float32 {
	if n == theme.SizeNameInnerPadding {
		return 0
	}
	return look{}.Size(n)
}

// frame draws the border that Fyne's select fields lack.
func frame(o fyne.CanvasObject) *fyne.Container {
	return container.NewStack(o, newSurface(colorClear, theme.ColorNameInputBorder, radiusSmall, 0, container.NewWithoutLayout()))
}

// pageHead is the top of a page: its title line and what is said below it.
func pageHead(head fyne.CanvasObject, more ...fyne.CanvasObject) fyne.CanvasObject {
	return inset(0, gap, 0, 0, column(gap, append([]fyne.CanvasObject{head}, more...)...))
}

// edges puts a page between the bars of the window, with no space between.
type edges struct{}

func (edges) MinSize(o []fyne.CanvasObject) fyne.Size {
	nav, page, status := o[0].MinSize(), o[1].MinSize(), o[2].MinSize()
	return fyne.NewSize(nav.Width+page.Width, max(nav.Height, page.Height)+status.Height)
}

func (edges) Layout(o []fyne.CanvasObject, s fyne.Size) {
	nav, status := o[0].MinSize().Width, o[2].MinSize().Height
	o[0].Resize(fyne.NewSize(nav, s.Height-status))
	o[1].Resize(fyne.NewSize(s.Width-nav, s.Height-status))
	o[1].Move(fyne.NewPos(nav, 0))
	o[2].Resize(fyne.NewSize(s.Width, status))
	o[2].Move(fyne.NewPos(0, s.Height-status))
}
