package ui

import (
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

// The steps of the guide.
const (
	stepAPI = iota
	stepKey
	stepTest
	stepToken
	stepsDone
)

// stepNames are what the rail calls them.
var stepNames = []string{"Choose the API", "Paste its key", "Test it", "Make a token"}

// stepWords say what a step is about.
var stepWords = []string{
	"Which API shall your workflows call? Its key stays on this computer, and they get a token in its place. The demo needs no key and is there to try things on.",
	"Fill in what Lockbox needs to call the API. The key is kept where nobody else reads it.",
	"Try it before anyone depends on it: one call with what was filled in. It can be passed over.",
	"Make a token for whoever calls, and paste it there. The first call is seen here as it comes.",
}

// guidePage leads through a first service: its API, its key, a test, and a token that
// waits for the first call. It is made of the parts that do each of these elsewhere.
type guidePage struct {
	*face
	root fyne.CanvasObject
	left func(service string) // it is over; "" when no service came of it

	rail    *rail
	words   *prose
	ask     *strip
	body    *fyne.Container // what the step is done with
	step    int
	picker  *picker
	forms   map[string]*guideForm // that were begun, by the API
	form    *guideForm            // the one that is filled in; nil before
	maker   *tokenMaker
	service string // what was saved, or the demo; "" before
}

func newGuidePage(f *face, left func(string)) *guidePage {
	g := &guidePage{face: f, left: left, rail: newRail(stepNames), words: newProse("-", theme.SizeNameText, colorMuted),
		ask: newStrip(f.keys), body: container.NewStack(), forms: map[string]*guideForm{}}
	var demo func()
	if name := demoOf(f.backend.View()); name != "" {
		demo = func() { g.takeDemo(name) }
	}
	g.picker = newGuidePicker(f, g.choose, demo, g.skip)
	g.maker = newTokenMaker(f, g.finish, func() {})
	g.maker.fields["service"].root.Hide() // it is known
	g.maker.cancel.SetText(lang.L("Back"))
	g.maker.cancel.OnTapped = g.back
	g.maker.kit.heard = g.heard
	head := ends(title(lang.L("A first service")), newButton(f.keys, lang.L("Skip"), nil, g.skip).quiet())
	g.root = container.NewBorder(pageHead(head, g.rail.root, g.words.root, g.ask.root), nil, nil, nil, g.body)
	g.show(stepAPI)
	return g
}

// demoOf is the service that Lockbox answers itself; "" where there is none.
func demoOf(v backend.View) string {
	for _, s := range v.Services {
		if strings.HasPrefix(s.BaseURL, "lockbox:") {
			return s.Name
		}
	}
	return ""
}

// show goes to a step.
func (g *guidePage) show(step int) {
	g.step = step
	g.ask.clear()
	g.rail.set(step)
	g.words.set(lang.L(stepWords[step]), "")
	body := g.picker.root
	switch step {
	case stepKey, stepTest:
		g.form.part(step)
		body = g.form.sheet
	case stepToken:
		body = atMost(labelWidth+fieldWidth, g.maker.root)
	}
	g.body.Objects = []fyne.CanvasObject{body}
	g.body.Refresh()
	if g.shown == g.root {
		g.focus(g.begin())
	}
}

// begin is what has the keyboard first.
func (g *guidePage) begin() fyne.Focusable {
	switch {
	case g.step == stepAPI:
		return g.picker.search
	case g.step == stepTest:
		return g.form.test
	case g.step == stepKey && g.form.keyless:
		return g.form.save
	case g.step == stepKey:
		return g.form.begin()
	case g.maker.made.Visible():
		return g.maker.copied
	}
	return g.maker.audience
}

// choose goes on with an API. What was typed for it before is there still.
func (g *guidePage) choose(p *backend.Preset, name string) {
	id := "/" + name // no preset is called so
	if p != nil {
		id = p.ID
	}
	if g.forms[id] == nil {
		g.forms[id] = newGuideForm(g, "", g.newForm(p, name), false)
	}
	g.form = g.forms[id]
	g.show(stepKey)
}

// takeDemo goes on with the demo.
func (g *guidePage) takeDemo(name string) {
	if g.change(name) {
		g.show(stepKey)
	}
}

// change opens the form of a service that is there.
func (g *guidePage) change(name string) bool {
	begun, err := g.backend.Form(name)
	if err != nil {
		g.say(markFailed, backend.Sentence(err.Error()))
		return false
	}
	g.form = newGuideForm(g, name, begun, strings.HasPrefix(begun.BaseURL, "lockbox:"))
	g.forms["//"+name] = g.form
	return true
}

// onward does what the step is for.
func (g *guidePage) onward() {
	switch {
	case g.step == stepAPI:
		g.picker.open()
	case g.step == stepToken && g.maker.form.Visible():
		g.maker.submit()
	case g.step != stepToken:
		g.form.onward()
	}
}

// search leads to the search box, where there is one.
func (g *guidePage) search() {
	if g.step == stepAPI {
		g.focus(g.picker.search)
	}
}

// back goes to the step before, where everything is as it was left.
func (g *guidePage) back() {
	switch {
	case g.form.saving:
	case g.step != stepToken:
		g.show(g.step - 1)
	case g.change(g.service): // it is saved already: what is changed now is
		g.maker.close()
		g.show(stepTest)
	}
}

// saved goes on to the token of a service that is there.
func (g *guidePage) saved(name string) {
	for id, f := range g.forms {
		if f == g.form {
			delete(g.forms, id)
		}
	}
	g.service = name
	g.maker.draw(g.backend.View())
	g.maker.begin(name, "")
	g.show(stepToken)
}

// heard is the end of the way: a call has come.
func (g *guidePage) heard() {
	g.rail.set(stepsDone)
	g.maker.copied.Importance, g.maker.done.Importance = widget.MediumImportance, widget.HighImportance
	g.maker.copied.Refresh()
	g.maker.done.Refresh()
}

// draw follows a new View.
func (g *guidePage) draw(v backend.View) {
	g.maker.draw(v)
	for _, f := range g.forms {
		if v.Locked {
			f.conceal()
		}
	}
	if g.form != nil {
		g.form.check()
	}
}

// dirty reports whether something that was typed would be lost.
func (g *guidePage) dirty() bool {
	for _, f := range g.forms {
		if f.dirty() {
			return true
		}
	}
	return false
}

// skip leaves the guide, after asking when something would be lost.
func (g *guidePage) skip() { g.abandon(func() { g.left(g.service) }) }

// finish leaves it at its end.
func (g *guidePage) finish() { g.end(); g.left(g.service) }

// abandon calls then when nothing is lost by it, or the person does not mind.
func (g *guidePage) abandon(then func()) {
	switch {
	case g.form != nil && g.form.saving:
	case !g.dirty():
		g.end()
		then()
	default:
		g.askDiscard(g.ask, func() { g.end(); then() })
	}
}

// end lets go of keys and token.
func (g *guidePage) end() {
	for _, f := range g.forms {
		f.forget()
	}
	g.maker.close()
}

// key is what the page does with a key.
func (g *guidePage) key(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape && g.ask.root.Visible():
		g.ask.clear()
		g.focus(g.begin())
	case g.step == stepAPI:
		return g.picker.key(k)
	case k == fyne.KeyEscape:
		g.skip()
	case isEnter(k):
		g.onward()
	default:
		return false
	}
	return true
}

// guide leads through a first service, and comes back to where that was left.
func (w *window) guide() {
	if w.tour != nil {
		w.open(pageServices)
		return
	}
	w.vacate(func() {
		w.picker = nil
		w.tour = newGuidePage(w.face, w.guideDone)
		w.open(pageServices)
	})
}

// guideDone leads to the service that came of it, or to the list.
func (w *window) guideDone(service string) {
	w.tour = nil
	w.services.draw(w.backend.View())
	switch {
	case w.page != pageServices:
	case service != "":
		w.showService(service)
	default:
		w.open(pageServices)
	}
}
