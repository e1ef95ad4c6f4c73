package proxy

import (
	"net/http"
	"strings"
)

// cleanHeader drops what the upstream must not see of the caller's headers.
func (c *call) cleanHeader(h http.Header) {
	for name, values := range h {
		if c.drops(name, values) {
			delete(h, name)
		}
	}
}

// drops reports whether a header, or a trailer, stays here. Names are compared
// with _ read as -, as CGI and what descends from it does: X_Forwarded_For is
// X-Forwarded-For there.
func (c *call) drops(name string, values []string) bool {
	canonical := http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	switch canonical {
	case tokenHeader, "Forwarded", "Via", "Http2-Settings", "Proxy-Authorization":
		return true
	case "Cookie":
		// A browser shares the cookies of localhost among all its ports.
		if c.browser {
			return true
		}
	}
	for _, prefix := range []string{"X-Forwarded-", "Ngrok-", "X-Ngrok-", "X-Lockbox-"} {
		if strings.HasPrefix(canonical, prefix) {
			return true
		}
	}
	if c.route.sets[canonical] {
		return true // the credential's come after
	}
	for _, v := range values {
		if c.holdsToken(v) {
			return true
		}
	}
	return false
}

// holdsToken reports whether a header's value holds the call's service token, or
// any other of Lockbox's.
func (c *call) holdsToken(value string) bool {
	if c.token != "" && strings.Contains(value, c.token) {
		return true
	}
	raw := authToken(value)
	if raw == "" {
		raw = value
	}
	return c.token != "" && raw == c.token || holdsOurToken(value) || holdsOurToken(raw)
}

// sendOnce keeps http.Transport from sending a request again that the upstream
// may have carried out. After a lost connection it repeats any whose header has
// an Idempotency-Key, whether or not this upstream heeds one; but it knows the
// name by its canonical spelling only, and on the wire case does not count.
func sendOnce(h http.Header) {
	for _, name := range []string{"Idempotency-Key", "X-Idempotency-Key"} {
		if values, ok := h[name]; ok {
			delete(h, name)
			h[strings.ToLower(name)] = values
		}
	}
}
