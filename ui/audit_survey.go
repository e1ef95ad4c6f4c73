package ui

import (
	"context"
	"time"

	"lockbox/ui/backend"
)

// How long calls may come before they are counted: that reads an index through, and
// so is to take a twentieth of the time.
const (
	surveyEvery = time.Second
	surveyLate  = 5 * time.Second
	surveyShare = 20
)

// survey counts what the words choose of the log, for the timeline and the tally.
// One job does it at a time; what is asked for meanwhile is one more.
type survey struct {
	*face
	bar    *queryBar
	shown  func(matches int64, buckets []backend.Bucket)
	cancel context.CancelFunc // of the job under way; nil if there is none
	turn   int                // of the words: what comes late is dropped
	again  bool
	last   time.Time
	took   time.Duration
	oldest time.Time // of all that is on record, as it was last looked at
}

// restart counts anew at once, for other words.
func (s *survey) restart() {
	if s.cancel != nil {
		s.cancel()
	}
	s.turn++
	s.cancel, s.again, s.last = nil, false, time.Time{}
	s.ask()
}

// ask counts once more, in a while.
func (s *survey) ask() {
	if s.cancel != nil {
		s.again = true
		return
	}
	mine, q, wait, oldest := s.turn, s.bar.query(), min(surveyLate, max(surveyEvery, surveyShare*s.took))-time.Since(s.last), s.oldest
	var matches int64
	var took time.Duration
	var buckets []backend.Bucket
	s.cancel = s.loop.run("", func(ctx context.Context) (err error) {
		select {
		case <-time.After(wait):
		case <-ctx.Done():
			return ctx.Err()
		}
		began := time.Now()
		defer func() { took = time.Since(began) }()
		if q.IsZero() || oldest.IsZero() {
			if buckets, err = s.backend.Timeline(ctx, backend.Query{}, timelineParts); err != nil {
				return err
			}
			if len(buckets) > 0 {
				oldest = buckets[0].Start
			}
		}
		if !q.IsZero() {
			if buckets, err = s.backend.Timeline(ctx, within(q, oldest), timelineParts); err != nil {
				return err
			}
		}
		if matches = int64(s.backend.View().Exchanges); q.IsZero() {
			return nil
		}
		matches, err = s.backend.Matches(ctx, q)
		return err
	}, func(err error) {
		if mine != s.turn {
			return
		}
		s.cancel, s.last, s.took = nil, time.Now(), took
		if err == nil { // the list says what keeps the log from being read
			s.oldest = oldest
			s.shown(matches, buckets)
		}
		if s.again {
			s.again = false
			s.ask()
		}
	})
}

// within gives a query the whole range of time where it has no other: few calls
// are seen where they lie among all.
func within(q backend.Query, oldest time.Time) backend.Query {
	if q.Since.IsZero() {
		q.Since = oldest
	}
	if q.Until.IsZero() {
		q.Until = time.Now()
	}
	return q
}
