package audit

import (
	"compress/flate"
	"compress/gzip"
	"compress/zlib"
	"io"
	"net/http"
	"strings"
	"unicode/utf8"
)

// Body makes the record of a body: captured is its beginning as it was sent, size
// all of it, and limit how much of it is kept. It is unpacked to be read and to be searched for secrets; what
// cannot be unpacked is not kept.
func (r *Redactor) Body(h http.Header, captured string, size int64, limit int) *Body {
	b := &Body{Size: size, Truncated: size > int64(len(captured))}
	plain, note := unpack(h.Get("Content-Encoding"), captured, limit)
	if note != "" {
		b.Note = note
		return b
	}
	if len(plain) > limit {
		plain, b.Truncated = plain[:limit], true
	}
	if !utf8.ValidString(plain) && !(b.Truncated && utf8.ValidString(trimPartial(plain))) {
		b.Base64 = []byte(r.untorn(r.Text(plain), b.Truncated))
		return b
	}
	text := trimPartial(plain)
	if isForm(h) {
		text = r.Query(text)
	} else {
		text = r.Text(text)
	}
	b.Text = trimPartial(r.untorn(text, b.Truncated))
	return b
}

// untorn drops the end of what was cut off, where the first part of a secret may
// stand that could not be recognised. Whole ones before it are replaced by then.
func (r *Redactor) untorn(s string, truncated bool) string {
	if !truncated {
		return s
	}
	return s[:max(0, len(s)-r.longest())]
}

func isForm(h http.Header) bool {
	return strings.HasPrefix(strings.ToLower(h.Get("Content-Type")), "application/x-www-form-urlencoded")
}

// longest bounds the length of the forms that could be cut.
func (r *Redactor) longest() int {
	n := 0
	for ; r != nil; r = r.base {
		n = max(n, r.reach)
	}
	return n
}

// trimPartial drops a rune that the limit cut.
func trimPartial(s string) string {
	for i := 1; i <= utf8.UTFMax && i <= len(s); i++ {
		c := s[len(s)-i]
		if utf8.RuneStart(c) {
			if c >= utf8.RuneSelf && !utf8.FullRuneInString(s[len(s)-i:]) {
				return s[:len(s)-i]
			}
			break
		}
	}
	return s
}

// unpack undoes a Content-Encoding, up to limit plain bytes.
func unpack(encoding, packed string, limit int) (plain, note string) {
	var z io.Reader
	var err error
	switch strings.ToLower(strings.TrimSpace(encoding)) {
	case "", "identity":
		return packed, ""
	case "gzip", "x-gzip":
		z, err = gzip.NewReader(strings.NewReader(packed))
	case "deflate": // zlib by RFC 9110, bare deflate by habit
		if z, err = zlib.NewReader(strings.NewReader(packed)); err != nil {
			z, err = flate.NewReader(strings.NewReader(packed)), nil
		}
	default:
		return "", "the body is encoded in a way that is not read here, and was not kept"
	}
	if err != nil {
		return "", "the body could not be unpacked, and was not kept"
	}
	all, err := io.ReadAll(io.LimitReader(z, int64(limit)+1))
	if err != nil && len(all) == 0 {
		return "", "the body could not be unpacked, and was not kept"
	}
	return string(all), ""
}
