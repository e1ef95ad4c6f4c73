package ui

import (
	"context"
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// concernsAtFirst is how many rows of what needs the person are shown until all are
// asked for.
const concernsAtFirst = 6

// overviewPage is what a glance should tell: how things are, what needs the person,
// and who calls what. What it shows is counted in jobs, and only while it is seen.
type overviewPage struct {
	*face
	root  fyne.CanvasObject
	to    paths
	shown bool // the page is

	view   backend.View
	seen   backend.Overview
	now    time.Time // of seen; zero: there is none
	asking bool      // a job counts
	owed   bool      // something changed meanwhile
	took   time.Duration
	all    bool // what needs the person is shown to its end
	sight  *sight

	proxy, vault, tunnel *tile
	concerns             *leads
	card                 *fyne.Container // around concerns
	more                 *button
	well                 *fyne.Container
	trouble              *strip
	activity             *activityPart
	empty                *emptyPart
	body                 *container.Scroll
	content              *fyne.Container
}

func newOverviewPage(f *face) *overviewPage {
	p := &overviewPage{face: f, trouble: newStrip(f.keys)}
	p.sight = newSight(func() {
		if p.owed {
			p.ask()
		}
	})
	p.proxy, p.vault, p.tunnel = newTile(f.keys, lang.L("Proxy")), newTile(f.keys, lang.L("Vault")), newTile(f.keys, lang.L("Tunnel"))
	p.concerns = newLeads(f.keys)
	p.concerns.moved = func(y float32) { revealPart(p.body, p.concerns, y, leadHeight) }
	p.more = newButton(f.keys, "", nil, p.toggleAll).quiet()
	p.card = container.NewStack(tight(column(0,
		inset(gap, gapSmall-2, gap, gap, ends(heading(lang.L("Needs your attention")), p.more)), inset(0, 3, 0, 0, p.concerns))))
	p.card.Hide()
	p.well = container.NewStack(inset(0, 0, 2, 0, row(gapSmall, middle(newMarker(markGood)), plain(lang.L("All is well: nothing needs you.")))))
	p.well.Hide()
	p.activity, p.empty = newActivityPart(p), newEmptyPart(p)
	p.content = column(gap, container.New(evenly{}, p.proxy.root, p.vault.root, p.tunnel.root), p.trouble.root, p.card, p.well, p.empty.root, p.activity.root)
	p.body = container.NewVScroll(inset(0, gap, 0, gap, p.content))
	head := container.NewBorder(nil, nil, nil, wide(1, p.sight.dot), title(lang.L("Overview")))
	p.root = container.NewBorder(pageHead(head), nil, nil, nil, p.body)
	return p
}

// draw follows a new View.
func (p *overviewPage) draw(v backend.View) {
	p.view = v
	if !p.shown {
		return
	}
	p.drawState(v)
	p.ask()
}

// tick moves the hour on.
func (p *overviewPage) tick() {
	if p.shown && time.Now().Truncate(time.Minute).After(p.now) {
		p.ask()
	}
}

// ask counts once more, in a while: when what was counted last is seen.
func (p *overviewPage) ask() {
	if !p.shown || p.asking || p.sight.unseen {
		p.owed = true
		return
	}
	p.asking, p.owed = true, false
	wait := min(surveyLate, max(surveyEvery, surveyShare*p.took)) - time.Since(p.now)
	if p.seen.Partial {
		wait = drawEvery
	}
	var o backend.Overview
	var took time.Duration
	p.loop.run("", func(ctx context.Context) (err error) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		began := time.Now()
		o, err = p.backend.Overview(ctx)
		took = time.Since(began)
		return err
	}, func(err error) {
		p.asking, p.took = false, took
		if err != nil {
			p.trouble.say(markFailed, lang.L("The calls cannot be counted"), backend.Sentence(err.Error()), action{label: lang.L("Retry"), do: p.ask})
			return
		}
		p.trouble.clear()
		p.seen, p.now = o, o.At
		p.drawParts()
		p.sight.show()
		p.owed = p.owed || o.Partial
	})
}

// drawParts shows what was counted.
func (p *overviewPage) drawParts() {
	if p.now.IsZero() {
		return
	}
	none := p.view.Exchanges == 0 && p.view.Phase != backend.Starting
	p.empty.root.Hidden, p.activity.root.Hidden = !none, none
	if none {
		p.empty.draw(p.view)
	}
	p.activity.draw(p.seen)
	p.drawConcerns()
	p.content.Refresh()
}

// drawConcerns shows what needs the person, but for what the banner says.
func (p *overviewPage) drawConcerns() {
	var rows []lead
	for _, c := range p.seen.Concerns {
		if !p.bannered(c) && (c.Kind != backend.ConcernUsage || freePlan(p.view.Tunnel)) {
			rows = append(rows, p.concernLead(c))
		}
	}
	if p.card.Hidden = len(rows) == 0; p.card.Hidden && p.concerns.focused {
		p.window.Canvas().Unfocus()
	}
	p.well.Hidden = len(p.seen.Concerns) > 0 || p.view.Phase == backend.Starting
	p.more.Hidden = len(rows) <= concernsAtFirst
	label := lang.L("Show fewer")
	if !p.all {
		label = fmt.Sprintf(lang.L("Show all %d"), len(rows))
		rows = rows[:min(len(rows), concernsAtFirst)]
	}
	if p.more.Text != label {
		p.more.SetText(label)
	}
	p.concerns.set(rows)
}

func (p *overviewPage) toggleAll() {
	p.all = !p.all
	p.drawConcerns()
	p.content.Refresh()
}

// key is what the page does with a key: the first arrow leads to its rows.
func (p *overviewPage) key(k fyne.KeyName) bool {
	if k != fyne.KeyDown && k != fyne.KeyUp {
		return false
	}
	switch {
	case p.card.Visible():
		p.focus(p.concerns)
	case p.activity.root.Visible():
		p.focus(p.activity.services)
	default:
		return false
	}
	return true
}
