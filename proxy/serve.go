package proxy

import (
	"context"
	"log/slog"
	"net"
	"net/http"
	"time"
)

// DrainTimeout is how long Serve lets calls under way finish.
const DrainTimeout = 8 * time.Second

// After the drain, calls that were cut off get this long to be recorded.
const windUp = 1500 * time.Millisecond

const maxHeaderBytes = 64 << 10 // beyond it: 431

// servingKey is the context key of the context that Serve ends with.
type servingKey struct{}

// Serve answers calls on ln until ctx ends. Then it takes no new ones, closes
// WebSockets, which know no end of their own, waits up to DrainTimeout for the
// other calls and closes what is left: it returns within 10 seconds, and nil.
// Before that it only returns when ln fails.
func (s *Server) Serve(ctx context.Context, ln net.Listener) error {
	return s.serve(ctx, ln, s.Handler(), true)
}

// serve has the handler answer; on the local listener plain calls take the lane.
func (s *Server) serve(ctx context.Context, ln net.Listener, handler http.Handler, local bool) error {
	// Requests outlive ctx by the drain.
	base := context.WithValue(context.WithoutCancel(ctx), servingKey{}, ctx)
	srv := &http.Server{
		Handler:           handler,
		ReadHeaderTimeout: s.bounds.header,
		IdleTimeout:       s.bounds.idle,
		MaxHeaderBytes:    maxHeaderBytes,
		// No WriteTimeout: it would end streams. Bodies have deadlines of their own.
		BaseContext:                  func(net.Listener) context.Context { return base },
		ErrorLog:                     slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
		DisableGeneralOptionsHandler: true, // OPTIONS * is refused by us, with a record
	}
	crowd := newCrowd(ln, s.bounds.connections, s.log)
	lane := newLane(s, base, ln.Addr(), local)
	rest := make(chan error, 1)
	go func() { rest <- srv.Serve(lane.other) }()
	ended := make(chan error, 1)
	go func() { ended <- lane.serve(crowd) }()
	var failed error
	select {
	case failed = <-ended:
		lane.stop(srv, 0)
	case <-ctx.Done():
		_ = crowd.Close() // serve says how that went
		lane.stop(srv, s.drain)
		s.log.Debug("the listener is closed", "why", <-ended)
	}
	s.log.Debug("no more connections for net/http", "why", <-rest)
	s.settle()
	return failed
}

// stop ends both ways of serving. It waits for calls under way no longer than
// the drain and cuts off what is left.
func (l *lane) stop(srv *http.Server, drain time.Duration) {
	limit, cancel := context.WithTimeout(context.Background(), drain)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- l.shutdown(limit) }()
	err := srv.Shutdown(limit)
	if lane := <-ended; err == nil {
		err = lane
	}
	if err != nil {
		l.server.log.Warn("calls under way were cut off", "calls", l.server.InFlight())
		_ = srv.Close() // cancels the contexts of its requests
	}
}

// settle waits a little for handlers to write their records, and then for the
// files of audit_log.
func (s *Server) settle() {
	for end := time.Now().Add(windUp); s.active.Load() > 0 && time.Now().Before(end); {
		time.Sleep(5 * time.Millisecond)
	}
	if st := s.state.Load(); st != nil {
		st.close()
	}
}
