package proxy

import (
	"context"
	"errors"
	"io"
	"log"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/credential"
	"lockbox/proxy/guard"
)

var errSwitched = errors.New("the upstream switched to a protocol that nobody asked for")

const reasonCallerGone = "caller_aborted: The caller left before it had the whole answer."

// call is one admitted call to a service.
type call struct {
	server  *Server
	route   *route
	w       http.ResponseWriter
	in      *http.Request
	rest    string  // the path after the service's name, as it came: "" or from a slash on
	token   string  // the service token it came with, "" for none
	browser bool    // a browser sent it
	upgrade bool    // it asks for a WebSocket
	here    address // where the service is for the caller
	rec     *record
	body    *requestBody // nil: none
	ready   *credential.Ready
	guard   *guard.Guard // of the answer; nil before it, or where nothing is looked for
	trailer http.Header  // the request's, as the upstream gets them
	over    atomic.Bool  // the connection may be at its next request
}

// forward carries the call to the upstream and the answer back.
func (c *call) forward() {
	ctx := c.in.Context()
	c.upgrade = webSocket(c.in)
	if c.upgrade {
		// Once hijacked, a connection is out of the server's hands: end it when
		// Serve's context does.
		var cancel context.CancelFunc
		ctx, cancel = context.WithCancel(ctx)
		defer cancel()
		if serving, ok := ctx.Value(servingKey{}).(context.Context); ok {
			defer context.AfterFunc(serving, cancel)()
		}
	}
	c.in = c.in.WithContext(ctx)
	if !c.prepare(ctx) {
		return
	}
	if !c.upgrade && c.in.Header["Upgrade"] != nil {
		// h2c, above all, would tunnel what is never looked at.
		c.in.Header = c.in.Header.Clone()
		c.in.Header.Del("Upgrade")
	}
	if c.in.ContentLength != 0 && c.in.Body != nil {
		c.body = &requestBody{ReadCloser: c.in.Body, call: c}
		c.in.Body = c.body
		// Or the server would swallow up to 256 KB of a body that is still being
		// sent when the answer begins. Fails for what is no HTTP/1, where it is
		// not needed.
		_ = http.NewResponseController(c.w).EnableFullDuplex()
	}
	proxy := httputil.ReverseProxy{
		Rewrite:        c.rewrite,
		Transport:      c.transport(),
		ModifyResponse: c.answer,
		ErrorHandler:   c.fail,
		FlushInterval:  -1,
		ErrorLog:       silent, // what goes wrong is logged and recorded by us
		BufferPool:     &buffers,
	}
	defer c.over.Store(true)
	proxy.ServeHTTP(c.w, c.in)
}

// transport is how the call gets to its upstream.
func (c *call) transport() http.RoundTripper {
	t := c.route.carry(c.ready, c.hop)
	if c.route.guards != nil {
		t = &interim{next: t, call: c}
	}
	return t
}

var silent = log.New(io.Discard, "", 0)

// webSocket reports whether the request is the beginning of a WebSocket
// (RFC 6455, section 4.1), the one protocol that is switched to.
func webSocket(r *http.Request) bool {
	if u := r.Header["Upgrade"]; r.Method != http.MethodGet || len(u) != 1 || !strings.EqualFold(u[0], "websocket") {
		return false
	}
	for _, v := range r.Header["Connection"] {
		for option := range strings.SplitSeq(v, ",") {
			if strings.EqualFold(strings.TrimSpace(option), "upgrade") {
				return true
			}
		}
	}
	return false
}

// prepare gets the credential ready. Without it the call is answered.
func (c *call) prepare(ctx context.Context) bool {
	ready, err := c.route.ready(ctx)
	if err == nil {
		c.ready = ready
		c.rec.with(ready)
		return true
	}
	c.rec.pass.Return() // the call cannot be made
	c.fail(c.w, c.in, err)
	return false
}

// ready is the route's credential for one call. The demo is called without.
func (rt *route) ready(ctx context.Context) (*credential.Ready, error) {
	if rt.service.BaseURL.Scheme == demoScheme {
		return (&credential.Applier{}).Ready(ctx)
	}
	return rt.credential.Ready(ctx)
}

// rewrite makes the upstream's request of the caller's, less the credential,
// which the carrier puts on. Hop-by-hop headers are gone by then, and with them
// those that the caller named in Connection: it cannot name the credential's.
func (c *call) rewrite(pr *httputil.ProxyRequest) {
	out := pr.Out
	setTarget(out, c.route.service.BaseURL, c.rest, pr.In.URL.RawQuery, pr.In.URL.ForceQuery)
	c.cleanHeader(out.Header)
	for _, h := range c.route.service.DefaultHeaders {
		if name := http.CanonicalHeaderKey(h.Name); out.Header[name] == nil {
			out.Header[name] = []string{h.Value}
		}
	}
	c.route.guards.narrow(out.Header)
	sendOnce(out.Header)
	c.trailer = nil
	for name := range pr.In.Trailer {
		if !c.drops(name, nil) {
			if c.trailer == nil {
				c.trailer = http.Header{}
			}
			c.trailer[name] = nil // announced; passTrailers has the values
		}
	}
	out.Trailer = c.trailer
}

// passTrailers copies the trailers that came after the caller's body, but only
// announced ones.
func (c *call) passTrailers() {
	for name := range c.trailer {
		if values := c.in.Trailer[name]; !c.drops(name, values) {
			c.trailer[name] = values
		}
	}
}

// setTarget points a request at a path below base, byte for byte.
func setTarget(r *http.Request, base *url.URL, rest, rawQuery string, forceQuery bool) {
	raw := base.EscapedPath() + rest
	if raw == "" {
		raw = "/"
	}
	path, err := url.PathUnescape(raw)
	if err != nil { // the server has parsed it before
		path = raw
	}
	u := &url.URL{Scheme: base.Scheme, Host: base.Host, Path: path, RawPath: raw, RawQuery: rawQuery, ForceQuery: forceQuery}
	// A URL encodes anew what RFC 3986 has no place for, { or raw UTF-8 for
	// instance. As Opaque it is sent as it is; from // on it would be a host.
	if u.EscapedPath() != raw && !strings.HasPrefix(raw, "//") {
		u.Opaque = raw
	}
	r.URL = u
	r.Host = "" // the URL's
}

// answer prepares the upstream's answer for the caller.
func (c *call) answer(res *http.Response) error {
	h := res.Header
	conn, switched := res.Body.(io.ReadWriteCloser)
	if res.StatusCode == http.StatusSwitchingProtocols && !(c.upgrade && switched && strings.EqualFold(h.Get("Upgrade"), "websocket")) {
		return errSwitched
	}
	if res.StatusCode == http.StatusUnauthorized {
		c.ready.Refused()
	}
	c.cleanAnswer(h)
	if err := c.guarded(res); err != nil {
		return err
	}
	c.rec.response(res.StatusCode, h)
	c.rec.limitState(h)
	if res.StatusCode == http.StatusSwitchingProtocols {
		res.Body = newSocket(conn, c)
		return nil
	}
	c.extendWrite()
	if res.Body == http.NoBody || res.ContentLength == 0 || c.in.Method == http.MethodHead {
		// The header is all there is.
		return c.finish(audit.Allowed, "")
	}
	left := res.ContentLength
	if len(res.Trailer) > 0 {
		// HTTP/2 has trailers after a body of known length; HTTP/1 only after
		// chunks.
		h.Del("Content-Length")
		left = -1
	}
	res.Body = &responseBody{ReadCloser: res.Body, res: res, call: c, left: left}
	return nil
}

// cleanAnswer changes what must not reach the caller as the upstream wrote it.
func (c *call) cleanAnswer(h http.Header) {
	for name := range h {
		// A page of another origin gets no permission to read, and nobody can
		// take the upstream's answer for a refusal of ours, or the upstream's
		// other addresses (RFC 7838) for ways to reach this listener.
		if strings.HasPrefix(name, "Access-Control-Allow-") || strings.HasPrefix(name, "X-Lockbox-") || name == "Alt-Svc" {
			delete(h, name)
		}
	}
	c.here.rewriteHeader(h)
	c.stripHeader(h)
	if c.browser {
		// All services share one origin here. In a sandbox, what one of them
		// serves cannot use the person's browser to call the others.
		h.Add("Content-Security-Policy", "sandbox")
	}
	if _, ok := h["Content-Type"]; !ok && c.w != nil {
		c.w.Header()["Content-Type"] = nil // or the server would guess one
	}
}

// finish records the call with the status that the upstream gave.
func (c *call) finish(decision audit.Decision, reason string) error {
	return c.rec.finish(c.rec.status(), decision, reason)
}

// extendWrite gives the caller time to take what is sent next.
func (c *call) extendWrite() {
	// Fails where there is no connection, as in tests; then nothing can stall.
	_ = http.NewResponseController(c.w).SetWriteDeadline(time.Now().Add(c.server.stall))
}

// fail answers a call that brought no answer from the upstream.
func (c *call) fail(w http.ResponseWriter, _ *http.Request, err error) {
	switch {
	case errors.Is(err, errNotRecorded):
		errRecord.write(w, c.in)
		return
	case c.body.tooLarge() != nil:
		c.end(w, c.body.tooLarge(), audit.Refused)
		return
	case c.body != nil && c.body.failed.Load():
		c.refuse(w, errBody)
		return
	case c.in.Context().Err() != nil:
		_ = c.rec.finish(statusCallerGone, audit.Failed, reasonCallerGone) // its failure was logged
		panic(http.ErrAbortHandler)                                        // returning would mean an empty 200
	}
	p := upstreamProblem(c.route.service.Name, err)
	c.server.log.Warn("a call to an upstream failed", "service", c.route.service.Name, "code", p.code, "why", c.route.redactor.now().Text(err.Error()))
	c.refuse(w, p)
}

// refuse records that a call failed on its way and answers with why.
func (c *call) refuse(w http.ResponseWriter, p *problem) { c.end(w, p, audit.Failed) }

func (c *call) end(w http.ResponseWriter, p *problem, decision audit.Decision) {
	if err := c.rec.finish(p.status, decision, p.reason()); err != nil {
		p = errRecord
	}
	if c.body != nil && !c.body.ended.Load() {
		// In full duplex the server would read what is left of the body when it
		// already waits for the next request, and panic.
		w.Header().Set("Connection", "close")
	}
	c.rec.limitState(w.Header())
	p.write(w, c.in)
}

// buffers are the 32 KB that a body passes through.
var buffers bufferPool

type bufferPool struct{ pool sync.Pool }

// Get implements httputil.BufferPool.
func (b *bufferPool) Get() []byte {
	if p, ok := b.pool.Get().(*[]byte); ok {
		return *p
	}
	return make([]byte, 32<<10)
}

// Put implements httputil.BufferPool.
func (b *bufferPool) Put(p []byte) { b.pool.Put(&p) }
