package audit

import (
	"net/http"
	"slices"
	"strings"

	"lockbox/proxy/secret"
)

// Shown makes the header of a record: redacted and encoded. It remembers the last
// one, for on a connection most fields are the same in each call, and to redact them
// is much of what a record costs. The zero Shown is ready. It is of one goroutine.
type Shown struct {
	redactor *Redactor // that the rest was made with; nil: there is none
	fields   []field   // sorted by name
	text     []byte
}

// field is a header field, and how it is recorded.
type field struct {
	name   string
	hidden bool
	values []string // none where they are hidden
	count  int      // of the values
	text   []byte   // empty without values
}

// Encode is r.Header(h) in JSON, nothing where that is empty. It is good until the
// next call.
func (s *Shown) Encode(r *Redactor, h http.Header) []byte {
	if s.redactor != r || !s.follow(h) {
		s.redactor = r
		if !s.begin(h) {
			s.redactor, s.text = nil, s.text[:0]
			if shown := r.Header(h); len(shown) > 0 {
				s.text = appendFields(s.text, shown)
			}
		}
	}
	return s.text
}

// follow makes what is new in h. It reports false if other fields are in h than
// in the last one.
func (s *Shown) follow(h http.Header) bool {
	if len(h) != len(s.fields) {
		return false
	}
	changed := false
	for i := range s.fields {
		f := &s.fields[i]
		values, ok := h[f.name]
		if !ok {
			return false
		}
		if len(values) != f.count || !f.hidden && !slices.Equal(values, f.values) {
			f.set(s.redactor, values)
			changed = true
		}
	}
	if changed {
		s.join()
	}
	return true
}

// begin makes all anew. It reports false if a field's name holds a secret.
func (s *Shown) begin(h http.Header) bool {
	s.fields = slices.Grow(s.fields[:0], len(h))[:len(h)]
	i := 0
	for name := range h {
		s.fields[i].name = name
		i++
	}
	slices.SortFunc(s.fields, func(a, b field) int { return strings.Compare(a.name, b.name) })
	for i := range s.fields {
		f := &s.fields[i]
		shown := shownCanonical[f.name] // no secret is called so
		if !shown {
			if s.redactor.Text(f.name) != f.name {
				return false
			}
			shown = harmless(f.name)
		}
		f.hidden = !shown
		f.set(s.redactor, h[f.name])
	}
	s.join()
	return true
}

func (s *Shown) join() {
	b := append(s.text[:0], '{')
	for i := range s.fields {
		if text := s.fields[i].text; len(text) > 0 {
			b = append(append(b, text...), ',')
		}
	}
	if b[len(b)-1] != ',' {
		s.text = b[:0]
		return
	}
	b[len(b)-1] = '}'
	s.text = b
}

func (f *field) set(r *Redactor, values []string) {
	f.count, f.values, f.text = len(values), f.values[:0], f.text[:0]
	if len(values) == 0 {
		return
	}
	f.text = append(appendString(f.text, f.name), ':')
	open := byte('[')
	for _, v := range values {
		f.text = append(f.text, open)
		open = ','
		if f.hidden {
			v = secret.Redacted
		} else {
			f.values = append(f.values, v)
			v = r.address(v)
		}
		f.text = appendString(f.text, v)
	}
	f.text = append(f.text, ']')
}
