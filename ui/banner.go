package ui

import (
	"context"
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// banner is above every page while something keeps Lockbox from its work.
type banner struct {
	*face
	root      *fyne.Container
	problem   *strip
	keychain  *strip
	unlocker  *unlocker
	dismissed string // the keychain's message that the person closed
	asking    bool   // whether the list of tokens is to be set aside
}

func newBanner(f *face) *banner {
	b := &banner{face: f, problem: newStrip(f.keys), keychain: newStrip(f.keys), unlocker: newUnlocker(f)}
	b.root = inset(gap, 0, pageMargin, pageMargin, column(gapSmall, b.problem.root, b.keychain.root, b.unlocker.root))
	b.root.Hide()
	return b
}

func (b *banner) draw(v backend.View) {
	b.drawProblem(v)
	b.drawKeychain(v)
	b.unlocker.draw(v)
	hidden := !b.problem.root.Visible() && !b.keychain.root.Visible() && !b.unlocker.root.Visible()
	if hidden != b.root.Hidden {
		b.root.Hidden = hidden
		b.root.Refresh()
	}
}

func (b *banner) drawProblem(v backend.View) {
	n := v.Problem
	b.asking = b.asking && n.Action == "aside"
	if b.asking {
		b.problem.say(markWarning, lang.L("Set the list of tokens aside?"), lang.L("The damaged file is kept beside the new one, which has what can still be read. Every token that is out is revoked, since some may have been before: platforms need new ones."),
			action{label: lang.L("Keep"), do: func() { b.ask(false) }}, action{label: lang.L("Set it aside"), do: b.setAside})
		return
	}
	if n.IsZero() || n.Action == "unlock" && locked(v) { // the unlocker says so
		b.problem.clear()
		return
	}
	var actions []action
	switch n.Action {
	case "retry":
		actions = append(actions, action{label: lang.L("Retry"), do: func() { b.retry("retry") }})
	case "aside":
		actions = append(actions, action{label: lang.L("Retry"), do: func() { b.retry("retry") }}, action{label: lang.L("Set it aside…"), do: func() { b.ask(true) }})
	case "unlock":
		actions = append(actions, action{label: lang.L("Unlock"), do: func() { b.retry("unlock") }})
	}
	b.problem.say(markFailed, n.Title, n.Text, actions...)
}

// ask asks whether the list of tokens is to be set aside, or no longer does.
func (b *banner) ask(yes bool) {
	b.asking = yes
	b.draw(b.backend.View())
	if yes {
		b.problem.focusFirst(b.window.Canvas())
	}
}

// setAside begins a new list of tokens in the place of a damaged one.
func (b *banner) setAside() {
	b.ask(false)
	copied := ""
	b.loop.run(lang.L("Setting the list of tokens aside…"), func(ctx context.Context) (err error) {
		copied, err = b.backend.SetTokensAside(ctx)
		return err
	}, func(err error) {
		switch {
		case err != nil:
			b.say(markFailed, backend.Sentence(err.Error()))
		case copied == "":
			b.say(markGood, lang.L("The list of tokens can be read again."))
		default:
			b.say(markGood, fmt.Sprintf(lang.L("Every token is revoked. The damaged list is kept as %s."), copied))
		}
	})
}

// drawKeychain speaks of the keychain where the problem above does not.
func (b *banner) drawKeychain(v backend.View) {
	k := v.Keychain
	if k.Message == "" || locked(v) || v.Problem.Action == "unlock" || k.Message == b.dismissed {
		b.keychain.clear()
		return
	}
	hide := action{label: lang.L("Hide"), do: func() { b.dismissed = k.Message; b.draw(b.backend.View()) }}
	if k.CanUnlock {
		b.keychain.say(markWarning, fmt.Sprintf(lang.L("The keychain is %s"), k.State), backend.Sentence(k.Message), action{label: lang.L("Unlock"), do: func() { b.retry("unlock") }}, hide)
		return
	}
	title := lang.L("No keychain")
	if v.Vault.File {
		title = fmt.Sprintf(lang.L("The vault file is %s"), k.State)
	}
	b.keychain.say(markWarning, title, backend.Sentence(k.Message), action{label: lang.L("Retry"), do: func() { b.retry("retry") }}, hide)
}
