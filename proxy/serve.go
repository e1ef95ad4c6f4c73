package proxy

import (
	"context"
	"errors"
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
	return s.serve(ctx, ln, s.Handler())
}

func (s *Server) serve(ctx context.Context, ln net.Listener, handler http.Handler) error {
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
	ended := make(chan error, 1)
	go func() { ended <- srv.Serve(newCrowd(ln, s.bounds.connections, s.log)) }()
	select {
	case err := <-ended:
		_ = srv.Close()
		s.settle()
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.drain)
	defer cancel()
	if err := srv.Shutdown(limit); err != nil {
		s.log.Warn("calls under way were cut off", "calls", s.InFlight())
		_ = srv.Close() // cancels the contexts of its requests
	}
	s.settle()
	if err := <-ended; !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
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
