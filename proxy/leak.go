package proxy

import (
	"errors"
	"fmt"
	"net/http"
	"net/http/httptrace"
	"net/textproto"
	"slices"
	"strings"
	"sync/atomic"

	"lockbox/proxy/config"
	"lockbox/proxy/credential"
	"lockbox/proxy/guard"
	"lockbox/proxy/secret"
)

// Leak is a credential that an upstream put into an answer, and that was replaced
// there.
type Leak struct {
	Service string
	Where   string // "header", "body", "trailer" or "message", where it was found first
}

var errExtended = errors.New("the upstream uses a WebSocket extension that it was not offered")

// guards know the secrets of a service that must not be in an answer, the access
// tokens included that it has at the moment. nil: the service has none.
type guards struct {
	strict  bool
	fixed   *guard.Guard
	secrets []secret.Value      // fixed's
	changes *credential.Applier // nil: has no others
	latest  atomic.Pointer[latestGuard]
}

type latestGuard struct {
	version uint64
	guard   *guard.Guard
}

func newGuards(svc *config.Service, applier *credential.Applier) *guards {
	secrets := applier.Secrets()
	if svc.LeakGuard == config.LeakGuardOff || len(secrets) == 0 && !applier.Changes() {
		return nil
	}
	d := &guards{strict: svc.LeakGuard == config.LeakGuardStrict, fixed: guard.New(secrets...), secrets: secrets}
	if applier.Changes() {
		d.changes = applier
	}
	return d
}

// warning says what of a service's credential is not looked for, "" if all is.
func (d *guards) warning(service string) string {
	if d == nil || guard.Short(d.secrets...) == 0 {
		return ""
	}
	return fmt.Sprintf("service %q: leak_guard: a part of the credential has less than %d bytes, and is not looked for in answers: it would be found by chance", service, guard.MinLength)
}

// now is the guard of what is secret in a call with that credential; nil where
// nothing is looked for.
func (d *guards) now(ready *credential.Ready) *guard.Guard {
	if d == nil {
		return nil
	}
	g := d.fixed
	if d.changes != nil {
		live, version := d.changes.Live()
		l := d.latest.Load()
		if l == nil || l.version != version {
			l = &latestGuard{version, guard.New(slices.Concat(d.secrets, live)...)}
			d.latest.Store(l)
		}
		g = l.guard
	}
	if ready != nil {
		g = g.With(ready.Secrets()...)
	}
	return g
}

// narrow changes what a request says that the upstream may do, to what can be
// looked at.
func (d *guards) narrow(h http.Header) {
	if d == nil {
		return
	}
	if values, ok := h["Accept-Encoding"]; ok {
		h["Accept-Encoding"] = guard.Accept(values)
	}
	delete(h, "Sec-Websocket-Extensions")
}

// guarded has an answer go on without the credential.
func (c *call) guarded(res *http.Response) error {
	c.guard = c.route.guards.now(c.ready)
	if c.guard == nil {
		return nil
	}
	if res.StatusCode == http.StatusSwitchingProtocols && len(res.Header["Sec-Websocket-Extensions"]) > 0 {
		return errExtended
	}
	return c.guard.Answer(res, c.hasBody(res.StatusCode), c.route.guards.strict, c.rec.leaked)
}

// hasBody reports whether an answer's Content-Length is that of a body
// (RFC 9112, section 6.3).
func (c *call) hasBody(status int) bool {
	return c.in.Method != http.MethodHead && status != http.StatusNoContent && status != http.StatusNotModified && status != http.StatusSwitchingProtocols
}

// guardHeader is guarded for what is a header alone.
func (c *call) guardHeader(h http.Header, where string) {
	g := c.guard
	if g == nil {
		g = c.route.guards.now(c.ready)
	}
	if n := g.Header(h); n > 0 {
		c.rec.leaked(where, n)
	}
}

// interim guards the 1xx answers that come before a call's answer.
type interim struct {
	next http.RoundTripper
	call *call
}

// RoundTrip implements http.RoundTripper.
func (i *interim) RoundTrip(r *http.Request) (*http.Response, error) {
	return i.next.RoundTrip(r.WithContext(httptrace.WithClientTrace(r.Context(), &httptrace.ClientTrace{
		// The last that is added is called first, before the one that sends it on.
		Got1xxResponse: func(_ int, h textproto.MIMEHeader) error {
			i.call.guardHeader(http.Header(h), guard.InHeader)
			return nil
		},
	})))
}

// leaks counts what was found in the answer of a call, by where.
type leaks []struct {
	where string
	n     int
}

// leaked notes n secrets that were found and replaced.
func (c *record) leaked(where string, n int) {
	c.mu.Lock()
	first, service := len(c.leaks) == 0, c.x.Service
	i := 0
	for i < len(c.leaks) && c.leaks[i].where != where {
		i++
	}
	if i == len(c.leaks) {
		c.leaks = append(c.leaks, struct {
			where string
			n     int
		}{where, 0})
	}
	c.leaks[i].n += n
	route := c.route
	c.mu.Unlock()
	if m := c.server.metrics; m != nil {
		m.leaked(route, n)
	}
	if !first {
		return
	}
	c.server.log.Warn("the leak guard found the credential in an answer, and replaced it", "service", service, "where", where)
	if c.server.opts.OnLeak != nil {
		c.server.opts.OnLeak(Leak{service, where})
	}
}

// reason is what a record says of them beside its own reason.
func (l leaks) reason(own string) string {
	if len(l) == 0 {
		return own
	}
	var all []string
	for _, x := range l {
		all = append(all, fmt.Sprintf("%s %d", x.where, x.n))
	}
	s := "leak_guard: The upstream put the credential into its answer, and it was replaced: " + strings.Join(all, ", ") + "."
	if own != "" {
		return own + " " + s
	}
	return s
}
