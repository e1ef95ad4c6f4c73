package backend

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"lockbox/proxy/register"
)

// PanicPlan is what Panic would end.
type PanicPlan struct {
	Tokens    int      // that are good now
	Services  []string // they are for, sorted
	Audiences []string // they are with, sorted
}

// PanicPlan says what Panic would end.
func (b *Backend) PanicPlan() PanicPlan { return planOf(b.tokens) }

func planOf(r *register.Register) PanicPlan {
	p := PanicPlan{}
	services, audiences := map[string]bool{}, map[string]bool{}
	for _, t := range r.Covered("", "", time.Now()) {
		p.Tokens++
		services[t.Service] = true
		for _, a := range t.Audience {
			audiences[a] = true
		}
	}
	p.Services, p.Audiences = slices.Sorted(maps.Keys(services)), slices.Sorted(maps.Keys(audiences))
	return p
}

// Panic shuts everyone out: it pauses the proxy, closes the tunnel, revokes every token that is out
// and puts a new signing key in the place of the old one, which verifies nothing
// any more. Each step is tried even when one before it failed. The proxy stays
// paused, after a restart too, until SetPaused(false).
func (b *Backend) Panic(ctx context.Context) error {
	b.opts.Logger.Warn("panic: calls are paused, tokens revoked, the signing key replaced")
	b.server.SetPaused(true)
	b.publish()
	closed := make(chan struct{})
	go func() { defer close(closed); b.tunnel.Close(byPanic) }()
	defer func() { <-closed }()
	failed := notRevoked(b.tokens.Panic(time.Now()))
	b.mu.Lock()
	b.panicked = b.tokens.Panicked()
	b.mu.Unlock()
	failed = errors.Join(failed, notReplaced(b.RotateKey(ctx, 0)))
	b.publish()
	return failed
}

// PanicElsewhere is Panic for a command: a Lockbox that runs with the same
// options, or is started later, obeys.
func PanicElsewhere(ctx context.Context, o Options) error {
	r, err := OpenTokens(o)
	if err != nil {
		return err
	}
	failed := notRevoked(r.Panic(time.Now()))
	return errors.Join(failed, notReplaced(ReplaceKey(ctx, o, newKey(), 0)))
}

// PlanElsewhere is PanicPlan for a command.
func PlanElsewhere(o Options) (PanicPlan, error) {
	r, err := OpenTokens(o)
	if err != nil {
		return PanicPlan{}, err
	}
	return planOf(r), nil
}

func notRevoked(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the tokens were not revoked, though a new signing key ends them too: %w", err)
}

func notReplaced(err error) error {
	if err == nil {
		return nil
	}
	return fmt.Errorf("the signing key was not replaced: %w", err)
}

// obeyPanic pauses the proxy when another process has called for it, or did
// before this start, and lets it go on when another process says so.
func (b *Backend) obeyPanic() {
	at := b.tokens.Panicked()
	b.mu.Lock()
	known := at.Equal(b.panicked)
	b.mu.Unlock()
	if known {
		return
	}
	b.server.SetPaused(!at.IsZero()) // before it counts as obeyed: see noteResumed
	b.mu.Lock()
	b.panicked = at
	b.mu.Unlock()
	if at.IsZero() {
		b.opts.Logger.Info("the panic is over: calls are forwarded again")
		return
	}
	b.opts.Logger.Warn("panic was called for: calls are paused until someone resumes", "at", at)
	b.tunnel.Close(byPanic)
}

// noteResumed writes down that the person let go of the brake.
func (b *Backend) noteResumed() error {
	at := b.tokens.Panicked()
	b.mu.Lock()
	obeyed := at.Equal(b.panicked)
	b.mu.Unlock()
	if at.IsZero() || !obeyed || b.server.Paused() {
		return nil
	}
	return b.tokens.Resume(time.Now())
}
