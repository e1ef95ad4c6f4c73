package cli

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"text/tabwriter"

	"lockbox/proxy/config"
	"lockbox/ui/backend"
)

// pastCalls says which past calls a command is about.
type pastCalls struct {
	Service  string `arg:"" help:"The service."`
	Since    string `placeholder:"TIME" default:"30d" help:"From then on: 2026-01-31, 2026-01-31T15:04:05Z, or a while back such as 24h, 30d."`
	Until    string `placeholder:"TIME" help:"Before then."`
	Audience string `placeholder:"WHO" help:"With a token for this audience."`
	place
}

func (c pastCalls) past() (p backend.Past, err error) {
	var q backend.Query
	for _, f := range []struct{ word, value string }{{"since", c.Since}, {"until", c.Until}} {
		if f.value == "" {
			continue
		}
		if err := backend.AddFilter(&q, f.word, f.value); err != nil {
			return p, fmt.Errorf("--%w", err)
		}
	}
	return backend.Past{Since: q.Since, Until: q.Until, Audience: c.Audience}, nil
}

// AfterApply refuses what cannot be asked for as wrong usage.
func (c pastCalls) AfterApply() error {
	_, err := c.past()
	return err
}

// look gives f the service and its past calls.
func (c pastCalls) look(t Terminal, f func(ctx context.Context, l *backend.AuditLog, svc *config.Service, p backend.Past, show func(done, total int64)) error) error {
	return read(t, func(ctx context.Context, _ backend.Options, l *backend.AuditLog) error {
		cfg, err := config.Load(c.options(t).ConfigPath)
		if err != nil {
			return err
		}
		svc, err := serviceOf(cfg, c.Service)
		if err != nil {
			return err
		}
		past, err := c.past()
		if err != nil {
			return err
		}
		p := newProgress(t)
		defer p.end()
		return f(ctx, l, svc, past, p.show)
	})
}

type rulesLearnCmd struct {
	pastCalls
	Max  int  `default:"20" placeholder:"N" help:"How many rules at most; with few they become wider."`
	JSON bool `name:"json" help:"The rules as the config has them."`
}

// AfterApply refuses a number that is none.
func (c rulesLearnCmd) AfterApply() error {
	if c.Max < 1 {
		return errors.New("--max: must be 1 or more")
	}
	return c.pastCalls.AfterApply()
}

// Run prints the rules, with how many calls each comes from.
func (c rulesLearnCmd) Run(t Terminal) error {
	return c.look(t, func(ctx context.Context, l *backend.AuditLog, svc *config.Service, past backend.Past, show func(done, total int64)) error {
		p, err := backend.LearnRules(ctx, l, svc, past, c.Max, show)
		if err != nil {
			return err
		}
		rules := []backend.Rule{}
		for _, r := range p.Rules {
			rules = append(rules, r.Rule)
		}
		for _, left := range p.Left {
			t.say("No rule can allow %s, such as %s. %s", count(left.Calls, "call"), shown(left.Examples[0]), left.Reason)
		}
		if c.JSON {
			return t.answer("%s", backend.RulesText(rules))
		}
		if len(rules) == 0 {
			t.say("The service had no calls in that time to learn from.")
			return nil
		}
		w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
		_, _ = fmt.Fprintln(w, "CALLS\tFAILED\tRULE\tFOR EXAMPLE")
		for _, r := range p.Rules {
			_, _ = fmt.Fprintf(w, "%d\t%d\t%s\t%s\n", r.Calls, r.Failed, shown(r.Rule.String()), shown(strings.Join(r.Examples, "  ")))
		}
		return w.Flush()
	})
}

type rulesRehearseCmd struct {
	pastCalls
	Rules string `type:"path" placeholder:"FILE" help:"Rules to try, as the config has them: a list in [ and ]. Without it those of the service."`
	JSON  bool   `name:"json" help:"As JSON."`
}

// rehearsedLine is a call as --json prints it.
type rehearsedLine struct {
	ID      string      `json:"id"`
	Method  string      `json:"method"`
	Path    string      `json:"path"`
	Query   string      `json:"query,omitempty"`
	Verdict verdictLine `json:"verdict"`
}

// Run prints the calls that the rules would not have let through.
func (c rulesRehearseCmd) Run(t Terminal) error {
	return c.look(t, func(ctx context.Context, l *backend.AuditLog, svc *config.Service, past backend.Past, show func(done, total int64)) error {
		rules := svc.Rules
		if c.Rules != "" {
			text, err := os.ReadFile(c.Rules)
			if err != nil {
				return err
			}
			if rules, err = backend.ParseRules(string(text)); err != nil {
				return fmt.Errorf("%s: %w", c.Rules, err)
			}
		}
		h, err := backend.RehearseRules(ctx, l, svc, rules, past, show)
		if err != nil {
			return err
		}
		lines := []rehearsedLine{}
		for _, r := range h.List {
			lines = append(lines, rehearsedLine{r.Exchange.ID, r.Exchange.Method, r.Exchange.Path, r.Exchange.Query, verdictOf(r.Verdict, rules)})
		}
		if c.JSON {
			err = answerJSON(t, lines)
		} else {
			err = printRehearsed(t, h)
		}
		t.say("%s: %d allowed, %d denied, %d asked about, %d depend on a body that is not on record", count(h.Calls, "call"), h.Allowed, h.Refused, h.Asked, h.Unsure)
		if err == nil && h.Refused > 0 {
			err = errSaid
		}
		return err
	})
}

func printRehearsed(t Terminal, h backend.Rehearsal) error {
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	if len(h.List) > 0 {
		_, _ = fmt.Fprintln(w, "TIME\tCALL\tWHY")
	}
	for _, r := range h.List {
		why := r.Verdict.Reason
		if r.Verdict.Action == config.Ask {
			why = "ask: rule " + r.Verdict.Rule
		}
		_, _ = fmt.Fprintf(w, "%s\t%s %s\t%s\n", r.Exchange.Time.Local().Format("2006-01-02 15:04:05"), shown(r.Exchange.Method), shown(r.Exchange.Path), shown(why))
	}
	return w.Flush()
}
