package proxy

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/token"
)

// The public side is where callers from the internet come in, through a tunnel or
// a reverse proxy on this machine: services marked "tunnel" and /healthz, nothing
// else. Who may not come in learns nothing, not even what there is.

// errUnauthorized is the one answer to a call that is not let in.
var errUnauthorized = refuse(http.StatusUnauthorized, "unauthorized", "Unauthorized", "A valid service token is needed: as Authorization: Bearer, as the password of Basic, or as X-Lockbox-Token.")

var (
	errUnknown   = refuse(http.StatusNotFound, "unknown_service", "Unknown service", "Lockbox has no service of this name.")
	errNotPublic = refuse(http.StatusUnauthorized, "not_public", "Not public", `The service is not marked "tunnel": true, so the public side does not serve it.`)
	errWeakKey   = refuse(http.StatusServiceUnavailable, "weak_key", "Weak signing key", "The key that signs tokens is too short for calls from the internet. Lockbox's owner finds more in its log.")
)

// decoy is verified for a call without a token, so that it takes as long as one
// with a wrong one.
var decoy = tokenStart + "hbGciOiJIUzI1NiJ9." + tokenStart + "pc3MiOiJsb2NrYm94In0." + strings.Repeat("A", 43)

// nobody stands in for a service that is not there, so that a call to it takes as
// long as one to a service that is.
var nobody = &config.Service{RequiresServiceToken: true}

// PublicHandler is what the public side serves.
func (s *Server) PublicHandler() http.Handler { return http.HandlerFunc(s.public) }

// ServePublic serves the public side on ln, as Serve does the local one.
func (s *Server) ServePublic(ctx context.Context, ln net.Listener) error {
	return s.serve(ctx, ln, s.PublicHandler(), false)
}

// CheckPublic says why the public side should not be opened with the signing
// keys in use. Once it is open, it refuses every call while that is so.
func (s *Server) CheckPublic() error {
	st := s.state.Load()
	if st == nil || st.keyErr != nil {
		return nil // calls are refused for that reason
	}
	if n := st.keys.Shortest(); n < token.WeakKeyLength {
		return fmt.Errorf("the public side needs a signing key of at least %d bytes, and this one has %d: tokens could be forged by guessing it. Remove the key for a new one to be made, and make new tokens", token.WeakKeyLength, n)
	}
	return nil
}

// publicProblem is why the public side serves nobody, whatever the service, or
// nil.
func (st *state) publicProblem() *problem {
	if p := st.keyProblem(); p != nil {
		return p
	}
	if st.keys.Shortest() < token.WeakKeyLength {
		return errWeakKey
	}
	return nil
}

func (s *Server) public(w http.ResponseWriter, r *http.Request) {
	s.active.Add(1)
	defer s.active.Add(-1)
	st := s.acquire()
	if st != nil {
		defer st.release()
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	rec := s.newRecord(st, r, path, "public")
	rec.x.Remote = clientAddress(r)
	defer s.last(rec)

	if p := checkForm(r, path); p != nil {
		rec.refuse(w, p)
		return
	}
	switch {
	case path == "/healthz" && reads(r):
		rec.skip()
		health(w)
	case strings.HasPrefix(path, "/s/"):
		s.publicService(w, r, path, st, rec)
	case path == "/admin" || strings.HasPrefix(path, "/admin/"):
		rec.refuse(w, errNotFound)
	default:
		rec.skip() // whoever scans the internet
		errNotFound.write(w)
	}
}

func (s *Server) publicService(w http.ResponseWriter, r *http.Request, path string, st *state, rec *record) {
	s.calls.Add(1)
	defer s.calls.Add(-1)
	t := targetOf(r, path)
	rec.stranger(st, t.name)
	rt, p := s.admitPublic(r, st, t, rec)
	switch {
	case p == nil:
		s.carry(w, r, rt, t, rec, publicOrigin(r))
	case rt != nil || p.status >= http.StatusInternalServerError:
		rec.refuse(w, p) // the caller is who it should be, or it is not about the caller
	default:
		answer := errUnauthorized
		if rec.finish(answer.status, audit.Refused, p.reason()) != nil {
			answer = errNoRecord
		}
		answer.write(w)
	}
}

// admitPublic is every reason not to forward a call from the internet. It takes
// the same steps for each call until the token is found good; from then on the
// route comes with the problem.
func (s *Server) admitPublic(r *http.Request, st *state, t *target, rec *record) (*route, *problem) {
	switch {
	case s.paused.Load():
		return nil, errPaused
	case st == nil:
		return nil, errNoConfig
	}
	if p := st.publicProblem(); p != nil {
		return nil, p
	}
	rt, svc, hidden := st.routes[t.name], nobody, errUnknown
	if rt != nil && !rt.service.Tunnel {
		rt, hidden = nil, errNotPublic
	}
	if rt != nil {
		svc, hidden = rt.service, nil
	}
	t.take(svc)
	missing := t.present(r.Header)
	raw := t.token
	if missing != nil {
		raw = decoy
	}
	now := time.Now()
	claims, err := st.verifier.Service(raw, svc.Name, svc.ValidAudiences, now)
	if err == nil && hidden == nil && missing == nil {
		err = st.listed(claims, now)
	}
	rec.known(nil, claims)
	wrong := tokenProblem(err, claims, svc)
	for _, p := range []*problem{hidden, missing, wrong} {
		if p != nil {
			return nil, p
		}
	}
	rec.service(st, t.name)
	return rt, s.admitted(rt, t)
}

// clientAddress is who calls, as the tunnel or reverse proxy that leads here says:
// the address that it added last to X-Forwarded-For. What stands before that, the
// caller may have written.
func clientAddress(r *http.Request) string {
	values := r.Header["X-Forwarded-For"]
	if len(values) == 0 {
		return r.RemoteAddr
	}
	last := values[len(values)-1]
	last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:])
	if addr, err := netip.ParseAddr(strings.Trim(last, "[]")); err == nil {
		return addr.String()
	}
	if ap, err := netip.ParseAddrPort(last); err == nil { // Azure's adds a port
		return ap.String()
	}
	return r.RemoteAddr
}

// publicOrigin is the public side as its callers see it: by TLS, unless what leads
// here says otherwise or the caller is on this machine.
func publicOrigin(r *http.Request) string {
	scheme := "https"
	if name, ok := hostname(r.Host); ok {
		if addr, err := netip.ParseAddr(name); err == nil && addr.Unmap().IsLoopback() || strings.EqualFold(name, "localhost") {
			scheme = "http"
		}
	}
	if values := r.Header["X-Forwarded-Proto"]; len(values) > 0 {
		last := values[len(values)-1]
		switch last = strings.TrimSpace(last[strings.LastIndexByte(last, ',')+1:]); {
		case strings.EqualFold(last, "https"):
			scheme = "https"
		case strings.EqualFold(last, "http"):
			scheme = "http"
		}
	}
	return scheme + "://" + r.Host
}
