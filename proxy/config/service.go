package config

import (
	"errors"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"github.com/tailscale/hujson"
)

// serviceOf reads one service. key is its name in the file.
func (d *decoder) serviceOf(name string, key, v *hujson.Value) *Service {
	s := NewService(name, nil)
	o := d.object(v, "")
	if o == nil {
		return s
	}
	d.unknown(o, "", serviceKeys)
	if o.value("base_url") == nil {
		d.missing(&object{at: key, members: o.members, names: o.names}, "", "base_url")
	} else if raw, ok := d.text(o.value("base_url"), "base_url"); ok {
		u, warning, err := ParseBaseURL(raw)
		if err != nil {
			d.fail(o.value("base_url"), "base_url", "%v", err)
		}
		if warning != "" {
			d.warn(o.value("base_url"), "base_url", "%s", warning)
		}
		s.BaseURL = u
	}
	if c := o.value("credential"); !isNull(c) {
		s.Credential = d.credential(c)
	}
	// The original takes null for false here. That opens a service to everyone
	// on a word that looks like "not set".
	if r := o.value("requires_service_token"); r != nil && isNull(r) {
		d.warn(r, "requires_service_token", "is null, which is read as true: write false if no token is wanted")
	} else {
		s.RequiresServiceToken = d.boolean(r, "requires_service_token", true)
	}
	s.ValidAudiences = d.audiences(o.value("valid_audiences"))
	s.ConnectTimeout = d.timeout(o.value("connect_timeout"), "connect_timeout", DefaultConnectTimeout)
	s.ReadTimeout = d.timeout(o.value("read_timeout"), "read_timeout", DefaultReadTimeout)
	s.AllowRedirects = d.boolean(o.value("allow_redirects"), "allow_redirects", false)
	s.DefaultHeaders = d.defaultHeaders(o.value("default_headers"))
	d.reach(o, s)
	s.Rules = d.rules(o.value("rules"))
	d.limits(o, s)
	s.LeakGuard = d.leakGuard(o.value("leak_guard"))
	s.Drift = d.drift(o.value("drift"), "")
	if s.Drift != "" && !s.RequiresServiceToken {
		d.idle(o.value("drift"), "drift")
	}
	return s
}

// audiences reads valid_audiences: null is any, an empty list none.
func (d *decoder) audiences(v *hujson.Value) []string {
	const field = "valid_audiences"
	if isNull(v) {
		return nil
	}
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		d.fail(v, field, `must be a list, such as ["zapier"], or null for any audience; it is %s`, kind(v))
		return nil
	}
	audiences := make([]string, 0, len(list.Elements))
	seen := map[string]bool{}
	for i := range list.Elements {
		at := field + "/" + strconv.Itoa(i)
		s, ok := d.text(&list.Elements[i], at)
		if !ok {
			continue
		}
		if err := CheckAudience(s); err != nil {
			d.fail(&list.Elements[i], at, "%v", err)
			continue
		}
		if seen[s] {
			d.warn(&list.Elements[i], at, "is in the list twice")
		}
		seen[s] = true
		audiences = append(audiences, s)
	}
	return audiences
}

// timeout reads seconds; null is none.
func (d *decoder) timeout(v *hujson.Value, field string, or time.Duration) time.Duration {
	if v == nil {
		return or
	}
	lit, _ := v.Value.(hujson.Literal)
	number := string(lit)
	switch v.Value.Kind() {
	case 'n':
		return 0
	case '"':
		number = text(lit)
		if strings.TrimSpace(number) == "" {
			d.fail(v, field, "is empty: write null for no timeout")
			return or
		}
		d.warn(v, field, "is text: write the number without quotes")
	case '0':
	default:
		d.fail(v, field, "must be a number of seconds, or null for no timeout; it is %s", kind(v))
		return or
	}
	t, err := ParseTimeout(number)
	if err != nil {
		d.fail(v, field, "%v", err)
		return or
	}
	return t
}

func checkRootDir(s string) error {
	switch {
	case s == "":
		return errors.New("is empty: name a folder, such as /var/tmp/lockbox_audit_log")
	case !readable(s) || strings.ContainsFunc(s, invisible):
		return errors.New("has control characters")
	}
	return nil
}

// absolute takes the original's Unix paths for absolute everywhere.
func absolute(path string) bool {
	return filepath.IsAbs(path) || strings.HasPrefix(path, "/")
}
