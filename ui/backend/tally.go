package backend

import (
	"cmp"
	"math/bits"
	"slices"
	"strings"
	"time"
)

// tally is what is counted of an activity at a time.
type tally struct {
	*activity
	now      time.Time
	out      Overview
	services []counter             // of the last day, by their number
	tokens   []counter             // likewise
	hour     []recent              // of services in the last hour, by their number
	expired  map[uint32]expiredUse // tokens that came though they have, by their number
}

// counter counts the calls of a service or a token.
type counter struct{ calls, errors, refused, last uint32 }

// recent is what came of a service's calls in the last hour.
type recent struct {
	made, failed, keyRefused, limited int64 // made: those that were let pass
	lastBad, lastGood                 uint32
	noCredential                      bool // the last bad one had none
}

type expiredUse struct {
	calls int64
	last  uint32
}

// tally counts what is known.
func (a *activity) tally(now time.Time) *tally {
	n := len(a.names)
	t := &tally{activity: a, now: now, services: make([]counter, n), tokens: make([]counter, n), hour: make([]recent, n), expired: map[uint32]expiredUse{}}
	since := now.Add(-activityTime)
	t.out = Overview{At: now, Since: a.begins(since), Partial: !a.whole && a.oldest > 0, Uncounted: a.restOf - a.restRead, Minutes: make([]Minute, overviewMinutes)}
	first := now.Truncate(time.Minute).Add(-(overviewMinutes - 1) * time.Minute)
	for i := range t.out.Minutes {
		t.out.Minutes[i].Start = first.Add(time.Duration(i) * time.Minute)
	}
	y, m, d := now.Date()
	midnight := stamp(time.Date(y, m, d, 0, 0, 0, 0, now.Location()))
	hourAgo, chart := stamp(now.Add(-time.Hour)), stamp(first)
	var times histogram
	a.each(since, func(c *brief) {
		t.services[c.service].note(c)
		t.tokens[c.token].note(c)
		if c.outcome == expired && c.token != 0 {
			u := t.expired[c.token]
			t.expired[c.token] = expiredUse{u.calls + 1, max(u.last, c.at)}
		}
		if c.at >= midnight {
			t.out.Calls++
			count(&t.out.Errors, &t.out.Refused, c.outcome)
			if !c.outcome.refused() {
				times.add(c.took)
			}
		}
		if i := (c.at - chart) / 60; c.at >= chart && i < overviewMinutes {
			t.out.Minutes[i].Calls++
			count(&t.out.Minutes[i].Errors, &t.out.Minutes[i].Refused, c.outcome)
		}
		if c.at > hourAgo {
			t.hour[c.service].note(c)
		}
	})
	t.out.Median = times.median()
	return t
}

func count[N int64 | uint32](errors, refused *N, o outcome) {
	switch {
	case o.fails():
		*errors++
	case o.refused():
		*refused++
	}
}

func (u *counter) note(c *brief) {
	u.calls++
	count(&u.errors, &u.refused, c.outcome)
	u.last = max(u.last, c.at)
}

func (r *recent) note(c *brief) {
	switch c.outcome {
	case upstreamFail, credentialFail:
		r.failed++
	case keyRefused:
		r.keyRefused++
	case answered:
		r.lastGood = max(r.lastGood, c.at)
	case limitRefused:
		r.limited++
	}
	o := c.outcome
	if (o.fails() || o == keyRefused) && c.at >= r.lastBad {
		r.lastBad, r.noCredential = c.at, o == credentialFail
	}
	if !o.refused() && o != callerGone {
		r.made++
	}
}

// overview is what is told of the calls. A service that the config does not have
// leads nowhere, and is left out.
func (t *tally) overview(v View) Overview {
	known := make([]bool, len(t.names))
	for _, s := range v.Services {
		if n, ok := t.numbers[s.Name]; ok {
			known[n] = true
		}
	}
	o := t.out
	o.Services, o.ServicesUsed = t.mostUsed(t.services, func(i int) bool { return known[i] })
	o.Tokens, o.TokensUsed = t.mostUsed(t.tokens, func(int) bool { return true })
	return o
}

// mostUsed are the first of those that were used, and how many were.
func (t *tally) mostUsed(all []counter, wanted func(int) bool) (most []Used, used int) {
	var best []int
	less := func(i, j int) int {
		a, b := all[i], all[j]
		return cmp.Or(cmp.Compare(b.calls, a.calls), cmp.Compare(b.last, a.last), strings.Compare(t.names[i], t.names[j]))
	}
	for i := 1; i < len(all); i++ { // 0 is none
		if all[i].calls == 0 || !wanted(i) {
			continue
		}
		used++
		if at, _ := slices.BinarySearchFunc(best, i, less); at < overviewMost {
			best = slices.Insert(best, at, i)
			best = best[:min(len(best), overviewMost)]
		}
	}
	for _, i := range best {
		c := all[i]
		most = append(most, Used{Name: t.names[i], Calls: int64(c.calls), Errors: int64(c.errors), Refused: int64(c.refused), Last: time.Unix(int64(c.last), 0)})
	}
	return most, used
}

// histogram counts times in parts that are three percent wide.
type histogram struct {
	parts [28 * 32]int64
	n     int64
}

// add counts a time in microseconds.
func (h *histogram) add(us uint32) {
	h.n++
	h.parts[part(us)]++
}

// part is where a time is counted: below 64, by itself; above, by its length in
// bits and the five bits after the first.
func part(us uint32) int {
	if us < 64 {
		return int(us)
	}
	shift := bits.Len32(us) - 6
	return shift*32 + int(us>>shift)
}

// median is the time in the middle, 0 where there is none.
func (h *histogram) median() time.Duration {
	var seen int64
	for i, n := range h.parts {
		if seen += n; n == 0 || 2*seen < h.n {
			continue
		}
		if i >= 64 {
			i = (i%32 + 32) << (i/32 - 1)
		}
		return time.Duration(max(1, i)) * time.Microsecond
	}
	return 0
}

func stamp(t time.Time) uint32 { return uint32(t.Unix()) } //nolint:gosec // until 2106
