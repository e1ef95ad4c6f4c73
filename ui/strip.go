package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
)

// strip is a notice within the window: a mark, a title, some words and what can
// be done about it. It is hidden while it has nothing to say.
type strip struct {
	keys    *hotkeys
	root    *fyne.Container
	ground  *surface
	marker  *marker
	title   *line
	text    *prose
	buttons *fyne.Container
	shown   notice
}

// notice is what a strip says.
type notice struct {
	mark        mark
	title, text string
	actions     string // the buttons' labels, to tell notices apart
}

// action is a button of a strip.
type action struct {
	label string
	icon  fyne.Resource
	do    func()
	first bool // the one that is meant
}

func newStrip(k *hotkeys) *strip {
	return stripOf(k, func(words, buttons fyne.CanvasObject) fyne.CanvasObject {
		return container.NewBorder(nil, nil, nil, inset(0, 0, gap, 0, middle(buttons)), middle(words))
	})
}

// newNarrowStrip has its buttons below the words.
func newNarrowStrip(k *hotkeys) *strip {
	return stripOf(k, func(words, buttons fyne.CanvasObject) fyne.CanvasObject { return column(gapSmall, words, buttons) })
}

func stripOf(k *hotkeys, arrange func(words, buttons fyne.CanvasObject) fyne.CanvasObject) *strip {
	s := &strip{keys: k, marker: newMarker(markNone), title: strong("").flexible(),
		text: newProse("", theme.SizeNameText, theme.ColorNameForeground).pickable(k), buttons: row(gapSmall)}
	words := column(gapTight, s.title, s.text.root)
	left := inset(2, 0, 0, gapSmall, s.marker)
	body := container.NewBorder(nil, nil, container.NewVBox(left), nil, arrange(words, s.buttons))
	s.ground = newSurface(colorInfoSoft, "", radiusLarge, gap, body)
	s.root = container.NewStack(s.ground)
	s.root.Hide()
	return s
}

// say shows a notice with its buttons.
func (s *strip) say(m mark, title, text string, actions ...action) {
	n := notice{mark: m, title: title, text: text}
	for _, a := range actions {
		n.actions += a.label + "\x00"
	}
	// Its buttons stay while they say the same: one that is pressed at the moment, or has
	// the keyboard, is still there.
	same := n.actions == s.shown.actions && s.root.Visible()
	if same {
		for i, a := range actions {
			b := s.buttons.Objects[i].(*button)
			if b.OnTapped = a.do; b.Disabled() {
				b.Enable()
			}
		}
	}
	if n == s.shown && s.root.Visible() {
		return
	}
	s.shown = n
	s.marker.set(m)
	s.ground.fill = m.soft()
	s.title.set(title, m.color())
	s.title.Hidden = title == ""
	s.text.set(text, "")
	s.buttons.Hidden = len(actions) == 0
	if !same {
		s.buttons.RemoveAll()
		for _, a := range actions {
			b := newButton(s.keys, a.label, a.icon, a.do)
			if a.first {
				b.primary()
			}
			s.buttons.Add(b)
		}
	}
	s.ground.Refresh()
	s.root.Show()
	s.root.Refresh()
}

// asks reports whether there is a choice to be made.
func (s *strip) asks() bool { return s.root.Visible() && len(s.buttons.Objects) > 1 }

// focusFirst gives the keyboard to the first button, focusLast to the last.
func (s *strip) focusFirst(c fyne.Canvas) { s.focusOn(c, 0) }
func (s *strip) focusLast(c fyne.Canvas)  { s.focusOn(c, len(s.buttons.Objects)-1) }

func (s *strip) focusOn(c fyne.Canvas, i int) {
	if i >= 0 && i < len(s.buttons.Objects) {
		if b, ok := s.buttons.Objects[i].(*button); ok {
			c.Focus(b)
		}
	}
}

func (s *strip) clear() {
	s.shown = notice{}
	s.root.Hide()
}

// dismiss is the action that closes the strip.
func (s *strip) dismiss() action {
	return action{label: lang.L("Close"), icon: nil, do: s.clear}
}
