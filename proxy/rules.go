package proxy

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/policy"
)

// errDenied is the pattern of refusals by rules; what they say is the rule's.
var errDenied = refuse(http.StatusForbidden, "denied_by_rule", "Denied by a rule", "No rule of the service allows this call.")

// ruled judges an admitted call by the rules of its service. The request that it
// returns has what was read of the body, and what it may have at most. It is
// another than the server's, which has to know its own body again at the end.
func (s *Server) ruled(w http.ResponseWriter, r *http.Request, rt *route, t *target, rec *record) (*http.Request, *problem) {
	if rt.rules == nil {
		return r, nil
	}
	q := t.question(r, rec)
	v := rt.rules.Check(&q)
	if v.NeedsBody {
		var p *problem
		if q.Body, p = s.readWhole(w, r, rt.rules.BodyLimit()); p != nil {
			return r, p
		}
		r = r.WithContext(r.Context())
		r.Body = io.NopCloser(bytes.NewReader(q.Body))
		v = rt.rules.Check(&q)
	}
	rec.ruled(v.Rule)
	var p *problem
	read := q.Body
	switch v.Action {
	case config.Allow:
	case config.Ask:
		a := &asked{r, rt, t, rec, v}
		read, p = s.ask(w, a)
		r = a.in
	default:
		p = errDenied.saying(v.Reason)
	}
	if p != nil {
		rec.fromCaller(read)
		return r, p
	}
	if v.Limit > 0 && r.ContentLength < 0 && q.Body == nil {
		r = r.WithContext(r.Context())
		r.Body = &boundBody{ReadCloser: r.Body, left: v.Limit, problem: errDenied.saying(fmt.Sprintf("The body has more than the %d bytes that rule %s allows.", v.Limit, v.Rule))}
	}
	return r, nil
}

// question is the call as rules are held against it.
func (t *target) question(r *http.Request, rec *record) policy.Request {
	return policy.Request{
		Method: r.Method, Path: t.rest, Query: t.query, Header: r.Header, Trailer: r.Trailer,
		Length: r.ContentLength, Audience: rec.as.Audience, JTI: rec.as.ID,
	}
}

// readWhole reads a body that a rule depends on, before anything of it is sent on.
func (s *Server) readWhole(w http.ResponseWriter, r *http.Request, limit int64) ([]byte, *problem) {
	tooLarge := refuse(http.StatusRequestEntityTooLarge, "body_too_large", "Body too large",
		fmt.Sprintf("A rule of the service depends on what the body says, and one of more than %d bytes is not read for that. A max_body in the rule raises this bound.", limit))
	if r.ContentLength > limit {
		return nil, tooLarge
	}
	body, whole, p := s.readAhead(w, r, limit)
	if p == nil && !whole {
		p = tooLarge
	}
	return body, p
}

// readAhead reads the beginning of a body, a little more than limit at most, before
// anything of it is sent on. whole says that there is no more.
func (s *Server) readAhead(w http.ResponseWriter, r *http.Request, limit int64) (head []byte, whole bool, p *problem) {
	deadlines := http.NewResponseController(w)
	head = []byte{} // not nil, which is not known
	piece := buffers.Get()
	defer buffers.Put(piece)
	for int64(len(head)) <= limit && !whole {
		// Fails where there is no connection, as in a replay; then nothing can stall.
		_ = deadlines.SetReadDeadline(time.Now().Add(s.stall))
		n, err := r.Body.Read(piece)
		head = append(head, piece[:n]...)
		switch {
		case errors.Is(err, io.EOF):
			whole = true
		case err != nil:
			return nil, false, errBody
		}
	}
	_ = deadlines.SetReadDeadline(time.Time{})
	return head, whole && int64(len(head)) <= limit, nil
}

// boundBody is a body of unknown length that may not grow past what a rule allows.
type boundBody struct {
	io.ReadCloser
	left    int64
	problem *problem
}

// Read implements io.Reader. A body that is too large ends in an error, so that
// the upstream never gets to see an end of it.
func (b *boundBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p[:min(int64(len(p)), b.left+1)])
	if int64(n) > b.left {
		return 0, b.problem
	}
	b.left -= int64(n)
	return n, err
}

// hop judges the request that a redirect asks for. It comes without a body, and
// nobody is asked about it.
func (c *call) hop(method, rest, query string, h http.Header) bool {
	if c.route.rules == nil {
		return true
	}
	v := c.route.rules.Check(&policy.Request{
		Method: method, Path: rest, Query: query, Header: h,
		Audience: c.rec.as.Audience, JTI: c.rec.as.ID,
	})
	return v.Action == config.Allow
}
