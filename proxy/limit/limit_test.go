package limit

import (
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy/config"
)

// gateOf is the gate of a service "a" with these keys.
func gateOf(t testing.TB, l *Limiter, keys string) *Gate {
	t.Helper()
	c, err := config.Parse("f", []byte(`{"services": {"a": {"base_url": "a.example", `+keys+`}}}`))
	if err != nil {
		t.Fatal(err)
	}
	return l.Use(c.Services)["a"]
}

var zapier = Caller{ID: "id-1", Audience: []string{"zapier"}}

// passes is how many of n calls pass, each of them over at once.
func passes(g *Gate, n int, c Caller, write bool) (passed int) {
	for range n {
		if p, _ := g.Take(c, write); p != nil {
			passed++
			p.End()
		}
	}
	return passed
}

func TestRate(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateOf(t, New(NewBook()), `"rate_limit": {"requests": 60, "per": "1m", "burst": 5}`)
		if n := passes(g, 20, Caller{}, false); n != 5 {
			t.Errorf("%d pass at once, want 5", n)
		}
		_, r := g.Take(Caller{}, false)
		if r == nil || r.Kind != Rate || r.RetryAfter() != 1 || r.Limit() != "60 calls in 1m" || r.Token {
			t.Fatalf("got %+v", r)
		}
		time.Sleep(r.After - time.Millisecond)
		if n := passes(g, 2, Caller{}, false); n != 0 {
			t.Errorf("%d pass a moment before it was said", n)
		}
		time.Sleep(time.Millisecond)
		if n := passes(g, 2, Caller{}, false); n != 1 {
			t.Errorf("%d pass when it was said, want 1", n)
		}
		time.Sleep(10 * time.Minute)
		if n := passes(g, 20, Caller{}, false); n != 5 {
			t.Errorf("%d pass after a quiet time, want 5", n)
		}
	})
}

func TestConcurrency(t *testing.T) {
	g := gateOf(t, New(NewBook()), `"concurrency": 2, "each_token": {"concurrency": 1}`)
	first, _ := g.Take(zapier, false)
	if _, r := g.Take(zapier, false); r == nil || r.Kind != Concurrency || !r.Token || r.Limit() != "1 call at a time" || r.RetryAfter() != 1 {
		t.Errorf("a second call with one token: %+v", r)
	}
	second, _ := g.Take(Caller{ID: "id-2"}, false)
	if _, r := g.Take(Caller{ID: "id-3"}, false); r == nil || r.Token || r.Limit() != "2 calls at a time" {
		t.Errorf("a third call: %+v", r)
	}
	first.End()
	first.End() // is one end all the same
	if p, _ := g.Take(Caller{ID: "id-3"}, false); p == nil {
		t.Error("a call that ended is still counted")
	}
	if _, r := g.Take(zapier, false); r == nil {
		t.Error("a call that ended twice counts twice")
	}
	second.End()
}

// What each kind of caller may do by itself.
func TestTokens(t *testing.T) {
	g := gateOf(t, New(NewBook()), `"each_token": {"quota": {"calls_per_day": 1}}, "token_limits": {
		"zapier": {"quota": {"calls_per_day": 2}}, "id-9": {"quota": {"calls_per_day": 3}}, "free": null}`)
	for _, tt := range []struct {
		name string
		c    Caller
		want int
	}{
		{"any token", Caller{ID: "x", Audience: []string{"n8n"}}, 1},
		{"another token of its audience", Caller{ID: "y", Audience: []string{"n8n"}}, 1},
		{"its audience is named", zapier, 2},
		{"its id is named", Caller{ID: "id-9", Audience: []string{"zapier"}}, 3},
		{"no limit by name", Caller{ID: "z", Audience: []string{"free"}}, 9},
		{"the original's", Caller{Audience: []string{"make"}}, 1},
		{"the original's, another one", Caller{Audience: []string{"make"}}, 0},
		{"no token", Caller{}, 9},
	} {
		if n := passes(g, 9, tt.c, false); n != tt.want {
			t.Errorf("%s: %d calls pass, want %d", tt.name, n, tt.want)
		}
	}
}

func TestQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) { // begins at midnight UTC, 2000-01-01
		g := gateOf(t, New(NewBook()), `"quota": {"calls_per_day": 5, "writes_per_day": 2, "calls_per_month": 12, "writes_per_month": 3}`)
		take := func(want string, write bool) {
			t.Helper()
			got := "passes"
			if p, r := g.Take(Caller{}, write); r != nil {
				got = fmt.Sprintf("%s, free after %v", r.Limit(), r.After)
			} else {
				p.End()
			}
			if got != want {
				t.Errorf("%v: %s, want %s", time.Now().UTC(), got, want)
			}
		}
		take("passes", true)
		take("passes", true)
		take("2 writes a day, free after 24h0m0s", true)
		take("passes", false)
		take("passes", false)
		take("passes", false)
		take("5 calls a day, free after 24h0m0s", false)
		time.Sleep(24*time.Hour - time.Nanosecond)
		take("5 calls a day, free after 1ns", false)
		time.Sleep(time.Nanosecond)
		take("passes", true)
		take("3 writes a month, free after 720h0m0s", true) // 30 days
		for range 4 {
			take("passes", false)
		}
		time.Sleep(24 * time.Hour)
		take("passes", false)
		take("passes", false)
		take("12 calls a month, free after 696h0m0s", false)
		time.Sleep(29*24*time.Hour - time.Nanosecond)
		take("12 calls a month, free after 1ns", false)
		time.Sleep(time.Nanosecond) // February
		take("passes", true)
	})
}

// A refused call takes nothing, of no limit, and one that was not made gives back.
func TestNothingTaken(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateOf(t, New(NewBook()), `"rate_limit": {"requests": 3, "per": "1h"}, "quota": {"calls_per_day": 9}, "each_token": {"concurrency": 1, "quota": {"calls_per_day": 2}}`)
		p, _ := g.Take(zapier, false)
		for range 50 {
			if p, _ := g.Take(zapier, false); p != nil {
				t.Fatal("two at a time")
			}
		}
		p.Return()
		p.Return()
		p.End()
		if n := passes(g, 9, zapier, false); n != 2 {
			t.Errorf("%d more pass of 2 of the quota and 2 of the rate", n)
		}
		time.Sleep(time.Hour)
		if n := passes(g, 9, zapier, false); n != 0 {
			t.Errorf("%d pass over the quota", n)
		}
		if n := passes(g, 9, Caller{ID: "other"}, false); n != 2 {
			t.Errorf("%d pass with another token", n)
		}
		if u := g.whole.slot.now.calls; u != 4 {
			t.Errorf("the service counts %d calls, want 4", u)
		}
	})
}

// No limit gives anything back because the config is read again, or changes.
func TestUseAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := New(NewBook())
		all := func(rate, burst, most int) string {
			return fmt.Sprintf(`"rate_limit": {"requests": %d, "per": "1h", "burst": %d}, "quota": {"calls_per_day": %d}, "concurrency": 4`, rate, burst, most)
		}
		g := gateOf(t, l, all(10, 10, 20))
		under, _ := g.Take(Caller{}, false)
		passes(g, 5, Caller{}, false)
		for what, tt := range []struct {
			keys string
			want int
		}{
			{all(10, 10, 20), 4},
			{all(10, 100, 20), 0},
			{`"concurrency": 1`, 0}, // one is under way
			{all(1000000, 1, 20), 0},
			{all(10, 10, 20), 0},
		} {
			if n := passes(gateOf(t, l, tt.keys), 50, Caller{}, false); n != tt.want {
				t.Errorf("%d: %d calls pass, want %d", what, n, tt.want)
			}
		}
		l.Use(nil) // the service is gone
		if u := l.Uses(); len(u) != 0 {
			t.Errorf("a service that is gone: %+v", u)
		}
		under.End()
		time.Sleep(48 * time.Hour)
		g = gateOf(t, l, all(10, 10, 3))
		if n := passes(g, 50, Caller{}, false); n != 3 {
			t.Errorf("%d pass after two days, want 3", n)
		}
		if n := passes(gateOf(t, l, all(10, 10, 5)), 50, Caller{}, false); n != 2 {
			t.Errorf("%d pass when the quota is raised by 2", n)
		}
	})
}

// 64 callers at a time and reloads between: not one call over, and none lost.
func TestExact(t *testing.T) {
	const most, tries, callers = 1000, 300, 64
	l := New(NewBook())
	keys := fmt.Sprintf(`"rate_limit": {"requests": %d, "per": "720h"}, "concurrency": 3, "each_token": {"quota": {"calls_per_month": %d}}`, most, most/8)
	g := gateOf(t, l, keys)
	var passed, under, over atomic.Int64
	var byToken [8]atomic.Int64
	var wg sync.WaitGroup
	for i := range callers {
		wg.Go(func() {
			for range tries {
				for { // until another limit than that of calls at a time decides
					p, r := g.Take(Caller{ID: fmt.Sprint(i % 8)}, i%2 == 0)
					if r != nil && r.Kind == Concurrency {
						time.Sleep(time.Microsecond)
						continue
					}
					if p != nil {
						if under.Add(1) > 3 {
							over.Add(1)
						}
						passed.Add(1)
						byToken[i%8].Add(1)
						under.Add(-1)
						p.End()
					}
					break
				}
			}
		})
	}
	for range 200 {
		gateOf(t, l, keys)
		time.Sleep(10 * time.Microsecond)
	}
	wg.Wait()
	if passed.Load() != most || over.Load() != 0 {
		t.Errorf("%d calls passed, want %d; %d times more than 3 were under way", passed.Load(), most, over.Load())
	}
	for i := range byToken {
		if n := byToken[i].Load(); n != most/8 {
			t.Errorf("%d calls passed with token %d, want %d", n, i, most/8)
		}
	}
}

// Tokens of no consequence are forgotten, and what they used of a quota is not.
func TestManyTokens(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := gateOf(t, New(NewBook()), `"each_token": {"rate_limit": {"requests": 60, "per": "1m"}, "quota": {"calls_per_day": 2}}`)
		passes(g, 1, zapier, false)
		under, _ := g.Take(Caller{ID: "under way"}, false)
		for i := range 5 * mostIdle {
			passes(g, 1, Caller{ID: fmt.Sprint(i)}, false)
			if i%mostIdle == 0 {
				time.Sleep(time.Minute)
			}
		}
		if n := len(g.tokens); n > 2*mostIdle+2 {
			t.Errorf("%d tokens are remembered", n)
		}
		if g.tokens[zapier.ID] != nil || g.tokens["under way"] == nil {
			t.Error("the idle one is remembered, or the busy one is not")
		}
		if n := passes(g, 9, zapier, false); n != 1 {
			t.Errorf("%d more pass of a forgotten token's quota, want 1", n)
		}
		under.End()
	})
}

func BenchmarkTake(b *testing.B) {
	for name, keys := range map[string]string{
		"rate":        `"rate_limit": {"requests": 1000000000, "per": "1s"}`,
		"concurrency": `"concurrency": 100`,
		"quota":       `"quota": {"calls_per_day": 1000000000}`,
		"all":         `"rate_limit": {"requests": 1000000000, "per": "1s"}, "concurrency": 100, "quota": {"calls_per_day": 1000000000}, "each_token": {"quota": {"calls_per_day": 1000000000}}`,
	} {
		b.Run(name, func(b *testing.B) {
			book := Open(b.TempDir()+"/limits.jsonl", nil)
			g := gateOf(b, New(book), keys)
			b.ReportAllocs()
			for b.Loop() {
				p, r := g.Take(zapier, false)
				if r != nil {
					b.Fatal(r)
				}
				p.End()
			}
			_ = book.Close()
		})
	}
}
