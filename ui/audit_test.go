package ui

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"

	"lockbox/ui/backend"
)

// page makes calls newest first, from number a down to b.
func page(a, b int) (out []backend.Exchange) {
	for i := a; i >= b; i-- {
		out = append(out, backend.Exchange{ID: fmt.Sprint(i), Seq: int64(i), Status: 200})
	}
	return out
}

func TestFeed(t *testing.T) {
	full := func(newest int) []backend.Exchange { return page(newest, newest-auditPageSize+1) }
	tests := []struct {
		name       string
		do         func(*feed)
		first, len string
		whole      bool
	}{
		{"nothing", func(f *feed) { f.newer(nil) }, "", "0", true},
		{"a short page is all there is", func(f *feed) { f.newer(page(3, 1)) }, "3", "3", true},
		{"a full page may have older ones", func(f *feed) { f.newer(full(500)) }, "500", "100", false},
		{"older ones go below", func(f *feed) { f.newer(full(500)); f.older(page(400, 390)) }, "500", "111", true},
		{"newer ones go on top", func(f *feed) { f.newer(full(500)); f.newer(page(510, 501)) }, "510", "110", false},
		{"nothing new", func(f *feed) { f.newer(full(500)); f.newer(nil) }, "500", "100", false},
		{"a gap begins anew", func(f *feed) { f.newer(full(500)); f.newer(full(900)) }, "900", "100", false},
	}
	for _, tt := range tests {
		var f feed
		tt.do(&f)
		first := ""
		if len(f.calls) > 0 {
			first = f.calls[0].id
		}
		if first != tt.first || fmt.Sprint(len(f.calls)) != tt.len || f.whole != tt.whole {
			t.Errorf("%s: first %q, %d calls, whole %v; want %q, %s, %v", tt.name, first, len(f.calls), f.whole, tt.first, tt.len, tt.whole)
		}
	}
	var f feed
	f.newer(full(100_000))
	for n := 100_000 + 50; n < 100_000+2*auditMax; n += 50 {
		f.newer(page(n, n-49))
	}
	if len(f.calls) != auditMax {
		t.Errorf("%d calls are kept, want %d", len(f.calls), auditMax)
	}
	if f.calls[0].seq-f.last() != auditMax-1 {
		t.Errorf("the calls from %d to %d are %d", f.first(), f.last(), len(f.calls))
	}
}

// TestAuditPage: calls come in live, the list can be held, older ones are read
// as it is scrolled, and a selected one is shown whole.
func TestAuditPage(t *testing.T) {
	s := open(t, testConfig)
	for i := range 250 {
		s.call("GET", fmt.Sprintf("/s/demo/call/%d", i), "")
	}
	s.window.open(pageAudit)
	p := s.audit
	paths := func() (out []string) {
		for _, c := range p.feed.calls {
			out = append(out, c.path)
		}
		return out
	}
	s.until("the newest calls", func() bool { return len(p.feed.calls) >= auditPageSize })
	if got := paths()[0]; got != "/s/demo/call/249" {
		t.Errorf("the first is %s", got)
	}
	p.list.ScrollToBottom()
	s.until("older ones", func() bool { p.list.ScrollToBottom(); return p.feed.whole })
	if got := paths(); len(got) != 250 || got[249] != "/s/demo/call/0" {
		t.Errorf("%d calls, the last %s", len(got), got[len(got)-1])
	}
	if got := slices.Compact(slices.Sorted(slices.Values(paths()))); len(got) != 250 {
		t.Errorf("%d different calls, want 250", len(got))
	}

	p.list.ScrollToTop()
	s.call("GET", "/s/demo/live", "")
	s.until("the live call", func() bool { return paths()[0] == "/s/demo/live" })
	p.toggleLive()
	s.call("GET", "/s/demo/held", "")
	s.until("the button that speaks of new calls", func() bool { return p.pending.Visible() })
	if got := paths()[0]; got != "/s/demo/live" || !strings.Contains(p.pending.Text, "1 new call") {
		t.Errorf("a held list moved to %s, and says %q", got, p.pending.Text)
	}
	p.toggleLive()
	s.until("the held call", func() bool { return paths()[0] == "/s/demo/held" })

	s.call("POST", "/s/demo/things", `{"a":1}`)
	s.until("the call with a body", func() bool { return paths()[0] == "/s/demo/things" })
	p.choose(0)
	s.until("its detail", func() bool { return p.detail.root.Visible() })
	var shown []string
	for _, part := range p.detail.parts {
		shown = append(shown, part.sheet.text)
	}
	if got := strings.Join(shown, "\n"); !strings.Contains(got, `"a": 1`) || !strings.Contains(got, "Content-Type: application/json") {
		t.Errorf("the detail shows %s", got)
	}
	p.key(fyne.KeyEscape)
	if p.detail.root.Visible() {
		t.Error("Escape does not close the detail")
	}

	s.call("GET", "/s/acme/x", "")
	p.showService("acme")
	s.until("acme's calls alone", func() bool { return len(p.feed.calls) == 1 })
	if c := p.feed.calls[0]; c.service != "acme" || c.mark != markRefused || c.note != "token_missing" {
		t.Errorf("the call is %+v", c)
	}
}
