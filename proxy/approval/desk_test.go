package approval

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

var usual = Patience{Wait: 20 * time.Second, Remember: time.Hour}

// callOf is a call of one caller with a body.
func callOf(caller, path, body string) Call {
	return Call{
		Identity: IdentityOf("acme", caller, "POST", path, "", "text/plain", []byte(body)),
		Caller:   caller, Service: "acme", Audience: []string{caller}, Method: "POST", Path: path, Rule: "1 ask POST /**",
	}
}

// asking has a call wait in a goroutine of its own.
func asking(ctx context.Context, d *Desk, c Call) chan Outcome {
	out := make(chan Outcome, 1)
	go func() { out <- d.Ask(ctx, nil, c, usual) }()
	synctest.Wait()
	return out
}

// id is that of the only open question.
func id(t *testing.T, d *Desk) string {
	t.Helper()
	all := d.List()
	if d.Open() != 1 || len(all) == 0 || !all[0].Open() {
		t.Fatalf("the questions are %+v", all)
	}
	return all[0].ID
}

func answer(t *testing.T, d *Desk, id string, a Answer) {
	t.Helper()
	if err := d.Answer(id, a, "window"); err != nil {
		t.Fatal(err)
	}
}

func TestAnswers(t *testing.T) {
	pay, other, foreign := callOf("zapier", "/pay", "1"), callOf("zapier", "/pay", "2"), callOf("make", "/pay", "1")
	refund := callOf("zapier", "/refund", "1")
	for name, tt := range map[string]struct {
		answer Answer
		want   Outcome
		// What later calls come to: of the same, of another body, path and caller.
		same, body, path, caller Verdict
	}{
		"once":   {Once, Outcome{Allowed, "window", Once, 5 * time.Second}, Pending, Pending, Pending, Pending},
		"hour":   {Hour, Outcome{Allowed, "window", Hour, 5 * time.Second}, Allowed, Allowed, Allowed, Pending},
		"always": {Always, Outcome{Allowed, "window", Always, 5 * time.Second}, Pending, Pending, Pending, Pending}, // the rule is not the desk's
		"deny":   {Deny, Outcome{Denied, "window", Deny, 5 * time.Second}, Denied, Pending, Pending, Pending},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := New(nil)
				out := asking(t.Context(), d, pay)
				time.Sleep(5 * time.Second)
				answer(t, d, id(t, d), tt.answer)
				if got := <-out; got != tt.want {
					t.Errorf("got %+v, want %+v", got, tt.want)
				}
				for i, c := range []Call{pay, other, refund, foreign} {
					if got, want := d.Ask(t.Context(), nil, c, usual).Verdict, []Verdict{tt.same, tt.body, tt.path, tt.caller}[i]; got != want {
						t.Errorf("call %d afterwards: %v, want %v", i, got, want)
					}
				}
			})
		})
	}
}

// TestLateAnswer: nobody answers in time; an answer later is for the next same call,
// once, as long as it is remembered.
func TestLateAnswer(t *testing.T) {
	pay := callOf("zapier", "/pay", "1")
	for name, tt := range map[string]struct {
		answer Answer
		after  time.Duration // until the next call
		next   []Verdict
	}{
		"once":            {Once, time.Minute, []Verdict{Allowed, Pending}},
		"once, forgotten": {Once, usual.Remember + time.Second, []Verdict{Pending}},
		"deny":            {Deny, time.Minute, []Verdict{Denied, Denied}},
		"deny, forgotten": {Deny, DenyTime + time.Second, []Verdict{Pending}},
		"hour":            {Hour, time.Minute, []Verdict{Allowed, Allowed}},
		"hour, over":      {Hour, GrantTime + time.Second, []Verdict{Pending}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := New(nil)
				began := time.Now()
				if got := d.Ask(t.Context(), nil, pay, usual); got.Verdict != Pending || got.Waited != usual.Wait || time.Since(began) != usual.Wait {
					t.Errorf("without an answer: %+v after %v", got, time.Since(began))
				}
				time.Sleep(10 * time.Minute)
				answer(t, d, id(t, d), tt.answer)
				time.Sleep(tt.after)
				for i, want := range tt.next {
					if got := d.Ask(t.Context(), nil, pay, usual); got.Verdict != want {
						t.Errorf("call %d: %+v, want %v", i, got, want)
					}
				}
			})
		})
	}
}

// TestQuestionIsForgotten: a question without an answer leaves the list, and a retry
// keeps it there.
func TestQuestionIsForgotten(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(nil)
		pay := callOf("zapier", "/pay", "1")
		d.Ask(t.Context(), nil, pay, usual)
		first := id(t, d)
		time.Sleep(40 * time.Minute)
		d.Ask(t.Context(), nil, pay, usual)
		time.Sleep(40 * time.Minute)
		if got := id(t, d); got != first {
			t.Errorf("the retry has question %s, want %s", got, first)
		}
		time.Sleep(30 * time.Minute)
		if n := len(d.List()); n != 0 {
			t.Errorf("%d questions are left", n)
		}
		if err := d.Answer(first, Once, "window"); !errors.Is(err, ErrUnknown) {
			t.Errorf("an answer then: %v", err)
		}
	})
}

// TestOnceIsOnce: of many same callers that wait at once, one passes, and the others
// are told to come again.
func TestOnceIsOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(nil)
		got := make(chan Verdict, 64)
		for range 64 {
			go func() { got <- d.Ask(t.Context(), nil, callOf("zapier", "/pay", "1"), usual).Verdict }()
		}
		synctest.Wait()
		if q := d.List(); len(q) != 1 || q[0].Waiting != 64 {
			t.Fatalf("the questions are %+v", q)
		}
		answer(t, d, id(t, d), Once)
		count := map[Verdict]int{}
		for range 64 {
			count[<-got]++
		}
		if count[Allowed] != 1 || count[Pending] != 63 {
			t.Errorf("the verdicts are %v", count)
		}
	})
}

// TestAnswerAtTheEnd: an answer at the moment at which patience ends is used once,
// by the call or by the next one.
func TestAnswerAtTheEnd(t *testing.T) {
	for range 200 {
		synctest.Test(t, func(t *testing.T) {
			d := New(nil)
			pay := callOf("zapier", "/pay", "1")
			out := asking(t.Context(), d, pay)
			q := id(t, d)
			time.Sleep(usual.Wait)
			answer(t, d, q, Once)
			first := <-out
			next := d.Ask(t.Context(), nil, pay, usual)
			if (first.Verdict == Allowed) == (next.Verdict == Allowed) {
				t.Errorf("the verdicts are %v and %v", first.Verdict, next.Verdict)
			}
		})
	}
}

func TestCallerLeaves(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(nil)
		pay := callOf("zapier", "/pay", "1")
		ctx, leave := context.WithCancel(t.Context())
		out := asking(ctx, d, pay)
		leave()
		if got := (<-out).Verdict; got != Gone {
			t.Errorf("the verdict is %v", got)
		}
		answer(t, d, id(t, d), Once)
		if got := d.Ask(t.Context(), nil, pay, usual); got.Verdict != Allowed || got.By != ByMemory {
			t.Errorf("the retry: %+v", got)
		}
		// It leaves at the moment of the answer.
		ctx, leave = context.WithCancel(t.Context())
		w, _ := d.enter(pay, usual, time.Now())
		answer(t, d, id(t, d), Once)
		leave()
		<-ctx.Done()
		if got := d.leave(w, Gone).Verdict; got != Gone {
			t.Errorf("the verdict is %v", got)
		}
		if got := d.Ask(t.Context(), nil, pay, usual); got.Verdict != Allowed {
			t.Errorf("the pass is lost: %+v", got)
		}
	})
}

func TestRelease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(nil)
		out := asking(t.Context(), d, callOf("zapier", "/pay", "1"))
		d.Release()
		if got := <-out; got.Verdict != Ended {
			t.Errorf("released: %+v", got)
		}
		ended := make(chan struct{})
		close(ended)
		if got := d.Ask(t.Context(), ended, callOf("zapier", "/pay", "1"), usual); got.Verdict != Ended {
			t.Errorf("at the end: %+v", got)
		}
		if d.Open() != 1 || d.waiting != 0 {
			t.Errorf("%d questions, %d calls wait", d.Open(), d.waiting)
		}
	})
}

func TestBounds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(nil)
		ctx, leave := context.WithCancel(t.Context())
		var wg sync.WaitGroup
		ask := func(c Call) { wg.Go(func() { d.Ask(ctx, nil, c, usual) }); synctest.Wait() }
		for i := range MaxOpenOfCaller {
			ask(callOf("zapier", "/pay", fmt.Sprint(i)))
		}
		if got := d.Ask(ctx, nil, callOf("zapier", "/pay", "more"), usual); got.Verdict != Full || got.Waited != 0 {
			t.Errorf("one caller's 21st question: %+v", got)
		}
		for i := MaxOpenOfCaller; i < MaxOpen; i++ {
			ask(callOf(fmt.Sprint("caller", i), "/pay", "1"))
		}
		if got := d.Ask(ctx, nil, callOf("another", "/pay", "1"), usual); got.Verdict != Full {
			t.Errorf("the 101st question: %+v", got)
		}
		for range MaxWaiting - MaxOpen {
			ask(callOf("zapier", "/pay", "1"))
		}
		if got := d.Ask(ctx, nil, callOf("zapier", "/pay", "1"), usual); got.Verdict != Full {
			t.Errorf("the 257th call: %+v", got)
		}
		leave()
		wg.Wait()
		if d.waiting != 0 {
			t.Errorf("%d calls wait after all left", d.waiting)
		}
		for _, q := range d.List() {
			answer(t, d, q.ID, Deny)
		}
		if d.Open() != 0 || len(d.answered) != maxAnswered {
			t.Errorf("%d open, %d answered", d.Open(), len(d.answered))
		}
	})
}

// TestOthersPassToo: an answer for more than one call is one for what waits beside it.
func TestOthersPassToo(t *testing.T) {
	for name, tt := range map[string]struct {
		answer Answer
		pass   []int
	}{
		"hour":   {Hour, []int{0, 1, 2}},
		"always": {Always, []int{0, 1}},
		"once":   {Once, []int{0}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				d := New(nil)
				var all []chan Outcome
				for _, c := range []Call{callOf("zapier", "/pay", "1"), callOf("zapier", "/pay", "2"), callOf("zapier", "/refund", "1"), callOf("make", "/pay", "1")} {
					all = append(all, asking(t.Context(), d, c))
				}
				answer(t, d, d.List()[0].ID, tt.answer)
				for i, out := range all {
					if got := (<-out).Verdict; (got == Allowed) != slices.Contains(tt.pass, i) {
						t.Errorf("call %d: %v", i, got)
					}
				}
			})
		})
	}
}

// TestTakeBack: a Deny by mistake can be taken back, any other answer not.
func TestTakeBack(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		d := New(nil)
		pay := callOf("zapier", "/pay", "1")
		d.Ask(t.Context(), nil, pay, usual)
		q := id(t, d)
		answer(t, d, q, Deny)
		if err := d.Answer(q, Deny, "window"); !errors.Is(err, ErrAnswered) {
			t.Errorf("denied again: %v", err)
		}
		answer(t, d, q, Once)
		if got := d.Ask(t.Context(), nil, pay, usual); got.Verdict != Allowed {
			t.Errorf("after it was taken back: %+v", got)
		}
		if err := d.Answer(q, Deny, "window"); !errors.Is(err, ErrAnswered) {
			t.Errorf("denied after a Once: %v", err)
		}
		if err := d.Answer("nosuchid", Once, "window"); !errors.Is(err, ErrUnknown) {
			t.Errorf("an unknown question: %v", err)
		}
	})
}

func TestIdentity(t *testing.T) {
	base := []string{"acme", "zapier", "POST", "/pay", "a=1", "text/plain", "body"}
	of := func(s []string) Identity { return IdentityOf(s[0], s[1], s[2], s[3], s[4], s[5], []byte(s[6])) }
	for i := range base {
		other := slices.Clone(base)
		other[i] += "x"
		if of(other) == of(base) {
			t.Errorf("part %d makes no difference", i)
		}
	}
	shifted := slices.Clone(base)
	shifted[3], shifted[4] = "/paya", "=1"
	if of(shifted) == of(base) {
		t.Error("where one part ends makes no difference")
	}
}

// TestChanged: whoever shows the questions is told of each change.
func TestChanged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		told := 0
		var d *Desk
		d = New(func() { told++; d.List() }) // not while the desk is locked
		out := asking(t.Context(), d, callOf("zapier", "/pay", "1"))
		asked := told
		answer(t, d, id(t, d), Once)
		<-out
		if asked != 1 || told != 2 {
			t.Errorf("told %d times of a question and %d of its answer", asked, told-asked)
		}
	})
}
