package tunnel

import (
	"sync/atomic"
	"testing"
	"time"

	"lockbox/tunnel/ngroktest"
)

// An edge that is gone for a minute is seen to be gone within seconds, is not
// stormed meanwhile, and is found again.
func TestEdgeGoneForAMinute(t *testing.T) {
	const gone = time.Minute
	l := newLab(t, ngroktest.Rules{Domains: []string{"mine.ngrok.test"}}, nil)
	l.beat = beat
	l.open(t, Request{})
	before, _ := l.await(t, "open", isOpen)
	began := time.Now()
	l.edge.Down()
	if s, took := l.await(t, "lost", func(s State) bool { return s.Phase == Lost && s.Trouble == refused }); took > within || s.URL != before.URL {
		t.Errorf("after %v: %+v", took, s)
	}
	for time.Since(began) < gone {
		if s := l.State(); s.Phase != Lost || s.Trouble != refused || s.URL != before.URL {
			t.Fatalf("after %v: %+v", time.Since(began), s)
		}
		time.Sleep(100 * time.Millisecond)
	}
	if err := l.edge.Up(); err != nil {
		t.Fatal(err)
	}
	back := time.Now()
	for end := back.Add(2 * mostWait); !isOpen(l.State()); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("it is not found again: %+v", l.State())
		}
	}
	t.Logf("open again %v after the edge", time.Since(back))
	if s := l.State(); s.URL != before.URL || s.Former != "" || !s.Trouble.IsZero() {
		t.Errorf("again: %+v", s)
	}
	if status, _ := l.get(t, "", "/"); status != 200 {
		t.Errorf("a call: %d", status)
	}
	// Only those that got through are counted here; while it was gone there were waits
	// of 1, 2, 4, 8, 16, 30 seconds.
	if n := len(l.edge.Dials()); n != 2 {
		t.Errorf("%d connections, want the first and the last", n)
	}
}

// On another network there is no reason to wait.
func TestAnotherNetwork(t *testing.T) {
	var network atomic.Value
	network.Store("home")
	l := newLab(t, ngroktest.Rules{}, nil)
	l.network = func() string { return network.Load().(string) }
	l.edge.Down()
	l.open(t, Request{})
	s, _ := l.await(t, "a long wait", func(s State) bool { return s.Phase == Lost && time.Until(s.Retry) > 7*time.Second })
	if err := l.edge.Up(); err != nil {
		t.Fatal(err)
	}
	network.Store("train")
	if _, took := l.await(t, "open", isOpen); time.Now().After(s.Retry) {
		t.Errorf("it is open after %v, when it would have been tried anyway", took)
	} else {
		t.Logf("open after %v", took)
	}
}
