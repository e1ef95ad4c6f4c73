package register

import (
	"encoding/json"
	"errors"
	"fmt"
	"time"
)

// The ops of a line. A line with another one is from a newer Lockbox, and is left
// alone.
const (
	opMade     = "made"     // a token: id, service, aud, at, exp, label
	opSeen     = "seen"     // the same, of one that was not made here
	opOriginal = "original" // the same, of the original's for a service and an audience
	opUsed     = "used"     // id was used calls times, at last
	opRevoked  = "revoked"  // id, at
	opDrifted  = "drifted"  // what was new about a call of id, at; paused: it is, until it is accepted
	opAccepted = "accepted" // what was new about id up to here, at
	opRule     = "rule"     // all of service and aud that were made up to at; "": any
	opPanic    = "panic"    // all that were made up to at, and nothing is forwarded
	opResumed  = "resumed"  // calls are forwarded again
	opKeys     = "keys"     // the signing keys were replaced
)

// maxMoment is the end of the year 9999, beyond which JSON has no dates.
const maxMoment = 253402300799

// line is one line of the file. Times are Unix seconds.
type line struct {
	Op       string   `json:"op"`
	ID       string   `json:"id,omitempty"`
	Label    string   `json:"label,omitempty"`
	Service  string   `json:"service,omitempty"`
	Audience []string `json:"aud,omitempty"`
	At       int64    `json:"at,omitempty"`
	Expires  int64    `json:"exp,omitempty"`
	Calls    uint64   `json:"calls,omitempty"`
	News     string   `json:"new,omitempty"` // as drift.News writes it
	Network  string   `json:"network,omitempty"`
	Program  string   `json:"program,omitempty"`
	Paused   bool     `json:"paused,omitempty"`
}

func parse(text []byte) (line, error) {
	var l line
	if err := json.Unmarshal(text, &l); err != nil {
		return l, fmt.Errorf("it is no JSON object of the list: %w", err)
	}
	if l.At < 0 || l.Expires < 0 || l.At > maxMoment || l.Expires > maxMoment {
		return l, errors.New("it tells of a time before 1970 or after 9999")
	}
	if token := l.Op == opMade || l.Op == opSeen || l.Op == opOriginal; token && (l.ID == "" || l.Expires == 0) {
		return l, errors.New("it is a token without an id or an end")
	}
	return l, nil
}

// apply makes a line true. mu must be held.
func (r *Register) apply(l line) {
	at := moment(l.At)
	switch l.Op {
	case opMade, opSeen, opOriginal:
		e := r.put(Info{ID: l.ID, Kind: Kind(l.Op), Label: l.Label, Service: l.Service, Audience: l.Audience, Made: at, Expires: moment(l.Expires)})
		r.revokeOlder(e)
	case opUsed:
		if e := r.entries[l.ID]; e != nil {
			e.saved = max(e.saved, l.Calls)
			if e.calls.Load() < l.Calls { // or it is our own line
				e.calls.Store(l.Calls)
				e.last.Store(l.At)
			}
		}
	case opRevoked:
		if e := r.entries[l.ID]; e != nil && e.info.Revoked.IsZero() {
			e.info.Revoked = at
		}
		r.ended()
	case opDrifted, opAccepted:
		r.drift(l)
	case opRule:
		audience := ""
		if len(l.Audience) > 0 {
			audience = l.Audience[0]
		}
		r.rule(rule{l.Service, audience, at})
	case opPanic:
		r.rule(rule{before: at})
		r.panicked = at
	case opResumed:
		r.panicked = time.Time{}
	case opKeys:
		r.keys++
		r.keysAt = at
	}
}

func (r *Register) rule(add rule) {
	r.rules = append(r.rules, add)
	for _, e := range r.order {
		if e.info.Revoked.IsZero() && add.covers(e.info.Service, e.info.Audience, e.info.Made) {
			e.info.Revoked = add.before
		}
	}
	r.ended()
}

// revokeOlder revokes an entry that is older than a rule though its line comes
// behind it: the lists of two machines were put together.
func (r *Register) revokeOlder(e *Entry) {
	for _, rule := range r.rules {
		if e.info.Revoked.IsZero() && e.info.Made.Before(rule.before) && rule.covers(e.info.Service, e.info.Audience, e.info.Made) {
			e.info.Revoked = rule.before
		}
	}
}

func moment(sec int64) time.Time {
	if sec == 0 {
		return time.Time{}
	}
	return time.Unix(sec, 0)
}

// stamp is the reverse of moment.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.Unix()
}
