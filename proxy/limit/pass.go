package limit

import (
	"fmt"
	"strconv"
	"time"

	"lockbox/proxy/config"
)

// Kind is a kind of limit.
type Kind int

// The kinds.
const (
	Rate Kind = iota
	Concurrency
	Quota
)

// Kinds are all.
var Kinds = [...]Kind{Rate, Concurrency, Quota}

// String is the kind's key in the config.
func (k Kind) String() string { return [...]string{"rate_limit", "concurrency", "quota"}[k] }

// Pass is a call that has passed a Gate. A nil one has passed none.
type Pass struct {
	State   State
	gate    *Gate
	entries [2]*entry // the service's, and the token's; nil: none
	counted [2]counts // as the quotas stood with this call
	write   bool
	ended   bool
}

// End notes that the call is over. It is a mistake to call it twice.
func (p *Pass) End() {
	if p == nil {
		return
	}
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	for _, e := range p.entries {
		if e != nil && !p.ended {
			e.calls--
		}
	}
	p.ended = true
}

// Return gives back what the call took of quotas: it was not made after all.
func (p *Pass) Return() {
	if p == nil {
		return
	}
	p.gate.mu.Lock()
	defer p.gate.mu.Unlock()
	p.uncount()
}

// uncount is Return with the Gate's mutex held. A count that cannot be written down
// stays: too much is counted rather than too little.
func (p *Pass) uncount() {
	now := time.Now()
	for i, e := range p.entries {
		if p.counted[i] != (counts{}) {
			_ = e.slot.set(e.slot.now.at(now).less(p.counted[i], p.write))
			p.counted[i] = counts{}
		}
	}
}

// Refusal is why a call may not pass.
type Refusal struct {
	State  State
	Kind   Kind
	Token  bool // it is the token's own limit, not the service's
	Most   int
	Per    time.Duration // of Rate and Quota
	Writes bool          // Quota is that of writes
	Month  bool          // of the month
	After  time.Duration // when it is free again, or may be
	Err    error         // the calls cannot be counted; all else is zero
}

// Limit is the limit in words: "60 calls in 1m".
func (r *Refusal) Limit() string {
	noun := "calls"
	if r.Writes {
		noun = "writes"
	}
	if r.Most == 1 {
		noun = noun[:len(noun)-1]
	}
	switch {
	case r.Kind == Concurrency:
		return fmt.Sprintf("%d %s at a time", r.Most, noun)
	case r.Kind == Rate:
		return fmt.Sprintf("%d %s in %s", r.Most, noun, config.ShortDuration(r.Per))
	case r.Month:
		return fmt.Sprintf("%d %s a month", r.Most, noun)
	}
	return fmt.Sprintf("%d %s a day", r.Most, noun)
}

// State is how limits stood when a call came.
type State struct{ all []allowance }

// allowance is one limit at one time.
type allowance struct {
	key           string // in the config: "calls_per_day"
	token         bool
	most, used    int
	per           time.Duration
	resets        time.Time // when nothing of it is used any more; zero: that is not known
	writes, month bool
}

func (s *State) add(e *entry, token, write bool, now time.Time) {
	put := func(a allowance) {
		a.token = token
		if s.all == nil {
			s.all = make([]allowance, 0, 4)
		}
		s.all = append(s.all, a)
	}
	if e.limits.Rate.Requests > 0 {
		put(e.rate(now))
	}
	if e.slot != nil {
		var room [4]allowance
		for _, q := range quotas(&room, e.limits.Quota, e.slot.now.at(now)) {
			if write || !q.writes {
				put(q)
			}
		}
	}
}

// rate is how a rate stands: what is left is what may come at once.
func (e *entry) rate(now time.Time) allowance {
	r := e.limits.Rate
	have := e.bucket.TokensAt(now)
	full := time.Duration((float64(r.Burst) - have) * float64(r.Per) / float64(r.Requests))
	return allowance{key: "rate_limit", most: r.Burst, used: r.Burst - int(have), per: r.Per, resets: now.Add(full)}
}

// quotas are those of q that there are, in a room of the caller's: there are many
// calls.
func quotas(room *[4]allowance, q config.Quota, c counts) []allowance {
	all := room[:0]
	if q == (config.Quota{}) {
		return all
	}
	for _, a := range [4]allowance{
		{key: "calls_per_day", most: q.CallsPerDay, used: c.calls},
		{key: "writes_per_day", most: q.WritesPerDay, used: c.writes, writes: true},
		{key: "calls_per_month", most: q.CallsPerMonth, used: c.callsOfMonth, month: true},
		{key: "writes_per_month", most: q.WritesPerMonth, used: c.writesOfMonth, writes: true, month: true},
	} {
		if a.most == 0 {
			continue
		}
		a.per, a.resets = 24*time.Hour, c.dayEnds()
		if a.month {
			a.per, a.resets = c.monthLasts(), c.monthEnds()
		}
		all = append(all, a)
	}
	return all
}

// Fields are the values of the header fields RateLimit and RateLimit-Policy
// (draft-ietf-httpapi-ratelimit-headers-10), "" for none.
func (s *State) Fields(now time.Time) (state, policy string) {
	if len(s.all) == 0 {
		return "", ""
	}
	var a, b []byte
	for i := range s.all {
		one := &s.all[i]
		a, b = one.name(a, i), one.name(b, i)
		a = strconv.AppendInt(append(a, ";r="...), int64(max(0, one.most-one.used)), 10)
		a = strconv.AppendInt(append(a, ";t="...), seconds(one.resets.Sub(now)), 10)
		b = strconv.AppendInt(append(b, ";q="...), int64(one.most), 10)
		b = strconv.AppendInt(append(b, ";w="...), int64(one.per/time.Second), 10)
	}
	return string(a), string(b)
}

// name is the policy's: one that an upstream may also have would be taken for it.
func (a *allowance) name(b []byte, i int) []byte {
	if i > 0 {
		b = append(b, ", "...)
	}
	b = append(b, `"lockbox-`...)
	if a.token {
		b = append(b, "token-"...)
	}
	b = append(b, a.key...)
	return append(b, '"')
}

// seconds rounds up: whoever comes a moment too early is refused once more.
func seconds(d time.Duration) int64 {
	return max(0, int64((d+time.Second-1)/time.Second))
}

// RetryAfter is the number of seconds after which the call may pass.
func (r *Refusal) RetryAfter() int64 { return max(1, seconds(r.After)) }

// Use is how far a limit is used.
type Use struct {
	Service string
	Token   string // its id, "audience:…" for those that have none; "": the service as a whole
	Limit   string // its key in the config: rate_limit, concurrency, calls_per_day, …
	Most    int    // of rate_limit, how many may come at once
	Used    int
	Left    int
	Per     time.Duration // zero for concurrency
	Resets  time.Time     // when nothing of it is used any more; zero: that is not known
}

func (a allowance) use(service, token string, now time.Time) Use {
	u := Use{Service: service, Token: token, Limit: a.key, Most: a.most, Used: a.used, Left: max(0, a.most-a.used), Per: a.per}
	if a.resets.After(now) {
		u.Resets = a.resets
	}
	return u
}

func (e *entry) uses(service, token string, now time.Time) []Use {
	var uses []Use
	if e.limits.Rate.Requests > 0 {
		uses = append(uses, e.rate(now).use(service, token, now))
	}
	if e.limits.Concurrency > 0 {
		uses = append(uses, allowance{key: "concurrency", most: e.limits.Concurrency, used: e.calls}.use(service, token, now))
	}
	if e.slot != nil {
		var room [4]allowance
		for _, q := range quotas(&room, e.limits.Quota, e.slot.now.at(now)) {
			uses = append(uses, q.use(service, token, now))
		}
	}
	return uses
}
