package ui

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

const askConfig = `{
  "services": {
    "bank": {"base_url": "lockbox://demo", "requires_service_token": false, "rules": [{"action": "ask", "methods": ["POST"], "path": "/pay/**", "note": "Money leaves the account."}, {"action": "allow"}]},
  },
  "ask": {"wait": "5m"},
}
`

// calling makes a call, and gives its status later.
func (s *screen) calling(path, body string) chan int {
	out := make(chan int, 1)
	go func() { out <- s.call("POST", path, body) }()
	return out
}

// asked waits until the window shows the question about a path, and takes answers.
func (s *screen) asked(path string) {
	s.t.Helper()
	s.until("the window asks about "+path, func() bool {
		a := s.asker
		return a.up && strings.Contains(a.pane.call.text, path) && !a.pane.idle && a.alive()
	})
}

func (s *screen) answered(out chan int) (status int) {
	s.t.Helper()
	s.until("the call is answered", func() bool {
		select {
		case status = <-out:
			return true
		default:
			return false
		}
	})
	return status
}

func typed(a *asker, k fyne.KeyName) { a.window.Canvas().OnTypedKey()(&fyne.KeyEvent{Name: k}) }

func TestQuestionWindow(t *testing.T) {
	s := open(t, askConfig)
	a := s.asker
	out := s.calling("/s/bank/pay/1?x=\u202e1", `{"amount":100,"to":"ev`+"\u202e"+`il"}`)
	s.until("the window comes up", func() bool { return a.up })
	p := a.pane
	a.dead() // as when it has just come up, however slow the test is
	a.tick()
	test.Tap(p.answers[0])
	typed(a, fyne.KeyA)
	if p.working || !p.answers[0].Disabled() {
		t.Error("an answer was taken when the window had just come up")
	}
	s.asked("POST /pay/1")
	shown := p.call.text + p.body.sheet.text
	for _, f := range p.facts {
		shown += " " + f.text
	}
	for _, want := range []string{`"amount": 100`, `ev\u202eil`, "bank", "rule 1 ask POST /pay/**", "on this computer", "someone without a token"} {
		if !strings.Contains(shown, want) {
			t.Errorf("the window does not say %q but %s", want, shown)
		}
	}
	if !strings.Contains(p.note.text.seg.Text, "Money leaves") || p.fuse.left <= 0 || !strings.Contains(p.left.text, "The caller waits") {
		t.Errorf("the note is %q, the time %v %q", p.note.text.seg.Text, p.fuse.left, p.left.text)
	}
	test.Tap(p.answers[0])
	if got := s.answered(out); got != 200 {
		t.Errorf("allowed: %d", got)
	}
	s.until("the window closes", func() bool { return !a.up })

	out = s.calling("/s/bank/pay/2", "")
	s.asked("/pay/2")
	typed(a, fyne.KeyD)
	if got := s.answered(out); got != 403 {
		t.Errorf("denied: %d", got)
	}
}

// TestQuestionKeys: what is typed on when the window comes up answers nothing.
func TestQuestionKeys(t *testing.T) {
	s := open(t, askConfig)
	a := s.asker
	out := s.calling("/s/bank/pay/1", "x")
	s.until("the window comes up", func() bool { return a.up })
	a.dead() // as when it has just come up, however slow the test is
	for began := time.Now(); time.Since(began) < 2*deadTime; time.Sleep(20 * time.Millisecond) {
		for _, k := range []fyne.KeyName{fyne.KeyH, fyne.KeyA, fyne.KeyD} {
			typed(a, k)
		}
	}
	if a.pane.working || s.b.View().Questions != 1 {
		t.Fatal("what was typed is an answer")
	}
	typed(a, fyne.KeyEscape)
	if a.up || s.b.View().Questions != 1 {
		t.Error("Esc does not leave the question open")
	}
	s.window.open(pageApprovals)
	if p := s.approvals; len(p.all) != 1 || p.tally.text != "1 open" {
		t.Fatalf("the page has %d questions, %q", len(p.all), p.tally.text)
	}
	s.approvals.choose(0)
	s.asked("/pay/1")
	typed(a, fyne.KeyH)
	if got := s.answered(out); got != 200 {
		t.Errorf("allowed: %d", got)
	}
	if got := s.answered(s.calling("/s/bank/pay/other", "y")); got != 200 {
		t.Errorf("within the hour: %d", got)
	}
}

func TestQuestionAlways(t *testing.T) {
	s := open(t, askConfig)
	a := s.asker
	out := s.calling("/s/bank/pay/1", "x")
	s.asked("/pay/1")
	test.Tap(a.pane.answers[2])
	if text := a.pane.sure.text.seg.Text; !strings.Contains(text, "allow POST /pay/1") || a.pane.buttons.Visible() {
		t.Errorf("the rule is shown as %q", text)
	}
	typed(a, fyne.KeyEscape)
	if !a.up || !a.pane.buttons.Visible() {
		t.Error("Esc does not lead back to the answers")
	}
	test.Tap(a.pane.answers[2])
	test.Tap(a.pane.sure.buttons.Objects[1].(*button))
	if got := s.answered(out); got != 200 {
		t.Errorf("allowed: %d", got)
	}
	text, err := os.ReadFile(s.b.View().ConfigPath)
	if err != nil || !strings.Contains(string(text), `{"action": "allow", "methods": ["POST"], "path": "/pay/1"}`) {
		t.Errorf("the config is %s, %v", text, err)
	}
}

// TestDenyTakenBack: a Deny by mistake can be taken back on the page.
func TestDenyTakenBack(t *testing.T) {
	s := open(t, askConfig)
	out := s.calling("/s/bank/pay/1", "x")
	s.asked("/pay/1")
	test.Tap(s.asker.pane.answers[3])
	if got := s.answered(out); got != 403 {
		t.Errorf("denied: %d", got)
	}
	s.until("the window closes", func() bool { return !s.asker.up })
	s.window.open(pageApprovals)
	s.approvals.choose(0)
	s.asked("/pay/1")
	test.Tap(s.asker.pane.answers[0])
	s.until("the window closes", func() bool { return !s.asker.up })
	if got := s.answered(s.calling("/s/bank/pay/1", "x")); got != 200 {
		t.Errorf("after it was taken back: %d", got)
	}
	s.approvals.choose(0)
	if s.asker.up {
		t.Error("what was allowed can be answered again")
	}
}

// TestManyQuestions: the window stays quick, and each is asked about in its turn.
func TestManyQuestions(t *testing.T) {
	var services []string
	for i := range 5 { // a caller may have 20 open ones
		services = append(services, fmt.Sprintf(`"s%d": {"base_url": "lockbox://demo", "requires_service_token": false, "rules": [{"action": "ask"}]}`, i))
	}
	s := open(t, `{"services": {`+strings.Join(services, ", ")+`}, "ask": {"wait": "5m"}}`)
	body := `{"rows":[` + strings.Repeat(`{"name":"Ada"},`, 4000) + `0]}`
	var all []chan int
	for i := range 100 {
		all = append(all, s.calling(fmt.Sprintf("/s/s%d/pay/%d", i%5, i), body))
	}
	a := s.asker
	s.until("all are asked about", func() bool { return s.b.View().Questions == 100 })
	s.until("the window counts them", func() bool { return a.up && len(a.open()) == 100 && a.pane.number.text == "1 of 100" })
	s.window.open(pageApprovals)
	began := time.Now()
	for range 100 {
		a.next()
		a.refresh()
	}
	step := time.Since(began) / 100
	t.Logf("to show another question of 56 KB takes %v", step)
	if step > slowed*150*time.Millisecond {
		t.Errorf("a step took %v on the window's thread", step)
	}
	if state := trayOf(s.b.View()); state.Icon != trayAttention || state.Line != "100 calls wait for your answer" {
		t.Errorf("the tray shows %+v", state)
	}
	for n := len(a.open()); n > 0; n = len(a.open()) {
		a.deadUntil = time.Time{}
		a.answer(backend.AllowOnce)
		s.until("the next one", func() bool { return len(a.open()) < n && !a.pane.working })
	}
	for _, out := range all {
		if got := s.answered(out); got != 200 {
			t.Errorf("allowed: %d", got)
		}
	}
}
