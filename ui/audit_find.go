package ui

import (
	"fmt"
	"regexp"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
)

// foundMax bounds what is looked for in a record at once.
const foundMax = 1000

// finder looks for words in the texts of a record, upper case or lower, and goes
// from one place to the next.
type finder struct {
	*face
	root  *fyne.Container
	box   *entry
	tally *line
	parts []*part
	shown func(*part) // scrolls to what a part is at

	given bool // the words are those of the search, not the person's
	spots []spot
	now   int
}

// spot is where something was found.
type spot struct {
	part int
	in   int // of those in the part
}

func newFinder(f *face, parts []*part, shown func(*part)) *finder {
	d := &finder{face: f, parts: parts, shown: shown, box: newEntry(f.keys), tally: caption("")}
	d.box.SetPlaceHolder(lang.L("Find in this call (Ctrl+G)"))
	d.box.OnChanged = func(string) { d.given = false; d.find() }
	d.box.OnSubmitted = func(string) { d.step(1) }
	up := newButton(f.keys, "", theme.MoveUpIcon(), func() { d.step(-1) }).quiet()
	down := newButton(f.keys, "", theme.MoveDownIcon(), func() { d.step(1) }).quiet()
	d.root = container.NewBorder(nil, nil, nil, middle(row(2, middle(d.tally), up, down)), inset(0, 0, 0, gapSmall, d.box))
	return d
}

// find looks for the words anew.
func (d *finder) find() {
	d.spots, d.now = nil, -1
	for i, p := range d.parts {
		var marked []extent
		if d.box.Text != "" && p.root.Visible() {
			words := regexp.MustCompile("(?i)" + regexp.QuoteMeta(d.box.Text))
			for _, at := range words.FindAllStringIndex(p.content.text, foundMax-len(d.spots)) {
				d.spots = append(d.spots, spot{i, len(marked)})
				marked = append(marked, extent{at[0], at[1]})
			}
		}
		p.sheet.mark(marked, -1)
	}
	d.say()
	if len(d.spots) > 0 {
		d.step(1)
	}
}

// step goes to the next place, or the one before.
func (d *finder) step(by int) {
	n := len(d.spots)
	if n == 0 {
		return
	}
	if d.now >= 0 {
		was := d.parts[d.spots[d.now].part].sheet
		was.mark(was.marked, -1)
	}
	d.now = ((d.now+by)%n + n) % n
	at := d.spots[d.now]
	p := d.parts[at.part]
	p.sheet.mark(p.sheet.marked, at.in)
	d.shown(p)
	d.say()
}

func (d *finder) say() {
	text := ""
	switch n := len(d.spots); {
	case d.box.Text == "":
	case n == 0:
		text = lang.L("not found")
	case n == foundMax:
		text = fmt.Sprintf(lang.L("%d of %d or more"), d.now+1, n)
	default:
		text = fmt.Sprintf(lang.L("%d of %d"), d.now+1, n)
	}
	d.tally.set(text, "")
	d.root.Refresh()
}

// suggest looks for what the record was found by, unless the person looks for
// something.
func (d *finder) suggest(words string) {
	if d.box.Text != "" && !d.given {
		d.find()
		return
	}
	d.box.SetText(words)
	if d.find(); len(d.spots) == 0 {
		d.box.SetText("")
	}
	d.given = true
}

// clear looks for nothing.
func (d *finder) clear() { d.box.SetText("") }
