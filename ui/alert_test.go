package ui

import (
	"maps"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

func TestLostTunnelAlert(t *testing.T) {
	s, edge := exposed(t)
	a := s.window.alerts
	a.patience = 50 * time.Millisecond
	test.Tap(s.tunnel.toggle)
	s.until("it is open", func() bool { return s.b.View().Tunnel.Phase == backend.TunnelOpen })
	edge.Down()
	s.until("it is told", func() bool { return !a.toldLost.IsZero() })
	s.until("the tunnel is drawn as lost", func() bool { return s.tunnel.trouble.root.Visible() })
	told := a.toldLost
	a.lost = time.Time{} // as when it was lost again at once
	a.draw(s.b.View())
	a.stillLost(nil)
	if a.toldLost != told {
		t.Error("it is told twice within a minute")
	}
}

func TestLockoutAlert(t *testing.T) {
	s := open(t, "")
	a, until := s.window.alerts, time.Date(2026, 5, 1, 12, 30, 0, 0, time.Local)
	look := func(all ...backend.Lockout) bool {
		before := a.toldGuess
		a.draw(backend.View{Lockouts: all})
		return a.toldGuess != before
	}
	one, two := backend.Lockout{Address: "203.0.113.9", Until: until}, backend.Lockout{Address: "203.0.113.10", Until: until.Add(time.Minute)}
	if look() || !look(one) || look(one) || look(two, one) {
		t.Error("one lockout is to be told once, and another within a minute not")
	}
	a.toldGuess = a.toldGuess.Add(-alertEvery)
	if look(two, one) || !look(backend.Lockout{Address: "x", Until: until.Add(time.Hour)}, two, one) {
		t.Error("only what is new is told, after a minute")
	}
	for want, all := range map[string][]backend.Lockout{"203.0.113.9 is locked out": {one}, "2 addresses are locked out": {two, one}} {
		if title, text := lockoutAlert(all); title != want || !strings.Contains(text, all[0].Until.Format("15:04")) {
			t.Errorf("%q, %q, want %q", title, text, want)
		}
	}
}

// TestDriftAlert: each token that is used in a new way is told of, and again after a
// while only.
func TestDriftAlert(t *testing.T) {
	s := open(t, "")
	a, at := s.window.alerts, time.Date(2026, 5, 1, 12, 30, 0, 0, time.Local)
	told := func(all ...backend.Drift) (n int) {
		before := maps.Clone(a.toldDrift)
		a.draw(backend.View{Drifts: all})
		for id, when := range a.toldDrift {
			if when != before[id] {
				n++
			}
		}
		return n
	}
	use := func(id string, news backend.News, minutes int) backend.Drift {
		return backend.Drift{Token: id, Sight: backend.Sight{At: at.Add(time.Duration(minutes) * time.Minute), News: news, Network: "203.0.113.0/24"}, Paused: news == backend.NewNetwork}
	}
	one, other, again := use("a", backend.NewNetwork, 0), use("b", backend.NewHour, 0), use("a", backend.NewHour, 1)
	if told() != 0 || told(one) != 1 || told(one) != 0 || told(other, one) != 1 || told(again, other, one) != 0 {
		t.Error("each token is to be told of once in a minute")
	}
	a.toldDrift["a"] = a.toldDrift["a"].Add(-alertEvery)
	if told(again, other, one) != 0 || told(use("a", backend.NewAgent, 2), again, other, one) != 1 {
		t.Error("only what is new is told, after a minute")
	}
	if title, text := a.driftAlert(one); title != "A token is paused: it was used in a new way" || !strings.HasPrefix(text, "Network 203.0.113.0/24. ") {
		t.Errorf("%q, %q", title, text)
	}
	if title, text := a.driftAlert(other); title != "A token is used in a new way" || !strings.HasPrefix(text, "Unusual hour. ") {
		t.Errorf("%q, %q", title, text)
	}
}

func TestLeakAlert(t *testing.T) {
	s := open(t, "")
	a, at := s.window.alerts, time.Date(2026, 5, 1, 12, 30, 0, 0, time.Local)
	look := func(all ...backend.Leak) bool {
		before := a.leak
		a.draw(backend.View{Leaks: all})
		return a.leak != before
	}
	one, two := backend.Leak{Service: "crm", Where: "body", Time: at}, backend.Leak{Service: "mail", Where: "header", Time: at.Add(time.Minute)}
	if look() || !look(one) || look(one) || !look(one, two) || look(one, two) {
		t.Error("each leak is to be told once")
	}
	for want, all := range map[string][]backend.Leak{"crm sent its key back": {one}, "2 services sent their keys back": {one, two}} {
		if title, text := leakAlert(all); title != want || !strings.Contains(text, "leak_guard") {
			t.Errorf("%q, %q, want %q", title, text, want)
		}
	}
}
