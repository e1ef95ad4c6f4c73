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
		{"not listening", backend.View{Phase: backend.Stopped}, trayError, "Not listening", false, false},
		{"a problem", backend.View{Phase: backend.Running, Problem: backend.Notice{Title: "The config was not loaded"}}, trayAttention, "The config was not loaded", true, false},
		{"a broken service", backend.View{Phase: backend.Running, Services: broken}, trayAttention, "1 service cannot be served", true, false},
		{"a question", backend.View{Phase: backend.Running, Questions: 1}, trayAttention, "1 call waits for your answer", true, false},
		{"a question while locked", backend.View{Phase: backend.Running, Questions: 2, Locked: true}, trayLocked, "Locked", true, false},
		{"many", backend.View{Phase: backend.Running, Services: services(10_000)}, trayRunning, "Running, 10,000 services", true, true},
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

// TestTraySlots: the places of the services show what is offered for each, and
// there are never more.
func TestTraySlots(t *testing.T) {
	many, offered := []string{}, map[string][]string{}
	for i := range 500 {
		many = append(many, fmt.Sprint("s", i))
		offered[many[i]] = []string{"a", "b", "c", "d", "e"}
	}
	tests := []struct {
		name     string
		services []string
		offered  map[string][]string
		want     string // the first three places
	}{
		{"none", nil, nil, "[{ [  ]} { [  ]} { [  ]}]"},
		{"not yet known", []string{"acme"}, nil, "[{acme [  ]} { [  ]} { [  ]}]"},
		{"some", []string{"acme", "shop"}, map[string][]string{"acme": {"zapier", "make"}, "gone": {"x"}}, "[{acme [zapier make ]} {shop [  ]} { [  ]}]"},
		{"many", many, offered, "[{s0 [a b c]} {s1 [a b c]} {s2 [a b c]}]"},
	}
	for _, tt := range tests {
		got := traySlots(tt.services, tt.offered)
		if text := fmt.Sprint(got[:3]); text != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, text, tt.want)
		}
	}
}

// TestTrayOffer: the audiences are looked for when they may be others, and not at
// each call.
func TestTrayOffer(t *testing.T) {
	v := backend.View{Tokens: 1, Token: backend.TokenDefaults{Audience: "desktop"}, Services: []backend.ServiceInfo{{Name: "acme", Audiences: []string{"a"}}}}
	was := trayOfferOf(v)
	tests := []struct {
		name   string
		change func(*backend.View)
		same   bool
	}{
		{"a call", func(v *backend.View) { v.Exchanges++ }, true},
		{"a token", func(v *backend.View) { v.Tokens++ }, false},
		{"another usual audience", func(v *backend.View) { v.Token.Audience = "zapier" }, false},
		{"another service", func(v *backend.View) { v.Services = append(v.Services, backend.ServiceInfo{Name: "shop"}) }, false},
		{"another audience", func(v *backend.View) { v.Services = []backend.ServiceInfo{{Name: "acme", Audiences: []string{"b"}}} }, false},
		{"any audience", func(v *backend.View) {
			v.Services = []backend.ServiceInfo{{Name: "acme", AnyAudience: true, Audiences: []string{"a"}}}
		}, false},
	}
	for _, tt := range tests {
		now := v
		tt.change(&now)
		if got := trayOfferOf(now) == was; got != tt.same {
			t.Errorf("%s: the same offer: %v", tt.name, got)
		}
	}
}

// TestTrayToken: an audience below a service copies a token for it; New… opens the
// form with the service chosen.
func TestTrayToken(t *testing.T) {
	s := open(t, tokensConfig)
	s.trayToken("acme", "n8n")
	s.until("the copy", func() bool { return s.copied == 1 })
	if got := s.b.LastAudiences("acme", 5); !slices.Equal(got, []string{"n8n"}) {
		t.Errorf("the token is for %v", got)
	}
	if got := s.callWith("/s/acme/x", s.app.Clipboard().Content()); got != 200 {
		t.Errorf("a call with it: %d", got)
	}
	s.trayToken("shop", "")
	if m := s.tokens.maker; s.page != pageTokens || !m.form.Visible() || m.service.Selected != "shop" {
		t.Errorf("New… shows page %d with service %q", s.page, m.service.Selected)
	}
}
