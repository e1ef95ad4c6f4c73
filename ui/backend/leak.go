package backend

import (
	"maps"
	"slices"
	"strings"
	"time"

	"lockbox/proxy"
)

// leakEvery is between two notices of the same service: an upstream that shows
// the key mostly does so in each answer.
const leakEvery = 10 * time.Minute

// Leak is a service whose upstream put the key into its answers, where the leak
// guard replaced it.
type Leak struct {
	Service string
	Where   string    // header, body, trailer or message
	Time    time.Time // of the call that is told of
}

// leaked notes a leak, unless one of the same service was a moment ago. The record
// has them all.
func (b *Backend) leaked(l proxy.Leak) {
	b.mu.Lock()
	fresh := b.noteLeak(l, time.Now())
	b.mu.Unlock()
	if fresh {
		b.publish()
	}
}

// noteLeak reports whether a leak is one to tell of. b.mu must be held.
func (b *Backend) noteLeak(l proxy.Leak, now time.Time) bool {
	if last, ok := b.leaks[l.Service]; ok && now.Sub(last.Time) < leakEvery {
		return false
	}
	if b.leaks == nil {
		b.leaks = map[string]Leak{}
	}
	b.leaks[l.Service] = Leak{l.Service, l.Where, now}
	return true
}

// lastLeaks are the last ones of each service, by name. b.mu must be held.
func (b *Backend) lastLeaks() []Leak {
	return slices.SortedFunc(maps.Values(b.leaks), func(x, y Leak) int { return strings.Compare(x.Service, y.Service) })
}
