package cli

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestRulesCommand(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	path := write("config.json", `{"services": {"free": {"base_url": "https://x.example"}, "a": {"base_url": "https://x.example", "rules": [
		{"action": "deny", "path": "/admin/**", "note": "Ask <Anna>."}, {"action": "allow", "methods": ["GET"]},
		{"action": "allow", "methods": ["POST"], "for": ["zapier", "id-1"], "body": {"/amount": {"max": 10}}}, {"action": "ask"}]}}}`)
	body := write("body.json", `{"amount": 11}`)
	for _, tt := range []struct {
		args string
		code int
		out  string // in stdout
		err  string // in stderr
	}{
		{"list", 0, "a        1   deny /admin/**", ""},
		{"list", 0, "Ask <Anna>.", ""},
		{"list a --json", 0, `"text": "allow POST /** body /amount<=10 for zapier,id-1"`, ""},
		{"list free", 0, "", "no rules"},
		{"list free --json", 0, "[]", ""},
		{"list b", 1, "", `no service "b"; there are: a, free`},
		{"test a GET /x?y=1", 0, "allow: rule 2 allow GET /**\n", ""},
		{"test a GET /Admin", 1, "deny: Rule 1 of the service (deny /admin/**) denies this call. Ask <Anna>.\n", ""},
		{"test a GET /a%2Fb", 1, "deny: Upstreams could read", ""},
		{"test a PUT /x", 1, "ask: Rule 4", ""},
		{"test a POST /x --audience zapier --content-type application/json --body {\"amount\":10}", 0, "allow: rule 3", ""},
		{"test a POST /x --token-id id-1 --content-type application/json --body {\"amount\":10}", 0, "allow: rule 3", ""},
		{"test a POST /x --audience zapier --content-type application/json --body @" + body, 1, "ask: Rule 4", ""},
		{"test a POST /x --audience zapier --body {}", 1, "deny: It cannot be said whether rule 3", ""},
		{"test a POST /x --audience zapier --body @" + body + "x", 1, "", "body.jsonx"},
		{"test free DELETE /x", 0, "allow: the service has no rules\n", ""},
		{"test a GET x", 1, "", "must begin with /"},
		{"test b GET /", 1, "", `no service "b"`},
		{"test a GET", 2, "", "<path>"},
	} {
		args := append([]string{"rules"}, strings.Fields(tt.args)...)
		code, out, errOut := ask(append(args, "--config", path)...)
		if code != tt.code || !strings.Contains(out, tt.out) || tt.out == "" && out != "" || !strings.Contains(errOut, tt.err) || tt.err == "" && errOut != "" {
			t.Errorf("%s: exit code %d, stdout %q, stderr %q", tt.args, code, out, errOut)
		}
	}
	code, out, _ := ask("rules", "test", "a", "GET", "/admin", "--json", "--config", path)
	var v verdictLine
	if err := json.Unmarshal([]byte(out), &v); err != nil {
		t.Fatal(err)
	}
	if want := (verdictLine{"deny", 1, "deny /admin/**", "rule", "Rule 1 of the service (deny /admin/**) denies this call. Ask <Anna>."}); code != 1 || v != want {
		t.Errorf("exit code %d, got %+v, want %+v", code, v, want)
	}
}
