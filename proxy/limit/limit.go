// Package limit says whether a call may pass now: by the rate of calls, by how many
// are under way, and by the calls of the day and of the month. What it counts
// belongs to the program and not to a config, so that it goes on through a reload;
// the calls of a day and a month are in a file too, and outlive a kill -9.
package limit

import (
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"lockbox/proxy/config"
)

// Limiter holds the limits of all services.
type Limiter struct {
	book *Book

	mu    sync.Mutex
	gates map[string]*Gate
}

// New counts quotas in a Book.
func New(b *Book) *Limiter { return &Limiter{book: b, gates: map[string]*Gate{}} }

// Use puts the limits of a config in force and gives, by the services' names, where
// their calls pass: for those that have any. What was counted stays, even while a
// service has no limits, or is not there at all.
func (l *Limiter) Use(services map[string]*config.Service) map[string]*Gate {
	l.mu.Lock()
	defer l.mu.Unlock()
	limited := map[string]*Gate{}
	for name, s := range services {
		if !s.Limited() {
			continue
		}
		if l.gates[name] == nil {
			l.gates[name] = &Gate{name: name, book: l.book, tokens: map[string]*entry{}}
		}
		limited[name] = l.gates[name]
	}
	for name, g := range l.gates {
		g.mu.Lock()
		if g.service = services[name]; g.service == nil {
			g.service = &config.Service{Name: name}
		}
		g.mu.Unlock()
	}
	return limited
}

// Caller is who calls: the token that it has, none for a service that asks for none.
type Caller struct {
	ID       string // the token's jti
	Audience []string
}

// OriginalPrefix begins the name of tokens that have no id.
const OriginalPrefix = "audience:"

// name is how a token is told from others. Those of the Python original have no id:
// of a service and an audience they are all one, as they are in the list of tokens.
func (c Caller) name() string {
	switch {
	case c.ID != "":
		return c.ID
	case len(c.Audience) > 0:
		return OriginalPrefix + strings.Join(c.Audience, ",")
	}
	return ""
}

// mostIdle is how many tokens are remembered that may be of no consequence.
const mostIdle = 1000

// Gate is where the calls to a service pass. Its methods can be used by many
// goroutines at once.
type Gate struct {
	name string
	book *Book

	mu      sync.Mutex
	service *config.Service // whose limits are in force
	whole   entry
	tokens  map[string]*entry
	sweepAt int
}

// entry is what is known of the calls to a service, or of those with one token. The
// Gate's mutex guards it.
type entry struct {
	limits config.Limits // that are in force
	bucket *rate.Limiter // nil: there never was a rate
	calls  int           // under way
	slot   *slot         // nil: there never was a quota
}

// Take lets a call pass, or says why not. What has passed is to be ended.
func (g *Gate) Take(c Caller, write bool) (*Pass, *Refusal) {
	g.mu.Lock()
	defer g.mu.Unlock()
	// From here on, or a call that waited for the mutex would set the time back.
	now := time.Now()
	p := &Pass{gate: g, write: write}
	p.entries[0] = &g.whole
	err := g.whole.set(g, "", g.service.Limits, now)
	if name := c.name(); name != "" && err == nil {
		if l := g.service.LimitsOf(c.ID, c.Audience); !l.IsZero() {
			p.entries[1] = g.entry(name, now)
			err = p.entries[1].set(g, name, l, now)
		}
	}
	if err != nil {
		return nil, &Refusal{Kind: Quota, Err: err}
	}
	var r *Refusal
	for i, e := range p.entries {
		if e != nil {
			r = later(r, e.check(i == 1, write, now))
		}
	}
	if r == nil {
		r = p.count(now)
	}
	if r != nil {
		for i, e := range p.entries {
			if e != nil {
				r.State.add(e, i == 1, write, now)
			}
		}
		return nil, r
	}
	return p, nil
}

// entry is that of a token. g.mu is held.
func (g *Gate) entry(name string, now time.Time) *entry {
	e := g.tokens[name]
	if e == nil {
		if len(g.tokens) >= max(g.sweepAt, mostIdle) {
			g.sweep(now)
		}
		e = &entry{}
		g.tokens[name] = e
	}
	return e
}

// sweep forgets tokens whose next call would find them as their first one did. What
// they have used of a quota is in the Book.
func (g *Gate) sweep(now time.Time) {
	for name, e := range g.tokens {
		if e.calls > 0 || e.bucket != nil && e.bucket.TokensAt(now) < float64(e.bucket.Burst()) {
			continue
		}
		if e.slot != nil {
			e.slot.leave()
		}
		delete(g.tokens, name)
	}
	g.sweepAt = 2 * len(g.tokens) // where few can be forgotten, it is tried seldom
}

// set puts limits in force. A changed one goes on from where it was: it gives nothing
// back.
func (e *entry) set(g *Gate, token string, l config.Limits, now time.Time) (err error) {
	if e.slot == nil && l.Quota != (config.Quota{}) {
		if e.slot, err = g.book.slot(keyOf(g.name, token), now); err != nil {
			return err
		}
	}
	if e.limits == l {
		return nil
	}
	e.limits = l
	if l.Rate.Requests == 0 {
		return nil
	}
	per := rate.Limit(float64(l.Rate.Requests) / l.Rate.Per.Seconds())
	if e.bucket == nil {
		e.bucket = rate.NewLimiter(per, l.Rate.Burst)
		return nil
	}
	e.bucket.SetLimitAt(now, per)
	e.bucket.SetBurstAt(now, l.Rate.Burst)
	return nil
}

// check is why a call may not pass, or nil.
func (e *entry) check(token, write bool, now time.Time) (r *Refusal) {
	if rate := e.limits.Rate; rate.Requests > 0 {
		if have := e.bucket.TokensAt(now); have < 1 {
			wait := time.Duration((1 - have) * float64(rate.Per) / float64(rate.Requests))
			r = &Refusal{Kind: Rate, Token: token, Most: rate.Requests, Per: rate.Per, After: max(wait, 1)}
		}
	}
	if most := e.limits.Concurrency; most > 0 && e.calls >= most {
		r = later(r, &Refusal{Kind: Concurrency, Token: token, Most: most, After: time.Second})
	}
	if e.slot == nil {
		return r
	}
	var room [4]allowance
	for _, q := range quotas(&room, e.limits.Quota, e.slot.now.at(now)) {
		if q.used >= q.most && (write || !q.writes) {
			r = later(r, &Refusal{Kind: Quota, Token: token, Most: q.most, Per: q.per, Writes: q.writes, Month: q.month, After: q.resets.Sub(now)})
		}
	}
	return r
}

// later is the refusal that holds longer.
func later(a, b *Refusal) *Refusal {
	if a == nil || b != nil && b.After > a.After {
		return b
	}
	return a
}

// count takes what check found to be there.
func (p *Pass) count(now time.Time) *Refusal {
	for i, e := range p.entries {
		if e == nil || e.slot == nil || e.limits.Quota == (config.Quota{}) {
			continue
		}
		p.counted[i] = e.slot.now.at(now).plus(1, p.write)
		if err := e.slot.set(p.counted[i]); err != nil {
			p.counted[i] = counts{}
			p.uncount()
			return &Refusal{Kind: Quota, Err: err}
		}
	}
	for i, e := range p.entries {
		if e == nil {
			continue
		}
		e.calls++
		if e.limits.Rate.Requests > 0 {
			e.bucket.AllowN(now, 1)
		}
		p.State.add(e, i == 1, p.write, now)
	}
	return nil
}

// Uses says how far the limits of all services are used, sorted by service and
// token, those of a service as a whole first. Of tokens, it is those that were used
// of late.
func (l *Limiter) Uses() []Use {
	l.mu.Lock()
	gates := make([]*Gate, 0, len(l.gates))
	for _, g := range l.gates {
		gates = append(gates, g)
	}
	l.mu.Unlock()
	slices.SortFunc(gates, func(a, b *Gate) int { return strings.Compare(a.name, b.name) })
	uses := []Use{}
	for _, g := range gates {
		uses = append(uses, g.uses()...)
	}
	return uses
}

func (g *Gate) uses() []Use {
	g.mu.Lock()
	defer g.mu.Unlock()
	now := time.Now()
	if !g.service.Limited() || g.whole.set(g, "", g.service.Limits, now) != nil {
		return nil
	}
	uses := g.whole.uses(g.name, "", now)
	names := make([]string, 0, len(g.tokens))
	for name := range g.tokens {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		uses = append(uses, g.tokens[name].uses(g.name, name, now)...)
	}
	return uses
}
