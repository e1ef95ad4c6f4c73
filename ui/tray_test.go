package ui

import (
	"fmt"
	"slices"
	"testing"

	"lockbox/ui/backend"
)

func TestTrayOf(t *testing.T) {
	services := func(n int) (out []backend.ServiceInfo) {
		for i := range n {
			out = append(out, backend.ServiceInfo{Name: fmt.Sprint("s", i)})
		}
		return out
	}
	broken := services(3)
	broken[1].Problem = "the keychain is locked"
	tests := []struct {
		name     string
		view     backend.View
		icon     trayIcon
		line     string
		canPause bool
		more     bool
	}{
		{"starting", backend.View{Phase: backend.Starting}, trayRunning, "Starting…", false, false},
		{"running", backend.View{Phase: backend.Running, Services: services(1)}, trayRunning, "Running, 1 service", true, false},
		{"paused", backend.View{Phase: backend.Paused, Services: services(2)}, trayPaused, "Paused", true, false},
		{"not listening", backend.View{Phase: backend.Stopped}, trayAttention, "Not listening", false, false},
		{"a problem", backend.View{Phase: backend.Running, Problem: backend.Notice{Title: "The config was not loaded"}}, trayAttention, "The config was not loaded", true, false},
		{"a broken service", backend.View{Phase: backend.Running, Services: broken}, trayAttention, "1 service cannot be served", true, false},
		{"many", backend.View{Phase: backend.Running, Services: services(10_000)}, trayRunning, "Running, 10000 services", true, true},
	}
	for _, tt := range tests {
		got := trayOf(tt.view)
		if got.Icon != tt.icon || got.Line != tt.line || got.CanPause != tt.canPause || got.More != tt.more {
			t.Errorf("%s: %+v", tt.name, got)
		}
		if got.Tooltip != "Lockbox: "+tt.line {
			t.Errorf("%s: the tooltip is %q", tt.name, got.Tooltip)
		}
		if len(got.Services) > trayServices {
			t.Errorf("%s: %d services in the menu", tt.name, len(got.Services))
		}
	}
	var labels []string
	for _, m := range trayMenu {
		if m.action != traySeparator {
			labels = append(labels, m.label)
		}
	}
	for _, want := range []string{"Copy token", "Copy base URL", "Pause proxy", "Audit log…", "Settings…", "Quit"} {
		if !slices.Contains(labels, want) {
			t.Errorf("the menu has no %q", want)
		}
	}
}

// TestTrayDo: the menu's items do what they say.
func TestTrayDo(t *testing.T) {
	s := open(t, testConfig)
	s.trayDo(trayBaseURL)
	if got := s.app.Clipboard().Content(); got != s.b.View().BaseURL {
		t.Errorf("the clipboard has %q", got)
	}
	s.trayDo(trayPause)
	if got := s.call("GET", "/s/demo/x", ""); got != 503 {
		t.Errorf("paused, the proxy answers %d", got)
	}
	s.trayDo(trayPause)
	if got := s.call("GET", "/s/demo/x", ""); got != 200 {
		t.Errorf("resumed, the proxy answers %d", got)
	}
	for action, want := range map[trayAction]int{trayAudit: pageAudit, traySettings: pageSettings} {
		s.trayDo(action)
		if s.page != want {
			t.Errorf("page %d is shown, want %d", s.page, want)
		}
	}
}
