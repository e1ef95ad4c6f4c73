package proxy

import (
	"crypto/x509"
	"net/http"
	"sync/atomic"
	"time"

	"lockbox/proxy/credential"
)

// carrier puts the credential on each request of a call: on the first one, and
// on those that follow redirects. A request without it is what the redirects are
// worked out from, so that it cannot get anywhere else.
type carrier struct {
	next  http.RoundTripper
	ready *credential.Ready
}

// RoundTrip implements http.RoundTripper.
func (c *carrier) RoundTrip(r *http.Request) (*http.Response, error) {
	// No Clone: it would read the trailers that a body still under way brings.
	out := r.WithContext(r.Context())
	out.Header = r.Header.Clone()
	u := *r.URL
	out.URL = &u
	if err := c.ready.Apply(out); err != nil {
		if r.Body != nil {
			_ = r.Body.Close()
		}
		return nil, err
	}
	return c.next.RoundTrip(out)
}

// carry is how a call with that credential gets to its upstream.
func (rt *route) carry(ready *credential.Ready, may func(method, rest, query string, h http.Header) bool) http.RoundTripper {
	var transport http.RoundTripper = &carrier{next: rt.transport, ready: ready}
	if rt.service.AllowRedirects {
		transport = &redirector{next: transport, base: rt.service.BaseURL, may: may}
	}
	return transport
}

// tokenTransport is how access tokens are fetched, from the first reload on.
type tokenTransport struct{ up atomic.Pointer[upstream] }

// open is called with the reload's lock held.
func (t *tokenTransport) open(roots *x509.CertPool) {
	if t.up.Load() == nil {
		up := newUpstream(timeouts{connect: 10 * time.Second}, roots)
		// There is an hour between two tokens, and a POST on a connection that the
		// endpoint has closed meanwhile fails.
		up.transport.DisableKeepAlives = true
		t.up.Store(up)
	}
}

// RoundTrip implements http.RoundTripper. The time for an answer is the
// request's.
func (t *tokenTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	return t.up.Load().RoundTrip(r)
}
