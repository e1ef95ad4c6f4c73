package proxy

import (
	"net/url"
	"time"
)

// plainRoute is what the lane knows of a service beforehand.
type plainRoute struct {
	pool   *lanePool
	host   string // of the Host header
	path   string // of the base URL, as encoded
	fields []byte // the credential's field lines
	within time.Duration
}

// String keeps the credential out of what prints a route.
func (p *plainRoute) String() string { return p.host + p.path }

// newPlainRoute prepares the lane for a service; nil if it has none: its
// upstream speaks TLS, or its calls are no plain ones.
func newPlainRoute(rt *route, pool func(laneKey) *lanePool) *plainRoute {
	svc, base := rt.service, rt.service.BaseURL
	if base.Scheme != "http" || svc.AllowRedirects || svc.TokenInPath || svc.TokenInQuery || rt.unavailable != nil || rt.rules.ReadsBodies() || !ascii(base.Host) {
		return nil
	}
	fixed, ok := rt.credential.Fixed()
	if !ok {
		return nil
	}
	p := &plainRoute{host: base.Host, path: base.EscapedPath(), within: svc.ReadTimeout}
	p.fields = appendHeader(nil, fixed)
	p.pool = pool(laneKey{hostPort(base), svc.ConnectTimeout, svc.AllowLinkLocal})
	return p
}

func ascii(s string) bool {
	for i := range len(s) {
		if s[i] >= 0x80 || s[i] == '%' { // a zone stays out of the Host header
			return false
		}
	}
	return true
}

// hostPort is where a URL's host is dialled.
func hostPort(u *url.URL) string {
	if u.Port() != "" {
		return u.Host
	}
	return u.Host + ":" + port(u)
}
