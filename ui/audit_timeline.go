package ui

import (
	"cmp"
	"image"
	"image/color"
	"image/draw"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

const (
	timelineParts = 100
	callsHeight   = 36 // calls stand on the line, errors hang below it
	errorsHeight  = 12
	scaleHeight   = 16 // the line of text below
)

// timeline shows how many calls came when, and how many of them went wrong. A
// click or a drag chooses a part of it.
type timeline struct {
	widget.BaseWidget
	buckets []backend.Bucket
	chosen  func(since, until time.Time)
	high    float32               // of the calls
	scale   string                // how its ends are written; "": as finely as needed
	said    func(a, b int) string // what there is to say of some parts; nil: the usual
	at      int                   // the part under the pointer; -1 is none
	from    int                   // where a drag began; -1 is none
}

func newTimeline(chosen func(since, until time.Time)) *timeline {
	t := &timeline{chosen: chosen, high: callsHeight, at: -1, from: -1}
	t.ExtendBaseWidget(t)
	return t
}

// set shows other numbers.
func (t *timeline) set(buckets []backend.Bucket) {
	t.buckets = buckets
	if t.at >= len(buckets) {
		t.at = -1
	}
	if t.from >= len(buckets) {
		t.from = -1
	}
	t.Refresh()
}

// step is how long a part is.
func (t *timeline) step() time.Duration {
	if len(t.buckets) < 2 {
		return 0
	}
	return t.buckets[1].Start.Sub(t.buckets[0].Start)
}

func (t *timeline) part(x float32) int {
	if len(t.buckets) == 0 || t.Size().Width <= 0 {
		return -1
	}
	return min(len(t.buckets)-1, max(0, int(x/t.Size().Width*float32(len(t.buckets)))))
}

// choose zooms to some parts, unless these are as short as time is told.
func (t *timeline) choose(a, b int) {
	if a > b {
		a, b = b, a
	}
	if a < 0 || t.step() < time.Millisecond {
		return
	}
	since := t.buckets[a].Start
	t.chosen(since, t.buckets[b].Start.Add(t.step()))
}

// Tapped implements fyne.Tappable.
func (t *timeline) Tapped(ev *fyne.PointEvent) {
	i := t.part(ev.Position.X)
	t.choose(i, i)
}

// Dragged implements fyne.Draggable.
func (t *timeline) Dragged(ev *fyne.DragEvent) {
	if t.from < 0 {
		t.from = t.part(ev.Position.X - ev.Dragged.DX)
	}
	t.at = t.part(ev.Position.X)
	t.Refresh()
}

// DragEnd implements fyne.Draggable.
func (t *timeline) DragEnd() {
	from := t.from
	t.from = -1
	t.choose(from, t.at)
	t.Refresh()
}

// MouseIn implements desktop.Hoverable.
func (t *timeline) MouseIn(ev *desktop.MouseEvent) { t.MouseMoved(ev) }

// MouseMoved implements desktop.Hoverable.
func (t *timeline) MouseMoved(ev *desktop.MouseEvent) {
	if i := t.part(ev.Position.X); i != t.at {
		t.at = i
		t.Refresh()
	}
}

// MouseOut implements desktop.Hoverable.
func (t *timeline) MouseOut() {
	if t.from < 0 {
		t.at = -1
		t.Refresh()
	}
}

// Cursor implements desktop.Cursorable.
func (*timeline) Cursor() desktop.Cursor { return desktop.CrosshairCursor }

// words are the two ends of the scale, and what there is to say about the part
// under the pointer or the ones that are being chosen.
func (t *timeline) words() (left, middle, right string) {
	if len(t.buckets) == 0 {
		return "", "", ""
	}
	first, last := t.buckets[0].Start.Local(), t.buckets[len(t.buckets)-1].Start.Add(t.step()).Local()
	layout := cmp.Or(t.scale, scaleLayout(first, last))
	left, right = stamp(first, layout), stamp(last, layout)
	if t.at < 0 {
		return left, "", right
	}
	a, b := t.at, t.at
	if t.from >= 0 {
		a, b = min(a, t.from), max(b, t.from)
	}
	if t.said != nil {
		return left, t.said(a, b), right
	}
	var calls, errors int64
	for _, x := range t.buckets[a : b+1] {
		calls += x.Calls
		errors += x.Errors
	}
	part := stamp(t.buckets[a].Start.Local(), layout) + " – " + stamp(t.buckets[b].Start.Add(t.step()).Local(), layout)
	return left, part + "   " + counted(calls, "call") + ", " + counted(errors, "error"), right
}

// scaleLayout tells times apart that lie so far from each other.
func scaleLayout(first, last time.Time) string {
	switch span := last.Sub(first); {
	case span < time.Minute:
		return "15:04:05.000"
	case span < 24*time.Hour:
		if y, m, d := first.Date(); sameDay(y, m, d, last) {
			return "15:04:05"
		}
		return "2 Jan 15:04:05"
	case span < 60*24*time.Hour:
		return "2 Jan 15:04"
	}
	return "2 Jan 2006"
}

// CreateRenderer implements fyne.Widget.
func (t *timeline) CreateRenderer() fyne.WidgetRenderer {
	r := &timelineRenderer{timeline: t, ground: canvas.NewRectangle(color.Transparent)}
	r.bars = canvas.NewRaster(r.draw)
	for i := range r.texts {
		r.texts[i] = canvas.NewText("", nil)
	}
	r.texts[1].Alignment, r.texts[2].Alignment = fyne.TextAlignCenter, fyne.TextAlignTrailing
	r.Refresh()
	return r
}

// timelineRenderer draws the bars as one picture, and anew only when the numbers
// or the colours change.
type timelineRenderer struct {
	timeline           *timeline
	ground             *canvas.Rectangle // of the chosen parts
	bars               *canvas.Raster
	texts              [3]*canvas.Text
	drawn              []backend.Bucket
	calls, errors, rim color.Color
}

func (r *timelineRenderer) Layout(s fyne.Size) {
	r.bars.Resize(fyne.NewSize(s.Width, r.timeline.high+errorsHeight))
	for _, t := range r.texts {
		t.Move(fyne.NewPos(0, r.timeline.high+errorsHeight+1))
		t.Resize(fyne.NewSize(s.Width, scaleHeight))
	}
	r.mark()
}

// mark puts the ground below the parts that are spoken of.
func (r *timelineRenderer) mark() {
	t, n := r.timeline, float32(len(r.timeline.buckets))
	r.ground.Hidden = t.at < 0 || n == 0
	if r.ground.Hidden {
		return
	}
	a, b := t.at, t.at
	if t.from >= 0 {
		a, b = min(a, t.from), max(b, t.from)
	}
	w := t.Size().Width / n
	r.ground.Move(fyne.NewPos(float32(a)*w, 0))
	r.ground.Resize(fyne.NewSize(float32(b-a+1)*w, t.high+errorsHeight))
}

func (r *timelineRenderer) MinSize() fyne.Size {
	return fyne.NewSize(200, r.timeline.high+errorsHeight+scaleHeight+2)
}

func (r *timelineRenderer) Refresh() {
	t := r.timeline
	calls, errors, rim := theme.Color(theme.ColorNamePrimary), theme.Color(theme.ColorNameError), theme.Color(theme.ColorNameSeparator)
	fresh := len(r.drawn) != len(t.buckets) || len(t.buckets) > 0 && &r.drawn[0] != &t.buckets[0]
	if fresh || calls != r.calls || errors != r.errors || rim != r.rim {
		r.drawn, r.calls, r.errors, r.rim = t.buckets, calls, errors, rim
		r.bars.Refresh()
	}
	r.ground.FillColor = theme.Color(theme.ColorNameSelection)
	r.mark()
	r.ground.Refresh()
	left, middle, right := t.words()
	for i, text := range []string{left, middle, right} {
		r.texts[i].Text = text
		paint(r.texts[i], colorMuted, theme.SizeNameCaptionText)
	}
	r.texts[1].Color = theme.Color(theme.ColorNameForeground)
	for _, x := range r.texts {
		x.Refresh()
	}
}

// draw makes the picture of the bars in pixels.
func (r *timelineRenderer) draw(w, h int) image.Image {
	img := image.NewNRGBA(image.Rect(0, 0, w, h))
	line := int(float32(h) * r.timeline.high / (r.timeline.high + errorsHeight))
	draw.Draw(img, image.Rect(0, line, w, line+1), image.NewUniform(r.rim), image.Point{}, draw.Src)
	var most int64 = 1
	for _, b := range r.drawn {
		most = max(most, b.Calls)
	}
	calls, errors, n := image.NewUniform(r.calls), image.NewUniform(r.errors), len(r.drawn)
	for i, b := range r.drawn {
		x, end := i*w/n, (i+1)*w/n
		if end-x > 2 {
			end-- // a space between
		}
		if b.Calls > 0 {
			high := max(2, int(b.Calls*int64(line-1)/most))
			draw.Draw(img, image.Rect(x, line-high, end, line), calls, image.Point{}, draw.Src)
		}
		if b.Errors > 0 {
			low := min(h-line-1, max(3, int(b.Errors*int64(line-1)/most)))
			draw.Draw(img, image.Rect(x, line+1, end, line+1+low), errors, image.Point{}, draw.Src)
		}
	}
	return img
}

func (r *timelineRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.ground, r.bars, r.texts[0], r.texts[1], r.texts[2]}
}
func (*timelineRenderer) Destroy() {}
