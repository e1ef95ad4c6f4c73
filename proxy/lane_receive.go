package proxy

import (
	"errors"
	"io"
	"net/http"
	"strconv"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/guard"
)

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
	x.rec.lentByUpstream(x.out[len(x.out)-len(body):])
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
