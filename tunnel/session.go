package tunnel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"golang.ngrok.com/ngrok/v2"
)

// session is what is known of an agent while it lives. Its fields are the
// goroutine's of run.session.
type session struct {
	run      *run
	agent    ngrok.Agent
	bound    chan binding // nil: it has come
	pumped   chan error   // why the endpoint brings no more connections; nil: known
	drained  chan struct{}
	endpoint ngrok.EndpointListener // nil: not bound yet
	failures int                    // since it was last connected
}

// binding is what came of asking for an endpoint.
type binding struct {
	endpoint ngrok.EndpointListener
	err      error
}

// on takes an event of the agent's. The error ends the session.
func (s *session) on(ev ngrok.Event) error {
	switch ev := ev.(type) {
	case *ngrok.EventAgentConnectSucceeded:
		s.failures = 0
		if s.endpoint == nil {
			return nil // Listen goes on
		}
		s.run.edge.established()
		s.run.opened(s.endpoint, ev.Session)
	case *ngrok.EventAgentDisconnected:
		if ev.Error == nil {
			return errLost // the SDK has given up
		}
		err := s.run.edge.why(ev.Error)
		v := s.run.verdict(err)
		s.failures++
		// Without an endpoint there is no address to keep.
		if v.final || v.domain || s.failures >= freshAgent || s.endpoint == nil {
			return err
		}
		s.run.lost(err)
	}
	return nil
}

// bind takes what came of asking for the endpoint.
func (s *session) bind(b binding) error {
	if b.err != nil {
		return s.run.edge.why(b.err)
	}
	s.receive(b.endpoint)
	s.run.edge.established()
	current, err := s.agent.Session()
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	s.run.opened(s.endpoint, current)
	return nil
}

// receive begins to take the endpoint's connections.
func (s *session) receive(ep ngrok.EndpointListener) {
	s.endpoint = ep
	pumped := s.pumped
	go func() { pumped <- s.pump() }()
}

// pump brings connections until the endpoint has none any more. It goes on when
// they are wanted no longer: one that is not taken would keep the SDK from closing
// the endpoint.
func (s *session) pump() error {
	for {
		conn, err := s.endpoint.Accept()
		var said ngrok.Error
		switch {
		case errors.As(err, &said):
			return fmt.Errorf("%w: %w", errEnded, err)
		case err != nil:
			return errLost
		}
		s.run.inlet.give(conn)
	}
}

// close lets go of the endpoint, so that ngrok brings nothing any more, and then
// has the calls under way finish on the connection that is still there.
func (s *session) close() {
	defer close(s.drained)
	ctx, cancel := context.WithTimeout(context.Background(), goodbye)
	defer cancel()
	told := make(chan struct{})
	go func() {
		defer close(told)
		_ = s.endpoint.CloseWithContext(ctx) // it waits for an answer, whatever ctx says
	}()
	select {
	case <-told:
	case <-ctx.Done():
	}
	s.run.drain()
	<-s.run.served
	_ = s.agent.Disconnect() // ngrok is told at once
}

// wait returns when the agent, whose connections are cut, is done with the
// endpoint.
func (s *session) wait() {
	if s.bound != nil {
		if b := <-s.bound; b.endpoint != nil { // it came too late
			s.receive(b.endpoint)
		}
	}
	if s.endpoint != nil {
		_ = s.endpoint.Close()
		if s.pumped != nil {
			<-s.pumped //nolint:errcheck // its connection was cut
		}
	}
	_ = s.agent.Disconnect()
}

// sleepUntil waits until a time by the clock on the wall, which goes on while the
// computer sleeps, and reports whether it came; not, if over is closed before. At
// each look at the clock it ends early if sooner says so.
func sleepUntil(at time.Time, over <-chan struct{}, sooner func() bool) bool {
	const look = time.Second
	at = at.Round(0)
	for {
		left := at.Sub(time.Now().Round(0))
		if left <= 0 || sooner != nil && sooner() {
			return true
		}
		timer := time.NewTimer(min(left, look))
		select {
		case <-timer.C:
		case <-over:
			timer.Stop()
			return false
		}
	}
}
