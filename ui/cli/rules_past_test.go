//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/ui/backend"
)

// TestRulesFromPastCalls: what is learnt from the calls on record can be written
// into the config, and lets all of them pass; other rules do not.
func TestRulesFromPastCalls(t *testing.T) {
	h := newHome(t)
	var xs []audit.Exchange
	add := func(method, path string, status int, d audit.Decision) {
		xs = append(xs, audit.Exchange{
			Time: time.Now().Add(-time.Hour), Service: "shop", Method: method, Path: "/s/shop" + path, Status: status, Decision: d,
			Audience: "zapier", Listener: "local", Remote: "127.0.0.1:9", RequestHeader: http.Header{"Content-Type": {"application/json"}},
			RequestBody: &audit.Body{Text: `{"amount":5}`, Size: 12},
		})
	}
	for i := range 30 {
		add("GET", fmt.Sprintf("/orders/%d", 1000+i), 200, audit.Allowed)
	}
	add("POST", "/orders", 201, audit.Allowed)
	add("POST", "/orders", 422, audit.Allowed)
	add("DELETE", "/orders/1", 403, audit.Refused)
	add("GET", "/a//b", 200, audit.Allowed)
	h.recorded(t, xs...)
	config := h.write(t, "c.json", `{"services": {"shop": {"base_url": "https://x.example"}}}`)
	run := func(args ...string) (int, string, string) {
		t.Helper()
		r := h.run(t, append([]string{"rules"}, append(args, "--config", config)...)...)
		return r.code, r.out, r.errOut
	}

	code, out, errOut := run("learn", "shop")
	if want := "CALLS  FAILED  RULE                 FOR EXAMPLE\n2      1       allow POST /orders   POST /orders\n30     0       allow GET /orders/*  GET /orders/1029  GET /orders/1028  GET /orders/1027\n"; code != 0 || out != want {
		t.Errorf("exit code %d, got\n%s\nwant\n%s", code, out, want)
	}
	if !strings.Contains(errOut, "No rule can allow 1 call, such as GET /a//b. Upstreams") {
		t.Errorf("stderr: %s", errOut)
	}
	code, out, _ = run("learn", "shop", "--json", "--audience", "zapier")
	rules, err := backend.ParseRules(out)
	if code != 0 || err != nil || len(rules) != 2 || rules[0].For[0] != "zapier" {
		t.Fatalf("exit code %d, %v: %s", code, err, out)
	}
	learnt := h.write(t, "learnt.json", out)
	code, out, errOut = run("rehearse", "shop", "--rules", learnt)
	if code != 1 || !strings.Contains(errOut, "33 calls: 32 allowed, 1 denied") || strings.Count(out, "/a//b") != 1 {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}
	narrow := h.write(t, "narrow.json", `[{"action": "allow", "methods": ["GET"]}, {"action": "ask", "body": {"/amount": {"max": 5}}}]`)
	code, out, errOut = run("rehearse", "shop", "--rules", narrow, "--json")
	var lines []rehearsedLine
	if err := json.Unmarshal([]byte(out), &lines); err != nil {
		t.Fatal(err)
	}
	if code != 1 || len(lines) != 3 || lines[1].Verdict.Action != "ask" || !strings.Contains(errOut, "30 allowed, 1 denied, 2 asked about") {
		t.Errorf("exit code %d, %s%s", code, out, errOut)
	}

	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"learn", "none"}, 1, `no service "none"`},
		{[]string{"learn", "shop", "--since", "soon"}, 2, "--since"},
		{[]string{"learn", "shop", "--max", "0"}, 2, "--max"},
		{[]string{"learn", "shop", "--audience", "make"}, 0, "no calls"},
		{[]string{"rehearse", "shop", "--rules", h.write(t, "bad.json", `[{"action": "alow"}]`)}, 1, "line 1, column 13: rules/0/action"},
		{[]string{"rehearse", "shop"}, 0, "33 allowed"},
	} {
		code, out, errOut := run(tt.args...)
		if code != tt.code || !strings.Contains(out+errOut, tt.want) {
			t.Errorf("%v: exit code %d, %s%s; want %d, %s", tt.args, code, out, errOut, tt.code, tt.want)
		}
	}
}
