package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// tokenDetail is the selected token, with what can be done about it.
type tokenDetail struct {
	*face
	page *tokensPage
	root *fyne.Container
	info backend.TokenInfo

	badge                             *badgeIcon
	name, word                        *line
	marker                            *marker
	service, audience, made, ends     *line
	calls, last, id                   *line
	one, ofService, ofAudience, again *button
	ask, news                         *strip
}

func newTokenDetail(f *face, p *tokensPage) *tokenDetail {
	d := &tokenDetail{face: f, page: p, badge: newBadgeIcon(), name: heading("").flexible(), word: muted("").flexible(), marker: newMarker(markNone), ask: newNarrowStrip(f.keys), news: newNarrowStrip(f.keys)}
	for _, l := range []**line{&d.service, &d.audience, &d.made, &d.ends, &d.calls, &d.last} {
		*l = plain("").flexible()
	}
	d.id = caption("").mono().flexible()
	d.one = newButton(f.keys, lang.L("Revoke"), theme.CancelIcon(), d.askOne)
	d.again = newButton(f.keys, lang.L("New token like this"), theme.ContentCopyIcon(), func() {
		p.make(d.info.Service, strings.Join(d.info.Audience[:min(1, len(d.info.Audience))], ""))
	}).quiet()
	d.ofService = newButton(f.keys, lang.L("Revoke all of this service…"), nil, func() { d.askAll(d.info.Service, "") }).quiet()
	d.ofAudience = newButton(f.keys, lang.L("Revoke all of this audience…"), nil, func() { d.askAll("", d.info.Audience[0]) }).quiet()

	words := column(1, d.name, container.NewBorder(nil, nil, d.marker, nil, inset(0, 0, gapSmall, 0, d.word)))
	head := container.NewBorder(nil, nil, inset(0, 0, 0, gap, middle(d.badge)), nil, words)
	value := func(label string, l *line) fyne.CanvasObject {
		return column(gapTight, caption(label), pickable(f.keys, l))
	}
	two := func(a, b fyne.CanvasObject) fyne.CanvasObject { return container.NewGridWithColumns(2, a, b) }
	facts := column(gap,
		value(lang.L("Opens service"), d.service), value(lang.L("For audience"), d.audience),
		two(value(lang.L("Made"), d.made), value(lang.L("Expires"), d.ends)),
		two(value(lang.L("Calls"), d.calls), value(lang.L("Last used"), d.last)),
		value(lang.L("Token ID"), d.id))
	body := column(gap+2, head, d.news.root, facts, rule(), d.ask.root, row(gapSmall, d.one, d.again), column(0, container.NewHBox(d.ofService), container.NewHBox(d.ofAudience)))
	scroll := container.NewVScroll(inset(gap+4, gap+4, gap+4, gap+4, body))
	revealEach(scroll, d.one, d.again, d.ofService, d.ofAudience)
	d.root = inset(0, 0, gap, 0, wide(detailWidth, tight(scroll)))
	d.root.Hide()
	return d
}

func (d *tokenDetail) show(t backend.TokenInfo, now time.Time) {
	d.info = t
	m, word, detail := tokenState(t, now)
	d.badge.set(d.emblem(t.Service))
	d.name.set(tokenName(t), "")
	d.marker.set(m)
	d.word.set(word+" · "+detail, colorMuted)
	d.service.set(or(t.Service, lang.L("none: it reloads the config")), "")
	d.audience.set(or(strings.Join(t.Audience, ", "), "–"), "")
	made := stamp(t.Made.Local(), "2 Jan 2006 15:04")
	if t.Kind != backend.TokenMade {
		made = lang.L("elsewhere")
	}
	d.made.set(made, "")
	d.ends.set(stamp(t.Expires.Local(), "2 Jan 2006 15:04"), "")
	d.calls.set(fmt.Sprint(t.Calls), "")
	last := lang.L("never")
	if !t.LastUsed.IsZero() {
		last = stamp(t.LastUsed.Local(), "2 Jan 2006 15:04")
	}
	d.last.set(last, "")
	id := t.ID
	if t.Kind == backend.TokenOriginal {
		id = lang.L("none: tokens of the original")
	}
	d.id.set(id, "")
	d.one.Hidden = !t.Live(now)
	d.sayNews(t, now)
	d.ofService.Hidden, d.ofAudience.Hidden = t.Service == "", len(t.Audience) == 0
	d.again.Hidden = t.Service == ""
	d.root.Refresh()
}

// sayNews says what was new about the token's use, and asks whose it was.
func (d *tokenDetail) sayNews(t backend.TokenInfo, now time.Time) {
	if len(t.Sights) == 0 || !t.Live(now) {
		d.news.clear()
		return
	}
	title, m := lang.L("New use. Was it you?"), markWarning
	if !t.Paused.IsZero() {
		title, m = lang.L("Paused. Was it you?"), markRefused
	}
	var lines []string
	for _, s := range slices.Backward(t.Sights) {
		lines = append(lines, stamp(s.At.Local(), "2 Jan 15:04")+": "+visible(s.Words()))
	}
	d.news.say(m, title, strings.Join(lines, "\n"),
		action{label: lang.L("It was me"), do: func() { d.page.accept(d.info.ID) }, first: true},
		action{label: lang.L("Revoke…"), do: d.askOne})
}

// focusFirst gives the keyboard to the first thing that can be done.
func (d *tokenDetail) focusFirst() {
	for _, b := range []*button{d.one, d.again, d.ofService} {
		if b.Visible() {
			d.focus(b)
			return
		}
	}
}

func or(s, otherwise string) string {
	if s == "" {
		return otherwise
	}
	return s
}

func (d *tokenDetail) working(on bool) {
	for _, b := range []*button{d.one, d.ofService, d.ofAudience} {
		setDisabled(b, on)
	}
}

// askOne asks before the selected token is revoked.
func (d *tokenDetail) askOne() {
	id := d.info.ID
	text := lang.L("Calls with it are refused from now on. That cannot be undone.")
	if d.info.Kind == backend.TokenOriginal {
		text = fmt.Sprintf(lang.L("It stands for all tokens of the original for this service and audience. %s"), text)
	}
	d.confirm(lang.L("Revoke this token?"), text, lang.L("Revoke it"), func() {
		d.page.revoke(lang.L("Revoking…"), func(ctx context.Context) (int, error) { return 1, d.backend.RevokeToken(ctx, id) })
	})
}

// askAll asks before every token of a service or an audience is revoked.
func (d *tokenDetail) askAll(service, audience string) {
	n := len(d.backend.LiveTokens(service, audience))
	what := fmt.Sprintf(lang.L("service %s"), service)
	if audience != "" {
		what = fmt.Sprintf(lang.L("audience %s"), audience)
	}
	d.confirm(fmt.Sprintf(lang.L("Revoke all of %s?"), what), fmt.Sprintf(lang.L("%s stop working, and any that is not on this list. That cannot be undone."), count(n, "token")), lang.L("Revoke all"), func() {
		d.page.revoke(lang.L("Revoking…"), func(ctx context.Context) (int, error) { return d.backend.RevokeTokens(ctx, service, audience) })
	})
}

func (d *tokenDetail) confirm(head, text, yes string, do func()) {
	d.ask.say(markWarning, head, text, action{label: yes, do: func() { d.ask.clear(); do() }, first: true}, action{label: lang.L("Keep"), do: d.ask.clear})
	d.root.Refresh()
	d.ask.focusFirst(d.window.Canvas())
}
