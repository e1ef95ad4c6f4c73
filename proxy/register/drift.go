package register

import (
	"errors"
	"slices"
	"time"

	"lockbox/proxy/drift"
)

// mostSights bounds what is kept of a token's that nobody has looked at. The audit
// log has all.
const mostSights = 5

// Paused is why a good token is refused until its owner says that a call was
// theirs.
type Paused struct{ drift.Sight }

func (p *Paused) Error() string {
	return "the token is paused, for it was used in a new way: " + p.Words()
}

// ID is the token's in the list.
func (e *Entry) ID() string {
	if e == nil {
		return ""
	}
	return e.id
}

// Note keeps what was new about a call, for the list. It is on disk with the next
// Flush.
func (r *Register) Note(id string, s drift.Sight) {
	l := sightLine(id, s, false)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.apply(l)
	r.unsaved = append(r.unsaved, l)
}

// Pause has a token refused from the next call on, until Accept, because of what
// was new about one. It is on disk when it returns nil, and in force in any case.
func (r *Register) Pause(id string, s drift.Sight) error {
	l := sightLine(id, s, true)
	r.mu.Lock()
	r.apply(l)
	r.unsaved = append(r.unsaved, l)
	r.mu.Unlock()
	return r.Flush()
}

// Accept ends a token's pause, and has what was new about its calls be seen no
// more: they were its owner's. It is on disk when it returns nil.
func (r *Register) Accept(id string, now time.Time) error {
	info, ok := r.Get(id)
	switch {
	case !ok:
		return errNone
	case len(info.Sights) == 0:
		return errors.New("the token is not paused, and nothing is new about it")
	}
	if err := r.Flush(); err != nil { // what is accepted goes first
		return err
	}
	return r.write(line{Op: opAccepted, ID: id, At: now.Unix()})
}

// Accepted is what the token was paused for last when it was accepted.
func (r *Register) Accepted(e *Entry) (s drift.Sight, ok bool) {
	if r == nil || e == nil {
		return s, false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	return e.accepted, e.accepted.News != 0
}

func sightLine(id string, s drift.Sight, paused bool) line {
	return line{Op: opDrifted, ID: id, At: stamp(s.At), News: s.News.String(), Network: s.Network, Program: s.Program, Paused: paused}
}

func (l line) sight() drift.Sight {
	return drift.Sight{At: moment(l.At), News: drift.ParseNews(l.News), Network: l.Network, Program: l.Program}
}

// drift makes a line about the use of a token true. mu must be held.
func (r *Register) drift(l line) {
	switch e := r.entries[l.ID]; {
	case e == nil:
	case l.Op == opAccepted:
		r.accepts(e)
	default:
		r.sighted(e, l)
	}
}

// sighted makes a line about a new use of a token true, which may come twice. mu
// must be held.
func (r *Register) sighted(e *Entry, l line) {
	s := l.sight()
	if l.Paused && e.info.Paused.IsZero() {
		e.info.Paused, e.pausedBy = s.At, s
		r.ended()
	}
	if !slices.Contains(e.info.Sights, s) {
		all := append(slices.Clone(e.info.Sights), s) // lists that are out keep theirs
		e.info.Sights = all[max(0, len(all)-mostSights):]
		r.revision.Add(1)
	}
}

// accepts ends what sighted began. mu must be held.
func (r *Register) accepts(e *Entry) {
	if !e.info.Paused.IsZero() {
		e.accepted = e.pausedBy
	}
	e.info.Paused, e.info.Sights, e.pausedBy = time.Time{}, nil, drift.Sight{}
	r.ended() // so that the accepted is learnt with the next call
}

// sightLines are the shortest that say the same. mu must be held.
func (e *Entry) sightLines() (out []line) {
	id := e.info.ID
	if e.accepted.News != 0 {
		out = append(out, sightLine(id, e.accepted, true), line{Op: opAccepted, ID: id, At: stamp(e.accepted.At)})
	}
	for _, s := range e.info.Sights {
		out = append(out, sightLine(id, s, s == e.pausedBy))
	}
	return out
}
