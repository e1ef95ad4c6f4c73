package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"
)

// hotkeys are the window's keys. Fyne gives a key to what has the focus alone,
// so the widgets below pass on what they have no use for.
type hotkeys struct {
	shortcuts fyne.ShortcutHandler
	page      func(fyne.KeyName) bool // of the page that is shown; may be nil
	refresh   func()
	letters   bool // nothing is typed in the window: a letter is the page's too
}

// ctrl has f called for Ctrl and a key (Cmd on macOS).
func (k *hotkeys) ctrl(key fyne.KeyName, f func()) {
	k.shortcuts.AddShortcut(ctrlKey(key), func(fyne.Shortcut) { f() })
}

// copies has f called for Ctrl and C where nothing is selected.
func (k *hotkeys) copies(f func()) {
	k.shortcuts.AddShortcut(&fyne.ShortcutCopy{}, func(fyne.Shortcut) { f() })
}

func ctrlKey(key fyne.KeyName) *desktop.CustomShortcut {
	return &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
}

// install gives the canvas the keys, for when nothing has the focus or what has
// it takes no shortcuts.
func (k *hotkeys) install(c fyne.Canvas, keys ...fyne.KeyName) {
	for _, key := range keys {
		c.AddShortcut(ctrlKey(key), k.shortcuts.TypedShortcut)
	}
	c.AddShortcut(&fyne.ShortcutCopy{}, k.shortcuts.TypedShortcut)
	c.SetOnTypedKey(func(e *fyne.KeyEvent) { k.typed(e) })
}

// typed reports whether the key meant something to the window.
func (k *hotkeys) typed(e *fyne.KeyEvent) bool {
	if e.Name == fyne.KeyF5 && k.refresh != nil {
		k.refresh()
		return true
	}
	return k.page != nil && k.page(e.Name)
}

// leaves says which keys are the window's while a widget has the focus.
func leaves(k fyne.KeyName) bool {
	return k == fyne.KeyEscape || k == fyne.KeyF5
}

// takes says which keys of a button or a text that is read are the window's.
func (k *hotkeys) takes(key fyne.KeyName) bool { return leaves(key) || k.letters && len(key) == 1 }

func isEnter(k fyne.KeyName) bool { return k == fyne.KeyReturn || k == fyne.KeyEnter }

// entry is a text field that lets the window's keys through.
type entry struct {
	widget.Entry
	keys    *hotkeys
	focused func() // may be nil, like those below
	left    func()
	reveal  func()                  // Ctrl+R
	moved   func(fyne.KeyName) bool // what the page does with a key in the field's place
}

func newEntry(k *hotkeys) *entry {
	e := &entry{keys: k}
	e.Wrapping = fyne.TextWrap(fyne.TextTruncateClip)
	e.ExtendBaseWidget(e)
	return e
}

// TypedKey implements fyne.Focusable.
func (e *entry) TypedKey(ev *fyne.KeyEvent) {
	if leaves(ev.Name) && e.keys.typed(ev) || e.moved != nil && e.moved(ev.Name) {
		return
	}
	e.Entry.TypedKey(ev)
}

// TypedShortcut implements fyne.Shortcutable. What is selected is what is copied.
func (e *entry) TypedShortcut(s fyne.Shortcut) {
	if _, ok := s.(*fyne.ShortcutCopy); ok && e.SelectedText() == "" {
		e.keys.shortcuts.TypedShortcut(s)
		return
	}
	if c, ok := s.(*desktop.CustomShortcut); ok && e.reveal != nil && c.ShortcutName() == ctrlKey(fyne.KeyR).ShortcutName() {
		e.reveal()
		return
	}
	e.Entry.TypedShortcut(s)
	if _, ok := s.(*fyne.ShortcutCopy); !ok {
		e.keys.shortcuts.TypedShortcut(s)
	}
}

// AcceptsTab says no: Tab goes on to the next field, from a text of many lines too.
func (e *entry) AcceptsTab() bool { return false }

// FocusGained implements fyne.Focusable.
func (e *entry) FocusGained() {
	e.Entry.FocusGained()
	if e.focused != nil {
		e.focused()
	}
}

// FocusLost implements fyne.Focusable.
func (e *entry) FocusLost() {
	e.Entry.FocusLost()
	if e.left != nil {
		e.left()
	}
}

// button can be pressed with Enter too.
type button struct {
	widget.Button
	keys    *hotkeys
	focused func()
}

func newButton(k *hotkeys, label string, icon fyne.Resource, tapped func()) *button {
	b := &button{keys: k}
	b.Text, b.Icon, b.OnTapped = label, icon, tapped
	b.ExtendBaseWidget(b)
	return b
}

// primary makes it the one button of a page that matters most.
func (b *button) primary() *button { b.Importance = widget.HighImportance; return b }

// quiet makes it one of many.
func (b *button) quiet() *button { b.Importance = widget.LowImportance; return b }

// TypedKey implements fyne.Focusable.
func (b *button) TypedKey(ev *fyne.KeyEvent) {
	switch {
	case b.keys.takes(ev.Name) && b.keys.typed(ev):
	case isEnter(ev.Name):
		b.Button.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	default:
		b.Button.TypedKey(ev)
	}
}

// FocusGained implements fyne.Focusable.
func (b *button) FocusGained() {
	b.Button.FocusGained()
	if b.focused != nil {
		b.focused()
	}
}

// choice is a select field.
type choice struct {
	widget.Select
	keys    *hotkeys
	focused func()
}

func newChoice(k *hotkeys, options []string, changed func(string)) *choice {
	c := &choice{keys: k}
	c.Options, c.OnChanged, c.PlaceHolder = options, changed, lang.L("Choose")
	c.ExtendBaseWidget(c)
	return c
}

// TypedKey implements fyne.Focusable.
func (c *choice) TypedKey(ev *fyne.KeyEvent) {
	if (leaves(ev.Name) || isEnter(ev.Name)) && c.keys.typed(ev) {
		return
	}
	c.Select.TypedKey(ev)
}

// FocusGained implements fyne.Focusable.
func (c *choice) FocusGained() {
	c.Select.FocusGained()
	if c.focused != nil {
		c.focused()
	}
}

// check is a check box.
type check struct {
	widget.Check
	keys    *hotkeys
	focused func()
}

func newCheck(k *hotkeys, label string, changed func(bool)) *check {
	c := &check{keys: k}
	c.Text, c.OnChanged = label, changed
	c.ExtendBaseWidget(c)
	return c
}

// TypedKey implements fyne.Focusable.
func (c *check) TypedKey(ev *fyne.KeyEvent) {
	if (leaves(ev.Name) || isEnter(ev.Name)) && c.keys.typed(ev) {
		return
	}
	c.Check.TypedKey(ev)
}

// FocusGained implements fyne.Focusable.
func (c *check) FocusGained() {
	c.Check.FocusGained()
	if c.focused != nil {
		c.focused()
	}
}

// list is a list that lets the window's keys through; Enter selects.
type list struct {
	widget.List
	keys  *hotkeys
	moved func(fyne.KeyName) bool // what the page does with a key in the list's place; may be nil
}

func newList(k *hotkeys, length func() int, create func() fyne.CanvasObject, update func(int, fyne.CanvasObject)) *list {
	l := &list{keys: k}
	l.Length, l.CreateItem, l.UpdateItem = length, create, update
	l.ExtendBaseWidget(l)
	return l
}

// TypedKey implements fyne.Focusable.
func (l *list) TypedKey(ev *fyne.KeyEvent) {
	switch {
	case (leaves(ev.Name) || ev.Name == fyne.KeyDelete) && l.keys.typed(ev):
	case l.moved != nil && l.moved(ev.Name):
	case isEnter(ev.Name):
		l.List.TypedKey(&fyne.KeyEvent{Name: fyne.KeySpace})
	default:
		l.List.TypedKey(ev)
	}
}
