package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

// The findings come to the page, and the status line sums them up: the key of
// weather is not there.
func TestCheckup(t *testing.T) {
	config := `{"services": {"weather": {"base_url": "lockbox://demo", "credential": {"type": "bearer", "token": "env://NOT_SET"}}}}`
	s := open(t, config)
	c := s.settings.checkup
	s.window.open(pageSettings)
	test.Tap(c.start)
	if !c.start.Disabled() {
		t.Error("it can be started twice")
	}
	s.until("the end", func() bool { return !c.start.Disabled() })
	if got := c.count[backend.Broken]; got != 1 {
		t.Errorf("%d broken things, want the key alone", got)
	}
	if got := len(c.findings.Objects); got < 8 {
		t.Errorf("%d findings", got)
	}
	if got := s.window.status.message.text; !strings.Contains(got, "something to mend") {
		t.Errorf("status line %q", got)
	}
}
