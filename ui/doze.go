package ui

import "time"

const (
	// dozeTime is how long the window's thread rests at a time: as long may another
	// program wait that pastes what Lockbox put on the clipboard.
	dozeTime = 100 * time.Millisecond
	// dozeBreak lets the thread look at what came meanwhile.
	dozeBreak = 20 * time.Millisecond
	// awakeTime is between two looks whether there is a window.
	awakeTime = time.Second
)

// doze rests the window's thread while hidden, which is asked there: Fyne's would look
// for input and for what to draw sixty times a second, also when there is no window.
// What is to run on the thread ends the rest at once.
func (l *loop) doze(hidden func() bool) {
	l.wg.Go(func() {
		for pause := dozeBreak; l.sleep(pause); {
			rested := make(chan struct{}, 1)
			l.do(func() {
				defer func() { rested <- struct{}{} }()
				if pause = awakeTime; l.ctx.Err() != nil || !hidden() {
					return
				}
				pause = dozeBreak
				select {
				case <-time.After(dozeTime):
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
