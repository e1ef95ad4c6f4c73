package ui

import (
	"runtime"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
)

// shortcut is a key that is pressed with others, or one that is by itself.
type shortcut struct {
	key   fyne.KeyName
	shift bool
	alone bool // without Ctrl
}

// ctrl is Ctrl and a key, Cmd on macOS; alone is a key without.
func ctrl(key fyne.KeyName) shortcut      { return shortcut{key: key} }
func ctrlShift(key fyne.KeyName) shortcut { return shortcut{key: key, shift: true} }
func alone(key fyne.KeyName) shortcut     { return shortcut{key: key, alone: true} }

// combination is what Fyne calls it. It has its own words for those that every
// program has.
func (s shortcut) combination() fyne.Shortcut {
	switch s {
	case ctrl(fyne.KeyC):
		return &fyne.ShortcutCopy{}
	case ctrl(fyne.KeyZ):
		return &fyne.ShortcutUndo{}
	}
	c := ctrlKey(s.key)
	if s.shift {
		c.Modifier |= fyne.KeyModifierShift
	}
	return c
}

func ctrlKey(key fyne.KeyName) *desktop.CustomShortcut {
	return &desktop.CustomShortcut{KeyName: key, Modifier: fyne.KeyModifierShortcutDefault}
}

// String is how a person reads it, such as Ctrl+Shift+P.
func (s shortcut) String() string {
	if s.key == "" {
		return ""
	}
	var parts []string
	switch {
	case s.alone:
	case runtime.GOOS == "darwin":
		parts = append(parts, "Cmd")
	default:
		parts = append(parts, "Ctrl")
	}
	if s.shift {
		parts = append(parts, "Shift")
	}
	return strings.Join(append(parts, string(s.key)), "+")
}
