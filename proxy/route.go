package proxy

import (
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"

	"lockbox/proxy/audit"
)

// local is the handler of the local listener. Routing is by hand and on the path
// as it came: http.ServeMux redirects // and .. away before anyone could refuse
// them.
func (s *Server) local(w http.ResponseWriter, r *http.Request) {
	s.active.Add(1)
	defer s.active.Add(-1)
	st := s.acquire()
	if st != nil {
		defer st.release()
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	rec := s.newRecord(st, r, path, "local")
	defer s.last(rec)

	if p := checkForm(r, path); p != nil {
		rec.refuse(w, p)
		return
	}
	listen := ""
	if st != nil {
		listen = st.config.Listen
	}
	switch {
	case !ourHost(r, listen):
		rec.refuse(w, errHost)
	case crossSite(r):
		rec.refuse(w, errCrossSite)
	case path == "/healthz" && reads(r):
		rec.skip()
		health(w, r)
	case path == "/metrics" && s.metrics != nil && reads(r):
		rec.skip()
		s.writeMetrics(w, r)
	case path == "/admin" || strings.HasPrefix(path, "/admin/"):
		s.admin(w, r, path, st, rec)
	case strings.HasPrefix(path, "/s/"):
		s.service(w, r, path, st, rec)
	default:
		rec.skip() // favicons and the like
		errNotFound.write(w, r)
	}
}

// last sees to it that no call leaves without a record, panics included.
func (s *Server) last(rec *record) {
	v := recover()
	if v != nil && v != http.ErrAbortHandler {
		s.log.Error("the handler of a call panicked", "panic", v, "stack", string(debug.Stack()))
	}
	_ = rec.finish(rec.status(), audit.Failed, errInternal.reason()) // its failure was logged
	if v != nil {
		panic(http.ErrAbortHandler) // the caller must see that the answer broke off
	}
}

// checkForm refuses requests that are none to a path here, whatever the path.
func checkForm(r *http.Request, path string) *problem {
	switch {
	case strings.EqualFold(r.Method, http.MethodConnect):
		return errConnect
	case strings.EqualFold(r.Method, http.MethodTrace), strings.EqualFold(r.Method, "TRACK"):
		return errMethod
	case !strings.HasPrefix(path, "/"), strings.HasPrefix(path, "//"), strings.Contains(r.RequestURI, "#"):
		return errTarget // absolute-form, authority-form, *, //host
	case !safePath(path):
		return errPath
	}
	return nil
}

// splitService splits a path below /s/ at the service's name: the name decoded,
// its segment as it came, and the rest as it came, "" or from its slash on.
func splitService(path string) (name, segment, rest string) {
	segment = strings.TrimPrefix(path, "/s/")
	if i := strings.IndexByte(segment, '/'); i >= 0 {
		segment, rest = segment[:i], segment[i:]
	}
	name, err := url.PathUnescape(segment)
	if err != nil { // the server has parsed it before
		name = segment
	}
	return name, segment, rest
}

// reads reports whether a request is to what only can be read.
func reads(r *http.Request) bool { return r.Method == http.MethodGet || r.Method == http.MethodHead }

func health(w http.ResponseWriter, r *http.Request) {
	dontWait(w, r)
	h := w.Header()
	h.Set("Content-Type", "text/plain; charset=utf-8")
	h.Set("Cache-Control", "no-store")
	h.Set("Content-Length", "2")
	_, _ = w.Write([]byte("OK")) // the caller may be gone
}

// service judges a call to a service and has it forwarded.
func (s *Server) service(w http.ResponseWriter, r *http.Request, path string, st *state, rec *record) {
	s.calls.Add(1)
	defer s.calls.Add(-1)
	t := targetOf(r, path)
	rec.service(st, t.name)
	rt, p := s.admit(r, st, t, rec)
	rec.used()
	if p == nil {
		p = s.watch(rt, rec)
	}
	if p == nil {
		r, p = s.permitted(w, r, rt, t, rec)
	}
	if p != nil {
		rec.refuse(w, p)
		return
	}
	s.carry(w, r, rt, t, rec, origin(r))
}

// carry forwards an admitted call.
func (s *Server) carry(w http.ResponseWriter, r *http.Request, rt *route, t *target, rec *record, origin string) {
	c := &call{server: s, route: rt, w: w, in: t.strip(r), rest: t.rest, token: t.token, rec: rec, browser: fromBrowser(r.Header)}
	// Without a token that stood in the path: what is rewritten may be passed on.
	c.here = address{base: rt.service.BaseURL, origin: origin, path: "/s/" + t.segment}
	if rt.credential.InURL() {
		c.here.strip, c.here.cut = rt.credential.Strip, rt.credential.CutSegment
	}
	if rt.remembers(rec) {
		c.once()
		return
	}
	c.forward()
}

// admit is every reason not to forward a call, in the order in which they count.
func (s *Server) admit(r *http.Request, st *state, t *target, rec *record) (*route, *problem) {
	if s.paused.Load() {
		return nil, errPaused
	}
	if st == nil {
		return nil, errNoConfig
	}
	rt, ok := st.routes[t.name]
	if !ok {
		return nil, errUnknown
	}
	t.take(rt.service)
	if t.exposes() {
		return nil, errTokenInURL
	}
	if st.locked && rt.unavailable != nil {
		return nil, rt.unavailable // no token can be judged
	}
	if strings.HasPrefix(t.rest, "//") {
		return nil, errPath // what is appended to base_url must not read as //host
	}
	if !rec.replays() {
		k, claims, p := st.authorize(r.Header, t, rt, rec.began)
		rec.known(k, claims)
		if p != nil {
			return nil, p
		}
	}
	return rt, s.admitted(rt, t)
}

// admitted is every reason not to forward a call whose caller may make it.
func (s *Server) admitted(rt *route, t *target) *problem {
	switch {
	case strings.HasPrefix(t.rest, "//"):
		return errPath
	case t.exposes():
		return errTokenInURL
	case rt.unavailable != nil:
		return rt.unavailable
	case s.scribe.mute.Load():
		return errNoRecord // recording the refusal is the next try
	}
	return nil
}

// permitted is every reason not to forward an admitted call: what it is about, and
// how many there were. The request is the one to forward, see ruled.
func (s *Server) permitted(w http.ResponseWriter, r *http.Request, rt *route, t *target, rec *record) (*http.Request, *problem) {
	r, p := s.ruled(w, r, rt, t, rec)
	if p == nil && !rt.remembers(rec) { // which may be answered without being made
		p = s.limited(rt, rec)
	}
	return r, p
}

// origin is this listener as the caller named it.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
