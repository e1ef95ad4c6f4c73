package backend

import (
	"context"

	"lockbox/proxy/config"
	"lockbox/proxy/policy"
)

// maxRehearsed is how many calls a Rehearsal lists.
const maxRehearsed = 1000

// Rehearsal is what rules would have said of calls that were let through.
type Rehearsal struct {
	Calls, Allowed, Asked, Refused int
	Unsure                         int         // their bodies are not on record, and decide
	Uses                           []int       // of each rule: the calls that it decides
	List                           []Rehearsed // those that are not allowed for sure, newest first, maxRehearsed at most
}

// Rehearsed is a call of a Rehearsal.
type Rehearsed struct {
	Exchange Exchange // without headers and bodies
	Verdict  policy.Verdict
}

// RehearseRules says what rules that are not in force yet would have said of the
// calls which a service had.
func (b *Backend) RehearseRules(ctx context.Context, service string, rules []Rule, past Past, progress func(done, total int64)) (Rehearsal, error) {
	svc, err := b.service(service)
	if err != nil {
		return Rehearsal{}, err
	}
	return RehearseRules(ctx, b.audit, svc, rules, past, progress)
}

// RehearseRules is Backend.RehearseRules for a command, with an audit log of its
// own.
func RehearseRules(ctx context.Context, l *AuditLog, svc *config.Service, rules []Rule, past Past, progress func(done, total int64)) (Rehearsal, error) {
	c, err := policy.Compile(rules)
	if err != nil {
		return Rehearsal{}, err
	}
	h := Rehearsal{Uses: make([]int, len(rules))}
	err = each(ctx, l, past.query(svc.Name), progress, func(x *Exchange) {
		if r, ok := requestOf(svc, x); ok {
			h.add(x, c.Check(r))
		}
	})
	return h, err
}

func (h *Rehearsal) add(x *Exchange, v policy.Verdict) {
	h.Calls++
	if v.Index >= 0 && !v.NeedsBody {
		h.Uses[v.Index]++
	}
	switch {
	case v.NeedsBody:
		h.Unsure++
	case v.Action == config.Allow:
		h.Allowed++
		return
	case v.Action == config.Ask:
		h.Asked++
	default:
		h.Refused++
	}
	if len(h.List) < maxRehearsed {
		row := Rehearsed{Exchange: *x, Verdict: v}
		row.Exchange.RequestHeader, row.Exchange.ResponseHeader, row.Exchange.RequestBody, row.Exchange.ResponseBody = nil, nil, nil, nil
		h.List = append(h.List, row)
	}
}
