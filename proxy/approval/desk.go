package approval

import (
	"context"
	"crypto/rand"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"
)

// Verdict is what becomes of a call that asked.
type Verdict int

// The verdicts.
const (
	Allowed Verdict = iota
	Denied
	Pending // nobody answered in time: the question stays
	Full    // too many questions are open
	Gone    // the caller left: the question stays
	Ended   // the waiting was ended from outside: the question stays
)

// ByMemory is the By of an answer that was given to a call before.
const ByMemory = "remembered"

// Outcome is what a question came to, for one call.
type Outcome struct {
	Verdict Verdict
	By      string // who answered; "" for nobody
	Answer  Answer
	Waited  time.Duration
}

// Patience is how long calls wait, and how long their questions and a late Once are
// remembered.
type Patience struct{ Wait, Remember time.Duration }

// Desk is where calls wait and a person answers. Its methods can be used by many
// goroutines at once.
type Desk struct {
	changed  func() // nil: nobody is told
	revision atomic.Uint64

	mu       sync.Mutex
	open     []*question // the oldest first
	answered []*question // the last answer last
	waiting  int
	denied   map[Identity]time.Time // until when
	passes   map[Identity]time.Time // of calls that came too early for their Once
	grants   map[scope]time.Time
}

type question struct {
	Question
	remember time.Duration
	waiters  []*waiter // the last to come last
}

type waiter struct {
	question *question
	began    time.Time
	outcome  chan Outcome // holds one
}

// New makes a Desk that calls changed after each change, if it is not nil. changed
// must not block.
func New(changed func()) *Desk {
	return &Desk{changed: changed, denied: map[Identity]time.Time{}, passes: map[Identity]time.Time{}, grants: map[scope]time.Time{}}
}

// Ask asks about a call and waits for what comes first: an answer, the end of
// patience, that the caller leaves (ctx) or that waiting is over (ended).
func (d *Desk) Ask(ctx context.Context, ended <-chan struct{}, c Call, p Patience) Outcome {
	w, known := d.enter(c, p, time.Now())
	if w == nil {
		return known
	}
	d.tell()
	timer := time.NewTimer(p.Wait)
	defer timer.Stop()
	select {
	case o := <-w.outcome:
		return o
	case <-timer.C:
		return d.leave(w, Pending)
	case <-ctx.Done():
		return d.leave(w, Gone)
	case <-ended:
		return d.leave(w, Ended)
	}
}

// enter has a call wait, or says what is known already.
func (d *Desk) enter(c Call, p Patience, now time.Time) (*waiter, Outcome) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(now)
	switch {
	case d.denied[c.Identity].After(now):
		return nil, Outcome{Verdict: Denied, By: ByMemory, Answer: Deny}
	case d.grants[c.scope()].After(now):
		return nil, Outcome{Verdict: Allowed, By: ByMemory, Answer: Hour}
	case d.passes[c.Identity].After(now):
		delete(d.passes, c.Identity)
		return nil, Outcome{Verdict: Allowed, By: ByMemory, Answer: Once}
	case d.waiting >= MaxWaiting:
		return nil, Outcome{Verdict: Full}
	}
	q := d.same(c.Identity)
	if q == nil {
		of := 0
		for _, o := range d.open {
			if o.Caller == c.Caller && o.Service == c.Service {
				of++
			}
		}
		if len(d.open) >= MaxOpen || of >= MaxOpenOfCaller {
			return nil, Outcome{Verdict: Full}
		}
		q = &question{Question: Question{ID: newID(), Asked: now, Call: c}}
		d.open = append(d.open, q)
	}
	w := &waiter{question: q, began: now, outcome: make(chan Outcome, 1)}
	q.waiters = append(q.waiters, w)
	q.Since, q.Until, q.Expires, q.remember = now, now.Add(p.Wait), now.Add(p.Wait+p.Remember), p.Remember
	d.waiting++
	return w, Outcome{}
}

// newID is one that a person can type.
func newID() string { return strings.ToLower(rand.Text()[:8]) }

func (d *Desk) same(id Identity) *question {
	if i := slices.IndexFunc(d.open, func(q *question) bool { return q.Identity == id }); i >= 0 {
		return d.open[i]
	}
	return nil
}

// leave ends a call's waiting, unless the answer came at the same moment.
func (d *Desk) leave(w *waiter, why Verdict) Outcome {
	d.mu.Lock()
	q := w.question
	if i := slices.Index(q.waiters, w); i >= 0 {
		q.waiters = slices.Delete(q.waiters, i, i+1)
		d.waiting--
		d.mu.Unlock()
		d.tell()
		return Outcome{Verdict: why, Waited: time.Since(w.began)}
	}
	defer d.mu.Unlock()
	o := <-w.outcome
	if why == Gone && o.Verdict == Allowed {
		if o.Answer == Once { // it is the next one's
			d.passes[q.Identity] = time.Now().Add(q.remember)
		}
		o.Verdict = Gone
	}
	return o
}

// end tells a question's calls what it came to.
func (d *Desk) end(q *question, o Outcome, now time.Time) {
	for _, w := range q.waiters {
		o.Waited = now.Sub(w.began)
		w.outcome <- o
	}
	d.waiting -= len(q.waiters)
	q.waiters = nil
}

// Release ends the waiting of all calls. Their questions stay.
func (d *Desk) Release() {
	d.mu.Lock()
	now, any := time.Now(), d.waiting > 0
	for _, q := range d.open {
		d.end(q, Outcome{Verdict: Ended}, now)
	}
	d.mu.Unlock()
	if any {
		d.tell()
	}
}

// sweep forgets what is too old. d.mu must be held.
func (d *Desk) sweep(now time.Time) {
	d.open = slices.DeleteFunc(d.open, func(q *question) bool { return len(q.waiters) == 0 && now.After(q.Expires) })
	d.answered = slices.DeleteFunc(d.answered, func(q *question) bool { return now.After(q.Expires) })
	forget(d.denied, now)
	forget(d.passes, now)
	forget(d.grants, now)
}

func forget[K comparable](m map[K]time.Time, now time.Time) {
	for k, until := range m {
		if now.After(until) {
			delete(m, k)
		}
	}
}

// Revision changes when a question does.
func (d *Desk) Revision() uint64 { return d.revision.Load() }

func (d *Desk) tell() {
	d.revision.Add(1)
	if d.changed != nil {
		d.changed()
	}
}
