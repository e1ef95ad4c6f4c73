package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// activityPart is who calls what: the last hour minute by minute, the day in
// numbers, and the services and tokens that are used most.
type activityPart struct {
	root             *fyne.Container
	page             *overviewPage
	chart            *chart
	about            *line
	figures          [4]*figure
	services, tokens *leads
	usedNote         [2]*line // how many there are beside them
	none             [2]*line
}

// figure is a number with its name.
type figure struct {
	root  fyne.CanvasObject
	value *line
	name  *line
	mark  *marker
}

func newFigure() *figure {
	f := &figure{value: newLine("–", sizeTitle, theme.ColorNameForeground).bold(), name: caption(""), mark: newMarker(markNone)}
	f.root = column(0, f.value, row(2, f.name, middle(f.mark)))
	return f
}

func (f *figure) set(value, name string, m mark) {
	f.value.set(value, "")
	f.name.set(name, "")
	if f.mark.set(m); f.mark.Hidden != (m == markNone) {
		f.mark.Hidden = m == markNone
		f.mark.Refresh()
	}
}

func newActivityPart(p *overviewPage) *activityPart {
	a := &activityPart{page: p, about: caption("").flexible()}
	a.chart = newChart(p.keys, func(since, until time.Time) { p.to.between(since, until) })
	numbers := row(gapLarge)
	for i := range a.figures {
		a.figures[i] = newFigure()
		numbers.Add(a.figures[i].root)
	}
	head := container.NewBorder(nil, nil, nil, numbers, column(gapTight, heading(lang.L("Calls per minute")), a.about))
	a.services, a.tokens = newLeads(p.keys), newLeads(p.keys)
	a.services.moved = func(y float32) { revealPart(p.body, a.services, y, leadHeight) }
	a.tokens.moved = func(y float32) { revealPart(p.body, a.tokens, y, leadHeight) }
	used := func(i int, name, none string, l *leads) fyne.CanvasObject {
		a.usedNote[i], a.none[i] = caption(""), muted(none)
		return tight(container.NewBorder(
			inset(gap, gapSmall-2, gap, gap, ends(heading(name), a.usedNote[i])), nil, nil, nil,
			container.NewVBox(inset(0, 3, 0, 0, l), inset(0, gap, gap, gap, a.none[i]))))
	}
	a.root = column(gap, card(column(gap, head, a.chart)), container.New(evenly{},
		used(0, lang.L("Services in use"), lang.L("No service was called."), a.services),
		used(1, lang.L("Tokens in use"), lang.L("No token was used."), a.tokens)))
	a.root.Hide()
	return a
}

// draw shows what was counted.
func (a *activityPart) draw(o backend.Overview) {
	a.chart.show(o.Minutes)
	about := lang.L("none in the last hour")
	if most := a.chart.most(); most.Calls > 0 {
		about = fmt.Sprintf(lang.L("at most %s, at %s; what went wrong hangs below the line"), thousands(most.Calls), most.Start.Local().Format(hourMinute))
	}
	if o.Uncounted > 0 {
		about += fmt.Sprintf(lang.L("; %s are still to be counted"), callsWords(o.Uncounted))
	}
	a.about.set(about, "")
	ofMark := func(n int64, m mark) mark {
		if n == 0 {
			return markNone
		}
		return m
	}
	middle := "–"
	if o.Median > 0 {
		middle = took(o.Median)
	}
	a.figures[0].set(thousands(o.Calls), lang.L("calls today"), markNone)
	a.figures[1].set(thousands(o.Errors), lang.L("errors"), ofMark(o.Errors, markFailed))
	a.figures[2].set(thousands(o.Refused), lang.L("refused"), ofMark(o.Refused, markRefused))
	a.figures[3].set(middle, lang.L("median time"), markNone)
	var services, tokens []lead
	for _, u := range o.Services {
		services = append(services, a.serviceLead(u, o.At))
	}
	for _, u := range o.Tokens {
		tokens = append(tokens, a.tokenLead(u, o.At))
	}
	a.services.set(services)
	a.tokens.set(tokens)
	when := lang.L("last 24 hours")
	if d := o.At.Sub(o.Since); d < 23*time.Hour {
		when = fmt.Sprintf(lang.L("last %d hours"), max(1, int(d.Hours())))
	}
	if o.Partial {
		when = lang.L("counting…")
	}
	for i, used := range []int{o.ServicesUsed, o.TokensUsed} {
		text := when
		if used > len(o.Services) && i == 0 || used > len(o.Tokens) && i == 1 {
			text = fmt.Sprintf(lang.L("the first of %s, %s"), thousands(int64(used)), when)
		}
		a.usedNote[i].set(text, "")
		a.none[i].Hidden = used > 0 || o.Partial
	}
}

func (a *activityPart) serviceLead(u backend.Used, now time.Time) lead {
	l := usedLead(u, now)
	l.badge, l.name = a.page.emblem(u.Name), u.Name
	l.open = func() { a.page.to.service(u.Name) }
	return l
}

func (a *activityPart) tokenLead(u backend.Used, now time.Time) lead {
	l := usedLead(u, now)
	if u.Token.ID == "" {
		l.mark, l.name = markInactive, lang.L("A token that is not listed")
		l.open = func() { a.page.to.calls(backend.Term{Word: "token", Value: u.Name}.String()) }
		return l
	}
	l.name = visible(tokenName(u.Token))
	if u.Token.Service != "" {
		l.badge = a.page.emblem(u.Token.Service)
	}
	if u.Token.Label != "" {
		l.detail = visible(tokenFor(u.Token)) + ", " + l.detail
	}
	l.open = func() { a.page.to.token(u.Token.ID) }
	return l
}

// usedLead is what services and tokens have in common.
func usedLead(u backend.Used, now time.Time) lead {
	l := lead{detail: fmt.Sprintf(lang.L("last call %s"), ago(u.Last, now)), count: callsWords(u.Calls), fails: errorsWords(u.Errors)}
	if l.bad = u.Errors > 0; !l.bad && u.Refused > 0 {
		l.fails = refusedWords(u.Refused)
	}
	return l
}
