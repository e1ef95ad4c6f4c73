package ui

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

func TestKitFields(t *testing.T) {
	const url, token = "https://x.example/s/acme/", "aaa.bbb.ccc"
	want := map[string]string{
		"Zapier": "URL=https://x.example/s/acme/ Headers: name=Authorization Headers: value=Bearer aaa.bbb.ccc",
		"IFTTT":  "URL=https://x.example/s/acme/ Additional Headers=Authorization: Bearer aaa.bbb.ccc",
		"curl":   "Line=curl -H 'Authorization: Bearer aaa.bbb.ccc' 'https://x.example/s/acme/'",
	}
	for _, p := range platforms {
		var got []string
		for _, f := range p.fields {
			text := f.fill(url, token)
			if strings.Contains(text, "TOKEN") || strings.Contains(text, "URL") || strings.Contains(text, "SCHEMA") {
				t.Errorf("%s: %s is not filled in: %s", p.name, f.label, text)
			}
			got = append(got, f.label+"="+text)
		}
		all := strings.Join(got, " ")
		if w := want[p.name]; w != "" && all != w {
			t.Errorf("%s: %s, want %s", p.name, all, w)
		}
		if !strings.Contains(all, token) {
			t.Errorf("%s does not get the token", p.name)
		}
	}
	if got := schemaOf(url); !strings.Contains(got, `servers: [{url: "https://x.example"}]`) || !strings.Contains(got, "/s/acme/{path}:") {
		t.Errorf("the schema is %s", got)
	}
}

func TestHandshake(t *testing.T) {
	tests := []struct {
		agent string
		x     backend.Exchange
		mark  mark
		want  string
	}{
		{"Zapier", backend.Exchange{Status: 200, Duration: 312 * time.Millisecond}, markGood, "Received from Zapier, 200, 312 ms."},
		{"IFTTT-Protocol/v1", backend.Exchange{Status: 404, Duration: 2 * time.Millisecond}, markWarning, "Received from IFTTT, 404, 2 ms."},
		{"Make/production", backend.Exchange{Status: 401, Decision: "refused", Reason: "token_expired: The token expired at noon."}, markRefused, "A call from Make was refused: The token expired at noon. Make a new token on the Tokens page, and put it in the old one's place."},
		{"Zapier", backend.Exchange{Status: 403, Decision: "refused", Reason: "of_tomorrow: It is not yet known why."}, markRefused, "A call from Zapier was refused: It is not yet known why."},
		{"something else", backend.Exchange{Status: 502, Decision: "failed", Remote: "[2001:db8::1]:1234", Duration: time.Millisecond}, markFailed, "Received from a caller at [2001:db8::1], 502, 1 ms."},
		{"", backend.Exchange{Status: 200, Remote: "203.0.113.7", Duration: time.Millisecond}, markGood, "Received from a caller at 203.0.113.7, 200, 1 ms."},
	}
	for _, tt := range tests {
		tt.x.RequestHeader = http.Header{"User-Agent": {tt.agent}}
		if m, got := handshake(tt.x); m != tt.mark || got != tt.want {
			t.Errorf("%s: %v %q, want %v %q", tt.agent, m, got, tt.mark, tt.want)
		}
	}
}

// TestHandshakeMends: what the proxy says of a call that was set up wrongly comes
// with what mends it.
func TestHandshakeMends(t *testing.T) {
	s := open(t, tokensConfig)
	make := func(service string, r backend.TokenRequest) string {
		r.Service = service
		tok, err := s.b.NewToken(t.Context(), r)
		if err != nil {
			t.Fatal(err)
		}
		return tok.Value.Reveal()
	}
	good, other := make("acme", backend.TokenRequest{}), make("shop", backend.TokenRequest{})
	short := make("acme", backend.TokenRequest{Lifetime: time.Second})
	revoked, err := s.b.NewToken(t.Context(), backend.TokenRequest{Service: "acme"})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.b.RevokeToken(t.Context(), revoked.ID); err != nil {
		t.Fatal(err)
	}
	s.services.open("acme")
	d := s.services.detail
	test.Tap(d.setUp)
	if !strings.Contains(d.kit.call.seg.Text, "Waiting") || d.facts.Visible() {
		t.Fatalf("the kit says %q", d.kit.call.seg.Text)
	}
	tests := []struct {
		name, header string
		says, mends  string
	}{
		{"nothing", "", "A service token is needed", "field below that has the word Authorization"},
		{"no Bearer", good, "without the word Bearer", "write Bearer, a space and the token"},
		{"Bearer alone", "Bearer ", "there is no token", "a variable may be empty"},
		{"the placeholder left", "Bearer " + standIn, "This is no service token", "Copy it anew"},
		{"another service's", "Bearer " + other, `is for service "shop"`, "Use this service's token"},
		{"expired", "Bearer " + short, "The token expired at", "Make a new token on the Tokens page"},
		{"revoked", "Bearer " + revoked.Value.Reveal(), "The token was revoked. Make", "put it in the old one's place"},
		{"good", "Bearer " + good, "Received from", "200"},
	}
	for _, tt := range tests {
		call := func() int {
			req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.b.View().BaseURL+"/s/acme/x", nil)
			if err != nil {
				t.Fatal(err)
			}
			if tt.header != "" {
				req.Header.Set("Authorization", tt.header)
			}
			resp, err := http.DefaultClient.Do(req)
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			return resp.StatusCode
		}
		status := call()
		for end := time.Now().Add(time.Minute); tt.name == "expired" && status != 401 && time.Now().Before(end); status = call() {
			time.Sleep(100 * time.Millisecond)
		}
		s.until("the kit speaks of "+tt.name, func() bool {
			got := d.kit.call.seg.Text
			return strings.Contains(got, tt.says) && strings.Contains(got, tt.mends) && !strings.Contains(got, "owner")
		})
	}
}

// TestKitOfService: from a service's page a placeholder stands for the token, and
// every other field can be copied.
func TestKitOfService(t *testing.T) {
	s := open(t, tokensConfig)
	s.services.open("open")
	d := s.services.detail
	if d.setUp.Visible() {
		t.Error("a service that needs no token has the kit")
	}
	s.services.open("acme")
	test.Tap(d.setUp)
	for _, p := range platforms {
		d.kit.platform.SetSelected(p.name)
		if len(d.kit.fields.Objects) != len(p.fields) {
			t.Errorf("%s: %d fields", p.name, len(d.kit.fields.Objects))
		}
		for i, f := range p.fields {
			s.app.Clipboard().SetContent("")
			copied := copyButton(t, d.kit.fields.Objects[i])
			if copied.Visible() == (f.value == tokenAlone) {
				t.Errorf("%s, %s: there is a copy button: %v", p.name, f.label, copied.Visible())
			}
			test.Tap(copied)
			if got, want := s.app.Clipboard().Content(), f.fill(s.b.View().BaseURL+"/s/acme/", standIn); got != want {
				t.Errorf("%s, %s: copied is %q, want %q", p.name, f.label, got, want)
			}
		}
	}
	if s.copied != 0 {
		t.Error("a placeholder is kept like a secret")
	}
	s.services.key(fyne.KeyEscape)
	if d.setup.Visible() || !d.facts.Visible() || s.services.selected != "acme" {
		t.Error("Esc does not lead back to the service")
	}
	test.Tap(d.setUp)
	s.services.open("shop")
	if d.setup.Visible() || !d.kit.since.IsZero() {
		t.Error("the kit of one service is shown with another")
	}
}

// copyButton is the button of a field of the kit.
func copyButton(t *testing.T, o fyne.CanvasObject) *button {
	t.Helper()
	if b, ok := o.(*button); ok {
		return b
	}
	if c, ok := o.(*fyne.Container); ok {
		for _, o := range c.Objects {
			if b := copyButton(t, o); b != nil {
				return b
			}
		}
	}
	return nil
}

// TestKitReach: the kit says what keeps a platform elsewhere away, and its button
// mends that; then the address is the public one.
func TestKitReach(t *testing.T) {
	s, _ := exposed(t)
	s.window.open(pageServices)
	s.services.open("acme")
	k := s.services.detail.kit
	s.services.detail.openKit()
	press := func(label string) {
		t.Helper()
		for _, o := range k.reach.buttons.Objects {
			if b := o.(*button); b.Text == label {
				test.Tap(b)
				return
			}
		}
		t.Fatalf("no button %q in %q", label, k.reach.shown.text)
	}
	if !strings.HasPrefix(k.url, s.b.View().BaseURL+"/s/acme/") {
		t.Errorf("the address is %s", k.url)
	}
	press("Let the internet in")
	s.until("it may come in", func() bool { return strings.Contains(k.reach.shown.text, "until the tunnel is open") })
	press("Open the tunnel")
	s.until("the public address", func() bool { return strings.HasPrefix(k.url, "https://mine.ngrok.test/s/acme/") })
	if k.reach.root.Visible() {
		t.Errorf("it still says %q", k.reach.shown.text)
	}
}
