package ui

import (
	"context"
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

const (
	allServices = "All services"
	maxChoices  = 200 // of the service filter; a menu with thousands does not open
)

// auditPage is the live audit log. Reading is done in jobs: rows in pages of
// auditPageSize, bodies when a call is selected.
type auditPage struct {
	*face
	root  fyne.CanvasObject
	shown bool // the page is the one in the window

	view     backend.View
	feed     feed
	seen     int // exchanges on record when the feed was read
	service  string
	live     bool
	reading  bool // a job reads the newest or older calls
	selected string

	tally   *line
	filter  *choice
	pause   *button
	pending *button
	list    *list
	listBox *fyne.Container
	empty   *fyne.Container
	none    *line
	curl    *line
	curlBox *fyne.Container
	trouble *strip
	detail  *callDetail
}

func newAuditPage(f *face) *auditPage {
	p := &auditPage{face: f, live: true, tally: muted(""), trouble: newStrip(f.keys)}
	p.filter = newChoice(f.keys, []string{allServices}, p.chooseService)
	p.filter.Selected = allServices
	p.pause = newButton(f.keys, "Pause list", theme.MediaPauseIcon(), p.toggleLive)
	p.pending = newButton(f.keys, "", theme.MoveUpIcon(), p.catchUp).primary()
	p.pending.Hide()
	p.list = newList(f.keys, func() int { return len(p.feed.calls) },
		func() fyne.CanvasObject { return newCallRow() }, p.update)
	p.list.HideSeparators = true
	p.list.OnSelected = p.choose
	p.detail = newCallDetail(f, p.unselect)
	columns := newCallRow()
	columns.head = true
	p.none = heading("No calls yet")
	p.none.align = fyne.TextAlignCenter
	p.curl = plain("").mono().flexible()
	p.curlBox = column(gapSmall, container.NewCenter(muted("Try one in a terminal:")),
		newSurface(theme.ColorNameInputBackground, theme.ColorNameSeparator, 6, gapSmall, ends(inset(0, 0, gapSmall, 0, p.curl),
			newButton(f.keys, "Copy", theme.ContentCopyIcon(), func() { p.copyText(p.curl.text, "The line") }).quiet())))
	words := container.NewCenter(muted("Every call through Lockbox shows up here, those that it refuses too."))
	p.empty = container.NewCenter(wide(480, column(gap, container.NewCenter(newIcon(theme.HistoryIcon(), 44)), p.none, words, p.curlBox)))
	p.empty.Hide()
	p.listBox = container.NewBorder(nil, nil, nil, p.detail.root, tight(container.NewBorder(
		column(0, inset(gapSmall, gapSmall, 0, 0, columns), rule()), nil, nil, nil,
		container.NewStack(p.list, p.empty, container.NewVBox(inset(gapSmall, 0, 0, 0, container.NewCenter(p.pending)), layout.NewSpacer())))))
	head := ends(row(gap, title("Audit log"), inset(7, 0, 0, 0, p.tally)), wide(200, frame(p.filter)), p.pause)
	p.root = container.NewBorder(pageHead(head, p.trouble.root), nil, nil, nil, p.listBox)
	return p
}

// draw follows a new View.
func (p *auditPage) draw(v backend.View) {
	p.view = v
	p.setChoices()
	p.tally.set(count(v.Exchanges, "call")+" on record", "")
	p.showEmpty()
	if p.shown {
		p.follow()
	}
}

// open shows the page's newest calls when it comes into the window.
func (p *auditPage) open() {
	p.shown = true
	p.follow()
}

// showService shows one service's calls.
func (p *auditPage) showService(name string) {
	if !slices.Contains(p.filter.Options, name) {
		p.filter.Options = append(p.filter.Options, name)
	}
	p.filter.SetSelected(name)
}

func (p *auditPage) setChoices() {
	names := []string{allServices}
	for i, s := range p.view.Services {
		if i == maxChoices {
			break
		}
		names = append(names, s.Name)
	}
	if p.service != "" && !slices.Contains(names, p.service) {
		names = append(names, p.service)
	}
	if !slices.Equal(names, p.filter.Options) {
		p.filter.SetOptions(names)
	}
}

func (p *auditPage) chooseService(name string) {
	if name == allServices {
		name = ""
	}
	if name == p.service {
		return
	}
	p.service = name
	p.unselect()
	p.restart()
}

// restart reads the log anew from the top.
func (p *auditPage) restart() {
	p.feed = feed{}
	p.seen = -1
	p.reading = false
	p.list.ScrollToTop()
	p.list.Refresh()
	p.follow()
}

// follow reads what is new, when the person looks at the top of a live list.
func (p *auditPage) follow() {
	fresh := p.view.Exchanges - p.seen
	if p.seen >= 0 && fresh <= 0 {
		p.pending.Hide()
		return
	}
	first := len(p.feed.calls) == 0
	if !first && (!p.live || p.list.GetScrollOffset() > callHeight) {
		p.pending.SetText(count(fresh, "new call"))
		p.pending.Show()
		return
	}
	p.pending.Hide()
	p.readNewest()
}

// catchUp goes to the top and reads what came meanwhile.
func (p *auditPage) catchUp() {
	p.list.ScrollToTop()
	p.pending.Hide()
	p.readNewest()
}

func (p *auditPage) readNewest() {
	if p.reading {
		return
	}
	seen := p.view.Exchanges
	p.read(backend.Query{Limit: auditPageSize, Service: one(p.service)}, func(page []backend.Exchange) {
		// The page may have calls that the View did not count yet.
		p.seen = max(seen, p.seen+p.feed.newer(page))
		p.showEmpty()
		p.list.Refresh()
		if p.view.Exchanges != seen {
			p.follow()
		}
	})
}

func (p *auditPage) readOlder() {
	if p.reading || p.feed.whole {
		return
	}
	p.read(backend.Query{Before: p.feed.last(), Limit: auditPageSize, Service: one(p.service)}, func(page []backend.Exchange) {
		p.feed.older(page)
		p.list.Refresh()
	})
}

// read has a job read a page of the log. An answer that comes after the filter
// was changed is dropped.
func (p *auditPage) read(q backend.Query, then func([]backend.Exchange)) {
	p.reading = true
	var page []backend.Exchange
	p.loop.run("", func(context.Context) (err error) {
		page, err = p.backend.Exchanges(q)
		return err
	}, func(err error) {
		if !slices.Equal(q.Service, one(p.service)) {
			return
		}
		p.reading = false
		if err != nil {
			p.trouble.say(markFailed, "The audit log cannot be read", backend.Sentence(err.Error()), action{label: "Retry", do: func() { p.trouble.clear(); p.restart() }})
			return
		}
		p.trouble.clear()
		then(page)
	})
}

// update shows a call in a row, and reads on where the list's end is near.
func (p *auditPage) update(i int, o fyne.CanvasObject) {
	if i >= len(p.feed.calls) {
		return
	}
	c := p.feed.calls[i]
	o.(*callRow).set(c, c.id == p.selected)
	if i >= len(p.feed.calls)-30 {
		p.readOlder()
	}
	if i == 0 && p.live && p.pending.Visible() && p.list.GetScrollOffset() <= callHeight {
		p.readNewest()
		p.pending.Hide()
	}
}

// choose shows the whole record of a row. The list's own selection is not used:
// it stays with the row's number, while calls move down as new ones come.
func (p *auditPage) choose(i int) {
	p.list.UnselectAll()
	if i >= len(p.feed.calls) {
		return
	}
	id := p.feed.calls[i].id
	p.selected = id
	p.list.Refresh()
	var found backend.Exchange
	p.loop.run("", func(context.Context) (err error) {
		found, err = p.backend.Exchange(id)
		return err
	}, func(err error) {
		switch {
		case p.selected != id:
		case err != nil:
			p.say(markFailed, backend.Sentence(err.Error()))
		default:
			p.detail.show(found)
			p.listBox.Refresh()
		}
	})
}

// one is a filter for a single value; "" is any.
func one(value string) []string {
	if value == "" {
		return nil
	}
	return []string{value}
}

func (p *auditPage) unselect() {
	p.selected = ""
	p.detail.root.Hide()
	p.listBox.Refresh()
	p.list.Refresh()
}

// toggleLive stops the list from moving, or lets it go on.
func (p *auditPage) toggleLive() {
	p.live = !p.live
	p.pause.Text, p.pause.Icon = "Pause list", theme.MediaPauseIcon()
	if !p.live {
		p.pause.Text, p.pause.Icon = "Go live", theme.MediaPlayIcon()
	}
	p.pause.Refresh()
	if p.live {
		p.catchUp()
	}
}

func (p *auditPage) showEmpty() {
	nothing := len(p.feed.calls) == 0
	p.empty.Hidden = !nothing
	text := "No calls yet"
	if p.service != "" {
		text = fmt.Sprintf("No calls of %s yet", p.service)
	}
	p.none.set(text, "")
	curl := p.view.Curl()
	p.curl.set(curl, "")
	p.curlBox.Hidden = curl == "" || p.service != ""
}

// key is what the page does with a key.
func (p *auditPage) key(k fyne.KeyName) bool {
	if k == fyne.KeyEscape && p.selected != "" {
		p.unselect()
		return true
	}
	return false
}
