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
