package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/widget"
)

// hotkeys are the window's keys. Fyne gives a key to what has the focus alone,
// so the widgets below pass on what they have no use for.
type hotkeys struct {
	shortcuts fyne.ShortcutHandler
	alone     map[fyne.KeyName]func()
	page      func(fyne.KeyName) bool // of the page that is shown; may be nil
	letters   bool                    // nothing is typed in the window: a letter is the page's too
	escape    func() bool             // closes what is before the page; may be nil
	picked    *pick                   // the text that is selected; nil: none is
}

// bind has f called for a shortcut: where what has the focus takes none, too.
func (k *hotkeys) bind(c fyne.Canvas, s shortcut, f func()) {
	if s.alone {
		if k.alone == nil {
			k.alone = map[fyne.KeyName]func(){}
		}
		k.alone[s.key] = f
		return
	}
	k.shortcuts.AddShortcut(s.combination(), func(fyne.Shortcut) { f() })
	c.AddShortcut(s.combination(), k.shortcuts.TypedShortcut)
}

// install gives the canvas the keys that come when nothing has the focus.
func (k *hotkeys) install(c fyne.Canvas) {
	c.SetOnTypedKey(func(e *fyne.KeyEvent) { k.typed(e) })
}

// typed reports whether the key meant something to the window.
func (k *hotkeys) typed(e *fyne.KeyEvent) bool {
	if f := k.alone[e.Name]; f != nil {
		f()
		return true
	}
	if e.Name == fyne.KeyEscape && (k.unpick() || k.escape != nil && k.escape()) {
		return true
	}
	return k.page != nil && k.page(e.Name)
}

// leaves says which keys are the window's while a widget has the focus: Escape and
// the function keys.
func leaves(k fyne.KeyName) bool {
	return k == fyne.KeyEscape || len(k) > 1 && k[0] == 'F' && k[1] >= '1' && k[1] <= '9'
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
	if e.reveal != nil && s.ShortcutName() == keyReveal.combination().ShortcutName() {
		e.reveal()
		return
	}
	typed := e.Text != ""
	e.Entry.TypedShortcut(s)
	switch s.(type) {
	case *fyne.ShortcutCopy:
	case *fyne.ShortcutUndo: // what was typed last goes first
		if !typed && e.Text == "" {
			e.keys.shortcuts.TypedShortcut(s)
		}
	default:
		e.keys.shortcuts.TypedShortcut(s)
	}
}

// AcceptsTab says no: Tab goes on to the next field, from a text of many lines too.
func (e *entry) AcceptsTab() bool { return false }

// FocusGained implements fyne.Focusable.
func (e *entry) FocusGained() {
	e.keys.unpick()
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
	active  bool // it has the keyboard
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
	b.active = true
	b.Button.FocusGained()
	if b.focused != nil {
		b.focused()
	}
}

// FocusLost implements fyne.Focusable.
func (b *button) FocusLost() { b.active = false; b.Button.FocusLost() }

// CreateRenderer implements fyne.Widget.
func (b *button) CreateRenderer() fyne.WidgetRenderer {
	return newRinged(b.Button.CreateRenderer(), outer, func() bool { return b.active })
}

// choice is a select field.
type choice struct {
	widget.Select
	keys    *hotkeys
	focused func()
	active  bool // it has the keyboard
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
	c.active = true
	c.Select.FocusGained()
	if c.focused != nil {
		c.focused()
	}
}

// FocusLost implements fyne.Focusable.
func (c *choice) FocusLost() { c.active = false; c.Select.FocusLost() }

// CreateRenderer implements fyne.Widget.
func (c *choice) CreateRenderer() fyne.WidgetRenderer {
	return newRinged(c.Select.CreateRenderer(), outer, func() bool { return c.active })
}

// check is a check box.
type check struct {
	widget.Check
	keys    *hotkeys
	focused func()
	active  bool // it has the keyboard
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
	c.active = true
	c.Check.FocusGained()
	if c.focused != nil {
		c.focused()
	}
}

// FocusLost implements fyne.Focusable.
func (c *check) FocusLost() { c.active = false; c.Check.FocusLost() }

// CreateRenderer implements fyne.Widget.
func (c *check) CreateRenderer() fyne.WidgetRenderer {
	return newRinged(c.Check.CreateRenderer(), inner, func() bool { return c.active })
}
