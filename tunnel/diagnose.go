package tunnel

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strings"
	"time"

	"golang.ngrok.com/ngrok/v2"
)

// diagnoseTime is how long Diagnose takes at most.
const diagnoseTime = 10 * time.Second

// Step is one thing that has to work for a tunnel to open.
type Step struct {
	Name string
	OK   bool
	Text string // what was found, or what is wrong and what to do
}

// Diagnose tries the way to ngrok's edge without a session, and says how far it
// leads: the last step is the first one that fails.
func (t *Tunnel) Diagnose(ctx context.Context) []Step {
	ctx, cancel := context.WithTimeout(ctx, diagnoseTime)
	defer cancel()
	host, _, _ := net.SplitHostPort(t.o.Edge)
	var steps []Step
	if _, err := net.DefaultResolver.LookupHost(ctx, host); err != nil {
		return append(steps, Step{"Name", false, found(networkTrouble(err))})
	}
	steps = append(steps, Step{"Name", true, host + " can be looked up."})
	options := []ngrok.AgentOption{ngrok.WithAgentConnectURL(t.o.Edge), ngrok.WithLogger(slog.New(slog.DiscardHandler))}
	if t.o.EdgeCAs != nil {
		options = append(options, ngrok.WithAgentConnectCAs(t.o.EdgeCAs))
	}
	agent, err := ngrok.NewAgent(options...)
	diagnoser, ok := agent.(ngrok.Diagnoser)
	if err != nil || !ok {
		return append(steps, Step{"Connection", false, "This Lockbox cannot diagnose."})
	}
	answer, err := diagnoser.Diagnose(ctx, "")
	for _, s := range []struct {
		name, good string
		here       bool
	}{
		{"Connection", t.o.Edge + " takes connections.", ngrok.IsTCPDiagnoseFailure(err)},
		{"Certificate", "It is ngrok's.", ngrok.IsTLSDiagnoseFailure(err)},
		{"Protocol", fmt.Sprintf("ngrok answers, region %s, in %d ms.", answer.Region, answer.Latency.Milliseconds()), err != nil},
	} {
		if s.here {
			if errors.Is(err, context.DeadlineExceeded) || ctx.Err() != nil {
				return append(steps, Step{s.name, false, found(noAnswer)})
			}
			return append(steps, Step{s.name, false, found(networkTrouble(err))})
		}
		steps = append(steps, Step{s.name, true, s.good})
	}
	return steps
}

// found is what is wrong, for someone who tries once.
func found(t Trouble) string { return strings.TrimSuffix(t.String(), again) }
