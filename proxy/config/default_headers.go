package config

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"

	"github.com/tailscale/hujson"
)

// DefaultHeader is a header that a service's calls have unless their caller sends
// it. It is no secret.
type DefaultHeader struct {
	Name  string // as written; unique but for case
	Value string
}

// defaultHeaders reads default_headers; null is none.
func (d *decoder) defaultHeaders(v *hujson.Value) []DefaultHeader {
	const field = "default_headers"
	if isNull(v) {
		return nil
	}
	o := d.object(v, field)
	if o == nil {
		return nil
	}
	var headers []DefaultHeader
	for i, name := range o.names {
		value, ok := d.text(&o.members[i].Value, field+"/"+name)
		if !ok {
			continue
		}
		h := DefaultHeader{name, value}
		if err := h.check(headers); err != nil {
			d.fail(&o.members[i].Name, field, "%v", err)
			continue
		}
		headers = append(headers, h)
	}
	return headers
}

// check says what is wrong with a header beside those before it. Neither name nor
// value is repeated: somebody may have put a key there.
func (h DefaultHeader) check(before []DefaultHeader) error {
	if err := CheckHeaderName(h.Name); err != nil {
		return err
	}
	canonical := textproto.CanonicalMIMEHeaderKey(h.Name)
	switch canonical {
	case "Authorization", "Cookie", "Proxy-Authorization":
		return fmt.Errorf("the header %s holds a key, which belongs into the credential", canonical)
	}
	if slices.ContainsFunc(before, func(x DefaultHeader) bool { return textproto.CanonicalMIMEHeaderKey(x.Name) == canonical }) {
		return fmt.Errorf("the header %s is there twice", canonical)
	}
	if h.Value == "" || !readable(h.Value) {
		return errors.New("a header's value is empty or no valid text")
	}
	return checkHeaderValue(h.Value)
}

func checkDefaultHeaders(headers []DefaultHeader) error {
	for i, h := range headers {
		if err := h.check(headers[:i]); err != nil {
			return fmt.Errorf("default_headers: %w", err)
		}
	}
	return nil
}

// putDefaultHeaders writes what defaultHeaders reads.
func (e *editor) putDefaultHeaders(l *list, s *Service) error {
	const key = "default_headers"
	if len(s.DefaultHeaders) == 0 && l.isNull(key) {
		return nil
	}
	o, err := e.openObject(l, serviceKeys, s.Name, key, key)
	if err != nil {
		return err
	}
	names := make([]string, len(s.DefaultHeaders))
	for k, h := range s.DefaultHeaders {
		names[k] = h.Name
	}
	o.arrange(names,
		func(it *item) string { return text(it.name.Value) },
		func(it *item, k int) { setText(&it.name, names[k]); setText(&it.value, s.DefaultHeaders[k].Value) },
		func(k int) item { return o.member(names[k], hujson.String("")) })
	o.store()
	return nil
}
