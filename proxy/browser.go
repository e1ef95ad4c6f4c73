package proxy

import (
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"sync"
)

// hostName is the machine's name. Who listens on more than the loopback address
// is called by it.
var hostName = sync.OnceValue(func() string {
	name, err := os.Hostname()
	if err != nil {
		return ""
	}
	return name
})

// ourHost reports whether a request's Host names this listener. A page that had
// its own name point to this machine (DNS rebinding) comes with that name, so
// names must match whole; addresses cannot be rebound. Ports are not compared:
// behind a forwarded port the caller's differs, and a page cannot choose it
// apart from the one it connects to.
func ourHost(r *http.Request, listen string) bool {
	name, ok := hostname(r.Host)
	if !ok {
		return false
	}
	local := localAddr(r)
	if addr, err := netip.ParseAddr(name); err == nil {
		addr = addr.Unmap()
		// Listening beyond the loopback address, one cannot tell which addresses
		// lead here, through a container's or router's mapping for instance.
		return addr.Zone() == "" && (addr.IsLoopback() || local.IsValid() && !local.IsLoopback())
	}
	if strings.EqualFold(name, "localhost") {
		return true
	}
	if own, ok := hostname(listen); ok && strings.EqualFold(name, own) {
		return true
	}
	return local.IsValid() && !local.IsLoopback() && hostName() != "" && strings.EqualFold(name, hostName())
}

// hostname splits the port off a Host: "name", "name:80", "[::1]", "[::1]:80".
func hostname(hostport string) (string, bool) {
	if hostport == "" {
		return "", false
	}
	if inner, ok := strings.CutPrefix(hostport, "["); ok && strings.HasSuffix(inner, "]") {
		inner = strings.TrimSuffix(inner, "]")
		return inner, strings.Contains(inner, ":")
	}
	if !strings.Contains(hostport, ":") {
		return hostport, true
	}
	host, port, err := net.SplitHostPort(hostport)
	if err != nil || host == "" || strings.Trim(port, "0123456789") != "" {
		return "", false
	}
	return host, true
}

// localAddr is the address that the request's connection came in on.
func localAddr(r *http.Request) netip.Addr {
	if a, ok := r.Context().Value(http.LocalAddrContextKey).(net.Addr); ok {
		if ap, err := netip.ParseAddrPort(a.String()); err == nil {
			return ap.Addr().Unmap()
		}
	}
	return netip.Addr{}
}

// crossSite reports whether a browser made the request for another site's page.
// http.CrossOriginProtection alone would not do: it lets GET pass.
func crossSite(r *http.Request) bool {
	for _, site := range r.Header["Sec-Fetch-Site"] {
		if site != "same-origin" && site != "none" {
			return true
		}
	}
	for _, origin := range r.Header["Origin"] {
		u, err := url.Parse(origin) // "null" has no host
		if err != nil || u.Scheme != "http" && u.Scheme != "https" || !strings.EqualFold(u.Host, r.Host) {
			return true
		}
	}
	return false
}

// fromBrowser reports whether a browser made the request: only one sets
// Sec-Fetch headers, and no page can keep it from it.
func fromBrowser(h http.Header) bool {
	for name := range h {
		if strings.HasPrefix(name, "Sec-Fetch-") {
			return true
		}
	}
	return false
}
