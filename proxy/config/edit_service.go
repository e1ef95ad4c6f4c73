package config

import (
	"errors"
	"fmt"
	"net/textproto"
	"slices"
	"strconv"
	"time"

	"github.com/tailscale/hujson"

	"lockbox/proxy/secret"
)

// CheckService says what is wrong with a service that is to be written: the
// rules of Parse. The error begins with the field and holds no secret.
func CheckService(s *Service) error {
	if err := CheckName(s.Name); err != nil {
		return fmt.Errorf("name: %w", err)
	}
	if err := checkBaseURL(s.BaseURL); err != nil {
		return fmt.Errorf("base_url: %w", err)
	}
	if u, _, err := ParseBaseURL(s.BaseURL.String()); err != nil {
		return fmt.Errorf("base_url: %w", err)
	} else if u.String() != s.BaseURL.String() {
		return errors.New("base_url: is not written in its plain form")
	}
	for i, audience := range s.ValidAudiences {
		if err := CheckAudience(audience); err != nil {
			return fmt.Errorf("valid_audiences/%d: %w", i, err)
		}
	}
	for _, t := range []struct {
		field string
		d     time.Duration
	}{{"connect_timeout", s.ConnectTimeout}, {"read_timeout", s.ReadTimeout}} {
		if t.d == 0 {
			continue
		}
		if err := checkTimeout(t.d); err != nil {
			return fmt.Errorf("%s: %w", t.field, err)
		}
	}
	if s.Tunnel && !s.RequiresServiceToken {
		return fmt.Errorf("tunnel: %w", errTunnelOpen)
	}
	return CheckCredential(s.Credential)
}

// set is the value of that key, which it adds in its place among the known
// keys, as null, where it is missing.
func (l *list) set(key string, known []string) *hujson.Value {
	i := l.find(key)
	if i < 0 {
		i = len(l.items)
		rank := slices.Index(known, key)
		if rank == 0 {
			i = 0
		}
		for j := len(l.items) - 1; j >= 0; j-- {
			if r := slices.Index(known, text(l.items[j].name.Value)); r >= 0 && r < rank {
				i = j + 1
				break
			}
		}
		l.insert(i, l.member(key, hujson.Literal("null")))
	}
	return &l.items[i].value
}

// setText leaves a text that says the same already as it is written.
func setText(v *hujson.Value, s string) {
	if v.Value.Kind() != '"' || text(v.Value) != s {
		v.Value = hujson.String(s)
	}
}

// putService writes s into the members of its object.
func (e *editor) putService(l *list, s *Service) error {
	v := l.set("base_url", serviceKeys)
	if old, _, err := ParseBaseURL(text(v.Value)); err != nil || old.String() != s.BaseURL.String() {
		setText(v, s.BaseURL.String())
	}
	if err := e.putCredential(l, s); err != nil {
		return err
	}
	putBool(l, "requires_service_token", s.RequiresServiceToken, true)
	putAudiences(l, s.ValidAudiences)
	putTimeout(l, "connect_timeout", s.ConnectTimeout, DefaultConnectTimeout)
	putTimeout(l, "read_timeout", s.ReadTimeout, DefaultReadTimeout)
	putBool(l, "allow_redirects", s.AllowRedirects, false)
	putReach(l, s)
	return nil
}

func putBool(l *list, key string, b, or bool) {
	if l.find(key) >= 0 || b != or {
		l.set(key, serviceKeys).Value = hujson.Bool(b)
	}
}

func putTimeout(l *list, key string, t, or time.Duration) {
	if l.find(key) < 0 && t == or {
		return
	}
	v := l.set(key, serviceKeys)
	switch {
	case t == 0:
		v.Value = hujson.Literal("null")
	case v.Value.Kind() == '0' && (&decoder{}).timeout(v, "", 0) == t: // 5.0 says 5
	default:
		v.Value = hujson.Literal(strconv.FormatFloat(t.Seconds(), 'f', -1, 64))
	}
}

func putAudiences(l *list, audiences []string) {
	const key = "valid_audiences"
	if audiences == nil {
		if i := l.find(key); i >= 0 {
			l.items[i].value.Value = hujson.Literal("null")
		}
		return
	}
	v := l.set(key, serviceKeys)
	if v.Value.Kind() != '[' {
		v.Value = &hujson.Array{}
	}
	elements := l.elements(&l.items[l.find(key)], v.Value.(*hujson.Array))
	elements.arrange(audiences,
		func(it *item) string { return text(it.value.Value) },
		func(it *item, k int) { setText(&it.value, audiences[k]) },
		func(k int) item { return item{value: hujson.Value{Value: hujson.String(audiences[k])}} })
	elements.store()
}

// putCredential keeps what is in the credential's object, as far as it fits.
func (e *editor) putCredential(l *list, s *Service) error {
	const key = "credential"
	if s.Credential == nil {
		if i := l.find(key); i >= 0 {
			l.items[i].value.Value = hujson.Literal("null")
		}
		return nil
	}
	v := l.set(key, serviceKeys)
	if v.Value.Kind() != '{' {
		v.Value = &hujson.Object{}
	}
	o, err := e.objectAt(v, s.Name, key)
	if err != nil {
		return err
	}
	d := &decoder{}
	kept := d.credentialType(d.object(v, "")) == s.Credential.Type
	fields := l.members(&l.items[l.find(key)], o)
	if !kept {
		setText(fields.set("type", credentialKeys), string(s.Credential.Type))
		for i := len(fields.items) - 1; i >= 0; i-- {
			if name := text(fields.items[i].name.Value); name != "type" && slices.Contains(credentialKeys, name) {
				fields.take(i)
			}
		}
	}
	switch c := s.Credential; c.Type {
	case Basic:
		setSource(fields.set("username", credentialKeys), c.Username)
		setSource(fields.set("password", credentialKeys), c.Password)
	case Bearer:
		setSource(fields.set("token", credentialKeys), c.Token)
	case Headers:
		if err := e.putHeaders(fields, s); err != nil {
			return err
		}
	}
	fields.store()
	return nil
}

func (e *editor) putHeaders(fields *list, s *Service) error {
	const key = "headers"
	v := fields.set(key, credentialKeys)
	if v.Value.Kind() != '{' {
		v.Value = &hujson.Object{}
	}
	o, err := e.objectAt(v, s.Name, "credential/headers")
	if err != nil {
		return err
	}
	headers := s.Credential.Headers
	names := make([]string, len(headers))
	for k, h := range headers {
		names[k] = textproto.CanonicalMIMEHeaderKey(h.Name)
	}
	l := fields.members(&fields.items[fields.find(key)], o)
	l.arrange(names,
		func(it *item) string { return textproto.CanonicalMIMEHeaderKey(text(it.name.Value)) },
		func(it *item, k int) {
			setText(&it.name, headers[k].Name)
			setSource(&it.value, headers[k].Value)
		},
		func(k int) item { return l.member(headers[k].Name, hujson.String("")) })
	l.store()
	return nil
}

// setSource writes a reference, or a literal that comes from the file in the
// first place or from a user without a keychain.
func setSource(v *hujson.Value, s secret.Source) {
	if !s.IsRef() {
		setText(v, s.Literal.Reveal())
		return
	}
	if old, err := secret.ParseRef(text(v.Value)); err != nil || old != s.Ref { // a / may be written as %2F
		setText(v, s.Ref.String())
	}
}
