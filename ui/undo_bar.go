package ui

import (
	"context"
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

const (
	// undoTime is how long a deleted service can be brought back, and its keys are in
	// memory.
	undoTime = 20 * time.Second
	// undoStep is how often the bar shows what is left of that.
	undoStep = 250 * time.Millisecond
)

// undoBar is above every page for a while after a service was deleted, and brings
// it back.
type undoBar struct {
	*face
	root    *fyne.Container
	strip   *strip
	left    *fuse
	last    time.Duration // undoTime; shorter in tests
	deleted *backend.Deleted
	until   time.Time
	working bool
	back    func(name string) // it is there again
}

func newUndoBar(f *face) *undoBar {
	u := &undoBar{face: f, strip: newStrip(f.keys), left: newFuse(), last: undoTime}
	u.root = inset(gap, 0, pageMargin, pageMargin, column(gapTight, u.strip.root, u.left))
	u.root.Hide()
	return u
}

// offered reports whether something can be brought back.
func (u *undoBar) offered() bool { return u.deleted != nil && !u.working }

// offer says what was deleted, and offers to bring it back. What was deleted before
// that is gone for good.
func (u *undoBar) offer(d *backend.Deleted) {
	u.forget()
	u.deleted, u.until = d, time.Now().Add(u.last)
	u.strip.say(markInfo, fmt.Sprintf(lang.L("%s was deleted"), d.Name), fmt.Sprintf(lang.L("Its tokens open nothing any more. %s brings it back, with its keys."), ctrl(fyne.KeyZ)),
		action{label: lang.L("Undo"), icon: theme.ContentUndoIcon(), do: u.bringBack}, action{label: lang.L("Close"), do: u.forget})
	u.left.set(1, theme.ColorNamePrimary)
	u.root.Show()
	u.root.Refresh()
	u.wait(d)
}

// wait lets go of the keys when the time is over.
func (u *undoBar) wait(d *backend.Deleted) {
	u.loop.run("", func(ctx context.Context) error {
		select {
		case <-time.After(undoStep):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, func(err error) {
		left := time.Until(u.until)
		switch {
		case u.deleted != d, err != nil:
		case left <= 0 && !u.working:
			u.forget()
		default:
			u.left.set(float32(left)/float32(u.last), theme.ColorNamePrimary)
			u.wait(d)
		}
	})
}

// draw lets go of the keys when Lockbox is locked: none is to be in memory then.
func (u *undoBar) draw(v backend.View) {
	if v.Locked && u.offered() {
		u.forget()
	}
}

// forget has what was deleted gone for good.
func (u *undoBar) forget() {
	if u.deleted == nil || u.working {
		return
	}
	u.deleted.Forget()
	u.deleted = nil
	u.strip.clear()
	u.root.Hide()
	u.root.Refresh()
}

// bringBack undoes the deletion.
func (u *undoBar) bringBack() {
	if !u.offered() {
		return
	}
	u.working = true
	d := u.deleted
	u.loop.run(fmt.Sprintf(lang.L("Bringing back %s…"), d.Name), func(ctx context.Context) error { return u.backend.Undelete(ctx, d) }, func(err error) {
		u.working = false
		if u.deleted != d { // another was deleted meanwhile, and is what is offered
			defer d.Forget()
		}
		if err != nil { // it can be tried again while there is time
			u.say(markFailed, backend.Sentence(err.Error()))
			return
		}
		if u.deleted == d {
			u.forget()
		}
		u.say(markGood, fmt.Sprintf(lang.L("%s is back, with its keys."), d.Name))
		u.back(d.Name)
	})
}
