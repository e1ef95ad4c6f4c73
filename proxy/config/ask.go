package config

import (
	"time"

	"github.com/tailscale/hujson"
)

// Asking says how long calls wait for a person, where a rule wants one asked.
type Asking struct {
	Wait     time.Duration // of a call
	Remember time.Duration // of a question without an answer, and of a late one
}

// DefaultAsking is below the patience of the platforms that are known.
var DefaultAsking = Asking{Wait: 20 * time.Second, Remember: time.Hour}

// The longest that can be set.
const (
	maxWait     = 5 * time.Minute
	maxRemember = 24 * time.Hour
)

// asking reads ask; null is the default.
func (d *decoder) asking(v *hujson.Value) Asking {
	const field = "ask"
	a := DefaultAsking
	if isNull(v) {
		return a
	}
	o := d.object(v, field)
	if o == nil {
		return a
	}
	d.unknown(o, field+"/", askKeys)
	read := func(key string, to *time.Duration, most time.Duration) {
		t := d.duration(o.value(key), field+"/"+key, *to)
		switch {
		case t == 0: // null, or a problem that is known
		case t > most:
			d.fail(o.value(key), field+"/"+key, "must be between 1s and %s", most)
		default:
			*to = t
		}
	}
	read("wait", &a.Wait, maxWait)
	read("remember", &a.Remember, maxRemember)
	return a
}
