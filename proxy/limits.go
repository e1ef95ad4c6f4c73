package proxy

import (
	"fmt"
	"net/http"
	"strconv"
	"time"

	"lockbox/proxy/limit"
)

// The fields of an answer that say how the limits stand. An upstream's own of these
// names, and the older RateLimit-Remaining and X-RateLimit-Remaining, pass as they
// are: these are lists, and the policies have names.
const (
	rateLimit       = "RateLimit"
	rateLimitPolicy = "RateLimit-Policy"
)

// writes reports whether a method is meant to change something upstream (RFC 9110,
// section 9.2.1).
func writes(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}

// limited is the last reason not to forward a call. What passes here is counted until
// its record is finished; a call that is refused after all gives back what it took of
// the quotas. A call that may be answered from memory passes here only when it is to
// be made.
func (s *Server) limited(rt *route, rec *record) *problem {
	if rt.gate == nil {
		return nil
	}
	pass, r := rt.gate.Take(rec.as, writes(rec.x.Method))
	if r == nil {
		rec.pass = pass
		return nil
	}
	rec.over = r
	if r.Err != nil {
		return refuse(http.StatusServiceUnavailable, "quota_unknown", "Calls cannot be counted", "Lockbox cannot count calls at the moment, and so not tell whether the quota allows one more. Its owner finds the reason in its log.")
	}
	return tooMany(rt.service.Name, r)
}

// tooMany says which limit is used up, and until when.
func tooMany(service string, r *limit.Refusal) *problem {
	whose := "Service " + quoted(service) + " takes "
	if r.Token {
		whose = "This token may make " + r.Limit() + " to service " + quoted(service) + ", no more"
	} else {
		whose += r.Limit() + ", no more"
	}
	now := time.Now()
	when := " Try again when another call has ended."
	if r.Kind != limit.Concurrency {
		when = fmt.Sprintf(" The next one is free at %s.", now.Add(r.After).UTC().Truncate(time.Second).Add(time.Second).Format(time.RFC3339))
	}
	p := refuse(http.StatusTooManyRequests, "rate_limited", "Too many calls", whose+"."+when)
	p.fields = http.Header{"Retry-After": {strconv.FormatInt(r.RetryAfter(), 10)}}
	addState(p.fields, &r.State)
	return p
}

func addState(h http.Header, s *limit.State) {
	if state, policy := s.Fields(time.Now()); state != "" {
		h[rateLimit], h[rateLimitPolicy] = []string{state}, []string{policy}
	}
}

// limitState adds to an answer's header how the limits stood when its call came.
func (c *record) limitState(h http.Header) {
	if c.pass != nil {
		addState(h, &c.pass.State)
	}
}

// appendLimitState is limitState for a head that is written by hand.
func (c *record) appendLimitState(b []byte) []byte {
	if c.pass == nil {
		return b
	}
	if state, policy := c.pass.State.Fields(time.Now()); state != "" {
		b = appendField(appendField(b, rateLimit, state), rateLimitPolicy, policy)
	}
	return b
}

// Limits says how far the limits of the services and their tokens are used.
func (s *Server) Limits() []limit.Use { return s.limits.Uses() }
