package backend

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/drift"
)

// TestConcerns: each kind comes up when it is true, and not before.
func TestConcerns(t *testing.T) {
	now := time.Now()
	day := 24 * time.Hour
	services := []ServiceInfo{{Name: "acme"}, {Name: "bank"}}
	calls := func(n int, x Exchange) (out []Exchange) {
		for range n {
			y := x
			if y.Time.IsZero() {
				y.Time = now.Add(-10 * time.Minute)
			}
			y.Service = "acme"
			out = append(out, y)
		}
		return out
	}
	good := Exchange{Status: 200, Decision: audit.Allowed}
	timeout := Exchange{Status: 504, Decision: audit.Failed, Reason: "upstream_timeout: It did not answer."}
	unauthorized := Exchange{Status: 401, Decision: audit.Allowed}
	oauth := Exchange{Status: 502, Decision: audit.Failed, Reason: "credential_unavailable: The token endpoint said no."}
	recovered := good
	recovered.Time = now.Add(-time.Minute)
	old := timeout
	old.Time = now.Add(-61 * time.Minute)
	token := TokenInfo{ID: "jti-1", Service: "acme", Made: now.Add(-90 * day), Expires: now.Add(30 * day)}
	tests := []struct {
		name   string
		view   View
		calls  []Exchange
		tokens []TokenInfo
		uses   []LimitUse
		want   string // the kinds, with what else is told
	}{
		{name: "all is good", calls: calls(10, good), tokens: []TokenInfo{token}},
		{name: "a problem", view: View{Problem: Notice{Title: "Lockbox cannot listen"}}, want: "0 Lockbox cannot listen"},
		{name: "locked, not what comes of it", view: View{Locked: true, Keychain: KeychainInfo{Message: "x"}, Services: []ServiceInfo{{Name: "acme", Problem: "Lockbox is locked"}}}, want: "1"},
		{name: "a leak", view: View{Leaks: []Leak{{"acme", "body", now}, {"bank", "body", now.Add(-25 * time.Hour)}}}, want: "2 acme body"},
		{name: "a paused token", tokens: []TokenInfo{{ID: "p", Service: "acme", Made: now, Expires: now.Add(day), Paused: now, Sights: []drift.Sight{{News: drift.Network, Network: "203.0.113.0/24"}}}}, want: "3 acme p network 203.0.113.0/24"},
		{name: "a lost tunnel", view: View{Tunnel: TunnelState{Phase: TunnelLost, Trouble: TunnelTrouble{Title: "No network"}}}, want: "4 No network"},
		{name: "a tunnel that ended by itself", view: View{Tunnel: TunnelState{Phase: TunnelClosed, Trouble: TunnelTrouble{Title: "Bad authtoken"}}}, want: "4 Bad authtoken"},
		{name: "a closed tunnel", view: View{Tunnel: TunnelState{Phase: TunnelClosed}}},
		{name: "a service without its key", view: View{Services: []ServiceInfo{{Name: "acme", Problem: "token: not found"}}}, calls: calls(9, timeout), want: "5 acme token: not found"},
		{name: "a refresh that fails", calls: append(calls(20, good), calls(1, oauth)...), want: "6 acme 1 of 21 The token endpoint said no."},
		{name: "a refresh that works again", calls: append(calls(1, oauth), calls(20, recovered)...)},
		{name: "a key that is refused", calls: append(calls(2, good), calls(3, unauthorized)...), want: "7 acme 3 of 5"},
		{name: "a key that is new", calls: append(calls(3, unauthorized), calls(1, recovered)...)},
		{name: "some that the caller asked too much of", calls: append(calls(9, good), calls(3, unauthorized)...)},
		{name: "a failing service", calls: append(calls(12, good), calls(3, timeout)...), want: "8 acme 3 of 15 It did not answer."},
		{name: "a share that is small", calls: append(calls(13, good), calls(3, timeout)...)},
		{name: "too few to tell", calls: calls(2, timeout)},
		{name: "long ago", calls: calls(9, old)},
		{name: "of a service that is gone", view: View{Services: []ServiceInfo{{Name: "bank"}}}, calls: calls(9, timeout)},
		{name: "questions", view: View{Questions: 2}, want: "9 2"},
		{name: "a gap", calls: []Exchange{{Time: now, Decision: audit.Noted, Event: "gap", Reason: "gap: 5 calls are missing."}}, want: "10 1 5 calls are missing."},
		{name: "no vault", view: View{Keychain: KeychainInfo{Message: "no Secret Service"}}, want: "11 no Secret Service"},
		{name: "the banner asks to unlock", view: View{Problem: Notice{Title: "T", Action: "unlock"}, Keychain: KeychainInfo{Message: "x"}}, want: "0 T"},
		{name: "an expired token in use", tokens: []TokenInfo{{ID: "e", Service: "acme", Expires: now.Add(-time.Hour)}},
			calls: calls(4, Exchange{JTI: "e", Status: 401, Decision: audit.Refused, Reason: "token_expired: …"}), want: "12 acme e 4"},
		{name: "one that was revoked since", tokens: []TokenInfo{{ID: "e", Expires: now.Add(-time.Hour), Revoked: now}},
			calls: calls(4, Exchange{JTI: "e", Status: 401, Decision: audit.Refused, Reason: "token_expired: …"})},
		{name: "one that is not listed", calls: calls(4, Exchange{JTI: "x", Status: 401, Decision: audit.Refused, Reason: "token_expired: …"})},
		{name: "one that expires", tokens: []TokenInfo{{ID: "s", Service: "acme", Made: now.Add(-80 * day), Expires: now.Add(6 * day)}}, want: "13 acme s"},
		{name: "one that is meant to", tokens: []TokenInfo{{ID: "s", Made: now.Add(-time.Hour), Expires: now.Add(day)}}},
		{name: "one that has time", tokens: []TokenInfo{{ID: "s", Made: now.Add(-80 * day), Expires: now.Add(8 * day)}}},
		{name: "used in a new way", tokens: []TokenInfo{{ID: "d", Service: "acme", Made: now, Expires: now.Add(day), Sights: []drift.Sight{{News: drift.Agent, Program: "curl"}}}}, want: "14 acme d user agent curl"},
		{name: "a quota", uses: []LimitUse{{Service: "acme", Limit: "calls_per_day", Most: 50, Used: 50, Per: day}, {Service: "bank", Most: 50, Left: 1, Per: day}, {Service: "bank", Most: 5, Per: time.Minute}}, want: "15 acme 0 of 50"},
		{name: "a quota of a token", tokens: []TokenInfo{token}, uses: []LimitUse{{Service: "acme", Token: "jti-1", Most: 50, Per: day}}, want: "15 acme jti-1 0 of 50"},
		{name: "a rate", calls: append(calls(9, good), calls(2, Exchange{Status: 429, Decision: audit.Refused, Reason: "rate_limited: …"})...), want: "15 acme 2"},
		{name: "lockouts", view: View{Lockouts: []Lockout{{Address: "203.0.113.9", Until: now}, {Address: "203.0.113.10", Until: now}}}, want: "16 2 203.0.113.9"},
		{name: "the month", view: View{Usage: TunnelUsage{Calls: FreeCalls * 85 / 100}}, want: "17 85"},
		{name: "keys in the config", view: View{PlainKeys: 2, Warnings: []string{"key", "key"}}, want: "18 2"},
		{name: "warnings", view: View{Warnings: []string{"line 3", "line 4"}}, want: "19 2 line 3"},
		{name: "warnings of which some are about keys", view: View{PlainKeys: 1, Warnings: []string{"line 3", "line 4"}}, want: "18 1\n19 1"},
		{name: "the worst first", view: View{Questions: 1, Warnings: []string{"w"}, Tunnel: TunnelState{Phase: TunnelLost}}, calls: calls(3, timeout), want: "4\n8 acme 3 of 3 It did not answer.\n9 1\n19 1 w"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if tt.view.Services == nil {
				tt.view.Services = services
			}
			a := seen(tt.calls...)
			byID := func(id string) (TokenInfo, bool) {
				i := slices.IndexFunc(tt.tokens, func(x TokenInfo) bool { return x.ID == id })
				if i < 0 {
					return TokenInfo{}, false
				}
				return tt.tokens[i], true
			}
			var got []string
			for _, c := range concerns(tt.view, concernsOf(tt.tokens, now), a.tally(now), tt.uses, byID) {
				s := fmt.Sprint(int(c.Kind), " ", c.Service, " ", c.Token.ID)
				if c.Count > 0 || c.Of > 0 {
					s += fmt.Sprint(" ", c.Count)
				}
				if c.Of > 0 {
					s += fmt.Sprint(" of ", c.Of)
				}
				got = append(got, strings.Join(strings.Fields(s+" "+c.Text), " "))
			}
			if all := strings.Join(got, "\n"); all != tt.want {
				t.Errorf("got:\n%s\nwant:\n%s", all, tt.want)
			}
		})
	}
}

// TestManyConcerns: of each kind a few are listed, the worst, and how many more
// there are.
func TestManyConcerns(t *testing.T) {
	now := time.Now()
	var v View
	var calls []Exchange
	for i := range 200 {
		name := fmt.Sprintf("s%03d", i)
		v.Services = append(v.Services, ServiceInfo{Name: name})
		for range 3 + i {
			calls = append(calls, Exchange{Time: now, Service: name, Status: 502, Decision: audit.Failed})
		}
	}
	var tokens []TokenInfo
	for i := range 50 {
		tokens = append(tokens, TokenInfo{ID: fmt.Sprintf("t%02d", i), Made: now.Add(-1000 * time.Hour), Expires: now.Add(time.Duration(50-i) * time.Hour)})
	}
	var got []string
	for _, c := range concerns(v, concernsOf(tokens, now), seen(calls...).tally(now), nil, func(string) (TokenInfo, bool) { return TokenInfo{}, false }) {
		got = append(got, fmt.Sprint(int(c.Kind), c.Service, c.Token.ID, c.More))
	}
	if want := "[8 s199 0 8 s198 0 8 s197 0 8  197 13  t49 0 13  t48 0 13  t47 0 13  47]"; strings.Join(strings.Fields(fmt.Sprint(got)), "") != strings.Join(strings.Fields(want), "") {
		t.Errorf("got  %v\nwant %s", got, want)
	}
}
