// Package register lists the tokens that are out, without the tokens: for whom
// each was made, when it was last used, and whether it was revoked.
//
// The list is a file of JSON lines that is only ever added to, so that a crash
// costs at most the line that was being written, and so that several processes
// can write it: a running Lockbox and the commands. What a line means stands at
// the type line.
package register

import (
	"errors"
	"log/slog"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/drift"
	"lockbox/proxy/token"
)

// ErrRevoked is why a good token is refused.
var ErrRevoked = errors.New("the token was revoked")

var errNone = errors.New("there is no such token in the list")

// Kind says how a token came into the list.
type Kind string

// The kinds.
const (
	Made     Kind = "made"     // here
	Seen     Kind = "seen"     // made elsewhere with the same key, and used here
	Original Kind = "original" // all of the Python original's for a service and an audience: they have no id
)

// Info is what is known of a token at one moment.
type Info struct {
	ID       string // in this list; the token's jti, if it has one
	Kind     Kind
	Label    string // for the person; may be empty
	Service  string
	Audience []string
	Made     time.Time // of one that was only seen, when that was first
	Expires  time.Time // of Original, the latest that was seen
	LastUsed time.Time // zero: never
	Calls    uint64
	Revoked  time.Time // zero: it is good
	Paused   time.Time // until Accept; zero: it is not
	// Sights are what was new about calls and nobody has accepted, the oldest first.
	Sights []drift.Sight
}

// Live reports whether the token still opens its service.
func (i Info) Live(now time.Time) bool { return i.Revoked.IsZero() && now.Before(i.Expires) }

// Entry is a token in the list. The proxy keeps it with a token that it found
// good, and counts calls on it.
type Entry struct {
	id    string
	info  Info // guarded by the Register's mutex; ID and Kind never change
	calls atomic.Uint64
	last  atomic.Int64 // Unix time of the last call; 0: none
	saved uint64       // the calls that are in the file

	listed bool // in order

	pausedBy drift.Sight // one of the info's
	accepted drift.Sight // what was, the last time
}

// Use counts a call.
func (e *Entry) Use(now time.Time) {
	if e != nil {
		e.calls.Add(1)
		e.last.Store(now.Unix())
	}
}

// Register is the list. Its methods can be used by many goroutines at once, and a
// nil one lists nothing and revokes nothing.
type Register struct {
	log *slog.Logger

	disk sync.Mutex // held while the file is read and written; taken before mu
	file journal

	generation atomic.Uint64
	revision   atomic.Uint64

	mu       sync.Mutex // guards what follows
	entries  map[string]*Entry
	order    []*Entry // as they came
	foreign  int      // of them, those not made here
	rules    []rule
	panicked time.Time
	keys     int // how often the signing keys were replaced
	keysAt   time.Time
	trouble  error // why the file cannot be read
	unsaved  []line
}

// rule revokes every token of a service and an audience that was made before a
// moment, known here or not. A token that does not say when it was made was made
// before.
type rule struct {
	service, audience string // "": any
	before            time.Time
}

func (r rule) covers(service string, audience []string, made time.Time) bool {
	return (r.service == "" || r.service == service) &&
		(r.audience == "" || slices.Contains(audience, r.audience)) &&
		!made.After(r.before)
}

// maxSeen is how many tokens that were not made here are listed; each of them was
// signed with our key.
const maxSeen = 10_000

// Open reads the list at path, and makes it with the first token. A file that
// something else has written into is an error: a revocation in it could not be
// told from a token that is good.
func Open(path string, log *slog.Logger) (*Register, error) {
	r := New(path, log)
	if err := r.Load(); err != nil {
		return nil, err
	}
	return r, nil
}

// New is the list at path before it is read: until Load has, no token passes.
func New(path string, log *slog.Logger) *Register {
	return &Register{log: log, file: journal{path: path}, entries: map[string]*Entry{}, trouble: ErrUnread}
}

// Load reads the list, and writes it anew when much of it says nothing any more.
func (r *Register) Load() error {
	if err := r.Sync(); err != nil {
		return err
	}
	return r.compact(time.Now())
}

// Generation changes when a token that was good may no longer be.
func (r *Register) Generation() uint64 {
	if r == nil {
		return 0
	}
	return r.generation.Load()
}

// Revision changes when List says something else than how often tokens are used.
func (r *Register) Revision() uint64 { return r.revision.Load() }

// Judge finds the entry of a token whose signature and claims are good, or
// refuses it with ErrRevoked or a Paused, or with ErrUnread while that cannot be
// known. One that is not in the list is put there.
func (r *Register) Judge(c token.Claims, now time.Time) (*Entry, error) {
	if r == nil {
		return nil, nil
	}
	id, kind := c.JTI, Seen
	if id == "" {
		id, kind = originalID(c.Service, c.Audience), Original
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.trouble != nil {
		return nil, ErrUnread
	}
	e := r.entries[id]
	// What was made here was made before or after a rule, as their lines are;
	// a token itself knows the second only.
	if e == nil || e.info.Kind != Made {
		for _, rule := range r.rules {
			if rule.covers(c.Service, c.Audience, c.IssuedAt) {
				return nil, ErrRevoked
			}
		}
	}
	if e == nil {
		if r.foreign >= maxSeen {
			return nil, nil
		}
		made := c.IssuedAt
		if made.IsZero() {
			made = now
		}
		e = r.put(Info{ID: id, Kind: kind, Service: c.Service, Audience: c.Audience, Made: made, Expires: c.Expires})
	}
	if !e.info.Revoked.IsZero() {
		return nil, ErrRevoked
	}
	if !e.info.Paused.IsZero() {
		return nil, &Paused{e.pausedBy}
	}
	if c.Expires.After(e.info.Expires) {
		e.info.Expires = c.Expires
	}
	return e, nil
}

// originalID names the tokens of the original by what they have: they cannot be
// told apart. No jti of ours has a line break.
func originalID(service string, audience []string) string {
	return service + "\n" + strings.Join(audience, "\n")
}

// put adds an entry, or renews what is known of it. mu must be held.
func (r *Register) put(i Info) *Entry {
	e := r.entries[i.ID]
	if e == nil {
		e = &Entry{id: i.ID}
		r.entries[i.ID] = e
	}
	switch {
	case e.listed && e.info.Kind != Made && i.Kind == Made: // its line came after its first call
		r.foreign--
	case e.listed:
	default:
		e.listed = true
		r.order = append(r.order, e)
		if i.Kind != Made {
			r.foreign++
		}
	}
	i.Revoked, i.Paused, i.Sights = e.info.Revoked, e.info.Paused, e.info.Sights
	e.info = i
	r.revision.Add(1)
	return e
}

// Add lists tokens that were made here, under a label. They are on disk when it
// returns nil.
func (r *Register) Add(label string, tokens ...token.Claims) error {
	lines := make([]line, len(tokens))
	for i, c := range tokens {
		lines[i] = line{Op: opMade, ID: c.JTI, Label: label, Service: c.Service, Audience: c.Audience,
			At: stamp(c.IssuedAt), Expires: stamp(c.Expires)}
	}
	return r.write(lines...)
}

// Revoke has a token refused from the next call on; it is on disk when it returns
// nil.
func (r *Register) Revoke(id string, now time.Time) error {
	if _, ok := r.Get(id); !ok {
		return errNone
	}
	return r.write(line{Op: opRevoked, ID: id, At: now.Unix()})
}

// RevokeAll has every token of a service and an audience refused that was made up
// to now, "" being any, and says how many of the list that ends.
func (r *Register) RevokeAll(service, audience string, now time.Time) (n int, err error) {
	n = len(r.Covered(service, audience, now))
	return n, r.write(line{Op: opRule, Service: service, Audience: list(audience), At: now.Unix()})
}

// Covered are the live tokens of a service and an audience, "" being any.
func (r *Register) Covered(service, audience string, now time.Time) []Info {
	all := rule{service: service, audience: audience, before: now}
	return slices.DeleteFunc(r.List(), func(i Info) bool {
		return !i.Live(now) || !all.covers(i.Service, i.Audience, i.Made)
	})
}

func list(s string) []string {
	if s == "" {
		return nil
	}
	return []string{s}
}

// Panic revokes every token that was made up to now and notes that the person
// pulled the brake; Resume notes that it was let go.
func (r *Register) Panic(now time.Time) error { return r.write(line{Op: opPanic, At: now.Unix()}) }

// Resume ends a panic; the tokens stay revoked.
func (r *Register) Resume(now time.Time) error { return r.write(line{Op: opResumed, At: now.Unix()}) }

// Panicked is when the brake was pulled, zero if it is not.
func (r *Register) Panicked() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.panicked
}

// NoteKeys tells the other processes that the signing keys were replaced.
func (r *Register) NoteKeys(now time.Time) error { return r.write(line{Op: opKeys, At: now.Unix()}) }

// KeyChanges changes when the signing keys are to be read anew.
func (r *Register) KeyChanges() int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keys
}

// KeysReplaced is when the signing keys were replaced last, zero for never.
func (r *Register) KeysReplaced() time.Time {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.keysAt
}

// List is every token, the newest first.
func (r *Register) List() []Info {
	r.mu.Lock()
	defer r.mu.Unlock()
	out := make([]Info, 0, len(r.order))
	for _, e := range slices.Backward(r.order) {
		out = append(out, e.snapshot())
	}
	return out
}

// Get is the token with an ID of the list.
func (r *Register) Get(id string) (Info, bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	e := r.entries[id]
	if e == nil {
		return Info{}, false
	}
	return e.snapshot(), true
}

func (e *Entry) snapshot() Info {
	i := e.info
	i.Calls = e.calls.Load()
	if sec := e.last.Load(); sec != 0 {
		i.LastUsed = time.Unix(sec, 0)
	}
	return i
}
