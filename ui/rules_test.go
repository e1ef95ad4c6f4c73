package ui

import (
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

// TestRulesPage: rules are made in rows, tried on a call and on past ones, shown as
// text, and saved; the proxy keeps them.
func TestRulesPage(t *testing.T) {
	s := open(t, testConfig)
	for _, path := range []string{"/s/demo/orders/1001", "/s/demo/orders/1002", "/s/demo/customers"} {
		if code := s.call("GET", path, ""); code != 200 {
			t.Fatalf("%s: %d", path, code)
		}
	}
	s.services.open("demo")
	test.Tap(&s.services.detail.control.Button)
	p := s.rules
	if p == nil {
		t.Fatal("the page does not open")
	}
	if got := p.effect.seg.Text; !strings.Contains(got, "There are no rules") {
		t.Errorf("without rules: %s", got)
	}

	test.Tap(&p.rows.add.Button)
	row := p.rows.rows[0]
	test.Type(row.methods, "get, head")
	test.Type(row.path, "orders/*")
	if !strings.Contains(row.field.note.seg.Text, "must begin with /") {
		t.Errorf("a path without a slash: %q", row.field.note.seg.Text)
	}
	p.submit()
	if !strings.Contains(p.trouble.title.text, "another look") {
		t.Errorf("bad rules are saved: %q", p.trouble.title.text)
	}
	row.path.SetText("/orders/*")
	p.try.path.SetText("/orders/7?x=1")
	if got := p.try.answer.text; got != "It passes" || !strings.Contains(p.try.reason.seg.Text, "1 allow GET,HEAD /orders/*") {
		t.Errorf("a call that fits: %s, %s", got, p.try.reason.seg.Text)
	}
	p.try.path.SetText("/customers")
	if got := p.try.answer.text; got != "It is denied" {
		t.Errorf("a call that does not: %s", got)
	}

	test.Tap(&p.past.replay.Button)
	s.until("the past calls are tried", func() bool { return strings.Contains(p.past.strip.title.text, "1 of 3 calls would not have passed") })
	test.Tap(&p.past.learn.Button)
	s.until("rules are proposed", func() bool { return len(p.past.found.Objects) > 2 })
	p.use(mustParse(t, `[{"action": "allow", "methods": ["GET"], "path": "/orders/*"}, {"action": "allow", "methods": ["GET"], "path": "/customers", "content_type": ["text/plain"]}]`))
	if got := p.rows.rows[1].field.note.seg.Text; !strings.Contains(got, "type text/plain") {
		t.Errorf("what has no field is not said: %q", got)
	}

	test.Tap(&p.asText.Button)
	if got := p.text.Text; !strings.Contains(got, `"path": "/customers"`) || p.rows.root.Visible() {
		t.Errorf("as text: %s", got)
	}
	p.text.SetText("[{\"action\": \"alow\"}]")
	if got := p.odd.note.seg.Text; !strings.Contains(got, "action") {
		t.Errorf("bad text: %q", got)
	}
	test.Tap(&p.asText.Button)
	if !p.textBox.Visible() {
		t.Error("bad text is left for rows")
	}
	p.text.SetText(`[{"action": "deny", "path": "/customers"}, {"action": "allow"}]`)
	test.Tap(&p.asText.Button)
	if len(p.rows.rows) != 2 {
		t.Fatalf("%d rows", len(p.rows.rows))
	}
	test.Tap(&p.rows.rows[1].up.Button)
	if got := p.rows.value()[1].Path; got != "/customers" {
		t.Errorf("after a move the second is %s", got)
	}
	test.Tap(&p.rows.rows[1].up.Button)
	test.Tap(&p.rows.add.Button)
	test.Tap(&p.rows.rows[2].remove.Button)

	s.keys.typed(&fyne.KeyEvent{Name: fyne.KeyEscape})
	if s.rules == nil || !p.ask.root.Visible() {
		t.Fatal("Escape loses what was changed")
	}
	s.keys.typed(&fyne.KeyEvent{Name: fyne.KeyEscape})
	s.submit()
	s.until("saved", func() bool { return s.rules == nil })
	if got := s.call("GET", "/s/demo/customers", ""); got != 403 {
		t.Errorf("a call that is denied: %d", got)
	}
	if got := s.call("GET", "/s/demo/orders/1", ""); got != 200 {
		t.Errorf("a call that is allowed: %d", got)
	}
	rules, err := s.b.Rules("demo")
	if err != nil || len(rules) != 2 || rules[0].Action != backend.RuleDenies {
		t.Errorf("saved: %v, %v", rules, err)
	}
}

// TestRulesPageKeepsForms: a form with something to lose is not replaced by rules,
// nor they by it.
func TestRulesPageKeepsForms(t *testing.T) {
	s := open(t, testConfig)
	s.control("github")
	s.rules.rows.append(backend.Rule{Action: backend.RuleAllows})
	s.edit("github")
	if s.rules == nil || s.form != nil || !s.rules.ask.root.Visible() {
		t.Error("the form takes the place of changed rules")
	}
	s.rules.begun.Rules = s.rules.rows.value()
	s.edit("github")
	if s.rules != nil || s.form == nil {
		t.Error("the form does not open over rules that were not changed")
	}
	s.form.name.SetText("other")
	s.control("github")
	if s.rules != nil || s.form == nil {
		t.Error("rules take the place of a changed form")
	}
}

func mustParse(t *testing.T, text string) []backend.Rule {
	t.Helper()
	rules, err := backend.ParseRules(text)
	if err != nil {
		t.Fatal(err)
	}
	return rules
}
