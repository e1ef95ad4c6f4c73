package backend

import (
	"context"
	"errors"
	"math"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/audit"
)

const (
	activityTime = 24 * time.Hour
	// activityMost bounds the calls that are remembered, at some 20 bytes each: where
	// more come in a day, the day is shorter.
	activityMost = 2_000_000
	// activityPart is how long one look back takes: a day may have many calls.
	activityPart = 120 * time.Millisecond
)

// outcome is what came of a call.
type outcome uint8

const (
	answered     outcome = iota
	keyRefused           // the upstream answered 401
	upstreamFail         // it did not answer, or with 500 and more
	credentialFail
	callerGone
	refused
	limitRefused // a limit of ours is used up
	expired      // its token is
)

// fails reports whether o is an error that the caller is not to blame for.
func (o outcome) fails() bool { return o == upstreamFail || o == credentialFail }

// refused reports whether Lockbox let the call not pass.
func (o outcome) refused() bool { return o >= refused }

func outcomeOf(x *Exchange) outcome {
	code, _, _ := strings.Cut(x.Reason, ":")
	switch {
	case code == "credential_unavailable":
		return credentialFail
	case x.Decision == audit.Refused && code == "rate_limited":
		return limitRefused
	case x.Decision == audit.Refused && code == "token_expired":
		return expired
	case x.Decision == audit.Refused:
		return refused
	case code == "caller_aborted":
		return callerGone
	case x.Decision == audit.Failed, x.Status >= 500:
		return upstreamFail
	case x.Status == 401:
		return keyRefused
	}
	return answered
}

// brief is one of the last day's, small: there may be millions.
type brief struct {
	at             uint32 // Unix time, in seconds
	took           uint32 // in microseconds
	service, token uint32 // in names
	outcome        outcome
}

// activity are the calls of the last day. It grows at both ends: by those that
// come, and back to the beginning of the day, a part at a time.
type activity struct {
	back, fresh      []brief // newest first; newest last
	newest           int64   // Seq of the newest one that is in it
	oldest           int64   // Seq of the oldest; 0: none was looked at
	whole            bool    // back goes as far as it is to
	names            []string
	numbers          map[string]uint32
	faults           map[uint32]fault // by service
	gaps             []Exchange       // records that say that others are missing
	rest             []brief          // what the index has not reached, newest first
	restOf, restRead int64            // how many those are, and how many of them were read
}

// fault is the last thing that went wrong with a service.
type fault struct {
	at   uint32
	text string
}

func newActivity() *activity {
	return &activity{names: []string{""}, numbers: map[string]uint32{"": 0}, faults: map[uint32]fault{}}
}

// number is what stands for a name.
func (a *activity) number(name string) uint32 {
	n, ok := a.numbers[name]
	if !ok {
		n = uint32(len(a.names)) //nolint:gosec // fewer than the calls
		name = strings.Clone(name)
		a.names = append(a.names, name)
		a.numbers[name] = n
	}
	return n
}

// callOf makes a record small.
func (a *activity) callOf(x *Exchange) brief {
	id := x.JTI
	if id == "" && x.Audience != "" { // as the list of tokens names those of the original
		id = x.Service + "\n" + strings.ReplaceAll(x.Audience, ",", "\n")
	}
	c := brief{
		at: stamp(x.Time), took: uint32(min(max(0, x.Duration.Microseconds()), math.MaxUint32)), //nolint:gosec // no more than fits
		token: a.number(id), outcome: outcomeOf(x),
	}
	if !strings.HasPrefix(x.Reason, "unknown_service:") { // whose names are the caller's
		c.service = a.number(x.Service)
	}
	if o := c.outcome; o.fails() || o == keyRefused {
		if p := a.faults[c.service]; c.at >= p.at {
			text := x.Reason
			if _, sentence, ok := strings.Cut(text, ": "); ok {
				text = sentence
			}
			a.faults[c.service] = fault{c.at, text}
		}
	}
	return c
}

// take puts a record where add says, unless it is of no call.
func (a *activity) take(x *Exchange, add func(brief)) {
	switch {
	case x.Decision != audit.Noted:
		add(a.callOf(x))
	case x.Event == "gap" && len(a.gaps) < 100:
		a.gaps = append(a.gaps, Exchange{Seq: x.Seq, Time: x.Time, Reason: x.Reason})
	}
}

var errPart = errors.New("that is a part of it")

// update reads what is new in the log, and a part of the day before.
func (a *activity) update(ctx context.Context, l *audit.Log, now time.Time) error {
	since := now.Add(-activityTime)
	a.prune(since)
	end := now.Add(activityPart)
	if a.oldest > 0 {
		var fresh []brief
		newest := a.newest
		_, err := l.Skim(ctx, a.newest, 0, since, func(x *Exchange) error {
			newest = max(newest, x.Seq)
			a.take(x, func(c brief) { fresh = append(fresh, c) })
			return nil
		})
		if err != nil {
			return err
		}
		slices.Reverse(fresh)
		a.fresh, a.newest = append(a.fresh, fresh...), newest
	}
	if !a.whole {
		if err := a.lookBack(ctx, l, since, end); err != nil {
			return err
		}
	}
	a.rest, a.restRead = a.rest[:0], 0
	var err error
	a.restOf, err = l.Rest(ctx, a.newest, func(x *Exchange) {
		a.restRead++
		if !x.Time.Before(since) {
			a.take(x, func(c brief) { a.rest = append(a.rest, c) })
		}
	})
	return err
}

// lookBack reads a part of what is older than all that is known, until a time.
func (a *activity) lookBack(ctx context.Context, l *audit.Log, since, end time.Time) error {
	read := 0
	_, err := l.Skim(ctx, 0, a.oldest, since, func(x *Exchange) error {
		a.oldest, a.newest = x.Seq, max(a.newest, x.Seq)
		a.take(x, func(c brief) { a.back = append(a.back, c) })
		if read++; read%1000 == 0 && time.Now().After(end) {
			return errPart
		}
		return nil
	})
	a.whole = err == nil && a.oldest > 0 || len(a.back) > activityMost
	if errors.Is(err, errPart) {
		err = nil
	}
	return err
}

// prune forgets what is older than a day.
func (a *activity) prune(since time.Time) {
	old := stamp(since)
	most := max(0, activityMost-len(a.fresh))
	for len(a.back) > 0 && (len(a.back) > most || a.back[len(a.back)-1].at < old) {
		a.back = a.back[:len(a.back)-1]
	}
	gone := 0
	for gone < len(a.fresh) && len(a.back) == 0 && (len(a.fresh)-gone > activityMost || a.fresh[gone].at < old) {
		gone++
	}
	if gone > 1000 || gone == len(a.fresh) {
		a.fresh = slices.Clone(a.fresh[gone:])
	}
	a.gaps = slices.DeleteFunc(a.gaps, func(x Exchange) bool { return x.Time.Before(since) || x.Seq > a.newest })
	if len(a.names) > 1000 && len(a.names) > 2*(len(a.back)+len(a.fresh)) {
		a.rename()
	}
}

// rename forgets the names that no call has any more.
func (a *activity) rename() {
	names, faults := a.names, a.faults
	a.names, a.numbers, a.faults = []string{""}, map[string]uint32{"": 0}, map[uint32]fault{}
	for _, calls := range [][]brief{a.back, a.fresh} {
		for i := range calls {
			c := &calls[i]
			was := c.service
			c.service, c.token = a.number(names[was]), a.number(names[c.token])
			if p, ok := faults[was]; ok {
				a.faults[c.service] = p
			}
		}
	}
}

// each gives f all calls that are known and not older than since.
func (a *activity) each(since time.Time, f func(*brief)) {
	old := stamp(since)
	for _, calls := range [][]brief{a.back, a.fresh, a.rest} {
		for i := range calls {
			if calls[i].at >= old {
				f(&calls[i])
			}
		}
	}
}

// begins is when the calls that are known begin, if they were too many for a day.
func (a *activity) begins(since time.Time) time.Time {
	switch {
	case !a.whole || len(a.back)+len(a.fresh) < activityMost:
		return since
	case len(a.back) > 0:
		return time.Unix(int64(a.back[len(a.back)-1].at), 0)
	}
	return time.Unix(int64(a.fresh[0].at), 0)
}
