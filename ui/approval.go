package ui

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

const (
	// deadTime is how long the answers take no click and no key after something
	// new has come to stand there: what was meant for another window, or for
	// another question, answers nothing.
	deadTime = 700 * time.Millisecond
	// fuseEvery is how often the time that is left is drawn.
	fuseEvery = 400 * time.Millisecond
	// tellEvery is between two notifications of questions.
	tellEvery = 10 * time.Second
)

// asker shows the calls that wait for a person, in a window of its own: one at a
// time, which stays until it is answered.
type asker struct {
	*face                   // of the window below
	main      *face         // of the one with the pages
	pane      *questionPane // nil before the first question
	questions []backend.Question
	known     uint64               // View.Asked when they were read
	popped    map[string]time.Time // since when a call waited that the window came up for, by its question
	chosen    string               // the question that is shown
	again     string               // one that was answered, and may be once more
	up        bool                 // the window is
	pulsing   bool
	deadUntil time.Time
	told      time.Time // the last notification
	changed   func()    // tells the page
}

func newAsker(main *face) *asker {
	return &asker{main: main, popped: map[string]time.Time{}, changed: func() {}}
}

// draw follows a new View.
func (a *asker) draw(v backend.View) {
	if a.known != v.Asked || v.Questions != len(a.open()) {
		a.known = v.Asked
		a.refresh()
	}
}

// open are the questions without an answer.
func (a *asker) open() []backend.Question {
	n := slices.IndexFunc(a.questions, func(q backend.Question) bool { return !q.Open() })
	if n < 0 {
		n = len(a.questions)
	}
	return a.questions[:n]
}

// refresh reads the questions; it does no IO.
func (a *asker) refresh() {
	a.questions = a.main.backend.Questions()
	popped, fresh := map[string]time.Time{}, []backend.Question{}
	for _, q := range a.open() {
		popped[q.ID] = a.popped[q.ID]
		if q.Waiting > 0 && q.Since.After(a.popped[q.ID]) {
			popped[q.ID] = q.Since
			fresh = append(fresh, q)
		}
	}
	a.popped = popped
	if len(fresh) > 0 {
		a.tell(fresh)
		if !a.up {
			a.chosen = fresh[0].ID
			a.raise()
		}
	}
	a.show()
	a.changed()
}

// tell sends a notification, not one for each of many.
func (a *asker) tell(fresh []backend.Question) {
	if time.Since(a.told) < tellEvery {
		return
	}
	a.told = time.Now()
	q := &fresh[0]
	title, text := fmt.Sprintf(lang.L("May %s call %s?"), callerWords(q), q.Service), callLine(q)
	if n := len(a.open()); n > 1 {
		title, text = waitingWords(n), fmt.Sprintf(lang.L("The oldest: %s"), text)
	}
	a.main.notify(noticeApproval, title, text)
}

// raise brings the window up.
func (a *asker) raise() {
	if a.pane == nil {
		a.make()
	}
	a.up = true
	a.window.Show()
	a.window.RequestFocus()
	a.dead() // from when it is there: that takes a slow machine its time
	a.pulse()
}

// make makes the window.
func (a *asker) make() {
	f := *a.main
	a.face = &f
	a.window, a.keys = a.app.NewWindow(lang.L("A call waits for your answer")), &hotkeys{letters: true}
	a.keys.page = a.key
	a.pane = newQuestionPane(a)
	a.keys.install(a.window.Canvas())
	a.window.SetPadded(false)
	a.window.SetContent(a.pane.root)
	a.window.Resize(fyne.NewSize(paneWidth, paneHeight))
	a.window.SetFixedSize(true)
	a.window.CenterOnScreen()
	a.window.SetCloseIntercept(a.later)
}

// later closes the window and leaves the questions open.
func (a *asker) later() {
	now := time.Now()
	a.up, a.main.hiddenAt, a.main.copiedAt = false, now, now // there may be copied text in it
	a.window.Hide()
}

// look shows a question that the person asked for.
func (a *asker) look(id string) {
	a.chosen, a.again = id, id
	a.raise()
	a.show()
}

// wake brings the window up for what is open.
func (a *asker) wake() {
	if len(a.open()) > 0 {
		a.raise()
		a.show()
	}
}

// next shows the question after the one that is shown.
func (a *asker) next() {
	open := a.open()
	if i := a.place(open); len(open) > 1 {
		a.chosen = open[(i+1)%len(open)].ID
		a.dead()
		a.show()
	}
}

func (a *asker) place(of []backend.Question) int {
	return slices.IndexFunc(of, func(q backend.Question) bool { return q.ID == a.chosen })
}

// current is the question that is shown; when it is gone, another one's turn has
// come: of those whose callers wait, the oldest.
func (a *asker) current() *backend.Question {
	if i := a.place(a.questions); i >= 0 && (a.questions[i].Open() || a.again == a.chosen) {
		return &a.questions[i]
	}
	open := a.open()
	if len(open) == 0 {
		return nil
	}
	i := max(0, slices.IndexFunc(open, func(q backend.Question) bool { return q.Waiting > 0 }))
	a.chosen = open[i].ID
	a.dead()
	return &open[i]
}

// show draws the window, or closes it when nothing is left to ask.
func (a *asker) show() {
	if !a.up {
		return
	}
	q := a.current()
	if q == nil {
		a.later()
		return
	}
	open := a.open()
	a.pane.show(q, a.place(open)+1, len(open))
	a.tick()
}

// dead lets a moment pass before an answer is taken.
func (a *asker) dead() { a.deadUntil = time.Now().Add(deadTime) }

func (a *asker) alive() bool { return !time.Now().Before(a.deadUntil) }

// pulse keeps the time true while the window is up.
func (a *asker) pulse() {
	if a.pulsing {
		return
	}
	a.pulsing = true
	a.loop.run("", func(ctx context.Context) error {
		select {
		case <-time.After(fuseEvery):
		case <-ctx.Done():
		}
		return ctx.Err()
	}, func(err error) {
		a.pulsing = false
		if err == nil && a.up {
			a.tick()
			a.pulse()
		}
	})
}

func (a *asker) tick() {
	if i := a.place(a.questions); i >= 0 {
		a.pane.tick(&a.questions[i], time.Now())
	}
}

// key is what the window does with a key. Whoever is typing elsewhere when the
// window comes up makes it wait until there is a pause.
func (a *asker) key(k fyne.KeyName) bool {
	if k == fyne.KeyEscape {
		if !a.pane.back() {
			a.later()
		}
		return true
	}
	if !a.alive() {
		a.dead()
		return true
	}
	if !a.pane.buttons.Visible() { // a rule is looked at
		return false
	}
	switch k {
	case fyne.KeyA:
		a.answer(backend.AllowOnce)
	case fyne.KeyH:
		a.answer(backend.AllowHour)
	case fyne.KeyD:
		a.answer(backend.Deny)
	case fyne.KeyN:
		a.next()
	default:
		return false
	}
	return true
}

// answer answers the question that is shown.
func (a *asker) answer(with backend.Answer) {
	id := a.chosen
	if !a.alive() || a.pane.working {
		return
	}
	a.pane.work(true)
	a.loop.run(lang.L("Answering…"), func(ctx context.Context) error { return a.backend.Answer(ctx, id, with) }, func(err error) {
		a.pane.work(false)
		a.again = ""
		a.dead()
		if err != nil {
			a.pane.trouble.say(markFailed, lang.L("Not answered"), backend.Sentence(err.Error()))
		}
		a.refresh()
	})
}
