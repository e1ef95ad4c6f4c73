package config

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/tailscale/hujson"
)

var countFields = []string{"quota/calls_per_day", "quota/calls_per_month", "quota/writes_per_day", "quota/writes_per_month", "concurrency"}

// CheckLimits says what is wrong with limits that are to be written.
func CheckLimits(l Limits) error {
	if l.Rate != (Rate{}) {
		switch r := l.Rate; {
		case r.Requests < 1 || r.Requests > maxCount:
			return fmt.Errorf("rate_limit/requests: must be a whole number from 1 to %d", maxCount)
		case r.Per < minDuration || r.Per > maxDuration:
			return fmt.Errorf("rate_limit/per: must be between 1s and %.0fh", maxDuration.Hours())
		case r.Burst < 1 || r.Burst > maxCount:
			return fmt.Errorf("rate_limit/burst: must be a whole number from 1 to %d", maxCount)
		}
	}
	for i, n := range append(l.Quota.fields(), &l.Concurrency) {
		if *n < 0 || *n > maxCount {
			return fmt.Errorf("%s: must be a whole number from 1 to %d, or none", countFields[i], maxCount)
		}
	}
	return nil
}

// checkLimits is CheckLimits for all that a service has.
func checkLimits(s *Service) error {
	if err := CheckLimits(s.Limits); err != nil {
		return err
	}
	if err := CheckLimits(s.EachToken); err != nil {
		return fmt.Errorf("each_token/%w", err)
	}
	for name, l := range s.TokenLimits {
		if err := CheckAudience(name); err != nil {
			return fmt.Errorf("token_limits: the name of a token's audience, or its id, %w", err)
		}
		if err := CheckLimits(l); err != nil {
			return fmt.Errorf("token_limits/%s/%w", name, err)
		}
	}
	if s.Duplicates != 0 && (s.Duplicates < minDuration || s.Duplicates > maxDuration) {
		return errors.New("duplicates/window: must be between 1s and 720h")
	}
	return nil
}

// putServiceLimits writes what limits reads.
func (e *editor) putServiceLimits(l *list, s *Service) error {
	if err := e.putLimits(l, serviceKeys, s.Limits); err != nil {
		return err
	}
	if err := e.putObject(l, "each_token", serviceKeys, !s.EachToken.IsZero(), func(in *list) error {
		return e.putLimits(in, limitKeys, s.EachToken)
	}); err != nil {
		return err
	}
	err := e.putObject(l, "token_limits", serviceKeys, len(s.TokenLimits) > 0, func(in *list) error {
		for i := len(in.items) - 1; i >= 0; i-- {
			if _, ok := s.TokenLimits[text(in.items[i].name.Value)]; !ok {
				in.take(i)
			}
		}
		for _, name := range slices.Sorted(maps.Keys(s.TokenLimits)) {
			if in.find(name) < 0 {
				in.insert(len(in.items), in.member(name, &hujson.Object{}))
			}
			if of := s.TokenLimits[name]; !of.IsZero() || !isNull(&in.items[in.find(name)].value) {
				if err := e.putObject(in, name, nil, true, func(one *list) error { return e.putLimits(one, limitKeys, of) }); err != nil {
					return err
				}
			}
		}
		return nil
	})
	if err != nil {
		return err
	}
	return e.putObject(l, "duplicates", serviceKeys, s.Duplicates != 0, func(in *list) error {
		putDuration(in, "window", duplicatesKeys, s.Duplicates)
		return nil
	})
}

// putLimits writes limits into the members of an object.
func (e *editor) putLimits(l *list, known []string, of Limits) error {
	err := e.putObject(l, "rate_limit", known, of.Rate != Rate{}, func(in *list) error {
		putCount(in, "requests", rateKeys, of.Rate.Requests)
		putDuration(in, "per", rateKeys, of.Rate.Per)
		if of.Rate.Burst != of.Rate.Requests || in.find("burst") >= 0 {
			putCount(in, "burst", rateKeys, of.Rate.Burst)
		}
		return nil
	})
	if err != nil {
		return err
	}
	putCount(l, "concurrency", known, of.Concurrency)
	return e.putObject(l, "quota", known, of.Quota != Quota{}, func(in *list) error {
		for i, n := range of.Quota.fields() {
			putCount(in, quotaKeys[i], quotaKeys, *n)
		}
		return nil
	})
}

// putObject has f fill the object that is the value of a key. Without one, the key
// says null where it is there.
func (e *editor) putObject(l *list, key string, known []string, wanted bool, f func(*list) error) error {
	i := l.find(key)
	if !wanted {
		if i >= 0 {
			l.items[i].value.Value = hujson.Literal("null")
		}
		return nil
	}
	v := l.set(key, known)
	if v.Value.Kind() != '{' {
		v.Value = &hujson.Object{}
	}
	o, err := e.objectAt(v, "", key)
	if err != nil {
		return err
	}
	in := l.members(&l.items[l.find(key)], o)
	in.inline = in.inline || len(in.items) == 0 // a short one stays on its line
	if err := f(in); err != nil {
		return err
	}
	in.store()
	return nil
}

// putCount writes a number; 0 is none.
func putCount(l *list, key string, known []string, n int) {
	switch i := l.find(key); {
	case n != 0:
		l.set(key, known).Value = hujson.Int(int64(n))
	case i >= 0:
		l.items[i].value.Value = hujson.Literal("null")
	}
}

// putDuration leaves a time that says the same already as it is written.
func putDuration(l *list, key string, known []string, t time.Duration) {
	v := l.set(key, known)
	if was, err := time.ParseDuration(text(v.Value)); err != nil || was != t {
		setText(v, ShortDuration(t))
	}
}

// ShortDuration is a time as a person writes it: 1m, where time.Duration says 1m0s.
func ShortDuration(t time.Duration) string {
	s := t.String()
	if strings.HasSuffix(s, "m0s") {
		s = strings.TrimSuffix(s, "0s")
	}
	if strings.HasSuffix(s, "h0m") {
		s = strings.TrimSuffix(s, "0m")
	}
	return s
}
