package ui

import (
	"context"
	"testing"
)

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
