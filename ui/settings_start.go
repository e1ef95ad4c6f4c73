package ui

import (
	"context"
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/autostart"
	"lockbox/ui/backend"
)

// startPart says whether Lockbox is started at login, and changes it at once: the
// desktop keeps it, and its own settings may have changed it.
type startPart struct {
	*face
	root    fyne.CanvasObject
	at      *check
	about   *prose
	program string
	state   autostart.State
	drawing bool
}

func newStartPart(f *face) *startPart {
	p := &startPart{face: f, about: newProse("", theme.SizeNameCaptionText, colorMuted)}
	p.at = newCheck(f.keys, lang.L("Start at login, with the tray icon alone"), func(on bool) { p.set(on) })
	p.root = group(lang.L("Start"), "", p.at, p.about.root)
	return p
}

// open reads how it is now.
func (p *startPart) open() {
	p.work(func() (err error) {
		if p.program, err = autostart.Program(); err == nil {
			p.state, err = autostart.Read()
		}
		return err
	})
}

// mend has a program that was moved found again.
func (p *startPart) mend() {
	p.work(func() error {
		program, err := autostart.Program()
		if err == nil {
			_, err = autostart.Repair(program)
		}
		return err
	})
}

func (p *startPart) set(on bool) {
	if p.drawing {
		return
	}
	p.work(func() (err error) {
		if p.program, err = autostart.Program(); err != nil {
			return err
		}
		err = autostart.Set(p.program, on)
		if s, readErr := autostart.Read(); readErr == nil {
			p.state = s
		}
		return err
	})
}

// work does something with the desktop's files, one at a time, and draws what came
// of it.
func (p *startPart) work(what func() error) {
	p.at.Disable()
	p.loop.run(lang.L("Asking the desktop…"), func(context.Context) error { return what() }, func(err error) {
		p.at.Enable()
		p.draw(err)
	})
}

func (p *startPart) draw(err error) {
	p.drawing = true
	p.at.SetChecked(p.state.On)
	p.drawing = false
	switch s := p.state; {
	case err != nil:
		p.about.set(backend.Sentence(err.Error()), theme.ColorNameWarning)
	case s.On && s.Program != p.program && p.program != "":
		p.about.set(fmt.Sprintf(lang.L("%s starts another Lockbox, %s. Take the tick away and set it again to start this one."), s.Place, visible(s.Program)), theme.ColorNameWarning)
	case s.On && s.System:
		p.about.set(fmt.Sprintf(lang.L("It was set up for everyone on this computer, by %s."), s.Place), "")
	default:
		p.about.set("", "")
	}
}
