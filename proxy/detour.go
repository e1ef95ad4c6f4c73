package proxy

import (
	"net/http"
	"net/netip"
	"net/url"

	"golang.org/x/net/http/httpproxy"
)

// proxyOf is the proxy that calls to upstreams go through: none, unless the config
// asks for the environment's, because the credential goes where the config says.
// The environment is read when a transport is made, not once for all as
// http.ProxyFromEnvironment does.
func proxyOf(t timeouts) func(*http.Request) (*url.URL, error) {
	if !t.proxyEnv {
		return nil
	}
	choose := httpproxy.FromEnvironment().ProxyFunc()
	return func(r *http.Request) (*url.URL, error) {
		// It is the proxy that dials, out of refuseMetadata's sight.
		addr, err := netip.ParseAddr(r.URL.Hostname())
		if err == nil && metadata(addr) && !t.linkLocal {
			return nil, errBlockedAddress
		}
		return choose(r.URL)
	}
}
