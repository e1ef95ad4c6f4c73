package ui

import (
	"context"
	"errors"
	"slices"
	"sync"
	"time"

	"lockbox/ui/backend"
)

// drawEvery keeps a busy proxy from redrawing the window at each call.
const drawEvery = 100 * time.Millisecond

// tickEvery is how often what is seen is made true as time goes by.
const tickEvery = 5 * time.Second

// progressAfter is how long a job runs before the window says that it goes on:
// words that are gone at once would only flicker.
const progressAfter = 300 * time.Millisecond

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
	busy   []*job // those under way that have a label
	onBusy func(label string)
	// onDone comes after each job that has a label. What was never shown is on no canvas
	// that Fyne knows of, so that to show it paints nothing: something else has to.
	onDone func()
}

// job is what goes on, as the status line says it.
type job struct {
	label string
	slow  bool // it has run for progressAfter
}

func newLoop(ctx context.Context, do func(func())) *loop {
	l := &loop{do: do, stir: make(chan struct{}, 1)}
	l.ctx, l.cancel = context.WithCancel(ctx)
	return l
}

// run starts a job: work on a goroutine, then on the window's thread. The label
// says in the status line what goes on, after progressAfter; "" is for what needs no
// word. The job can be cancelled and is when the window ends; then then is not called.
func (l *loop) run(label string, work func(context.Context) error, then func(error)) (cancel context.CancelFunc) {
	ctx, cancel := context.WithCancel(l.ctx)
	j, ended := l.begin(label), make(chan struct{})
	l.wg.Go(func() {
		defer cancel()
		err := work(ctx)
		close(ended)
		l.hop(func() {
			l.end(j)
			if ctx.Err() != nil && errors.Is(err, context.Canceled) {
				err = context.Canceled
			}
			if then != nil {
				then(err)
			}
			if label != "" && l.onDone != nil {
				l.onDone()
			}
		})
	})
	if label != "" {
		l.wg.Go(func() { l.slowly(j, ended) })
	}
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

func (l *loop) begin(label string) *job {
	j := &job{label: label}
	if label != "" {
		l.busy = append(l.busy, j)
	}
	return j
}

// slowly has the window say what goes on unless the job ends before.
func (l *loop) slowly(j *job, ended <-chan struct{}) {
	t := time.NewTimer(progressAfter)
	defer t.Stop()
	select {
	case <-t.C:
		l.hop(func() {
			j.slow = true
			l.tellBusy()
		})
	case <-ended:
	}
}

func (l *loop) end(j *job) {
	if i := slices.Index(l.busy, j); i >= 0 {
		l.busy = slices.Delete(l.busy, i, i+1)
		if j.slow {
			l.tellBusy()
		}
	}
}

func (l *loop) tellBusy() {
	if l.onBusy == nil {
		return
	}
	label := ""
	for _, j := range l.busy {
		if j.slow {
			label = j.label
		}
	}
	l.onBusy(label)
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
