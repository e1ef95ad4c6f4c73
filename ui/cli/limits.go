package cli

import (
	"encoding/json"
	"fmt"
	"strconv"
	"text/tabwriter"
	"time"

	"lockbox/ui/backend"
)

type limitsCmd struct {
	Service string `arg:"" optional:"" help:"Of this service only."`
	JSON    bool   `name:"json" help:"As JSON."`
	place
}

// limitLine is a limit as --json prints it.
type limitLine struct {
	Service string    `json:"service"`
	Token   string    `json:"token,omitempty"`
	Limit   string    `json:"limit"`
	Most    int       `json:"most"`
	PerSec  float64   `json:"per_seconds,omitempty"`
	Used    *int      `json:"used"` // null: not known
	Left    *int      `json:"left"`
	Resets  time.Time `json:"resets,omitzero"`
}

// Run prints the list.
func (c limitsCmd) Run(t Terminal) error {
	uses, err := backend.ReadLimits(c.options(t), c.Service)
	if err != nil {
		return err
	}
	lines := make([]limitLine, len(uses))
	for i, u := range uses {
		lines[i] = limitLine{Service: u.Service, Token: u.Token, Limit: u.Limit, Most: u.Most, PerSec: u.Per.Seconds(), Resets: u.Resets}
		if u.Used >= 0 {
			lines[i].Used, lines[i].Left = &u.Used, &u.Left
		}
	}
	if c.JSON {
		text, err := json.MarshalIndent(lines, "", "  ")
		if err != nil {
			return err
		}
		return t.answer("%s", text)
	}
	if len(lines) == 0 {
		t.say("There are no limits. The config's rate_limit, concurrency and quota set them.")
		return nil
	}
	w := tabwriter.NewWriter(t.Out, 0, 0, 2, ' ', 0)
	_, _ = fmt.Fprintln(w, "SERVICE\tTOKEN\tLIMIT\tMOST\tUSED\tLEFT\tRESETS")
	for _, l := range lines {
		_, _ = fmt.Fprintf(w, "%s\t%s\t%s\t%d\t%s\t%s\t%s\n", shown(l.Service), shown(l.Token), l.Limit, l.Most, known(l.Used), known(l.Left), resets(l.Resets))
	}
	if err := w.Flush(); err != nil {
		return err
	}
	for _, l := range lines {
		if l.Used == nil {
			t.say("?: a Lockbox that runs knows it, and does not write it down.")
			break
		}
	}
	return nil
}

func known(n *int) string {
	if n == nil {
		return "?"
	}
	return strconv.Itoa(*n)
}

func resets(at time.Time) string {
	if at.IsZero() {
		return "-"
	}
	return date(at)
}
