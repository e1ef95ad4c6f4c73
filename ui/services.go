package ui

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// servicesPage lists the services; the one that is selected is shown beside the
// list with what can be done with it.
type servicesPage struct {
	*face
	root    fyne.CanvasObject
	create  func()            // begins a new service
	guide   func()            // leads through a first one
	edit    func(name string) // opens the form
	copyOf  func(name string) // opens the form with a copy
	calls   func(name string) // shows its part of the audit log
	control func(name string) // opens its rules
	removed func(*backend.Deleted)

	view     backend.View
	drawn    bool
	found    []backend.ServiceInfo // what the search leaves
	selected string

	note     *strip // what just happened
	odd      *strip // the config's warnings
	hushed   string // the warnings that the person has seen
	moving   bool   // keys to the vault
	welcome  *fyne.Container
	curl     *line
	tally    *line
	search   *entry
	list     *list
	listBox  *fyne.Container
	empty    *fyne.Container
	nothing  *line
	unsearch *button
	noneYet  *fyne.Container
	detail   *serviceDetail
}

func newServicesPage(f *face) *servicesPage {
	p := &servicesPage{face: f, note: newStrip(f.keys), odd: newStrip(f.keys), tally: muted("")}
	add := newButton(f.keys, lang.L("New service"), theme.ContentAddIcon(), func() { p.create() }).primary()
	p.search = newEntry(f.keys)
	p.search.SetPlaceHolder(lang.L("Search by name or address"))
	p.search.Icon = theme.SearchIcon()
	p.search.OnChanged = func(string) { p.filter() }
	p.list = newList(f.keys, func() int { return len(p.found) },
		func() fyne.CanvasObject { return newServiceRow(p.copyAddress) },
		func(i int, o fyne.CanvasObject) {
			if i < len(p.found) {
				o.(*serviceRow).set(p.found[i], p.view.CallersAddress(p.found[i]))
			}
		})
	p.list.OnSelected = func(i int) { p.choose(i) }
	p.list.at = func() int {
		return slices.IndexFunc(p.found, func(s backend.ServiceInfo) bool { return s.Name == p.selected })
	}
	p.list.steps = func(i int) { p.list.Select(i) }
	p.list.enter = func(int) { f.focus(p.detail.copyURL) }
	p.detail = newServiceDetail(f, p)
	p.welcome = p.newWelcome()
	p.noneYet = p.newNoneYet()
	p.nothing = muted("")
	p.unsearch = newButton(f.keys, lang.L("Clear the search"), nil, func() { p.search.SetText("") })
	p.empty = emptyBox(theme.StorageIcon(), p.nothing, p.unsearch)
	p.empty.Hide()
	p.listBox = container.NewBorder(nil, nil, nil, p.detail.root, tight(container.NewStack(p.list, p.empty)))

	head := ends(row(gap, title(lang.L("Services")), inset(titleDrop, 0, 0, 0, p.tally)), wide(280, p.search), add)
	p.root = container.NewBorder(pageHead(head, p.welcome, p.odd.root, p.note.root), nil, nil, nil,
		container.NewStack(p.listBox, p.noneYet))
	return p
}

// newWelcome is the note of a first start.
func (p *servicesPage) newWelcome() *fyne.Container {
	p.curl = plain("").mono().flexible()
	box := newSurface(colorInfoSoft, "", radiusLarge, gap+2, nil)
	again := newProse(lang.L("Workflows call your services through Lockbox with a service token, and your API keys stay in this computer's keychain. A service named demo is built in to try things on. This works in a terminal at once:"), theme.SizeNameText, theme.ColorNameForeground)
	line := newSurface(theme.ColorNameInputBackground, "", radiusSmall, gapSmall, ends(inset(0, 0, gapSmall, 0, pickable(p.keys, p.curl)),
		newButton(p.keys, lang.L("Copy"), theme.ContentCopyIcon(), func() { p.copyText(p.curl.text, lang.L("The line")) }).quiet()))
	var c *fyne.Container
	hide := newButton(p.keys, lang.L("Hide"), nil, func() { c.Hide(); c.Objects = nil; p.root.Refresh() }).quiet()
	around := newButton(p.keys, lang.L("Show me around"), theme.NavigateNextIcon(), func() { p.guide() })
	box.content = column(gapSmall, ends(heading(lang.L("Welcome to Lockbox")), around, hide), again.root, line)
	c = container.NewStack(box)
	c.Hide()
	return c
}

// newNoneYet is what an empty list says.
func (p *servicesPage) newNoneYet() *fyne.Container {
	icon := newIcon(theme.StorageIcon(), emptyIcon)
	words := newProse(lang.L("A service is an API that workflows may call through Lockbox. Give it a name, its address and its key; workflows get a token instead of the key."),
		theme.SizeNameText, colorMuted)
	words.seg.Style.Alignment = fyne.TextAlignCenter
	head := heading(lang.L("No services yet"))
	head.align = fyne.TextAlignCenter
	c := card(container.NewCenter(wide(480, column(gap, container.NewCenter(icon), head, words.root,
		container.NewCenter(row(gapSmall, newButton(p.keys, lang.L("Add your first service"), theme.ContentAddIcon(), func() { p.create() }).primary(),
			newButton(p.keys, lang.L("Show me around"), theme.NavigateNextIcon(), func() { p.guide() })))))))
	box := container.NewStack(c)
	box.Hide()
	return box
}

// draw shows a new View.
func (p *servicesPage) draw(v backend.View) {
	fresh := !p.drawn || p.view.Unloaded != v.Unloaded || !sameServices(p.view.Services, v.Services) || p.view.CallersURL() != v.CallersURL()
	p.view, p.drawn = v, true
	if curl := v.Curl(); v.FirstRun && curl != "" && len(p.welcome.Objects) > 0 {
		p.curl.set(curl, "")
		p.welcome.Show()
	}
	p.drawWarnings(v.Warnings)
	loaded := v.Phase != backend.Starting
	p.noneYet.Hidden = len(v.Services) > 0 || !loaded || v.Unloaded
	p.listBox.Hidden = !p.noneYet.Hidden
	if fresh {
		p.filter()
		p.root.Refresh()
	}
	p.detail.draw(v)
}

// drawWarnings speaks of the config's warnings until the person has seen them.
func (p *servicesPage) drawWarnings(warnings []string) {
	all := strings.Join(warnings, "\n")
	if all == "" || all == p.hushed {
		p.odd.clear()
		return
	}
	const few = 2
	text := strings.Join(warnings[:min(few, len(warnings))], "\n")
	if more := len(warnings) - few; more > 0 {
		text += fmt.Sprintf(lang.L("\nand %d more, on the Settings page"), more)
	}
	var actions []action
	if p.view.PlainKeys > 0 {
		actions = append(actions, action{label: fmt.Sprintf(lang.L("Move keys to %s"), p.keeper()), do: p.moveKeys, first: true})
	}
	p.odd.say(markWarning, fmt.Sprintf(lang.L("The config has %s"), count(len(warnings), "warning")), text,
		append(actions, action{label: lang.L("Hide"), do: func() { p.hushed = all; p.odd.clear() }})...)
}

// moveKeys moves the keys that stand in the config to the vault.
func (p *servicesPage) moveKeys() {
	if p.moving {
		return
	}
	p.moving = true
	var done backend.Imported
	p.loop.run(fmt.Sprintf(lang.L("Moving the keys to %s…"), p.keeper()), func(ctx context.Context) (err error) {
		done, err = p.backend.MoveKeys(ctx)
		return err
	}, func(err error) {
		p.moving = false
		if err != nil {
			p.note.say(markFailed, lang.L("No key was moved"), backend.Sentence(err.Error()), p.note.dismiss())
			return
		}
		text := fmt.Sprintf(lang.L("The config as it was still holds them in plain text; remove it when all works: %s"), done.Backup)
		if len(done.Again) > 0 {
			text += fmt.Sprintf(lang.L("\nA key stands once more in the config, in a comment maybe: see %s."), strings.Join(done.Again, ", "))
		}
		p.note.say(markGood, fmt.Sprintf(lang.L("The keys are in %s now"), p.keeper()), text, p.note.dismiss())
	})
}

// sameServices compares what the list shows.
func sameServices(a, b []backend.ServiceInfo) bool {
	if len(a) != len(b) {
		return false
	}
	if len(a) == 0 || &a[0] == &b[0] {
		return true
	}
	for i := range a {
		x, y := a[i], b[i]
		if x.Name != y.Name || x.BaseURL != y.BaseURL || x.Credential != y.Credential || x.Problem != y.Problem || x.URL != y.URL || x.Preset != y.Preset || !sameAccess(x, y) {
			return false
		}
	}
	return true
}

func sameAccess(x, y backend.ServiceInfo) bool {
	return x.TokenRequired == y.TokenRequired && x.AnyAudience == y.AnyAudience && x.Public == y.Public &&
		x.Rules == y.Rules && x.Limited == y.Limited && slices.Equal(x.Audiences, y.Audiences)
}

// filter finds what the search field asks for.
func (p *servicesPage) filter() {
	want := strings.ToLower(strings.TrimSpace(p.search.Text))
	p.found = p.view.Services
	if want != "" {
		p.found = nil
		for _, s := range p.view.Services {
			if strings.Contains(strings.ToLower(s.Name), want) || strings.Contains(strings.ToLower(s.BaseURL), want) {
				p.found = append(p.found, s)
			}
		}
	}
	p.tally.set(p.tallyText(want != ""), "")
	p.nothing.set(fmt.Sprintf(lang.L("No service matches “%s”."), strings.TrimSpace(p.search.Text)), "")
	if p.view.Unloaded {
		p.nothing.set(lang.L("Your services are listed here once the config can be loaded."), "")
	}
	p.unsearch.Hidden = p.view.Unloaded
	p.empty.Hidden = len(p.found) > 0 || want == "" && !p.view.Unloaded
	p.list.setHeights(len(p.found), func(i int) float32 {
		if p.view.CallersAddress(p.found[i]) != "" {
			return serviceHeightPublic
		}
		return serviceHeight
	})
	p.reselect()
	p.list.Refresh()
}

// copyAddress copies where callers from elsewhere reach a service.
func (p *servicesPage) copyAddress(s backend.ServiceInfo) {
	p.copyText(p.view.CallersAddress(s), fmt.Sprintf(lang.L("The public address of %s"), s.Name))
}

// urlOf is a service's address here, publicOf the one for callers from elsewhere; ""
// where there is none.
func (p *servicesPage) urlOf(name string) string {
	s, _ := p.view.Service(name)
	return s.URL
}

func (p *servicesPage) publicOf(name string) string {
	if s, ok := p.view.Service(name); ok {
		return p.view.CallersAddress(s)
	}
	return ""
}

func (p *servicesPage) tallyText(filtered bool) string {
	if filtered {
		return fmt.Sprintf(lang.L("%d of %d"), len(p.found), len(p.view.Services))
	}
	return fmt.Sprint(len(p.view.Services))
}

// reselect keeps the selected service selected where it now stands.
func (p *servicesPage) reselect() {
	for i, s := range p.found {
		if s.Name == p.selected {
			p.list.Select(i)
			p.detail.show(s)
			return
		}
	}
	p.selected = ""
	p.list.UnselectAll()
	p.detail.hide()
}

// choose shows the service of a row.
func (p *servicesPage) choose(i int) {
	if i >= len(p.found) {
		return
	}
	if p.selected != p.found[i].Name {
		p.note.clear()
	}
	p.selected = p.found[i].Name
	p.detail.show(p.found[i])
}

// open selects a service by name and scrolls to it.
func (p *servicesPage) open(name string) {
	p.selected = name
	p.reselect()
}

// saved says that a service was saved, and shows it.
func (p *servicesPage) saved(name string) {
	p.search.SetText("")
	p.draw(p.backend.View())
	p.open(name)
	p.note.say(markGood, "", lang.L("Saved. The proxy runs with it."), p.note.dismiss())
}

// remove deletes a service, after the person confirmed it.
func (p *servicesPage) remove(name string) {
	p.detail.working(true)
	var gone *backend.Deleted
	p.loop.run(fmt.Sprintf(lang.L("Deleting %s…"), name), func(ctx context.Context) (err error) {
		gone, err = p.backend.Delete(ctx, name)
		return err
	}, func(err error) {
		p.detail.working(false)
		if err != nil {
			p.note.say(markFailed, fmt.Sprintf(lang.L("%s was not deleted"), name), backend.Sentence(err.Error()), p.note.dismiss())
			return
		}
		if p.selected == name {
			p.selected = ""
		}
		p.draw(p.backend.View())
		p.removed(gone)
	})
}

// key is what the page does with a key.
func (p *servicesPage) key(k fyne.KeyName) bool {
	if k == fyne.KeyDelete && p.detail.root.Visible() && !p.detail.del.Disabled() {
		p.detail.confirm()
		return true
	}
	if k != fyne.KeyEscape {
		return false
	}
	switch {
	case p.detail.asking():
		p.detail.keep()
	case p.detail.setup.Visible():
		p.detail.closeKit()
	case p.search.Text != "":
		p.search.SetText("")
	default:
		p.selected = ""
		p.reselect()
	}
	return true
}
