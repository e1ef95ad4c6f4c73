package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// untilDate is the choice of a lifetime that ends on a date.
const untilDate = "Until a date"

// tokenMaker is the form of a new token; what it made is shown in its place, once.
type tokenMaker struct {
	*face
	left  func() // it was closed
	news  func() // a token was made
	root  *fyne.Container
	form  *fyne.Container
	made  *fyne.Container
	value secret.Value // what was made, while it is shown
	turn  int          // of the form: what a job of an earlier one made is not shown

	service  *choice
	audience *entry
	recent   *fyne.Container
	lifetime *choice
	date     *entry
	label    *entry
	fields   map[string]*field
	save     *button
	cancel   *button
	trouble  *strip

	text   *entry
	says   *prose
	copied *button
	done   *button
	kit    *kit
}

func newTokenMaker(f *face, left, news func()) *tokenMaker {
	m := &tokenMaker{face: f, left: left, news: news, fields: map[string]*field{}, trouble: newNarrowStrip(f.keys)}
	m.service = newChoice(f.keys, nil, func(string) { m.suggest(); m.check(false) })
	m.service.PlaceHolder = lang.L("Choose a service")
	m.audience, m.label, m.date = newEntry(f.keys), newEntry(f.keys), newEntry(f.keys)
	m.audience.SetPlaceHolder(lang.L("Such as zapier"))
	m.label.SetPlaceHolder(lang.L("Optional"))
	m.date.SetPlaceHolder("2026-12-31")
	m.lifetime = newChoice(f.keys, append(lifetimeLabels(), lang.L(untilDate)), func(s string) {
		m.fields["date"].root.Hidden = s != lang.L(untilDate)
		m.check(false)
		m.root.Refresh()
	})
	for _, e := range []*entry{m.audience, m.label, m.date} {
		e.OnChanged = func(string) { m.check(false) }
		e.OnSubmitted = func(string) { m.submit() }
	}
	m.recent = container.NewHBox()
	m.save = newButton(f.keys, lang.L("Make the token"), theme.ConfirmIcon(), m.submit).primary()
	m.cancel = newButton(f.keys, lang.L("Cancel"), nil, func() { m.close(); m.left() }).quiet()
	put := func(name, label, hint string, o fyne.CanvasObject) fyne.CanvasObject {
		m.fields[name] = newNarrowField(label, hint, o)
		return m.fields[name].root
	}
	m.form = column(gap, heading(lang.L("New token")),
		put("service", lang.L("Opens service"), lang.L("It opens this one and no other."), frame(m.service)),
		put("audience", lang.L("For audience"), lang.L("Who it is for."), m.audience), m.recent,
		put("expires", lang.L("Valid for"), lang.L("It can be revoked before."), frame(m.lifetime)),
		put("date", lang.L("Last day"), lang.L("It is good until the end of that day."), m.date),
		put("label", lang.L("Label"), lang.L("What to call it here."), m.label),
		m.trouble.root,
		row(gapSmall, m.save, m.cancel))
	m.made = m.newMade()
	scroll := container.NewVScroll(inset(gap+4, gap+4, gap+4, gap+4, container.NewStack(m.form, m.made)))
	revealEach(scroll, m.service, m.audience, m.lifetime, m.date, m.label, m.save, m.text, m.copied)
	m.root = container.NewStack(tight(scroll))
	m.root.Hide()
	return m
}

// newMade is the part that shows a token, once.
func (m *tokenMaker) newMade() *fyne.Container {
	m.kit = newKit(m.face)
	m.text = newEntry(m.keys)
	m.text.Password = true
	m.text.reveal = func() {
		m.text.Password = !m.text.Password
		m.text.Refresh()
	}
	m.text.ActionItem = newPeek(m.text.reveal)
	m.text.OnChanged = func(string) { // it is read, not written
		if m.text.Text != m.value.Reveal() {
			m.text.SetText(m.value.Reveal())
		}
	}
	m.says = newProse("", theme.SizeNameCaptionText, colorMuted)
	m.copied = newButton(m.keys, lang.L("Copy"), theme.ContentCopyIcon(), func() {
		m.copySecret(m.value)
		m.say(markGood, lang.L("Token copied."))
	}).primary()
	m.done = newButton(m.keys, lang.L("Done"), nil, func() { m.close(); m.left() })
	c := column(gap, heading(lang.L("The token")), m.says.root, m.text, row(gapSmall, m.copied, m.done), m.kit.root)
	c.Hide()
	return c
}

// draw offers the services that there are.
func (m *tokenMaker) draw(v backend.View) {
	m.kit.draw(v)
	var names []string
	for _, s := range v.Services {
		if len(names) == maxChoices {
			break
		}
		if s.TokenRequired && (s.AnyAudience || len(s.Audiences) > 0) {
			names = append(names, s.Name)
		}
	}
	if !slices.Equal(names, m.service.Options) {
		m.service.SetOptions(names)
	}
}

// begin opens the form.
func (m *tokenMaker) begin(service, audience string) {
	m.forget()
	m.trouble.clear()
	m.service.ClearSelected()
	if service == "" && len(m.service.Options) == 1 {
		service = m.service.Options[0]
	}
	if service != "" {
		if !slices.Contains(m.service.Options, service) { // beyond those that are listed
			m.service.SetOptions(append(m.service.Options, service))
		}
		m.service.SetSelected(service)
	}
	m.audience.SetText(audience)
	m.label.SetText("")
	m.date.SetText("")
	m.lifetime.SetSelected(lifetimeLabel(30 * 24 * time.Hour))
	m.suggest()
	m.check(false)
	m.form.Show()
	m.made.Hide()
	m.root.Show()
}

// focusFirst gives the keyboard to what is to be filled in first.
func (m *tokenMaker) focusFirst() {
	if m.service.Selected == "" {
		m.focus(m.service)
		return
	}
	m.focus(m.audience)
}

// suggest offers the audiences that were used last.
func (m *tokenMaker) suggest() {
	m.recent.RemoveAll()
	for _, a := range m.backend.LastAudiences(m.service.Selected, 3) {
		m.recent.Add(newButton(m.keys, a, nil, func() { m.audience.SetText(a) }).quiet())
	}
	m.recent.Hidden = len(m.recent.Objects) == 0
	m.root.Refresh()
}

func (m *tokenMaker) request() (r backend.TokenRequest, bad error) {
	r = backend.TokenRequest{Service: m.service.Selected, Audience: strings.TrimSpace(m.audience.Text), Label: strings.TrimSpace(m.label.Text)}
	if m.lifetime.Selected != lang.L(untilDate) {
		r.Lifetime = lifetimeOf(m.lifetime.Selected)
		return r, nil
	}
	day, err := time.ParseInLocation("2006-01-02", strings.TrimSpace(m.date.Text), time.Local)
	if err != nil {
		return r, errors.New(lang.L("write the day as year-month-day, such as 2026-12-31"))
	}
	r.Expires = day.AddDate(0, 0, 1).Add(-time.Second)
	return r, nil
}

// check says what is wrong; with all, also of fields that are empty still.
func (m *tokenMaker) check(all bool) bool {
	r, err := m.request()
	bad := m.backend.CheckToken(r)
	if err != nil {
		bad["date"] = err.Error()
	} else if m.lifetime.Selected == lang.L(untilDate) && bad["expires"] != "" {
		bad["date"] = bad["expires"]
		delete(bad, "expires")
	}
	empty := map[string]bool{"service": m.service.Selected == "", "date": m.date.Text == ""}
	for name, f := range m.fields {
		text := bad[name]
		if text != "" && (all || !empty[name]) {
			f.say(markFailed, backend.Sentence(text))
		} else {
			f.say(markNone, "")
		}
	}
	return len(bad) == 0
}

func (m *tokenMaker) submit() {
	if m.save.Disabled() || !m.check(true) {
		return
	}
	r, _ := m.request() // checked
	m.save.Disable()
	mine := m.turn
	var tok backend.Token
	m.loop.run(fmt.Sprintf(lang.L("Making a token for %s…"), r.Service), func(ctx context.Context) (err error) {
		tok, err = m.backend.NewToken(ctx, r)
		return err
	}, func(err error) {
		m.save.Enable()
		if err != nil {
			m.trouble.say(markFailed, lang.L("No token was made"), backend.Sentence(err.Error()), m.trouble.dismiss())
			m.root.Refresh()
			return
		}
		if mine != m.turn {
			m.say(markWarning, fmt.Sprintf(lang.L("A token of %s was made after its form was closed, and is not shown: revoke it."), r.Service))
		} else {
			m.show(tok)
		}
		m.news()
	})
}

// show shows what was made; it is nowhere else.
func (m *tokenMaker) show(tok backend.Token) {
	m.value = tok.Value
	m.says.set(fmt.Sprintf(lang.L("It opens %s for %s until %s. It is shown only now: copy it to where it is needed."), tok.Service, tok.Audience, shortDate(tok.Expires)), "")
	m.text.Password = true
	m.text.SetText(m.value.Reveal())
	m.kit.begin(m.backend.View(), tok.Service, tok.Value)
	m.form.Hide()
	m.made.Show()
	m.root.Refresh()
	m.focus(m.copied)
}

// forget lets go of the token.
func (m *tokenMaker) forget() {
	m.turn++
	m.value = secret.Value{}
	m.kit.end()
	m.text.SetText("")
}

func (m *tokenMaker) close() {
	m.forget()
	m.root.Hide()
}
