package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/widget"
)

const (
	shortcutsWidth = 800
	shortcutWidth  = 150 // of the keys
)

// showShortcuts lists the window's keys over it, until Esc or Enter.
func showShortcuts(w *window) {
	canvas := w.face.window.Canvas()
	if canvas.Overlays().Top() != nil {
		return
	}
	keys := &hotkeys{}
	shut := newButton(keys, lang.L("Close"), nil, nil)
	head := ends(heading(lang.L("Keyboard shortcuts")), shut)
	box := widget.NewPopUp(inset(gap+4, gap+4, gap+4, gap+4, column(gap, head, shortcutTable(w.commands()))), canvas)
	shut.OnTapped = box.Hide
	keys.page = func(k fyne.KeyName) bool {
		if k == fyne.KeyEscape {
			box.Hide()
		}
		return true
	}
	keys.alone = map[fyne.KeyName]func(){fyne.KeyF1: box.Hide}
	size := canvas.Size()
	box.Resize(fyne.NewSize(min(shortcutsWidth, size.Width-2*gapLarge), box.MinSize().Height))
	box.ShowAtPosition(fyne.NewPos((size.Width-box.Size().Width)/2, max(gapLarge, (size.Height-box.Size().Height)/3)))
	canvas.Focus(shut)
}

// shortcutTable is the list in two columns: the commands' keys, and those of lists
// and forms, which belong to no command.
func shortcutTable(commands []command) fyne.CanvasObject {
	var rows []fyne.CanvasObject
	add := func(keys, name string) {
		key := strong(keys)
		rows = append(rows, container.NewBorder(nil, nil, wide(shortcutWidth, key), nil, plain(name).flexible()))
	}
	for _, c := range commands {
		if len(c.keys) == 0 {
			continue
		}
		texts := make([]string, len(c.keys))
		for i, k := range c.keys {
			texts[i] = k.String()
		}
		add(strings.Join(texts, ", "), c.name)
	}
	for _, k := range plainKeys() {
		add(k.keys, k.name)
	}
	half := (len(rows) + 1) / 2
	return container.New(layout.NewGridLayoutWithColumns(2), column(gapSmall, rows[:half]...), inset(0, 0, gap, 0, column(gapSmall, rows[half:]...)))
}

// plainKeys are what keys without Ctrl do wherever they mean something.
func plainKeys() []struct{ keys, name string } {
	return []struct{ keys, name string }{
		{lang.L("Up, Down"), lang.L("Row by row in a list")},
		{lang.L("Page Up, Page Down"), lang.L("A page of it")},
		{lang.L("Home, End"), lang.L("Its first row, its last")},
		{lang.L("Enter"), lang.L("Open the row, or press the button")},
		{lang.L("Delete"), lang.L("Delete or revoke what is selected")},
		{lang.L("Tab"), lang.L("The next field or button")},
		{lang.L("Esc"), lang.L("Close what is innermost")},
	}
}
