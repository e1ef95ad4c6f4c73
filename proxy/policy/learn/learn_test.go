package learn

import (
	"bytes"
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/proxy/config"
	"lockbox/proxy/policy"
)

var update = flag.Bool("update", false, "write the golden files anew")

// seen is a call as the tests write it: "GET /path?query".
func seen(call string) *policy.Request {
	method, target, _ := strings.Cut(call, " ")
	path, query, _ := strings.Cut(target, "?")
	return &policy.Request{Method: method, Path: path, Query: query}
}

// workflow is the recorded traffic of a shop's workflow: 2,000 calls to 15 kinds
// of endpoints.
func workflow() []string {
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
	id := func(prefix string, n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = letters[r.IntN(len(letters))]
		}
		return prefix + string(b)
	}
	pick := func(words ...string) string { return words[r.IntN(len(words))] }
	product := func() string {
		return pick("blue", "red", "small", "tall", "old", "plain", "round") + "-" + pick("teapot", "cup", "plate", "kettle", "spoon", "tray", "jug", "bowl")
	}
	hex := func(n int) string {
		b := make([]byte, n)
		for i := range b {
			b[i] = "0123456789abcdef"[r.IntN(16)]
		}
		return string(b)
	}
	kinds := []struct {
		weight int
		call   func() string
	}{
		{300, func() string { return "GET /v1/customers?limit=" + fmt.Sprint(r.IntN(100)) }},
		{400, func() string { return "GET /v1/customers/" + id("cus_", 10) }},
		{60, func() string { return "POST /v1/customers" }},
		{80, func() string { return "POST /v1/customers/" + id("cus_", 10) }},
		{200, func() string { return "GET /v1/charges/" + id("ch_", 10) }},
		{10, func() string { return "POST /v1/charges/" + id("ch_", 10) + "/refund" }},
		{150, func() string { return "GET /v1/invoices?status=open&page=" + fmt.Sprint(r.IntN(9)) }},
		{100, func() string { return "GET /v1/invoices/" + id("in_", 12) + "/lines" }},
		{90, func() string { return "POST /v1/payment_intents" }},
		{90, func() string { return "POST /v1/payment_intents/" + id("pi_", 12) + "/confirm" }},
		{150, func() string { return "GET /v1/products/" + product() }},
		{200, func() string { return "GET /v1/balance" }},
		{70, func() string { return fmt.Sprintf("GET /v1/files/%d.pdf", r.IntN(9000)) }},
		{40, func() string {
			return "DELETE /v1/carts/" + hex(8) + "-" + hex(4) + "-" + hex(4) + "-" + hex(4) + "-" + hex(12)
		}},
		{60, func() string {
			return fmt.Sprintf("PATCH /v1/orders/2026-%04d/items/%d", r.IntN(9999), r.IntN(30))
		}},
	}
	var calls []string
	for _, k := range kinds {
		for range k.weight {
			calls = append(calls, k.call())
		}
	}
	r.Shuffle(len(calls), func(i, j int) { calls[i], calls[j] = calls[j], calls[i] })
	return calls
}

// traffic is made of a few segments of each kind.
func traffic(seed uint64) (calls []string) {
	r := rand.New(rand.NewPCG(seed, 7))
	segments := []string{"users", "v1", "17", "4711", "cus_A1b2C3d4E5", "x.json", "9.json", "a-b", "", "A", "a", "{x}", "%25", "%2F", "ünder", "a,b", "me", "search", "s", "t", "u", "v", "w", "ann@example.org", "a b", "a+b", "..", "77:go"}
	methods := []string{"GET", "POST", "DELETE", "get", "PATCH"}
	for range 1 + r.IntN(400) {
		call := methods[r.IntN(len(methods))] + " "
		for range r.IntN(4) {
			call += "/" + segments[r.IntN(len(segments))]
		}
		calls = append(calls, call)
	}
	return calls
}

// text is the proposal as a golden file has it.
func (p Proposal) text() string {
	var b bytes.Buffer
	for _, l := range p.Rules {
		fmt.Fprintf(&b, "%5d %s\n", l.Calls, l.Rule)
	}
	for _, l := range p.Left {
		fmt.Fprintf(&b, "%5d left: %s\n", l.Calls, l.Reason)
	}
	return b.String()
}

func (p Proposal) checker(t *testing.T) *policy.Checker {
	t.Helper()
	var rules []config.Rule
	for _, l := range p.Rules {
		rules = append(rules, l.Rule)
	}
	c, err := policy.Compile(rules)
	if err != nil {
		t.Fatalf("the proposed rules are none: %v\n%s", err, p.text())
	}
	return c
}

// TestWorkflow: at most 20 rules allow all of a workflow, and refuse 200 calls that
// are none of it.
func TestWorkflow(t *testing.T) {
	var l Learner
	calls := workflow()
	for _, call := range calls {
		l.Add(seen(call), false)
	}
	if len(calls) != 2000 {
		t.Fatalf("%d calls", len(calls))
	}
	p := l.Propose(MaxRules, nil)
	golden(t, "workflow.txt", p.text())
	if len(p.Rules) > MaxRules || len(p.Left) > 0 {
		t.Errorf("%d rules, %d kinds of calls left", len(p.Rules), len(p.Left))
	}
	c := p.checker(t)
	for _, call := range calls {
		if v := c.Check(seen(call)); v.Action != config.Allow {
			t.Errorf("%s: %s", call, v.Reason)
		}
	}
	text, err := os.ReadFile(filepath.Join("testdata", "outside.txt"))
	if err != nil {
		t.Fatal(err)
	}
	outside := strings.Split(strings.TrimSpace(string(text)), "\n")
	if len(outside) < 200 {
		t.Fatalf("only %d calls are outside", len(outside))
	}
	for _, call := range outside {
		if v := c.Check(seen(call)); v.Action != config.Deny {
			t.Errorf("%s passes by rule %s", call, v.Rule)
		}
	}
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
}
