package ui

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"

	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// manners are what the window may do unasked, and are kept as soon as they change.
type manners struct {
	backend *backend.Backend
	loop    *loop
	now     backend.Manners
	failed  func(error)

	writing sync.Mutex
	newest  atomic.Pointer[backend.Manners] // so that no older one is written last
}

func newManners(f *face) *manners {
	return &manners{backend: f.backend, loop: f.loop, now: f.backend.Manners(), failed: func(err error) {
		f.say(markFailed, backend.Sentence(fmt.Sprintf(lang.L("this choice lasts until Lockbox ends: %s"), err.Error())))
	}}
}

// change applies a change and calls then when it is kept, or could not be.
func (m *manners) change(what func(*backend.Manners), then func(error)) {
	next := m.now
	next.Muted = slices.Clone(next.Muted)
	what(&next)
	m.now = next
	m.newest.Store(&next)
	m.loop.run("", func(ctx context.Context) error {
		m.writing.Lock()
		defer m.writing.Unlock()
		return m.backend.KeepManners(ctx, *m.newest.Load())
	}, func(err error) {
		if err != nil {
			m.failed(err)
		}
		if then != nil {
			then(err)
		}
	})
}

func (m *manners) muted(kind noticeKind) bool { return slices.Contains(m.now.Muted, string(kind)) }

// mute switches a kind of notifications off, or on.
func (m *manners) mute(kind noticeKind, yes bool) {
	if m.muted(kind) == yes {
		return
	}
	m.change(func(c *backend.Manners) {
		c.Muted = slices.DeleteFunc(c.Muted, func(k string) bool { return k == string(kind) })
		if yes {
			c.Muted = append(c.Muted, string(kind))
		}
	}, nil)
}
