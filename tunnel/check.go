package tunnel

import (
	"context"
	"errors"
	"time"

	"golang.ngrok.com/ngrok/v2"

	"lockbox/proxy/secret"
)

// checkTime is how long Check takes at most.
const checkTime = 6 * time.Second

// Check asks ngrok whether an authtoken is good, and opens nothing. The error says
// what is wrong with it; where ngrok cannot be asked, there is none.
func (t *Tunnel) Check(ctx context.Context, token secret.Value) error {
	ctx, cancel := context.WithTimeout(ctx, checkTime)
	// A run of a tunnel that nobody sees.
	r := newRun(&Tunnel{o: t.o, network: t.network}, Request{Authtoken: token})
	r.patient = true // it is over before the first beat
	events := make(chan ngrok.Event)
	agent, err := r.agent(ctx, events, make(chan struct{}, 1))
	if err != nil {
		cancel()
		return err
	}
	connected := make(chan struct{})
	go func() {
		defer close(connected)
		_ = agent.Connect(ctx) // the events say what came of it
	}()
	defer func() {
		cancel()
		r.drain()
		r.edge.close()
		<-connected
		_ = agent.Disconnect()
	}()
	for {
		select {
		case ev := <-events:
			lost, ok := ev.(*ngrok.EventAgentDisconnected)
			if !ok || lost.Error == nil {
				return nil
			}
			if v := r.verdict(r.edge.why(lost.Error)); v.final {
				return errors.New(v.String())
			} else if v.Code != "" {
				return nil // about the account: the authtoken was understood
			}
		case <-ctx.Done():
			return nil
		}
	}
}
