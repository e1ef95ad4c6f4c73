package cli

import (
	"bufio"
	"context"
	"errors"
	"os"
	"strings"
	"time"

	"golang.org/x/term"

	"lockbox/ui/backend"
)

type panicCmd struct {
	Yes    bool `xor:"what" help:"Do not ask."`
	Resume bool `xor:"what" help:"End a panic: forward calls again. Tokens stay revoked."`
	place
}

// Run shuts everyone out, after it said what that ends.
func (c panicCmd) Run(t Terminal) error {
	o := c.options(t)
	if c.Resume {
		return resume(t, o)
	}
	plan, err := backend.PlanElsewhere(o)
	if err != nil {
		t.say("warning: what will stop working is not known: %v", err)
	} else {
		t.say("%s", planWords(plan))
	}
	if !c.Yes && !t.confirms() {
		return errors.New("nothing was done: type yes when asked, or say --yes")
	}
	ctx, cancel := context.WithTimeout(context.Background(), personTime)
	defer cancel()
	if err := backend.PanicElsewhere(ctx, o); err != nil {
		return err
	}
	t.say("Done: calls are paused, every token is revoked, the signing key is new. Resume in the window or with lockbox panic --resume when it is safe, and make new tokens.")
	return nil
}

func resume(t Terminal, o backend.Options) error {
	list, err := backend.OpenTokens(o)
	if err != nil {
		return err
	}
	if list.Panicked().IsZero() {
		return errors.New("there was no panic")
	}
	if err := list.Resume(time.Now()); err != nil {
		return err
	}
	t.say("Calls are forwarded again, for tokens that are made from now on.")
	return nil
}

// planWords says what will stop working.
func planWords(p backend.PanicPlan) string {
	words := "This pauses the proxy, revokes every token and replaces the signing key. " + count(p.Tokens, "token") + " will stop working"
	if len(p.Services) > 0 {
		words += ", for " + strings.Join(p.Services, ", ")
	}
	if len(p.Audiences) > 0 {
		words += ", with " + strings.Join(p.Audiences, ", ")
	}
	return words + "."
}

// confirms asks at the terminal; without one nobody says yes.
func (t Terminal) confirms() bool {
	f, ok := t.In.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return false
	}
	t.say("Type yes to go on:")
	line, err := bufio.NewReader(f).ReadString('\n')
	return err == nil && strings.TrimSpace(line) == "yes"
}
