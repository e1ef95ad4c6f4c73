package cli

import (
	"context"
	"slices"
	"time"

	"lockbox/ui/backend"
)

type auditTailCmd struct {
	auditFilter
	Follow bool `short:"f" help:"Go on with calls as they come, until interrupted."`
	Limit  int  `default:"10" placeholder:"N" help:"How many of those that are there."`
	JSON   bool `name:"json" help:"As JSON Lines, without headers and bodies."`
}

// AfterApply refuses a limit that is none.
func (c auditTailCmd) AfterApply() error {
	return auditListCmd{auditFilter: c.auditFilter, Limit: c.Limit}.AfterApply()
}

// pollTime is how often it is looked for new records: another process writes them.
const pollTime = 500 * time.Millisecond

// tailPage is how many records are looked at together.
const tailPage = 1000

// Run prints the newest records, the newest last.
func (c auditTailCmd) Run(t Terminal) error {
	return read(t, func(ctx context.Context, _ backend.Options, l *backend.AuditLog) error {
		q, err := c.query()
		if err != nil {
			return err
		}
		table := newAuditTable(t, c.JSON)
		q.Limit = c.Limit
		xs, err := l.List(q)
		for err == nil {
			if len(xs) > 0 {
				q.After = xs[0].Seq
				slices.Reverse(xs)
				err = table.print(xs)
			}
			if !c.Follow || err != nil || !sleep(ctx, pollTime) {
				break
			}
			xs, err = newer(l, q)
		}
		return err
	})
}

// newer are all records since q.After, newest first.
func newer(l *backend.AuditLog, q backend.Query) (all []backend.Exchange, err error) {
	q.Limit = tailPage
	for {
		xs, err := l.List(q)
		if all = append(all, xs...); len(xs) < tailPage || err != nil {
			return all, err
		}
		q.Before = xs[len(xs)-1].Seq
	}
}

// sleep reports whether ctx lasted for d.
func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-time.After(d):
		return true
	case <-ctx.Done():
		return false
	}
}
