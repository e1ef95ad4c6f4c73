package backend

import (
	"reflect"
	"testing"
	"time"

	"lockbox/proxy/config"
)

func TestLimitText(t *testing.T) {
	for _, l := range []Limits{
		{},
		{Rate: config.Rate{Requests: 60, Per: time.Minute, Burst: 60}},
		{Rate: config.Rate{Requests: 60, Per: 90 * time.Second, Burst: 5}, Concurrency: 3, Quota: config.Quota{CallsPerDay: 1, CallsPerMonth: 2, WritesPerDay: 3, WritesPerMonth: 4}},
	} {
		if got, bad := LimitTextOf(l).Limits(); got != l || len(bad) > 0 {
			t.Errorf("%+v comes back as %+v, %v", l, got, bad)
		}
	}
	const number, orNone = "must be a whole number from 1 to 1000000000", "must be a whole number from 1 to 1000000000, or none"
	for _, tt := range []struct {
		text LimitText
		bad  Fields
	}{
		{LimitText{Per: "never"}, Fields{}}, // without calls it means nothing
		{LimitText{Requests: " 5 ", Per: " 1m "}, Fields{}},
		{LimitText{Requests: "5"}, Fields{"rate_limit/per": `is not a time, such as "90s", "15m" or "8h"`}},
		{LimitText{Requests: "5", Per: "1ms"}, Fields{"rate_limit/per": "must be between 1s and 720h"}},
		{LimitText{Requests: "0", Per: "1m"}, Fields{"rate_limit/requests": number}},
		{LimitText{Per: "1m", Burst: "5"}, Fields{"rate_limit/requests": number}},
		{LimitText{Requests: "5", Per: "1m", Burst: "many"}, Fields{"rate_limit/burst": number}},
		{LimitText{Concurrency: "-1", CallsPerDay: "1.5", WritesPerDay: "1e3", CallsPerMonth: "2000000000", WritesPerMonth: "0"}, Fields{
			"concurrency": orNone, "quota/calls_per_day": orNone, "quota/writes_per_day": orNone, "quota/calls_per_month": orNone, "quota/writes_per_month": orNone,
		}},
	} {
		if _, bad := tt.text.Limits(); !reflect.DeepEqual(bad, tt.bad) {
			t.Errorf("%+v: got %v, want %v", tt.text, bad, tt.bad)
		}
	}
}
