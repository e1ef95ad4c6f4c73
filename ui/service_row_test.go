package ui

import (
	"os"
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

// TestEmblems: a service of an API that is known has its letter and colour wherever
// it is shown, and another one its name's.
func TestEmblems(t *testing.T) {
	s := open(t, strings.Replace(testConfig, `"github"`, `"code"`, 1))
	s.draw(s.b.View())
	github := presetEmblem(presetCalled(t, "GitHub"))
	stripe := presetEmblem(presetCalled(t, "Stripe"))
	for name, want := range map[string]emblem{
		"code": github, "stripe": stripe, "acme": nameEmblem("acme"), "demo": nameEmblem("demo"), "gone": nameEmblem("gone"),
	} {
		token, question := newTokenRow(s.face), newQuestionRow(s.face)
		token.info.Service, question.question.Service = name, name
		shown := map[string]badge{
			"the token's row":    test.WidgetRenderer(token).(*tokenRowRenderer).badge,
			"the question's row": test.WidgetRenderer(question).(*questionRowRenderer).badge,
		}
		if info, ok := s.b.View().Service(name); ok {
			row := newServiceRow(func(backend.ServiceInfo) {})
			row.set(info, "")
			shown["its own row"] = test.WidgetRenderer(row).(*serviceRowRenderer).badge
			s.services.open(name)
			shown["its page"] = test.WidgetRenderer(s.services.detail.badge).(*badgeRenderer).drawn
		}
		for where, b := range shown {
			if got := (emblem{b.letter.Text, want.fill}); got != want || b.ground.FillColor != want.fill {
				t.Errorf("%s in %s: %q on %v, want %v", name, where, b.letter.Text, b.ground.FillColor, want)
			}
		}
		if got := s.overview.activity.serviceLead(backend.Used{Name: name}, s.overview.now).badge; got != want {
			t.Errorf("%s on the overview: %v, want %v", name, got, want)
		}
		if got := s.overview.activity.tokenLead(backend.Used{Name: "t", Token: backend.TokenInfo{ID: "t", Service: name}}, s.overview.now).badge; got != want {
			t.Errorf("a token of %s on the overview: %v, want %v", name, got, want)
		}
	}
	config := strings.Replace(testConfig, "https://api.stripe.com", "https://pay.example.com", 1)
	if err := os.WriteFile(s.b.View().ConfigPath, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	s.reload()
	s.until("the other address", func() bool { return s.emblem("stripe") == nameEmblem("stripe") })
	if s.emblem("github") != github {
		t.Error("after the config was read anew, GitHub is not known")
	}
}

func presetCalled(t *testing.T, name string) *backend.Preset {
	t.Helper()
	found := backend.FindPresets(name)
	if len(found) == 0 || found[0].Name != name {
		t.Fatalf("no preset %s", name)
	}
	return found[0]
}
