package backend

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"slices"
	"strings"

	"lockbox/proxy/approval"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// Question is a call that a person is asked about.
type Question = approval.Question

// Answer is what the person says to it.
type Answer = approval.Answer

// The answers.
const (
	AllowOnce   = approval.Once
	AllowHour   = approval.Hour
	AllowAlways = approval.Always
	Deny        = approval.Deny
)

// Questions are the open questions, the oldest first, and then those answered
// lately.
func (b *Backend) Questions() []Question { return b.server.Approvals().List() }

// Answer answers a question from the window. For AllowAlways the rule is written
// first: without it nothing is answered.
func (b *Backend) Answer(ctx context.Context, id string, a Answer) error {
	return b.answer(ctx, id, a, ByWindow)
}

func (b *Backend) answer(ctx context.Context, id string, a Answer, by string) error {
	desk := b.server.Approvals()
	if a == AllowAlways {
		q, err := desk.Find(id)
		if err != nil {
			return err
		}
		if err := b.allowByRule(ctx, &q); err != nil {
			return fmt.Errorf("no rule was written: %w", err)
		}
	}
	return desk.Answer(id, a, by)
}

// AlwaysRule is the rule that AllowAlways writes.
func AlwaysRule(q *Question) (config.Rule, error) {
	path, err := url.PathUnescape(q.Path)
	switch {
	case err != nil:
		return config.Rule{}, err
	case strings.Contains(q.Path, secret.Redacted):
		return config.Rule{}, errors.New("the path holds a key or token, which a rule would show: write the rule in the config file")
	case path == "":
		path = "/"
	}
	r := config.Rule{Action: config.Allow, Methods: []string{q.Method}, Path: literally.Replace(path)}
	switch {
	case len(q.Audience) > 0:
		r.For = q.Audience[:1]
	case q.JTI != "":
		r.For = []string{q.JTI}
	}
	return r, config.CheckRules([]config.Rule{r})
}

// literally writes what has a meaning in a pattern so that it stands for itself.
var literally = strings.NewReplacer(`\`, `\\`, "*", `\*`, "?", `\?`, "[", `\[`, "]", `\]`, "{", `\{`, "}", `\}`)

// allowByRule puts the rule before the one that asks.
func (b *Backend) allowByRule(ctx context.Context, q *Question) error {
	rule, err := AlwaysRule(q)
	if err != nil {
		return err
	}
	_, asks, _ := strings.Cut(q.Rule, " ") // less its number
	return b.editControl(ctx, q.Service, func(svc *config.Service) error {
		i := slices.IndexFunc(svc.Rules, func(r config.Rule) bool { return r.String() == asks })
		if i < 0 {
			return errors.New("the rule that asks is no longer there: it was changed meanwhile")
		}
		svc.Rules = slices.Insert(slices.Clone(svc.Rules), i, rule)
		return nil
	})
}
