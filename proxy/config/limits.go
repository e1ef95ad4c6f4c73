package config

import (
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/tailscale/hujson"
)

// Limits is how often something may call. The zero Limits are none.
type Limits struct {
	Rate        Rate
	Concurrency int // calls at a time; 0: any number
	Quota       Quota
}

// Rate is how many calls may come in a time.
type Rate struct {
	Requests int // 0: any number
	Per      time.Duration
	Burst    int // how many may come at once after a quiet time; Requests where the file does not say
}

// Quota is how many calls may come in a day and in a month, of which so many may
// be writes: of other methods than GET, HEAD and OPTIONS. 0 is any number.
type Quota struct {
	CallsPerDay, CallsPerMonth, WritesPerDay, WritesPerMonth int
}

// The limits of limits: what is more is a slip of the pen.
const maxCount = 1_000_000_000

// IsZero reports whether there are none.
func (l Limits) IsZero() bool { return l == Limits{} }

// Limited reports whether a service has any.
func (s *Service) Limited() bool {
	return !s.Limits.IsZero() || !s.EachToken.IsZero() || len(s.TokenLimits) > 0
}

// LimitsOf are those of a token by itself: what token_limits has under its id, or
// else under one of its audiences, and what all tokens have where it has neither.
func (s *Service) LimitsOf(id string, audience []string) Limits {
	if len(s.TokenLimits) > 0 {
		for _, name := range append([]string{id}, audience...) {
			if l, ok := s.TokenLimits[name]; ok && name != "" {
				return l
			}
		}
	}
	return s.EachToken
}

// fields are the quota's numbers by their keys.
func (q *Quota) fields() []*int {
	return []*int{&q.CallsPerDay, &q.CallsPerMonth, &q.WritesPerDay, &q.WritesPerMonth}
}

// limits reads what a service has of its own, and what its tokens have.
func (d *decoder) limits(o *object, s *Service) {
	s.Limits = d.limitsOf(o, "")
	if v := o.value("each_token"); !isNull(v) {
		s.EachToken = d.limitsAt(v, "each_token", s)
	}
	if v := o.value("token_limits"); !isNull(v) {
		d.tokenLimits(v, s)
	}
	if v := o.value("duplicates"); !isNull(v) {
		if of := d.object(v, "duplicates"); of != nil {
			d.unknown(of, "duplicates/", duplicatesKeys)
			if s.Duplicates = d.duration(of.value("window"), "duplicates/window", 0); s.Duplicates == 0 && of.value("window") == nil {
				d.missing(of, "duplicates/", "window")
			}
		}
	}
	if s.RequiresServiceToken {
		return
	}
	for _, key := range []string{"each_token", "token_limits"} {
		if v := o.value(key); !isNull(v) {
			d.idle(v, key)
		}
	}
}

// tokenLimits reads what some tokens have of their own.
func (d *decoder) tokenLimits(v *hujson.Value, s *Service) {
	all := d.object(v, "token_limits")
	if all == nil {
		return
	}
	s.TokenLimits = make(map[string]Limits, len(all.names))
	for i, name := range all.names {
		at := &all.members[i]
		if err := CheckAudience(name); err != nil {
			d.fail(&at.Name, "token_limits", "the name of a token's audience, or its id, %v", err)
			continue
		}
		s.TokenLimits[name] = Limits{}
		if !isNull(&at.Value) {
			s.TokenLimits[name] = d.limitsAt(&at.Value, "token_limits/"+name, s)
		}
		if uuid.Validate(name) != nil && s.ValidAudiences != nil && !slices.Contains(s.ValidAudiences, name) {
			d.warn(&at.Name, "token_limits/"+name, "has no use: it is neither one of valid_audiences nor the id of a token")
		}
	}
}

// limitsAt reads the limits of a service's tokens.
func (d *decoder) limitsAt(v *hujson.Value, field string, s *Service) Limits {
	o := d.object(v, field)
	if o == nil {
		return Limits{}
	}
	d.unknown(o, field+"/", limitKeys)
	l := d.limitsOf(o, field+"/")
	for _, one := range []struct {
		key        string
		own, outer int
	}{
		{"concurrency", l.Concurrency, s.Limits.Concurrency},
		{"quota/calls_per_day", l.Quota.CallsPerDay, s.Limits.Quota.CallsPerDay},
		{"quota/calls_per_month", l.Quota.CallsPerMonth, s.Limits.Quota.CallsPerMonth},
		{"quota/writes_per_day", l.Quota.WritesPerDay, s.Limits.Quota.WritesPerDay},
		{"quota/writes_per_month", l.Quota.WritesPerMonth, s.Limits.Quota.WritesPerMonth},
	} {
		if one.outer > 0 && one.own > one.outer {
			d.warn(v, field+"/"+one.key, "is never reached: the service as a whole has %d", one.outer)
		}
	}
	return l
}

// limitsOf reads the members of an object that are limits.
func (d *decoder) limitsOf(o *object, prefix string) (l Limits) {
	if v := o.value("rate_limit"); !isNull(v) {
		l.Rate = d.rate(v, prefix+"rate_limit")
	}
	l.Concurrency = d.count(o.value("concurrency"), prefix+"concurrency")
	v := o.value("quota")
	if isNull(v) {
		return l
	}
	field := prefix + "quota"
	q := d.object(v, field)
	if q == nil {
		return l
	}
	d.unknown(q, field+"/", quotaKeys)
	for i, n := range l.Quota.fields() {
		*n = d.count(q.value(quotaKeys[i]), field+"/"+quotaKeys[i])
	}
	if len(d.errors) > 0 {
		return l
	}
	for _, one := range []struct {
		key, why  string
		own, less int
	}{
		{"calls_per_day", "calls_per_month is less", l.Quota.CallsPerDay, l.Quota.CallsPerMonth},
		{"writes_per_day", "writes_per_month is less", l.Quota.WritesPerDay, l.Quota.WritesPerMonth},
		{"writes_per_day", "calls_per_day is less", l.Quota.WritesPerDay, l.Quota.CallsPerDay},
		{"writes_per_month", "calls_per_month is less", l.Quota.WritesPerMonth, l.Quota.CallsPerMonth},
		{"calls_per_day", "rate_limit lets fewer through", l.Quota.CallsPerDay, l.Rate.most(24 * time.Hour)},
		{"calls_per_month", "rate_limit lets fewer through", l.Quota.CallsPerMonth, l.Rate.most(31 * 24 * time.Hour)},
	} {
		if one.less > 0 && one.own > one.less {
			d.warn(q.value(one.key), field+"/"+one.key, "is never reached: %s", one.why)
		}
	}
	return l
}

// most is how many calls can come in a time at a rate; 0: any number.
func (r Rate) most(in time.Duration) int {
	if r.Requests == 0 {
		return 0
	}
	return r.Burst + int(float64(r.Requests)*(in.Seconds()/r.Per.Seconds()))
}

func (d *decoder) rate(v *hujson.Value, field string) Rate {
	o := d.object(v, field)
	if o == nil {
		return Rate{}
	}
	d.unknown(o, field+"/", rateKeys)
	for _, key := range rateKeys[:2] {
		if isNull(o.value(key)) {
			d.missing(o, field+"/", key)
			return Rate{}
		}
	}
	r := Rate{Requests: d.count(o.value("requests"), field+"/requests"), Per: d.duration(o.value("per"), field+"/per", 0)}
	r.Burst = r.Requests
	if b := o.value("burst"); !isNull(b) {
		r.Burst = d.count(b, field+"/burst")
	}
	return r
}

// count reads a whole number from 1 on; null is none.
func (d *decoder) count(v *hujson.Value, field string) int {
	n, ok := d.amount(v, field, maxCount)
	if ok && n == 0 && !isNull(v) {
		d.fail(v, field, "must be 1 or more, or null for no limit")
	}
	return n
}
