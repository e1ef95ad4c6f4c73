package cli

import (
	"context"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"lockbox/ui/backend"
)

const (
	// endTime is how long the program may take to end once it was asked to.
	endTime = 10 * time.Second
	// echoTime is how soon a second signal is still the first one: timeout(1) and
	// others send theirs to the process and then to its group.
	echoTime = 500 * time.Millisecond
)

// signals turns what the system asks of a server into a context and a channel.
type signals struct {
	ctx    context.Context // ends with the first SIGINT or SIGTERM
	reload chan struct{}   // SIGHUP

	cancel context.CancelFunc
	got    chan os.Signal
	done   chan struct{}
	wg     sync.WaitGroup
}

// newSignals watches for signals until stop. Who asks twice, or waits longer
// than endTime, has the program ended by exit at once: a server that hangs must
// not need SIGKILL.
func newSignals(t Terminal, exit func(code int)) *signals {
	s := watchSignals(make(chan os.Signal, 4), t, exit)
	signal.Notify(s.got, os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	return s
}

func watchSignals(got chan os.Signal, t Terminal, exit func(code int)) *signals {
	s := &signals{reload: make(chan struct{}, 1), got: got, done: make(chan struct{})}
	s.ctx, s.cancel = context.WithCancel(context.Background())
	s.wg.Go(func() { s.watch(t, exit) })
	return s
}

func (s *signals) watch(t Terminal, exit func(code int)) {
	var (
		asked time.Time
		late  <-chan time.Time
	)
	for {
		select {
		case sig := <-s.got:
			switch {
			case sig == syscall.SIGHUP:
				select {
				case s.reload <- struct{}{}:
				default: // one is waiting already
				}
			case late == nil:
				t.say("Stopping: calls under way may finish. Ask again to stop at once.")
				asked, late = time.Now(), time.After(endTime)
				s.cancel()
			case time.Since(asked) > echoTime:
				t.say("Stopped at once.")
				exit(exitFailed)
				return
			}
		case <-late:
			t.say("Stopped: it took longer than %v.", endTime)
			exit(exitFailed)
			return
		case <-s.done:
			return
		}
	}
}

// obey reads the config anew at each SIGHUP, until ctx ends.
func (s *signals) obey(ctx context.Context, t Terminal, b *backend.Backend) {
	for {
		select {
		case <-s.reload:
			if err := b.Reload(ctx); err != nil {
				t.say("The config was not reloaded, the old one goes on: %v", err)
				continue
			}
			t.say("The config was reloaded: %s.", count(len(b.View().Services), "service"))
		case <-ctx.Done():
			return
		}
	}
}

// stop gives the signals their usual meaning back.
func (s *signals) stop() {
	signal.Stop(s.got)
	close(s.done)
	s.wg.Wait()
	s.cancel()
}
