package ui

import (
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

// TestControlPart: limits and guards are filled in, said to be wrong where they are,
// saved with the rules, and shown as they are used.
func TestControlPart(t *testing.T) {
	s := open(t, testConfig)
	s.control("demo")
	p := s.rules
	if p.dirty() {
		t.Error("nothing was changed, and something would be lost")
	}
	p.more.all.boxes[0].SetText("two")
	if got := p.more.all.fields[0].note.seg.Text; !strings.Contains(got, "Requests must be a whole number") {
		t.Errorf("a number in words: %q", got)
	}
	p.submit()
	if s.rules == nil || !strings.Contains(p.trouble.title.text, "another look") {
		t.Fatal("a wrong limit is saved")
	}
	p.more.all.boxes[0].SetText("2")
	p.more.all.boxes[1].SetText("1h")
	p.more.all.boxes[4].SetText("100")
	p.more.once.SetChecked(true)
	p.more.window.SetText("soon")
	if got := p.more.within.note.seg.Text; !strings.Contains(got, "not a time") {
		t.Errorf("a time in words: %q", got)
	}
	p.more.window.SetText("5m")
	p.more.leak.SetSelected(leakLabels[1].label)
	if !p.dirty() {
		t.Error("what was changed would be lost")
	}
	p.submit()
	s.until("saved", func() bool { return s.rules == nil })
	c, err := s.b.Control("demo")
	if err != nil || c.Limits.Rate.Requests != 2 || c.Limits.Rate.Per != time.Hour || c.Limits.Quota.CallsPerDay != 100 || c.Duplicates != 5*time.Minute || c.LeakGuard != backend.LeakGuardStrict || c.Drift != "" {
		t.Errorf("saved %+v, %v", c, err)
	}
	for i, want := range []int{200, 200, 429} {
		if got := s.call("GET", "/s/demo/x", ""); got != want {
			t.Errorf("call %d: %d, want %d", i, got, want)
		}
	}

	s.control("demo")
	p = s.rules
	if p.dirty() || p.more.all.boxes[1].Text != "1h" || !p.more.once.Checked || p.more.leak.Selected != leakLabels[1].label {
		t.Error("the page does not begin with what was saved")
	}
	s.until("how far they are used", func() bool {
		return strings.Contains(p.more.used.seg.Text, "rate: 2 of 2 used, free again in") && strings.Contains(p.more.used.seg.Text, "calls per day: 2 of 100 used")
	})
	test.Tap(&p.leave.Button)
	if s.rules != nil {
		t.Error("the page stays open")
	}
}
