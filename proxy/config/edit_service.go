package config

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/tailscale/hujson"
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
	if err := s.checkWaiting(); err != nil {
		return err
	}
	if s.Tunnel && !s.RequiresServiceToken {
		return fmt.Errorf("tunnel: %w", errTunnelOpen)
	}
	if err := checkDefaultHeaders(s.DefaultHeaders); err != nil {
		return err
	}
	if err := checkControl(s); err != nil {
		return err
	}
	return CheckCredential(s.Credential)
}

func (s *Service) checkWaiting() error {
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
	return nil
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
	if err := e.putDefaultHeaders(l, s); err != nil {
		return err
	}
	return e.putControl(l, s)
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
	putTexts(l, key, serviceKeys, audiences)
}

// putTexts writes a list of texts.
func putTexts(l *list, key string, known, texts []string) {
	v := l.set(key, known)
	if v.Value.Kind() != '[' {
		v.Value = &hujson.Array{}
	}
	elements := l.elements(&l.items[l.find(key)], v.Value.(*hujson.Array))
	elements.arrange(texts,
		func(it *item) string { return text(it.value.Value) },
		func(it *item, k int) { setText(&it.value, texts[k]) },
		func(k int) item { return item{value: hujson.Value{Value: hujson.String(texts[k])}} })
	elements.store()
}
