//go:build desktop

package desktest_test

import (
	"flag"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/register"
	"lockbox/proxy/token"
	"lockbox/ui/desktest"
)

var update = flag.Bool("update", false, "renew the pictures of README.md")

// TestReadmePictures takes the pictures that README.md shows, of the real window, in
// light and dark. With -update they take the place of those that are there.
func TestReadmePictures(t *testing.T) {
	for _, theme := range []string{"light", "dark"} {
		t.Run(theme, func(t *testing.T) {
			desk := desktest.Start(t, desktest.Options{Size: "1280x900"})
			addr := freeAddr(t)
			writeConfig(t, desk, fmt.Sprintf(`{"listen": %q, "services": {
				"github": {"base_url": "https://api.github.com", "credential": {"type": "bearer", "token": "env://KEY"}, "valid_audiences": ["zapier"], "rules": [{"action": "allow", "path": "/repos/**"}]},
				"openai": {"base_url": "https://api.openai.com", "credential": {"type": "bearer", "token": "env://KEY"}, "quota": {"calls_per_day": 5000}},
				"stripe": {"base_url": "https://api.stripe.com", "credential": {"type": "basic", "username": "env://KEY", "password": ""}, "valid_audiences": ["make"]},
				"notion": {"base_url": "https://api.notion.com", "credential": {"type": "bearer", "token": "env://KEY"}},
				"slack": {"base_url": "https://slack.com/api", "credential": {"type": "bearer", "token": "env://KEY"}, "valid_audiences": ["n8n"]}}}`, addr))
			busyDay(t, filepath.Join(desk.Home, ".local/state/lockbox/audit"))
			a := launch(t, desk, "KEY=not-a-key", "FYNE_THEME="+theme)
			a.addr = addr
			a.open()
			a.reads("readme", "Calls per minute", "Services in use")
			dir := t.ArtifactDir()
			if *update {
				dir = "../../.github/pictures"
			}
			take := func(name string) {
				path := filepath.Join(dir, name+"-"+theme+".png")
				if out, err := desk.Command("import", "-window", a.win, "-strip", path).CombinedOutput(); err != nil {
					t.Errorf("%s: %v\n%s", path, err, out)
				}
			}
			time.Sleep(500 * time.Millisecond) // the pointer's hover fades
			take("overview")
			a.key("ctrl+4")
			a.reads("readme", "Pause list")
			a.key("Down", "Down", "Down", "Return")
			a.reads("readme", "Replay")
			take("audit")
		})
	}
}

// madeTokens is a list with a token of each service.
func madeTokens(t *testing.T, path string) map[string]token.Claims {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	list, err := register.Open(path, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	made := map[string]token.Claims{}
	for service, use := range map[string][2]string{
		"github": {"zapier", "Issues to the sheet"}, "openai": {"n8n", "Summaries at night"}, "stripe": {"make", "Invoices"},
		"notion": {"zapier", "Pages from mail"}, "slack": {"n8n", "Alerts"},
	} {
		c := token.Claims{JTI: "readme-" + service, Service: service, Audience: []string{use[0]}, IssuedAt: time.Now().Add(-time.Hour), Expires: time.Now().Add(90 * 24 * time.Hour)}
		if err := list.Add(use[1], c); err != nil {
			t.Fatal(err)
		}
		made[service] = c
	}
	if err := list.Close(); err != nil {
		t.Fatal(err)
	}
	return made
}

// busyDay fills a log with a day of calls.
func busyDay(t *testing.T, dir string) {
	t.Helper()
	log, err := audit.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	services := []string{"github", "openai", "stripe", "github", "notion", "openai", "slack"}
	tokens := madeTokens(t, filepath.Join(filepath.Dir(dir), "tokens.jsonl"))
	paths := map[string]string{"github": "repos/ada/engine/issues", "openai": "v1/chat/completions", "stripe": "v1/invoices", "notion": "v1/pages", "slack": "chat.postMessage"}
	const calls = 2400
	for i := range calls {
		share := float64(i) / calls
		at := time.Duration((share - 1.02 + 0.012*math.Sin(share*70)) * float64(8*time.Hour))
		service := services[i%len(services)]
		x := audit.Exchange{
			Time: time.Now().Add(at), Service: service, Method: "GET", Path: "/s/" + service + "/" + paths[service], Status: 200,
			Duration: time.Duration(60+i*37%700) * time.Millisecond, BytesOut: int64(900 + i*13%9000), Decision: audit.Allowed,
			Audience: tokens[service].Audience[0], Listener: "tunnel", Remote: "203.0.113.7", JTI: tokens[service].JTI,
			RequestHeader:  http.Header{"Accept": {"application/json"}, "User-Agent": {"Zapier"}},
			ResponseHeader: http.Header{"Content-Type": {"application/json"}},
			ResponseBody:   &audit.Body{Text: fmt.Sprintf(`{"id":%d,"state":"open","title":"Invoices to the sheet","user":{"login":"ada"}}`, 1000+i), Size: 82},
		}
		switch {
		case i%61 == 7:
			x.Status, x.Decision, x.Reason = 403, audit.Refused, "denied_by_rule: Rule 2 of github denies this call."
		case i%97 == 11:
			x.Status = 500
		}
		if err := log.Append(&x); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}
