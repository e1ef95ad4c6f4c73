package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
)

// canary stands for a key; no message may hold it or a part of it.
const canary = "ghp_CANARY7f3a"

func TestProblemText(t *testing.T) {
	tests := []struct {
		p    Problem
		want string
	}{
		{Problem{"config.json", 12, 5, "github", "base_url", "is empty"}, `config.json:12:5: service "github": base_url: is empty`},
		{Problem{"config.json", 1, 1, "", "services", "is missing"}, "config.json:1:1: services: is missing"},
		{Problem{File: "config.json", Message: "is too open"}, "config.json: is too open"},
		{Problem{Line: 3, Column: 4, Message: "bad"}, "line 3, column 4: bad"},
	}
	for _, tt := range tests {
		if got := tt.p.Error(); got != tt.want {
			t.Errorf("got %q, want %q", got, tt.want)
		}
	}
	err := fmt.Errorf("wrapped: %w", Problems{tests[0].p, tests[1].p})
	var p Problem
	if !errors.As(err, &p) || p.Line != 12 || !strings.Contains(err.Error(), "\n") {
		t.Errorf("errors.As gives %+v of %q", p, err)
	}
}

// TestProblemsAllAtOnce: every fault of a file, with its place, in its order.
func TestProblemsAllAtOnce(t *testing.T) {
	const src = `{
  "services": {
    "ok": {"base_url": "https://ok.example"},
    "ünï": {"base_url": "ftp://x", "read_timeout": "soon", "allow_redirects": null},
    "": {"base_url": "x"},
    "dup": {"base_url": "x.example", "base_url": "y.example"},
    "cred": {
      "base_url": 5,
      "credential": {"type": "bearer", "token": 12345},
      "valid_audiences": "zapier",
      "rules": [{"methods": ["GET"]}],
      "rate_limit": {"requests": 0, "per": "1m"}
    },
    "noname": {"base_ur": "https://x.example"},
    "none": {},
    "text": "x"
  },
  "audit_log": {"type": "s3", "root_dir": ""},
  "listen": "localhost"
}`
	want := []string{
		`f:4:25: service "ünï": base_url: must begin with`,
		`f:4:52: service "ünï": read_timeout: is not a number`,
		`f:4:79: service "ünï": allow_redirects: must be true or false`,
		`f:5:5: services: the name of a service is empty`,
		`f:6:38: service "dup": "base_url" is there twice`,
		`f:8:19: service "cred": base_url: must be text in double quotes, and is a number`,
		`f:9:49: service "cred": credential/token: must be text in double quotes, and is a number`,
		`f:10:26: service "cred": valid_audiences: must be a list`,
		`f:11:17: service "cred": rules/0/action: is missing`,
		`f:12:34: service "cred": rate_limit/requests: must be 1 or more`,
		`f:14:16: service "noname": base_url: is missing: is "base_ur" meant for it?`,
		`f:15:5: service "none": base_url: is missing`,
		`f:16:13: service "text": must be an object, { … }, and is text`,
		`f:18:25: audit_log/type: must be "local_dir"`,
		`f:18:43: audit_log/root_dir: is empty`,
		`f:19:13: listen: is not an address and a port`,
	}
	c, err := Parse("f", []byte(src))
	if c != nil {
		t.Error("a config came with the errors")
	}
	check(t, problemLines(err), want)
}

func problemLines(err error) []string {
	var ps Problems
	if !errors.As(err, &ps) {
		return nil
	}
	var lines []string
	for _, p := range ps {
		lines = append(lines, p.Error())
	}
	return lines
}

// check compares lines by how they begin.
func check(t *testing.T, got, want []string) {
	t.Helper()
	if !slices.EqualFunc(got, want, strings.HasPrefix) {
		t.Errorf("got\n  %s\nwant\n  %s", strings.Join(got, "\n  "), strings.Join(want, "\n  "))
	}
}

func TestSyntax(t *testing.T) {
	deep := strings.Repeat("[", 5_000_000)
	tests := []struct{ name, src, want string }{
		{"empty", " \n", "f:1:1: is empty"},
		{"utf16", "\xff\xfe{\x00", "f:1:1: is UTF-16"},
		{"latin1", "{\n \"a\": \"\xe4\"}", "f:2:8: not UTF-8"},
		{"no comma", "{\n  \"a\": 1\n  \"b\": 2\n}", "f:3:3: a comma or a closing }"},
		{"no comma in list", `{"a": [1 2]}`, "f:1:10: a comma or a closing ]"},
		{"no colon", `{"a" 1}`, "f:1:6: a colon"},
		{"bare key", `{services: {}}`, "f:1:2: a name must stand in double quotes"},
		{"json5 key", `{'services' : {}}`, "f:1:2: a name must stand in double quotes"},
		{"number key", `{5: {}}`, "f:1:2: a name must stand in double quotes"},
		{"single quotes", `{"a": 'x'}`, "f:1:7: a value must stand"},
		{"bare text", `{"a": nope}`, "f:1:7: text must stand in double quotes"},
		{"python", `{"a": None}`, "f:1:7: text must stand in double quotes"},
		{"escape", `{"a": "\x"}`, "f:1:7: this text has a control character or a bad escape"},
		{"more", "{}\n{}", "f:2:1: there is more"},
		{"open", "{\n  \"services\": {\n\n", "f:2:15: the { here is never closed"},
		{"closed twice", "{}}", "f:1:3: a closing } too many"},
		{"wrong kind", `{"a": [1}`, "f:1:9: a closing } too many, or of the wrong kind"},
		{"open text", "{\n  \"a\": \"x,\n  \"b\": 1}", "f:2:8: a text that begins here"},
		{"open comment", "{ /* x }", "f:1:3: a comment that begins here"},
		{"separator", "{ // \u2028\n}", "f:1:6: a comment holds a line separator"},
		{"deep", deep, "f:1:65: is nested more than 64 deep"},
		{"list", "[]", "f:1:1: must be an object"},
		{"number", "5", "f:1:1: must be an object"},
		{"comma only", "{,}", "f:1:2: a value must stand"},
	}
	for _, tt := range tests {
		_, err := Parse("f", []byte(tt.src))
		got := problemLines(err)
		if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s: got %q, want %q…", tt.name, got, tt.want)
		}
	}
}

// TestNoSecretInMessages puts a key at every place where people put it by
// mistake.
func TestNoSecretInMessages(t *testing.T) {
	wrap := func(cred string) string {
		return `{"services": {"a": {"base_url": "https://a.example", "credential": ` + cred + `}}}`
	}
	var b strings.Builder
	for _, src := range []string{
		wrap(canary),
		wrap(`"` + canary + `"`),
		wrap(`["` + canary + `"]`),
		wrap(`{"type": "` + canary + `"}`),
		wrap(`{"type": ["` + canary + `"]}`),
		wrap(`{"` + canary + `": "token"}`),
		wrap(`{"token": "x", "` + canary + `": 1}`),
		wrap(`{"token": {"x": "` + canary + `"}}`),
		wrap(`{"token": ["` + canary + `"]}`),
		wrap(`{"token": ` + canary + `}`),
		wrap(`{"token": "` + canary + `\q"}`),
		wrap(`{"token": "` + canary + `"x"}`),
		wrap(`{"token": "` + canary + `\n"}`),
		wrap(`{"token": " ` + canary + `"}`),
		wrap(`{"token": "keychain://` + canary + `"}`),
		wrap(`{"token": "vault://` + canary + `"}`),
		wrap(`{"token": "` + canary + `\ud800"}`),
		wrap(`{"token": "` + canary),
		wrap(`{"username": "x:` + canary + `", "password": "` + canary + `"}`),
		wrap(`{"headers": {"Authorization: Bearer ` + canary + `": ""}}`),
		wrap(`{"headers": {"Authorization ` + canary + `": "", "Authorization ` + canary + `": ""}}`),
		wrap(`{"headers": {"X-Key": "` + canary + `\r\nX: y"}}`),
		wrap(`{"headers": {"X-Key": 5, "x-key": "` + canary + `"}}`),
		wrap(`{"headers": "X-Key: ` + canary + `"}`),
		wrap(`{"type": "path", "segment": "bot` + canary + `", "token": ""}`),
		wrap(`{"type": "path", "segment": "/bot{token}/` + canary + `", "token": "x"}`),
		wrap(`{"type": "path", "segment": "{token}", "token": "` + canary + `\n"}`),
		wrap(`{"type": "query", "params": "key=` + canary + `"}`),
		wrap(`{"type": "query", "params": {"key=` + canary + `": ""}}`),
		wrap(`{"type": "query", "params": {"` + canary + `\u0001": ""}}`),
		wrap(`{"type": "query", "params": {"key": "` + canary + `\n"}}`),
		wrap(`{"type": "query", "params": {"` + canary + `=": 1, "` + canary + `=": 1}}`),
		wrap(`{"type": "oauth2_client_credentials", "token_url": "https://x:` + canary + `@a.example"}`),
		wrap(`{"type": "oauth2_client_credentials", "token_url": "` + canary + `", "scopes": ["` + canary + ` x"], "auth_style": "` + canary + `", "client_secret": ["` + canary + `"]}`),
		wrap(`{"type": "oauth2_refresh_token", "refresh_token": "` + canary + `", "client_secret": "` + canary + `\t\u0000"}`),
		wrap(`{"type": "aws_sigv4", "access_key_id": "` + canary + `", "secret_access_key": "` + canary + `", "region": "` + canary + `/x", "service": "` + canary + `/"}`),
		`{"services": {"a": {"base_url": "https://user:` + canary + `@a.example"}}}`,
		`{"services": {"a": {"base_url": "https://a.example?key=` + canary + `"}}}`,
		`{"services": {"a": {"base_url": "https://a.example:` + canary + `"}}}`,
		`{"services": {"a": {"base_url": "https://` + canary + `_%zz"}}}`,
		`{"services": {"a": {"base_url": "` + canary + `://x"}}}`,
	} {
		c, err := Parse("f", []byte(src))
		if err == nil && len(c.Warnings) == 0 {
			t.Errorf("nothing is said about %q", src)
		}
		fmt.Fprintln(&b, err)
		if c != nil {
			fmt.Fprintln(&b, c.Warnings)
			fmt.Fprintf(&b, "%+v %#v\n", c.Services["a"].Credential, c.Services["a"].Credential)
		}
		_, err = PutService([]byte(src), "a", NewService("a", nil))
		fmt.Fprintln(&b, err)
		_, err = DeleteService([]byte(src), "b")
		fmt.Fprintln(&b, err)
	}
	for line := range strings.Lines(b.String()) {
		if strings.Contains(strings.ToLower(line), "canary7") || strings.Contains(line, "ghp") {
			t.Errorf("a message shows a secret: %s", line)
		}
	}
}
