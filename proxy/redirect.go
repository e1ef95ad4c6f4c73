package proxy

import (
	"io"
	"net/http"
	"net/url"
	"strings"
)

// maxRedirects is how many redirects are followed in a call.
const maxRedirects = 10

// redirector follows redirects within the service's base URL, the only place
// that its credential may go to. Go's http.Client would take a credential in an
// X-Api-Key to any host. A redirect that it does not follow goes to the caller.
type redirector struct {
	next http.RoundTripper
	base *url.URL
	may  func(method, rest, query string, h http.Header) bool // by the service's rules
}

// RoundTrip implements http.RoundTripper.
func (d *redirector) RoundTrip(r *http.Request) (*http.Response, error) {
	for range maxRedirects {
		res, err := d.next.RoundTrip(r)
		if err != nil {
			return nil, err
		}
		again := d.follow(r, res)
		if again == nil {
			return res, nil
		}
		// What little is left is read, for the connection's sake.
		_, _ = io.CopyN(io.Discard, res.Body, 4<<10)
		_ = res.Body.Close()
		r = again
	}
	return d.next.RoundTrip(r)
}

// follow is the request that a redirect asks for, or nil if it is none or none
// to follow.
func (d *redirector) follow(r *http.Request, res *http.Response) *http.Request {
	hasBody := r.Body != nil && r.Body != http.NoBody
	method, ok := redirectMethod(r.Method, res.StatusCode, hasBody)
	location := res.Header.Get("Location")
	if !ok || location == "" || r.Header.Get("Upgrade") != "" {
		return nil
	}
	ref, err := url.Parse(location)
	if err != nil {
		return nil
	}
	here := *r.URL
	here.Opaque = "" // or ResolveReference would not know the path
	target := here.ResolveReference(ref)
	rest, inside := within(d.base, target)
	if !inside || !safePath(rest) {
		return nil
	}
	// No Clone: it would read the trailers that a body still under way brings.
	again := r.WithContext(r.Context())
	again.Header = r.Header.Clone()
	again.Method = method
	again.Body, again.GetBody, again.ContentLength = nil, nil, 0
	again.TransferEncoding, again.Trailer = nil, nil
	if hasBody || method != r.Method {
		for _, name := range []string{"Content-Type", "Content-Length", "Content-Encoding", "Content-Language", "Content-Location", "Expect"} {
			again.Header.Del(name)
		}
	}
	if !d.may(method, rest, target.RawQuery, again.Header) {
		return nil
	}
	setTarget(again, d.base, rest, target.RawQuery, target.ForceQuery)
	return again
}

// redirectMethod is how RFC 9110, section 15.4 has a redirect followed. The body
// went by as a stream: what would send it again is not followed.
func redirectMethod(method string, status int, hasBody bool) (string, bool) {
	idempotent := method == http.MethodGet || method == http.MethodHead
	switch status {
	case http.StatusSeeOther:
		if method == http.MethodHead {
			return method, true
		}
		return http.MethodGet, true
	case http.StatusMovedPermanently, http.StatusFound:
		if method == http.MethodPost {
			return http.MethodGet, true
		}
		return method, idempotent
	case http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
		return method, idempotent && !hasBody
	}
	return "", false
}

// within reports whether u is at or below base, and what of its path comes after
// base's, as encoded.
func within(base, u *url.URL) (rest string, ok bool) {
	if !strings.EqualFold(u.Scheme, base.Scheme) || u.User != nil || u.Opaque != "" ||
		!strings.EqualFold(u.Hostname(), base.Hostname()) || port(u) != port(base) {
		return "", false
	}
	return below(base.EscapedPath(), u.EscapedPath())
}

// below cuts a base path off a path, at a segment's end.
func below(base, path string) (rest string, ok bool) {
	rest, ok = strings.CutPrefix(path, base)
	return rest, ok && (rest == "" || rest[0] == '/')
}

// port is a URL's port, the scheme's own if it names none.
func port(u *url.URL) string {
	switch p := u.Port(); {
	case p != "":
		return p
	case strings.EqualFold(u.Scheme, "https"):
		return "443"
	case strings.EqualFold(u.Scheme, "http"):
		return "80"
	}
	return ""
}
