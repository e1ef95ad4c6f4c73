package ui

import (
	"context"
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// controlPart is what a service holds its callers to beside its rules: limits, the
// guards against duplicates and leaks, and what becomes of tokens that drift.
type controlPart struct {
	*face
	root    fyne.CanvasObject
	service string
	begun   backend.Control

	all, each *limitPart
	some      *prose // of the tokens that have limits of their own
	used      *prose
	stop      context.CancelFunc

	once   *check
	window *entry
	within *field
	leak   *choice
	drift  *choice
}

var leakLabels = []struct {
	label string
	guard backend.LeakGuard
}{
	{"Replace the key", backend.LeakGuardOn},
	{"Replace it, and let nothing pass that cannot be read", backend.LeakGuardStrict},
	{"Pass answers on as they are", backend.LeakGuardOff},
}

// asSet is the choice of what the settings say.
const asSet = "As in the settings"

func newControlPart(f *face, service string, c backend.Control, changed func(), shown func(fyne.CanvasObject)) *controlPart {
	p := &controlPart{face: f, service: service, begun: c, some: newProse("", theme.SizeNameCaptionText, colorMuted), used: newProse("", theme.SizeNameCaptionText, colorMuted)}
	p.all = newLimitPart(f, lang.L("All callers together"), c.Limits, changed, shown)
	p.each = newLimitPart(f, lang.L("Each token by itself"), c.EachToken, changed, shown)
	if n := len(c.TokenLimits); n > 0 {
		p.some.set(fmt.Sprintf(lang.L("%s with limits of its own: see token_limits in the config."), count(n, "token or audience")), "")
	}
	limits := group(lang.L("Limits"), lang.L("Calls beyond them get 429 and are told when to come again. Writes are all but GET, HEAD and OPTIONS. Days and months are UTC's."),
		container.NewGridWithColumns(2, p.all.root, p.each.root), p.some.root, p.used.root)

	p.window = newEntry(f.keys)
	p.window.SetPlaceHolder("10m")
	p.window.SetText("10m")
	p.once = newCheck(f.keys, lang.L("Do not make the same call twice"), func(bool) { p.check(); changed() })
	if c.Duplicates > 0 {
		p.window.SetText(backend.WindowText(c.Duplicates))
		p.once.SetChecked(true)
	}
	p.window.OnChanged = func(string) { p.check(); changed() }
	p.window.focused = func() { shown(p.window) }
	p.within = newNarrowField("", lang.L("A call that writes, made again within that time or with the same Idempotency-Key, gets the first one's answer."),
		container.NewHBox(p.once, wide(96, p.window)))
	p.leak = newChoice(f.keys, nil, func(string) { changed() })
	for _, l := range leakLabels {
		p.leak.Options = append(p.leak.Options, lang.L(l.label))
		if l.guard == c.LeakGuard {
			p.leak.Selected = lang.L(l.label)
		}
	}
	p.drift = newChoice(f.keys, append([]string{lang.L(asSet)}, driftLabels()...), func(string) { changed() })
	if p.drift.Selected = lang.L(asSet); c.Drift != "" {
		p.drift.Selected = driftLabel(c.Drift)
	}
	for _, x := range []*choice{p.leak, p.drift} {
		x.focused = func() { shown(x) }
	}
	guards := group(lang.L("Guards"), "",
		p.within.root,
		newNarrowField(lang.L("When an answer holds the key"), lang.L("A hit is on record and told of. What is packed or encoded is looked into as well."), atMost(fieldWidth, frame(p.leak))).root,
		newNarrowField(lang.L("When a token is used in a new way"), lang.L("From a new network, by another program, at an unusual hour."), atMost(fieldWidth, frame(p.drift))).root)
	p.root = column(gap, limits, guards)
	p.look(0)
	return p
}

// value is what is filled in, but for the rules; ok is false while it is none.
func (p *controlPart) value() (c backend.Control, ok bool) {
	c = p.begun
	var all, each bool
	c.Limits, all = p.all.value()
	c.EachToken, each = p.each.value()
	var err error
	if c.Duplicates = 0; p.once.Checked {
		c.Duplicates, err = backend.ParseWindow(p.window.Text)
	}
	for _, l := range leakLabels {
		if lang.L(l.label) == p.leak.Selected {
			c.LeakGuard = l.guard
		}
	}
	c.Drift = driftChoice(p.drift.Selected)
	return c, all && each && err == nil
}

// check says at the fields what is wrong with them.
func (p *controlPart) check() {
	if p.within == nil {
		return // still being built
	}
	p.all.check()
	p.each.check()
	if _, err := backend.ParseWindow(p.window.Text); p.once.Checked && err != nil {
		p.within.say(markFailed, backend.Sentence(err.Error()))
	} else {
		p.within.say(markNone, "")
	}
}

// lookEvery is how often it is asked how far the limits are used.
const lookEvery = time.Second

// look shows how far the limits are used, from now on until stop.
func (p *controlPart) look(after time.Duration) {
	var uses []backend.LimitUse
	p.stop = p.loop.run("", func(ctx context.Context) error {
		select {
		case <-time.After(after):
		case <-ctx.Done():
			return ctx.Err()
		}
		uses = p.backend.Limits()
		return nil
	}, func(err error) {
		if err != nil {
			return // stopped
		}
		p.used.set(usedLimits(uses, p.service, time.Now()), "")
		p.look(lookEvery)
	})
}

func (p *controlPart) disable(yes bool) {
	p.all.disable(yes)
	p.each.disable(yes)
	for _, o := range []fyne.Disableable{p.once, p.window, p.leak, p.drift} {
		setDisabled(o, yes)
	}
}
