package drift

import (
	"hash/maphash"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// A token's first week is learnt, for many workflows run once in it, and its
	// first calls: they show how many networks there are.
	learnFor   = 7 * 24 * time.Hour
	learnCalls = 20
	// mostNetworks a token may have. One with more roams, and another network is no
	// news of it: whoever calls from hundreds has been in more than these after the
	// first calls, so that nobody is told of any.
	mostNetworks = 16
	// mostPrograms likewise.
	mostPrograms = 16
	// enoughDays with calls show at which hours there are none.
	enoughDays = 7
	// mostHeaders are the User-Agents that are remembered as they came.
	mostHeaders = 16
)

// Habit is how a token was used so far. A call with nothing new about it costs a
// look at a few numbers.
type Habit struct {
	tracker *Tracker
	known   atomic.Pointer[known]
	mu      sync.Mutex // held to put another in its place
}

// known never changes once it can be looked at.
type known struct {
	first    int64 // call, in Unix time
	calls    int   // up to learnCalls
	hour     int64 // of the newest call, from 1970 on
	days     int   // with calls
	hours    uint32
	networks []network
	roams    bool
	programs []uint64 // sums of families
	varies   bool     // its programs do
	headers  []uint64 // hashes of User-Agents that name them
}

// seed of the headers' hashes, which stay in memory.
var seed = maphash.MakeSeed()

// look is a call made ready to be compared.
type look struct {
	call    Call
	network network
	hour    int64
	header  uint64
}

func lookAt(c Call) look {
	return look{c, networkOf(c.Remote), hourOf(c.At), maphash.String(seed, c.Agent)}
}

func hourOf(t time.Time) int64 { return t.Unix() / 3600 }

// See says what is new about a call. What is not news is learnt, and so is
// everything while the token is new.
func (h *Habit) See(c Call) News {
	l := lookAt(c)
	if k := h.known.Load(); k.calls == learnCalls && l.hour == k.hour && k.in(l.network) && k.heard(l.header) {
		return 0
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.known.Load()
	news := k.news(l)
	switch {
	case news != 0 && k.learnt(c.At):
		return news
	case news == 0 && k.calls == learnCalls && l.hour <= k.hour && len(k.headers) == mostHeaders:
	default:
		h.put(k.with(l))
	}
	return 0
}

// Learn has what is new about a call be so no more, and says what it was: nothing
// if another call was faster.
func (h *Habit) Learn(c Call) News {
	l := lookAt(c)
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.known.Load()
	h.put(k.with(l))
	return k.news(l)
}

// Accept has what a person has accepted be new no more. It may be told so again.
func (h *Habit) Accept(s Sight) {
	h.mu.Lock()
	defer h.mu.Unlock()
	k := h.known.Load().clone()
	before := *k
	k.add(parseNetwork(s.Network))
	switch {
	case s.News&Agent == 0:
	case s.Program == "":
		k.programs, k.varies = nil, true
	default:
		k.name(sum(s.Program))
	}
	if s.News&Hour != 0 {
		k.hours |= bit(hourOf(s.At))
	}
	if k.hours != before.hours || k.roams != before.roams || k.varies != before.varies ||
		len(k.networks) != len(before.networks) || len(k.programs) != len(before.programs) {
		h.put(k)
	}
}

func (h *Habit) put(k *known) {
	h.known.Store(k)
	h.tracker.changed.Store(true)
}

func (k *known) clone() *known {
	c := *k
	c.networks, c.programs, c.headers = slices.Clone(k.networks), slices.Clone(k.programs), slices.Clone(k.headers)
	return &c
}

// with is k after a call.
func (k *known) with(l look) *known {
	k = k.clone()
	if k.first == 0 {
		k.first = l.call.At.Unix()
	}
	k.calls = min(k.calls+1, learnCalls)
	if l.hour > k.hour {
		if l.hour/24 > k.hour/24 {
			k.days++
		}
		k.hour = l.hour
	}
	k.hours |= bit(l.hour)
	k.add(l.network)
	if !k.heard(l.header) {
		k.name(sum(l.call.Program()))
		if len(k.headers) < mostHeaders {
			k.headers = append(k.headers, l.header)
		}
	}
	return k
}

func (k *known) learnt(now time.Time) bool {
	return k.calls == learnCalls && now.Unix()-k.first >= int64(learnFor/time.Second)
}

func (k *known) news(l look) (news News) {
	if !k.in(l.network) {
		news |= Network
	}
	if !k.heard(l.header) && !k.names(sum(l.call.Program())) {
		news |= Agent
	}
	if !k.usual(l.hour) {
		news |= Hour
	}
	return news
}

func (k *known) in(n network) bool { return n == 0 || k.roams || slices.Contains(k.networks, n) }

func (k *known) heard(header uint64) bool { return k.varies || slices.Contains(k.headers, header) }

func (k *known) names(program uint64) bool { return k.varies || slices.Contains(k.programs, program) }

// usual: the hours beside one are as good as that, for summer time too.
func (k *known) usual(hour int64) bool {
	return k.days < enoughDays || k.hours&(bit(hour-1)|bit(hour)|bit(hour+1)) != 0
}

// bit is that of an hour of the day, in UTC.
func bit(hour int64) uint32 { return 1 << (((hour % 24) + 24) % 24) }

func (k *known) add(n network) {
	switch {
	case k.in(n):
	case len(k.networks) == mostNetworks:
		k.networks, k.roams = nil, true
	default:
		k.networks = append(k.networks, n)
	}
}

func (k *known) name(program uint64) {
	switch {
	case k.names(program):
	case len(k.programs) == mostPrograms:
		k.programs, k.varies = nil, true
	default:
		k.programs = append(k.programs, program)
	}
}
