package ui

import (
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"
)

const (
	sheetRows = 22 // of a sheet that are in sight at most
	sheetSize = 12 // of its letters
	rowHeight = 17
)

// sheet is text, as much as there is: only the rows in sight are drawn. It can be
// selected and copied, and what was found in it is marked.
type sheet struct {
	widget.BaseWidget
	face   *face
	root   *fyne.Container   // as high as the text, up to sheetRows
	scroll *container.Scroll // of a longer one
	style  fyne.TextStyle
	text   string
	rows   []extent
	marked []extent // what was found, in order
	now    int      // which of it the person is at; -1 is none

	anchor, head int // the selection goes from the one to the other
	focused      bool
}

// extent is a part of a text, in bytes.
type extent struct{ from, to int }

func newSheet(f *face, mono bool) *sheet {
	s := &sheet{face: f, now: -1, style: fyne.TextStyle{Monospace: mono}}
	s.ExtendBaseWidget(s)
	s.scroll = container.NewVScroll(container.NewWithoutLayout())
	s.scroll.OnScrolled = func(fyne.Position) { s.Refresh() }
	s.root = container.NewStack(s)
	return s
}

// set shows a text in a width.
func (s *sheet) set(text string, width float32) {
	if text != s.text {
		s.text, s.marked, s.now, s.anchor, s.head = text, nil, -1, 0, 0
		s.scroll.ScrollToTop()
	}
	s.rows = s.wrapped(width - 1)
	in, high := fyne.CanvasObject(s), len(s.rows) > sheetRows
	if high {
		in = s.scroll
		s.scroll.Content = s
		s.scroll.SetMinSize(fyne.NewSize(0, sheetRows*rowHeight))
		s.scroll.Refresh()
	} else {
		s.scroll.Content = container.NewWithoutLayout()
		s.scroll.Offset = fyne.Position{}
	}
	if s.root.Objects[0] != in {
		s.root.Objects = []fyne.CanvasObject{in}
	}
	s.root.Refresh()
	s.Refresh()
}

// cell is the width of a letter: a single one's is rounded.
func (s *sheet) cell() float32 { return measure(strings.Repeat("m", 100), sheetSize, s.style) / 100 }

// wrapped cuts the text into rows of a width.
func (s *sheet) wrapped(width float32) []extent {
	var out []extent
	var at float32
	from, m := 0, s.cell()
	for i, r := range s.text {
		if r == '\n' {
			out = append(out, extent{from, i})
			from, at = i+1, 0
			continue
		}
		w := m
		switch {
		case r == '\t':
			w = tabWidth * m
		case r >= 0x1100: // roughly those that are twice as wide
			w = 2 * m
		case !s.style.Monospace && r < 0x80:
			w = measure(s.text[i:i+1], sheetSize, s.style)
		}
		if at+w > width && at > 0 {
			out = append(out, extent{from, i})
			from, at = i, 0
		}
		at += w
	}
	return append(out, extent{from, len(s.text)})
}

const tabWidth = 4

// drawnRow is a part of the text as it is drawn.
func (s *sheet) drawnRow(e extent) string {
	return strings.ReplaceAll(s.text[e.from:e.to], "\t", strings.Repeat(" ", tabWidth))
}

// mark shows what was found, and goes to one of it.
func (s *sheet) mark(found []extent, now int) {
	s.marked, s.now = found, now
	if now >= 0 {
		y := float32(s.rowOf(found[now].from)) * rowHeight
		if off := s.scroll.Offset.Y; s.long() && (y < off || y+rowHeight > off+s.scroll.Size().Height) {
			s.scrollBy(y - 3*rowHeight - off)
		}
	}
	s.Refresh()
}

// height is where in the part in sight the found one is that the person is at.
func (s *sheet) height() float32 {
	return float32(s.rowOf(s.marked[s.now].from))*rowHeight - s.scroll.Offset.Y
}

// long reports whether there is more than is in sight.
func (s *sheet) long() bool { return len(s.rows) > sheetRows }

// rowOf is the row in which a byte is.
func (s *sheet) rowOf(at int) int {
	i, found := slices.BinarySearchFunc(s.rows, at, func(e extent, at int) int { return e.from - at })
	if found {
		return i
	}
	return max(0, i-1)
}

// under is the byte that is nearest to a place.
func (s *sheet) under(p fyne.Position) int {
	if len(s.rows) == 0 {
		return 0
	}
	e := s.rows[min(max(0, int(p.Y/rowHeight)), len(s.rows)-1)]
	for at := e.from; at < e.to; {
		_, n := utf8.DecodeRuneInString(s.text[at:])
		if s.width(extent{e.from, at})/2+s.width(extent{e.from, at + n})/2 > p.X {
			return at
		}
		at += n
	}
	return e.to
}

func (s *sheet) width(e extent) float32 { return measure(s.drawnRow(e), sheetSize, s.style) }

// selection is what is selected, in the order of the text.
func (s *sheet) selection() extent { return extent{min(s.anchor, s.head), max(s.anchor, s.head)} }

// MouseDown implements desktop.Mouseable: a selection begins, or with Shift goes on.
func (s *sheet) MouseDown(ev *desktop.MouseEvent) {
	if ev.Button != desktop.MouseButtonPrimary {
		return
	}
	s.face.focus(s)
	s.head = s.under(ev.Position)
	if ev.Modifier&fyne.KeyModifierShift == 0 {
		s.anchor = s.head
	}
	s.Refresh()
}

// MouseUp implements desktop.Mouseable.
func (s *sheet) MouseUp(*desktop.MouseEvent) {}

// Dragged implements fyne.Draggable.
func (s *sheet) Dragged(ev *fyne.DragEvent) {
	s.head = s.under(ev.Position)
	if y := ev.Position.Y - s.scroll.Offset.Y; y < 0 || y > s.scroll.Size().Height {
		s.scrollBy(ev.Dragged.DY) // the text follows a drag beyond its edge
	}
	s.Refresh()
}

// DragEnd implements fyne.Draggable.
func (s *sheet) DragEnd() {}

// DoubleTapped selects the word.
func (s *sheet) DoubleTapped(ev *fyne.PointEvent) {
	at := s.under(ev.Position)
	inWord := func(r rune) bool { return unicode.IsLetter(r) || unicode.IsNumber(r) || r == '_' || r == '-' }
	before := strings.TrimRightFunc(s.text[:at], inWord)
	after := strings.TrimLeftFunc(s.text[at:], inWord)
	s.anchor, s.head = len(before), len(s.text)-len(after)
	s.Refresh()
}

// TappedSecondary shows a menu that copies.
func (s *sheet) TappedSecondary(ev *fyne.PointEvent) {
	part := fyne.NewMenuItem(lang.L("Copy"), s.copy)
	part.Disabled = s.anchor == s.head
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("", part,
		fyne.NewMenuItem(lang.L("Select all"), s.selectAll)), s.face.window.Canvas(), ev.AbsolutePosition)
}

func (s *sheet) copy() {
	if e := s.selection(); e.from < e.to {
		s.face.app.Clipboard().SetContent(s.text[e.from:e.to])
	}
}

func (s *sheet) selectAll() {
	s.anchor, s.head = 0, len(s.text)
	s.Refresh()
}

// TypedShortcut implements fyne.Shortcutable. What copies the call is the
// window's, unless there is a selection.
func (s *sheet) TypedShortcut(k fyne.Shortcut) {
	switch k.(type) {
	case *fyne.ShortcutCopy:
		if s.anchor != s.head {
			s.copy()
			return
		}
	case *fyne.ShortcutSelectAll:
		s.selectAll()
		return
	}
	s.face.keys.shortcuts.TypedShortcut(k)
}

// TypedKey implements fyne.Focusable: keys that move, and the window's.
func (s *sheet) TypedKey(ev *fyne.KeyEvent) {
	page := s.scroll.Size().Height - rowHeight
	switch ev.Name {
	case fyne.KeyUp:
		s.scrollBy(-rowHeight)
	case fyne.KeyDown:
		s.scrollBy(rowHeight)
	case fyne.KeyPageUp:
		s.scrollBy(-page)
	case fyne.KeyPageDown:
		s.scrollBy(page)
	case fyne.KeyHome:
		s.scrollBy(-s.scroll.Offset.Y)
	case fyne.KeyEnd:
		s.scrollBy(float32(len(s.rows)) * rowHeight)
	default:
		if s.face.keys.takes(ev.Name) {
			s.face.keys.typed(ev)
		}
	}
}

func (s *sheet) scrollBy(y float32) {
	if !s.long() {
		return
	}
	limit := max(0, float32(len(s.rows))*rowHeight-s.scroll.Size().Height)
	s.scroll.ScrollToOffset(fyne.NewPos(0, min(limit, max(0, s.scroll.Offset.Y+y))))
}

// TypedRune implements fyne.Focusable: nothing is typed into it.
func (*sheet) TypedRune(rune) {}

// FocusGained implements fyne.Focusable.
func (s *sheet) FocusGained() { s.focused = true; s.Refresh() }

// FocusLost implements fyne.Focusable.
func (s *sheet) FocusLost() { s.focused = false; s.Refresh() }

// Cursor implements desktop.Cursorable.
func (*sheet) Cursor() desktop.Cursor { return desktop.TextCursor }
