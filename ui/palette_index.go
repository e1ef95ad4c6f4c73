package ui

import (
	"context"
	"slices"
	"strings"
	"time"

	"fyne.io/fyne/v2/lang"
	"github.com/sahilm/fuzzy"

	"lockbox/ui/backend"
)

const (
	// paletteMost is how many answers the palette lists.
	paletteMost = 200
	// commandBonus has a command come before a service that fits as well.
	commandBonus = 15
	// typedMost is how much of what is typed is looked for.
	typedMost = 100
)

// paletteIndex is what the palette finds: commands, services, tokens, and what can
// be done with each service, in this order.
type paletteIndex struct {
	commands []command
	verbs    []serviceCommand
	services []string
	tokens   []paletteToken
	texts    []string // of all of them
}

// paletteToken is a token that can be opened.
type paletteToken struct{ id, name, about string }

// answer is a line of the palette.
type answer struct {
	name, about string
	keys        string
	do          func()
}

// newPaletteIndex gathers what there is to be found. It may take a while.
func newPaletteIndex(commands []command, verbs []serviceCommand, services []backend.ServiceInfo, tokens []backend.TokenInfo) *paletteIndex {
	x := &paletteIndex{commands: commands, verbs: verbs, services: make([]string, len(services))}
	x.texts = make([]string, 0, len(commands)+len(services)*(1+len(verbs))+len(tokens))
	for _, c := range commands {
		x.texts = append(x.texts, c.name)
	}
	for i, s := range services {
		x.services[i] = s.Name
		x.texts = append(x.texts, s.Name)
	}
	now := time.Now()
	for _, t := range tokens {
		if !t.Live(now) {
			continue
		}
		k := paletteToken{id: t.ID, name: visible(tokenName(t))}
		if t.Label != "" {
			k.about = visible(tokenFor(t))
		}
		x.tokens = append(x.tokens, k)
		x.texts = append(x.texts, strings.TrimSuffix(k.name+" "+k.about, " "))
	}
	for _, v := range verbs {
		before, after, _ := strings.Cut(v.name, "%s")
		for _, name := range x.services {
			x.texts = append(x.texts, before+name+after)
		}
	}
	return x
}

// find returns what fits words best, the best first; without any it is the
// commands and services as they are. It ends early when ctx does.
func (x *paletteIndex) find(ctx context.Context, typed string) []int {
	words := strings.Fields(typed[:min(len(typed), typedMost)])
	if len(words) == 0 {
		return x.first()
	}
	score := make([]int32, len(x.texts))
	left := x.fits(ctx, words[0], nil, score)
	for _, w := range words[1:] { // in any order
		left = x.fits(ctx, w, left, score)
	}
	slices.SortStableFunc(left, func(a, b int) int { return int(score[b] - score[a]) })
	return slices.Clone(left[:min(len(left), paletteMost)])
}

// first is what is listed before anything is typed.
func (x *paletteIndex) first() []int {
	out := make([]int, min(paletteMost, len(x.commands)+len(x.services)))
	for i := range out {
		out[i] = i
	}
	return out
}

// fits are those of some texts, nil for all, that a word fits. It adds to their
// scores.
func (x *paletteIndex) fits(ctx context.Context, word string, some []int, score []int32) []int {
	n, at := len(some), func(i int) int { return some[i] }
	if some == nil {
		n, at = len(x.texts), func(i int) int { return i }
	}
	found := fuzzy.FindFromIterNoSort(word, func(yield func(string) bool) {
		for i := range n {
			if i%1024 == 0 && ctx.Err() != nil || !yield(x.texts[at(i)]) {
				return
			}
		}
	})
	out := make([]int, len(found))
	for i, m := range found {
		k := at(m.Index)
		out[i] = k
		score[k] += int32(m.Score + x.bonus(k)) //nolint:gosec // texts and words are short
	}
	return out
}

// bonus is what one is worth beside how well it fits: a command the most, and what is
// done with a service as much as the service, in the order of the verbs.
func (x *paletteIndex) bonus(i int) int {
	if i < len(x.commands) {
		return commandBonus
	}
	if i -= len(x.commands) + len(x.services) + len(x.tokens); i < 0 {
		return 0
	}
	verb := i / len(x.services)
	return len(x.verbs[verb].name) - len("%s") - verb - 1
}

// answer is what is shown of one that was found, and done when it is chosen.
func (x *paletteIndex) answer(w *window, i int) answer {
	if i < len(x.commands) {
		c := x.commands[i]
		a := answer{name: c.name, do: c.do}
		if len(c.keys) > 0 {
			a.keys = c.keys[0].String()
		}
		return a
	}
	name := x.texts[i]
	if i -= len(x.commands); i < len(x.services) {
		return answer{name: name, about: lang.L("Service"), do: func() { w.showService(name) }}
	}
	if i -= len(x.services); i < len(x.tokens) {
		t := x.tokens[i]
		about := lang.L("Token")
		if t.about != "" {
			about += " · " + t.about
		}
		return answer{name: t.name, about: about, do: func() { w.showToken(t.id) }}
	}
	i -= len(x.tokens)
	verb, service := x.verbs[i/len(x.services)], x.services[i%len(x.services)]
	return answer{name: name, do: func() { verb.do(service) }}
}

// showService selects a service on its page, unless a form is open there.
func (w *window) showService(name string) {
	w.openServices()
	if w.onList() {
		w.services.search.SetText("")
		w.services.open(name)
		w.focus(w.services.list)
	}
}

// showToken selects a token on its page, whatever that was narrowed to.
func (w *window) showToken(id string) {
	w.tokens.state.SetSelected(lang.L(allTokens))
	w.tokens.search.SetText("")
	w.tokens.wantedID = id
	w.open(pageTokens)
	w.focus(w.tokens.list)
}
