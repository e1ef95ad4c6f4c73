package ui

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// What the tokens page can be narrowed to.
const (
	liveTokens  = "Good"
	newTokens   = "Used anew"
	soonTokens  = "Expire soon"
	endedTokens = "Ended"
	allTokens   = "All"
)

// tokensPage lists the tokens that are out. Beside the list is the token that is
// selected, or the form of a new one.
type tokensPage struct {
	*face
	root fyne.CanvasObject

	shown    bool // the page is
	known    uint64
	read     bool
	reading  bool
	owed     bool // it is to be read once more
	all      []backend.TokenInfo
	found    []backend.TokenInfo
	now      time.Time
	chosen   string // the ID of the selected one
	wantedID string // the one to select when the list is read

	note    *strip
	tally   *line
	search  *entry
	state   *choice
	list    *list
	listBox *fyne.Container
	nothing *line
	empty   *fyne.Container

	first, unsearch *button // of the empty list
	side            *fyne.Container
	detail          *tokenDetail
	maker           *tokenMaker
}

func newTokensPage(f *face) *tokensPage {
	p := &tokensPage{face: f, note: newStrip(f.keys), tally: muted("")}
	add := newButton(f.keys, lang.L("New token"), theme.ContentAddIcon(), func() { p.make("", "") }).primary()
	p.search = newEntry(f.keys)
	p.search.SetPlaceHolder(lang.L("Label, service, audience or id"))
	p.search.Icon = theme.SearchIcon()
	p.search.OnChanged = func(string) { p.filter() }
	p.state = newChoice(f.keys, []string{lang.L(liveTokens), lang.L(newTokens), lang.L(soonTokens), lang.L(endedTokens), lang.L(allTokens)}, nil)
	p.state.SetSelected(lang.L(liveTokens))
	p.state.OnChanged = func(string) { p.filter() }
	p.list = newList(f.keys, func() int { return len(p.found) },
		func() fyne.CanvasObject { return newTokenRow(f) },
		func(i int, o fyne.CanvasObject) {
			if i < len(p.found) {
				o.(*tokenRow).set(p.found[i], p.now)
			}
		})
	p.list.OnSelected = func(i int) { p.choose(i) }
	p.list.at = p.chosenRow
	p.list.steps = func(i int) { p.list.Select(i) }
	p.list.enter = func(int) { p.detail.focusFirst() }
	p.nothing = muted("")
	p.first = newButton(f.keys, lang.L("New token"), theme.ContentAddIcon(), func() { p.make("", "") })
	p.unsearch = newButton(f.keys, lang.L("Show all tokens"), nil, p.showAll)
	p.empty = emptyBox(theme.AccountIcon(), p.nothing, p.first, p.unsearch)
	p.empty.Hide()
	p.detail, p.maker = newTokenDetail(f, p), newTokenMaker(f, p.showSide, p.refresh)
	p.side = container.NewStack(p.detail.root, inset(0, 0, gap, 0, wide(detailWidth, p.maker.root)))
	p.side.Hide()
	p.listBox = container.NewBorder(nil, nil, nil, p.side, tight(container.NewStack(p.list, p.empty)))
	brake := newButton(f.keys, lang.L("Panic…"), theme.WarningIcon(), p.askPanic).quiet()
	head := ends(row(gap, title(lang.L("Tokens")), inset(titleDrop, 0, 0, 0, p.tally)), brake, wide(130, frame(p.state)), wide(240, p.search), add)
	p.root = container.NewBorder(pageHead(head, p.note.root), nil, nil, nil, p.listBox)
	return p
}

// open shows the page.
func (p *tokensPage) open() {
	p.shown = true
	p.refresh()
}

// draw follows a new View.
func (p *tokensPage) draw(v backend.View) {
	p.maker.draw(v)
	if p.shown && (!p.read || p.known != v.Tokens) {
		p.refresh()
	}
}

// tick keeps the calls and the times true.
func (p *tokensPage) tick() {
	if p.shown {
		p.refresh()
	}
}

// refresh reads the list anew: copying 100,000 tokens takes a moment. The same list is
// drawn again when what it says of times may be stale.
func (p *tokensPage) refresh() {
	if p.reading {
		p.owed = true
		return
	}
	p.reading, p.owed = true, false
	var all []backend.TokenInfo
	known, was, again := p.backend.View().Tokens, p.all, p.read
	p.loop.run("", func(context.Context) error {
		all = p.backend.Tokens()
		again = again && reflect.DeepEqual(all, was)
		return nil
	}, func(error) {
		p.reading, p.read, p.known = false, true, known
		if p.owed {
			defer p.refresh()
		}
		if again && p.wantedID == "" && (len(all) == 0 || time.Since(p.now) < stale) {
			return
		}
		p.all = all
		p.filter()
		p.find()
	})
}

// filter finds what the search field and the choice ask for.
func (p *tokensPage) filter() {
	p.now = time.Now()
	want := strings.ToLower(strings.TrimSpace(p.search.Text))
	p.found = p.found[:0:0]
	for _, t := range p.all {
		if p.wanted(t) && (want == "" || matches(t, want)) {
			p.found = append(p.found, t)
		}
	}
	p.tally.set(fmt.Sprint(len(p.found)), "")
	if len(p.found) != len(p.all) {
		p.tally.set(fmt.Sprintf(lang.L("%d of %d"), len(p.found), len(p.all)), "")
	}
	p.nothing.set(p.emptyText(want), "")
	p.empty.Hidden = len(p.found) > 0 || !p.read
	p.first.Hidden, p.unsearch.Hidden = len(p.all) > 0, len(p.all) == 0
	p.reselect()
	p.list.Refresh()
	p.listBox.Refresh()
}

// showAll takes back what the list leaves out.
func (p *tokensPage) showAll() {
	p.search.SetText("")
	p.state.SetSelected(lang.L(allTokens))
}

func (p *tokensPage) emptyText(want string) string {
	switch {
	case want != "":
		return fmt.Sprintf(lang.L("No token matches “%s”."), strings.TrimSpace(p.search.Text))
	case len(p.all) == 0:
		return lang.L("No tokens are out. A workflow platform needs one for each service that it calls.")
	}
	return lang.L("There is none here.")
}

func (p *tokensPage) wanted(t backend.TokenInfo) bool {
	live := t.Live(p.now)
	switch p.state.Selected {
	case lang.L(newTokens):
		return live && len(t.Sights) > 0
	case lang.L(soonTokens):
		return live && t.Expires.Sub(p.now) < soon
	case lang.L(endedTokens):
		return !live
	case lang.L(allTokens):
		return true
	}
	return live
}

func matches(t backend.TokenInfo, want string) bool {
	return strings.Contains(strings.ToLower(t.Label), want) || strings.Contains(strings.ToLower(t.Service), want) ||
		strings.Contains(t.ID, want) ||
		slices.ContainsFunc(t.Audience, func(a string) bool { return strings.Contains(strings.ToLower(a), want) })
}

func (p *tokensPage) chosenRow() int {
	return slices.IndexFunc(p.found, func(t backend.TokenInfo) bool { return t.ID == p.chosen })
}

// find selects the token that was asked for before the list was read.
func (p *tokensPage) find() {
	i := slices.IndexFunc(p.found, func(t backend.TokenInfo) bool { return t.ID == p.wantedID })
	if p.wantedID != "" && i >= 0 {
		p.list.Select(i)
	}
	p.wantedID = ""
}

// reselect keeps the selected token selected where it now stands.
func (p *tokensPage) reselect() {
	i := p.chosenRow()
	if i < 0 {
		p.list.UnselectAll()
		if t, ok := p.backend.TokenByID(p.chosen); ok && p.detail.root.Visible() {
			p.detail.show(t, p.now) // it was revoked while it is looked at
			return
		}
		p.chosen = ""
		p.detail.root.Hide()
		p.showSide()
		return
	}
	p.list.Select(i)
	p.detail.show(p.found[i], p.now)
}

func (p *tokensPage) choose(i int) {
	if i >= len(p.found) {
		return
	}
	if p.chosen != p.found[i].ID {
		p.note.clear()
		p.detail.ask.clear()
	}
	p.chosen = p.found[i].ID
	p.maker.close()
	p.detail.show(p.found[i], p.now)
	p.detail.root.Show()
	p.showSide()
}

// make opens the form of a new token.
func (p *tokensPage) make(service, audience string) {
	p.chosen = ""
	p.list.UnselectAll()
	p.detail.root.Hide()
	p.maker.begin(service, audience)
	p.showSide()
	p.maker.focusFirst()
}

// showSide makes room for what is beside the list, or takes it away.
func (p *tokensPage) showSide() {
	p.side.Hidden = !p.detail.root.Visible() && !p.maker.root.Visible()
	p.listBox.Refresh()
}

// revoke ends tokens by what a job does, and says how many.
func (p *tokensPage) revoke(label string, do func(context.Context) (int, error)) {
	p.detail.working(true)
	n := 0
	p.loop.run(label, func(ctx context.Context) (err error) {
		n, err = do(ctx)
		return err
	}, func(err error) {
		p.detail.working(false)
		p.detail.ask.clear()
		if err != nil {
			p.note.say(markFailed, lang.L("Nothing was revoked"), backend.Sentence(err.Error()), p.note.dismiss())
			return
		}
		p.note.say(markGood, "", fmt.Sprintf(lang.L("Revoked: %s. The next call with one is refused."), count(n, "token")), p.note.dismiss())
		p.refresh()
	})
}

// accept says that the new use of a token was the person's own.
func (p *tokensPage) accept(id string) {
	p.detail.working(true)
	p.loop.run(lang.L("Noting that it was you…"), func(ctx context.Context) error { return p.backend.AcceptToken(ctx, id) }, func(err error) {
		p.detail.working(false)
		if err != nil {
			p.note.say(markFailed, lang.L("That was not noted"), backend.Sentence(err.Error()), p.note.dismiss())
			return
		}
		p.note.say(markGood, "", lang.L("The token is good, and what was new about its use is known from now on."), p.note.dismiss())
		p.refresh()
	})
}

// askPanic says what a panic would end, and asks.
func (p *tokensPage) askPanic() {
	plan := p.backend.PanicPlan()
	text := lang.L("The proxy is paused, every token is revoked and the signing key replaced, at once. ")
	if plan.Tokens == 0 {
		text += lang.L("No token on the list is good now.")
	} else {
		text += fmt.Sprintf(lang.L("%s stop working, for %s, with %s."), count(plan.Tokens, "token"), few(plan.Services), few(plan.Audiences))
	}
	p.note.say(markWarning, lang.L("Shut everyone out?"), fmt.Sprintf(lang.L("%s It cannot be undone: platforms need new tokens afterwards."), text),
		action{label: lang.L("Shut everyone out"), do: p.panic}, action{label: lang.L("Keep"), do: p.note.clear, first: true})
}

// few names some of many.
func few(names []string) string {
	const some = 5
	if len(names) > some {
		return strings.Join(names[:some], ", ") + fmt.Sprintf(lang.L(" and %d more"), len(names)-some)
	}
	return strings.Join(names, ", ")
}

func (p *tokensPage) panic() {
	p.note.say(markInfo, lang.L("Shutting everyone out…"), "")
	p.loop.run(lang.L("Shutting everyone out…"), p.backend.Panic, func(err error) {
		p.refresh()
		if err != nil {
			p.note.say(markFailed, lang.L("Calls are paused, but not all was done"), backend.Sentence(err.Error()), action{label: lang.L("Try again"), do: p.panic}, p.note.dismiss())
			return
		}
		p.note.say(markGood, lang.L("Everyone is shut out"), lang.L("Calls are paused, every token is revoked and the signing key is new. Resume when it is safe, and make new tokens."), p.note.dismiss())
	})
}

// key is what the page does with a key.
func (p *tokensPage) key(k fyne.KeyName) bool {
	if k == fyne.KeyDelete && p.detail.root.Visible() && p.detail.one.Visible() {
		p.detail.askOne()
		return true
	}
	if k != fyne.KeyEscape {
		return false
	}
	switch {
	case p.maker.root.Visible():
		p.maker.close()
	case p.detail.ask.root.Visible():
		p.detail.ask.clear()
	case p.note.asks():
		p.note.clear()
	case p.search.Text != "":
		p.search.SetText("")
	default:
		p.chosen = ""
		p.detail.root.Hide()
		p.list.UnselectAll()
	}
	p.showSide()
	return true
}
