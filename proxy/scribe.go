package proxy

import (
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/audit"
)

// scribe writes calls down, and knows what is wrong when that fails.
type scribe struct {
	log     *slog.Logger
	changed func() // nil: nobody is told of a new problem, or of its end

	mute   atomic.Bool // the last call that had to be recorded could not be
	failed atomic.Bool // there is a problem or a gap

	mu      sync.Mutex
	problem error
	since   time.Time
	lost    int64 // calls that went on without a record
}

// write records a call. One that need not be recorded leaves a gap instead of an
// error, and the first record after it says how many calls are missing.
func (s *scribe) write(l *audit.Log, x *audit.Exchange, required bool) error {
	err := l.Append(x)
	if err == nil {
		if s.failed.Load() {
			s.recovered(l)
		}
		return nil
	}
	s.mu.Lock()
	first := s.problem == nil
	if first {
		s.since = time.Now()
	}
	s.problem = err
	s.failed.Store(true)
	s.mute.Store(required)
	if !required {
		s.lost++
	}
	s.mu.Unlock()
	switch {
	case !first:
	case required:
		s.log.Error("calls cannot be recorded, and are refused until they can", "why", err)
	default:
		s.log.Error("calls cannot be recorded, and go on without: they are counted", "why", err)
	}
	if first && s.changed != nil {
		s.changed()
	}
	if required {
		return err
	}
	return nil
}

// recovered ends a problem.
func (s *scribe) recovered(l *audit.Log) {
	s.mu.Lock()
	lost, since := s.lost, s.since
	was := s.problem != nil
	s.problem, s.lost = nil, 0
	s.failed.Store(false)
	s.mute.Store(false)
	s.mu.Unlock()
	if !was {
		return // another call was first
	}
	s.log.Info("calls are recorded again", "missing", lost)
	if lost > 0 {
		if err := l.Append(gapOf(lost, since)); err != nil {
			s.mu.Lock()
			s.lost, s.since, s.problem = s.lost+lost, since, err
			s.failed.Store(true)
			s.mu.Unlock()
		}
	}
	if s.changed != nil {
		s.changed()
	}
}

// gapOf is the record that calls are missing.
func gapOf(lost int64, since time.Time) *audit.Exchange {
	return &audit.Exchange{Time: time.Now(), Decision: audit.Noted, Event: "gap",
		Reason: fmt.Sprintf("gap: %d calls since %s could not be recorded.", lost, since.UTC().Format(time.RFC3339))}
}

// end records the gap that no call came after, or says of it in the program's log at
// least: nothing else will know of it.
func (s *scribe) end(l *audit.Log) {
	s.mu.Lock()
	lost, since := s.lost, s.since
	s.lost = 0
	s.mu.Unlock()
	if lost == 0 {
		return
	}
	if err := l.Append(gapOf(lost, since)); err != nil {
		s.log.Error("calls have no record, nor is there one of that", "missing", lost, "since", since.UTC().Format(time.RFC3339), "why", err)
	}
}

// Unrecorded is how many calls have gone on without a record, and why they cannot
// be recorded at the moment: nil when they can.
func (s *Server) Unrecorded() (lost int64, err error) {
	s.scribe.mu.Lock()
	defer s.scribe.mu.Unlock()
	return s.scribe.lost, s.scribe.problem
}
