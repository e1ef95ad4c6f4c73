//go:build unix

package cli

import (
	"fmt"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockbox/tunnel/ngroktest"
)

// sleeper is a built program with a tunnel that is stopped for a while, as when the
// computer sleeps.
type sleeper struct {
	*server
	edge  *ngroktest.Edge
	call  through
	said  int // before it wakes
	woken time.Time
}

func newSleeper(t *testing.T, upstream, settings string) *sleeper {
	t.Helper()
	h, edge := exposed(t, ngroktest.Rules{Domains: []string{"mine.ngrok.test"}})
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "c.json", fmt.Sprintf(tunnelConfig, upstream, settings)))
	s := &sleeper{server: h.serve(t, "--tunnel"), edge: edge}
	s.call = through{edge.Client("203.0.113.9:1"), s.await(t, `Tunnel: 1 service at (https://\S+)`)[1], makeToken(t, h, "pub", "x")}
	t.Cleanup(s.call.CloseIdleConnections)
	if status, body := s.call.do(t, "GET", "/s/pub/x", nil); status != 200 {
		t.Fatalf("before: %d %s", status, body)
	}
	return s
}

// since is what it said since it woke.
func (s *sleeper) since() string { return s.talk.String()[s.said:] }

// until says how long after waking something was the case.
func (s *sleeper) until(t *testing.T, what string, good func() bool) time.Duration {
	t.Helper()
	for began := time.Now(); ; time.Sleep(10 * time.Millisecond) {
		if good() {
			return time.Since(s.woken)
		}
		if time.Since(began) > time.Minute {
			t.Fatalf("%s: it said\n%s", what, s.since())
		}
	}
}

const (
	saysOpen = `msg="the tunnel is open"`
	saysLost = `msg="the tunnel is lost`
)

// What the built program says of its tunnel is true within seconds after it was
// asleep for half a minute.
func TestTunnelSleepsAndWakes(t *testing.T) {
	t.Parallel()
	const asleep, within = 30 * time.Second, 10 * time.Second
	up := apis(t)
	stall := func(yes bool) func(*ngroktest.Edge) {
		return func(e *ngroktest.Edge) { e.Set(func(r *ngroktest.Rules) { r.Stalled = yes }) }
	}
	tests := []struct {
		name, settings string
		meanwhile      func(*ngroktest.Edge)
		want           string                // what it has to say; "": nothing
		again          func(*ngroktest.Edge) // nil: it does not come back
		s              *sleeper
	}{
		{name: "nothing happened", again: func(*ngroktest.Edge) {}},
		{name: "the edge has hung up", meanwhile: (*ngroktest.Edge).Drop, want: saysLost, again: func(*ngroktest.Edge) {}},
		{name: "the way to the edge is dead", meanwhile: stall(true), want: saysLost, again: stall(false)},
		{name: "the edge is gone", meanwhile: (*ngroktest.Edge).Down, want: saysLost, again: func(e *ngroktest.Edge) {
			if err := e.Up(); err != nil {
				t.Error(err)
			}
		}},
		{name: "its time is up", settings: `, "close_after": "20s"`, want: `msg="the tunnel is closed" why="The time is up`},
	}
	for i, tt := range tests {
		tests[i].s = newSleeper(t, up.URL, tt.settings)
		tests[i].s.signal(t, syscall.SIGSTOP)
	}
	time.Sleep(asleep / 2)
	for _, tt := range tests {
		if tt.meanwhile != nil {
			tt.meanwhile(tt.s.edge)
		}
	}
	time.Sleep(asleep / 2)
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := tt.s
			s.said, s.woken = len(s.talk.String()), time.Now()
			s.signal(t, syscall.SIGCONT)
			if tt.want != "" {
				said := s.until(t, "what it says", func() bool { return regexp.MustCompile(tt.want).MatchString(s.since()) })
				if t.Logf("said %v after waking", said.Round(time.Millisecond)); said > within {
					t.Error("that is too late")
				}
			}
			if tt.again == nil {
				s.until(t, "no session", func() bool { return s.edge.Sessions() == 0 })
				return
			}
			tt.again(s.edge)
			arrived := s.until(t, "a call", func() bool {
				if strings.LastIndex(s.since(), saysLost) > strings.LastIndex(s.since(), saysOpen) {
					return false // it says that calls do not arrive
				}
				res, err := s.call.Do(authorized(t, s.call.url+"/s/pub/x", s.call.token))
				if err != nil {
					return false
				}
				res.Body.Close()
				return res.StatusCode == 200
			})
			t.Logf("a call arrived %v after waking", arrived.Round(time.Millisecond))
		})
	}
}
