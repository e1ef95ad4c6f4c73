package backend

import (
	"testing"
	"time"

	"lockbox/proxy/audit"
)

func TestOutcome(t *testing.T) {
	for name, tt := range map[string]struct {
		x    Exchange
		want outcome
	}{
		"answered":             {Exchange{Decision: audit.Allowed, Status: 200}, answered},
		"not found":            {Exchange{Decision: audit.Allowed, Status: 404}, answered},
		"the key is refused":   {Exchange{Decision: audit.Allowed, Status: 401}, keyRefused},
		"an error of its own":  {Exchange{Decision: audit.Allowed, Status: 503}, upstreamFail},
		"no answer":            {Exchange{Decision: audit.Failed, Status: 504, Reason: "upstream_timeout: …"}, upstreamFail},
		"broken off":           {Exchange{Decision: audit.Failed, Status: 200, Reason: "upstream_aborted: …"}, upstreamFail},
		"the caller left":      {Exchange{Decision: audit.Failed, Status: 499, Reason: "caller_aborted: …"}, callerGone},
		"no access token":      {Exchange{Decision: audit.Failed, Status: 502, Reason: "credential_unavailable: …"}, credentialFail},
		"none, as refused":     {Exchange{Decision: audit.Refused, Status: 502, Reason: "credential_unavailable: …"}, credentialFail},
		"refused":              {Exchange{Decision: audit.Refused, Status: 401, Reason: "token_missing: …"}, refused},
		"refused as locked":    {Exchange{Decision: audit.Refused, Status: 503, Reason: "locked: …"}, refused},
		"an expired token":     {Exchange{Decision: audit.Refused, Status: 401, Reason: "token_expired: …"}, expired},
		"a limit of ours":      {Exchange{Decision: audit.Refused, Status: 429, Reason: "rate_limited: …"}, limitRefused},
		"a limit of upstreams": {Exchange{Decision: audit.Allowed, Status: 429}, answered},
	} {
		if got := outcomeOf(&tt.x); got != tt.want {
			t.Errorf("%s: %d, want %d", name, got, tt.want)
		}
	}
}

func TestMedian(t *testing.T) {
	for _, tt := range []struct {
		times []uint32
		want  time.Duration
	}{
		{nil, 0},
		{[]uint32{0}, time.Microsecond},
		{[]uint32{7}, 7 * time.Microsecond},
		{[]uint32{1, 2, 1000}, 2 * time.Microsecond},
		{[]uint32{100_000, 100_000, 5_000_000}, 100 * time.Millisecond},
		{[]uint32{1 << 31, 1<<32 - 1, 1<<32 - 1}, (1<<32 - 1) * time.Microsecond},
	} {
		var h histogram
		for _, us := range tt.times {
			h.add(us)
		}
		got := h.median()
		if off := (got - tt.want).Abs(); off*100 > 4*tt.want {
			t.Errorf("the median of %v is %v, want about %v", tt.times, got, tt.want)
		}
	}
	before := -1
	for _, us := range []uint32{0, 1, 31, 32, 63, 64, 65, 127, 128, 1 << 20, 1 << 31, 1<<32 - 1} {
		if p := part(us); p < before || p >= len(histogram{}.parts) {
			t.Errorf("%d is counted in part %d, after %d", us, p, before)
		} else {
			before = p
		}
	}
}

// seen is an activity of some calls, the first being the oldest.
func seen(calls ...Exchange) *activity {
	a := newActivity()
	for i := range calls {
		calls[i].Seq = int64(i + 1)
		a.take(&calls[i], func(b brief) { a.fresh = append(a.fresh, b) })
	}
	a.whole, a.oldest, a.newest = true, 1, int64(len(calls))
	return a
}

// TestTally: today begins at midnight, the chart with a whole minute, and the
// rest is a day.
func TestTally(t *testing.T) {
	now := time.Date(2026, 7, 1, 0, 20, 30, 0, time.FixedZone("", 5*3600+45*60))
	at := func(ago time.Duration, service, jti string) Exchange {
		return Exchange{Time: now.Add(-ago), Service: service, JTI: jti, Status: 200, Decision: audit.Allowed, Duration: time.Second}
	}
	a := seen(
		at(24*time.Hour+time.Second, "a", "1"), // too old
		at(23*time.Hour, "a", "1"),
		at(59*time.Minute+31*time.Second, "b", "1"), // before the chart
		at(59*time.Minute+30*time.Second, "b", ""),
		at(21*time.Minute, "b", "2"), // yesterday
		at(20*time.Minute, "b", "2"),
		at(0, "b", "2"),
		Exchange{Time: now, Service: "orig", Audience: "zapier,make", Status: 200, Decision: audit.Allowed},
		Exchange{Time: now, Decision: audit.Noted, Event: "gap", Reason: "gap: 3 calls could not be recorded."},
	)
	tl := a.tally(now)
	o := tl.overview(View{Services: []ServiceInfo{{Name: "b"}, {Name: "a"}, {Name: "never"}}})
	if o.Calls != 3 || o.Minutes[0].Calls != 1 || o.Minutes[59].Calls != 2 || !o.Minutes[59].Start.Equal(now.Truncate(time.Minute)) {
		t.Errorf("today %d, the first minute %d, the last %d at %v", o.Calls, o.Minutes[0].Calls, o.Minutes[59].Calls, o.Minutes[59].Start)
	}
	if len(o.Services) != 2 || o.Services[0].Name != "b" || o.Services[0].Calls != 5 || o.Services[1].Calls != 1 {
		t.Errorf("services %+v", o.Services)
	}
	if len(o.Tokens) != 3 || o.Tokens[0].Name != "2" || o.Tokens[0].Calls != 3 || o.Tokens[1].Name != "1" || o.Tokens[2].Name != "orig\nzapier\nmake" {
		t.Errorf("tokens %+v", o.Tokens)
	}
	if len(a.gaps) != 1 {
		t.Errorf("gaps %+v", a.gaps)
	}
	a.prune(now.Add(time.Hour))
	if a.prune(now); len(a.fresh) != 0 || len(a.gaps) != 0 {
		t.Errorf("%d calls and %d gaps are left", len(a.fresh), len(a.gaps))
	}
}

// TestForget: names are forgotten with their calls, and what is left keeps its own.
func TestForget(t *testing.T) {
	now := time.Now()
	var calls []Exchange
	for i := range 3000 {
		calls = append(calls, Exchange{Time: now.Add(-25*time.Hour + time.Duration(i)*time.Second), Service: "old", JTI: time.Duration(i).String(), Status: 200, Decision: audit.Allowed})
	}
	calls = append(calls, Exchange{Time: now, Service: "b", JTI: "mine", Status: 500, Decision: audit.Allowed, Reason: "x: It broke."})
	a := seen(calls...)
	a.prune(now.Add(-activityTime))
	if len(a.fresh) != 1 || len(a.names) != 3 {
		t.Fatalf("%d calls, %d names are left", len(a.fresh), len(a.names))
	}
	o := a.tally(now).overview(View{Services: []ServiceInfo{{Name: "b"}}})
	if len(o.Services) != 1 || o.Services[0].Errors != 1 || o.Tokens[0].Name != "mine" || a.faults[a.numbers["b"]].text != "It broke." {
		t.Errorf("%+v, %+v", o, a.faults)
	}
}
