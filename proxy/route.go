package proxy

import (
	"net/http"
	"net/url"
	"runtime/debug"
	"strings"
	"time"

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
	case path == "/healthz" && (r.Method == http.MethodGet || r.Method == http.MethodHead):
		rec.skip()
		health(w)
	case path == "/admin" || strings.HasPrefix(path, "/admin/"):
		s.admin(w, r, path, st, rec)
	case strings.HasPrefix(path, "/s/"):
		s.service(w, r, path, st, rec)
	default:
		rec.skip() // favicons and the like
		errNotFound.write(w)
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

func health(w http.ResponseWriter) {
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
	name, segment, rest := splitService(path)
	rec.service(st, name)
	p := s.admit(r, st, name, rest, rec)
	if p != nil {
		rec.refuse(w, p)
		return
	}
	c := &call{server: s, route: st.routes[name], w: w, in: r, rest: rest, rec: rec, browser: fromBrowser(r.Header)}
	if c.route.service.RequiresServiceToken {
		c.token, _ = presented(r.Header)
	}
	c.here = address{base: c.route.service.BaseURL, origin: origin(r), path: "/s/" + segment}
	if c.route.credential.InQuery() {
		c.here.strip = c.route.credential.Strip
	}
	c.forward()
}

// admit is every reason not to forward a call, in the order in which they count.
func (s *Server) admit(r *http.Request, st *state, name, rest string, rec *record) *problem {
	if s.paused.Load() {
		return errPaused
	}
	if st == nil {
		return errNoConfig
	}
	rt, ok := st.routes[name]
	if !ok {
		return refuse(http.StatusNotFound, "unknown_service", "Unknown service", "Lockbox has no service of this name.")
	}
	if strings.HasPrefix(rest, "//") {
		return errPath // what is appended to base_url must not read as //host
	}
	claims, p := st.authorize(r.Header, rt, time.Now())
	rec.claims(claims)
	if p != nil {
		return p
	}
	if raw, bad := presented(r.Header); bad == nil && rt.service.RequiresServiceToken && strings.Contains(r.RequestURI, raw) {
		return errTokenInURL
	}
	if rt.unavailable != nil {
		return rt.unavailable
	}
	if s.mute.Load() {
		return errNoRecord // recording the refusal is the next try
	}
	return nil
}

// origin is this listener as the caller named it.
func origin(r *http.Request) string {
	if r.TLS != nil {
		return "https://" + r.Host
	}
	return "http://" + r.Host
}
