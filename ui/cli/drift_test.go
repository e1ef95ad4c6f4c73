//go:build unix

package cli

import (
	"encoding/json"
	"log/slog"
	"net/http"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockbox/proxy/drift"
)

// TestDriftWhileServing: a learnt token is paused by another program, through a kill
// -9 too, until a command says whose that was; the call is found in the log.
func TestDriftWhileServing(t *testing.T) {
	h := newHome(t)
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "config.json", `{"drift": "pause", "services": {"acme": {"base_url": "lockbox://demo"}}}`))
	ok := func(args ...string) string {
		t.Helper()
		r := h.run(t, args...)
		if r.code != 0 {
			t.Fatalf("%v: %+v", args, r)
		}
		return strings.TrimSuffix(r.out, "\n")
	}
	first := h.serve(t) // makes the signing key
	first.signal(t, syscall.SIGTERM)
	first.wait(t, time.Minute)
	raw := ok("token", "--service-name", "acme", "--audience", "zapier")
	list := func() (out []tokenLine) {
		t.Helper()
		if err := json.Unmarshal([]byte(ok("tokens", "--json")), &out); err != nil || len(out) != 1 {
			t.Fatalf("%+v, %v", out, err)
		}
		return out
	}
	id := list()[0].ID
	habits := drift.Open(h.path(".local/state/lockbox/drift.jsonl"), slog.New(slog.DiscardHandler))
	for day := range 20 {
		habits.Of(id).See(drift.Call{At: time.Now().AddDate(0, 0, day-20), Remote: "127.0.0.1:1", Agent: "Go-http-client/1.1"})
	}
	if err := habits.Close(); err != nil {
		t.Fatal(err)
	}
	call := func(s *server, agent string) int {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, s.url+"/s/acme/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+raw)
		req.Header.Set("User-Agent", agent)
		return do(t, req).status
	}
	s := h.serve(t)
	for _, step := range []struct {
		agent string
		want  int
	}{{"Go-http-client/2.0", 200}, {"curl/8.5", 403}, {"Go-http-client/2.0", 403}} {
		if got := call(s, step.agent); got != step.want {
			t.Errorf("%s: %d, want %d", step.agent, got, step.want)
		}
	}
	s.signal(t, syscall.SIGKILL)
	s.wait(t, time.Minute)
	s = h.serve(t)
	if got := call(s, "Go-http-client/2.0"); got != 403 {
		t.Errorf("after a kill: %d", got)
	}
	if l := list()[0]; l.State != "paused" || len(l.New) != 1 || l.New[0].What != "user_agent" || l.New[0].UserAgent != "curl" {
		t.Errorf("listed: %+v", l)
	}
	if got := ok("tokens"); !strings.Contains(got, "paused") || !strings.Contains(got, "user agent curl") {
		t.Errorf("the list is\n%s", got)
	}
	if got := ok("audit", "list", "--drift", "user_agent"); !strings.Contains(got, "token_paused (new user agent)") {
		t.Errorf("found: %s", got)
	}
	ok("tokens", "resume", id)
	becomesWith(t, "resumed", s.url+"/s/acme/x", raw, 200)
	if got := call(s, "curl/8.6"); got != 200 {
		t.Errorf("what was accepted: %d", got)
	}
	if r := h.run(t, "tokens", "resume", id); r.code != 1 || !strings.Contains(r.errOut, "not paused") {
		t.Errorf("resumed twice: %+v", r)
	}
}
