package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

// auditPage is the audit log: the calls that the search chooses, newest first and
// live, when they came, and the one that is selected. Reading is done in jobs:
// rows in pages of auditPageSize, bodies when a call is selected.
type auditPage struct {
	*face
	root  fyne.CanvasObject
	shown bool // the page is the one in the window

	view     backend.View
	feed     feed
	seen     int  // exchanges on record when the feed was read; -1 is never
	missed   int  // of them, those that were not searched then
	live     bool // the list moves as calls come
	reading  bool // a job reads the newest or older calls
	owed     bool // older ones were asked for meanwhile
	turn     int  // of the words: an answer to earlier ones is dropped
	selected string
	matches  int64    // of the words; -1 is not known yet
	zooms    []string // the words before each zoom that is in force

	tally    *line
	bar      *queryBar
	chips    *chipRow
	survey   *survey
	timeline *timeline
	strip    *fyne.Container // with the timeline
	pause    *button
	more     *button
	pending  *button
	list     *list
	listBox  *fyne.Container
	empty    *fyne.Container
	none     *line
	about    *line
	curl     *line
	curlBox  *fyne.Container
	unsearch *button
	add      *button
	token    *button
	to       paths
	trouble  *strip
	export   *exporter
	verify   *verifier
	detail   *callDetail
}

func newAuditPage(f *face) *auditPage {
	p := &auditPage{face: f, live: true, seen: -1, tally: muted(""), trouble: newStrip(f.keys)}
	p.bar = newQueryBar(f, p.restart, func() { p.focus(p.list) })
	p.chips = newChipRow(f, p.bar)
	p.survey = &survey{face: f, bar: p.bar, shown: p.showSurvey}
	p.timeline = newTimeline(p.zoom)
	p.strip = container.NewStack(newSurface(colorSurface, theme.ColorNameSeparator, radiusLarge, gap, p.timeline))
	p.export, p.verify = newExporter(f, p.bar), newVerifier(f)
	p.pause = newButton(f.keys, lang.L("Pause list"), theme.MediaPauseIcon(), p.toggleLive)
	p.more = newButton(f.keys, "", theme.MoreHorizontalIcon(), p.openMenu)
	p.pending = newButton(f.keys, "", theme.MoveUpIcon(), p.catchUp).primary()
	p.pending.Hide()
	p.list = newList(f.keys, func() int { return len(p.feed.calls) },
		func() fyne.CanvasObject { return newCallRow() }, p.update)
	p.list.HideSeparators = true
	p.list.OnSelected = p.choose
	p.list.moved = p.move
	p.list.at = func() int { return p.feed.find(p.selected) }
	p.detail = newCallDetail(f, p.unselect, p.showReplayed, p.bar.word)
	columns := newCallRow()
	columns.head = true
	p.empty = p.newEmpty()
	p.listBox = container.NewBorder(nil, nil, nil, p.detail.root, tight(container.NewBorder(
		column(0, inset(gapSmall, gapSmall, 0, 0, columns), rule()), nil, nil, nil,
		container.NewStack(p.list, p.empty, container.NewVBox(inset(gapSmall, 0, 0, 0, container.NewCenter(p.pending)), layout.NewSpacer())))))
	head := ends(row(gap, title(lang.L("Audit log")), inset(titleDrop, 0, 0, 0, p.tally)), p.pause, p.more)
	p.root = container.NewBorder(pageHead(head, p.trouble.root, p.export.strip.root, p.verify.strip.root, column(gapSmall+2, p.bar.root, p.chips.root), p.strip), nil, nil, nil, p.listBox)
	return p
}

// newEmpty is what an empty list says.
func (p *auditPage) newEmpty() *fyne.Container {
	p.none = heading(lang.L("No calls yet"))
	p.none.align = fyne.TextAlignCenter
	p.about = muted("")
	p.curl = plain("").mono().flexible()
	p.curlBox = column(gapSmall, container.NewCenter(muted(lang.L("Try one in a terminal:"))),
		newSurface(theme.ColorNameInputBackground, theme.ColorNameSeparator, radiusSmall, gapSmall, ends(inset(0, 0, gapSmall, 0, pickable(p.keys, p.curl)),
			newButton(p.keys, lang.L("Copy"), theme.ContentCopyIcon(), func() { p.copyText(p.curl.text, lang.L("The line")) }).quiet())))
	p.unsearch = newButton(p.keys, lang.L("Show all calls"), nil, func() { p.bar.set("") })
	p.add = newButton(p.keys, lang.L("Add a service"), theme.ContentAddIcon(), func() { p.to.add() })
	p.token = newButton(p.keys, lang.L("New token"), theme.ContentAddIcon(), func() { p.to.newToken() })
	box := container.NewCenter(wide(480, column(gap, container.NewCenter(newIcon(theme.HistoryIcon(), emptyIcon)), p.none, container.NewCenter(p.about), p.curlBox,
		container.NewCenter(container.NewStack(p.unsearch, p.add, p.token)))))
	box.Hide()
	return box
}

// draw follows a new View.
func (p *auditPage) draw(v backend.View) {
	p.view = v
	p.showTally()
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
func (p *auditPage) showService(name string) { p.bar.replace("service", name) }

// restart reads the log anew from the top, as the words in force choose.
func (p *auditPage) restart() {
	p.turn++
	p.feed, p.seen, p.missed, p.reading, p.owed, p.matches = feed{}, -1, 0, false, false, -1
	p.showTally()
	p.chips.draw()
	p.pending.Hide()
	if p.shown { // a list that was never drawn cannot be scrolled
		p.list.ScrollToTop()
		p.list.Refresh()
		p.follow()
	}
}

// follow reads what is new, when the person looks at the top of a live list.
func (p *auditPage) follow() {
	fresh := p.view.Exchanges - p.seen
	switch {
	case !p.shown:
		return
	case p.seen < 0:
		p.survey.restart()
		p.readNewest()
		return
	case p.searchedMore():
		p.survey.ask()
		if p.list.GetScrollOffset() > 0 || p.selected != "" {
			p.offer(-1)
			return
		}
		p.seen = -1 // for what is found now is not newer
		p.readNewest()
		return
	case fresh == 0:
		p.pending.Hide()
		return
	}
	p.survey.ask()
	if len(p.feed.calls) > 0 && (!p.live || p.list.GetScrollOffset() > callHeight) {
		p.offer(fresh)
		return
	}
	p.pending.Hide()
	p.readNewest()
}

// searchedMore reports whether calls may be found now that were not searched when the
// feed was read.
func (p *auditPage) searchedMore() bool {
	return p.bar.words != "" && !p.reading && p.view.Unsearched < p.missed
}

// offer has a button speak of new calls. The log may have lost old ones as well.
func (p *auditPage) offer(fresh int) {
	text := count(fresh, "new call")
	if p.bar.words != "" || fresh < 0 {
		text = lang.L("Look for new calls") // not all that came are chosen
	}
	p.pending.SetText(text)
	p.pending.Show()
}

// catchUp goes to the top and reads what came meanwhile.
func (p *auditPage) catchUp() {
	p.list.ScrollToTop()
	p.pending.Hide()
	if p.searchedMore() {
		p.seen = -1
	}
	p.readNewest()
}

// readNewest reads what is newer than the feed, or all of it anew.
func (p *auditPage) readNewest() {
	if p.reading {
		return
	}
	asked, now := p.view.Exchanges, p.backend.View()
	q := p.bar.query()
	q.Limit = auditPageSize
	if p.seen >= 0 {
		q.After = p.feed.first()
	}
	p.read(q, func(page []backend.Exchange) {
		if q.After == 0 {
			p.feed = feed{}
		}
		p.seen, p.missed = now.Exchanges, now.Unsearched
		if len(page) > 0 || len(p.feed.calls) == 0 {
			p.feed.newer(page)
			p.list.Refresh()
			if q.After > 0 && p.matches >= 0 { // until they are counted anew
				p.matches += int64(len(page))
				p.showTally()
			}
		}
		p.showEmpty()
		if p.view.Exchanges != asked { // more came meanwhile
			p.follow()
		}
	})
}

func (p *auditPage) readOlder() {
	if p.reading || p.feed.whole {
		p.owed = p.reading
		return
	}
	q := p.bar.query()
	q.Before, q.Limit = p.feed.last(), auditPageSize
	p.read(q, func(page []backend.Exchange) {
		p.feed.older(page)
		p.list.Refresh()
	})
}

// read has a job read a page of the log. An answer that comes after the words
// were changed is dropped.
func (p *auditPage) read(q backend.Query, then func([]backend.Exchange)) {
	p.reading = true
	mine := p.turn
	var page []backend.Exchange
	p.loop.run(lang.L("Reading the audit log…"), func(context.Context) (err error) {
		page, err = p.backend.Exchanges(q)
		return err
	}, func(err error) {
		if mine != p.turn {
			return
		}
		p.reading = false
		if err != nil {
			p.trouble.say(markFailed, lang.L("The audit log cannot be read"), backend.Sentence(err.Error()), action{label: lang.L("Retry"), do: func() { p.trouble.clear(); p.restart() }})
			return
		}
		p.trouble.clear()
		then(page)
		if p.owed && !p.reading {
			p.owed = false
			p.readOlder()
		}
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

// toggleLive stops the list from moving, or lets it go on.
func (p *auditPage) toggleLive() {
	p.live = !p.live
	p.pause.Text, p.pause.Icon = lang.L("Pause list"), theme.MediaPauseIcon()
	if !p.live {
		p.pause.Text, p.pause.Icon = lang.L("Go live"), theme.MediaPlayIcon()
	}
	p.pause.Refresh()
	if p.live {
		p.catchUp()
	}
}

// openMenu shows what else can be done with the log.
func (p *auditPage) openMenu() {
	m := widget.NewPopUpMenu(fyne.NewMenu("", append(p.export.items(), fyne.NewMenuItemSeparator(), p.verify.item())...), p.window.Canvas())
	m.ShowAtRelativePosition(fyne.NewPos(p.more.Size().Width-m.MinSize().Width, p.more.Size().Height+2), p.more)
}

// zoom narrows the words to a part of the time.
func (p *auditPage) zoom(since, until time.Time) {
	was := p.bar.words
	p.bar.between(since, until)
	if p.bar.words != was {
		p.zooms = append(p.zooms, was)
	}
}

// zoomOut goes back to the words before the last zoom, if it is in force.
func (p *auditPage) zoomOut() bool {
	if len(p.bar.values("until")) == 0 {
		p.zooms = nil
	}
	if len(p.zooms) == 0 {
		return false
	}
	was := p.zooms[len(p.zooms)-1]
	p.zooms = p.zooms[:len(p.zooms)-1]
	p.bar.set(was)
	return true
}
