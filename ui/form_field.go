package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
)

const (
	labelWidth = 150
	fieldWidth = 460
)

// field is one line of a form: the label, what is filled in, and below that a
// hint, which gives way to the reason when the content is wrong.
type field struct {
	root    *fyne.Container
	hint    string
	note    *prose
	marker  *marker
	noteBox *fyne.Container
	touched bool
}

func newField(label, hint string, content fyne.CanvasObject) *field {
	left := container.New(firstLineLayout{labelWidth}, plain(label))
	return fieldOf(hint, content, func(body fyne.CanvasObject) *fyne.Container {
		return container.NewBorder(nil, nil, left, nil, atMost(fieldWidth, body))
	})
}

// newNarrowField has its label above.
func newNarrowField(label, hint string, content fyne.CanvasObject) *field {
	return fieldOf(hint, content, func(body fyne.CanvasObject) *fyne.Container {
		return column(gapTight, caption(label), body)
	})
}

func fieldOf(hint string, content fyne.CanvasObject, arrange func(fyne.CanvasObject) *fyne.Container) *field {
	f := &field{hint: hint, note: newProse(hint, theme.SizeNameCaptionText, colorMuted), marker: newMarker(markNone)}
	f.marker.Hide()
	f.noteBox = container.NewBorder(nil, nil, container.NewVBox(f.marker), nil, f.note.root)
	f.root = arrange(column(4, content, f.noteBox))
	f.say(markNone, "")
	return f
}

// firstLineLayout puts a label on the middle line of the field beside it.
type firstLineLayout struct{ width float32 }

func (l firstLineLayout) MinSize(o []fyne.CanvasObject) fyne.Size {
	return fyne.NewSize(l.width, o[0].MinSize().Height)
}

func (l firstLineLayout) Layout(o []fyne.CanvasObject, s fyne.Size) {
	h := o[0].MinSize().Height
	o[0].Resize(fyne.NewSize(l.width-gap, h))
	o[0].Move(fyne.NewPos(0, (oneLine()-h)/2))
}

// oneLine is the height of an entry.
func oneLine() float32 {
	return fyne.MeasureText("M", theme.Size(theme.SizeNameText), fyne.TextStyle{}).Height + 2*theme.Size(theme.SizeNameInnerPadding)
}

// say shows a reason or a warning, or the hint again when there is none.
func (f *field) say(m mark, text string) {
	color := m.color()
	if text == "" {
		m, text, color = markNone, f.hint, colorMuted
	}
	f.marker.Hidden = m == markNone
	f.marker.set(m)
	f.noteBox.Hidden = text == ""
	f.note.set(text, color)
	f.noteBox.Refresh()
	f.root.Refresh()
}

// group is a part of a form, with a heading.
func group(name, about string, fields ...fyne.CanvasObject) fyne.CanvasObject {
	head := column(gapTight, heading(name))
	if about != "" {
		head.Add(caption(about).flexible())
	}
	return card(column(gap, append([]fyne.CanvasObject{head}, fields...)...))
}

// revealEach has each of these scrolled into sight when the keyboard comes to it.
func revealEach(s *container.Scroll, objects ...fyne.CanvasObject) {
	for _, o := range objects {
		show := func() { revealInto(s, o) }
		switch x := o.(type) {
		case *entry:
			x.focused = show
		case *button:
			x.focused = show
		case *choice:
			x.focused = show
		case *check:
			x.focused = show
		}
	}
}

// revealInto scrolls so that a field with the focus can be seen.
func revealInto(s *container.Scroll, o fyne.CanvasObject) { revealPart(s, o, 0, o.Size().Height) }

// revealPart scrolls so that a part of something can be seen.
func revealPart(s *container.Scroll, o fyne.CanvasObject, from, height float32) {
	d := fyne.CurrentApp().Driver()
	top := d.AbsolutePositionForObject(o).Y - d.AbsolutePositionForObject(s).Y + from
	bottom := top + height
	const margin = 48 // the reason below the field belongs to it
	switch {
	case top < 0:
		s.ScrollToOffset(fyne.NewPos(0, max(0, s.Offset.Y+top-margin)))
	case bottom+margin > s.Size().Height:
		s.ScrollToOffset(fyne.NewPos(0, s.Offset.Y+bottom+margin-s.Size().Height))
	}
}
