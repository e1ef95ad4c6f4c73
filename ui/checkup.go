package ui

import (
	"context"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// checkup looks at all that has to be right for Lockbox to work: what lockbox doctor
// says, as it is found.
type checkup struct {
	*face
	root     fyne.CanvasObject
	start    *button
	findings *fyne.Container
	count    map[string]int // by verdict
}

func newCheckup(f *face) *checkup {
	c := &checkup{face: f, findings: column(gapSmall)}
	c.start = newButton(f.keys, lang.L("Check everything"), theme.SearchIcon(), c.run)
	c.root = group(lang.L("Check"), lang.L("Config, keys, port, clock, upstreams and tunnel. Your services are asked for nothing, without a key."),
		container.NewHBox(c.start), c.findings)
	return c
}

func (c *checkup) run() {
	c.findings.RemoveAll()
	c.count = map[string]int{}
	c.start.Disable()
	c.loop.run(lang.L("Checking everything…"), func(ctx context.Context) error {
		c.backend.Examine(ctx, func(f backend.Finding) { c.loop.hop(func() { c.add(f) }) })
		return ctx.Err()
	}, func(err error) {
		c.start.Enable()
		switch {
		case err != nil:
			c.say(markFailed, lang.L("The check was given up."))
		case c.count[backend.Broken] > 0:
			c.say(markFailed, lang.L("The check found something to mend."))
		case c.count[backend.Doubtful] > 0:
			c.say(markWarning, lang.L("Nothing is broken, but something wants a look."))
		default:
			c.say(markGood, lang.L("All is well."))
		}
	})
}

func (c *checkup) add(f backend.Finding) {
	c.count[f.Verdict]++
	left := inset(0, 0, 0, gapSmall, newMarker(verdictMark(f.Verdict)))
	name := wide(labelWidth-markSize-gap, strong(f.Name))
	text := newProse(f.Text, theme.SizeNameText, theme.ColorNameForeground)
	c.findings.Add(container.NewBorder(nil, nil, container.NewVBox(container.NewHBox(left, name)), nil, text.root))
}

func verdictMark(verdict string) mark {
	switch verdict {
	case backend.Healthy:
		return markGood
	case backend.Doubtful:
		return markWarning
	case backend.Broken:
		return markFailed
	}
	return markInactive
}
