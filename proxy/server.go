// Package proxy is the heart of Lockbox: it takes calls on the local listener and
// on the public side, checks who makes them, puts the credential on, carries them
// to the upstream and back, and records them.
//
// A call goes through route.go or public.go and target.go (where to), authorize.go
// (who), rules.go and ask.go (what they may), forward.go with carrier.go (there with the credential, and back) and
// record.go (what is written down). Plain calls on the local listener take the
// same steps in the lane (lane.go), which does by itself what net/http does for
// all others. reload.go builds the immutable state that a call works on from its
// first to its last byte.
package proxy

import (
	"context"
	"log/slog"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/approval"
	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/credential"
	"lockbox/proxy/drift"
	"lockbox/proxy/duplicate"
	"lockbox/proxy/limit"
	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// Options is what a Server needs from outside: it knows no keychain, file or
// screen of its own.
type Options struct {
	// Load reads and checks the configuration.
	Load func(ctx context.Context) (*config.Config, error)
	// Secret reads one secret of the configuration; its errors tell
	// secret.ErrNotFound, ErrLocked and ErrUnavailable apart. It is called for
	// several references at a time.
	Secret func(ctx context.Context, ref secret.Ref) (secret.Value, error)
	// Keys reads the keys that sign tokens, at each reload. After an error,
	// services that need a token answer 503, or 500 for secret.ErrNotFound.
	Keys func(ctx context.Context) (token.Keys, error)
	// Store saves a secret in the place of the one that a reference points at: a
	// refresh token that its provider replaced. It is called before the access
	// token that came with it is used. nil: none can be saved.
	Store func(ctx context.Context, ref secret.Ref, value secret.Value) error
	// Register lists the tokens that are out, and says which are revoked. With a
	// nil one none is.
	Register *register.Register
	// Limits counts the calls of quotas. With a nil one they are forgotten when the
	// program ends.
	Limits *limit.Book
	// Habits learns how the tokens of the Register are used. A nil one learns nothing.
	Habits *drift.Tracker
	// Audit records every exchange. A nil one records nothing.
	Audit *audit.Log
	// Metrics has /metrics answered on the local listener, for Prometheus.
	Metrics bool
	// StoreSize, if not nil, is how many bytes the audit log takes, for the metrics.
	StoreSize func() int64
	// Logger is told of failures. nil: nobody is.
	Logger *slog.Logger
	// Version is the program's, for its log.
	Version string
	// OnRecord, if not nil, is called when calls can no longer be recorded, and when
	// they can again: Unrecorded says which.
	OnRecord func()
	// OnLockout, if not nil, is told of an address that the brake has locked out of
	// the public side. It must not block.
	OnLockout func(Lockout)
	// OnAsk, if not nil, is called when calls begin or end to wait for a person, and
	// when one answers: Approvals has them. It must not block.
	OnAsk func()
	// OnDrift, if not nil, is told of a token that is used in a new way. It must not
	// block.
	OnDrift func(Drifted)
	// OnLeak, if not nil, is told of a call whose answer held the credential, which
	// the leak guard replaced. It must not block.
	OnLeak func(Leak)
	// OnReload, if not nil, is called after each successful Reload.
	OnReload func()
}

// Server is the proxy. Its methods can be used by many goroutines at once.
type Server struct {
	opts    Options
	log     *slog.Logger
	state   atomic.Pointer[state] // nil before the first Reload
	paused  atomic.Bool
	locked  atomic.Bool  // changes with reload held
	calls   atomic.Int64 // to services, under way
	active  atomic.Int64 // handlers of all kinds, under way
	callers atomic.Int64 // connected to a lane
	scribe  scribe
	reload  sync.Mutex // serialises Reload; guards upstreams
	outward upstreams
	brake   *brake
	limits  *limit.Limiter

	duplicates *duplicate.Memory

	debug bool // log is told of each call
	lanes bool // plain calls go through the lane; false in tests of net/http's way

	tokens   *credential.Tokens
	toTokens tokenTransport

	// stall is how long a caller may neither send nor take a byte of a body.
	stall  time.Duration
	drain  time.Duration // DrainTimeout, less in tests
	bounds bounds

	desk *approval.Desk // where calls wait for a person

	metrics *metrics // nil: nothing is counted
}

// stallTime is how long a body may make no progress, at either end.
const stallTime = 2 * time.Minute

// New makes a Server. It answers 503 until the first Reload.
func New(o Options) *Server {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	s := &Server{opts: o, log: o.Logger, lanes: lanes, stall: stallTime, drain: DrainTimeout, bounds: usualBounds, brake: newBrake(), desk: approval.New(o.OnAsk), duplicates: duplicate.New()}
	s.debug = o.Logger.Enabled(context.Background(), slog.LevelDebug)
	s.scribe.log, s.scribe.changed = o.Logger, o.OnRecord
	s.outward.lone = func() bool { return s.lone(1) }
	s.tokens = credential.NewTokens(&s.toTokens, o.Store, o.Logger)
	book := o.Limits
	if book == nil {
		book = limit.NewBook()
	}
	s.limits = limit.New(book)
	if o.Metrics {
		s.metrics = &metrics{}
	}
	return s
}

// lone reports whether there is one caller, and so much under way.
func (s *Server) lone(active int64) bool { return s.callers.Load() == 1 && s.active.Load() == active }

// Close ends what calls may have left to be done: a token that is being fetched
// is waited for, for a little, and calls without a record are recorded as a gap. Call it
// when Serve has returned.
func (s *Server) Close() {
	s.tokens.Close()
	s.scribe.end(s.opts.Audit)
}

// Config is the configuration in use, nil before the first Reload. It is not to
// be changed.
func (s *Server) Config() *config.Config {
	if st := s.state.Load(); st != nil {
		return st.config
	}
	return nil
}

// Report is what the last successful Reload found.
func (s *Server) Report() Report {
	if st := s.state.Load(); st != nil {
		return st.report
	}
	return Report{}
}

// Keys are the signing keys in use, for issuing tokens. They are zero when they
// could not be read.
func (s *Server) Keys() token.Keys {
	if st := s.state.Load(); st != nil {
		return st.keys
	}
	return token.Keys{}
}

// Approvals is where calls wait for a person, who answers there.
func (s *Server) Approvals() *approval.Desk { return s.desk }

// SetPaused makes calls to services answer 503 until it is undone. Calls under
// way go on, but for those that wait for a person.
func (s *Server) SetPaused(paused bool) {
	s.paused.Store(paused)
	if paused {
		s.desk.Release()
	}
}

// Paused reports whether calls to services are refused.
func (s *Server) Paused() bool { return s.paused.Load() }

// InFlight is the number of calls to services that are under way.
func (s *Server) InFlight() int { return int(s.calls.Load()) }

// Handler is what the local listener serves: services, health and reload.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.local) }
