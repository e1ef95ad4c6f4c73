package proxy

import (
	"errors"
	"io"
	"net/http"
	"sync/atomic"
	"time"

	"lockbox/proxy/audit"
)

// requestBody is the caller's body on its way to the upstream.
type requestBody struct {
	io.ReadCloser
	call   *call
	denied atomic.Pointer[problem] // it outgrew the rule that allows it
	failed atomic.Bool             // reading it did: the caller's fault, not the upstream's
	ended  atomic.Bool             // all of it was read
}

// Read implements io.Reader. A caller that sends nothing for too long is given
// up on.
func (b *requestBody) Read(p []byte) (int, error) {
	deadlines := http.NewResponseController(b.call.w)
	// Fails where there is no connection, as in tests; then nothing can stall.
	_ = deadlines.SetReadDeadline(time.Now().Add(b.call.server.stall))
	n, err := b.ReadCloser.Read(p)
	b.call.rec.fromCaller(p[:n])
	if err == nil {
		return n, nil
	}
	// The server goes on reading, to notice a caller that leaves.
	if !b.call.over.Load() {
		_ = deadlines.SetReadDeadline(time.Time{})
	}
	if errors.Is(err, io.EOF) {
		b.ended.Store(true)
		b.call.passTrailers()
	} else {
		var p *problem
		if errors.As(err, &p) {
			b.denied.Store(p)
		}
		b.failed.Store(true)
	}
	return n, err
}

// tooLarge is why a body was broken off that outgrew its rule, nil if none was.
func (b *requestBody) tooLarge() *problem {
	if b == nil {
		return nil
	}
	return b.denied.Load()
}

// responseBody is the upstream's body on its way to the caller. It holds back
// the end, the last bytes of a body of known length and the EOF of another,
// until the exchange is on record.
type responseBody struct {
	io.ReadCloser
	call *call
	left int64 // what is still to come; -1: unknown
}

// Read implements io.Reader.
func (b *responseBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	b.call.rec.fromUpstream(p[:n])
	if b.left > 0 {
		b.left = max(b.left-int64(n), 0)
	}
	switch {
	case errors.Is(err, io.EOF) || b.left == 0:
		if err := b.call.finish(audit.Allowed, ""); err != nil {
			return 0, err // the answer breaks off
		}
	case err != nil && b.call.body.tooLarge() != nil:
		_ = b.call.finish(audit.Refused, b.call.body.tooLarge().reason()) // its failure was logged
	case err != nil && b.call.in.Context().Err() != nil:
		_ = b.call.finish(audit.Failed, reasonCallerGone) // its failure was logged
	case err != nil:
		_ = b.call.finish(audit.Failed, "upstream_aborted: The upstream broke off its answer.")
	}
	// From now on the bytes must get to the caller, or it is given up on.
	b.call.extendWrite()
	return n, err
}

// Close implements io.Closer. Without an end before it, it is the caller that
// stopped reading.
func (b *responseBody) Close() error {
	_ = b.call.finish(audit.Failed, reasonCallerGone) // its failure was logged
	return b.ReadCloser.Close()
}

// socket is an upgraded connection to the upstream: a WebSocket.
type socket struct {
	io.ReadWriteCloser
	call *call
}

// Read implements io.Reader: messages for the caller.
func (s *socket) Read(p []byte) (int, error) {
	n, err := s.ReadWriteCloser.Read(p)
	s.call.rec.fromUpstream(p[:n])
	if err != nil {
		_ = s.call.finish(audit.Allowed, "") // its failure was logged
	}
	return n, err
}

// Write implements io.Writer: messages from the caller.
func (s *socket) Write(p []byte) (int, error) {
	n, err := s.ReadWriteCloser.Write(p)
	s.call.rec.fromCaller(p[:n])
	return n, err
}

// CloseWrite tells the upstream that the caller has no more to say, as
// httputil.ReverseProxy does where it can.
func (s *socket) CloseWrite() error {
	if w, ok := s.ReadWriteCloser.(interface{ CloseWrite() error }); ok {
		return w.CloseWrite()
	}
	return errors.ErrUnsupported
}

// Close implements io.Closer.
func (s *socket) Close() error {
	_ = s.call.finish(audit.Allowed, "") // its failure was logged
	return s.ReadWriteCloser.Close()
}
