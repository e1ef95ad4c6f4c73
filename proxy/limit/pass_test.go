package limit

import (
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

func TestFields(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateOf(t, New(NewBook()), `"rate_limit": {"requests": 60, "per": "1m", "burst": 10}, "concurrency": 5, "quota": {"calls_per_month": 100, "writes_per_day": 3}, "each_token": {"quota": {"calls_per_day": 2}}`)
		for _, tt := range []struct {
			write         bool
			state, policy string
		}{
			{false, `"lockbox-rate_limit";r=9;t=1, "lockbox-calls_per_month";r=99;t=2678400, "lockbox-token-calls_per_day";r=1;t=86400`,
				`"lockbox-rate_limit";q=10;w=60, "lockbox-calls_per_month";q=100;w=2678400, "lockbox-token-calls_per_day";q=2;w=86400`},
			{true, `"lockbox-rate_limit";r=8;t=2, "lockbox-writes_per_day";r=2;t=86400, "lockbox-calls_per_month";r=98;t=2678400, "lockbox-token-calls_per_day";r=0;t=86400`,
				`"lockbox-rate_limit";q=10;w=60, "lockbox-writes_per_day";q=3;w=86400, "lockbox-calls_per_month";q=100;w=2678400, "lockbox-token-calls_per_day";q=2;w=86400`},
		} {
			p, _ := g.Take(zapier, tt.write)
			if state, policy := p.State.Fields(time.Now()); state != tt.state || policy != tt.policy {
				t.Errorf("write %v: got\n%s\n%s", tt.write, state, policy)
			}
		}
		_, r := g.Take(zapier, false)
		if state, _ := r.State.Fields(time.Now()); !strings.Contains(state, `"lockbox-token-calls_per_day";r=0;t=86400`) {
			t.Errorf("of a refusal: %s", state)
		}
		if state, policy := (&State{}).Fields(time.Now()); state != "" || policy != "" {
			t.Errorf("of none: %q %q", state, policy)
		}
	})
}

func TestUses(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(NewBook())
		g := gateOf(t, l, `"rate_limit": {"requests": 60, "per": "1m"}, "concurrency": 5, "each_token": {"quota": {"calls_per_day": 2}}`)
		p, _ := g.Take(zapier, false)
		got := fmt.Sprint(l.Uses())
		now := time.Now()
		want := fmt.Sprint([]Use{
			{"a", "", "rate_limit", 60, 1, 59, time.Minute, now.Add(time.Second)},
			{"a", "", "concurrency", 5, 1, 4, 0, time.Time{}},
			{"a", "id-1", "calls_per_day", 2, 1, 1, 24 * time.Hour, now.Add(24 * time.Hour).UTC()},
		})
		if got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
		p.End()
	})
}
