package cli

import (
	"context"
	"os"
	"sync"

	"lockbox/ui/backend"
)

// Desktop runs a window over a backend: until show returns, or a signal ends its
// context, and the calls then under way are done or cut off. It returns the exit
// code. show is called on the calling goroutine, which a window's system may
// insist on.
func Desktop(t Terminal, show func(context.Context, *backend.Backend) error) int {
	signals := newSignals(t, os.Exit)
	defer signals.stop()
	o := place{}.options(t)
	o.Desktop = true
	b, err := backend.Open(signals.ctx, o)
	if err != nil {
		t.say("lockbox: %v", err)
		return exitFailed
	}
	code := exitDone
	ctx, cancel := context.WithCancel(signals.ctx)
	var wg sync.WaitGroup
	wg.Go(func() { signals.obey(ctx, t, b) })
	served := make(chan error, 1)
	go func() { served <- b.Run(ctx) }()
	err = show(ctx, b)
	cancel()
	for _, err := range []error{err, <-served, b.Close()} {
		if err != nil {
			t.say("lockbox: %v", err)
			code = exitFailed
		}
	}
	wg.Wait()
	return code
}
