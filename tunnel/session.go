package tunnel

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.ngrok.com/ngrok/v2"
)

// session is what is known of an agent while it lives. Its fields are the
// goroutine's of run.session.
type session struct {
	run      *run
	ctx      context.Context
	agent    ngrok.Agent
	bound    chan binding // nil: it has come
	pumped   chan pumped
	over     chan struct{} // nobody takes what is pumped any more
	pumps    sync.WaitGroup
	drained  chan struct{}
	endpoint ngrok.EndpointListener // nil: not bound yet
	held     attempt                // by which it was bound
	failures int                    // since it was last connected
}

// attempt is how an endpoint is asked for.
type attempt struct {
	policy string
	again  string // the URL that it had before
}

// binding is what came of asking for an endpoint.
type binding struct {
	attempt
	endpoint ngrok.EndpointListener
	err      error
}

// pumped is why an endpoint brings no more connections.
type pumped struct {
	endpoint ngrok.EndpointListener
	err      error
}

// listen asks for an endpoint, once another one is let go.
func (s *session) listen(a attempt, old ngrok.EndpointListener) {
	var options []ngrok.EndpointOption
	switch {
	case s.run.req.Domain != "":
		options = append(options, ngrok.WithURL("https://"+s.run.req.Domain))
	case a.again != "":
		options = append(options, ngrok.WithURL(a.again))
	}
	if a.policy != "" {
		options = append(options, ngrok.WithTrafficPolicy(a.policy))
	}
	s.bound = make(chan binding, 1)
	bound := s.bound
	go func() {
		if old != nil {
			ctx, cancel := context.WithTimeout(s.ctx, rebindTime)
			defer cancel()
			_ = old.CloseWithContext(ctx) // the next bind says whether that went well
		}
		ep, err := s.agent.Listen(s.ctx, options...)
		bound <- binding{a, ep, err}
	}()
}

// guard binds the endpoint anew if it has another policy than it should.
func (s *session) guard() {
	policy := s.run.policy()
	if s.endpoint == nil || policy == s.held.policy {
		return // or it is looked at when it is bound
	}
	old := s.endpoint
	s.endpoint = nil
	s.listen(attempt{policy, old.URL().Scheme + "://" + old.URL().Host}, old)
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
		if v.final || v.domain || badBeat(err) || s.failures >= freshAgent || s.endpoint == nil {
			return err
		}
		s.run.lost(err)
	}
	return nil
}

// bind takes what came of asking for the endpoint.
func (s *session) bind(b binding) error {
	if b.err != nil {
		err := s.run.edge.why(b.err)
		v := troubleOf(err, s.run.req.Authtoken)
		_, known := codes[v.Code]
		switch {
		case v.domain && b.again != "":
			s.listen(attempt{policy: b.policy}, nil)
		case v.Code != "" && !known && b.policy != "":
			s.run.deny(b.policy, err)
			s.listen(attempt{again: b.again}, nil)
		default:
			return err
		}
		return nil
	}
	s.held = b.attempt
	s.receive(b.endpoint)
	s.run.edge.established()
	current, err := s.agent.Session()
	if err != nil {
		return fmt.Errorf("%w: %w", errLost, err)
	}
	s.run.opened(s.endpoint, current)
	s.guard()
	return nil
}

// receive begins to take the endpoint's connections.
func (s *session) receive(ep ngrok.EndpointListener) {
	s.endpoint = ep
	s.pumps.Go(func() {
		err := s.pump(ep)
		select {
		case s.pumped <- pumped{ep, err}:
		case <-s.over:
		}
	})
}

// pump brings connections until the endpoint has none any more. It goes on when
// they are wanted no longer: one that is not taken would keep the SDK from closing
// the endpoint.
func (s *session) pump(ep ngrok.EndpointListener) error {
	for {
		conn, err := ep.Accept()
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
	}
	close(s.over)
	s.pumps.Wait()
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
