package backend

import (
	"context"
	"path/filepath"
	"time"
)

// Manners are what the window may do unasked, as the person wants it.
type Manners struct {
	Muted []string `json:"muted,omitempty"` // kinds of notifications that are not shown

	Updates bool      `json:"updates,omitempty"` // look for new versions
	Next    time.Time `json:"next,omitzero"`     // not before then
	Skipped string    `json:"skipped,omitempty"` // a version that the person does not want to hear of
}

func mannersPath(o Options) string { return filepath.Join(o.StateDir, "manners.json") }

// Manners are as they were when the program was started. It does no IO.
func (b *Backend) Manners() Manners { return b.manners }

// KeepManners remembers them.
func (b *Backend) KeepManners(_ context.Context, m Manners) error {
	return keepState(mannersPath(b.opts), m)
}
