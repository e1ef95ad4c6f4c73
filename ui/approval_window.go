package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

const (
	paneWidth  = 620
	paneHeight = 600
	paneText   = paneWidth - 2*gapLarge - scrollRoom
)

// questionPane is what the window of a question shows.
type questionPane struct {
	asker   *asker
	root    fyne.CanvasObject
	number  *line
	skip    *button
	fuse    *fuse
	left    *line
	call    *sheet
	facts   []*line
	table   *fyne.Container // of the facts that there are
	note    *strip
	body    *part
	nobody  *line
	hour    *prose
	hint    *line
	trouble *strip
	sure    *strip // before a rule is written
	buttons *fyne.Container
	answers []*button
	scroll  *container.Scroll
	shown   string // the question
	working bool
	idle    bool // the answers take no click
}

// questionFacts are what stands above the body.
var questionFacts = []struct {
	label string
	of    func(f *face, q *backend.Question) string
}{
	{"Service", func(_ *face, q *backend.Question) string { return visible(q.Service) }},
	{"Caller", func(_ *face, q *backend.Question) string { return callerWords(q) }},
	{"Token", func(f *face, q *backend.Question) string {
		if t, ok := f.backend.TokenByID(q.JTI); ok && q.JTI != "" {
			return visible(tokenName(t))
		}
		return ""
	}},
	{"Came from", func(_ *face, q *backend.Question) string { return cameFrom(q) }},
	{"Asked by", func(_ *face, q *backend.Question) string { return visible(fmt.Sprintf(lang.L("rule %s"), q.Rule)) }},
}

func newQuestionPane(a *asker) *questionPane {
	f := a.face
	p := &questionPane{asker: a, number: caption(""), fuse: newFuse(), left: caption("").flexible(), call: newSheet(f, true), note: newStrip(f.keys), nobody: caption(lang.L("No body.")).flexible(), hour: newProse("", theme.SizeNameCaptionText, colorMuted), hint: caption(lang.L("A allows once, H for an hour, D denies. Esc leaves it open.")).flexible(), trouble: newStrip(f.keys), sure: newStrip(f.keys)}
	p.skip = newButton(f.keys, lang.L("Next"), nil, a.next).quiet()
	head := column(gapSmall+2, ends(heading(lang.L("May this call pass?")), p.number, p.skip), p.fuse, p.left)
	p.body = newPart(f, lang.L("Body"))
	p.table = column(4)
	for _, name := range questionFacts {
		v := plain("").flexible()
		p.facts = append(p.facts, v)
		p.table.Add(container.NewBorder(nil, nil, wide(factWidth, caption(lang.L(name.label))), nil, pickable(f.keys, v)))
	}
	call := newSurface(theme.ColorNameInputBackground, theme.ColorNameSeparator, radiusSmall, gapSmall+2, p.call.root)
	p.scroll = container.NewVScroll(inset(0, gapSmall, gapLarge, scrollRoom+gapSmall, column(gap, call, p.table, p.note.root, p.body.root, p.nobody)))
	deny := p.answerBy(lang.L("Deny"), backend.Deny)
	deny.Importance = widget.DangerImportance
	always := newButton(f.keys, lang.L("Always…"), nil, p.askAlways)
	hour := p.answerBy(lang.L("Allow for an hour"), backend.AllowHour)
	once := p.answerBy(lang.L("Allow once"), backend.AllowOnce).primary()
	p.answers = []*button{once, hour, always, deny}
	p.buttons = container.NewBorder(nil, nil, deny, row(gapSmall, always, hour, once))
	foot := column(gapSmall+2, p.trouble.root, p.sure.root, p.hour.root, p.buttons, p.hint)
	p.root = newSurface(theme.ColorNameBackground, "", 0, 0, container.NewBorder(
		inset(gapLarge-4, gap, gapLarge, gapLarge, head),
		newSurface(colorNav, "", 0, 0, inset(gap, gap, gapLarge, gapLarge, foot)), nil, nil, p.scroll))
	return p
}

func (p *questionPane) answerBy(label string, with backend.Answer) *button {
	return newButton(p.asker.keys, label, nil, func() { p.asker.answer(with) })
}

// show fills in a question: the place'th of so many open ones, or 0 for one that
// was answered.
func (p *questionPane) show(q *backend.Question, place, of int) {
	p.number.set("", "")
	p.skip.Hidden = of < 2 || place == 0
	if !p.skip.Hidden {
		p.number.set(ordinal(place, of), "")
	}
	if p.shown == q.ID {
		return
	}
	p.shown = q.ID
	p.trouble.clear()
	p.back()
	p.call.set(callLine(q), paneText-2*(gapSmall+2))
	for i, fact := range questionFacts {
		v := fact.of(p.asker.face, q)
		p.facts[i].set(v, "")
		if p.table.Objects[i].Hide(); v != "" {
			p.table.Objects[i].Show()
		}
	}
	p.note.clear()
	if q.Note != "" {
		p.note.say(markInfo, "", visible(q.Note))
	}
	if q.WebSocket {
		p.note.say(markWarning, visible(q.Note), lang.L("The call opens a WebSocket: what goes through it later is not asked about."))
	}
	c := bodyContent(q.Body)
	p.body.showIn(c, paneText)
	p.nobody.Hidden = !c.empty()
	p.hour.set(hourWords(q), "")
	p.scroll.ScrollToTop()
	p.root.Refresh()
}

// tick draws how much time is left, and whether answers are taken.
func (p *questionPane) tick(q *backend.Question, now time.Time) {
	left := float32(0)
	if q.Open() && q.Waiting > 0 {
		left = float32(q.Until.Sub(now)) / float32(q.Until.Sub(q.Since))
	}
	color := theme.ColorNamePrimary
	if left < 0.25 {
		color = theme.ColorNameWarning
	}
	p.fuse.set(left, color)
	p.left.set(leftWords(q, now), "")
	p.rest(p.working || !p.asker.alive())
}

// rest has the answers take no click, or take them again.
func (p *questionPane) rest(idle bool) {
	if p.idle == idle {
		return
	}
	p.idle = idle
	for _, b := range p.answers {
		setDisabled(b, idle)
	}
	for _, o := range p.sure.buttons.Objects {
		setDisabled(o.(*button), idle)
	}
}

func (p *questionPane) work(yes bool) {
	p.working = yes
	p.rest(yes || !p.asker.alive())
}

// askAlways shows the rule before it is written.
func (p *questionPane) askAlways() {
	i := p.asker.place(p.asker.questions)
	if i < 0 || p.idle {
		return
	}
	q := &p.asker.questions[i]
	rule, err := backend.AlwaysRule(q)
	if err != nil {
		p.trouble.say(markFailed, lang.L("There is no such rule"), backend.Sentence(err.Error()), p.trouble.dismiss())
		return
	}
	p.sure.say(markWarning, fmt.Sprintf(lang.L("Write this rule before %s?"), ruleNumber(q)), fmt.Sprintf(lang.L("%s. It holds for any query and body."), visible(rule.String())),
		action{label: lang.L("Back"), do: func() { p.back() }}, action{label: lang.L("Write it"), do: func() { p.asker.answer(backend.AllowAlways) }})
	p.buttons.Hide()
	p.hour.root.Hide()
	p.hint.Hide()
	p.root.Refresh()
}

// back goes from the rule to the answers; it reports whether it was there.
func (p *questionPane) back() bool {
	if p.buttons.Visible() {
		return false
	}
	p.sure.clear()
	p.buttons.Show()
	p.hour.root.Show()
	p.hint.Show()
	p.root.Refresh()
	return true
}
