package approval

import (
	"slices"
	"time"
)

// List is the open questions, the oldest first, and then those answered lately, the
// last answer first.
func (d *Desk) List() []Question {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(time.Now())
	out := make([]Question, 0, len(d.open)+len(d.answered))
	for _, q := range d.open {
		out = append(out, q.seen())
	}
	for _, q := range slices.Backward(d.answered) {
		out = append(out, q.seen())
	}
	return out
}

// Open is how many questions have no answer.
func (d *Desk) Open() int {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.sweep(time.Now())
	return len(d.open)
}

// Find is the question with an ID.
func (d *Desk) Find(id string) (Question, error) {
	for _, q := range d.List() {
		if q.ID == id {
			return q, nil
		}
	}
	return Question{}, ErrUnknown
}

func (q *question) seen() Question {
	s := q.Question
	s.Waiting = len(q.waiters)
	return s
}

// Answer answers a question; by says who does. A Deny can be taken back by another
// answer while it is remembered.
func (d *Desk) Answer(id string, a Answer, by string) error {
	d.mu.Lock()
	err := d.answer(id, a, by, time.Now())
	d.mu.Unlock()
	if err == nil {
		d.tell()
	}
	return err
}

func (d *Desk) answer(id string, a Answer, by string, now time.Time) error {
	if !slices.Contains([]Answer{Once, Hour, Always, Deny}, a) {
		return ErrAnswer
	}
	d.sweep(now)
	is := func(q *question) bool { return q.ID == id }
	i := slices.IndexFunc(d.open, is)
	if i < 0 {
		return d.change(slices.IndexFunc(d.answered, is), a, by, now)
	}
	q := d.open[i]
	switch a {
	case Once:
		d.once(q, by, now)
	case Deny:
		d.denied[q.Identity] = now.Add(DenyTime)
		d.end(q, Outcome{Verdict: Denied, By: by, Answer: Deny}, now)
		d.close(q, a, by, now)
	case Hour:
		d.grants[q.scope()] = now.Add(GrantTime)
		d.allow(func(o *question) bool { return o.scope() == q.scope() }, a, by, now)
	case Always:
		d.allow(func(o *question) bool { return o == q || q.like(&o.Call) }, a, by, now)
	}
	return nil
}

// once lets the call pass that came last: of callers that send the same again, the
// earlier ones may have left without a word. What came with it is not let pass.
func (d *Desk) once(q *question, by string, now time.Time) {
	if n := len(q.waiters); n > 0 {
		last := q.waiters[n-1]
		q.waiters = q.waiters[:n-1]
		d.waiting--
		last.outcome <- Outcome{Verdict: Allowed, By: by, Answer: Once, Waited: now.Sub(last.began)}
		d.end(q, Outcome{Verdict: Pending}, now)
	} else {
		d.passes[q.Identity] = now.Add(q.remember)
	}
	d.close(q, Once, by, now)
}

// allow lets pass what waits for questions, and ends them.
func (d *Desk) allow(which func(*question) bool, a Answer, by string, now time.Time) {
	for _, q := range slices.Clone(d.open) {
		if which(q) {
			d.end(q, Outcome{Verdict: Allowed, By: by, Answer: a}, now)
			d.close(q, a, by, now)
		}
	}
}

// change takes a Deny back.
func (d *Desk) change(i int, a Answer, by string, now time.Time) error {
	if i < 0 {
		return ErrUnknown
	}
	q := d.answered[i]
	if q.Answer != Deny || a == Deny || !d.denied[q.Identity].After(now) {
		return ErrAnswered
	}
	delete(d.denied, q.Identity)
	d.answered = slices.Delete(d.answered, i, i+1)
	d.open = append(d.open, q)
	q.Answer = ""
	return d.answer(q.ID, a, by, now)
}

// close moves a question to the answered ones.
func (d *Desk) close(q *question, a Answer, by string, now time.Time) {
	q.Answer, q.By, q.Answered = a, by, now
	q.Expires = now.Add(q.remember)
	d.open = slices.DeleteFunc(d.open, func(o *question) bool { return o == q })
	d.answered = append(d.answered, q)
	if n := len(d.answered) - maxAnswered; n > 0 {
		d.answered = slices.Delete(d.answered, 0, n)
	}
}
