package ui

import (
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// messageTime is how long a message stays in the status line.
const messageTime = 20 * time.Second

// statusLine is the window's last line: what the proxy does and where, what goes
// on, and what was just done.
type statusLine struct {
	*face
	root    fyne.CanvasObject
	marker  *marker
	state   *line
	address *line
	copyURL *button
	pause   *button
	lock    *button
	tail    *fyne.Container // mark and message
	mark    *marker
	message *line
	said    time.Time
	text    string
	textOf  mark
	busy    string
}

func newStatusLine(f *face) *statusLine {
	s := &statusLine{face: f, marker: newMarker(markInfo), state: strong(lang.L("Starting…")), address: muted(""), mark: newMarker(markNone), message: plain("").flexible()}
	s.state.size, s.address.size, s.message.size = theme.SizeNameCaptionText, theme.SizeNameCaptionText, theme.SizeNameCaptionText
	s.copyURL = newButton(f.keys, "", theme.ContentCopyIcon(), func() { s.copyText(s.address.text, lang.L("The base URL")) }).quiet()
	s.pause = newButton(f.keys, lang.L("Pause proxy"), theme.MediaPauseIcon(), f.togglePause).quiet()
	s.lock = newButton(f.keys, lang.L("Lock"), nil, f.toggleLock).quiet()
	s.tail = container.New(trailing{}, s.mark, pickable(f.keys, s.message))
	left := row(gapSmall, middle(s.marker), middle(s.state), middle(pickable(f.keys, s.address)), s.copyURL, s.pause, s.lock)
	s.root = newSurface(colorNav, "", 0, 0, inset(1, 1, gap, gap+4, container.NewBorder(nil, nil, left, nil, inset(0, 0, gap, 0, s.tail))))
	return s
}

func (s *statusLine) draw(v backend.View) {
	m, word := phase(v)
	s.marker.set(m)
	s.state.set(word, "")
	s.address.set(v.BaseURL, "")
	label, icon := lang.L("Pause proxy"), theme.MediaPauseIcon()
	if v.Phase == backend.Paused {
		label, icon = lang.L("Resume proxy"), theme.MediaPlayIcon()
	}
	if s.pause.Text != label {
		s.pause.Text, s.pause.Icon = label, icon
		s.pause.Refresh()
	}
	if label := lockLabel(locked(v)); s.lock.Text != label {
		s.lock.SetText(label)
	}
	setDisabled(s.lock, v.Phase == backend.Starting)
	setDisabled(s.pause, v.Phase != backend.Running && v.Phase != backend.Paused)
	s.tick()
}

// say shows a message for a while.
func (s *statusLine) say(m mark, text string) {
	s.text, s.textOf, s.said = text, m, time.Now()
	s.show()
}

// working says what goes on.
func (s *statusLine) working(label string) {
	s.busy = label
	s.show()
}

// tick takes an old message away.
func (s *statusLine) tick() {
	if s.text != "" && time.Since(s.said) > messageTime {
		s.text = ""
		s.show()
	}
}

func (s *statusLine) show() {
	defer s.tail.Refresh()
	if s.busy != "" {
		s.mark.set(markInfo)
		s.message.set(s.busy, colorMuted)
		return
	}
	m := s.textOf
	if s.text == "" {
		m = markNone
	}
	s.mark.set(m)
	color := theme.ColorNameForeground
	if m == markFailed {
		color = theme.ColorNameError
	}
	s.message.set(s.text, color)
}

// trailing puts a mark and its line at the right end.
type trailing struct{}

func (trailing) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(o[0].MinSize().Width, max(o[0].MinSize().Height, o[1].MinSize().Height))
}

func (trailing) Layout(o []fyne.CanvasObject, s fyne.Size) {
	m, text := o[0].MinSize(), o[1].(*pick).content.(*line)
	h := text.MinSize().Height
	need := measure(text.text, theme.Size(text.size), text.style) + 1
	w := min(need, s.Width-m.Width-gapSmall)
	o[1].Resize(fyne.NewSize(w, h))
	o[1].Move(fyne.NewPos(s.Width-w, (s.Height-h)/2))
	o[0].Resize(m)
	o[0].Move(fyne.NewPos(s.Width-w-gapSmall-m.Width, (s.Height-m.Height)/2))
}
