package ui

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

const detailWidth = 312

// serviceDetail is the selected service, beside the list.
type serviceDetail struct {
	*face
	page *servicesPage
	root *fyne.Container
	info backend.ServiceInfo
	view backend.View

	badge                  *badgeIcon
	name, word             *line
	marker                 *marker
	problem                *strip
	address, base, kind    *line
	public                 *line // its address for callers from elsewhere
	publicBox              *fyne.Container
	audience               *entry
	audiences              *choice
	audiencesBox           *fyne.Container
	lifetime               *choice
	token, test, edit, dup *button
	control                *button
	del, copyURL, log      *button
	result                 *prose
	ask                    *strip

	facts, setup *fyne.Container // what is shown: the service, or its kit
	caller       *line
	kit          *kit
	setUp        *button
}

func newServiceDetail(f *face, p *servicesPage) *serviceDetail {
	d := &serviceDetail{face: f, page: p, badge: newBadgeIcon(), marker: newMarker(markNone), problem: newNarrowStrip(f.keys), ask: newNarrowStrip(f.keys)}
	d.name, d.word = heading("").flexible(), caption("").flexible()
	d.address, d.base, d.kind = plain("").mono().flexible(), plain("").flexible(), plain("").flexible()
	d.address.size = theme.SizeNameCaptionText
	d.public = plain("").mono().flexible()
	d.public.size = theme.SizeNameCaptionText
	copyPublic := newButton(f.keys, "", theme.ContentCopyIcon(), func() { d.copyText(d.public.text, fmt.Sprintf(lang.L("The public address of %s"), d.info.Name)) }).quiet()
	d.copyURL = newButton(f.keys, lang.L("Copy URL"), theme.ContentCopyIcon(), func() { d.copyText(d.info.URL, fmt.Sprintf(lang.L("The address of %s"), d.info.Name)) })
	d.audience = newEntry(f.keys)
	d.audiences = newChoice(f.keys, nil, nil)
	d.audiencesBox = frame(d.audiences)
	d.lifetime = newChoice(f.keys, nil, nil)
	d.token = newButton(f.keys, lang.L("Copy token"), theme.ContentCopyIcon(), d.makeToken).primary()
	d.audience.OnSubmitted = func(string) { d.makeToken() }
	d.test = newButton(f.keys, lang.L("Test"), theme.MediaPlayIcon(), d.try)
	d.log = newButton(f.keys, lang.L("Calls"), theme.HistoryIcon(), func() { p.calls(d.info.Name) })
	d.setUp = newButton(f.keys, lang.L("Set up a caller"), theme.SettingsIcon(), d.openKit)
	d.kit, d.caller = newKit(f), heading("").flexible()
	d.result = newProse("", theme.SizeNameCaptionText, colorMuted).pickable(f.keys)
	d.edit = newButton(f.keys, lang.L("Edit"), theme.DocumentCreateIcon(), func() { p.edit(d.info.Name) })
	d.control = newButton(f.keys, lang.L("Control"), theme.ListIcon(), func() { p.control(d.info.Name) })
	d.dup = newButton(f.keys, lang.L("Duplicate"), theme.ContentCopyIcon(), func() { p.copyOf(d.info.Name) }).quiet()
	d.del = newButton(f.keys, lang.L("Delete"), theme.DeleteIcon(), d.confirm).quiet()

	words := column(1, d.name, container.NewBorder(nil, nil, d.marker, nil, inset(0, 0, gapSmall, 0, d.word)))
	head := container.NewBorder(nil, nil, inset(0, 0, 0, gap, middle(d.badge)), nil, words)
	field := func(label string, o fyne.CanvasObject) *fyne.Container { return column(gapTight, caption(label), o) }
	d.publicBox = field(lang.L("Public address"), container.NewBorder(nil, nil, nil, copyPublic, middle(pickable(f.keys, d.public))))
	d.publicBox.Hide()
	about := column(gap,
		field(lang.L("Address for callers"), pickable(f.keys, d.address)),
		d.publicBox,
		field(lang.L("Goes to"), pickable(f.keys, d.base)),
		field(lang.L("Credential"), d.kind))
	tokens := column(gapSmall, strong(lang.L("Service token")),
		container.NewGridWithColumns(2, field(lang.L("For audience"), container.NewStack(d.audience, d.audiencesBox)), field(lang.L("Valid for"), frame(d.lifetime))),
		inset(gapSmall, 0, 0, 0, container.New(&flow{}, d.token, d.setUp)))
	d.facts = column(gap+2, head, d.problem.root, about,
		container.New(&flow{}, d.copyURL, d.test, d.log), d.result.root,
		rule(), tokens, rule(), d.ask.root,
		column(gapSmall, container.New(&flow{}, d.edit, d.control), container.New(&flow{}, d.dup, d.del)))
	d.setup = column(gap, d.caller, row(0, newButton(f.keys, lang.L("Back"), theme.NavigateBackIcon(), d.closeKit)), d.kit.root)
	d.setup.Hide()
	scroll := container.NewVScroll(inset(gap+4, gap+4, gap+4, gap+4, container.NewStack(d.facts, d.setup)))
	revealEach(scroll, d.copyURL, d.test, d.log, d.audience, d.audiences, d.lifetime, d.token, d.setUp, d.edit, d.control, d.dup, d.del)
	d.root = inset(0, 0, gap, 0, wide(detailWidth, tight(scroll)))
	d.root.Hide()
	return d
}

// rule is a thin line between parts.
func rule() fyne.CanvasObject {
	return newSurface(theme.ColorNameSeparator, "", 0, 0.5, container.NewWithoutLayout())
}

func (d *serviceDetail) show(info backend.ServiceInfo) {
	other := d.info.Name != info.Name
	d.info = info
	d.badge.set(serviceEmblem(info))
	d.name.set(info.Name, "")
	m, word, detail := access(info)
	if info.Problem == "" {
		_, _, detail = callers(info) // Control, below, has the rest
	}
	d.marker.set(m)
	if info.Problem != "" {
		d.word.set(word, theme.ColorNameError)
		d.problem.say(markFailed, "", backend.Sentence(info.Problem), d.remedy()...)
	} else {
		d.word.set(word+" · "+detail, colorMuted)
		d.problem.clear()
	}
	d.address.set(info.URL, "")
	d.drawPublic()
	d.base.set(info.BaseURL, "")
	d.kind.set(credentialName(info.Credential), "")
	d.audience.Hidden = !info.AnyAudience
	d.audiencesBox.Hidden = info.AnyAudience
	if other || !slices.Equal(d.audiences.Options, info.Audiences) {
		d.audiences.Options = slices.Clone(info.Audiences)
		d.audiences.ClearSelected()
		if len(info.Audiences) > 0 {
			d.audiences.SetSelected(info.Audiences[0])
		}
	}
	if closed := !info.AnyAudience && len(info.Audiences) == 0; closed {
		d.audiences.PlaceHolder = lang.L("None allowed")
		d.audiences.Disable()
		d.token.Disable()
	} else {
		d.audiences.Enable()
		d.token.Enable()
	}
	d.setUp.Hidden = !info.TokenRequired
	if other {
		d.closeKit()
		d.audience.SetText("")
		d.tell("", "")
		d.ask.clear()
	}
	if !d.root.Visible() {
		d.root.Show()
		d.page.listBox.Refresh()
	}
	d.root.Refresh()
}

// remedy is what helps a service that cannot serve.
func (d *serviceDetail) remedy() []action {
	if d.view.Keychain.CanUnlock {
		return []action{{label: lang.L("Unlock"), do: func() { d.retry("unlock") }}}
	}
	return []action{{label: lang.L("Retry"), do: func() { d.retry("retry") }}}
}

func (d *serviceDetail) hide() {
	if d.root.Visible() {
		d.root.Hide()
		d.page.listBox.Refresh()
	}
	d.info = backend.ServiceInfo{}
	d.closeKit()
	d.ask.clear()
}

// openKit shows what goes where in a platform that calls the service, and waits
// for its first call. The token is one that was made before.
func (d *serviceDetail) openKit() {
	d.kit.begin(d.backend.View(), d.info.Name, secret.Value{})
	d.caller.set(fmt.Sprintf(lang.L("A caller of %s"), d.info.Name), "")
	d.facts.Hide()
	d.setup.Show()
	d.root.Refresh()
}

func (d *serviceDetail) closeKit() {
	d.kit.end()
	d.setup.Hide()
	d.facts.Show()
	d.root.Refresh()
}

// drawPublic shows where callers from elsewhere reach the service, if they do.
func (d *serviceDetail) drawPublic() {
	address := d.view.CallersAddress(d.info)
	d.public.set(address, "")
	if hidden := address == ""; hidden != d.publicBox.Hidden {
		d.publicBox.Hidden = hidden
		d.root.Refresh()
	}
}

// draw shows what a new View has for any service.
func (d *serviceDetail) draw(v backend.View) {
	changed := d.view.Token != v.Token
	d.view = v
	d.drawPublic()
	d.kit.draw(v)
	if !changed {
		return
	}
	d.audience.SetPlaceHolder(v.Token.Audience)
	d.lifetime.Options = lifetimeLabels()
	if label := lifetimeLabel(v.Token.Lifetime); !slices.Contains(d.lifetime.Options, label) {
		d.lifetime.Options = append(d.lifetime.Options, label)
	}
	d.lifetime.SetSelected(lifetimeLabel(v.Token.Lifetime))
}

func (d *serviceDetail) makeToken() {
	audience := d.audience.Text
	if !d.info.AnyAudience {
		audience = d.audiences.Selected
	}
	d.copyToken(d.info.Name, audience, lifetimeOf(d.lifetime.Selected))
}

// try makes one call to the service.
func (d *serviceDetail) try() {
	name := d.info.Name
	form, err := d.backend.Form(name)
	if err != nil {
		d.tell(backend.Sentence(err.Error()), theme.ColorNameError)
		return
	}
	d.test.Disable()
	if p := d.backend.PresetOf(name); p != nil {
		d.tryPreset(p, form)
		return
	}
	d.tell("GET / …", colorMuted)
	var res backend.TestResult
	d.loop.run(fmt.Sprintf(lang.L("Testing %s…"), name), func(ctx context.Context) (err error) {
		res, err = d.backend.Test(ctx, name, form, backend.Trial{Method: http.MethodGet, Path: "/"})
		return err
	}, func(err error) {
		d.test.Enable()
		if d.info.Name != name {
			return
		}
		text, c := outcome(res, err)
		d.tell("GET /: "+text, c)
		if err != nil {
			d.say(markFailed, name+": "+text)
		}
	})
}

// tryPreset makes the harmless call of an API that is known.
func (d *serviceDetail) tryPreset(p *backend.Preset, form backend.Form) {
	name := d.info.Name
	d.tell(fmt.Sprintf(lang.L("Asking %s…"), p.Name), colorMuted)
	var v backend.PresetVerdict
	d.loop.run(fmt.Sprintf(lang.L("Testing %s…"), name), func(ctx context.Context) (err error) {
		v, err = d.backend.TestPreset(ctx, name, form, p)
		return err
	}, func(err error) {
		d.test.Enable()
		if d.info.Name == name {
			m, text := judged(v, err)
			d.tell(text, m.color())
		}
	})
}

// tell shows how the test went.
func (d *serviceDetail) tell(text string, c fyne.ThemeColorName) {
	d.result.set(text, c)
	d.root.Refresh()
}

// outcome is a test's result in words, with its colour.
func outcome(res backend.TestResult, err error) (string, fyne.ThemeColorName) {
	if err != nil {
		return backend.Sentence(err.Error()), theme.ColorNameError
	}
	text := fmt.Sprintf(lang.L("%d in %s"), res.Status, took(res.Duration))
	return text, statusMark(backend.Exchange{Status: res.Status}).color()
}

// confirm asks before a service is deleted.
func (d *serviceDetail) confirm() {
	name := d.info.Name
	d.ask.say(markFailed, fmt.Sprintf(lang.L("Delete %s?"), name), fmt.Sprintf(lang.L("Its key is removed from %s."), d.keeper()),
		action{label: lang.L("Keep"), do: d.keep}, action{label: lang.L("Delete"), do: func() { d.ask.clear(); d.page.remove(name) }})
	d.ask.focusFirst(d.window.Canvas())
}

func (d *serviceDetail) asking() bool { return d.ask.root.Visible() }

func (d *serviceDetail) keep() {
	d.ask.clear()
	d.root.Refresh()
}

// working keeps the service from being changed twice at once.
func (d *serviceDetail) working(yes bool) {
	for _, b := range []*button{d.edit, d.control, d.dup, d.del, d.token, d.test} {
		if yes {
			b.Disable()
		} else {
			b.Enable()
		}
	}
}
