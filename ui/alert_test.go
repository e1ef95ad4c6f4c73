package ui

import (
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
