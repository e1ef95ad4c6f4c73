package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"text/tabwriter"
	"time"

	"lockbox/ui/backend"
)

type approvalsCmd struct {
	List  approvalsListCmd  `cmd:"" help:"List the calls that wait for a person's answer, or did."`
	Allow approvalsAllowCmd `cmd:"" help:"Let a call pass: the one that waits, or the next that is the same."`
	Deny  approvalsDenyCmd  `cmd:"" help:"Refuse a call, and the same again for ten minutes."`
}

type approvalsListCmd struct {
	All  bool `help:"Those that were answered lately too."`
	JSON bool `name:"json" help:"As JSON, with what is in the calls."`
	place
}

// Run prints the list, the oldest first.
func (c approvalsListCmd) Run(t Terminal) error {
	all, err := backend.FindElsewhere(c.options(t)).Questions(context.Background())
	if err != nil {
		return err
	}
	shownOnes := []backend.Question{}
	for _, q := range all {
		if c.All || q.Open() {
			shownOnes = append(shownOnes, q)
		}
	}
	if c.JSON {
		text, err := json.MarshalIndent(shownOnes, "", "  ")
		if err != nil {
			return err
		}
		return t.answer("%s", text)
	}
	if len(shownOnes) == 0 {
		t.say("No call waits for an answer.")
		return nil
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "ID\tSERVICE\tCALL\tCALLER\tSTATE\tASKED\tRULE")
	now := time.Now()
	for _, q := range shownOnes {
		call := q.Method + " " + q.Path
		if q.Query != "" {
			call += "?" + q.Query
		}
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", q.ID, shown(q.Service), shown(call), shown(strings.Join(q.Audience, ",")), questionState(&q, now), q.Asked.Local().Format("15:04:05"), shown(q.Rule))
	}
	return w.Flush()
}

func questionState(q *backend.Question, now time.Time) string {
	switch {
	case !q.Open():
		return fmt.Sprintf("%s by %s", map[backend.Answer]string{backend.AllowOnce: "allowed", backend.AllowHour: "allowed for 1h", backend.AllowAlways: "allowed always", backend.Deny: "denied"}[q.Answer], q.By)
	case q.Waiting > 0:
		return fmt.Sprintf("waits, %ds left", max(0, int(q.Until.Sub(now).Seconds())))
	}
	return "was told to come again"
}

type approvalsAllowCmd struct {
	ID  string `arg:"" help:"Of the question, from the list."`
	For string `enum:"once,1h,always" default:"once" help:"once; 1h: what the same rule asks about, with the same method and token; always: a rule is written for the method, path and audience."`
	place
}

// Run allows.
func (c approvalsAllowCmd) Run(t Terminal) error {
	a := map[string]backend.Answer{"once": backend.AllowOnce, "1h": backend.AllowHour, "always": backend.AllowAlways}[c.For]
	if err := backend.FindElsewhere(c.options(t)).Answer(context.Background(), c.ID, a); err != nil {
		return err
	}
	t.say("Allowed.")
	return nil
}

type approvalsDenyCmd struct {
	ID string `arg:"" help:"Of the question, from the list."`
	place
}

// Run denies.
func (c approvalsDenyCmd) Run(t Terminal) error {
	if err := backend.FindElsewhere(c.options(t)).Answer(context.Background(), c.ID, backend.Deny); err != nil {
		return err
	}
	t.say("Denied.")
	return nil
}
