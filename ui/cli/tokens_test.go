//go:build unix

package cli

import (
	"encoding/json"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func statusWith(t *testing.T, url, token string) int {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_ = resp.Body.Close()
	return resp.StatusCode
}

func becomesWith(t *testing.T, what, url, token string, want int) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(20 * time.Millisecond) {
		got := statusWith(t, url, token)
		if got == want {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%s: %d, want %d", what, got, want)
		}
	}
}

// TestTokensWhileServing: what the commands do to tokens and keys, a Lockbox that
// runs obeys.
func TestTokensWhileServing(t *testing.T) {
	h := newHome(t)
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "config.json", `{"services": {"acme": {"base_url": "lockbox://demo"}, "other": {"base_url": "lockbox://demo"}}}`))
	s := h.serve(t)
	url := s.url + "/s/acme/x"
	ok := func(args ...string) string {
		t.Helper()
		r := h.run(t, args...)
		if r.code != 0 {
			t.Fatalf("%v: %+v", args, r)
		}
		return strings.TrimSuffix(r.out, "\n")
	}
	list := func(args ...string) (out []tokenLine) {
		t.Helper()
		if err := json.Unmarshal([]byte(ok(append([]string{"tokens", "list", "--json"}, args...)...)), &out); err != nil {
			t.Fatal(err)
		}
		return out
	}
	if got := ok("tokens", "list", "--json"); got != "[]" {
		t.Errorf("an empty list is %s", got)
	}
	one := ok("token", "--service-name", "acme", "--audience", "zapier", "--label", "One")
	two := ok("token", "--service-name", "acme", "--audience", "make")
	if got := statusWith(t, url, one); got != 200 {
		t.Fatalf("a new token: %d", got)
	}
	lines := list()
	if len(lines) != 2 || lines[1].Label != "One" || lines[1].State != "good" || lines[0].Audience[0] != "make" {
		t.Errorf("the list is %+v", lines)
	}
	for _, secret := range []string{one, two} {
		text := ok("tokens", "list", "--all") + ok("tokens", "list", "--json")
		files, _ := filepath.Glob(h.path(".local/state/lockbox/*"))
		for _, f := range files {
			if b, err := os.ReadFile(f); err == nil {
				text += string(b)
			}
		}
		if strings.Contains(text, strings.Split(secret, ".")[2]) {
			t.Error("a token is in the list")
		}
	}

	ok("tokens", "revoke", "--id", lines[1].ID)
	becomesWith(t, "a revoked token", url, one, 401)
	if got := statusWith(t, url, two); got != 200 {
		t.Errorf("another token: %d", got)
	}
	if got := list("--service", "acme"); len(got) != 1 {
		t.Errorf("after one was revoked, %d are listed", len(got))
	}
	if got := list("--all"); len(got) != 2 || got[1].State != "revoked" || got[1].Calls == 0 && time.Since(got[1].Made) > time.Minute {
		t.Errorf("all are %+v", got)
	}
	ok("key", "rotate", "--grace", "1h")
	time.Sleep(300 * time.Millisecond)
	if got := statusWith(t, url, two); got != 200 {
		t.Errorf("in the grace time: %d", got)
	}
	if got := ok("key", "show"); !strings.Contains(got, "A former key counts until") || !strings.Contains(got, "strong") {
		t.Errorf("key show: %s", got)
	}
	original := h.write(t, "original_key", "the key of the original\n")
	if r := h.run(t, "key", "import", "--grace", "0", original); r.code != 0 || !strings.Contains(r.errOut, "short (24 bytes)") {
		t.Errorf("key import: %+v", r)
	}
	becomesWith(t, "without a grace time", url, two, 401)
	three := ok("token", "--service-name", "acme", "--audience", "make")
	becomesWith(t, "made with the imported key", url, three, 200)

	if r := h.run(t, "panic"); r.code != 1 || !strings.Contains(r.errOut, "1 token") && !strings.Contains(r.errOut, "2 tokens") {
		t.Errorf("panic without a yes: %+v", r)
	}
	if got := statusWith(t, url, three); got != 200 {
		t.Errorf("after a panic that was not meant: %d", got)
	}
	ok("panic", "--yes")
	becomesWith(t, "after a panic", url, three, 503)
	ok("panic", "--resume")
	becomesWith(t, "a token of before the panic", url, three, 401)
	becomesWith(t, "a token of after the panic", url, ok("token", "--service-name", "acme", "--audience", "make"), 200)
}

func TestTokensUsage(t *testing.T) {
	h := newHome(t)
	for _, args := range [][]string{
		{"tokens", "revoke"},
		{"tokens", "revoke", "--id", "x", "--service", "y"},
		{"key", "rotate", "--grace", "soon"},
		{"key", "import", "no-such-file"},
		{"panic", "--yes", "--resume"},
	} {
		if r := h.run(t, args...); r.code != 2 || r.out != "" {
			t.Errorf("%v: %+v, want 2", args, r)
		}
	}
	for _, args := range [][]string{
		{"tokens", "revoke", "--id", "nobody"},
		{"panic", "--resume"},
		{"key", "show"},
	} {
		if r := h.run(t, args...); r.code != 1 || r.out != "" || !strings.HasPrefix(r.errOut, "lockbox: ") {
			t.Errorf("%v: %+v, want 1 and a sentence", args, r)
		}
	}
}

// TestDamagedTokens: nothing starts, and nothing is listed or made, over a list
// that cannot be read.
func TestDamagedTokens(t *testing.T) {
	h := newHome(t)
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "config.json", `{"services": {"acme": {"base_url": "lockbox://demo"}}}`))
	path := filepath.Join(".local", "state", "lockbox", "tokens.jsonl")
	if err := os.MkdirAll(filepath.Dir(h.path(path)), 0o700); err != nil {
		t.Fatal(err)
	}
	h.write(t, path, "garbage\n")
	for _, args := range [][]string{
		{"serve", "--listen", freeAddress(t)},
		{"tokens", "list"},
	} {
		r := h.run(t, args...)
		if r.code != 1 || r.out != "" || !strings.Contains(r.errOut, "line 1 of the list of tokens "+h.path(path)) || !strings.Contains(r.errOut, "restore the file") {
			t.Errorf("%v: %+v", args, r)
		}
	}
}
