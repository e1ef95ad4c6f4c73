package backend

import (
	"context"
	"path/filepath"
	"time"

	"lockbox/proxy"
	"lockbox/proxy/config"
	"lockbox/proxy/drift"
)

// mostDrifts bounds what the View has of them.
const mostDrifts = 20

// Drift is a token that was used in a new way, of which a person is to be told.
type Drift struct {
	Token  string // its ID
	Sight  Sight
	Paused bool
}

// Sight is what was new about a call.
type Sight = drift.Sight

// News is what Sight.News says.
type News = drift.News

// The News.
const (
	NewNetwork = drift.Network
	NewAgent   = drift.Agent
	NewHour    = drift.Hour
)

// DriftChoice is what becomes of a token that is used in a new way.
type DriftChoice = config.Drift

// The choices.
const (
	DriftOff    = config.DriftOff
	DriftMark   = config.DriftMark
	DriftNotify = config.DriftNotify
	DriftPause  = config.DriftPause
)

func habitsPath(o Options) string { return filepath.Join(o.StateDir, "drift.jsonl") }

// drifted is told of each token that is used in a new way.
func (b *Backend) drifted(d proxy.Drifted) {
	select {
	case b.sighted <- struct{}{}:
	default: // it will be written down
	}
	if d.Choice == config.DriftMark {
		b.changed()
		return
	}
	b.mu.Lock()
	all := append([]Drift{{d.ID, d.Sight, d.Choice == config.DriftPause}}, b.status.drifts...) // Views that are out keep theirs
	b.status.drifts = all[:min(len(all), mostDrifts)]
	b.mu.Unlock()
	b.publish()
}

// AcceptToken says that the new use of a token was its owner's: a pause ends, and
// what was new is so no more.
func (b *Backend) AcceptToken(_ context.Context, id string) error {
	err := b.tokens.Accept(id, time.Now())
	b.publish()
	return err
}
