package ngroktest

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httputil"
	"net/netip"
	"time"
)

// errOffline: nobody has bound the host.
var errOffline = errors.New("no endpoint")

// callerKey is the context key of a public connection's caller.
type callerKey struct{}

// caller is who is connected to the public side.
type caller struct {
	from string          // its address on the internet
	to   *http.Transport // to the agent
}

// servePublic takes calls from the internet: each connection of a caller is one to
// the agent, and gets what ngrok's edge adds.
func (e *Edge) servePublic() {
	carry := &httputil.ReverseProxy{
		FlushInterval: -1,
		Transport:     carriers{},
		Rewrite: func(r *httputil.ProxyRequest) {
			r.Out.URL.Scheme, r.Out.URL.Host, r.Out.Host = "http", r.In.Host, r.In.Host
			r.Out.URL.RawQuery = r.In.URL.RawQuery
			from, _ := netip.ParseAddrPort(r.In.Context().Value(callerKey{}).(caller).from)
			forwarded := from.Addr().String()
			if before := r.In.Header.Get("X-Forwarded-For"); before != "" {
				forwarded = before + ", " + forwarded
			}
			r.Out.Header.Set("X-Forwarded-For", forwarded)
			r.Out.Header.Set("X-Forwarded-Proto", "https")
			r.Out.Header.Set("X-Forwarded-Host", r.In.Host)
		},
		ErrorHandler: func(w http.ResponseWriter, _ *http.Request, err error) {
			code, status := "ERR_NGROK_3004", http.StatusBadGateway
			if errors.Is(err, errOffline) {
				code, status = "ERR_NGROK_3200", http.StatusNotFound
			}
			w.Header().Set("Ngrok-Error-Code", code)
			w.WriteHeader(status)
		},
	}
	e.server = &http.Server{
		Handler: carry, ReadHeaderTimeout: time.Minute,
		ConnContext: func(ctx context.Context, c net.Conn) context.Context {
			from := e.takeCaller(c.RemoteAddr().String())
			tr := &http.Transport{MaxIdleConns: 1, DisableCompression: true, DialContext: func(_ context.Context, _, addr string) (net.Conn, error) {
				host, _, _ := net.SplitHostPort(addr)
				return e.Connect(host, from)
			}}
			e.wg.Go(func() { <-e.ctx.Done(); tr.CloseIdleConnections() })
			return context.WithValue(ctx, callerKey{}, caller{from, tr})
		},
	}
	e.wg.Go(func() { _ = e.server.Serve(e.public) })
}

// carriers sends a call on by the Transport of its connection.
type carriers struct{}

// RoundTrip implements http.RoundTripper.
func (carriers) RoundTrip(r *http.Request) (*http.Response, error) {
	return r.Context().Value(callerKey{}).(caller).to.RoundTrip(r)
}

// takeCaller waits for Dial to say who has connected.
func (e *Edge) takeCaller(remote string) string {
	e.mu.Lock()
	defer e.mu.Unlock()
	for e.clients[remote] == "" && e.ctx.Err() == nil {
		e.changed.Wait()
	}
	from := e.clients[remote]
	delete(e.clients, remote)
	return from
}

// Connect opens a connection to the agent that has bound host, as for a caller at
// the address from, and leaves it to the test what to send.
func (e *Edge) Connect(host, from string) (net.Conn, error) {
	s, id := e.endpoint(host)
	if s == nil {
		return nil, fmt.Errorf("%s: %w", host, errOffline)
	}
	s.opening.Lock()
	defer s.opening.Unlock()
	stream, err := s.mux.OpenTypedStream(proxy)
	if err != nil {
		return nil, err
	}
	header, err := json.Marshal(map[string]any{"Id": id, "ClientAddr": from, "Proto": "https", "EdgeType": "3"})
	if err == nil {
		_, err = stream.Write(append(binary.LittleEndian.AppendUint64(nil, uint64(len(header))), header...))
	}
	if err != nil {
		return nil, errors.Join(err, stream.Close())
	}
	return stream, nil
}

// Dial opens a public connection of a caller at the address from, an IP address
// and a port; "" is the loopback's.
func (e *Edge) Dial(ctx context.Context, from string) (net.Conn, error) {
	conn, err := (&net.Dialer{}).DialContext(ctx, "tcp", e.public.Addr().String())
	if err != nil {
		return nil, err
	}
	local := conn.LocalAddr().String()
	if from == "" {
		from = local
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	e.clients[local] = from
	e.changed.Broadcast()
	return conn, nil
}

// Client calls the edge's public URLs from the address from, as Dial.
func (e *Edge) Client(from string) *http.Client {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) { return e.Dial(ctx, from) }
	// The edge's TLS with callers is not what is tested.
	return &http.Client{Transport: &http.Transport{DialContext: dial, DialTLSContext: dial, DisableCompression: true, MaxIdleConnsPerHost: 300}}
}
