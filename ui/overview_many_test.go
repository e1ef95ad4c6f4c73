package ui

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/ui/backend"
)

// TestManyOnOverview: 10,000 services, most of which cannot be served, 100,000
// tokens and 4,000 calls are counted aside, and drawn without a hitch.
func TestManyOnOverview(t *testing.T) {
	const services = 10_000
	var text strings.Builder
	for i := range services {
		fmt.Fprintf(&text, `"s%d": {"base_url": "https://%d.example", "credential": {"type": "bearer", "token": "env://NOT_SET"}},`, i, i)
	}
	calls := manyCalls(4000)
	for i := range calls {
		calls[i].Service, calls[i].JTI = fmt.Sprint("s", i%services), fmt.Sprint("t", i)
	}
	s := openBackend(t, `{"services": {`+text.String()+`}}`, func(o *backend.Options) { fillLog(t, filepath.Join(o.StateDir, "audit"), calls) })
	list, err := backend.OpenTokens(backend.Options{StateDir: s.b.View().StateDir})
	if err != nil {
		t.Fatal(err)
	}
	if err := list.Add("", manyClaims(100_000)...); err != nil {
		t.Fatal(err)
	}
	p := s.overview
	s.quick("opening", func() { s.window.open(pageOverview) })
	s.until("all is counted", func() bool {
		p.sight.paint()
		return p.seen.TokensUsed == len(calls) && p.seen.Uncounted == 0 && !p.asking
	})
	s.quick("counting once more", func() {
		if _, err := s.b.Overview(t.Context()); err != nil {
			t.Error(err)
		}
	})
	s.quick("drawing", p.drawParts)
	s.quick("following", func() { p.draw(s.b.View()) })
	s.win.Content().Refresh()
	s.quick("painting", func() { s.win.Canvas().Capture() })
	if rows := p.concerns.rows; len(p.activity.services.rows) != 5 || len(rows) == 0 || len(rows) > concernsAtFirst || rows[0].name != "s0 cannot be served" {
		t.Errorf("%d rows of services, %d of what needs the person: %+v", len(p.activity.services.rows), len(rows), rows)
	}
	var seen []string
	for _, r := range p.concerns.rows {
		seen = append(seen, r.name)
	}
	if all := strings.Join(seen, "\n"); !strings.Contains(all, "and 9,997 more") {
		t.Errorf("what needs the person:\n%s", all)
	}
}
