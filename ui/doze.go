package ui

import "time"

const (
	// dozeTime is how long the window's thread rests at a time.
	dozeTime = 400 * time.Millisecond
	// napTime is that for pasteTime after something was copied: as long, some times
	// over, waits another program that pastes it.
	napTime   = 50 * time.Millisecond
	pasteTime = 2 * time.Minute
	// dozeBreak lets the thread look at what came meanwhile.
	dozeBreak = 20 * time.Millisecond
	// settleTime is how long the desktop may still speak of a window that went away.
	settleTime = 2 * time.Second
	// awakeTime is between two looks whether there is a window.
	awakeTime = time.Second
)

// rest is how long the window's thread may rest at a time: not at all while there is a
// window.
func (w *window) rest() time.Duration {
	switch {
	case w.visible || w.asker.up:
		return 0
	case !w.copiedAt.IsZero() && time.Since(w.copiedAt) < pasteTime:
		return napTime
	}
	return dozeTime
}

// foreground is when Fyne says that a window has the keyboard: the window may have been
// shown by another than us. Of one that goes away Fyne says it too, once more.
func (w *window) foreground() {
	if !w.asker.up && time.Since(w.hiddenAt) > settleTime {
		w.visible = true
	}
}

// doze rests the window's thread as long as rest says, which is asked there: Fyne's would
// look for input and for what to draw sixty times a second, also when there is no window.
// What is to run on the thread ends the rest at once.
func (l *loop) doze(rest func() time.Duration) {
	l.wg.Go(func() {
		for pause := dozeBreak; l.sleep(pause); {
			rested := make(chan struct{}, 1)
			l.do(func() {
				defer func() { rested <- struct{}{} }()
				long := rest()
				if pause = awakeTime; l.ctx.Err() != nil || long == 0 {
					return
				}
				pause = dozeBreak
				select {
				case <-time.After(long):
				case <-l.stir:
				case <-l.ctx.Done():
				}
			})
			if !l.wait(rested) {
				return
			}
		}
	})
}
