package preset

import (
	"net/url"
	"testing"

	"lockbox/proxy/config"
)

func TestMatch(t *testing.T) {
	for _, p := range All() {
		svc := config.NewService("x", p.example.BaseURL)
		svc.Credential = p.Credential()
		want := p
		if p.ID == "home-assistant" { // its address may be anything's
			want = nil
		}
		if got := Match(svc); got != want {
			t.Errorf("a service of %s is taken for %v", p.ID, got)
		}
		svc.Credential = &config.Credential{Type: config.SigV4}
		if got := Match(svc); got != nil {
			t.Errorf("%s with another credential is taken for %s", p.ID, got.ID)
		}
		svc.Credential = nil
		if got := Match(svc); got != nil {
			t.Errorf("%s without one is taken for %s", p.ID, got.ID)
		}
	}
	for address, want := range map[string]string{
		"https://git.example.com:8443/api/v4": "gitlab",
		"https://git.example.com/x/api/v4":    "",
		"https://api.github.com":              "github",
		"https://api.github.com.evil.example": "",
		"https://apiXgithub.com":              "",
		"https://api.github.com/x":            "",
		"https://api.eu.sendgrid.com":         "sendgrid",
		"http://api.github.com":               "",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		svc := config.NewService("x", u)
		svc.Credential = ByID("github").Credential()
		got := ""
		if p := Match(svc); p != nil {
			got = p.ID
		}
		if got != want {
			t.Errorf("%s is taken for %q, want %q", address, got, want)
		}
	}
}

// TestOf: a service looks like the API of its address, with another credential or
// none too, but not for an address that any server may have.
func TestOf(t *testing.T) {
	for address, want := range map[string]string{
		"https://api.github.com":              "github",
		"https://api.github.com.evil.example": "",
		"https://api.github.com/x":            "",
		"http://api.github.com":               "",
		"https://acme.atlassian.net":          "jira",
		"https://x.atlassian.net.evil":        "",
		"https://us21.api.mailchimp.com/3.0":  "mailchimp",
		"https://api.eu.sendgrid.com":         "sendgrid",
		"https://chat.example.com/api/v4":     "", // GitLab has that, and others
		"https://home.example.com":            "",
		"lockbox://demo":                      "",
	} {
		u, err := url.Parse(address)
		if err != nil {
			t.Fatal(err)
		}
		got := ""
		if p := Of(config.NewService("x", u)); p != nil {
			got = p.ID
		}
		if got != want {
			t.Errorf("%s looks like %q, want %q", address, got, want)
		}
	}
	gitlab := ByID("gitlab")
	svc := config.NewService("x", gitlab.example.BaseURL)
	svc.Credential = gitlab.Credential()
	if got := Of(svc); got != gitlab {
		t.Errorf("GitLab with its credential looks like %v", got)
	}
}

func BenchmarkOf(b *testing.B) {
	u, _ := url.Parse("https://api.acme.example/v1")
	svc := config.NewService("x", u)
	for b.Loop() {
		Of(svc)
	}
}
