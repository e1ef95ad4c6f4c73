package ui

import (
	"math"
	"sync"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// line is one line of text, cut with an ellipsis where it does not fit. Fyne's
// labels can do that too, at a hundred times the cost and with padding around.
type line struct {
	widget.BaseWidget
	text  string
	size  fyne.ThemeSizeName
	color fyne.ThemeColorName
	style fyne.TextStyle
	align fyne.TextAlign
	cut   bool // may be narrower than its text
}

func newLine(text string, size fyne.ThemeSizeName, color fyne.ThemeColorName) *line {
	l := &line{text: text, size: size, color: color}
	l.ExtendBaseWidget(l)
	return l
}

// title, strong, plain, muted and caption are the kinds of lines there are.
func title(s string) *line { return newLine(s, sizeTitle, theme.ColorNameForeground).bold() }
func heading(s string) *line {
	return newLine(s, theme.SizeNameSubHeadingText, theme.ColorNameForeground).bold()
}
func strong(s string) *line  { return newLine(s, theme.SizeNameText, theme.ColorNameForeground).bold() }
func plain(s string) *line   { return newLine(s, theme.SizeNameText, theme.ColorNameForeground) }
func muted(s string) *line   { return newLine(s, theme.SizeNameText, colorMuted) }
func caption(s string) *line { return newLine(s, theme.SizeNameCaptionText, colorMuted) }

func (l *line) bold() *line { l.style.Bold = true; return l }
func (l *line) mono() *line { l.style.Monospace = true; return l }

// flexible lets the line be narrower than its text.
func (l *line) flexible() *line { l.cut = true; return l }

// set shows another text; the colour "" keeps the one there is.
func (l *line) set(text string, color fyne.ThemeColorName) {
	if color == "" {
		color = l.color
	}
	if l.text == text && l.color == color {
		return
	}
	l.text, l.color = text, color
	l.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (l *line) CreateRenderer() fyne.WidgetRenderer {
	r := &lineRenderer{line: l, drawn: canvas.NewText("", nil)}
	r.Refresh()
	return r
}

type lineRenderer struct {
	line  *line
	drawn *canvas.Text
}

func (r *lineRenderer) Layout(s fyne.Size) {
	text := fit(r.line.text, r.drawn.TextSize, r.line.style, s.Width)
	h := r.drawn.MinSize().Height
	r.drawn.Resize(fyne.NewSize(s.Width, h))
	r.drawn.Move(fyne.NewPos(0, (s.Height-h)/2))
	if r.drawn.Text != text {
		r.drawn.Text = text
		r.drawn.Refresh()
	}
}

func (r *lineRenderer) MinSize() fyne.Size {
	s := fyne.MeasureText(r.line.text, theme.Size(r.line.size), r.line.style)
	if r.line.cut {
		s.Width = 0
	}
	return s
}

func (r *lineRenderer) Refresh() {
	r.drawn.Text = r.line.text
	r.drawn.Color = theme.Color(r.line.color)
	r.drawn.TextSize = theme.Size(r.line.size)
	r.drawn.TextStyle = r.line.style
	r.drawn.Alignment = r.line.align
	r.Layout(r.line.Size())
	r.drawn.Refresh()
}

func (r *lineRenderer) Objects() []fyne.CanvasObject { return []fyne.CanvasObject{r.drawn} }
func (*lineRenderer) Destroy()                       {}

const ellipsis = "…"

// fit cuts s to a width, with an ellipsis at the end. No width cuts nothing:
// what was not laid out yet has none.
func fit(s string, size float32, style fyne.TextStyle, width float32) string {
	if width <= 0 || measure(s, size, style) <= width {
		return s
	}
	// The sum of the characters is a little more than the text: of a line that
	// was given just the width it asked for, nothing is to be cut.
	if fyne.MeasureText(s, size, style).Width <= width {
		return s
	}
	runes := []rune(s)
	lo, hi := 0, len(runes)
	for lo < hi { // the longest beginning that fits
		mid := (lo + hi + 1) / 2
		if measure(string(runes[:mid])+ellipsis, size, style) <= width {
			lo = mid
		} else {
			hi = mid - 1
		}
	}
	return string(runes[:lo]) + ellipsis
}

// advances are the widths of the printable ASCII characters, by size and style:
// shaping each text of a list that is scrolled costs too much.
var advances sync.Map // of advanceKey to *[128]float32

type advanceKey struct {
	size  float32
	style fyne.TextStyle
}

func measure(s string, size float32, style fyne.TextStyle) float32 {
	key := advanceKey{size, style}
	known, ok := advances.Load(key)
	if !ok {
		var table [128]float32
		for c := ' '; c < 127; c++ {
			// Ten of them: a single one's width is rounded.
			table[c] = fyne.MeasureText(string([]rune{c, c, c, c, c, c, c, c, c, c}), size, style).Width / 10
		}
		known, _ = advances.LoadOrStore(key, &table)
	}
	table := known.(*[128]float32)
	var width float32
	for i := range len(s) {
		if s[i] < ' ' || s[i] >= 127 {
			return fyne.MeasureText(s, size, style).Width
		}
		width += table[s[i]]
	}
	return float32(math.Ceil(float64(width)))
}
