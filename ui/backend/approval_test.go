package backend

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/proxy/approval"
	"lockbox/proxy/config"
)

const askConfig = `{
  // mine
  "services": {"bank": {"base_url": "lockbox://demo", "requires_service_token": false, "rules": [
    {"action": "deny", "path": "/admin/**"}, // first
    {"action": "ask", "path": "/pay/**"},    // money
  ]}},
  "ask": {"wait": "1m"},
}
`

// asking runs a backend that asks, and gives the answers to its calls.
func asking(t *testing.T) (b *Backend, call func(path string) chan int) {
	t.Helper()
	b = start(t, func(o *Options) {
		o.ConfigPath = filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(o.ConfigPath, []byte(askConfig), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	return b, func(path string) chan int {
		out := make(chan int, 1)
		go func() {
			status, _ := get(t, b.View().BaseURL+"/s/bank"+path, "")
			out <- status
		}()
		return out
	}
}

func question(t *testing.T, b *Backend) Question {
	t.Helper()
	waitFor(t, "a question", func() bool { return b.View().Questions > 0 })
	return b.Questions()[0]
}

func TestAllowAlways(t *testing.T) {
	b, call := asking(t)
	seen := b.View().Asked
	out := call("/pay/a%20b*?x=1")
	q := question(t, b)
	if b.View().Asked == seen {
		t.Error("the View does not show that there is a question")
	}
	if err := b.Answer(t.Context(), q.ID, AllowAlways); err != nil {
		t.Fatal(err)
	}
	if got := <-out; got != 200 {
		t.Errorf("the call: %d", got)
	}
	if got := <-call("/pay/a%20b*?x=2"); got != 200 {
		t.Errorf("a call that the rule allows: %d", got)
	}
	out = call("/pay/a%20bc")
	if err := b.Answer(t.Context(), question(t, b).ID, Deny); err != nil {
		t.Fatal(err)
	}
	if got := <-out; got != 403 {
		t.Errorf("a call that it does not: %d", got)
	}
	text, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	deny, allow, ask := strings.Index(string(text), "// first"), strings.Index(string(text), `{"action": "allow", "methods": ["GET"], "path": "/pay/a b\\*"}`), strings.Index(string(text), `{"action": "ask", "path": "/pay/**"},    // money`)
	if deny < 0 || allow < deny || ask < allow {
		t.Errorf("the config is\n%s", text)
	}
}

// TestAllowAlwaysFails: when the rule cannot be written, the call waits on.
func TestAllowAlwaysFails(t *testing.T) {
	b, call := asking(t)
	out := call("/pay/1")
	q := question(t, b)
	text, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(b.opts.ConfigPath, []byte(strings.ReplaceAll(string(text), "/pay/**", "/pay/*")), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Answer(t.Context(), q.ID, AllowAlways); err == nil || !strings.Contains(err.Error(), "changed meanwhile") {
		t.Errorf("got %v", err)
	}
	if q := question(t, b); q.Waiting != 1 {
		t.Errorf("%d calls wait", q.Waiting)
	}
	if err := b.Answer(t.Context(), q.ID, AllowOnce); err != nil {
		t.Fatal(err)
	}
	if got := <-out; got != 200 {
		t.Errorf("the call: %d", got)
	}
	if err := b.Answer(t.Context(), "nosuch", AllowAlways); err == nil {
		t.Error("an unknown question was answered")
	}
}

func TestAlwaysRule(t *testing.T) {
	for name, tt := range map[string]struct {
		call approval.Call
		want string // the rule, or what is wrong
	}{
		"an audience":        {approval.Call{Method: "POST", Path: "/v1/charges", Audience: []string{"zapier"}, JTI: "j"}, "allow POST /v1/charges for zapier"},
		"several":            {approval.Call{Method: "POST", Path: "/a", Audience: []string{"a", "b"}}, "allow POST /a for a"},
		"none":               {approval.Call{Method: "GET", Path: "/a", JTI: "j-1"}, "allow GET /a for j-1"},
		"no token":           {approval.Call{Method: "GET", Path: ""}, "allow GET /"},
		"what is encoded":    {approval.Call{Method: "GET", Path: "/a%20b/%C3%A9"}, "allow GET /a b/é"},
		"what has a meaning": {approval.Call{Method: "GET", Path: `/*/{a,b}/[c]%3F`}, `allow GET /\*/\{a,b\}/\[c\]\?`},
		"a secret":           {approval.Call{Method: "GET", Path: "/[redacted]"}, "key or token"},
		"a bad method":       {approval.Call{Method: "get", Path: "/"}, "capitals"},
	} {
		r, err := AlwaysRule(&Question{Call: tt.call})
		got := r.String()
		if err != nil {
			got = err.Error()
		}
		if err == nil && got != tt.want || err != nil && !strings.Contains(got, tt.want) {
			t.Errorf("%s: got %s, want %s", name, got, tt.want)
		}
		if err == nil && config.CheckRules([]config.Rule{r}) != nil {
			t.Errorf("%s: no good rule", name)
		}
	}
}

// TestControl: commands reach the Lockbox that runs, nobody else's account does, and
// a second one does not take its place.
func TestControl(t *testing.T) {
	b, call := asking(t)
	other := FindElsewhere(b.opts)
	info, err := os.Stat(controlPath(b.opts))
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the socket has mode %v, %v", info.Mode(), err)
	}
	if all, err := other.Questions(t.Context()); err != nil || all == nil || len(all) != 0 {
		t.Errorf("without a question: %v, %v", all, err)
	}
	for answer, want := range map[Answer]int{AllowOnce: 200, Deny: 403} {
		out := call("/pay/" + string(answer))
		q := question(t, b)
		all, err := other.Questions(t.Context())
		if err != nil || len(all) == 0 || all[0].ID != q.ID || all[0].Path != q.Path || all[0].Waiting != 1 {
			t.Fatalf("the questions are %+v, %v", all, err)
		}
		if err := other.Answer(t.Context(), q.ID, "perhaps"); err == nil {
			t.Error("any word is an answer")
		}
		if err := other.Answer(t.Context(), q.ID, answer); err != nil {
			t.Error(err)
		}
		if got := <-out; got != want {
			t.Errorf("%s: %d", answer, got)
		}
	}
	if err := other.Answer(t.Context(), "../x", AllowOnce); err == nil || !strings.Contains(err.Error(), "no such question") {
		t.Errorf("an unknown question: %v", err)
	}
	if ln, err := listenControl(t.Context(), controlPath(b.opts)); err == nil {
		t.Errorf("a second Lockbox took the socket at %v", ln.Addr())
	}
	o := b.opts
	o.StateDir = t.TempDir()
	if _, err := FindElsewhere(o).Questions(t.Context()); err == nil || !strings.Contains(err.Error(), "no Lockbox answers at") {
		t.Errorf("where none runs: %v", err)
	}
	stale := filepath.Join(t.TempDir(), "control.sock")
	if err := os.WriteFile(stale, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	ln, err := listenControl(t.Context(), stale)
	if err != nil {
		t.Fatalf("what is left over is in the way: %v", err)
	}
	_ = ln.Close()
}
