package ui

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

// TestPageAtStart: with services of one's own the window begins with the Overview,
// unless the person was faster.
func TestPageAtStart(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		first, want  int
	}{
		{"own services", testConfig, -1, pageOverview},
		{"those of the starter config", "", -1, pageServices},
		{"none", none, -1, pageServices},
		{"a page that was chosen", "", pageTunnel, pageTunnel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.config)
			s.window = newWindow(s.app, s.win, s.b, s.loop)
			if tt.first >= 0 {
				s.window.open(tt.first)
			}
			s.draw(s.b.View())
			if s.page != tt.want {
				t.Errorf("page %d is shown, want %d", s.page, tt.want)
			}
		})
	}
}

// counted opens the Overview and waits until it shows so many calls of the last
// hour.
func (s *screen) counted(calls int64) {
	s.t.Helper()
	if s.page != pageOverview {
		s.window.open(pageOverview)
	}
	s.until("the calls are counted", func() bool {
		s.overview.sight.paint()
		var n int64
		for _, m := range s.overview.activity.chart.minutes {
			n += m.Calls
		}
		return n == calls && !s.overview.now.IsZero() && !s.overview.asking
	})
}

// paint is what the painter does.
func (s *sight) paint() { s.dot.Generator(1, 1) }

// TestOverviewCounts: calls come up as they are made, with whose they are.
func TestOverviewCounts(t *testing.T) {
	s := open(t, testConfig)
	p := s.overview
	s.counted(0)
	if !p.empty.root.Visible() || p.activity.root.Visible() || p.empty.add.Visible() || !strings.HasSuffix(p.empty.curl.text, "/s/demo/hello") {
		t.Errorf("without calls: hidden %v, %v; the line is %q", p.empty.root.Hidden, p.activity.root.Hidden, p.empty.curl.text)
	}
	for range 3 {
		s.call("GET", "/s/demo/hello", "")
	}
	s.call("GET", "/s/github/user", "")
	s.counted(4)
	if p.empty.root.Visible() || !p.activity.root.Visible() {
		t.Error("with calls, the page is still empty")
	}
	if got := p.activity.figures[0].value.text + " " + p.activity.figures[2].value.text; got != "4 1" {
		t.Errorf("today and refused: %s", got)
	}
	rows := p.activity.services.rows
	if len(rows) != 2 || rows[0].name != "demo" || rows[0].count != "3 calls" || rows[0].bad || rows[1].fails != "1 refused" {
		t.Fatalf("services: %+v", rows)
	}
	rows[1].open()
	if s.page != pageServices || s.services.selected != "github" {
		t.Errorf("github leads to page %d, %q", s.page, s.services.selected)
	}
	s.window.open(pageOverview)
	test.Tap(&tapAt{p.activity.services, 0})
	if s.services.selected != "demo" {
		t.Errorf("a click leads to %q", s.services.selected)
	}
}

// tapAt is a place in leads.
type tapAt struct {
	*leads
	row int
}

func (a *tapAt) Tapped(*fyne.PointEvent) {
	a.leads.Tapped(&fyne.PointEvent{Position: fyne.NewPos(5, float32(a.row)*leadHeight+5)})
}

// TestOverviewUnseen: what nobody sees is not counted: while another page is shown,
// and while the window is hidden.
func TestOverviewUnseen(t *testing.T) {
	s := open(t, testConfig)
	s.counted(0)
	p := s.overview
	s.window.open(pageTunnel)
	s.call("GET", "/s/demo/hello", "")
	s.until("the call is on record", func() bool { return p.view.Exchanges == 1 })
	if p.tick(); p.asking {
		t.Error("it counts while another page is shown")
	}
	s.window.open(pageOverview)
	s.until("the call is counted", func() bool { return len(p.activity.services.rows) == 1 })
	s.until("the last count is done", func() bool { return !p.asking })
	if !p.sight.unseen {
		t.Fatal("what was never painted is taken for seen")
	}
	s.call("GET", "/s/demo/hello", "")
	s.until("the second call is on record", func() bool { return p.view.Exchanges == 2 })
	if p.asking || !p.owed {
		t.Errorf("in a hidden window it counts: %v; it knows that it owes: %v", p.asking, p.owed)
	}
	s.counted(2) // as it is painted again
}

// TestOverviewAttention: what the banner says is not said again, a few rows are
// shown until all are asked for, and that all is well only when it is.
func TestOverviewAttention(t *testing.T) {
	s := open(t, `{"services": {"demo": {"base_url": "lockbox://demo", "requires_service_token": false}}}`)
	s.counted(0)
	p := s.overview
	show := func(all ...backend.Concern) int {
		p.seen.Concerns = all
		p.drawConcerns()
		return len(p.concerns.rows)
	}
	if n := show(); n != 0 || p.card.Visible() || !p.well.Visible() {
		t.Errorf("all is well: %d rows, the card is hidden %v, the words are %v", n, p.card.Hidden, p.well.Hidden)
	}
	if n := show(backend.Concern{Kind: backend.ConcernProblem, Text: "x"}, backend.Concern{Kind: backend.ConcernVault, Text: "x"}); n != 0 || p.well.Visible() {
		t.Errorf("what the banner says: %d rows, well hidden %v", n, p.well.Hidden)
	}
	s.banner.keychain.clear() // as Hide does
	if n := show(backend.Concern{Kind: backend.ConcernVault, Text: "x"}); n != 1 || p.well.Visible() {
		t.Errorf("what the banner no longer says: %d rows", n)
	}
	p.view.Tunnel.Plan = "Pro"
	if n := show(backend.Concern{Kind: backend.ConcernUsage, Count: 90}); n != 0 {
		t.Error("another plan's month is spoken of")
	}
	var many []backend.Concern
	for i := range 11 {
		many = append(many, backend.Concern{Kind: backend.ConcernBroken, Service: fmt.Sprint("s", i), Text: "x"})
	}
	if n := show(many...); n != concernsAtFirst || p.more.Text != "Show all 11" || p.more.Hidden {
		t.Errorf("%d rows, %q", n, p.more.Text)
	}
	if p.toggleAll(); len(p.concerns.rows) != 11 || p.more.Text != "Show fewer" {
		t.Errorf("all: %d rows, %q", len(p.concerns.rows), p.more.Text)
	}
}

// TestOverviewKeys: Tab, the arrows and Enter go through the rows and the chart.
func TestOverviewKeys(t *testing.T) {
	calls := manyCalls(300)
	s := openBackend(t, testConfig, func(o *backend.Options) { fillLog(t, filepath.Join(o.StateDir, "audit"), calls) })
	s.window.open(pageOverview)
	p := s.overview
	s.until("the calls are counted", func() bool {
		p.sight.paint()
		return len(p.activity.services.rows) == 4 && !p.asking && p.seen.Uncounted == 0
	})
	p.seen.Concerns = []backend.Concern{{Kind: backend.ConcernBroken, Service: "weather", Text: "x"}, {Kind: backend.ConcernQuestions, Count: 1}}
	p.drawConcerns()
	key := func(k fyne.KeyName) {
		t.Helper()
		if f := s.win.Canvas().Focused(); f != nil {
			f.TypedKey(&fyne.KeyEvent{Name: k})
			return
		}
		s.keys.typed(&fyne.KeyEvent{Name: k})
	}
	key(fyne.KeyDown)
	if s.win.Canvas().Focused() != fyne.Focusable(p.concerns) || p.concerns.at != 0 {
		t.Fatal("the first arrow does not lead to what needs the person")
	}
	key(fyne.KeyDown)
	key(fyne.KeyDown)
	if p.concerns.at != 1 {
		t.Errorf("at row %d", p.concerns.at)
	}
	key(fyne.KeyReturn)
	if s.page != pageApprovals {
		t.Errorf("Enter leads to page %d", s.page)
	}
	s.window.open(pageOverview)
	s.focus(p.concerns)
	c := p.activity.chart
	for range 5 {
		if s.win.Canvas().FocusNext(); s.win.Canvas().Focused() == fyne.Focusable(c) {
			break
		}
	}
	if s.win.Canvas().Focused() != fyne.Focusable(c) || c.at != 59 {
		t.Fatalf("Tab does not lead to the chart, which is at %d", c.at)
	}
	key(fyne.KeyLeft)
	key(fyne.KeyLeft)
	key(fyne.KeyRight)
	if _, words, _ := c.timeline.words(); c.at != 58 || !strings.HasPrefix(words, c.minutes[58].Start.Local().Format("15:04")+"   ") {
		t.Errorf("at %d: %q", c.at, words)
	}
	key(fyne.KeyReturn)
	if since := s.audit.bar.values("since"); s.page != pageAudit || len(since) != 1 || since[0] != c.minutes[58].Start.Local().Format(time.RFC3339) {
		t.Errorf("Enter leads to page %d, %q", s.page, s.audit.bar.words)
	}
	if s.audit.zoomOut(); s.audit.bar.words != "" {
		t.Errorf("Esc leads back to %q", s.audit.bar.words)
	}
}

// TestChartWords: the pointer says what came in a minute, errors and refused calls
// apart.
func TestChartWords(t *testing.T) {
	start := time.Date(2026, 7, 1, 9, 0, 0, 0, time.Local)
	c := newChart(nil, nil)
	c.show([]backend.Minute{{Start: start, Calls: 1}, {Start: start.Add(time.Minute), Calls: 1200, Errors: 3, Refused: 2}, {Start: start.Add(2 * time.Minute), Errors: 1, Calls: 7}})
	for _, tt := range []struct {
		a, b int
		want string
	}{
		{0, 0, "09:00   1 call, no errors, none refused"},
		{1, 1, "09:01   1,200 calls, 3 errors, 2 refused"},
		{1, 2, "09:01 – 09:03   1,207 calls, 4 errors, 2 refused"},
		{2, 2, "09:02   7 calls, 1 error, none refused"},
	} {
		if got := c.minutesWords(tt.a, tt.b); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	if m := c.most(); m.Calls != 1200 {
		t.Errorf("the most is %+v", m)
	}
	before := &c.buckets[0]
	if c.show(append([]backend.Minute(nil), c.minutes...)); &c.buckets[0] != before {
		t.Error("the same numbers are drawn anew")
	}
}

// TestOverviewState: each state has its shape, and the step that is next.
func TestOverviewState(t *testing.T) {
	s := open(t, testConfig)
	p := s.overview
	v := s.b.View()
	good := backend.KeychainInfo{State: "ready"}
	at := func(change func(*backend.View)) backend.View {
		x := v
		x.Keychain = good
		change(&x)
		return x
	}
	for name, tt := range map[string]struct {
		v    backend.View
		tile *tile
		mark mark
		word string
		next string
	}{
		"running":       {at(func(*backend.View) {}), p.proxy, markGood, "Running", "Copy"},
		"paused":        {at(func(v *backend.View) { v.Phase = backend.Paused }), p.proxy, markInactive, "Paused", "Resume"},
		"stopped":       {at(func(v *backend.View) { v.Phase = backend.Stopped }), p.proxy, markFailed, "Not listening", "Retry"},
		"starting":      {at(func(v *backend.View) { v.Phase = backend.Starting }), p.proxy, markInfo, "Starting…", ""},
		"vault":         {at(func(*backend.View) {}), p.vault, markGood, "Open", ""},
		"locked":        {at(func(v *backend.View) { v.Locked = true }), p.vault, markInactive, "Locked", "Unlock"},
		"vault locked":  {at(func(v *backend.View) { v.Keychain = backend.KeychainInfo{Message: "x", CanUnlock: true} }), p.vault, markWarning, "Locked", "Unlock"},
		"no vault":      {at(func(v *backend.View) { v.Keychain = backend.KeychainInfo{Message: "x"} }), p.vault, markWarning, "Cannot be used", "Retry"},
		"a new file":    {at(func(v *backend.View) { v.Vault.File, v.Vault.New = true, true }), p.vault, markWarning, "Not there yet", "Unlock"},
		"tunnel closed": {at(func(v *backend.View) { v.Tunnel = backend.TunnelState{Phase: backend.TunnelClosed} }), p.tunnel, markInactive, "Closed", "Open"},
		"tunnel open": {at(func(v *backend.View) {
			v.Tunnel = backend.TunnelState{Phase: backend.TunnelOpen, URL: "https://x.example"}
		}), p.tunnel, markGood, "Open", "Copy"},
		"tunnel lost":    {at(func(v *backend.View) { v.Tunnel = backend.TunnelState{Phase: backend.TunnelLost} }), p.tunnel, markWarning, "Lost", "Look"},
		"tunnel opening": {at(func(v *backend.View) { v.Tunnel = backend.TunnelState{Phase: backend.TunnelOpening} }), p.tunnel, markInfo, "Opening…", ""},
		"tunnel closing": {at(func(v *backend.View) { v.Tunnel = backend.TunnelState{Phase: backend.TunnelClosing} }), p.tunnel, markInfo, "Closing…", ""},
	} {
		p.drawState(tt.v)
		if got := tt.tile; got.marker.mark != tt.mark || got.word.text != tt.word || got.shown != tt.next || got.next.Visible() != (tt.next != "") {
			t.Errorf("%s: mark %d, %q, next %q", name, got.marker.mark, got.word.text, got.shown)
		}
	}
}
