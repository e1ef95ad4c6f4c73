package ui

import (
	"context"
	"fmt"
	"reflect"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// rulesPage is where it is changed what a service holds its callers to: the rules, as
// rows or as they stand in the config, limits and guards. Like a form it is built anew
// each time.
type rulesPage struct {
	*face
	root    fyne.CanvasObject
	service string
	begun   backend.Control
	done    func(saved bool) // back to the list

	rows    *ruleRows
	text    *entry // in place of the rows
	textBox *fyne.Container
	odd     *field // what is wrong with the text
	asText  *button
	effect  *prose // what the rules amount to
	try     *ruleTrial
	past    *rulePast
	more    *controlPart

	trouble, ask *strip
	save, leave  *button
	scroll       *container.Scroll
	saving       bool
}

func newRulesPage(f *face, service string, begun backend.Control, done func(saved bool)) *rulesPage {
	p := &rulesPage{face: f, service: service, begun: begun, done: done, trouble: newStrip(f.keys), ask: newStrip(f.keys)}
	p.rows = newRuleRows(f, p.changed)
	p.text = newEntry(f.keys)
	p.text.MultiLine = true
	p.text.Wrapping = fyne.TextWrapOff
	p.text.TextStyle.Monospace = true
	p.text.SetMinRowsVisible(10)
	p.text.OnChanged = func(string) { p.changed() }
	p.odd = newNarrowField("", lang.L("As in the config file: a list in [ and ], with a rule in { and } each."), p.text)
	p.textBox = column(gapSmall, p.odd.root)
	p.textBox.Hide()
	p.asText = newButton(f.keys, lang.L("Edit as text"), theme.DocumentCreateIcon(), p.toggle).quiet()
	p.effect = newProse("", theme.SizeNameCaptionText, colorMuted)
	p.try = newRuleTrial(f, p.rules)
	p.past = newRulePast(f, service, p.rules, p.use)
	p.more = newControlPart(f, service, begun, p.changed, func(o fyne.CanvasObject) { revealInto(p.scroll, o) })
	head := container.NewBorder(nil, nil, nil, p.asText, middle(heading(lang.L("Rules"))))
	body := column(gap,
		card(column(gapSmall, head, p.effect.root, p.rows.root, p.textBox)),
		p.try.root, p.past.root, p.more.root)
	p.scroll = container.NewVScroll(inset(0, gap, 0, gap, body))
	p.rows.shown = func(o fyne.CanvasObject) { revealInto(p.scroll, o) }
	p.save = newButton(f.keys, lang.L("Save"), theme.DocumentSaveIcon(), p.submit).primary()
	p.leave = newButton(f.keys, lang.L("Cancel"), nil, p.cancel)
	foot := column(gapSmall, p.trouble.root, p.ask.root, ends(caption(lang.L("Ctrl+S saves, Esc cancels.")), container.New(mirrored{}, p.save, p.leave)))
	p.root = container.NewBorder(inset(0, gap, 0, 0, middle(title(fmt.Sprintf(lang.L("What callers of %s may do"), service)))), inset(gap, 0, 0, 0, foot), nil, nil, p.scroll)
	p.rows.set(begun.Rules)
	p.changed()
	return p
}

// rules are those that are filled in. ok is false while they are none.
func (p *rulesPage) rules() (rules []backend.Rule, ok bool) {
	if p.textBox.Visible() {
		rules, err := backend.ParseRules(p.text.Text)
		return rules, err == nil
	}
	return p.rows.value(), p.rows.good()
}

// control is all that is filled in. ok is false while some of it cannot be.
func (p *rulesPage) control() (c backend.Control, ok bool) {
	rules, good := p.rules()
	c, ok = p.more.value()
	c.Rules = rules
	return c, ok && good
}

// changed follows what is filled in.
func (p *rulesPage) changed() {
	if p.try == nil || p.scroll == nil {
		return // still being built
	}
	if p.textBox.Visible() {
		if _, err := backend.ParseRules(p.text.Text); err != nil {
			p.odd.say(markFailed, backend.Sentence(err.Error()))
		} else {
			p.odd.say(markNone, "")
		}
	}
	rules, ok := p.rules()
	if ok {
		p.effect.set(effect(rules), "")
	}
	p.try.check()
}

// effect is what a list of rules amounts to, in words.
func effect(rules []backend.Rule) string {
	if len(rules) == 0 {
		return lang.L("There are no rules: whoever has a token of the service may make any call.")
	}
	for _, r := range rules {
		if r.Action != backend.RuleDenies {
			return lang.L("Read from the top, the first rule that fits a call decides. A call that none fits is denied.")
		}
	}
	return lang.L("Read from the top, the first rule that fits a call decides. A call that none fits is allowed, since all of them deny.")
}

// toggle goes from rows to text and back.
func (p *rulesPage) toggle() {
	rules, ok := p.rules()
	if p.textBox.Visible() {
		if !ok {
			p.focus(p.text)
			return // what is wrong is said below it
		}
		p.rows.set(rules)
	} else {
		p.text.SetText(backend.RulesText(rules))
	}
	text := !p.textBox.Visible()
	p.textBox.Hidden, p.rows.root.Hidden = !text, text
	p.asText.SetText(map[bool]string{true: lang.L("Edit as rows"), false: lang.L("Edit as text")}[text])
	p.changed()
	p.root.Refresh()
	if text {
		p.focus(p.text)
	}
}

// use takes rules that were proposed in the place of those that are there.
func (p *rulesPage) use(rules []backend.Rule) {
	if p.textBox.Visible() {
		p.text.SetText(backend.RulesText(rules))
	} else {
		p.rows.set(rules)
	}
	p.changed()
	p.scroll.ScrollToTop()
}

// submit saves.
func (p *rulesPage) submit() {
	if p.saving {
		return
	}
	p.ask.clear()
	p.rows.all = true
	c, ok := p.control()
	if !ok {
		p.rows.check()
		p.more.check()
		p.trouble.say(markFailed, lang.L("Something needs another look"), lang.L("See the red lines above."))
		return
	}
	p.trouble.clear()
	p.work(true)
	p.loop.run(fmt.Sprintf(lang.L("Saving %s…"), p.service), func(ctx context.Context) error {
		return p.backend.SaveControl(ctx, p.service, c)
	}, func(err error) {
		p.work(false)
		if err != nil {
			p.trouble.say(markFailed, lang.L("Not saved, and nothing was changed"), backend.Sentence(err.Error()), action{label: lang.L("Try again"), do: p.submit, first: true})
			return
		}
		p.end()
		p.done(true)
	})
}

func (p *rulesPage) work(yes bool) {
	p.saving = yes
	p.save.SetText(map[bool]string{true: lang.L("Saving…"), false: lang.L("Save")}[yes])
	setDisabled(p.save, yes)
	setDisabled(p.text, yes)
	p.rows.disable(yes)
	p.more.disable(yes)
}

// end stops what is under way for the page.
func (p *rulesPage) end() {
	p.past.stop()
	p.more.stop()
}

// dirty reports whether something would be lost.
func (p *rulesPage) dirty() bool {
	c, ok := p.control()
	was := p.begun
	if len(c.Rules)+len(was.Rules) == 0 {
		c.Rules, was.Rules = nil, nil
	}
	return !ok || !reflect.DeepEqual(c, was)
}

func (p *rulesPage) cancel() { p.abandon(func() { p.done(false) }) }

// abandon calls then when nothing is lost by it, or the person does not mind.
func (p *rulesPage) abandon(then func()) {
	switch {
	case p.saving:
		return
	case !p.dirty():
		p.end()
		then()
		return
	}
	p.askDiscard(p.ask, func() { p.end(); then() })
}

// key is what the page does with a key.
func (p *rulesPage) key(k fyne.KeyName) bool {
	if k != fyne.KeyEscape {
		return false
	}
	if p.ask.root.Visible() {
		p.ask.clear()
	} else {
		p.cancel()
	}
	return true
}
