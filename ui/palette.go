package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

const (
	paletteWidth = 620
	paletteRows  = 10 // in sight
	paletteTop   = 64
)

// commandPalette is a box over the window in which anything to do is found by typing.
// What there is to be found is gathered when it opens, and let go of when it
// closes; both that and the search are jobs.
type commandPalette struct {
	*face
	window *window
	keys   *hotkeys // while it is open

	box     *widget.PopUp // nil: it is closed
	search  *entry
	list    *list
	nothing *line
	foot    *line

	index     *paletteIndex // nil until it is gathered
	found     []int
	text      string // that found is about
	at        int    // the line that Enter does
	searching bool
	entered   bool // Enter was pressed before the answer was there
	turn      int  // of the openings: an answer to an earlier one is dropped
}

func newPalette(w *window) *commandPalette { return &commandPalette{face: w.face, window: w} }

// open opens the palette, or closes it.
func (p *commandPalette) open() {
	canvas := p.face.window.Canvas()
	switch {
	case p.box != nil:
		p.close()
		return
	case canvas.Overlays().Top() != nil: // something else asks for an answer
		return
	}
	p.turn++
	p.index, p.found, p.text, p.at, p.searching, p.entered = nil, nil, "", 0, false, false
	p.keys = &hotkeys{page: p.key}
	for _, s := range []shortcut{ctrl(fyne.KeyK), ctrlShift(fyne.KeyP)} {
		p.keys.shortcuts.AddShortcut(s.combination(), func(fyne.Shortcut) { p.close() })
	}
	p.search = newEntry(p.keys)
	p.search.SetPlaceHolder(lang.L("What would you like to do? A command, a service or a token"))
	p.search.Icon = theme.SearchIcon()
	p.search.OnChanged = func(string) { p.find() }
	p.search.OnSubmitted = func(string) { p.enter() }
	p.search.moved = p.move
	p.list = newList(p.keys, func() int { return len(p.found) },
		func() fyne.CanvasObject { return newPaletteRow() },
		func(i int, o fyne.CanvasObject) {
			if i < len(p.found) {
				o.(*paletteRow).set(p.index.answer(p.window, p.found[i]), i == p.at)
			}
		})
	p.list.HideSeparators = true
	p.list.OnSelected = func(i int) { p.list.UnselectAll(); p.at = i; p.enter() }
	p.nothing = muted("").flexible()
	p.nothing.align = fyne.TextAlignCenter
	p.nothing.Hide()
	p.foot = caption(lang.L("The arrows choose, Enter does it, Esc closes.")).flexible()
	size := canvas.Size()
	width := min(paletteWidth, size.Width-2*gapLarge)
	high := min(paletteRows*paletteRowHeight, size.Height-2*paletteTop-80)
	body := container.NewBorder(p.search, inset(gapSmall, 0, gapSmall, gapSmall, p.foot), nil, nil, inset(gapSmall, 0, 0, 0, container.NewStack(p.list, p.nothing)))
	p.box = widget.NewPopUp(inset(gapSmall, gapSmall, gapSmall, gapSmall, body), canvas)
	p.box.ShowAtPosition(fyne.NewPos((size.Width-width)/2, min(paletteTop, size.Height/8)))
	p.box.Resize(fyne.NewSize(width, high+80))
	p.focus(p.search)
	p.find()
}

// close closes the palette and lets go of what it gathered.
func (p *commandPalette) close() {
	if p.box == nil {
		return
	}
	p.box.Hide()
	p.box, p.index, p.found = nil, nil, nil
	p.turn++
}

// shut reports whether it is closed. A click beside it closes it without a word.
func (p *commandPalette) shut() bool {
	if p.box != nil && !p.box.Visible() {
		p.close()
	}
	return p.box == nil
}

// find looks for what is typed. While a search is under way the next waits.
func (p *commandPalette) find() {
	if p.searching {
		return
	}
	p.searching = true
	mine, x, text := p.turn, p.index, p.search.Text
	var commands []command
	var verbs []serviceCommand
	if x == nil {
		commands = slices.DeleteFunc(p.window.commands(), func(c command) bool { return c.quiet || c.do == nil || c.when != nil && !c.when() })
		verbs = p.window.serviceCommands()
	}
	var found []int
	p.loop.run("", func(ctx context.Context) error {
		if x == nil {
			x = newPaletteIndex(commands, verbs, p.backend.View().Services, p.backend.Tokens())
		}
		found = x.find(ctx, text)
		return nil
	}, func(error) {
		if mine != p.turn || p.shut() {
			return
		}
		p.index, p.found, p.text, p.at, p.searching = x, found, text, 0, false
		p.draw()
		switch {
		case p.search.Text != text:
			p.find()
		case p.entered:
			p.enter()
		}
	})
}

// draw shows what was found.
func (p *commandPalette) draw() {
	p.list.ScrollToTop()
	p.list.Refresh()
	p.nothing.Hidden = len(p.found) > 0
	p.nothing.set(fmt.Sprintf(lang.L("Nothing is called “%s” here."), strings.TrimSpace(p.text)), "")
	p.nothing.Refresh()
}

// enter does the chosen line. Where the answer to what is typed is not there yet,
// it waits for that.
func (p *commandPalette) enter() {
	if p.shut() {
		return
	}
	if p.text != p.search.Text || p.index == nil {
		p.entered = true
		return
	}
	p.entered = false
	if p.at >= len(p.found) {
		return
	}
	do := p.index.answer(p.window, p.found[p.at]).do
	p.close()
	do()
}

// move goes from line to line.
func (p *commandPalette) move(k fyne.KeyName) bool {
	to, ok := stepped(k, p.at, len(p.found), int(p.list.Size().Height/paletteRowHeight)-1)
	if !ok || k == fyne.KeyHome || k == fyne.KeyEnd { // those are of what is typed
		return false
	}
	p.at = to
	p.list.ScrollTo(to)
	p.list.Refresh()
	return true
}

// key is what it does with a key.
func (p *commandPalette) key(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape:
		p.close()
	case isEnter(k):
		p.enter()
	default:
		return p.move(k)
	}
	return true
}
