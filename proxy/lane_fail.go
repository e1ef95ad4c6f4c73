package proxy

import (
	"errors"
	"io"
	"net/http"
	"time"

	"lockbox/proxy/audit"
)

var (
	errCallerGone = errors.New("the caller left")
	errBrokenOff  = errors.New("the upstream broke off its answer")
)

// brokenOff sends on what there is of an answer that has no end.
func (x *laneCall) brokenOff(p []byte) error {
	if !x.gone.Load() {
		x.begun = true
		_ = x.write(p) // the connection ends in any case
	}
	return errBrokenOff
}

// fail ends a call that brought no answer, or not all of one.
func (x *laneCall) fail(err error) verdict {
	switch {
	case x.gone.Load(), x.aborted.Load(), errors.Is(err, errCallerGone):
		status := statusCallerGone
		if x.begun {
			status = x.rec.status()
		}
		_ = x.rec.finish(status, audit.Failed, reasonCallerGone) // its failure was logged
		return closeNow
	case x.begun:
		_ = x.finish(audit.Failed, "upstream_aborted: The upstream broke off its answer.")
		return closeNow // the caller must see that there is no end
	case errors.Is(err, errNotRecorded):
		return x.say(errRecord)
	case x.badBody.Load():
		return x.refuse(errBody)
	}
	p := upstreamProblem(x.route.service.Name, err)
	x.server.log.Warn("a call to an upstream failed", "service", x.route.service.Name, "code", p.code, "why", x.route.redactor.now().Text(err.Error()))
	return x.refuse(p)
}

// refuse records that a call failed on its way and answers with why.
func (x *laneCall) refuse(p *problem) verdict {
	if err := x.rec.finish(p.status, audit.Failed, p.reason()); err != nil {
		p = errRecord
	}
	return x.say(p)
}

// say answers with a problem of our own.
func (x *laneCall) say(p *problem) verdict {
	w := laneProblem{header: http.Header{}}
	p.write(&w, x.in)
	b := appendHeader(appendStatus(x.out[:0], w.status), w.header)
	clear(x.header)
	b = x.endHead(b)
	if x.in.Method != http.MethodHead {
		b = append(b, w.body...)
	}
	x.out = b
	switch {
	case x.write(b) != nil:
		return closeNow
	case !x.hasBodySoon():
		return x.linger()
	case x.last:
		return closeNow
	}
	return keepOpen
}

// laneProblem collects what a problem writes.
type laneProblem struct {
	header http.Header
	status int
	body   []byte
}

// Header implements http.ResponseWriter.
func (w *laneProblem) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (w *laneProblem) WriteHeader(status int) { w.status = status }

// Write implements io.Writer.
func (w *laneProblem) Write(p []byte) (int, error) {
	w.body = append(w.body, p...)
	return len(p), nil
}

const (
	lingerTime  = 500 * time.Millisecond
	lingerBytes = 256 << 10
)

// linger ends a connection whose caller is still sending: closed at once, it
// would be reset, and the answer lost before it was read (RFC 9112, section 9.6).
func (x *laneCall) linger() verdict {
	if w, ok := x.nc.(interface{ CloseWrite() error }); ok {
		_ = w.CloseWrite()
	}
	_ = x.nc.SetReadDeadline(time.Now().Add(lingerTime))
	_, _ = io.CopyN(io.Discard, x.br, lingerBytes)
	return closeNow
}
