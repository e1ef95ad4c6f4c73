package proxy

import (
	"bytes"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/net/http/httpguts"

	"lockbox/proxy/audit"
	"lockbox/proxy/guard"
)

// hopByHop reports whether a field is the connection's and not the message's
// (RFC 9110, section 7.6.1).
func hopByHop(name string) bool {
	switch name {
	case "Connection", "Keep-Alive", "Proxy-Connection", "Proxy-Authenticate", "Proxy-Authorization", "Te", "Trailer", "Transfer-Encoding", "Upgrade":
		return true
	}
	return false
}

// indexHeadEnd is where the head that p begins with ends, -1 if it does not.
func indexHeadEnd(p []byte) int {
	if i := bytes.Index(p, headEnd); i >= 0 {
		return i + len(headEnd)
	}
	return -1
}

// otherAnswer carries an answer that net/http has read.
func (x *laneCall) otherAnswer(res *http.Response) error {
	dropHops(res.Header)
	if x.guard != nil {
		return x.withGuard(res, func() error { return x.sendOther(res) })
	}
	return x.sendOther(res)
}

func (x *laneCall) sendOther(res *http.Response) error {
	x.accept(res.StatusCode, res.Header)
	x.header = res.Header
	empty := !x.hasBody(res.StatusCode) || res.ContentLength == 0
	chunked := !empty && res.ContentLength < 0
	if chunked {
		x.header.Del("Content-Length")
	}
	b := appendStatus(x.out, res.StatusCode)
	b = appendHeader(b, x.header)
	trailers := announced(res)
	switch {
	case chunked:
		b = append(b, "Transfer-Encoding: chunked\r\n"...)
		for _, name := range trailers {
			b = appendField(b, "Trailer", name)
		}
	case empty && x.hasBody(res.StatusCode) && x.header["Content-Length"] == nil:
		b = append(b, "Content-Length: 0\r\n"...)
	}
	x.out = x.endHead(b)
	switch {
	case chunked:
		return x.copyChunks(res, trailers)
	case empty:
		return x.copyBody(http.NoBody, 0)
	}
	return x.copyBody(res.Body, res.ContentLength)
}

// dropHops deletes the fields that are the connection's, and those that its
// Connection field names.
func dropHops(h http.Header) {
	for _, options := range h["Connection"] {
		for option := range strings.SplitSeq(options, ",") {
			h.Del(strings.TrimSpace(option))
		}
	}
	for name := range h {
		if hopByHop(name) {
			delete(h, name)
		}
	}
}

// appendHeader leaves out what is no name: net/http reads upstreams' mistakes
// kindly, and nobody else has to.
func appendHeader(b []byte, h http.Header) []byte {
	for name, values := range h {
		if !httpguts.ValidHeaderFieldName(name) {
			continue
		}
		for _, v := range values {
			b = appendField(b, name, lines.Replace(v))
		}
	}
	return b
}

var lines = strings.NewReplacer("\r", " ", "\n", " ")

// appendStatus begins an answer.
func appendStatus(b []byte, status int) []byte {
	return fmt.Appendf(b, "HTTP/1.1 %03d %s\r\n", status, http.StatusText(status))
}

// announced are the trailers that the answer's head speaks of.
func announced(res *http.Response) []string { return slices.Sorted(maps.Keys(res.Trailer)) }

// copyChunks carries a body whose length nobody knows, piece by piece as it
// comes. Its last chunk waits for the record.
func (x *laneCall) copyChunks(res *http.Response, trailers []string) error {
	const frame = 16 // "ffffffff\r\n" before a piece and "\r\n" after it
	head := len(x.out)
	x.out = slices.Grow(x.out, 2*frame) // a head may fill it
	buf := x.out[:cap(x.out)]
	if x.dry() { // what comes may take its time
		x.begun = true
		if x.write(x.out) != nil {
			return errCallerGone
		}
		head = 0
	}
	for {
		// The size comes before the piece and is known after it.
		start := head + frame
		m, err := res.Body.Read(buf[start : len(buf)-2])
		x.rec.fromUpstream(buf[start : start+m])
		out := buf[:head]
		if m > 0 {
			size := strconv.AppendInt(nil, int64(m), 16)
			out = append(out, size...)
			out = append(out, "\r\n"...)
			copy(buf[len(out):], buf[start:start+m])
			out = buf[:len(out)+m]
			out = append(out, "\r\n"...)
		}
		switch {
		case err == io.EOF:
			x.guardHeader(res.Trailer, guard.InTrailer)
			if err := x.finish(audit.Allowed, ""); err != nil {
				return err
			}
			x.begun = true
			out = append(out, "0\r\n"...)
			for _, name := range trailers {
				for _, v := range res.Trailer[name] {
					out = appendField(out, name, v)
				}
			}
			if x.write(append(out, "\r\n"...)) != nil {
				return errCallerGone
			}
			return nil
		case err != nil:
			return x.brokenOff(out)
		}
		x.begun = true
		if x.write(out) != nil {
			return errCallerGone
		}
		head = 0
	}
}

// interim passes a 1xx answer on (RFC 9110, section 15.2).
func (x *laneCall) interim(res *http.Response) error {
	dropHops(res.Header)
	x.cleanAnswer(res.Header)
	x.guardHeader(res.Header, guard.InHeader)
	b := appendStatus(x.out[:0], res.StatusCode)
	x.out = append(appendHeader(b, res.Header), "\r\n"...)
	if x.write(x.out) != nil {
		return errCallerGone
	}
	return nil
}
