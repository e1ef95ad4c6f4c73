package guard

import (
	"net/http"
	"unsafe"
)

// Has reports whether s holds a secret.
func (g *Guard) Has(s string) bool {
	if g == nil || len(s) < MinLength {
		return false
	}
	var room [8]span
	return len(g.find(unsafe.Slice(unsafe.StringData(s), len(s)), room[:0])) > 0 //nolint:gosec // read only
}

// Text replaces the secrets in s and counts them.
func (g *Guard) Text(s string) (string, int) {
	if !g.Has(s) {
		return s, 0
	}
	out, n := g.Bytes([]byte(s))
	return string(out), n
}

// Bytes replaces the secrets in p, which is all of a text, and counts them. p is
// returned as it is where there are none.
func (g *Guard) Bytes(p []byte) ([]byte, int) {
	if g == nil {
		return p, 0
	}
	var room [8]span
	found := g.find(p, room[:0])
	if len(found) == 0 {
		return p, 0
	}
	var f filter
	out, n := f.replace(nil, p, len(p), found)
	return out, n
}

// Header replaces the secrets in a header and counts them. A field whose name
// holds one goes.
func (g *Guard) Header(h http.Header) int {
	if g == nil {
		return 0
	}
	all := 0
	for name, values := range h {
		if g.Has(name) {
			delete(h, name)
			all++
			continue
		}
		for i, v := range values {
			text, n := g.Text(v)
			if n > 0 {
				values[i] = text
				all += n
			}
		}
	}
	return all
}
