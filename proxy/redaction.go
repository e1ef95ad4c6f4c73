package proxy

import (
	"sync/atomic"

	"lockbox/proxy/audit"
	"lockbox/proxy/credential"
	"lockbox/proxy/secret"
)

// redaction knows the secrets of credentials, the access tokens included that
// they have at the moment.
type redaction struct {
	fixed    *audit.Redactor
	appliers []*credential.Applier
	latest   atomic.Pointer[latest]
}

type latest struct {
	version  uint64
	redactor *audit.Redactor
}

func newRedaction(appliers ...*credential.Applier) *redaction {
	d := &redaction{}
	var all []secret.Value
	for _, a := range appliers {
		all = append(all, a.Secrets()...)
		if a.Changes() {
			d.appliers = append(d.appliers, a)
		}
	}
	d.fixed = audit.NewRedactor(all...)
	return d
}

// now is the redactor of what is secret now.
func (d *redaction) now() *audit.Redactor {
	if len(d.appliers) == 0 {
		return d.fixed
	}
	var secrets []secret.Value
	var version uint64 // each part only grows
	for _, a := range d.appliers {
		live, v := a.Live()
		secrets = append(secrets, live...)
		version += v
	}
	if l := d.latest.Load(); l != nil && l.version == version {
		return l.redactor
	}
	l := &latest{version, d.fixed.With(secrets...)}
	d.latest.Store(l)
	return l.redactor
}
