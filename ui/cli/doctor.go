package cli

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"lockbox/ui/backend"
)

type doctorCmd struct {
	Offline bool `help:"Ask nothing on the network: neither upstreams nor ngrok."`
	JSON    bool `name:"json" help:"As JSON."`
	place
}

// Run looks at everything, prints a line for each finding as it comes, and fails
// when something has to be mended.
func (c doctorCmd) Run(t Terminal) error {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	var findings []backend.Finding
	count := map[string]int{}
	var failed error
	if !c.JSON {
		t.say("%s", t.versionLine())
	}
	backend.Examine(ctx, c.options(t), c.Offline, func(f backend.Finding) {
		findings = append(findings, f)
		count[f.Verdict]++
		if !c.JSON && failed == nil {
			failed = t.answer("%-8s %-10s %s", f.Verdict, f.Name, f.Text)
		}
	})
	if c.JSON {
		failed = answerJSON(t, findings)
	}
	switch {
	case ctx.Err() != nil:
		return fmt.Errorf("given up: %w", ctx.Err())
	case failed != nil:
		return failed
	case count[backend.Broken] > 0:
		t.say("To mend: %d. To look at: %d.", count[backend.Broken], count[backend.Doubtful])
		return errSaid
	case count[backend.Doubtful] > 0:
		t.say("Nothing is broken. To look at: %d.", count[backend.Doubtful])
	default:
		t.say("All is well.")
	}
	return nil
}
