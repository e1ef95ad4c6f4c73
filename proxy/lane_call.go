package proxy

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"sync"
	"sync/atomic"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/guard"
)

// lanePiece is how much of a body goes through at a time, in bytes.
const lanePiece = 64 << 10

var lanePieces = sync.Pool{New: func() any { p := make([]byte, 0, lanePiece); return &p }}

// laneCall is a plain call under way.
type laneCall struct {
	*laneConn
	call
	to     *plainRoute
	target string // the path below the service and the query, as they came
	up     *laneUpstream
	out    []byte // what is about to be sent, to either side

	begun    bool          // the answer's head was sent
	last     bool          // it says that the connection ends with the answer
	uploaded chan struct{} // closed when the upstream has the body, whole
	done     atomic.Bool   // the answer is over: what fails now is of no account
	gone     atomic.Bool   // the caller is
	badBody  atomic.Bool   // the caller did not send all of it
	aside    bool          // the answer's body may be read by another goroutine
}

// carry sends the request, and the answer back.
func (x *laneCall) carry() verdict {
	piece := lanePieces.Get().(*[]byte)
	x.out = (*piece)[:0]
	defer func() { *piece = x.out[:0]; lanePieces.Put(piece) }()

	up, err := x.to.pool.get(x.in.Context())
	if err != nil {
		return x.fail(err)
	}
	x.up = up
	x.talking.Store(up)
	err = x.send()
	whole := false
	if err == nil {
		whole, err = x.receive()
	}
	uploaded := x.hasBodySoon()
	x.done.Store(true)
	if !uploaded {
		_ = up.nc.Close() // the rest of the body may be stuck on its way there
	}
	x.unwatch()
	x.talking.Store(nil)
	if whole && err == nil && uploaded {
		x.to.pool.put(up)
	} else {
		_ = up.nc.Close()
		upstreamReaders.put(up.br)
	}
	if err != nil {
		return x.fail(err)
	}
	if !uploaded {
		return x.linger()
	}
	if x.last {
		return closeNow
	}
	return keepOpen
}

// closed is the uploaded of bodies that went with their head.
var closed = func() chan struct{} { c := make(chan struct{}); close(c); return c }()

// hasBodySoon reports whether the upstream has the whole body, or gets the last
// of it in a moment: its answer may be here before we know.
func (x *laneCall) hasBodySoon() bool {
	switch {
	case x.req.Length <= 0:
		return true
	case x.uploaded == nil:
		return false // nothing was sent
	}
	select {
	case <-x.uploaded:
		return true
	default:
	}
	select {
	case <-x.uploaded:
		return true
	case <-time.After(patience):
		return false
	}
}

// send writes the request's head, and the body with it if it is there already.
// Otherwise the body follows from another goroutine, since the upstream may
// answer before it has all of it.
func (x *laneCall) send() error {
	x.head()
	length := max(x.req.Length, 0)
	if buffered := int64(x.br.Buffered()); length <= buffered {
		body, _ := x.br.Peek(int(length)) // it is in the buffer
		x.rec.fromCaller(body)
		x.out = append(x.out, body...)
		_, _ = x.br.Discard(len(body)) // it is in the buffer
		x.uploaded = closed
		x.up.begin(time.Now(), x.to.within, func() { x.watch(x.leave) })
		_, err := x.up.Write(x.out)
		return err
	}
	if _, err := x.up.Write(x.out); err != nil {
		return err
	}
	watched := make(chan struct{})
	x.watched, x.uploaded = watched, make(chan struct{})
	x.up.beginStream()
	go func() {
		defer close(watched)
		x.stream(length)
	}()
	return nil
}

// stream sends the body as it comes, and then watches the caller.
func (x *laneCall) stream(left int64) {
	piece := lanePieces.Get().(*[]byte)
	defer lanePieces.Put(piece)
	buf := (*piece)[:lanePiece]
	for left > 0 {
		x.readWithin(time.Now(), x.server.stall)
		n, err := x.br.Read(buf[:min(left, lanePiece)])
		x.rec.fromCaller(buf[:n])
		left -= int64(n)
		if n > 0 {
			if _, err := x.up.Write(buf[:n]); err != nil {
				return // the upstream has had enough: its answer says why
			}
		}
		if err != nil && left > 0 {
			if !x.done.Load() {
				x.badBody.Store(true)
				_ = x.up.nc.Close()
			}
			return
		}
	}
	close(x.uploaded)
	x.up.expect(x.to.within)
	_ = x.nc.SetReadDeadline(time.Time{}) // fails with the connection
	if !x.done.Load() {
		x.look(x.leave)
	}
}

// leave ends the call because the caller is gone.
func (x *laneCall) leave() {
	if !x.done.Load() {
		x.gone.Store(true)
		_ = x.up.nc.Close()
	}
}

// head writes the request's head as the upstream gets it.
func (x *laneCall) head() {
	b := append(x.out, x.in.Method...)
	b = append(b, ' ')
	b = append(b, x.to.path...)
	if x.to.path == "" && (x.target == "" || x.target[0] == '?') {
		b = append(b, '/')
	}
	b = append(b, x.target...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, x.to.host...)
	b = append(b, "\r\n"...)
	for i := range x.req.Fields {
		f := &x.req.Fields[i]
		if f.Name == "Accept-Encoding" && x.guard != nil {
			b = x.accepted(b, i)
			continue
		}
		if f.Name == "Connection" || f.Name == "Proxy-Authenticate" || x.drops(f.Name, x.in.Header[f.Name]) {
			continue
		}
		b = appendField(b, f.Name, f.Value)
	}
	if x.req.Length < 0 && (x.in.Method == http.MethodPost || x.in.Method == http.MethodPut || x.in.Method == http.MethodPatch) {
		b = append(b, "Content-Length: 0\r\n"...) // RFC 9110, section 8.6
	}
	b = append(b, x.to.fields...)
	x.out = append(b, "\r\n"...)
}

// accepted adds the codings of answers that the guard can read, in the place of the
// first field that has what the caller can.
func (x *laneCall) accepted(b []byte, i int) []byte {
	const name = "Accept-Encoding"
	if x.req.Fields.First(i) {
		for _, v := range guard.Accept(x.in.Header[name]) {
			b = appendField(b, name, v)
		}
	}
	return b
}

func appendField(b []byte, name, value string) []byte {
	b = append(b, name...)
	b = append(b, ": "...)
	b = append(b, value...)
	return append(b, "\r\n"...)
}

// receive carries the answer to the caller. whole reports whether the
// connection to the upstream can be used again.
func (x *laneCall) receive() (whole bool, err error) {
	for {
		head, err := x.answerHead()
		if err != nil {
			return false, err
		}
		x.out = x.out[:0]
		if head != "" && x.res.Parse(head) && x.hasBody(x.res.Status) && x.clean(head) {
			_, _ = x.up.br.Discard(len(head)) // it is in the buffer
			x.up.headRead()
			return !x.res.Close, x.plainAnswer()
		}
		// Chunks, trailers, old versions and odd spellings are read by net/http.
		res, err := http.ReadResponse(x.up.br, x.in) //nolint:bodyclose // closing it would drain it; its connection is closed, or read to its end
		if err != nil {
			return false, err
		}
		switch {
		case res.StatusCode == http.StatusSwitchingProtocols:
			return false, errSwitched
		case res.StatusCode >= 200:
			x.up.headRead()
			whole := !res.Close && res.ContentLength >= -1
			return whole, x.otherAnswer(res)
		case res.StatusCode != http.StatusContinue: // nobody waits for that one
			if err := x.interim(res); err != nil {
				return false, err
			}
		}
	}
}

// clean reports whether a plain answer can go the short way past the leak guard:
// its head, with the status's reason, holds no credential, and its body is not
// packed.
func (x *laneCall) clean(head string) bool {
	return x.guard == nil || x.res.Fields.Lacks("Content-Encoding") && !x.guard.Has(head)
}

// answerHead waits for a head and returns it, "" if it is longer than the buffer
// or ends otherwise than it should. It stays in the buffer.
func (x *laneCall) answerHead() (string, error) {
	br := x.up.br
	for n := 1; ; {
		if _, err := br.Peek(n); err != nil {
			if n > 1 && errors.Is(err, io.EOF) {
				return "", nil // net/http knows what to say
			}
			return "", err
		}
		p, _ := br.Peek(br.Buffered())
		if i := indexHeadEnd(p); i > 0 {
			return string(p[:i]), nil
		}
		if len(p) == br.Size() {
			return "", nil
		}
		n = len(p) + 1
	}
}

// plainAnswer carries an answer of a known length.
func (x *laneCall) plainAnswer() error {
	x.room = x.res.Fields.Header(x.header, x.room)
	x.accept(x.res.Status, x.header)
	length := x.res.Length
	switch {
	case x.guard == nil || length == 0:
		x.plainHead()
		return x.copyBody(x.up.br, length)
	case length > guard.MaxHeld:
		x.plainHead()
		return x.copyBody(x.guard.NewSized(x.up.br, length, x.leak), length)
	case length <= int64(x.up.br.Buffered()) && x.res.Status != http.StatusPartialContent:
		return x.bodyAtHand(int(length))
	}
	res := &http.Response{StatusCode: x.res.Status, Header: x.header, Body: io.NopCloser(io.LimitReader(x.up.br, length)), ContentLength: length}
	return x.withGuard(res, func() error {
		x.plainHead()
		return x.copyBody(res.Body, res.ContentLength)
	})
}

// withGuard has what the guard makes of an answer sent.
func (x *laneCall) withGuard(res *http.Response, send func() error) error {
	// Closing it would read on to its end; its connection is closed, or read to its
	// end.
	res.Body = io.NopCloser(res.Body)
	x.aside = true
	err := x.guarded(res)
	if err == nil {
		err = send()
	}
	if err != nil {
		_ = x.up.nc.Close() // ends who reads from it
	}
	_ = res.Body.Close()
	return err
}

// plainHead begins to send an answer's head, as it came but for the fields that
// were changed.
func (x *laneCall) plainHead() {
	b := append(x.out, "HTTP/1.1 "...)
	b = strconv.AppendInt(b, int64(x.res.Status), 10)
	b = append(b, ' ')
	b = append(b, x.res.Reason...)
	b = append(b, "\r\n"...)
	for i, f := range x.res.Fields {
		if values, ok := x.header[f.Name]; ok && !hopByHop(f.Name) && x.res.Fields.First(i) {
			for _, v := range values {
				b = appendField(b, f.Name, v)
			}
		}
	}
	x.out = x.endHead(b)
}

func (x *laneCall) leak(n int) { x.rec.leaked(guard.InBody, n) }

// bodyAtHand carries a body that came with its head, as small ones do.
func (x *laneCall) bodyAtHand(length int) error {
	body, err := x.up.br.Peek(length)
	if err != nil {
		return err
	}
	body, hits := x.guard.Bytes(body)
	if hits > 0 {
		x.leak(hits)
		guard.Changed(x.header)
		x.header["Content-Length"] = []string{strconv.Itoa(len(body))}
	}
	x.plainHead()
	x.out = append(x.out, body...)
	_, _ = x.up.br.Discard(length) // it is in the buffer
	x.rec.fromUpstream(body)
	if err := x.finish(audit.Allowed, ""); err != nil {
		return err
	}
	x.begun = true
	if x.write(x.out) != nil {
		return errCallerGone
	}
	return nil
}

// accept cleans an answer's header and notes it for the record.
func (x *laneCall) accept(status int, h http.Header) {
	x.cleanAnswer(h)
	x.rec.answer(status, h)
}

// endHead adds the fields that are Lockbox's and this connection's own.
func (x *laneCall) endHead(b []byte) []byte {
	b = x.rec.appendLimitState(b)
	if _, ok := x.header["Date"]; !ok {
		b = append(b, "Date: "...)
		b = time.Now().UTC().AppendFormat(b, http.TimeFormat)
		b = append(b, "\r\n"...)
	}
	if x.in.Close || x.lane.closing.Load() || !x.hasBodySoon() {
		x.last = true
		b = append(b, "Connection: close\r\n"...)
	}
	return append(b, "\r\n"...)
}

// dry reports whether the next bytes may take their time.
func (x *laneCall) dry() bool { return x.aside || x.up.br.Buffered() == 0 }

// copyBody carries left bytes. The last of them wait for the record.
func (x *laneCall) copyBody(from io.Reader, left int64) error {
	buf := x.out[:cap(x.out)]
	n := len(x.out) // the head goes out with the first bytes, if they are there
	if left > 0 && x.dry() {
		x.begun = true
		if x.write(buf[:n]) != nil {
			return errCallerGone
		}
		n = 0
	}
	for {
		for left > 0 && len(buf)-n > 0 {
			m, err := from.Read(buf[n : n+int(min(left, int64(len(buf)-n)))])
			x.rec.fromUpstream(buf[n : n+m])
			n += m
			left -= int64(m)
			if err != nil && left > 0 {
				return x.brokenOff(buf[:n])
			}
			if x.dry() {
				break // what there is goes out at once
			}
		}
		if left == 0 {
			if err := x.finish(audit.Allowed, ""); err != nil {
				return err
			}
		}
		x.begun = true
		if err := x.write(buf[:n]); err != nil {
			return errCallerGone
		}
		if left == 0 {
			return nil
		}
		n = 0
	}
}
