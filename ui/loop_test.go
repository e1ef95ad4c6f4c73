package ui

import (
	"context"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// TestProgress: the window says what goes on once it takes progressAfter, and no
// more after its end; of several it says the last.
func TestProgress(t *testing.T) {
	type at struct {
		after time.Duration
		want  string
	}
	tests := []struct {
		name string
		jobs map[string]time.Duration // how long each runs
		want []at
	}{
		{"quick", map[string]time.Duration{"Saving": progressAfter / 2}, []at{{progressAfter / 4, ""}, {2 * progressAfter, ""}}},
		{"slow", map[string]time.Duration{"Saving": 3 * progressAfter}, []at{{progressAfter / 2, ""}, {2 * progressAfter, "Saving"}, {4 * progressAfter, ""}}},
		{"a quick one meanwhile", map[string]time.Duration{"Saving": 3 * progressAfter, "Reading": progressAfter / 2}, []at{{2 * progressAfter, "Saving"}, {4 * progressAfter, ""}}},
		{"without a word", map[string]time.Duration{"": 3 * progressAfter}, []at{{2 * progressAfter, ""}}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var thread sync.Mutex // the window's
				do := func(f func()) { thread.Lock(); defer thread.Unlock(); f() }
				l := newLoop(t.Context(), do)
				defer l.stop()
				said := ""
				l.onBusy = func(label string) { said = label }
				for label, d := range tt.jobs {
					do(func() { l.run(label, func(context.Context) error { time.Sleep(d); return nil }, nil) })
				}
				began := time.Now()
				for _, w := range tt.want {
					time.Sleep(w.after - time.Since(began))
					synctest.Wait()
					do(func() {
						if said != w.want {
							t.Errorf("after %v the window says %q, want %q", w.after, said, w.want)
						}
					})
				}
			})
		})
	}
}

// TestLoopEnds: what ends after the loop touches the window no more, whose thread
// may be gone.
func TestLoopEnds(t *testing.T) {
	l := newLoop(t.Context(), func(f func()) { f() })
	touched := 0
	l.onBusy = func(string) { touched++ }
	began := make(chan struct{})
	l.run("Saving", func(ctx context.Context) error {
		close(began)
		<-ctx.Done()
		return ctx.Err()
	}, func(error) { touched++ })
	<-began
	touched = 0
	l.stop()
	if touched != 0 {
		t.Errorf("the window was touched %d times after its end, want none", touched)
	}
}
