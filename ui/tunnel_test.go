package ui

import (
	"image/color"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
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
	for i, want := range []string{"", "", "https://mine.ngrok.test/s/github", "", ""} {
		row := newServiceRow(s.services.copyAddress)
		s.services.list.UpdateItem(i, newRowFrame(row))
		row.Resize(fyne.NewSize(600, serviceHeightPublic))
		if row.public != want || row.copied.Hidden != (want == "") {
			t.Errorf("row %d has %q, want %q", i, row.public, want)
		}
		if want != "" {
			test.Tap(row.copied)
			s.until("the address is copied", func() bool { return fyne.CurrentApp().Clipboard().Content() == want })
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
	busy, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := busy.Addr().String()
	note := p.fields["public_listen"].note.seg
	p.public.SetText("0.0.0.0:8001")
	if !p.save.Disabled() || !strings.Contains(note.Text, "loopback") {
		t.Errorf("an open address: %q", note.Text)
	}
	p.public.SetText(addr)
	test.Tap(p.save)
	s.until("the address is refused", func() bool { return strings.Contains(note.Text, "in use by another program") })
	if err := busy.Close(); err != nil {
		t.Fatal(err)
	}
	p.awake.SetChecked(true)
	test.Tap(p.save)
	s.until("it is served", func() bool {
		return p.served.Visible() && p.served.text == "Served at http://"+addr && p.begun.KeepAwake
	})
	p.public.SetText("")
	test.Tap(p.save)
	s.until("it is served no more", func() bool { return !p.served.Visible() && p.begun.PublicListen == "" })
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

func TestUsageWords(t *testing.T) {
	s, _ := exposed(t)
	for _, tt := range []struct {
		used         backend.TunnelUsage
		plan         string
		words, limit string
	}{
		{backend.TunnelUsage{}, "", "No call came", "ngrok's free plan has"},
		{backend.TunnelUsage{Calls: 1, Out: 1_250_000}, "Free", "1 call came by the tunnel to this computer, with 1.2 MB of answers.", "ngrok's free plan has"},
		{backend.TunnelUsage{Calls: 16_000}, "Free", "16,000 calls", "That is 80% of it."},
		{backend.TunnelUsage{Calls: 5, Out: 1_100_000_000}, "Free", "with 1100.0 MB of answers", "That is all of it"},
		{backend.TunnelUsage{Calls: 500_000}, "Pay-as-you-go", "500,000 calls", "plan is Pay-as-you-go"},
	} {
		u := s.tunnel.usage
		u.set(backend.View{Usage: tt.used, Tunnel: backend.TunnelState{Plan: tt.plan}})
		if !strings.Contains(u.words.seg.Text, tt.words) || !strings.HasPrefix(u.limits.seg.Text, tt.limit) && !strings.Contains(u.limits.seg.Text, tt.limit) || u.bars.Hidden != (tt.limit == "plan is Pay-as-you-go") {
			t.Errorf("%+v: %q, %q", tt.used, u.words.seg.Text, u.limits.seg.Text)
		}
	}
	a := newAlerts(s.face)
	var said []string
	for _, calls := range []int64{15_000, 16_500, 17_000, 20_000, 30_000, 5} {
		v := backend.View{Usage: backend.TunnelUsage{Calls: calls}}
		if a.rises(v) {
			title, _ := usageAlert(v.Usage)
			said = append(said, title)
		}
	}
	if got := strings.Join(said, ", "); got != "82% of ngrok's month is used, ngrok's month is used up" {
		t.Errorf("alerts: %s", got)
	}
}

func TestUnguardedWords(t *testing.T) {
	s, _ := exposed(t)
	s.tunnel.drawTrouble(backend.TunnelState{Phase: backend.TunnelOpen, Unguarded: backend.TunnelTrouble{Title: "ngrok lets every call through", Text: "Why.", Code: "ERR_NGROK_15004"}})
	if got := s.tunnel.trouble; !got.root.Visible() || got.title.text != "ngrok lets every call through" || !strings.Contains(got.text.seg.Text, "ERR_NGROK_15004") {
		t.Errorf("it says %q, %q", got.title.text, got.text.seg.Text)
	}
}
