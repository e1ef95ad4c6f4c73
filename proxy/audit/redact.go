package audit

import (
	"net/http"
	"net/textproto"
	"net/url"
	"slices"
	"strings"
	"sync"

	"lockbox/proxy/secret"
)

// shortForm is the length in bytes below which the leak guard does not look for a secret:
// of such, more may be in an answer.
const shortForm = 8

// minForm is the shortest text that is replaced inside other text: a user name
// of two letters would blot out half of every body.
const minForm = 4

// Redactor takes known secrets out of what is about to be recorded. It is
// immutable.
type Redactor struct {
	base     *Redactor
	forms    []string                 // of secrets beside base's
	replacer func() *strings.Replacer // of the forms
	whole    []secret.Value           // short ones, hidden where they stand alone
	reach    int                      // the length of the longest form, in bytes
	needles  *needles                 // the forms, to look for them; nil: there are none
}

// NewRedactor knows secrets, each in plain, base64, percent-encoded and
// JSON-escaped form.
func NewRedactor(secrets ...secret.Value) *Redactor { return (*Redactor)(nil).With(secrets...) }

// With returns a Redactor that knows more secrets. Its cost does not depend on
// how many r knows.
func (r *Redactor) With(secrets ...secret.Value) *Redactor { return r.with(secret.Forms, secrets) }

// WithEveryForm is With for secrets that no leak guard keeps out of answers: it looks for
// many times as many forms, and takes longer for that.
func (r *Redactor) WithEveryForm(secrets ...secret.Value) *Redactor {
	return r.with(secret.EveryForm, secrets)
}

func (r *Redactor) with(formsOf func(secret.Value) []string, secrets []secret.Value) *Redactor {
	d := &Redactor{base: r}
	for _, v := range secrets {
		if v.Len() < minForm {
			if !v.IsZero() {
				d.whole = append(d.whole, v)
			}
			continue
		}
		forms := formsOf
		if v.Len() < shortForm {
			forms = secret.EveryForm
		}
		for _, form := range forms(v) {
			if len(form) >= minForm {
				d.forms = append(d.forms, form)
				d.reach = max(d.reach, len(form))
			}
		}
	}
	if len(d.forms) == 0 && len(d.whole) == 0 && r != nil {
		return r
	}
	// The longest comes first: the first match of a Replacer wins.
	slices.SortStableFunc(d.forms, func(a, b string) int { return len(b) - len(a) })
	if len(d.forms) > 0 {
		d.needles = newNeedles(d.forms)
	}
	d.replacer = sync.OnceValue(func() *strings.Replacer {
		pairs := make([]string, 0, 2*len(d.forms))
		for _, form := range d.forms {
			pairs = append(pairs, form, secret.Redacted)
		}
		return strings.NewReplacer(pairs...)
	})
	return d
}

// Text replaces the known secrets in s.
func (r *Redactor) Text(s string) string {
	for ; r != nil; r = r.base {
		for _, v := range r.whole {
			if s == v.Reveal() {
				return secret.Redacted
			}
		}
		// Hardly ever one is, and looking is a fraction of what a Replacer costs.
		if r.needles != nil && r.needles.in(s) {
			s = r.replacer().Replace(s)
		}
	}
	return s
}

// Header returns a copy of h for the record: the values of headers that are
// known to be harmless, less known secrets, and [redacted] for all others.
func (r *Redactor) Header(h http.Header) http.Header {
	if h == nil {
		return nil
	}
	out := make(http.Header, len(h))
	for name, values := range h {
		shown := shownCanonical[name] // no secret is called so
		if !shown {
			name = r.Text(name)
			shown = harmless(name)
		}
		for _, v := range values {
			if shown {
				v = r.address(v)
			} else {
				v = secret.Redacted
			}
			out[name] = append(out[name], v)
		}
	}
	return out
}

// address hides what a URL in a header may carry (Location, Link, Referer), and what reads
// as a token wherever it stands.
func (r *Redactor) address(v string) string {
	v = secret.HideJWTs(r.Text(v))
	if i := strings.IndexByte(v, '?'); i >= 0 && strings.Contains(v[:i], "/") {
		rest, tail := v[i+1:], ""
		if end := strings.IndexAny(rest, "> \"#"); end >= 0 {
			rest, tail = rest[:end], rest[end:]
		}
		return v[:i+1] + r.Query(rest) + tail
	}
	return v
}

// harmless reports whether a header's values may be shown.
func harmless(name string) bool {
	name = strings.ToLower(textproto.CanonicalMIMEHeaderKey(name))
	if shownNames[name] {
		return true
	}
	for _, prefix := range shownPrefixes {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	return false
}

var shownPrefixes = []string{
	"accept", "content-", "x-ratelimit-", "ratelimit", "x-rate-limit-", "x-github-", "access-control-",
	"sec-fetch-", "sec-ch-", "if-", "cross-origin-", "x-lockbox-error", "openai-", "anthropic-version",
}

var shownNames = map[string]bool{
	"age": true, "allow": true, "alt-svc": true, "cache-control": true, "connection": true, "date": true,
	"dnt": true, "etag": true, "expect": true, "expires": true, "host": true, "idempotency-key": true,
	"last-modified": true, "link": true, "location": true, "origin": true, "pragma": true, "priority": true,
	"range": true, "referer": true, "referrer-policy": true, "request-id": true, "retry-after": true,
	"sec-websocket-version": true, "server": true, "server-timing": true, "strict-transport-security": true,
	"te": true, "trailer": true, "transfer-encoding": true, "upgrade": true, "user-agent": true, "vary": true,
	"via": true, "warning": true, "x-content-type-options": true, "x-correlation-id": true, "x-frame-options": true,
	"x-powered-by": true, "x-request-id": true, "x-requested-with": true, "x-runtime": true, "x-served-by": true,
}

// Query hides the values of parameters that are named like secrets, and known
// secrets everywhere. The rest is kept as it was sent.
func (r *Redactor) Query(raw string) string {
	if raw == "" {
		return ""
	}
	amp := strings.Split(raw, "&")
	for i, part := range amp {
		semi := strings.Split(part, ";") // a separator too, to some upstreams
		for j, p := range semi {
			name, _, has := strings.Cut(p, "=")
			plain, err := url.QueryUnescape(name)
			if err != nil {
				plain = name
			}
			if has && secretName(plain) {
				semi[j] = name + "=" + secret.Redacted
			}
		}
		amp[i] = strings.Join(semi, ";")
	}
	return r.Text(strings.Join(amp, "&"))
}

// shownCanonical are the names that are shown as they mostly come.
var shownCanonical = func() map[string]bool {
	m := map[string]bool{}
	for name := range shownNames {
		m[textproto.CanonicalMIMEHeaderKey(name)] = true
	}
	for _, name := range []string{"Accept", "Accept-Encoding", "Accept-Language", "Accept-Ranges", "Content-Encoding", "Content-Length", "Content-Type"} {
		m[name] = true
	}
	return m
}()

// secretName reports whether a parameter is named like one that holds a secret.
func secretName(name string) bool {
	name = strings.ToLower(name)
	for _, word := range []string{"token", "key", "secret", "passw", "pwd", "signature", "credential", "auth", "session", "jwt"} {
		if strings.Contains(name, word) {
			return true
		}
	}
	return slices.Contains([]string{"code", "sig", "pass", "otp", "sid", "appid"}, name)
}
