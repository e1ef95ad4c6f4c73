package ui

import (
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// picker is the page on which a new service begins: which API is it?
type picker struct {
	*face
	root   fyne.CanvasObject
	choose func(p *backend.Preset, name string) // nil: another API, which may be called so
	back   func()

	search  *entry
	nothing *line
	grid    *tiles
	box     *fyne.Container
	scroll  *container.Scroll
	all     map[string]*presetTile // by the preset's id; "" is any other API
	demo    *presetTile            // of the guide; nil elsewhere
	at      int                    // the tile that Enter opens
}

func newPicker(f *face, choose func(*backend.Preset, string), back func()) *picker {
	p := newPickerParts(f, choose, back)
	cancel := newButton(f.keys, lang.L("Cancel"), nil, back)
	head := ends(row(gap, title(lang.L("New service")), inset(titleDrop, 0, 0, 0, muted(lang.L("Which API is it?")))), wide(280, p.search), cancel)
	p.root = p.page(head, lang.L("Type to search, the arrows and Enter choose, Esc goes back."))
	return p
}

// newGuidePicker also offers a demo, where there is one, and has no page before it.
func newGuidePicker(f *face, choose func(*backend.Preset, string), demo, skip func()) *picker {
	p := newPickerParts(f, choose, skip)
	if demo != nil {
		p.demo = newPresetTile(nil, demo)
		p.demo.name, p.demo.about, p.demo.emblem = lang.L("Demo"), lang.L("Built in, needs no key"), emblem{"D", badges[0]}
	}
	p.root = p.page(atMost(fieldWidth, p.search), lang.L("Type to search, the arrows and Enter choose, Esc skips all of this."))
	p.filter()
	return p
}

// newPickerParts is a picker without the page around it.
func newPickerParts(f *face, choose func(*backend.Preset, string), back func()) *picker {
	p := &picker{face: f, choose: choose, back: back, grid: &tiles{}, all: map[string]*presetTile{}, nothing: muted("").flexible()}
	p.search = newEntry(f.keys)
	p.search.SetPlaceHolder(lang.L("Search, such as gpt or mail"))
	p.search.Icon = theme.SearchIcon()
	p.search.OnChanged = func(string) { p.filter() }
	p.search.OnSubmitted = func(string) { p.open() }
	p.search.moved = p.move
	for _, preset := range backend.FindPresets("") {
		p.all[preset.ID] = newPresetTile(preset, func() { p.choose(preset, "") })
	}
	p.all[""] = newPresetTile(nil, func() { p.choose(nil, p.wanted()) })
	p.box = container.New(p.grid)
	p.scroll = container.NewVScroll(inset(2, gap, 2, gap+2, p.box)) // the chosen tile's border is drawn on its edge
	p.filter()
	return p
}

// page puts a head above the tiles, and a word about the keys below.
func (p *picker) page(head fyne.CanvasObject, keys string) fyne.CanvasObject {
	return container.NewBorder(pageHead(head, p.nothing), inset(gap, 0, 0, 0, caption(keys)), nil, nil, p.scroll)
}

func (p *picker) typed() string { return strings.TrimSpace(p.search.Text) }

// wanted is what the API is called that nobody knows here, "" for one that may be
// known.
func (p *picker) wanted() string {
	if p.nothing.Hidden {
		return ""
	}
	return p.typed()
}

// filter shows what the search field asks for, and any other API at the end.
func (p *picker) filter() {
	found := backend.FindPresets(p.typed())
	p.box.Objects = nil
	if p.demo != nil && (p.typed() == "" || strings.HasPrefix(strings.ToLower(p.demo.name), strings.ToLower(p.typed()))) {
		p.box.Add(p.demo)
	}
	for _, preset := range found {
		p.box.Add(p.all[preset.ID])
	}
	other := p.all[""]
	meant := p.typed() != "" && strings.HasPrefix(strings.ToLower(other.name), strings.ToLower(p.typed()))
	if meant {
		p.box.Objects = append([]fyne.CanvasObject{other}, p.box.Objects...)
	} else {
		p.box.Add(other)
	}
	p.nothing.Hidden = len(p.box.Objects) > 1 || meant
	p.nothing.set(fmt.Sprintf(lang.L("No API like “%s” is known here. Any API can be added by its address:"), p.typed()), "")
	p.scroll.ScrollToTop()
	if p.root != nil {
		p.root.Refresh()
	}
	p.point(0)
}

// point chooses a tile.
func (p *picker) point(i int) {
	for k, o := range p.box.Objects {
		o.(*presetTile).choose(k == i)
	}
	p.at = i
	o := p.box.Objects[i]
	top, bottom := o.Position().Y, o.Position().Y+o.Size().Height
	switch s := p.scroll; {
	case s.Size().Height < tileHeight: // not laid out yet
	case top < s.Offset.Y:
		s.ScrollToOffset(fyne.NewPos(0, top))
	case bottom+gap > s.Offset.Y+s.Size().Height:
		s.ScrollToOffset(fyne.NewPos(0, bottom+gap-s.Size().Height))
	}
}

// move goes from tile to tile with the arrows, while the keyboard is in the search.
func (p *picker) move(k fyne.KeyName) bool {
	to, last := p.at, len(p.box.Objects)-1
	switch k {
	case fyne.KeyLeft:
		to--
	case fyne.KeyRight:
		to++
	case fyne.KeyUp:
		to -= p.grid.columns
	case fyne.KeyDown:
		if to += p.grid.columns; to > last && p.at/p.grid.columns < last/p.grid.columns {
			to = last // the last row is not full
		}
	default:
		return false
	}
	if to >= 0 && to <= last {
		p.point(to)
	}
	return true
}

// open goes on with the chosen tile.
func (p *picker) open() { p.box.Objects[p.at].(*presetTile).tapped() }

// key is what the page does with a key.
func (p *picker) key(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape && p.search.Text != "":
		p.search.SetText("")
	case k == fyne.KeyEscape:
		p.back()
	case isEnter(k):
		p.open()
	default:
		return p.move(k)
	}
	return true
}
