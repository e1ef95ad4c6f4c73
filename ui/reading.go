package ui

import (
	"image/color"
	"strings"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// reading is text that can be selected and copied but not changed. Fyne's
// selectable label swallows the window's keys once it was clicked.
type reading struct {
	entry
	app fyne.App
}

// newReading makes a reading and what shows it: the entry's frame is left out.
func newReading(f *face, mono, lines bool) (*reading, fyne.CanvasObject) {
	r := &reading{app: f.app}
	r.keys = f.keys
	r.Wrapping = fyne.TextWrap(fyne.TextTruncateClip)
	if lines {
		r.MultiLine = true
		r.Wrapping = fyne.TextWrapBreak
	}
	r.TextStyle.Monospace = mono
	r.ExtendBaseWidget(r)
	return r, container.NewThemeOverride(r, frameless{})
}

// maxRows is how high a text grows; the rest is scrolled to.
const maxRows = 22

// setText shows a text, as high as it needs to be in a width. An entry that
// wraps does not grow by itself.
func (r *reading) setText(text string, width float32) {
	columns := max(1, int((width-8)/measure("m", frameless{}.Size(theme.SizeNameText), r.TextStyle)))
	rows := 0
	for l := range strings.SplitSeq(text, "\n") {
		rows += max(1, (utf8.RuneCountInString(l)+columns-1)/columns)
	}
	r.SetText(text)
	r.SetMinRowsVisible(min(rows, maxRows))
	r.CursorRow, r.CursorColumn = 0, 0
}

// TypedRune implements fyne.Focusable: nothing is typed into it.
func (r *reading) TypedRune(rune) {}

// TypedKey implements fyne.Focusable: keys that move, and the window's.
func (r *reading) TypedKey(ev *fyne.KeyEvent) {
	switch ev.Name {
	case fyne.KeyUp, fyne.KeyDown, fyne.KeyLeft, fyne.KeyRight, fyne.KeyHome, fyne.KeyEnd, fyne.KeyPageUp, fyne.KeyPageDown, fyne.KeyEscape, fyne.KeyF5:
		r.entry.TypedKey(ev)
	}
}

// AcceptsTab says no: Tab goes on to the next field.
func (r *reading) AcceptsTab() bool { return false }

// TypedShortcut implements fyne.Shortcutable: copying, and the window's keys.
func (r *reading) TypedShortcut(s fyne.Shortcut) {
	switch s.(type) {
	case *fyne.ShortcutCut, *fyne.ShortcutPaste, *fyne.ShortcutUndo, *fyne.ShortcutRedo:
		return
	}
	r.entry.TypedShortcut(s)
}

// TappedSecondary shows a menu that copies.
func (r *reading) TappedSecondary(ev *fyne.PointEvent) {
	c := fyne.CurrentApp().Driver().CanvasForObject(r)
	if c == nil {
		return
	}
	widget.ShowPopUpMenuAtPosition(fyne.NewMenu("",
		fyne.NewMenuItem("Copy", func() { r.TypedShortcut(&fyne.ShortcutCopy{Clipboard: r.app.Clipboard()}) }),
		fyne.NewMenuItem("Copy all", func() { r.app.Clipboard().SetContent(r.Text) }),
	), c, ev.AbsolutePosition)
}

// frameless takes the frame of an entry away.
type frameless struct{ flush }

// Color implements fyne.Theme.
func (f frameless) Color(n fyne.ThemeColorName, v fyne.ThemeVariant) color.Color {
	switch n {
	case theme.ColorNameInputBackground, theme.ColorNameInputBorder:
		return color.Transparent
	case theme.ColorNamePrimary: // the frame of the field with the focus
		return color.Transparent
	}
	return f.flush.Color(n, v)
}

// Size implements fyne.Theme.
func (f frameless) Size(n fyne.ThemeSizeName) float32 {
	switch n {
	case theme.SizeNameInnerPadding:
		return 2
	case theme.SizeNameInputBorder:
		return 0
	case theme.SizeNameText:
		return 12
	}
	return f.flush.Size(n)
}
