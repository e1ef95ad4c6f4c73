package proxy

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"sync/atomic"
	"syscall"
	"time"

	"lockbox/proxy/config"
)

var (
	errConnectTimeout = errors.New("no connection within connect_timeout")
	errSentTwice      = errors.New("the connection ended without an answer; a request is not sent twice")
	errBlockedAddress = errors.New("link-local and metadata addresses are not called")
)

// timeouts are what services must have in common to share an http.Transport.
type timeouts struct {
	connect, read time.Duration
	linkLocal     bool // link-local addresses may be called
	proxyEnv      bool // through the proxy that the environment names
}

func timeoutsOf(svc *config.Service, cfg *config.Config) timeouts {
	return timeouts{svc.ConnectTimeout, svc.ReadTimeout, svc.AllowLinkLocal, cfg != nil && cfg.UseProxyEnv}
}

// upstreams makes and keeps the transports, so that idle connections outlive a
// reload. It is used under the reload's lock only.
type upstreams struct {
	roots      *x509.CertPool // nil: the system's
	byTimeouts map[timeouts]*upstream
	lanes      map[laneKey]*lanePool
	lone       func() bool // the pools'
}

// laneKey is what services must have in common to share a lanePool.
type laneKey struct {
	address   string // host:port
	connect   time.Duration
	linkLocal bool
}

// lane is the pool of an upstream, made at the first call.
func (u *upstreams) lane(k laneKey) *lanePool {
	if p, ok := u.lanes[k]; ok {
		return p
	}
	if u.lanes == nil {
		u.lanes = map[laneKey]*lanePool{}
	}
	p := &lanePool{dialer: newDialer(timeouts{connect: k.connect, linkLocal: k.linkLocal}), connect: k.connect, address: k.address, stall: stallTime, lone: u.lone}
	u.lanes[k] = p
	return p
}

// get is the transport for a service's timeouts, made at the first call.
func (u *upstreams) get(t timeouts) *upstream {
	if up, ok := u.byTimeouts[t]; ok {
		return up
	}
	if u.byTimeouts == nil {
		u.byTimeouts = map[timeouts]*upstream{}
	}
	up := newUpstream(t, u.roots)
	u.byTimeouts[t] = up
	return up
}

// keep drops the transports that no service uses any more. Calls under way on
// them go on.
func (u *upstreams) keep(used map[timeouts]bool, usedLanes map[laneKey]bool) {
	for t, up := range u.byTimeouts {
		if !used[t] {
			up.transport.CloseIdleConnections()
			delete(u.byTimeouts, t)
		}
	}
	for k, p := range u.lanes {
		if !usedLanes[k] {
			p.close()
			delete(u.lanes, k)
		}
	}
}

// newDialer connects for all of our transports.
func newDialer(t timeouts) net.Dialer {
	d := net.Dialer{Timeout: t.connect, KeepAlive: 30 * time.Second}
	if !t.linkLocal {
		d.Control = refuseMetadata
	}
	return d
}

// upstream is an http.Transport whose connect timeout covers resolving, dialling
// and the TLS handshake together.
type upstream struct {
	transport *http.Transport
	connect   time.Duration // 0: none
}

func newUpstream(t timeouts, roots *x509.CertPool) *upstream {
	dialer := newDialer(t)
	return &upstream{connect: t.connect, transport: &http.Transport{
		Proxy:       proxyOf(t),
		DialContext: dialer.DialContext,
		// What the caller accepts is sent on, and what comes back stays as packed.
		DisableCompression:     true,
		ForceAttemptHTTP2:      true,
		TLSClientConfig:        &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots},
		TLSHandshakeTimeout:    t.connect,
		ResponseHeaderTimeout:  t.read,
		ExpectContinueTimeout:  time.Second,
		MaxIdleConns:           256,
		MaxIdleConnsPerHost:    64,
		IdleConnTimeout:        90 * time.Second,
		MaxResponseHeaderBytes: 1 << 20,
		// Notices a connection that died without a word, under streams that have
		// no timeout of their own.
		HTTP2: &http.HTTP2Config{SendPingTimeout: 30 * time.Second, PingTimeout: 15 * time.Second},
	}}
}

// RoundTrip implements http.RoundTripper.
func (u *upstream) RoundTrip(r *http.Request) (*http.Response, error) {
	// The context lives as long as the response's body; the server cancels its
	// parent when the call is over.
	ctx, cancel := context.WithCancelCause(r.Context())
	stop := func() {}
	if u.connect > 0 {
		timer := time.AfterFunc(u.connect, func() { cancel(errConnectTimeout) })
		stop = func() { timer.Stop() }
	}
	var connected, sent, safe atomic.Bool
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GetConn: func(string) {
			connected.Store(false) // again, when a kept connection was dead
			if sent.Load() {
				cancel(errSentTwice)
			}
		},
		GotConn: func(info httptrace.GotConnInfo) {
			connected.Store(true)
			stop()
			// HTTP/2 says whether a request was looked at (RFC 9113, section 8.7).
			c, ok := info.Conn.(*tls.Conn)
			safe.Store(ok && c.ConnectionState().NegotiatedProtocol == "h2")
		},
		WroteHeaders: func() { sent.Store(!safe.Load()) },
	})
	res, err := u.transport.RoundTrip(r.WithContext(ctx))
	if err != nil {
		stop()
		cause := context.Cause(ctx)
		if u.connect > 0 && !connected.Load() && (isTimeout(err) || errors.Is(cause, errConnectTimeout)) {
			err = errConnectTimeout
		} else if errors.Is(cause, errSentTwice) {
			err = errSentTwice
		}
		cancel(err)
	}
	return res, err
}

// isTimeout reports whether time ran out, by whoever's clock.
func isTimeout(err error) bool {
	var t net.Error
	return errors.As(err, &t) && t.Timeout() || errors.Is(err, context.DeadlineExceeded)
}

// refuseMetadata is a Dialer's Control. It sees the address after names were
// resolved, so that no name can be made to point at a cloud's metadata service,
// which hands out keys to whoever can reach it.
func refuseMetadata(_, address string, _ syscall.RawConn) error {
	ap, err := netip.ParseAddrPort(address)
	if err != nil {
		return fmt.Errorf("%w: %q is no address", errBlockedAddress, address)
	}
	if metadata(ap.Addr()) {
		return errBlockedAddress
	}
	return nil
}

var (
	nat64   = netip.MustParsePrefix("64:ff9b::/96")
	amazon6 = netip.MustParseAddr("fd00:ec2::254")
)

func metadata(addr netip.Addr) bool {
	addr = addr.Unmap().WithZone("")
	if nat64.Contains(addr) {
		b := addr.As16()
		addr = netip.AddrFrom4([4]byte(b[12:]))
	}
	return addr.IsLinkLocalUnicast() || addr == amazon6
}
