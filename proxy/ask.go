package proxy

import (
	"bytes"
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"lockbox/proxy/approval"
	"lockbox/proxy/audit"
	"lockbox/proxy/policy"
)

const (
	// askedBody is how much of a body is read before a person is asked. Of a longer
	// one it cannot be said whether another call has the same.
	askedBody = 1 << 20
	// shownBody is how much of it the person is shown.
	shownBody = 64 << 10
	// retryPending is when a call without an answer is to come again.
	retryPending = "30"
)

var (
	errPending        = refuse(http.StatusTooManyRequests, "approval_pending", "Waiting for approval", "A person was asked about this call and has not answered yet. Send the same again later: an answer is kept for it.")
	errTooManyAsked   = errPending.saying("Too many calls wait for a person's answer already. Send this one again later.")
	errDeniedByPerson = refuse(http.StatusForbidden, "denied_by_person", "Denied by a person", "A person was asked about this call and said no.")
)

// asked is a call that a rule wants a person's yes to. The caller waits.
type asked struct {
	in      *http.Request // not the server's once something of its body was read
	route   *route
	target  *target
	rec     *record
	verdict policy.Verdict
}

// ask has a person asked about a call. It returns what was read of the body, and
// why the call is refused, or nil.
func (s *Server) ask(w http.ResponseWriter, a *asked) (read []byte, p *problem) {
	if a.rec.replays() {
		a.rec.concluded("A person at the desktop made the call again, and was not asked.")
		return nil, nil
	}
	whole := true
	if a.in.ContentLength != 0 {
		if read, whole, p = s.readAhead(w, a.in, askedBody); p != nil {
			return nil, p
		}
		a.putBack(read)
	}
	ctx := a.in.Context()
	var ended <-chan struct{}
	if serving, ok := ctx.Value(servingKey{}).(context.Context); ok {
		ended = serving.Done()
	}
	patience := s.state.Load().config.Ask
	o := s.desk.Ask(ctx, ended, a.question(read, whole), approval.Patience(patience))
	a.rec.concluded(outcomeWords(o))
	switch p = s.stopped(a); {
	case o.Verdict == approval.Gone:
		_ = a.rec.finish(statusCallerGone, audit.Failed, reasonCallerGone) // its failure was logged
		return read, errPending
	case o.Verdict == approval.Denied:
		return read, errDeniedByPerson
	case p != nil, o.Verdict == approval.Allowed:
		return read, p
	}
	w.Header().Set("Retry-After", retryPending)
	if o.Verdict == approval.Full {
		return read, errTooManyAsked
	}
	return read, errPending
}

// putBack puts what was read of the body before the rest.
func (a *asked) putBack(read []byte) {
	body := a.in.Body
	a.in = a.in.WithContext(a.in.Context())
	a.in.Body = struct {
		io.Reader
		io.Closer
	}{io.MultiReader(bytes.NewReader(read), body), body}
}

// stopped is why a call must not go on that was good when it began to wait.
func (s *Server) stopped(a *asked) *problem {
	svc := a.route.service
	switch {
	case s.paused.Load():
		return errPaused
	case s.locked.Load() && (svc.Credential != nil || svc.RequiresServiceToken):
		return errLocked
	case !svc.RequiresServiceToken:
		return nil
	}
	_, err := s.opts.Register.Judge(a.rec.claims, time.Now())
	return tokenProblem(err, a.rec.claims, svc)
}

// question is the call as a person is asked about it.
func (a *asked) question(head []byte, whole bool) approval.Call {
	in, t, as := a.in, a.target, a.rec.as
	caller := as.ID
	if caller == "" {
		caller = strings.Join(as.Audience, "\n") // tokens of the original
	}
	form := in.Header.Get("Content-Type") + "\n" + in.Header.Get("Content-Encoding")
	id := approval.IdentityOf(t.name, caller, in.Method, t.rest, t.query, form, head)
	size := int64(len(head))
	if !whole {
		size = max(size, in.ContentLength)
		_, _ = rand.Read(id[:]) // like no other; never fails
	}
	c := approval.Call{
		Identity: id, Caller: caller,
		Service: t.name, Audience: as.Audience, JTI: as.ID, Method: in.Method,
		Rule: a.verdict.Rule, Note: a.route.service.Rules[a.verdict.Index].Note, WebSocket: webSocket(in),
	}
	a.rec.show(&c, t, head, size)
	return c
}

// show fills in what may hold secrets.
func (c *record) show(q *approval.Call, t *target, head []byte, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	redactor := c.redactorOf()
	q.Listener, q.Remote = c.x.Listener, c.x.Remote
	q.Path, q.Query = redactor.Text(t.rest), redactor.Query(t.query)
	q.ContentType = redactor.Text(c.in.Get("Content-Type"))
	if size > 0 {
		q.Body = redactor.Body(c.in, string(head), size, shownBody)
	}
}

// concluded notes what came of a question to a person.
func (c *record) concluded(words string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.asking = words
}

// outcomeWords is what came of a question, for the record.
func outcomeWords(o approval.Outcome) string {
	after := o.Waited.Round(100 * time.Millisecond).String()
	by := fmt.Sprintf("%s, after %s", o.By, after)
	if o.By == approval.ByMemory {
		by = "remembered"
	}
	switch {
	case o.Verdict == approval.Denied:
		return fmt.Sprintf("A person denied this call (%s).", by)
	case o.Verdict == approval.Full:
		return "Nobody was asked."
	case o.Verdict != approval.Allowed:
		return fmt.Sprintf("The call waited %s without an answer for it.", after)
	case o.Answer == approval.Hour:
		return fmt.Sprintf("A person allowed such calls for an hour (%s).", by)
	case o.Answer == approval.Always:
		return fmt.Sprintf("A person allowed such calls by a new rule (%s).", by)
	}
	return fmt.Sprintf("A person allowed this call (%s).", by)
}
