package proxy

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/duplicate"
)

const (
	duplicateHeader = "X-Lockbox-Duplicate"
	// mostGuarded is how long a body may be that is compared.
	mostGuarded = 1 << 20
	// duplicateWait is how long a call waits for the same one that is under way:
	// platforms wait for some 30 seconds.
	duplicateWait = 20 * time.Second
	// leftBehind is how long a call goes on whose caller has left: the answer is for
	// its next try.
	leftBehind = 2 * time.Minute
)

var (
	errUnderWay = waiting(refuse(http.StatusConflict, "duplicate", "Duplicate under way", "The same call is under way, and has had no answer yet. It is not made twice: try again a little later."), "5")
	errKeyTaken = refuse(http.StatusUnprocessableEntity, "idempotency_key_reused", "Idempotency-Key reused", "Another call came with the same Idempotency-Key. Each call that is to be made needs one of its own.")
)

func waiting(p *problem, seconds string) *problem {
	p.fields = http.Header{"Retry-After": {seconds}}
	return p
}

// remembers reports whether a call is not to be made twice. A person's replay is.
func (rt *route) remembers(rec *record) bool {
	return rt.service.Duplicates > 0 && writes(rec.x.Method) && !rec.replays()
}

// once makes a call unless the same one was made before: then that one's answer is
// the answer.
func (c *call) once() {
	body, whole, err := c.readAhead()
	switch {
	case err != nil:
		c.refuse(c.w, errBody)
		return
	case !whole:
		c.rec.remark = "not_guarded: The body is longer than 1 MiB, so the call was not compared with those before it."
		c.in.Body = readCloser{io.MultiReader(bytes.NewReader(body), c.in.Body), c.in.Body}
		if p := c.server.limited(c.route, c.rec); p != nil {
			c.rec.refuse(c.w, p)
			return
		}
		c.forward()
		return
	case len(body) > 0:
		c.in.Body = readCloser{bytes.NewReader(body), c.in.Body}
	}
	key, all := c.sums(body)
	ctx, cancel := context.WithTimeout(c.in.Context(), duplicateWait)
	defer cancel()
	for {
		before, first := c.server.duplicates.Begin(key, all)
		if first {
			c.makeOnce(before, body)
			return
		}
		made, id, answer, err := c.server.duplicates.Wait(ctx, before)
		switch {
		case err == nil && !made:
			continue // it is for this one to try
		case before.Whole != all:
			c.decline(body, errKeyTaken)
		case err != nil && c.in.Context().Err() != nil:
			_ = c.rec.finish(statusCallerGone, audit.Failed, reasonCallerGone) // its failure was logged
			panic(http.ErrAbortHandler)
		case err != nil:
			c.decline(body, errUnderWay)
		case answer == nil:
			c.decline(body, refuse(http.StatusConflict, "duplicate", "Duplicate", fmt.Sprintf("The same call was made before (%s), and is not made twice. Its answer cannot be repeated: it was too long to be kept, or broke off.", id)))
		default:
			c.repeat(body, answer)
		}
		return
	}
}

type readCloser struct {
	io.Reader
	io.Closer
}

// readAhead reads the body, if it is not too long.
func (c *call) readAhead() (body []byte, whole bool, err error) {
	if c.in.Body == nil || c.in.ContentLength == 0 {
		return nil, true, nil
	}
	if c.in.ContentLength > mostGuarded {
		return nil, false, nil
	}
	deadlines := http.NewResponseController(c.w)
	from := readerFunc(func(p []byte) (int, error) {
		// Fails where there is no connection, as in tests; then nothing can stall.
		_ = deadlines.SetReadDeadline(time.Now().Add(c.server.stall))
		return c.in.Body.Read(p)
	})
	body, err = io.ReadAll(io.LimitReader(from, mostGuarded+1))
	_ = deadlines.SetReadDeadline(time.Time{})
	return body, len(body) <= mostGuarded, err
}

type readerFunc func([]byte) (int, error)

// Read implements io.Reader.
func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// sums are what tells calls apart, and all that the call is: the same but where the
// caller has a key of its own for it.
func (c *call) sums(body []byte) (key, all duplicate.Sum) {
	h := sha256.New()
	add(h, c.route.service.Name, c.rec.as.ID, strings.Join(c.rec.as.Audience, ","))
	caller := h.Sum(nil)
	add(h, c.route.service.BaseURL.String(), c.in.Method, c.rest, c.in.URL.RawQuery, string(body))
	for _, name := range slices.Sorted(maps.Keys(c.in.Header)) {
		if values := c.in.Header[name]; !hopByHop(name) && !differs(name) && !c.drops(name, values) {
			add(h, name)
			add(h, values...)
		}
	}
	h.Sum(all[:0])
	values := c.in.Header["Idempotency-Key"]
	if strings.Join(values, "") == "" {
		return all, all
	}
	h.Reset()
	h.Write(caller)
	add(h, "Idempotency-Key")
	add(h, values...)
	h.Sum(key[:0])
	return key, all
}

// add adds texts so that where one ends and the next begins counts too.
func add(h hash.Hash, texts ...string) {
	var n [8]byte
	binary.BigEndian.PutUint64(n[:], uint64(len(texts)))
	h.Write(n[:])
	for _, s := range texts {
		binary.BigEndian.PutUint64(n[:], uint64(len(s)))
		h.Write(n[:])
		h.Write([]byte(s))
	}
}

// differs reports whether a field says nothing of what is asked for, and may be
// another one at each try. All others count: two calls that are taken for one are
// worse than one that is made twice.
func differs(name string) bool {
	switch name {
	case "Idempotency-Key", "Content-Length", "Date", "User-Agent", "Expect", "Traceparent", "Tracestate", "Baggage", "Sentry-Trace", "B3",
		"X-Request-Id", "X-Correlation-Id", "X-Amzn-Trace-Id", "X-Cloud-Trace-Context", "Amz-Sdk-Request", "Amz-Sdk-Invocation-Id",
		"X-Stainless-Retry-Count", "X-Stripe-Client-Telemetry":
		return true
	}
	return strings.HasPrefix(name, "X-B3-") || strings.HasPrefix(name, "X-Datadog-")
}

// makeOnce makes the call, and remembers the answer. It goes on when its caller
// leaves: a platform that has lost its patience comes again, and then there is the
// answer.
func (c *call) makeOnce(begun *duplicate.Call, body []byte) {
	if p := c.server.limited(c.route, c.rec); p != nil {
		c.server.duplicates.End(begun, false, "", nil, 0)
		c.decline(body, p)
		return
	}
	ctx, stop := outlive(c.in.Context())
	defer stop()
	c.in = c.in.WithContext(ctx)
	w := &witness{ResponseWriter: c.w}
	c.w = w
	defer func() {
		id, made, whole := c.rec.outcome()
		var a *duplicate.Answer
		if made && whole && !w.long {
			a = &duplicate.Answer{ID: id, Status: w.status, Header: w.kept, Body: w.body}
		}
		c.server.duplicates.End(begun, made, id, a, c.route.service.Duplicates)
	}()
	c.forward()
}

// outcome says what became of a call: its record, whether the upstream has carried it
// out, as it says itself, and whether that answer has come whole. An upstream that
// refused, failed or said nothing is asked again.
func (c *record) outcome() (id string, made, whole bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	made = c.upstream >= 200 && c.upstream < 400
	return c.x.ID, made, c.x.Decision == audit.Allowed && c.err == nil
}

// outlive is a context that goes on for a while after its parent, while the program
// does.
func outlive(parent context.Context) (context.Context, func()) {
	ctx, cancel := context.WithCancel(context.WithoutCancel(parent))
	serving, ok := parent.Value(servingKey{}).(context.Context)
	if !ok {
		serving = context.Background()
	}
	stopLeft := context.AfterFunc(parent, func() {
		timer := time.NewTimer(leftBehind)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-serving.Done():
		case <-ctx.Done():
		}
		cancel()
	})
	return ctx, func() { stopLeft(); cancel() }
}

// witness keeps what is answered, and takes it all when the caller is gone.
type witness struct {
	http.ResponseWriter
	status int
	kept   http.Header
	body   []byte
	long   bool // too long to be kept
	gone   bool // the caller is
}

// Unwrap is for http.ResponseController.
func (w *witness) Unwrap() http.ResponseWriter { return w.ResponseWriter }

// WriteHeader implements http.ResponseWriter.
func (w *witness) WriteHeader(status int) {
	if status >= 200 {
		w.status, w.kept = status, w.Header().Clone()
	}
	w.ResponseWriter.WriteHeader(status)
}

// Write implements io.Writer. It does not fail.
func (w *witness) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	if w.long = w.long || len(w.body)+len(p) > duplicate.MostAnswer; w.long {
		w.body = nil
	} else {
		w.body = append(w.body, p...)
	}
	if !w.gone {
		_, err := w.ResponseWriter.Write(p)
		w.gone = err != nil
	}
	return len(p), nil
}

// Flush implements http.Flusher.
func (w *witness) Flush() {
	if !w.gone {
		_ = http.NewResponseController(w.ResponseWriter).Flush() // or the next Write fails
	}
}

// decline answers a call that is not made for the sake of another one.
func (c *call) decline(body []byte, p *problem) {
	c.rec.fromCaller(body)
	c.rec.refuse(c.w, p)
}

// repeat answers as the same call before was answered. It takes nothing of any limit.
func (c *call) repeat(body []byte, a *duplicate.Answer) {
	c.rec.fromCaller(body)
	h := c.w.Header()
	for name, values := range a.Header {
		if name != http.CanonicalHeaderKey(rateLimit) && name != http.CanonicalHeaderKey(rateLimitPolicy) && name != "Trailer" {
			h[name] = slices.Clone(values)
		}
	}
	h.Set(duplicateHeader, a.ID)
	c.rec.response(a.Status, h)
	c.rec.fromUpstream(a.Body)
	if err := c.finish(audit.Allowed, fmt.Sprintf("duplicate: The same call was made before, as %s: this is the answer of then, and the API was not asked again.", a.ID)); err != nil {
		clear(h)
		errNoRecord.write(c.w, c.in)
		return
	}
	c.w.WriteHeader(a.Status)
	_, _ = c.w.Write(a.Body) // the caller may be gone
}
