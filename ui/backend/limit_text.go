package backend

import (
	"strconv"
	"strings"
	"time"

	"lockbox/proxy/config"
)

// LimitText is Limits as a person fills them in; "" is no limit.
type LimitText struct {
	Requests, Per, Burst                                     string // 60 in 1m, as many or so many at once
	Concurrency                                              string
	CallsPerDay, WritesPerDay, CallsPerMonth, WritesPerMonth string
}

// LimitTextOf are limits to be filled in.
func LimitTextOf(l Limits) LimitText {
	t := LimitText{
		Requests: number(l.Rate.Requests), Per: "1m", Concurrency: number(l.Concurrency),
		CallsPerDay: number(l.Quota.CallsPerDay), WritesPerDay: number(l.Quota.WritesPerDay),
		CallsPerMonth: number(l.Quota.CallsPerMonth), WritesPerMonth: number(l.Quota.WritesPerMonth),
	}
	if l.Rate.Requests > 0 {
		t.Per = config.ShortDuration(l.Rate.Per)
	}
	if l.Rate.Burst != l.Rate.Requests {
		t.Burst = number(l.Rate.Burst)
	}
	return t
}

func number(n int) string {
	if n == 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// Limits are those that are filled in, and what is wrong with them, by the keys of
// the config: "rate_limit/per". Without a number of calls there is no rate.
func (t LimitText) Limits() (Limits, Fields) {
	var l Limits
	q := &l.Quota
	for _, f := range []struct {
		text string
		into *int
	}{
		{t.Requests, &l.Rate.Requests}, {t.Burst, &l.Rate.Burst}, {t.Concurrency, &l.Concurrency},
		{t.CallsPerDay, &q.CallsPerDay}, {t.WritesPerDay, &q.WritesPerDay}, {t.CallsPerMonth, &q.CallsPerMonth}, {t.WritesPerMonth, &q.WritesPerMonth},
	} {
		if text := strings.TrimSpace(f.text); text != "" {
			n, err := strconv.Atoi(text)
			if err != nil || n < 1 {
				n = -1 // no limit is that
			}
			*f.into = n
		}
	}
	bad := Fields{}
	if l.Rate != (config.Rate{}) {
		if l.Rate.Burst == 0 {
			l.Rate.Burst = l.Rate.Requests
		}
		var err error
		if l.Rate.Per, err = config.ParseTime(strings.TrimSpace(t.Per)); err != nil {
			bad["rate_limit/per"] = err.Error()
		}
	}
	for _, one := range []Limits{
		{Rate: l.Rate}, {Concurrency: l.Concurrency},
		{Quota: config.Quota{CallsPerDay: q.CallsPerDay}}, {Quota: config.Quota{WritesPerDay: q.WritesPerDay}},
		{Quota: config.Quota{CallsPerMonth: q.CallsPerMonth}}, {Quota: config.Quota{WritesPerMonth: q.WritesPerMonth}},
	} {
		if err := config.CheckLimits(one); err != nil {
			if field, why, _ := strings.Cut(err.Error(), ": "); bad[field] == "" {
				bad[field] = why
			}
		}
	}
	return l, bad
}

// WindowText is how long duplicates are known, to be filled in.
func WindowText(d time.Duration) string { return config.ShortDuration(d) }

// ParseWindow reads it.
func ParseWindow(text string) (time.Duration, error) {
	return config.ParseTime(strings.TrimSpace(text))
}
