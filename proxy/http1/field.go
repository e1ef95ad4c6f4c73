// Package http1 reads the heads of plain HTTP/1.1 messages (RFC 9112), fast and
// strictly, and of nothing else: whatever is rare, old, optional or only nearly
// right is reported as not plain, for net/http to judge. It knows of bytes and
// nothing of Lockbox.
package http1

import (
	"net/http"
	"net/textproto"
	"strings"
)

// Field is one field line: the name in canonical form, the value without the
// white space around it.
type Field struct{ Name, Value string }

// maxFields is how many field lines a plain head has at most.
const maxFields = 64

// Fields are a head's field lines in their order.
type Fields []Field

// Header fills h, which is cleared first, with the fields; room is used for the
// values and returned for the next time.
func (f Fields) Header(h http.Header, room []string) []string {
	clear(h)
	room = room[:0]
	if cap(room) < len(f) {
		room = make([]string, 0, max(16, len(f)))
	}
	for _, x := range f {
		if before, ok := h[x.Name]; ok {
			h[x.Name] = append(before, x.Value) // copied: before is full
			continue
		}
		room = append(room, x.Value)
		n := len(room)
		h[x.Name] = room[n-1 : n : n]
	}
	return room
}

// isToken says which bytes a name is made of (RFC 9110, section 5.6.2).
var isToken = func() (t [256]bool) {
	for c := range t {
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9':
			t[c] = true
		}
	}
	for _, c := range "!#$%&'*+-.^_`|~" {
		t[c] = true
	}
	return t
}()

// isValue says which bytes a value is made of. Bytes from 0x80 on are allowed by
// the RFC (obs-text) in answers; a request with them is not plain.
var isValue = func() (t [256]bool) {
	for c := ' '; c < 0x7f; c++ {
		t[c] = true
	}
	t['\t'] = true
	return t
}()

// common are the canonical forms of names as clients write them.
var common = func() map[string]string {
	m := map[string]string{}
	for _, name := range []string{
		"accept", "accept-encoding", "accept-language", "authorization", "cache-control", "connection", "content-length",
		"content-type", "cookie", "date", "etag", "host", "idempotency-key", "last-modified", "server", "user-agent", "vary",
		"x-request-id", "accept-ranges", "content-encoding", "x-lockbox-token", "keep-alive",
	} {
		m[name] = textproto.CanonicalMIMEHeaderKey(name)
	}
	return m
}()

func canonical(name string) string {
	upper := true
	for i := range len(name) {
		c := name[i]
		if upper && 'a' <= c && c <= 'z' || !upper && 'A' <= c && c <= 'Z' {
			if s, ok := common[name]; ok {
				return s
			}
			return textproto.CanonicalMIMEHeaderKey(name)
		}
		upper = c == '-'
	}
	return name
}

// field reads the field line that s begins with and returns what follows it.
func field(s string, text bool) (f Field, rest string, ok bool) {
	i := 0
	for i < len(s) && isToken[s[i]] {
		i++
	}
	if i == 0 || i == len(s) || s[i] != ':' {
		return f, "", false
	}
	f.Name = canonical(s[:i])
	s = s[i+1:]
	for i = 0; i < len(s) && (isValue[s[i]] || text && s[i] >= 0x80); i++ {
	}
	if i+1 >= len(s) || s[i] != '\r' || s[i+1] != '\n' {
		return f, "", false
	}
	f.Value = trim(s[:i])
	return f, s[i+2:], true
}

func trim(s string) string {
	for s != "" && (s[0] == ' ' || s[0] == '\t') {
		s = s[1:]
	}
	for s != "" && (s[len(s)-1] == ' ' || s[len(s)-1] == '\t') {
		s = s[:len(s)-1]
	}
	return s
}

// plainField notes what a field says of body and connection. It reports false
// for all that says more than a plain message does.
func plainField(f Field, body *int64, closes *bool) bool {
	switch f.Name {
	case "Content-Length":
		n, ok := length(f.Value)
		if !ok || *body >= 0 {
			return false
		}
		*body = n
	case "Connection":
		if strings.EqualFold(f.Value, "close") {
			*closes = true
			return true
		}
		return strings.EqualFold(f.Value, "keep-alive")
	case "Transfer-Encoding", "Upgrade", "Expect", "Te", "Trailer", "Keep-Alive", "Proxy-Connection", "Http2-Settings":
		return false
	}
	return true
}

// length reads a Content-Length: digits alone, few enough for an int64, and none
// that could be left out.
func length(s string) (int64, bool) {
	if s == "" || len(s) > 18 || len(s) > 1 && s[0] == '0' {
		return 0, false
	}
	var n int64
	for i := range len(s) {
		if s[i] < '0' || s[i] > '9' {
			return 0, false
		}
		n = n*10 + int64(s[i]-'0')
	}
	return n, true
}

// Lacks reports whether no field has that name, which is in canonical form.
func (f Fields) Lacks(name string) bool {
	for i := range f {
		if f[i].Name == name {
			return false
		}
	}
	return true
}

// First reports whether no field before the i-th has its name.
func (f Fields) First(i int) bool {
	for j := range i {
		if f[j].Name == f[i].Name {
			return false
		}
	}
	return true
}
