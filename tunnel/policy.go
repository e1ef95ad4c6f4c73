package tunnel

import (
	"encoding/json"
	"fmt"
	"net/netip"
	"time"
)

// Policy is what ngrok's edge turns away by itself, so that it does not use up the
// account's quota. It knows of addresses only, and of no service: an answer of the
// edge's that depended on the path would tell which services there are. What it lets
// through is judged here all the same.
type Policy struct {
	// AllowFrom is where callers may come from, but for /healthz; nil: anywhere.
	AllowFrom []netip.Prefix
	// Calls are those that an address may make in the time Per; 0: any number.
	Calls int
	Per   time.Duration
}

// mostPolicy bounds a policy's text. It is part of a bind, which has to be one frame
// (frames.go), and so shorter than a stream's window of 256 KB.
const mostPolicy = 64 << 10

// healthAlone keeps a rule from /healthz, which is for anybody. It is a constant of
// ngrok's expression language, https://ngrok.com/docs/traffic-policy/expressions: no
// word of the config's is ever part of an expression.
const healthAlone = "req.url.path != '/healthz'"

type rule struct {
	Expressions []string `json:"expressions,omitempty"`
	Actions     []action `json:"actions"`
}

type action struct {
	Type   string `json:"type"`
	Config any    `json:"config"`
}

// text is the policy in ngrok's words, https://ngrok.com/docs/traffic-policy; "" is
// none. Free accounts may have five rules.
func (p Policy) text() (string, error) {
	var rules []rule
	if p.AllowFrom != nil {
		addresses := struct {
			Enforce bool     `json:"enforce"`
			Allow   []string `json:"allow,omitempty"`
			Deny    []string `json:"deny,omitempty"`
		}{Enforce: true}
		for _, network := range p.AllowFrom {
			addresses.Allow = append(addresses.Allow, network.String())
		}
		if len(addresses.Allow) == 0 {
			addresses.Deny = []string{"0.0.0.0/0", "::/0"}
		}
		rules = append(rules, rule{[]string{healthAlone}, []action{{"restrict-ips", addresses}}})
	}
	if p.Calls > 0 {
		rules = append(rules, rule{nil, []action{{"rate-limit", struct {
			Name      string   `json:"name"`
			Algorithm string   `json:"algorithm"`
			Capacity  int      `json:"capacity"`
			Rate      string   `json:"rate"`
			BucketKey []string `json:"bucket_key"`
		}{forwardsTo, "sliding_window", p.Calls, fmt.Sprintf("%.0fs", p.Per.Seconds()), []string{"conn.client_ip"}}}}})
	}
	if len(rules) == 0 {
		return "", nil
	}
	text, err := json.Marshal(map[string][]rule{"on_http_request": rules})
	if err == nil && len(text) > mostPolicy {
		err = fmt.Errorf("with %d networks it would be longer than %d KB", len(p.AllowFrom), mostPolicy>>10)
	}
	return string(text), err
}

// unguarded is why the edge does not turn calls away, in words.
func unguarded(why string) Trouble {
	return Trouble{Title: "ngrok lets every call through to Lockbox", Text: "What may not come in is refused here all the same, but counts towards the plan's limits. ngrok does not take the policy: " + why}
}

// policy is the one that the edge is to have: "" is none.
func (r *run) policy() string {
	r.guard.Lock()
	defer r.guard.Unlock()
	if r.wanted == r.denied {
		return ""
	}
	return r.wanted
}

// want changes the policy that the edge is to have. It reports whether that is
// another one, and why there can be none.
func (r *run) want(p Policy) (other bool, why Trouble) {
	text, err := p.text()
	if err != nil {
		text, why = "", unguarded(err.Error()+".")
	}
	r.guard.Lock()
	defer r.guard.Unlock()
	other = text != r.wanted
	if other {
		r.wanted, r.denied = text, ""
	}
	return other, why
}

// deny notes that the edge does not take a policy.
func (r *run) deny(policy string, err error) {
	why := troubleOf(err, r.req.Authtoken)
	r.guard.Lock()
	r.denied = policy
	r.guard.Unlock()
	trouble := unguarded(quote(err, r.req.Authtoken))
	trouble.Code = why.Code
	r.t.o.Logger.Warn("ngrok does not take the tunnel's policy: it is opened without", "why", trouble.String())
	r.t.set(r, func(s *State) { s.Unguarded = trouble })
}

// Guard changes what ngrok's edge turns away. An open tunnel takes it up at once:
// calls under way go on, new ones wait for a moment or are told that there is no
// endpoint.
func (t *Tunnel) Guard(p Policy) {
	t.mu.Lock()
	run := t.run
	t.mu.Unlock()
	if run == nil {
		return
	}
	other, why := run.want(p)
	if !other && why.IsZero() {
		return
	}
	run.t.set(run, func(s *State) { s.Unguarded = why })
	select {
	case run.guarded <- struct{}{}:
	default: // it will be looked at
	}
}
