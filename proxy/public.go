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
	errUnknown    = refuse(http.StatusNotFound, "unknown_service", "Unknown service", "Lockbox has no service of this name.")
	errNotPublic  = refuse(http.StatusUnauthorized, "not_public", "Not public", `The service is not marked "tunnel": true, so the public side does not serve it.`)
	errNotOurs    = refuse(http.StatusUnauthorized, "not_ours", "Not ours", "The Host header names another host than the tunnel's.")
	errNotAllowed = refuse(http.StatusUnauthorized, "not_allowed_from", "Not allowed from here", `The service's "allow_from" does not name the caller's address.`)
	errWeakKey    = refuse(http.StatusServiceUnavailable, "weak_key", "Weak signing key", "The key that signs tokens is too short for calls from the internet. Lockbox's owner finds more in its log.")
)

// decoy is verified for a call without a token, so that it takes as long as one
// with a wrong one.
var decoy = tokenStart + "hbGciOiJIUzI1NiJ9." + tokenStart + "pc3MiOiJsb2NrYm94In0." + strings.Repeat("A", 43)

// nobody stands in for a service that is not there, so that a call to it takes as
// long as one to a service that is.
var nobody = &config.Service{RequiresServiceToken: true}

// entrance is a way by which callers from the internet come in.
type entrance struct {
	listener string                     // its name in records
	client   func(*http.Request) string // who calls
	host     func() string              // that it is called by; nil: any
}

// PublicHandler is what the public side serves.
func (s *Server) PublicHandler() http.Handler {
	return s.enter(entrance{listener: "public", client: clientAddress})
}

// ServePublic serves the public side on ln, as Serve does the local one.
func (s *Server) ServePublic(ctx context.Context, ln net.Listener) error {
	return s.serve(ctx, ln, s.PublicHandler(), false)
}

// ServeTunnel serves the public side on ln, whose connections have the addresses of
// those who call, by the name that host gives at the time of a call.
func (s *Server) ServeTunnel(ctx context.Context, ln net.Listener, host func() string) error {
	client := func(r *http.Request) string { return r.RemoteAddr }
	return s.serve(ctx, ln, s.enter(entrance{"tunnel", client, host}), false)
}

func (s *Server) enter(e entrance) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { s.public(w, r, e) })
}

// ours reports whether a request's Host is the one that the entrance is called by.
func (e entrance) ours(r *http.Request) bool {
	if e.host == nil {
		return true
	}
	want, host := e.host(), strings.TrimSuffix(r.Host, ":443")
	return want != "" && strings.EqualFold(host, want)
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

func (s *Server) public(w http.ResponseWriter, r *http.Request, e entrance) {
	s.active.Add(1)
	defer s.active.Add(-1)
	st := s.acquire()
	if st != nil {
		defer st.release()
	}
	path, _, _ := strings.Cut(r.RequestURI, "?")
	rec := s.newRecord(st, r, path, e.listener)
	rec.x.Remote = e.client(r)
	defer s.last(rec)

	if p := checkForm(r, path); p != nil {
		rec.refuse(w, p)
		return
	}
	ours := e.ours(r)
	switch {
	case ours && path == "/healthz" && reads(r):
		rec.skip()
		health(w)
	case strings.HasPrefix(path, "/s/"):
		s.publicService(w, r, path, st, rec, ours)
	case path == "/admin" || strings.HasPrefix(path, "/admin/"):
		rec.refuse(w, errNotFound)
	default:
		rec.skip() // whoever scans the internet
		errNotFound.write(w)
	}
}

func (s *Server) publicService(w http.ResponseWriter, r *http.Request, path string, st *state, rec *record, ours bool) {
	s.calls.Add(1)
	defer s.calls.Add(-1)
	t := targetOf(r, path)
	rec.stranger(st, t.name)
	network, addr := addressOf(rec.x.Remote)
	if left, pause := s.brake.lockedOut(network); left > 0 {
		refuseLockedOut(w, r, rec, left, pause)
		return
	}
	rt, p := s.admitPublic(r, st, t, rec, ours, addr)
	if rt != nil {
		s.brake.good(network)
	}
	if p == nil {
		r, p = s.ruled(w, r, rt, t, rec)
	}
	switch {
	case p == nil:
		s.carry(w, r, rt, t, rec, publicOrigin(r))
	case rt != nil || p.status >= http.StatusInternalServerError:
		rec.refuse(w, p) // the caller is who it should be, or it is not about the caller
	default:
		answer := errUnauthorized
		if rec.finish(answer.status, audit.Refused, p.reason()+s.braked(w, r, network, st.config.Brake)) != nil {
			answer = errNoRecord
		}
		answer.write(w)
	}
}

// admitPublic is every reason not to forward a call from the internet. It takes
// the same steps for each call until the token is found good; from then on the
// route comes with the problem.
func (s *Server) admitPublic(r *http.Request, st *state, t *target, rec *record, ours bool, addr netip.Addr) (*route, *problem) {
	switch {
	case s.paused.Load():
		return nil, errPaused
	case st == nil:
		return nil, errNoConfig
	}
	if p := st.publicProblem(); p != nil {
		return nil, p
	}
	svc := nobody
	rt, hidden := st.publicRoute(t.name, ours, addr)
	if rt != nil {
		svc = rt.service
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

// publicRoute is the service of that name, if callers from an address may know of
// it, or why not.
func (st *state) publicRoute(name string, ours bool, addr netip.Addr) (*route, *problem) {
	rt := st.routes[name]
	switch {
	case !ours:
		return nil, errNotOurs
	case rt == nil:
		return nil, errUnknown
	case !rt.service.Tunnel:
		return nil, errNotPublic
	case !allowed(rt.service, addr):
		return nil, errNotAllowed
	}
	return rt, nil
}

// allowed reports whether a service's callers may come from an address.
func allowed(svc *config.Service, addr netip.Addr) bool {
	if svc.AllowFrom == nil {
		return true
	}
	for _, p := range svc.AllowFrom {
		if p.Contains(addr) {
			return true
		}
	}
	return false
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
