package tunnel

import (
	"encoding/json"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"testing"
	"time"

	"lockbox/tunnel/ngroktest"
)

func networks(all ...string) []netip.Prefix {
	out := []netip.Prefix{}
	for _, s := range all {
		out = append(out, netip.MustParsePrefix(s))
	}
	return out
}

const (
	nearPolicy = `{"on_http_request":[{"expressions":["req.url.path != '/healthz'"],"actions":[{"type":"restrict-ips","config":{"enforce":true,"allow":["203.0.113.0/24","2001:db8::/32"]}}]}]}`
	ratePolicy = `{"on_http_request":[{"actions":[{"type":"rate-limit","config":{"name":"lockbox","algorithm":"sliding_window","capacity":60,"rate":"60s","bucket_key":["conn.client_ip"]}}]}]}`
)

var near = Policy{AllowFrom: networks("203.0.113.0/24", "2001:db8::/32")}

func TestPolicyText(t *testing.T) {
	for _, tt := range []struct {
		policy Policy
		want   string
	}{
		{Policy{}, ""},
		{near, nearPolicy},
		{Policy{Calls: 60, Per: time.Minute}, ratePolicy},
		{Policy{AllowFrom: networks()}, strings.Replace(nearPolicy, `"allow":["203.0.113.0/24","2001:db8::/32"]`, `"deny":["0.0.0.0/0","::/0"]`, 1)},
		{Policy{AllowFrom: near.AllowFrom, Calls: 60, Per: time.Minute}, strings.TrimSuffix(nearPolicy, "]}") + "," + strings.TrimPrefix(ratePolicy, `{"on_http_request":[`)},
	} {
		got, err := tt.policy.text()
		if err != nil || got != "" && !json.Valid([]byte(got)) || got != tt.want {
			t.Errorf("%+v: %v\n%s\nwant\n%s", tt.policy, err, got, tt.want)
		}
	}
	var many Policy
	for i := range 5000 {
		many.AllowFrom = append(many.AllowFrom, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 1, byte(i >> 8), byte(i)}), 32))
	}
	if text, err := many.text(); err == nil || !strings.Contains(err.Error(), "5000 networks") {
		t.Errorf("too many networks: %d bytes, %v", len(text), err)
	}
}

// policies are those that the edge was asked for.
func (l *lab) policies() (all []string) {
	for _, b := range l.edge.Binds() {
		all = append(all, b.TrafficPolicy)
	}
	return all
}

// Another policy is in force at once, at the same address, and no call under way
// notices.
func TestGuard(t *testing.T) {
	for name, domains := range map[string][]string{"the account's domain": {"mine.ngrok.test"}, "an address by chance": nil} {
		t.Run(name, func(t *testing.T) {
			arrived, goOn := make(chan struct{}), make(chan struct{})
			l := newLab(t, ngroktest.Rules{Domains: domains}, func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Path == "/slow" {
					close(arrived)
					<-goOn
				}
				_, _ = io.WriteString(w, "whole")
			})
			l.open(t, Request{Policy: near})
			before, _ := l.await(t, "open", isOpen)
			c := l.edge.Client("")
			defer c.CloseIdleConnections()
			answer := make(chan string, 1)
			go func() {
				res, err := c.Get(before.URL + "/slow")
				if err != nil {
					answer <- err.Error()
					return
				}
				body, _ := io.ReadAll(res.Body)
				answer <- string(body)
			}()
			<-arrived
			l.Guard(near) // the same: nothing happens
			l.Guard(Policy{Calls: 60, Per: time.Minute})
			want := []string{nearPolicy, ratePolicy}
			l.await(t, "the second policy", func(s State) bool {
				p := l.policies()
				return p[len(p)-1] == ratePolicy && (len(domains) > 0 || s.Former != "")
			})
			if s := l.State(); len(domains) > 0 && s.URL != before.URL || s.Phase != Open {
				t.Errorf("state %+v, the address before was %s", s, before.URL)
			}
			for end := time.Now().Add(time.Minute); ; {
				if status, body := l.get(t, "", "/"); status == 200 && body == "whole" {
					break
				} else if time.Now().After(end) {
					t.Fatalf("a call: %d %s", status, body)
				}
			}
			close(goOn)
			if got := <-answer; got != "whole" {
				t.Errorf("the call under way: %q", got)
			}
			// What reconnects has the policy of then.
			l.edge.Drop()
			l.await(t, "lost", func(s State) bool { return s.Phase == Lost })
			l.await(t, "open again", isOpen)
			want = append(want, ratePolicy)
			l.Guard(Policy{})
			want = append(want, "")
			l.await(t, "no policy", func(State) bool { p := l.policies(); return p[len(p)-1] == "" })
			if len(domains) > 0 {
				if got := l.policies(); strings.Join(got, "\n") != strings.Join(want, "\n") {
					t.Errorf("policies\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
				}
			}
			l.Close("the test")
		})
	}
}

// An account whose policy is refused is opened without, and says so.
func TestPolicyRefused(t *testing.T) {
	refusal := ngroktest.Refusal("This agent has exceeded its policy rule limit of 0. "+goodToken, 15004)
	l := newLab(t, ngroktest.Rules{Domains: []string{"mine.ngrok.test"}, PolicyError: refusal}, nil)
	l.open(t, Request{Policy: near})
	s, _ := l.await(t, "open", isOpen)
	if u := s.Unguarded; !strings.Contains(u.Text, "policy rule limit") || u.Code != "ERR_NGROK_15004" || strings.Contains(u.Text, goodToken) || !s.Trouble.IsZero() {
		t.Errorf("state %+v", s)
	}
	if status, _ := l.get(t, "198.51.100.1:1", "/"); status != 200 {
		t.Errorf("a call: %d", status)
	}
	if got := l.policies(); len(got) != 2 || got[0] != nearPolicy || got[1] != "" {
		t.Errorf("policies %q", got)
	}
	// Refused, it is not asked for again when the connection breaks.
	l.edge.Drop()
	l.await(t, "lost", func(s State) bool { return s.Phase == Lost })
	l.await(t, "open again", isOpen)
	if got := l.policies(); len(got) != 3 || got[2] != "" {
		t.Errorf("policies %q", got)
	}
	l.edge.Set(func(r *ngroktest.Rules) { r.PolicyError = "" })
	l.Guard(Policy{Calls: 60, Per: time.Minute})
	l.await(t, "another policy", func(s State) bool { return len(l.policies()) == 4 && s.Unguarded.IsZero() })
	l.edge.Set(func(r *ngroktest.Rules) { r.PolicyError = refusal })
	l.Guard(near)
	l.await(t, "the policy that is refused", func(s State) bool { return len(l.policies()) == 6 && !s.Unguarded.IsZero() && s.Phase == Open })
	for end := time.Now().Add(time.Minute); ; {
		if status, _ := l.get(t, "", "/"); status == 200 {
			break
		} else if time.Now().After(end) {
			t.Fatalf("a call: %d", status)
		}
	}
}

// ngrok may want fewer heartbeats than Lockbox.
func TestBeatRefused(t *testing.T) {
	for _, least := range []time.Duration{2 * time.Second, 10 * time.Second} {
		l := newLab(t, ngroktest.Rules{LeastBeat: least}, nil)
		l.open(t, Request{})
		s, took := l.await(t, "open", isOpen)
		auths := l.edge.Auths()
		if len(auths) != 2 || auths[0].Beat != l.beat || auths[1].Beat < 10*time.Second || auths[1].BeatWait < auths[1].Beat || took > within || !s.Trouble.IsZero() {
			t.Errorf("after %v: %+v, sessions %+v", took, s, auths)
		}
		l.mu.Lock()
		for _, s := range l.states {
			if s.Phase == Lost {
				t.Errorf("meanwhile it was %+v", s)
			}
		}
		l.mu.Unlock()
		l.Close("the test")
	}
	l := newLab(t, ngroktest.Rules{}, nil)
	l.beat = beat
	l.open(t, Request{})
	l.await(t, "open", isOpen)
	if a := l.edge.Auths(); len(a) != 1 || a[0].Beat != beat || a[0].BeatWait != beatWait {
		t.Errorf("sessions %+v", a)
	}
}
