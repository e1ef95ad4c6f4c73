package ui

import (
	"fyne.io/fyne/v2"

	"lockbox/ui/backend"
)

// choose shows the whole record of a row. The list's own selection is not used:
// it stays with the row's number, while calls move down as new ones come.
func (p *auditPage) choose(i int) {
	p.list.UnselectAll()
	if i >= len(p.feed.calls) {
		return
	}
	p.selected = p.feed.calls[i].id
	p.list.Refresh()
	p.showSelected()
}

func (p *auditPage) showSelected() {
	p.detail.open(p.selected, func(err error) {
		if err != nil {
			p.say(markFailed, backend.Sentence(err.Error()))
			return
		}
		p.listBox.Refresh() // there is a pane now, beside which the list is narrower
	})
}

// move goes from row to row by the keys; an open record follows.
func (p *auditPage) move(k fyne.KeyName) bool {
	if len(p.feed.calls) == 0 {
		return false
	}
	page := max(1, int(p.list.Size().Height/callHeight)-1)
	now := p.feed.find(p.selected)
	to := now
	switch k {
	case fyne.KeyDown:
		to++
	case fyne.KeyUp:
		to--
	case fyne.KeyPageDown:
		to += page
	case fyne.KeyPageUp:
		to -= page
	case fyne.KeyHome:
		to = 0
	case fyne.KeyEnd:
		to = len(p.feed.calls) - 1
	case fyne.KeyReturn, fyne.KeyEnter, fyne.KeySpace:
		if now >= 0 {
			p.showSelected()
		}
		return now >= 0
	default:
		return false
	}
	if now < 0 && k != fyne.KeyEnd {
		to = max(0, int(p.list.GetScrollOffset()/callHeight)) // the first in sight
	}
	to = min(len(p.feed.calls)-1, max(0, to))
	p.selected = p.feed.calls[to].id
	p.list.ScrollTo(to)
	p.list.Refresh()
	if p.detail.root.Visible() {
		p.showSelected()
	}
	return true
}

// showReplayed selects the record of a call that was made again. Its row comes
// with the others.
func (p *auditPage) showReplayed(x backend.Exchange) {
	p.selected = x.ID
	p.list.Refresh()
	p.showSelected()
	if p.live {
		p.catchUp()
	}
}

func (p *auditPage) unselect() {
	p.selected = ""
	p.detail.hide()
	p.listBox.Refresh()
	p.list.Refresh()
}

// key is what the page does with a key.
func (p *auditPage) key(k fyne.KeyName) bool {
	if k != fyne.KeyEscape {
		return p.move(k)
	}
	switch {
	case p.detail.again.root.Visible():
		p.detail.backToRecord()
	case p.export.close() || p.verify.close():
	case p.detail.find.box.Text != "" && !p.detail.find.given && p.detail.root.Visible():
		p.detail.find.clear()
	case p.detail.root.Visible() || p.selected != "":
		p.unselect()
		p.focus(p.list)
	case p.zoomOut():
	case p.bar.box.Text != "":
		p.bar.set("")
	default:
		return false
	}
	return true
}
