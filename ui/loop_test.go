package ui

import (
	"context"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"
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

// TestLateLabel: a word comes with what takes long, not with what is done at once,
// and goes when it is over, also when it never came.
func TestLateLabel(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var thread sync.Mutex
		l := newLoop(t.Context(), func(f func()) { thread.Lock(); defer thread.Unlock(); f() })
		var told []string
		l.onBusy = func(label string) { told = append(told, label) }
		said := func() string { thread.Lock(); defer thread.Unlock(); return strings.Join(told, ",") }
		takes := func(d time.Duration) (cancel context.CancelFunc) {
			thread.Lock()
			defer thread.Unlock()
			told = nil
			return l.late("Reading…", func(ctx context.Context) error {
				select {
				case <-time.After(d):
				case <-ctx.Done():
				}
				return ctx.Err()
			}, nil)
		}
		for _, tt := range []struct {
			takes, after time.Duration
			cancelled    bool
			want         string
		}{
			{lateTime - time.Millisecond, time.Second, false, ""},
			{time.Second, lateTime - time.Millisecond, false, ""},
			{time.Second, lateTime + time.Millisecond, false, "Reading…"},
			{time.Second, 2 * time.Second, false, "Reading…,"},
			{time.Hour, 0, true, ""},
		} {
			cancel := takes(tt.takes)
			if tt.cancelled {
				cancel()
			}
			time.Sleep(tt.after)
			synctest.Wait()
			if got := said(); got != tt.want {
				t.Errorf("what takes %v, after %v: %q, want %q", tt.takes, tt.after, got, tt.want)
			}
			time.Sleep(2 * time.Second)
			synctest.Wait()
		}
		takes(time.Hour)
		time.Sleep(lateTime / 2)
		l.stop() // waits for all that it started
		if got := said(); got != "" {
			t.Errorf("after the end: %q", got)
		}
	})
}
