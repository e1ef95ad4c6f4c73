package ui

import (
	"testing"

	"fyne.io/fyne/v2/test"
)

// TestEmptyPages: a list without rows has a button that leads on.
func TestEmptyPages(t *testing.T) {
	s := open(t, testConfig)
	s.open(pageApprovals)
	if s.approvals.empty.Hidden {
		t.Error("without questions, the Approvals page says nothing")
	}
	test.Tap(s.approvals.next)
	if s.page != pageServices {
		t.Errorf("the button of the Approvals page leads to page %d", s.page)
	}
	s.open(pageAudit)
	p := s.audit
	s.until("the empty log", func() bool { p.draw(s.b.View()); return !p.empty.Hidden })
	if !p.unsearch.Hidden || !p.add.Hidden || p.token.Hidden {
		t.Error("without calls, the log does not offer a token for the services there are")
	}
	test.Tap(p.token)
	if s.page != pageTokens || !s.tokens.maker.form.Visible() {
		t.Errorf("the button of the empty log leads to page %d", s.page)
	}
	s.open(pageAudit)
	p.bar.set("status:500")
	s.until("nothing found", func() bool { p.draw(s.b.View()); return !p.empty.Hidden && !p.unsearch.Hidden })
	if !p.add.Hidden || !p.token.Hidden {
		t.Error("a search without result offers more than to end it")
	}
}

// TestEmptyLogOfFirstStart: with none but the starter's services the next step is one
// of one's own.
func TestEmptyLogOfFirstStart(t *testing.T) {
	s := open(t, "")
	s.open(pageAudit)
	p := s.audit
	s.until("the empty log", func() bool { p.draw(s.b.View()); return !p.empty.Hidden })
	if p.add.Hidden || !p.token.Hidden {
		t.Error("the log does not offer to add a service")
	}
}
