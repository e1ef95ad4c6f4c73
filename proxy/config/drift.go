package config

import (
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// Drift is what becomes of a token that is used otherwise than before: from a new
// network, by another program, at an unusual hour.
type Drift string

// The choices. All but DriftOff mark the call in the audit log.
const (
	DriftMark   Drift = "mark"   // the default
	DriftNotify Drift = "notify" // tell the person at the desktop
	DriftPause  Drift = "pause"  // refuse the token until its owner says that it was them
	DriftOff    Drift = "off"    // nothing is learnt
)

// Drifts are the choices in their order.
var Drifts = []Drift{DriftOff, DriftMark, DriftNotify, DriftPause}

// CheckDrift says what is wrong with a choice.
func CheckDrift(d Drift) error {
	if !slices.Contains(Drifts, d) {
		return fmt.Errorf("must be one of %s", driftNames())
	}
	return nil
}

func driftNames() string {
	names := make([]string, len(Drifts))
	for i, d := range Drifts {
		names[i] = string(d)
	}
	return strings.Join(names, ", ")
}

// DriftOf is what a service's tokens are held to.
func (c *Config) DriftOf(s *Service) Drift {
	if s.Drift != "" {
		return s.Drift
	}
	return c.Drift
}

// drift reads drift; null is as if it were not there.
func (d *decoder) drift(v *hujson.Value, or Drift) Drift {
	const field = "drift"
	if isNull(v) {
		return or
	}
	s, ok := d.text(v, field)
	if !ok {
		return or
	}
	if err := CheckDrift(Drift(s)); err != nil {
		if near := suggest(s, []string{"mark", "notify", "pause", "off"}); near != "" {
			err = fmt.Errorf("%w: is %q meant?", err, near)
		}
		d.fail(v, field, "%v", err)
		return or
	}
	return Drift(s)
}

// putDrift writes a service's own; "" is none.
func putDrift(l *list, choice Drift) {
	const key = "drift"
	i := l.find(key)
	switch {
	case choice != "":
		setText(l.set(key, serviceKeys), string(choice))
	case i >= 0 && l.items[i].value.Value.Kind() != 'n':
		l.items[i].value.Value = hujson.Literal("null")
	}
}

// SetDrift sets what services without a choice of their own have. The default is
// not written where the file has none.
func SetDrift(src []byte, choice Drift) ([]byte, error) {
	if err := CheckDrift(choice); err != nil {
		return nil, fmt.Errorf("drift: %w", err)
	}
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	if e.top.find("drift") >= 0 || choice != DriftMark {
		setText(e.top.set("drift", topKeys), string(choice))
	}
	return e.bytes()
}
