package ui

import (
	"image/color"
	"strconv"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// rail shows the steps of a way, and which one a person is at.
type rail struct {
	root  *fyne.Container
	steps []*railStep
}

func newRail(names []string) *rail {
	r := &rail{root: container.NewGridWithColumns(len(names))}
	for i, name := range names {
		s := &railStep{number: i, last: i == len(names)-1, label: lang.L(name)}
		s.ExtendBaseWidget(s)
		r.steps = append(r.steps, s)
		r.root.Add(s)
	}
	return r
}

// set says which step it is; those before are done.
func (r *rail) set(at int) {
	for _, s := range r.steps {
		s.at = at
		s.Refresh()
	}
}

// railStep is a step of a rail: a number that becomes a tick, and its name.
type railStep struct {
	widget.BaseWidget
	number int
	last   bool
	label  string
	at     int // the step that a person is at
}

const (
	railHeight = 30
	railDisc   = 24
)

// CreateRenderer implements fyne.Widget.
func (s *railStep) CreateRenderer() fyne.WidgetRenderer {
	r := &railRenderer{step: s, disc: canvas.NewCircle(color.Transparent), track: canvas.NewRectangle(color.Transparent),
		tick: widget.NewIcon(nil), number: canvas.NewText(strconv.Itoa(s.number+1), nil), label: plain(s.label).flexible()}
	r.number.Alignment = fyne.TextAlignCenter
	r.number.TextStyle.Bold = true
	r.Refresh()
	return r
}

type railRenderer struct {
	step   *railStep
	disc   *canvas.Circle
	track  *canvas.Rectangle // to the next step
	tick   *widget.Icon
	number *canvas.Text
	label  *line
}

func (r *railRenderer) Layout(s fyne.Size) {
	top := (s.Height - railDisc) / 2
	r.disc.Resize(fyne.NewSquareSize(railDisc))
	r.disc.Move(fyne.NewPos(0, top))
	r.tick.Resize(fyne.NewSquareSize(railDisc - 8))
	r.tick.Move(fyne.NewPos(4, top+4))
	h := r.number.MinSize().Height
	r.number.Resize(fyne.NewSize(railDisc, h))
	r.number.Move(fyne.NewPos(0, (s.Height-h)/2))
	left := float32(railDisc + gapSmall + 2)
	wanted := measure(r.step.label, theme.Size(r.label.size), r.label.style)
	width := min(wanted, s.Width-left-gapSmall)
	r.label.Resize(fyne.NewSize(width, s.Height))
	r.label.Move(fyne.NewPos(left, 0))
	from := left + width + gap
	r.track.Move(fyne.NewPos(from, s.Height/2-1))
	r.track.Resize(fyne.NewSize(max(0, s.Width-from-gapSmall), 2))
}

func (*railRenderer) MinSize() fyne.Size { return fyne.NewSize(railDisc+gapSmall, railHeight) }

func (r *railRenderer) Refresh() {
	s := r.step
	done, now := s.number < s.at, s.number == s.at
	r.disc.FillColor, r.disc.StrokeColor, r.disc.StrokeWidth = color.Transparent, theme.Color(theme.ColorNameInputBorder), 1.5
	r.number.Color, r.number.TextSize = theme.Color(colorMuted), theme.Size(theme.SizeNameCaptionText)
	r.label.color, r.label.style.Bold = colorMuted, now
	if done || now {
		r.disc.FillColor, r.disc.StrokeWidth = theme.Color(theme.ColorNamePrimary), 0
		r.number.Color = theme.Color(theme.ColorNameForegroundOnPrimary)
		r.label.color = theme.ColorNameForeground
	}
	r.tick.SetResource(theme.NewColoredResource(theme.ConfirmIcon(), theme.ColorNameForegroundOnPrimary))
	r.tick.Hidden, r.number.Hidden = !done, done
	r.track.FillColor = theme.Color(theme.ColorNameSeparator)
	if done {
		r.track.FillColor = theme.Color(theme.ColorNamePrimary)
	}
	r.track.Hidden = s.last
	r.label.Refresh()
	r.Layout(s.Size())
	canvas.Refresh(s)
}

func (r *railRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.track, r.disc, r.number, r.tick, r.label}
}
func (*railRenderer) Destroy() {}
