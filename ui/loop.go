package ui

import (
	"context"
	"errors"
	"sync"
	"time"

	"lockbox/ui/backend"
)

// lateTime is how long something may take before a word is due.
const lateTime = 300 * time.Millisecond

// drawEvery keeps a busy proxy from redrawing the window at each call.
const drawEvery = 100 * time.Millisecond

// loop is the one place that starts goroutines for the window and hops back to
// its thread. What it is given to run may block; what comes after runs on the
// window's thread.
type loop struct {
	ctx    context.Context
	cancel context.CancelFunc
	do     func(func()) // has a func run on the window's thread, as long as there is one: fyne.Do
	wg     sync.WaitGroup
	stir   chan struct{} // something is to run on the window's thread, see doze

	// Of the window's thread.
	busy   []string // labels of the jobs under way
	onBusy func(label string)
}

func newLoop(ctx context.Context, do func(func())) *loop {
	l := &loop{do: do, stir: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(ctx)
	return l
}

// run starts a job: work on a goroutine, then on the window's thread. The label
// says in the status line what goes on; "" is for what needs no word. The job
// can be cancelled and is when the window ends; then then is not called.
func (l *loop) run(label string, work func(context.Context) error, then func(error)) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(l.ctx)
	l.begin(label)
	l.wg.Go(func() {
		defer cancel()
		err := work(ctx)
		l.hop(func() {
			l.end(label)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				err = context.Canceled
			}
			if then != nil {
				then(err)
			}
		})
	})
	return cancel
}

// late is run for what is done at once most times: the label comes when it is not.
func (l *loop) late(label string, work func(context.Context) error, then func(error)) (cancel context.CancelFunc) {
	over := make(chan struct{})
	shown, ended := false, false // of the window's thread
	cancel = l.run("", func(ctx context.Context) error {
		defer close(over)
		return work(ctx)
	}, func(err error) {
		if ended = true; shown {
			l.end(label)
		}
		if then != nil {
			then(err)
		}
	})
	l.wg.Go(func() {
		select {
		case <-time.After(lateTime):
			l.hop(func() {
				if shown = !ended; shown {
					l.begin(label)
				}
			})
		case <-over:
		case <-l.ctx.Done():
		}
	})
	return cancel
}

// hop has f run on the window's thread, unless the loop has ended: then nobody
// may touch the window. Fyne would run f right here once its thread is gone.
func (l *loop) hop(f func()) {
	if l.ctx.Err() != nil {
		return
	}
	l.do(func() {
		if l.ctx.Err() == nil {
			f()
		}
	})
	select { // after it is in the queue, or the thread could rest once more before it
	case l.stir <- struct{}{}:
	default:
	}
}

func (l *loop) begin(label string) {
	if label != "" {
		l.busy = append(l.busy, label)
		l.tellBusy()
	}
}

func (l *loop) end(label string) {
	for i, b := range l.busy {
		if b == label {
			l.busy = append(l.busy[:i], l.busy[i+1:]...)
			l.tellBusy()
			return
		}
	}
}

func (l *loop) tellBusy() {
	if l.onBusy == nil {
		return
	}
	if len(l.busy) == 0 {
		l.onBusy("")
		return
	}
	l.onBusy(l.busy[len(l.busy)-1])
}

// watch draws the backend's View now and whenever it changed, at most every
// drawEvery and never before the last drawing is done.
func (l *loop) watch(b *backend.Backend, draw func(backend.View)) {
	changed := make(chan struct{}, 1)
	changed <- struct{}{}
	b.OnChange(func() {
		select {
		case changed <- struct{}{}:
		default: // one is waiting already, and will see this change too
		}
	})
	l.wg.Go(func() {
		for l.wait(changed) {
			v := b.View()
			drawn := make(chan struct{}, 1)
			l.hop(func() { draw(v); drawn <- struct{}{} })
			if !l.wait(drawn) || !l.sleep(drawEvery) {
				return
			}
		}
	})
}

// each calls f on the window's thread for each value that comes.
func (l *loop) each(c <-chan struct{}, f func()) {
	l.wg.Go(func() {
		for l.wait(c) {
			l.hop(f)
		}
	})
}

// every calls f on the window's thread again and again.
func (l *loop) every(d time.Duration, f func()) {
	l.wg.Go(func() {
		for l.sleep(d) {
			l.hop(f)
		}
	})
}

func (l *loop) wait(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	case <-l.ctx.Done():
		return false
	}
}

func (l *loop) sleep(d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-l.ctx.Done():
		return false
	}
}

// stop cancels the jobs and waits until none is left.
func (l *loop) stop() {
	l.cancel()
	l.wg.Wait()
}
