package backend

import (
	"context"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/policy"
	"lockbox/proxy/policy/learn"
	"lockbox/proxy/secret"
)

// Proposal is what LearnRules proposes.
type Proposal = learn.Proposal

// MaxLearnt is how many rules are proposed at most where nothing else is said.
const MaxLearnt = learn.MaxRules

// Past chooses calls to a service that were let through.
type Past struct {
	Since, Until time.Time // zero: without that bound
	Audience     string    // "": anyone's
}

func (p Past) query(service string) Query {
	q := Query{Service: []string{service}, Decision: []string{string(audit.Allowed), string(audit.Failed)}, Since: p.Since, Until: p.Until}
	if p.Audience != "" {
		q.Audience = []string{p.Audience}
	}
	return q
}

// LearnRules proposes up to limit rules that allow the calls which a service had.
func (b *Backend) LearnRules(ctx context.Context, service string, past Past, limit int, progress func(done, total int64)) (Proposal, error) {
	svc, err := b.service(service)
	if err != nil {
		return Proposal{}, err
	}
	return LearnRules(ctx, b.audit, svc, past, limit, progress)
}

// LearnRules is Backend.LearnRules for a command, with an audit log of its own.
func LearnRules(ctx context.Context, l *AuditLog, svc *config.Service, past Past, limit int, progress func(done, total int64)) (Proposal, error) {
	var learner learn.Learner
	err := each(ctx, l, past.query(svc.Name), progress, func(x *Exchange) {
		if r, ok := requestOf(svc, x); ok {
			learner.Add(r, x.Status >= 400)
		}
	})
	if err != nil {
		return Proposal{}, err
	}
	var callers []string
	if past.Audience != "" {
		callers = []string{past.Audience}
	}
	return learner.Propose(limit, callers), nil
}

// each gives f the records that q chooses, newest first.
func each(ctx context.Context, l *AuditLog, q Query, progress func(done, total int64), f func(*Exchange)) error {
	total, err := l.Matches(ctx, q)
	if err != nil {
		return err
	}
	var done int64
	const often = 500
	return l.Each(ctx, q, func(x *Exchange) error {
		f(x)
		if done++; done%often == 0 {
			progress(done, max(done, total)) // more may have come since they were counted
		}
		return nil
	})
}

// requestOf is a call on record as rules are held against it. ok is false if it
// was none of a caller's.
func requestOf(svc *config.Service, x *Exchange) (r *policy.Request, ok bool) {
	rest, ok := strings.CutPrefix(x.Path, "/s/")
	if !ok || x.Method == "" || x.ReplayOf != "" {
		return nil, false
	}
	_, rest = cutSegment(rest)
	if first, after := cutSegment(strings.TrimPrefix(rest, "/")); svc.TokenInPath && first == secret.Redacted {
		rest = after
	}
	r = &policy.Request{Method: x.Method, Path: rest, Query: x.Query, Header: x.RequestHeader, JTI: x.JTI}
	if svc.TokenInQuery {
		r.Query = strings.Join(slices.DeleteFunc(strings.Split(x.Query, "&"), func(p string) bool { return strings.HasPrefix(p, "lockbox_token=") }), "&")
	}
	if x.Audience != "" {
		r.Audience = strings.Split(x.Audience, ",")
	}
	if b := x.RequestBody; b != nil {
		r.Length = b.Size
		switch {
		case b.Truncated || b.Note != "":
		case b.Base64 != nil:
			r.Body = b.Base64
		default:
			r.Body = []byte(b.Text)
		}
	}
	return r, true
}

// cutSegment cuts a path before its first slash.
func cutSegment(path string) (segment, rest string) {
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}
