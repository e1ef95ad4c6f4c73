package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// guideForm is a service's form in two steps of the guide: what is filled in, then
// its test. Who may call, and the limits, are left as they begin.
type guideForm struct {
	*serviceForm
	guide   *guidePage
	sheet   fyne.CanvasObject
	keyless bool              // there is nothing to fill in
	none    fyne.CanvasObject // which says so
	after   *strip            // what a test has shown, and what to do then
}

func newGuideForm(g *guidePage, old string, begun backend.Form, keyless bool) *guideForm {
	f := &guideForm{serviceForm: newFormFields(g.face, old, begun, g.saved), guide: g, keyless: keyless, after: newNarrowStrip(g.keys)}
	f.none = group(lang.L("Key"), "", newProse(lang.L("The demo is built into Lockbox. It answers each call with what it was sent, and needs no key: there is nothing to fill in."),
		theme.SizeNameText, theme.ColorNameForeground).root)
	f.scroll.Content = inset(0, gap, 0, gap, column(gap, f.none, f.parts.about, f.parts.credential, f.parts.trial, f.after.root))
	f.serviceForm.onward = f.onward
	f.tested, f.refused = f.judge, f.fieldsAgain
	f.leave.SetText(lang.L("Back"))
	f.leave.OnTapped = g.back
	foot := column(gapSmall, f.trouble.root, ends(caption(lang.L("Enter goes on, Esc skips all of this.")), container.New(mirrored{}, f.save, f.leave)))
	f.sheet = container.NewBorder(nil, inset(gap, 0, 0, 0, foot), nil, nil, f.scroll)
	return f
}

// part shows the cards of a step.
func (f *guideForm) part(step int) {
	test := step == stepTest
	show := func(o fyne.CanvasObject, yes bool) {
		if yes {
			o.Show()
		} else {
			o.Hide()
		}
	}
	show(f.none, !test && f.keyless)
	show(f.parts.about, !test && !f.keyless)
	show(f.parts.credential, !test && !f.keyless)
	show(f.parts.trial, test)
	f.label = lang.L("Next")
	f.save.Icon = theme.NavigateNextIcon()
	if test && f.unsaved() {
		f.label, f.save.Icon = lang.L("Save and go on"), theme.DocumentSaveIcon()
	}
	if !test { // what was tested may be changed now
		f.after.clear()
		f.untell()
		if f.result != nil {
			f.result.Hide()
		}
	}
	f.save.SetText(f.label)
	f.scroll.ScrollToTop()
	f.scroll.Content.Refresh()
}

// unsaved reports whether there is something to save.
func (f *guideForm) unsaved() bool { return f.old == "" || f.dirty() }

// onward goes from what was filled in to its test, and from there saves.
func (f *guideForm) onward() {
	switch {
	case f.saving:
	case f.guide.step == stepTest && f.unsaved():
		f.submit()
	case f.guide.step == stepTest:
		f.guide.saved(f.old)
	default:
		f.all = true
		if bad := f.backend.Check(f.old, f.value()); len(bad) > 0 {
			f.refuse(bad)
			return
		}
		f.trouble.clear()
		f.guide.show(stepTest)
	}
}

// fieldsAgain goes back to the fields, one of which is wrong.
func (f *guideForm) fieldsAgain() {
	if f.guide.form == f && f.guide.step == stepTest {
		f.guide.show(stepKey)
	}
}

// judge says what mends a test that did not go well. It can be passed over.
func (f *guideForm) judge(m mark, words string) {
	if f.guide.form != f || f.guide.step != stepTest {
		return // the person is elsewhere by now
	}
	switch {
	case m != markGood:
		back := lang.L("Back to the key")
		f.after.say(m, lang.L("The test did not go well"), words, action{label: back, do: f.guide.back, first: true},
			action{label: lang.L("Go on all the same"), do: f.onward})
		f.after.focusFirst(f.window.Canvas())
	case words != "":
		f.after.say(m, "", words)
		f.focus(f.save)
	default: // the test itself says so
		f.after.clear()
		f.focus(f.save)
	}
	f.scroll.Content.Refresh()
	f.scroll.ScrollToBottom()
}
