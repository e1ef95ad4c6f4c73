package credential

import (
	"context"
	"slices"
	"sync"

	"lockbox/proxy/secret"
)

// maxKnown bounds what a grant remembers.
const maxKnown = 16

// grant is a refresh token, which its provider may replace at each use. All
// credentials that refer to the same one share it: one that is used twice makes
// some providers revoke them all.
type grant struct {
	ref   secret.Ref    // zero: it stands in the config file
	using chan struct{} // holds one while the token is in use

	mu      sync.Mutex
	value   secret.Value
	known   []secret.Value // what it was before, the latest last
	renewed int            // how often a person replaced it
	saved   bool
}

func newGrant(ref secret.Ref, value secret.Value) *grant {
	return &grant{ref: ref, value: value, using: make(chan struct{}, 1), saved: true}
}

// offer takes what a reload read: a token that the grant has had before is an
// older reading, any other one is a person's.
func (g *grant) offer(value secret.Value) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.value.Equal(value) || slices.ContainsFunc(g.known, value.Equal) {
		return
	}
	g.replace(value)
	g.saved = true
	g.renewed++
}

// replace is called with mu held.
func (g *grant) replace(value secret.Value) {
	g.known = append(g.known, g.value)
	if len(g.known) > maxKnown {
		g.known = slices.Delete(g.known, 0, 1)
	}
	g.value = value
}

// rotate takes a token that the provider gave in the place of used, unless a
// person was quicker. It is kept in memory until save found a place for it.
func (g *grant) rotate(used, value secret.Value) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if value.IsZero() || value.Equal(used) || !g.value.Equal(used) {
		return
	}
	g.replace(value)
	g.saved = false
}

// save stores a token that was rotated. Where there is no place for it that
// outlives the process, kept is false.
func (g *grant) save(ctx context.Context, store func(context.Context, secret.Ref, secret.Value) error) (kept bool, err error) {
	g.mu.Lock()
	value, saved := g.value, g.saved
	g.mu.Unlock()
	if saved {
		return true, nil
	}
	kept = store != nil && (g.ref.Scheme == secret.Keychain || g.ref.Scheme == secret.File)
	if kept {
		if err := store(ctx, g.ref, value); err != nil {
			return false, err
		}
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	g.saved = true
	return kept, nil
}

// unsaved reports whether the value is in memory only.
func (g *grant) unsaved() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return !g.saved
}

func (g *grant) current() (value secret.Value, renewed int) {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.value, g.renewed
}
