package ui

import (
	"image/color"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"lockbox/tunnel/ngroktest"
	"lockbox/ui/backend"
)

const testAuthtoken = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefghijk"

// exposed shows the window of a Lockbox whose tunnel leads to a loopback edge.
func exposed(t *testing.T) (*screen, *ngroktest.Edge) {
	t.Helper()
	edge, err := ngroktest.New(ngroktest.Rules{Authtoken: testAuthtoken, Domains: []string{"mine.ngrok.test"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.Close() })
	dir := t.TempDir()
	ca, token := filepath.Join(dir, "edge.pem"), filepath.Join(dir, "authtoken")
	for path, content := range map[string]string{ca: string(edge.PEM()), token: testAuthtoken} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	config := strings.Replace(testConfig, `{
  "services"`, `{
  "tunnel": {"authtoken": "file://`+token+`"},
  "services"`, 1)
	config = strings.Replace(config, `"github": {`, `"github": {"tunnel": true, `, 1)
	s := openBackend(t, config, func(o *backend.Options) { o.NgrokURL, o.NgrokCA = edge.Addr(), ca })
	s.window.open(pageTunnel)
	s.until("the page is drawn", func() bool { return s.tunnel.loaded && s.tunnel.has })
	return s, edge
}

func TestTunnelPage(t *testing.T) {
	s, edge := exposed(t)
	if p := s.tunnel; p.state.text != "Closed: Lockbox is reached from this computer only" || p.code.root.Visible() || p.addressRow.Visible() {
		t.Errorf("closed: %q", p.state.text)
	}
	test.Tap(s.tunnel.toggle)
	s.until("it is open", func() bool { return s.tunnel.address.text.text == "https://mine.ngrok.test" })
	if p := s.tunnel; !p.code.root.Visible() || !p.addressRow.Visible() || p.toggle.Text != "Close the tunnel" || !strings.Contains(p.callers.seg.Text, "github") || strings.Contains(p.callers.seg.Text, "acme") {
		t.Errorf("open: %q, %q", p.state.text, p.callers.seg.Text)
	}
	if tr := trayOf(s.b.View()); tr.Icon != trayExposed || !tr.Tunnel {
		t.Errorf("the tray: %+v", tr)
	}
	d := s.services.detail
	for name, want := range map[string]string{"github": "https://mine.ngrok.test/s/github", "acme": ""} {
		s.services.open(name)
		if d.public.text != want || d.publicBox.Visible() != (want != "") {
			t.Errorf("the public address of %s: %q, want %q", name, d.public.text, want)
		}
	}
	test.Tap(s.tunnel.diagnose)
	s.until("the diagnosis", func() bool { return strings.Contains(s.tunnel.steps.seg.Text, "✓ Protocol: ngrok answers") })
	edge.Down()
	s.until("it is lost", func() bool { return s.tunnel.trouble.root.Visible() && strings.HasPrefix(s.tunnel.state.text, "Lost") })
	if tr := trayOf(s.b.View()); tr.Icon != trayLost || !tr.Tunnel {
		t.Errorf("the tray: %+v", tr)
	}
	s.window.trayDo(trayTunnel)
	s.until("it is closed", func() bool { return s.tunnel.toggle.Text == "Open the tunnel" && !s.tunnel.trouble.root.Visible() })
	if s.services.open("github"); d.publicBox.Visible() {
		t.Errorf("closed, it has a public address: %s", d.public.text)
	}
	if tr := trayOf(s.b.View()); tr.Icon != trayAttention || tr.Tunnel { // weather has no key
		t.Errorf("the tray: %+v", tr)
	}
}

func TestTunnelSettingsPage(t *testing.T) {
	s, _ := exposed(t)
	p := s.tunnel
	if !p.save.Disabled() {
		t.Error("there is nothing to save")
	}
	p.authtoken.SetText("ngrok config add-authtoken x")
	if !p.save.Disabled() || !strings.Contains(p.fields["authtoken"].note.seg.Text, "last word") {
		t.Errorf("a command as the authtoken: %q", p.fields["authtoken"].note.seg.Text)
	}
	p.authtoken.SetText("2wrongAUTHTOKEN")
	test.Tap(p.save)
	s.until("the authtoken is refused", func() bool { return strings.Contains(p.fields["authtoken"].note.seg.Text, "is not valid") })
	p.authtoken.SetText("")
	p.domain.SetText("https://mine.ngrok.test")
	test.Tap(p.save)
	s.until("the domain is refused", func() bool { return strings.Contains(p.fields["domain"].note.seg.Text, "without https://") })
	p.domain.SetText("Mine.ngrok.test")
	p.start.SetChecked(true)
	test.Tap(p.save)
	s.until("it is saved", func() bool {
		return p.begun == backend.TunnelSettings{Domain: "mine.ngrok.test", Start: true} && !p.dirty()
	})
	p.domain.SetText("other.example")
	if !p.key("Escape") || p.domain.Text != "mine.ngrok.test" {
		t.Errorf("Escape leaves %q", p.domain.Text)
	}
}

func TestTunnelWords(t *testing.T) {
	at := time.Date(2026, 5, 1, 12, 0, 0, 0, time.Local)
	got := tunnelSince(backend.TunnelState{Phase: backend.TunnelLost, Since: at, Until: at.Add(time.Hour), Retry: at.Add(10 * time.Second), Account: "Ann"}, at)
	if want := "Since 12:00, closed at 13:00, tried again at 12:00:10, account Ann"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got := tunnelSince(backend.TunnelState{Phase: backend.TunnelClosed, Since: at}, at); got != "" {
		t.Errorf("closed: %q", got)
	}
	v := backend.View{}
	if got := tunnelCallers(v); !strings.Contains(got, "No service") {
		t.Errorf("got %q", got)
	}
	v.Services = make([]backend.ServiceInfo, 7)
	for i := range v.Services {
		v.Services[i] = backend.ServiceInfo{Name: "s", Public: true}
	}
	if got := tunnelCallers(v); !strings.HasSuffix(got, "s, s, and 2 more.") {
		t.Errorf("got %q", got)
	}
}

func TestQRCode(t *testing.T) {
	if qrPicture("") != nil || qrPicture(strings.Repeat("x", 5000)) != nil {
		t.Error("there is a picture of nothing, or of too much")
	}
	p := qrPicture("https://mine.ngrok.test")
	size := p.Bounds().Dx()
	// Version 2 has 25 modules; a corner mark begins with 7 black ones.
	if size != 25+2*quiet {
		t.Fatalf("%d pixels wide", size)
	}
	for x := range size {
		want := x >= quiet && x < quiet+7 || x >= size-quiet-7 && x < size-quiet
		if black := p.At(x, quiet) == (color.Gray{}); want && !black || (x < quiet || x >= size-quiet || x == quiet+7) && black {
			t.Errorf("pixel %d of the first line: black is %v", x, black)
		}
	}
}
