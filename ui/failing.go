package ui

import (
	"context"
	"time"

	"lockbox/ui/backend"
)

const (
	// failEvery is between two looks at which services fail: calmly, as a person who
	// does not look at the window need not know within seconds.
	failEvery = time.Minute
	// wellTime is how long a service has to be well to be told of again.
	wellTime = 30 * time.Minute
)

// failures tell of services that fail: whose upstream refuses the key, or does not
// answer, as the Overview counts it over the last hour.
type failures struct {
	*face
	words  func(backend.Concern) (what, next string)
	calls  int                  // on record at the last look
	failed map[string]time.Time // when a service did last, of those that were told of
	asking bool
}

func newFailures(f *face, words func(backend.Concern) (what, next string)) *failures {
	return &failures{face: f, words: words, calls: -1, failed: map[string]time.Time{}}
}

// tick looks where there were calls since the last look.
func (f *failures) tick() {
	calls := f.backend.View().Exchanges
	if f.asking || calls == f.calls || f.manners.muted(noticeFailing) {
		return
	}
	f.asking, f.calls = true, calls
	var o backend.Overview
	f.loop.run("", func(ctx context.Context) (err error) {
		o, err = f.backend.Overview(ctx)
		return err
	}, func(err error) {
		f.asking = false
		if err == nil { // else the Overview page says it
			f.look(o.Concerns, time.Now())
		}
		if err != nil || o.Partial {
			f.calls = -1
		}
	})
}

// look tells of what is new. A service that fails now and then is told of once.
func (f *failures) look(all []backend.Concern, now time.Time) {
	for name, at := range f.failed {
		if now.Sub(at) > wellTime {
			delete(f.failed, name)
		}
	}
	for _, c := range all {
		switch c.Kind {
		case backend.ConcernCredential, backend.ConcernKeyRefused, backend.ConcernFailing:
			if _, told := f.failed[c.Service]; !told {
				what, next := f.words(c)
				f.notify(noticeFailing, what, next)
			}
			f.failed[c.Service] = now
		}
	}
}
