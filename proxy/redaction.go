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
	with     func(*audit.Redactor, ...secret.Value) *audit.Redactor
	appliers []*credential.Applier
	latest   atomic.Pointer[latest]
}

type latest struct {
	version  uint64
	redactor *audit.Redactor
}

// newRedaction looks for the usual forms of the secrets, or for every one: where no leak
// guard keeps them out of answers.
func newRedaction(unguarded bool, appliers ...*credential.Applier) *redaction {
	d := &redaction{with: (*audit.Redactor).With}
	if unguarded {
		d.with = (*audit.Redactor).WithEveryForm
	}
	var all []secret.Value
	for _, a := range appliers {
		all = append(all, a.Secrets()...)
		if a.Changes() {
			d.appliers = append(d.appliers, a)
		}
	}
	d.fixed = d.with(nil, all...)
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
	l := &latest{version, d.with(d.fixed, secrets...)}
	d.latest.Store(l)
	return l.redactor
}
