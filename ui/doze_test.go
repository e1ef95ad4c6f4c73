package ui

import (
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"
)

// TestDoze: the window's thread rests while there is no window, and what is to run
// there need not wait for it.
func TestDoze(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		queue, turns := make(chan func(), 100), 0
		l := newLoop(t.Context(), func(f func()) { queue <- f })
		done := make(chan struct{})
		thread := make(chan struct{})
		go func() {
			defer close(thread)
			for tick := time.NewTicker(time.Second / 60); ; { // as Fyne's does
				select {
				case f := <-queue:
					f()
				case <-tick.C:
					turns++
				case <-done:
					return
				}
			}
		}()
		var rest atomic.Int64
		rest.Store(int64(dozeTime))
		l.doze(func() time.Duration { return time.Duration(rest.Load()) })
		count := func() (n int) {
			got := make(chan int)
			queue <- func() { got <- turns }
			return <-got
		}
		before := count()
		time.Sleep(10 * time.Second)
		if n := count() - before; n > 80 || n < 20 {
			t.Errorf("%d turns in ten seconds without a window, want 600 to be far less", n)
		}
		for range 50 { // at any moment of the rest
			began, ran := time.Now(), make(chan time.Duration, 1)
			l.hop(func() { ran <- time.Since(began) })
			if late := <-ran; late > time.Millisecond {
				t.Errorf("what was to run waited %v", late)
			}
			time.Sleep(37 * time.Millisecond)
		}
		rest.Store(0)
		time.Sleep(dozeTime)
		before = count()
		time.Sleep(10 * time.Second)
		if n := count() - before; n < 590 {
			t.Errorf("%d turns in ten seconds with a window", n)
		}
		l.stop()
		close(done)
		<-thread
	})
}

// TestForeground: a window that was just hidden is not taken for one that is shown, or
// its thread would never rest again.
func TestForeground(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &window{face: &face{}, asker: &asker{}}
		at := func(when string, d, want time.Duration) {
			t.Helper()
			time.Sleep(d)
			w.foreground()
			if got := w.rest(); got != want {
				t.Errorf("%s: the thread rests %v, want %v", when, got, want)
			}
		}
		at("shown by another than us", 0, 0)
		w.visible, w.hiddenAt = false, time.Now()
		at("told once more of a window that went away", settleTime/2, dozeTime)
		at("shown again", settleTime, 0)
		w.visible, w.asker.up = false, true
		at("a question is shown", time.Hour, 0)
		w.asker.up, w.hiddenAt = false, time.Now()
		at("the question was closed", settleTime/2, dozeTime)
	})
}
