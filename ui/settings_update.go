package ui

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/url"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
	"lockbox/ui/update"
)

const (
	// updateEvery is at least between two looks for a new version, and updateLate how
	// much more it may be: not all Lockboxes are to ask at one moment.
	updateEvery = 24 * time.Hour
	updateLate  = 4 * time.Hour
)

// updatePart looks for new versions where the person wants that, and says so in a
// line. It never installs one.
type updatePart struct {
	*face
	root    fyne.CanvasObject // nil where another looks after new versions
	bar     *fyne.Container   // of the window, with the strip
	strip   *strip
	want    *check
	about   *prose
	version string
	asking  bool
	found   update.Release
}

func newUpdatePart(f *face, version string) *updatePart {
	p := &updatePart{face: f, version: version, strip: newStrip(f.keys), about: newProse("", theme.SizeNameCaptionText, colorMuted)}
	p.bar = inset(gap, 0, pageMargin, pageMargin, p.strip.root)
	p.bar.Hide()
	if update.Feed == "" {
		return p
	}
	p.want = newCheck(f.keys, lang.L("Look for new versions once a day"), nil)
	p.want.SetChecked(f.manners.now.Updates)
	p.want.OnChanged = p.switched
	if !update.Released(version) {
		p.about.set(lang.L("This is no released version, so none is newer."), "")
	}
	p.root = group(lang.L("New versions"), lang.L("Asks the project's page, and tells it nothing of you. Nothing is installed."), p.want, p.about.root)
	return p
}

func (p *updatePart) switched(on bool) {
	p.manners.change(func(m *backend.Manners) { m.Updates = on }, nil)
	if !on {
		p.found = update.Release{}
		p.bar.Hide()
	}
	p.tick()
}

// tick asks when it is time. That it asked is kept before it does, so that a program
// which is started again and again asks once.
func (p *updatePart) tick() {
	now, m := time.Now(), p.manners.now
	// A time that is too far away is of a clock that was wrong.
	if !m.Updates || p.asking || p.root == nil || !update.Released(p.version) || now.Before(m.Next) && m.Next.Sub(now) <= updateEvery+updateLate {
		return
	}
	p.asking = true
	p.manners.change(func(m *backend.Manners) { m.Next = now.Add(updateEvery + rand.N(updateLate)) }, func(err error) { //nolint:gosec // no secret
		if err != nil {
			p.asking = false
			p.manners.now.Updates = false // it would ask at each start
			return
		}
		p.ask()
	})
}

func (p *updatePart) ask() {
	var r update.Release
	p.loop.run("", func(ctx context.Context) (err error) {
		r, err = update.Ask(ctx, update.Feed, p.version)
		return err
	}, func(err error) {
		p.asking = false
		switch when := time.Now().Format(hourMinute); {
		case err != nil:
			p.about.set(fmt.Sprintf(lang.L("At %s: %s"), when, visible(backend.Sentence(err.Error()))), theme.ColorNameWarning)
		case r.Version == "":
			p.about.set(fmt.Sprintf(lang.L("At %s: this is the newest version."), when), "")
		default:
			p.about.set(fmt.Sprintf(lang.L("At %s: there is %s."), when, r.Version), "")
			p.offer(r)
		}
	})
}

// offer says that there is a new version, unless the person skipped it.
func (p *updatePart) offer(r update.Release) {
	if p.found = r; !p.manners.now.Updates || r.Version == p.manners.now.Skipped {
		return
	}
	title := fmt.Sprintf(lang.L("There is a new Lockbox: %s"), r.Version)
	p.strip.say(markInfo, title, "",
		action{label: lang.L("What is new"), do: func() {
			if u, err := url.Parse(r.Page); err == nil {
				p.loop.run(lang.L("Opening the page…"), func(context.Context) error { return p.app.OpenURL(u) }, func(err error) {
					if err != nil {
						p.say(markFailed, backend.Sentence(fmt.Sprintf(lang.L("the browser cannot be opened: %s"), err.Error())))
					}
				})
			}
		}},
		action{label: lang.L("Skip this version"), do: func() {
			p.manners.change(func(m *backend.Manners) { m.Skipped = r.Version }, nil)
			p.bar.Hide()
		}})
	p.bar.Show()
	p.notify(noticeUpdate, title, lang.L("Nothing is installed by itself."))
}
