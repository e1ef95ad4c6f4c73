package drift

import (
	"fmt"
	"log/slog"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// monday is when tokens begin, at ten.
var monday = time.Date(2026, 3, 2, 10, 0, 0, 0, time.UTC)

func open(t testing.TB) *Tracker {
	t.Helper()
	tr := Open(filepath.Join(t.TempDir(), "drift.jsonl"), slog.New(slog.DiscardHandler))
	t.Cleanup(func() {
		if err := tr.Close(); err != nil {
			t.Error(err)
		}
	})
	return tr
}

const (
	home   = "198.51.100.7:1234"
	zapier = "Zapier/1.0"
)

// learnt is the habit of a token that was used for two weeks, from ten to noon.
func learnt(t testing.TB, tr *Tracker) *Habit {
	t.Helper()
	h := tr.Of("a")
	for day := range 14 {
		for hour := range 3 {
			at := monday.AddDate(0, 0, day).Add(time.Duration(hour) * time.Hour)
			if news := h.See(Call{at, home, zapier}); news != 0 {
				t.Fatalf("%v: %v is new", at, news)
			}
		}
	}
	return h
}

func TestSee(t *testing.T) {
	now := monday.AddDate(0, 0, 14)
	for _, tt := range []struct {
		name string
		call Call
		want News
	}{
		{"as ever", Call{now, home, zapier}, 0},
		{"another address of the network", Call{now, "198.51.100.99:1", zapier}, 0},
		{"another version", Call{now, home, "Zapier/1.1"}, 0},
		{"an hour earlier", Call{now.Add(-time.Hour), home, zapier}, 0},
		{"an hour later", Call{now.Add(3 * time.Hour), home, zapier}, 0},
		{"the next day, as ever", Call{now.Add(24 * time.Hour), home, zapier}, 0},
		{"two hours later", Call{now.Add(4 * time.Hour), home, zapier}, Hour},
		{"at night", Call{now.Add(17 * time.Hour), home, zapier}, Hour},
		{"another network", Call{now, "203.0.113.9:1", zapier}, Network},
		{"IPv6", Call{now, "[2001:db8::1]:1", zapier}, Network},
		{"this computer", Call{now, "127.0.0.1:1", zapier}, 0},
		{"another program", Call{now, home, "curl/8.5"}, Agent},
		{"no program", Call{now, home, ""}, Agent},
		{"a thief", Call{now.Add(17 * time.Hour), "203.0.113.9:1", "curl/8.5"}, Network | Agent | Hour},
	} {
		h := learnt(t, open(t))
		for range 2 { // to see is not to learn
			if got := h.See(tt.call); got != tt.want {
				t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
			}
		}
		if got := h.Learn(tt.call); got != tt.want {
			t.Errorf("%s: learnt %q, want %q", tt.name, got, tt.want)
		}
		if got := h.See(tt.call) | h.Learn(tt.call); got != 0 {
			t.Errorf("%s: %q is new once more", tt.name, got)
		}
	}
}

// TestLearning: nothing is new in the first week, nor in the first calls.
func TestLearning(t *testing.T) {
	odd := func(at time.Time) Call { return Call{at, "203.0.113.9:1", "curl/8.5"} }
	for _, tt := range []struct {
		name  string
		calls int
		after time.Duration
		want  News
	}{
		{"the first call", 0, 0, 0},
		{"many calls at once", 1000, time.Hour, 0},
		{"many calls, and almost a week", 1000, learnFor - time.Second, 0},
		{"many calls, and a week", 1000, learnFor, Network | Agent},
		{"few calls, and a year", learnCalls - 1, 365 * 24 * time.Hour, 0},
		{"just enough calls, and a year", learnCalls, 365 * 24 * time.Hour, Network | Agent},
	} {
		h := open(t).Of("a")
		for range tt.calls {
			if news := h.See(Call{monday, home, zapier}); news != 0 {
				t.Errorf("%s: %v is new while it learns", tt.name, news)
			}
		}
		if got := h.See(odd(monday.Add(tt.after))); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestEnough: hours are told apart once there were calls on enough days.
func TestEnough(t *testing.T) {
	for days, want := range map[int]News{1: 0, enoughDays - 1: 0, enoughDays: Hour} {
		h := open(t).Of("a")
		for i := range 20 * days {
			h.See(Call{monday.AddDate(0, 0, 2*(i%days)), home, zapier})
		}
		if got := h.See(Call{monday.AddDate(0, 0, 30).Add(12 * time.Hour), home, zapier}); got != want {
			t.Errorf("after %d days: got %q, want %q", days, got, want)
		}
	}
}

// TestAccept: what a person accepts is new no more, and nothing else is accepted.
func TestAccept(t *testing.T) {
	night := monday.AddDate(0, 0, 14).Add(17 * time.Hour)
	odd := Call{night, "203.0.113.9:1", "curl/8.5"}
	for _, tt := range []struct {
		news News
		fit  bool
		left News
	}{
		{Network, true, Agent | Hour},
		{Agent, true, Network | Hour},
		{Agent, false, Network | Hour}, // the program could not be written down
		{Hour, true, Network | Agent},
		{Network | Agent | Hour, true, 0},
	} {
		h := learnt(t, open(t))
		s := odd.Sight(tt.news, func(string) bool { return tt.fit })
		for range 2 {
			h.Accept(s)
			if got := h.See(odd); got != tt.left {
				t.Errorf("%+v accepted: %q is new, want %q", s, got, tt.left)
			}
		}
	}
}

// TestBounds: what is kept of a token does not grow, whatever is called.
func TestBounds(t *testing.T) {
	h := learnt(t, open(t))
	now := monday.AddDate(0, 0, 14)
	marks := 0
	for i := range 10_000 {
		c := Call{now.Add(time.Duration(i) * time.Hour), fmt.Sprintf("10.%d.%d.1", i>>8, i&255), fmt.Sprintf("program-%x/1", i)}
		if h.See(c) != 0 && h.Learn(c) != 0 {
			marks++
		}
	}
	k := h.known.Load()
	if len(k.networks) > mostNetworks || len(k.programs) > mostPrograms || len(k.headers) > mostHeaders || !k.roams || !k.varies {
		t.Errorf("kept: %+v", k)
	}
	if most := mostNetworks + 24; marks > most {
		t.Errorf("%d marks in the token's life, want at most %d", marks, most)
	}
}

// TestAtOnce: of calls at the same time that are new in the same way, one is told.
func TestAtOnce(t *testing.T) {
	h := learnt(t, open(t))
	c := Call{monday.AddDate(0, 0, 14), "203.0.113.9:1", "curl/8.5"}
	var told atomic.Int32
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			for range 1000 {
				if h.See(c) != 0 && h.Learn(c) != 0 {
					told.Add(1)
				}
			}
		})
	}
	wg.Wait()
	if told.Load() != 1 {
		t.Errorf("told %d times", told.Load())
	}
}

// noise is how many marks a caller brings its owner in two weeks, and whether a
// thief's call is found after them. The caller has a number of networks and calls
// at hours of the working day.
func noise(h *Habit, networks, callsADay int, seed uint64) (marks int, thief News) {
	r := rand.New(rand.NewPCG(seed, 1))
	for day := range 14 {
		for range callsADay {
			at := monday.AddDate(0, 0, day).Add(time.Duration(r.IntN(9*3600)) * time.Second)
			n := r.IntN(networks)
			c := Call{at, fmt.Sprintf("54.%d.%d.%d:443", n/4, 7*n%256, r.IntN(256)), fmt.Sprintf("Zapier/1.%d", day)}
			if h.See(c) != 0 && h.Learn(c) != 0 {
				marks++
			}
		}
	}
	return marks, h.See(Call{monday.AddDate(0, 0, 14).Add(16 * time.Hour), "203.0.113.9:50123", "python-requests/2.31"})
}

// TestNoise: the owner of a token that a platform uses from 200 networks of a cloud
// hears nothing, and of a thief with his own program all the same. Of callers with
// few networks the owner hears of those that were not used in the first week.
func TestNoise(t *testing.T) {
	for _, tt := range []struct {
		networks, callsADay int
		most                int // marks a token has on the average
		thief               News
	}{
		{200, 100, 0, Agent | Hour},
		{200, 20, 0, Agent | Hour},
		{200, 5, 0, Agent | Hour},
		{60, 5, 0, Agent | Hour},
		{30, 5, 1, Agent},
		{20, 5, 2, Agent},
		{10, 5, 2, Network | Agent},
		{10, 20, 0, Network | Agent | Hour},
		{3, 5, 0, Network | Agent},
		{1, 5, 0, Network | Agent},
	} {
		const tokens = 100
		tr := open(t)
		sum := 0
		for i := range tokens {
			marks, thief := noise(tr.Of(fmt.Sprint(i)), tt.networks, tt.callsADay, uint64(i))
			sum += marks
			if thief&tt.thief != tt.thief {
				t.Errorf("%d networks, %d calls a day: of the thief %q is new, want %q", tt.networks, tt.callsADay, thief, tt.thief)
			}
		}
		t.Logf("%3d networks, %3d calls a day: %.2f marks for a token in two weeks", tt.networks, tt.callsADay, float64(sum)/tokens)
		if sum > tt.most*tokens {
			t.Errorf("%d networks, %d calls a day: %d marks for %d tokens, want at most %d each", tt.networks, tt.callsADay, sum, tokens, tt.most)
		}
	}
}

// The call on whose way this is done.
func BenchmarkSee(b *testing.B) {
	h := learnt(b, open(b))
	now := monday.AddDate(0, 0, 14)
	browser := "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 " + strings.Repeat("x", 60)
	h.Learn(Call{now, home, browser})
	for name, c := range map[string]Call{
		"local": {now, "127.0.0.1:50123", zapier}, "IPv4": {now, home, zapier}, "browser": {now, home, browser},
	} {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if h.See(c) != 0 {
					b.Fatal("new")
				}
			}
		})
	}
}

func TestSeeAllocatesNothing(t *testing.T) {
	h := learnt(t, open(t))
	now := monday.AddDate(0, 0, 14)
	for _, c := range []Call{{now, "127.0.0.1:50123", zapier}, {now, home, zapier}} {
		h.See(c)
		if n := testing.AllocsPerRun(100, func() { h.See(c) }); n != 0 {
			t.Errorf("%+v: %v allocations", c, n)
		}
	}
}
