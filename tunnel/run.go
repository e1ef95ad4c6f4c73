package tunnel

import (
	"context"
	"crypto/tls"
	"errors"
	"log/slog"
	"net"
	"sync"
	"time"

	"golang.ngrok.com/ngrok/v2"
	"golang.ngrok.com/ngrok/v2/rpc"
)

const (
	// beat and beatWait are how often the edge is asked for a sign of life, and how
	// long that may take: the SDK's own 10 and 15 seconds leave a dead connection
	// shown as a good one for too long.
	beat     = 4 * time.Second
	beatWait = 4 * time.Second
	// freshAgent is after how many failures in a row another agent is used: the
	// SDK's waits between attempts grow, and nothing ends them.
	freshAgent = 3
	// goodbye is how long ngrok may take to hear that no more calls are wanted, before
	// those under way are counted down.
	goodbye = 300 * time.Millisecond
	// rebindTime is how long ngrok may take to let go of an endpoint that is bound anew.
	rebindTime = 3 * time.Second
	// manyBreaks is from how many short sessions on the connection counts as one
	// that keeps breaking.
	manyBreaks = 2
)

// What ends a session otherwise than by the network.
var (
	errStopped = errors.New("the agent was stopped from ngrok's dashboard")
	errClosing = errors.New("the tunnel is closed")
	errLost    = errors.New("the connection to ngrok is lost")
	errEnded   = errors.New("ngrok ended the endpoint")
)

// run is a Tunnel from Open to Closed.
type run struct {
	t       *Tunnel
	req     Request
	edge    *edge
	inlet   *inlet
	closing chan struct{}
	ended   chan struct{}
	guarded chan struct{} // there is another policy
	once    sync.Once
	patient bool    // ngrok does not take the beat: it has the SDK's
	trouble Trouble // why it is closing, if nobody asked for that; set before closing is closed

	serving context.Context
	drain   context.CancelFunc // ends serving
	served  chan struct{}      // Serve has returned

	guard          sync.Mutex
	wanted, denied string // the policy, and the one that the edge does not take
}

func newRun(t *Tunnel, req Request) *run {
	r := &run{t: t, req: req, inlet: newInlet(), closing: make(chan struct{}), ended: make(chan struct{}), guarded: make(chan struct{}, 1), served: make(chan struct{})}
	r.serving, r.drain = context.WithCancel(context.Background())
	r.edge = newEdge(t.o.Edge, t.o.EdgeCAs, t.network, r.lost)
	return r
}

// close begins the end; only the first reason counts.
func (r *run) close(why Trouble, by string) {
	r.once.Do(func() {
		r.trouble = why
		r.t.set(r, func(s *State) { s.Phase, s.Retry, s.By = Closing, time.Time{}, by })
		close(r.closing)
	})
}

// run does all that happens from Open on.
func (r *run) run() {
	var wg sync.WaitGroup
	go func() {
		defer close(r.served)
		if err := r.t.o.Serve(r.serving, r.inlet); err != nil {
			r.t.o.Logger.Error("the tunnel's calls are no longer served", "why", err)
			r.close(notServed, "")
		}
	}()
	over := make(chan struct{})
	if r.req.For > 0 {
		wg.Go(func() {
			if sleepUntil(time.Now().Add(r.req.For), over, nil) {
				r.close(timeUp, "")
			}
		})
	}
	final := r.sessions()
	close(over)
	r.drain() // Serve closes the inlet
	<-r.served
	_ = r.inlet.Close()
	r.edge.close()
	wg.Wait()
	r.t.set(r, func(s *State) {
		by := s.By
		if s.Phase != Closing {
			by = "" // nobody asked
		}
		*s = State{Phase: Closed, Trouble: final, By: by}
	})
	close(r.ended)
}

// sessions has one agent after the other until the tunnel is closed or something
// is wrong that takes a person. It returns that.
func (r *run) sessions() Trouble {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	for {
		err := r.session(ctx)
		if errors.Is(err, errClosing) {
			return r.trouble
		}
		if badBeat(err) && !r.patient {
			r.patient = true
			r.t.o.Logger.Debug("ngrok wants longer heartbeats", "why", quote(err, r.req.Authtoken))
			continue
		}
		if v := r.verdict(err); v.final {
			return v.Trouble
		}
		r.lost(err)
	}
}

// session is one agent of the SDK's, from its first connection to its last. It
// reconnects by itself, which keeps the address; the edge spaces its attempts.
func (r *run) session(parent context.Context) error {
	ctx, cancel := context.WithCancel(parent)
	defer cancel()
	events := make(chan ngrok.Event)
	stopped := make(chan struct{}, 1)
	agent, err := r.agent(ctx, events, stopped)
	if err != nil {
		return err
	}
	s := &session{run: r, ctx: ctx, agent: agent, pumped: make(chan pumped), over: make(chan struct{}), drained: make(chan struct{})}
	s.listen(attempt{policy: r.policy()}, nil)
	defer func() {
		cancel()
		r.edge.cut()
		s.wait()
	}()
	closing := r.closing
	for {
		select {
		case ev := <-events:
			err = s.on(ev)
		case b := <-s.bound:
			s.bound = nil
			err = s.bind(b)
		case p := <-s.pumped:
			if p.endpoint == s.endpoint {
				err = p.err
			}
		case <-r.guarded:
			if closing != nil {
				s.guard()
			}
		case <-closing:
			closing = nil
			if s.endpoint == nil {
				return errClosing
			}
			go s.close() //nolint:gosec // on its own time: nothing cuts short what is left to do
		case <-s.drained:
			return errClosing
		}
		if err == nil || closing == nil {
			continue
		}
		select {
		case <-stopped:
			return errStopped // which ends all else
		default:
			return err
		}
	}
}

// agent is an agent of the SDK's that connects by the run's edge.
func (r *run) agent(ctx context.Context, events chan<- ngrok.Event, stopped chan<- struct{}) (ngrok.Agent, error) {
	options := []ngrok.AgentOption{
		ngrok.WithAuthtoken(r.req.Authtoken.Reveal()),
		ngrok.WithAgentConnectURL(r.t.o.Edge),
		ngrok.WithDialer(r.edge),
		ngrok.WithTLSConfig(func(c *tls.Config) { r.edge.configure(c) }),
		ngrok.WithClientInfo("lockbox", r.t.o.Version),
		ngrok.WithLogger(slog.New(slog.DiscardHandler)), // it would say what is said here, and more than is wanted
		ngrok.WithEventHandler(func(ev ngrok.Event) {
			select {
			case events <- ev:
			case <-ctx.Done():
			}
		}),
		ngrok.WithRPCHandler(func(_ context.Context, _ ngrok.AgentSession, req rpc.Request) ([]byte, error) {
			if req.Method() != rpc.StopAgentMethod {
				return nil, errors.New("Lockbox is updated and restarted by its owner only") //nolint:staticcheck // ngrok's dashboard shows it
			}
			select {
			case stopped <- struct{}{}:
			default:
			}
			return nil, nil
		}),
	}
	if !r.patient {
		options = append(options, ngrok.WithHeartbeatInterval(r.t.beat), ngrok.WithHeartbeatTolerance(beatWait))
	}
	return ngrok.NewAgent(options...)
}

// verdict is what an error means here. Where no domain was asked for, one that is
// refused is that of before, and another agent gets another one.
func (r *run) verdict(err error) verdict {
	v := troubleOf(err, r.req.Authtoken)
	v.final = v.final && !(v.domain && r.req.Domain == "")
	return v
}

// lost notes that calls do not arrive at present.
func (r *run) lost(err error) {
	why := r.verdict(err).Trouble
	if r.edge.breaks() >= manyBreaks && errors.Is(err, errLost) {
		why = keepsBreaking
	}
	retry := r.edge.next()
	r.t.set(r, func(s *State) {
		if s.Phase == Closing {
			return
		}
		s.Phase, s.Trouble, s.Retry = Lost, why, retry
	})
}

// opened notes that calls arrive.
func (r *run) opened(endpoint ngrok.EndpointListener, session ngrok.AgentSession) {
	details, _ := session.(ngrok.AgentSessionDetails)
	address := endpoint.URL().Scheme + "://" + endpoint.URL().Host
	breaks := r.edge.breaks()
	r.t.set(r, func(s *State) {
		if s.Phase == Closing {
			return
		}
		if s.URL != "" && s.URL != address {
			s.Former = s.URL
		}
		s.Phase, s.URL, s.Trouble, s.Retry = Open, address, Trouble{}, time.Time{}
		if breaks >= manyBreaks {
			s.Trouble = keepsBreaking
		}
		if details != nil {
			s.Account, s.Plan = details.AccountName(), details.PlanName()
		}
	})
	if breaks >= manyBreaks {
		time.AfterFunc(steady, func() {
			r.t.set(r, func(s *State) {
				if s.Phase == Open && time.Since(s.Since) >= steady {
					s.Trouble = Trouble{}
				}
			})
		})
	}
}

// inlet is the net.Listener that calls are served on, whichever agent brings them.
type inlet struct {
	conns chan net.Conn
	done  chan struct{}
	once  sync.Once
}

func newInlet() *inlet { return &inlet{conns: make(chan net.Conn), done: make(chan struct{})} }

// give hands a connection over, or closes it when none is taken any more.
func (i *inlet) give(c net.Conn) {
	select {
	case i.conns <- c:
	case <-i.done:
		_ = c.Close()
	}
}

// Accept implements net.Listener.
func (i *inlet) Accept() (net.Conn, error) {
	select {
	case c := <-i.conns:
		return c, nil
	case <-i.done:
		return nil, net.ErrClosed
	}
}

// Close implements net.Listener.
func (i *inlet) Close() error {
	i.once.Do(func() { close(i.done) })
	return nil
}

// Addr implements net.Listener.
func (*inlet) Addr() net.Addr { return &net.TCPAddr{} }
