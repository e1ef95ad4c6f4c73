package cli

import (
	"bytes"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
)

// ask runs a command inside the test.
func ask(args ...string) (code int, out, errOut string) {
	var o, e bytes.Buffer
	code = Run(args, Terminal{Out: &o, Err: &e, Version: "v1.2.3"})
	return code, o.String(), e.String()
}

func TestUsage(t *testing.T) {
	for _, tt := range []struct {
		name string
		args []string
		code int
		out  string // in stdout
		err  string // in stderr
	}{
		{name: "version", args: []string{"version"}, out: "lockbox v1.2.3 (" + runtime.Version()},
		{name: "version flag", args: []string{"--version"}, out: "lockbox v1.2.3 ("},
		{name: "help", args: []string{"--help"}, out: "admin-token"},
		{name: "help as a word", args: []string{"help"}, out: "admin-token"},
		{name: "help of a command", args: []string{"token", "--help"}, out: "--service-name"},
		{name: "help names the variables", args: []string{"serve", "--help"}, out: "$LOCKBOX_SIGNING_KEY_FILE"},
		{name: "no command", code: 2, err: "lockbox --help"},
		{name: "no such command", args: []string{"serv"}, code: 2, err: "serv"},
		{name: "no such flag", args: []string{"serve", "--prot"}, code: 2, err: "--prot"},
		{name: "too many arguments", args: []string{"check", "a", "b"}, code: 2, err: "b"},
		{name: "token without service", args: []string{"token", "--audience", "zapier"}, code: 2, err: "--service-name"},
		{name: "token without audience", args: []string{"token", "--service-name", "x"}, code: 2, err: "--audience"},
		{name: "token with a bad duration", args: []string{"token", "--service-name", "x", "--audience", "y", "--duration", "soon"}, code: 2, err: "90d"},
		{name: "admin token with a bad duration", args: []string{"admin-token", "--duration", "0"}, code: 2, err: "--duration"},
		{name: "listen without port", args: []string{"serve", "--listen", "localhost"}, code: 2, err: "--listen"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			code, out, errOut := ask(tt.args...)
			if code != tt.code {
				t.Errorf("exit code %d, want %d", code, tt.code)
			}
			if !strings.Contains(out, tt.out) || tt.out == "" && out != "" {
				t.Errorf("stdout %q, want it to hold %q and nothing if that is empty", out, tt.out)
			}
			if !strings.Contains(errOut, tt.err) || tt.err == "" && errOut != "" {
				t.Errorf("stderr %q, want it to hold %q and nothing if that is empty", errOut, tt.err)
			}
		})
	}
}

func TestCheck(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	good := write("good.json", `{"services": {"demo": {"base_url": "lockbox://demo", "requires_service_token": false}}}`)
	warned := write("warned.json", `{"services": {"plain": {"base_url": "http://api.example.com", "base_ulr": ""}}}`)
	bad := write("bad.json", "{\n  \"services\": {\n    \"a\": {\"base_url\": \"ftp://x\"},\n    \"b\": {}\n  }\n}")
	literal := write("literal.json", `{"services": {"a": {"base_url": "https://x.example", "credential": {"type": "bearer", "token": "sk-very-secret", "tokn": 1}}}}`)

	kinds := write("kinds.json", `{"services": {
  "q": {"base_url": "https://x.example", "credential": {"type": "query", "params": {"k": "env://K"}}},
  "c": {"base_url": "https://x.example", "credential": {"type": "oauth2_client_credentials", "token_url": "https://x.example/t", "client_id": "i", "client_secret": "env://S"}},
  "r": {"base_url": "https://x.example", "credential": {"type": "oauth2_refresh_token", "token_url": "https://x.example/t", "client_id": "i", "refresh_token": "keychain://r/refresh_token"}},
  "a": {"base_url": "https://x.example", "credential": {"type": "aws_sigv4", "access_key_id": "i", "secret_access_key": "env://S", "region": "r", "service": "s3"}}
}}`)
	wrongKinds := write("wrong_kinds.json", "{\"services\": {\n\"a\": {\"base_url\": \"https://x.example\", \"credential\": {\"type\": \"aws_sigv4\"}},\n\"c\": {\"base_url\": \"https://x.example\", \"credential\": {\"type\": \"oauth2\"}}}}")
	t.Run("all kinds of credentials", func(t *testing.T) {
		if code, out, errOut := ask("check", kinds); code != 0 || out != "" || !strings.Contains(errOut, "4 services, 0 warnings") {
			t.Errorf("exit code %d, stdout %q, stderr %q; want 0, nothing, a count", code, out, errOut)
		}
		if code, out, _ := ask("check", wrongKinds); code != 1 || strings.Count(out, "wrong_kinds.json:2:") != 4 || !strings.Contains(out, "wrong_kinds.json:3:") || !strings.Contains(out, "oauth2_refresh_token, aws_sigv4 or path") {
			t.Errorf("exit code %d, stdout %q", code, out)
		}
	})
	t.Run("good", func(t *testing.T) {
		code, out, errOut := ask("check", good)
		if code != 0 || out != "" || !strings.Contains(errOut, "1 service, 0 warnings") {
			t.Errorf("exit code %d, stdout %q, stderr %q; want 0, nothing, a count", code, out, errOut)
		}
	})
	t.Run("warnings", func(t *testing.T) {
		code, out, _ := ask("check", warned)
		if code != 0 || strings.Count(out, "warning: ") < 2 || !strings.Contains(out, "base_ulr") || !strings.Contains(out, "http") {
			t.Errorf("exit code %d, stdout %q; want 0 and warnings of base_ulr and http", code, out)
		}
	})
	t.Run("problems", func(t *testing.T) {
		code, out, errOut := ask("check", bad)
		lines := strings.Split(strings.TrimSpace(out), "\n")
		if code != 1 || len(lines) != 2 || !strings.Contains(lines[0], "bad.json:3:") || !strings.Contains(lines[1], "bad.json:4:") {
			t.Errorf("exit code %d, stdout %q; want 1 and a line for services a and b each", code, out)
		}
		if !strings.Contains(errOut, "2 problems") {
			t.Errorf("stderr %q, want a count", errOut)
		}
	})
	t.Run("no secret is shown", func(t *testing.T) {
		code, out, errOut := ask("check", literal)
		if code != 0 || strings.Contains(out+errOut, "sk-very-secret") {
			t.Errorf("exit code %d, said %q, %q; want 0 and no key", code, out, errOut)
		}
	})
	t.Run("no file", func(t *testing.T) {
		missing := filepath.Join(dir, "missing.json")
		code, out, errOut := ask("check", missing)
		if code != 1 || out != "" || !strings.Contains(errOut, missing) {
			t.Errorf("exit code %d, stdout %q, stderr %q; want 1, nothing, the path", code, out, errOut)
		}
	})
	t.Run("the file that serve reads", func(t *testing.T) {
		t.Setenv("LOCKBOX_CONFIG_PATH", bad)
		if code, out, _ := ask("check"); code != 1 || !strings.Contains(out, "bad.json:3:") {
			t.Errorf("exit code %d, stdout %q; want 1 and the problems of LOCKBOX_CONFIG_PATH", code, out)
		}
	})
}
