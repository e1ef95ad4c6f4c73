package proxy

import (
	"net/http"
	"net/url"
	"strings"
)

// address is where callers find a service: the URLs of its upstream are
// rewritten to it, or a caller that follows one would take its service token to
// the upstream's real host.
type address struct {
	base   *url.URL
	origin string              // "http://127.0.0.1:8000", as the caller named it
	path   string              // "/s/github"
	strip  func(string) string // takes the credential out of a URL; nil: it is in none
	cut    func(string) string // out of what comes after base; nil likewise
}

// rewriteHeader changes Location and Link where they lead into the service.
func (a *address) rewriteHeader(h http.Header) {
	for i, v := range h["Location"] {
		h["Location"][i] = a.rewriteClean(v)
	}
	for i, v := range h["Link"] {
		h["Link"][i] = a.rewriteLinks(v)
	}
}

func (a *address) rewriteClean(s string) string {
	s = a.rewriteURL(s)
	if a.strip != nil {
		s = a.strip(s)
	}
	return s
}

// rewriteURL takes an absolute URL below the base URL, or a path on its host
// below its path, which the caller would look for outside of the service.
// Anything else stays byte for byte, and so does what comes after the base.
func (a *address) rewriteURL(s string) string {
	if strings.HasPrefix(s, "/") && !strings.HasPrefix(s, "//") {
		if rest, ok := a.cutBase(s); ok {
			return a.path + rest
		}
		return s
	}
	prefix, rest := splitAuthority(s)
	if prefix == "" {
		return s
	}
	u, err := url.Parse(prefix)
	if err != nil {
		return s
	}
	if u.Scheme == "" { // "//host/path" has the scheme of the page it is on
		u.Scheme = a.base.Scheme
	}
	if _, ok := within(&url.URL{Scheme: a.base.Scheme, Host: a.base.Host}, u); !ok {
		return s
	}
	if rest, ok := a.cutBase(rest); ok {
		return a.origin + a.path + rest
	}
	return s
}

// cutBase cuts the base URL's path off a path with query and fragment.
func (a *address) cutBase(s string) (string, bool) {
	path, after := s, ""
	if i := strings.IndexAny(s, "?#"); i >= 0 {
		path, after = s[:i], s[i:]
	}
	rest, ok := below(a.base.EscapedPath(), path)
	if a.cut != nil {
		rest = a.cut(rest)
	}
	return rest + after, ok && safePath(rest) // with .. it is not below
}

// splitAuthority splits "https://host:1/path" before the path. The first part is
// empty if there is no authority.
func splitAuthority(s string) (string, string) {
	i := strings.Index(s, "//")
	if i < 0 || i > 0 && (s[i-1] != ':' || strings.ContainsAny(s[:i], "/?#")) {
		return "", s
	}
	if end := strings.IndexAny(s[i+2:], "/?#"); end >= 0 {
		return s[:i+2+end], s[i+2+end:]
	}
	return s, ""
}

// rewriteLinks rewrites the targets of a Link header (RFC 8288): what is between
// < and >, but not in the quoted value of a parameter.
func (a *address) rewriteLinks(s string) string {
	var b strings.Builder
	quoted := false
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case quoted && c == '\\' && i+1 < len(s):
			b.WriteByte(c)
			i++
			c = s[i]
		case c == '"':
			quoted = !quoted
		case c == '<' && !quoted:
			if end := strings.IndexByte(s[i:], '>'); end > 0 {
				b.WriteByte('<')
				b.WriteString(a.rewriteClean(s[i+1 : i+end]))
				i += end
				c = '>'
			}
		}
		b.WriteByte(c)
	}
	return b.String()
}
