package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"os"
	"slices"
	"strings"
	"text/tabwriter"

	"lockbox/proxy/config"
	"lockbox/ui/backend"
)

type rulesCmd struct {
	List rulesListCmd `cmd:"" help:"List the rules of the services, in order."`
	Test rulesTestCmd `cmd:"" help:"Say whether a call would pass, and which rule decides; exit code 1 when it would not. Nothing is sent."`
}

type rulesListCmd struct {
	Service string `arg:"" optional:"" help:"Of this service only."`
	JSON    bool   `name:"json" help:"As JSON."`
	place
}

// ruleLine is a rule as --json prints it.
type ruleLine struct {
	Service string       `json:"service"`
	Number  int          `json:"number"`
	Text    string       `json:"text"`
	Rule    backend.Rule `json:"rule"`
}

// Run prints the list.
func (c rulesListCmd) Run(t Terminal) error {
	cfg, err := config.Load(c.options(t).ConfigPath)
	if err != nil {
		return err
	}
	names := slices.Sorted(maps.Keys(cfg.Services))
	if c.Service != "" {
		if _, err := serviceOf(cfg, c.Service); err != nil {
			return err
		}
		names = []string{c.Service}
	}
	lines := []ruleLine{}
	for _, name := range names {
		for i, r := range cfg.Services[name].Rules {
			lines = append(lines, ruleLine{name, i + 1, r.String(), r})
		}
	}
	if c.JSON {
		return answerJSON(t, lines)
	}
	if len(lines) == 0 {
		t.say("There are no rules: whoever has a service's token may make any call.")
		return nil
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SERVICE\tNO\tRULE\tNOTE")
	for _, l := range lines {
		_, _ = fmt.Fprintf(w, "%s\t%d\t%s\t%s\n", shown(l.Service), l.Number, shown(l.Text), shown(l.Rule.Note))
	}
	return w.Flush()
}

func serviceOf(cfg *config.Config, name string) (*config.Service, error) {
	if svc := cfg.Services[name]; svc != nil {
		return svc, nil
	}
	return nil, fmt.Errorf("there is no service %q; there are: %s", name, strings.Join(slices.Sorted(maps.Keys(cfg.Services)), ", "))
}

func answerJSON(t Terminal, v any) error {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(v); err != nil {
		return err
	}
	return t.answer("%s", bytes.TrimSpace(b.Bytes()))
}

type rulesTestCmd struct {
	Service     string `arg:"" help:"The service."`
	Method      string `arg:"" help:"The call's method."`
	Path        string `arg:"" help:"Its path below the service, with the query: /repos/a?page=2"`
	Audience    string `placeholder:"WHO" help:"Audience of the caller's token."`
	TokenID     string `name:"token-id" placeholder:"ID" help:"ID of the caller's token."`
	ContentType string `placeholder:"TYPE" help:"Content-Type of the body."`
	Body        string `placeholder:"TEXT|@FILE" help:"The body, or the file that holds it."`
	JSON        bool   `name:"json" help:"As JSON."`
	place
}

// verdictLine is a verdict as --json prints it.
type verdictLine struct {
	Action string `json:"action"`
	Number int    `json:"number,omitempty"`
	Rule   string `json:"rule,omitempty"`
	Code   string `json:"code"`
	Reason string `json:"reason,omitempty"`
}

// Run prints the verdict.
func (c rulesTestCmd) Run(t Terminal) error {
	cfg, err := config.Load(c.options(t).ConfigPath)
	if err != nil {
		return err
	}
	svc, err := serviceOf(cfg, c.Service)
	if err != nil {
		return err
	}
	call := backend.RuleCall{Method: c.Method, Target: c.Path, Header: http.Header{}, Body: []byte(c.Body), TokenID: c.TokenID}
	if file, ok := strings.CutPrefix(c.Body, "@"); ok {
		if call.Body, err = os.ReadFile(file); err != nil { //nolint:gosec // the file that the person named
			return err
		}
	}
	if c.Audience != "" {
		call.Audience = []string{c.Audience}
	}
	if c.ContentType != "" {
		call.Header.Set("Content-Type", c.ContentType)
	}
	v, err := backend.TryRules(svc.Rules, call)
	if err != nil {
		return err
	}
	if err := printVerdict(t, v, svc.Rules, c.JSON); err != nil {
		return err
	}
	if v.Action != config.Allow {
		return errSaid
	}
	return nil
}

func printVerdict(t Terminal, v backend.RuleVerdict, rules []backend.Rule, asJSON bool) error {
	if asJSON {
		line := verdictLine{Action: string(v.Action), Code: string(v.Code), Reason: v.Reason}
		if v.Index >= 0 {
			line.Number, line.Rule = v.Index+1, rules[v.Index].String()
		}
		return answerJSON(t, line)
	}
	switch {
	case v.Action != config.Allow:
		return t.answer("%s: %s", v.Action, v.Reason)
	case v.Index >= 0:
		return t.answer("%s: rule %s", v.Action, v.Rule)
	case len(rules) == 0:
		return t.answer("%s: the service has no rules", v.Action)
	}
	return t.answer("%s: no rule denies it", v.Action)
}
