package config

import (
	"errors"

	"github.com/tailscale/hujson"
)

const leakGuardField = "leak_guard"

var errLeakGuard = errors.New(`must be "on", "strict" or "off"`)

func checkLeakGuard(g LeakGuard) error {
	switch g {
	case LeakGuardOn, LeakGuardStrict, LeakGuardOff:
		return nil
	}
	return errLeakGuard
}

// word is g in the file.
func (g LeakGuard) word() string {
	if g == LeakGuardOn {
		return "on"
	}
	return string(g)
}

// leakGuard reads leak_guard; null is on. What is not understood is an error and
// no warning: it would leave a service less guarded than it was meant to be.
func (d *decoder) leakGuard(v *hujson.Value) LeakGuard {
	if isNull(v) {
		return LeakGuardOn
	}
	if lit, ok := v.Value.(hujson.Literal); ok && (string(lit) == "true" || string(lit) == "false") {
		if d.boolean(v, leakGuardField, true) {
			d.warn(v, leakGuardField, `is read as "on": write it so`)
			return LeakGuardOn
		}
		d.warn(v, leakGuardField, `is read as "off": write it so`)
		return LeakGuardOff
	}
	s, ok := d.text(v, leakGuardField)
	if !ok {
		return LeakGuardOn
	}
	for _, g := range []LeakGuard{LeakGuardOn, LeakGuardStrict, LeakGuardOff} {
		if s == g.word() {
			return g
		}
	}
	d.fail(v, leakGuardField, "%v", errLeakGuard)
	return LeakGuardOn
}

// putLeakGuard writes what leakGuard reads.
func putLeakGuard(l *list, g LeakGuard) {
	if l.find(leakGuardField) < 0 && g == LeakGuardOn {
		return
	}
	if v := l.set(leakGuardField, serviceKeys); (&decoder{}).leakGuard(v) != g {
		setText(v, g.word())
	}
}
