package audit

import (
	"encoding/base64"
	"math/bits"
	"net/http"
	"slices"
	"strconv"
	"time"
	"unicode/utf8"
)

// appendContent appends x as encoding/json writes it, from its time on and without
// braces, in a tenth of the time: each call waits for its record. A test holds
// the two equal.
func appendContent(b []byte, x *Exchange) []byte {
	b = append(b, `"time":"`...)
	b = x.Time.AppendFormat(b, time.RFC3339Nano)
	b = append(b, '"')
	b = appendOptional(b, "service", x.Service)
	b = appendKey(append(b, ','), "method", x.Method)
	b = appendKey(append(b, ','), "path", x.Path)
	b = appendOptional(b, "query", x.Query)
	b = appendInt(b, "status", int64(x.Status))
	b = appendInt(b, "duration_ns", int64(x.Duration))
	b = appendInt(b, "bytes_in", x.BytesIn)
	b = appendInt(b, "bytes_out", x.BytesOut)
	b = appendOptional(b, "audience", x.Audience)
	b = appendOptional(b, "jti", x.JTI)
	b = appendKey(append(b, ','), "listener", x.Listener)
	b = appendKey(append(b, ','), "remote", x.Remote)
	b = appendKey(append(b, ','), "decision", string(x.Decision))
	b = appendOptional(b, "reason", x.Reason)
	b = appendOptional(b, "rule", x.Rule)
	b = appendOptional(b, "event", x.Event)
	b = appendOptional(b, "drift", x.Drift)
	b = appendOptional(b, "replay_of", x.ReplayOf)
	b = appendHeader(b, "request_header", x.RequestHeader, x.requestHeader)
	b = appendHeader(b, "response_header", x.ResponseHeader, x.responseHeader)
	b = appendBody(b, "request_body", x.RequestBody)
	return appendBody(b, "response_body", x.ResponseBody)
}

func appendName(b []byte, name string) []byte {
	b = append(b, '"')
	b = append(b, name...)
	return append(b, '"', ':')
}

func appendKey(b []byte, name, value string) []byte { return appendString(appendName(b, name), value) }

func appendOptional(b []byte, name, value string) []byte {
	if value == "" {
		return b
	}
	return appendKey(append(b, ','), name, value)
}

func appendInt(b []byte, name string, n int64) []byte {
	return strconv.AppendInt(appendName(append(b, ','), name), n, 10)
}

func appendHeader(b []byte, name string, h http.Header, encoded []byte) []byte {
	switch {
	case len(encoded) > 0:
		return append(appendName(append(b, ','), name), encoded...)
	case len(h) > 0:
		return appendFields(appendName(append(b, ','), name), h)
	}
	return b
}

func appendFields(b []byte, h http.Header) []byte {
	var room [32]string
	names := room[:0]
	for n := range h {
		names = append(names, n)
	}
	slices.Sort(names)
	b = append(b, '{')
	for i, n := range names {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(appendString(b, n), ':')
		if h[n] == nil {
			b = append(b, "null"...)
			continue
		}
		b = append(b, '[')
		for j, v := range h[n] {
			if j > 0 {
				b = append(b, ',')
			}
			b = appendString(b, v)
		}
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendBody(b []byte, name string, body *Body) []byte {
	if body == nil {
		return b
	}
	b = append(appendName(append(b, ','), name), '{')
	if body.Text != "" {
		b = append(appendKey(b, "text", body.Text), ',')
	}
	if len(body.Base64) > 0 {
		b = append(appendName(b, "base64"), '"')
		b = base64.StdEncoding.AppendEncode(b, body.Base64)
		b = append(b, '"', ',')
	}
	b = strconv.AppendInt(appendName(b, "size"), body.Size, 10)
	b = appendOptional(b, "sha256", body.SHA256)
	if body.Truncated {
		b = append(b, `,"truncated":true`...)
	}
	b = appendOptional(b, "note", body.Note)
	return append(b, '}')
}

const hex = "0123456789abcdef"

// plainByte says which bytes stand for themselves in a JSON text that may also
// be put into HTML, as encoding/json has it.
var plainByte = func() (t [utf8.RuneSelf]bool) {
	for c := ' '; c < utf8.RuneSelf; c++ {
		t[c] = c != '"' && c != '\\' && c != '<' && c != '>' && c != '&'
	}
	return t
}()

func appendString(b []byte, s string) []byte {
	b = append(slices.Grow(b, len(s)+2), '"')
	start := 0
	for i := plainStart(s); i < len(s); i += plainStart(s[i:]) {
		c := s[i]
		if c < utf8.RuneSelf {
			b = appendEscape(append(b, s[start:i]...), c)
			i++
			start = i
			continue
		}
		r, n := utf8.DecodeRuneInString(s[i:])
		switch {
		case r == utf8.RuneError && n == 1:
			b = append(append(b, s[start:i]...), `\ufffd`...)
			start = i + n
		case r == '\u2028', r == '\u2029': // ends a line in old JavaScript
			b = append(append(b, s[start:i]...), `\u202`...)
			b = append(b, hex[r&0xf])
			start = i + n
		}
		i += n
	}
	b = append(b, s[start:]...)
	return append(b, '"')
}

// plainStart is how many bytes s begins with that are plain. It looks at eight at
// once, for a body is long, and most of it is.
func plainStart(s string) int {
	const low, high = 0x0101010101010101, 0x8080808080808080
	n := len(s)
	for ; len(s) >= 8; s = s[8:] {
		w := uint64(s[0]) | uint64(s[1])<<8 | uint64(s[2])<<16 | uint64(s[3])<<24 | uint64(s[4])<<32 | uint64(s[5])<<40 | uint64(s[6])<<48 | uint64(s[7])<<56
		// x-low sets the high bit of a byte that is 0, and where that borrows of
		// some after it: the first one is right. Of '"' and '&', as of '<' and '>',
		// one bit tells them apart, which is set for both.
		slash, quote, angle := w^low*'\\', (w|low*('"'^'&'))^low*('"'|'&'), (w|low*('<'^'>'))^low*('<'|'>')
		odd := w | (w-low*' ')&^w | (slash-low)&^slash | (quote-low)&^quote | (angle-low)&^angle
		if odd &= high; odd != 0 {
			return n - len(s) + bits.TrailingZeros64(odd)/8
		}
	}
	for i := range len(s) {
		if c := s[i]; c >= utf8.RuneSelf || !plainByte[c] {
			return n - len(s) + i
		}
	}
	return n
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\b':
		return append(b, '\\', 'b')
	case '\f':
		return append(b, '\\', 'f')
	case '\n':
		return append(b, '\\', 'n')
	case '\r':
		return append(b, '\\', 'r')
	case '\t':
		return append(b, '\\', 't')
	}
	return append(b, '\\', 'u', '0', '0', hex[c>>4], hex[c&0xf])
}
