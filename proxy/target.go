package proxy

import (
	"net/http"
	"net/url"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// queryToken is the parameter that a service token may come as, where its
// service allows it.
const queryToken = "lockbox_token"

// target is the address of a call to a service, taken apart, and the service
// token that came with the call, in the address or beside it.
type target struct {
	name    string // of the service, decoded
	segment string // its name as it came
	rest    string // what comes after it, as it came: "" or from a slash on
	query   string // as it came
	token   string // what take found, and then what was presented; "" for none
	bad     bool   // take found an empty one, or several
}

// targetOf takes a path below /s/ apart.
func targetOf(r *http.Request, path string) *target {
	t := &target{}
	t.name, t.segment, t.rest = splitService(path)
	_, t.query, _ = strings.Cut(r.RequestURI, "?")
	return t
}

// take takes service tokens out of the address where the service allows them
// there, and leaves every other byte as it is. In the path only what reads as one
// of ours is taken: callers that send theirs in a header use the same addresses
// without it.
func (t *target) take(svc *config.Service) {
	if svc.TokenInPath {
		first, after := cutSegment(t.rest)
		if raw, err := url.PathUnescape(first); err == nil && isOurToken(raw) {
			t.found(raw)
			t.rest = after
		}
	}
	if svc.TokenInQuery && strings.Contains(t.query, "=") {
		var kept []string
		for part := range strings.SplitSeq(t.query, "&") {
			name, value := parameter(part)
			if name == queryToken {
				t.found(value)
				continue
			}
			kept = append(kept, part)
		}
		t.query = strings.Join(kept, "&")
	}
}

func (t *target) found(raw string) {
	t.bad = t.bad || t.token != "" || raw == ""
	t.token = raw
}

// cutSegment cuts the first segment off "/first/after".
func cutSegment(path string) (first, after string) {
	path = strings.TrimPrefix(path, "/")
	if i := strings.IndexByte(path, '/'); i >= 0 {
		return path[:i], path[i:]
	}
	return path, ""
}

// parameter decodes one part of a query. What is no valid encoding stays as it
// is.
func parameter(part string) (name, value string) {
	name, value, _ = strings.Cut(part, "=")
	if s, err := url.QueryUnescape(name); err == nil {
		name = s
	}
	if s, err := url.PathUnescape(value); err == nil { // no token has a +
		value = s
	}
	return name, value
}

// present decides by which token the call is to be judged. One in the address
// goes before Authorization, which then is meant for the upstream, as it does
// beside X-Lockbox-Token.
func (t *target) present(h http.Header) *problem {
	if t.bad || t.token != "" && len(h[tokenHeader]) > 0 {
		return errMalformed
	}
	if t.token != "" {
		return nil
	}
	var p *problem
	t.token, p = presented(h)
	return p
}

// exposes reports whether the upstream would see a service token in the address.
func (t *target) exposes() bool {
	if t.token != "" && (strings.Contains(t.rest, t.token) || strings.Contains(t.query, t.token)) {
		return true
	}
	for part := range strings.SplitSeq(t.query, "&") {
		if name, value := parameter(part); name == queryToken || isOurToken(value) || holdsOurToken(name) || holdsOurToken(value) {
			return true
		}
	}
	plain, err := url.PathUnescape(t.rest)
	return holdsOurToken(t.query) || holdsOurToken(t.rest) || err == nil && holdsOurToken(plain)
}

// strip is the request without the token that take took out of its query.
func (t *target) strip(r *http.Request) *http.Request {
	if r.URL.RawQuery == t.query {
		return r
	}
	stripped := r.WithContext(r.Context())
	u := *r.URL
	u.RawQuery = t.query
	stripped.URL = &u
	return stripped
}

// addressSecrets is everything in an address that may be a token, valid or not,
// asked for or not: none of it is written down.
func addressSecrets(path, query string) []secret.Value {
	var found []secret.Value
	// add takes a part as it came, and decoded.
	add := func(raw, plain string) {
		if isOurToken(plain) {
			found = append(found, secret.New(raw), secret.New(plain))
			return
		}
		for v := range secret.JWTs(raw) {
			found = append(found, secret.New(v))
		}
		if plain == raw {
			return
		}
		for v := range secret.JWTs(plain) {
			found = append(found, secret.New(v))
			if !strings.Contains(raw, v) { // it is in there in some other way
				found = append(found, secret.New(raw))
			}
		}
	}
	if strings.Contains(path, secret.JWTStart) || strings.IndexByte(path, '%') >= 0 {
		for segment := range strings.SplitSeq(path, "/") {
			plain, err := url.PathUnescape(segment)
			if err != nil {
				plain = segment
			}
			add(segment, plain)
		}
	}
	if query == "" {
		return found
	}
	for part := range strings.SplitSeq(query, "&") {
		name, value := parameter(part)
		key, raw, _ := strings.Cut(part, "=")
		if name == queryToken && raw != "" {
			found = append(found, secret.New(raw), secret.New(value))
			continue
		}
		add(key, name)
		add(raw, value)
	}
	return found
}
