//go:build unix

package cli

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"lockbox/ui/backend"
)

// TestApprovals: the commands answer what waits at the Lockbox that runs.
func TestApprovals(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "config.json", `{"services": {"bank": {"base_url": "lockbox://demo", "rules": [{"action": "ask", "methods": ["POST"]}]}}, "ask": {"wait": "2m"}}`))
	if r := h.run(t, "approvals", "list"); r.code != exitFailed || !strings.Contains(r.errOut, "no Lockbox answers") {
		t.Errorf("where none runs: %+v", r)
	}
	s := h.serve(t)
	made := h.run(t, "token", "--service-name", "bank", "--audience", "zapier")
	token := strings.TrimSpace(made.out)
	if r := h.run(t, "approvals", "list"); r.code != exitDone || r.out != "" || !strings.Contains(r.errOut, "No call waits") {
		t.Errorf("without a question: %+v", r)
	}
	// ask makes a call and gives its question.
	ask := func(path, body string) (q backend.Question, out chan reply) {
		t.Helper()
		out = make(chan reply, 1)
		go func() { out <- send(t, "POST", s.url+"/s/bank"+path, token, strings.NewReader(body)) }()
		for end := time.Now().Add(time.Minute); time.Now().Before(end); {
			r := h.run(t, "approvals", "list", "--json")
			var all []backend.Question
			if err := json.Unmarshal([]byte(r.out), &all); err != nil || r.code != exitDone {
				t.Fatalf("%+v: %v", r, err)
			}
			if len(all) == 1 {
				return all[0], out
			}
		}
		t.Fatal("no question in a minute")
		return q, out
	}
	for _, tt := range []struct {
		args   []string
		status int
	}{
		{[]string{"allow"}, 200},
		{[]string{"allow", "--for", "always"}, 200},
		{[]string{"deny"}, 403},
	} {
		path := "/" + strings.Join(tt.args, "")
		q, out := ask(path, `{"amount": 7}`)
		if q.Service != "bank" || q.Path != path || q.Body == nil || q.Body.Text != `{"amount": 7}` || q.Audience[0] != "zapier" || q.Waiting != 1 {
			t.Errorf("the question is %+v", q)
		}
		table := h.run(t, "approvals", "list").out
		if !strings.Contains(table, q.ID) || !strings.Contains(table, "waits, ") || !strings.Contains(table, "POST "+path) {
			t.Errorf("the list is\n%s", table)
		}
		if r := h.run(t, append([]string{"approvals"}, append(tt.args, q.ID)...)...); r.code != exitDone || r.out != "" {
			t.Errorf("%v: %+v", tt.args, r)
		}
		if r := <-out; r.status != tt.status {
			t.Errorf("%v: %d %s", tt.args, r.status, r.body)
		}
		if r := h.run(t, "approvals", "allow", q.ID, "--for", "1h"); tt.args[0] == "allow" && (r.code != exitFailed || !strings.Contains(r.errOut, "answered already")) {
			t.Errorf("once more: %+v", r)
		}
	}
	if r := send(t, "POST", s.url+"/s/bank/allow--foralways", token, strings.NewReader("another")); r.status != 200 {
		t.Errorf("by the rule that was written: %d %s", r.status, r.body)
	}
	if r := send(t, "POST", s.url+"/s/bank/deny", token, strings.NewReader("another")); r.status != 200 {
		t.Errorf("within the hour that the deny was changed to: %d %s", r.status, r.body)
	}
	if r := h.run(t, "approvals", "allow", "nosuchid"); r.code != exitFailed || !strings.Contains(r.errOut, "no such question") {
		t.Errorf("an unknown question: %+v", r)
	}
	if r := h.run(t, "approvals", "allow", "x", "--for", "2h"); r.code != exitUsage {
		t.Errorf("for two hours: %+v", r)
	}
	if all := h.run(t, "approvals", "list", "--all").out; !strings.Contains(all, "allowed by a command") || !strings.Contains(all, "allowed for 1h by a command") {
		t.Errorf("the whole list is\n%s", all)
	}
}
