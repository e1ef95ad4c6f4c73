package proxy

import (
	"cmp"
	"errors"
	"net/http"
	"strings"
	"sync"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/credential"
	"lockbox/proxy/drift"
	"lockbox/proxy/limit"
	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// statusCallerGone is what the record of a call says whose caller left before
// there was an answer; nginx's number for it, never sent.
const statusCallerGone = 499

// errNotRecorded is returned when an exchange could not be written down.
var errNotRecorded = errors.New("the exchange could not be recorded")

// maxRecordedName bounds what a caller can write into the log as a service.
const maxRecordedName = 100

// record is one exchange on its way into the audit log. Bodies are read by other
// goroutines than the handler's, hence the lock.
type record struct {
	server *Server
	began  time.Time
	in     http.Header
	asked  *http.Request // for a refusal

	mu       sync.Mutex
	x        audit.Exchange
	route    *route          // nil: a service that is not configured, or none
	caller   *caller         // nil: none whose token was found good
	entry    *register.Entry // of the token in the list
	habit    *drift.Habit    // of it; nil: nothing is learnt
	redactor *redaction      // of all secrets, where there is no route
	as       limit.Caller
	claims   token.Claims      // of a good token
	asking   string            // what came of a question to a person, in a sentence
	pass     *limit.Pass       // what is held of the limits; nil: nothing
	over     *limit.Refusal    // the limit that is used up; nil: none
	ready    *credential.Ready // what the call was made with; nil: it was not made, or in the lane
	local    *folder           // nil: none, or a service that is not configured
	shown    *[2]audit.Shown   // the connection's, of what is sent and answered; nil: none, as outside of the lane
	out      http.Header
	sent     capture // by the caller
	answered capture // by the upstream
	upstream int     // the status of its answer; 0: it gave none
	remark   string  // the reason on record where there is no other
	decoy    bool    // no token came: as much is redacted as with a wrong one
	leaks    leaks   // that the leak guard found
	required bool    // without a record there is no answer
	done     bool
	err      error
}

// newRecord begins the record of a request.
func (s *Server) newRecord(st *state, r *http.Request, path, listener string) *record {
	var redactor *redaction
	limit, required := audit.BodyLimit, true
	if st != nil {
		redactor, limit, required = st.redactor, st.config.Record.BodyBytes, st.config.Record.Required
	} else {
		redactor = newRedaction(false)
	}
	_, query, _ := strings.Cut(r.RequestURI, "?")
	return &record{
		server: s, began: time.Now(), in: r.Header, asked: r,
		redactor: redactor, required: required,
		sent: capture{limit: limit}, answered: capture{limit: limit},
		x: audit.Exchange{
			Method: r.Method, Path: path, Query: query,
			Listener: listener, Remote: r.RemoteAddr,
		},
	}
}

// service notes which service the call is about. The name of an unknown one is
// noted too, but makes no folder.
func (c *record) service(st *state, name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.x.Service = name
	if len(name) > maxRecordedName {
		c.x.Service = name[:maxRecordedName]
	}
	if st == nil || st.routes[name] == nil {
		return
	}
	c.local, c.route = st.local, st.routes[name]
}

// stranger notes which service a caller asks for that is not known yet: what the
// record costs must not tell which services there are.
func (c *record) stranger(st *state, name string) {
	c.service(st, name)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.route = nil
}

// kept reports whether the exchange is written down anywhere. Where it is not, all
// that is done for that is left undone.
func (c *record) kept() bool {
	return c.server.opts.Audit != nil || c.local != nil || c.server.debug
}

// replays reports whether the call is a replay. No request from outside makes one:
// only Server.Replay does, on the wish of a person at the desktop.
func (c *record) replays() bool { return c.x.ReplayOf != "" }

// known notes what the caller's token says, and the caller if it is good.
func (c *record) known(k *caller, claims token.Claims) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.caller, c.as, c.claims = k, limit.Caller{ID: claims.JTI, Audience: claims.Audience}, claims
	if k != nil {
		c.entry, c.habit = k.entry, k.habit
	}
	c.x.Audience, c.x.JTI = strings.Join(claims.Audience, ","), claims.JTI
}

// used counts the call in the list of tokens: once, and so not where the lane may still
// hand it over.
func (c *record) used() {
	if c.caller != nil {
		c.caller.entry.Use(c.began)
	}
}

// ruled notes which rule decided.
func (c *record) ruled(text string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.x.Rule = text
}

// with notes the credential that the call is made with.
func (c *record) with(ready *credential.Ready) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.ready = ready
}

// response notes how the upstream's answer begins.
func (c *record) response(status int, h http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.x.Status, c.upstream, c.out = status, status, h.Clone()
	// A WebSocket's frames make no text, and may go on for days.
	c.sent.omit = status == http.StatusSwitchingProtocols
	c.answered.omit = c.sent.omit
}

// answer is response for a header that nobody changes before the record is done.
func (c *record) answer(status int, h http.Header) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.x.Status, c.out = status, h
}

// status is the answer's as far as it is known.
func (c *record) status() int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.x.Status == 0 {
		return http.StatusInternalServerError
	}
	return c.x.Status
}

func (c *record) fromCaller(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done && c.kept() {
		c.sent.add(p)
	}
}

func (c *record) fromUpstream(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if !c.done && c.kept() {
		c.answered.add(p)
	}
}

// lentByUpstream is fromUpstream for a whole body that nobody changes before finish
// has returned, which is next.
func (c *record) lentByUpstream(p []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.done || !c.kept():
	case c.local != nil: // its files are written later
		c.answered.add(p)
	default:
		c.answered.lend(p)
	}
}

// skip makes a request not worth a record.
func (c *record) skip() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.done = true
}

// refuse records a refusal by Lockbox and then answers with it.
func (c *record) refuse(w http.ResponseWriter, p *problem) {
	if err := c.finish(p.status, audit.Refused, p.reason()); err != nil {
		p = errNoRecord
	}
	p.write(w, c.asked)
}

// finish writes the exchange down, once; calls after the first return what the
// first did. When it returns nil the caller may have the rest of the answer.
func (c *record) finish(status int, decision audit.Decision, reason string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.done {
		return c.err
	}
	c.done = true
	// The caller may make its next call as soon as it has this answer.
	if c.pass.End(); decision == audit.Refused {
		c.pass.Return()
	}
	x := &c.x
	if m := c.server.metrics; m != nil {
		m.waiting.Add(1)
		defer func() { m.count(c.route, x, c.over, c.err) }()
	}
	x.Time, x.Duration = c.began, time.Since(c.began)
	x.Status, x.Decision, x.Reason = status, decision, c.leaks.reason(c.reasonOf(cmp.Or(reason, c.remark)))
	if !c.kept() {
		return nil
	}
	// The caller's token too, valid or not.
	redactor := c.redactorOf()
	x.Path, x.Query = redactor.Text(x.Path), redactor.Query(x.Query)
	x.Service = redactor.Text(x.Service)
	x.BytesIn, x.BytesOut = c.sent.size, c.answered.size
	if c.shown != nil && c.local == nil {
		x.SetHeaders(c.shown[0].Encode(redactor, c.in), c.shown[1].Encode(redactor, c.out))
	} else {
		x.RequestHeader, x.ResponseHeader = redactor.Header(c.in), redactor.Header(c.out)
	}
	x.RequestBody = recorded(redactor, c.in, &c.sent)
	if c.out != nil {
		x.ResponseBody = recorded(redactor, c.out, &c.answered)
	}
	if c.server.opts.Audit != nil {
		if err := c.server.scribe.write(c.server.opts.Audit, x, c.required); err != nil {
			c.err = errors.Join(errNotRecorded, err)
		}
	}
	if c.local != nil {
		c.local.write(x)
	}
	if c.answered.lent != "" {
		c.answered.lent, x.ResponseBody = "", nil // the memory is its owner's again
	}
	if c.server.debug {
		c.server.log.Debug("call", "id", x.ID, "listener", x.Listener, "from", x.Remote, "service", x.Service, "method", x.Method, "path", x.Path, "status", x.Status, "decision", x.Decision, "reason", x.Reason)
	}
	return c.err
}

// reasonOf adds what came of a question to a person.
func (c *record) reasonOf(reason string) string {
	switch {
	case c.asking == "":
		return reason
	case reason == "":
		return "approved: " + c.asking
	}
	return reason + " " + c.asking
}

// redactorOf knows the service's secrets and all that the caller sent.
func (c *record) redactorOf() *audit.Redactor {
	sent := addressSecrets(c.x.Path, c.x.Query)
	if len(sent) == 0 && c.ready == nil && c.caller != nil && bearerAlone(c.in, c.caller.raw) {
		return c.caller.redactor
	}
	sent = append(sent, callerSecrets(c.in)...)
	if c.decoy && len(sent) == 0 {
		sent = append(sent, secret.New(decoy))
	}
	if c.ready != nil {
		sent = append(sent, c.ready.Secrets()...)
	}
	known := c.redactor
	if c.route != nil {
		known = c.route.redactor
	}
	return known.now().With(sent...)
}
