//go:build unix

package cli

import (
	"encoding/json"
	"io"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"

	"lockbox/ui/backend"
)

const vaultPass = "correct horse battery"

// vaultHome is a home with a vault file and a service that wants a key of it.
func vaultHome(t *testing.T) home {
	h := newHome(t, "LOCKBOX_PASSPHRASE="+vaultPass)
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "config.json", `{
  "vault": {"type": "file", "path": "vault.age"},
  "services": {"acme": {"base_url": "lockbox://demo", "requires_service_token": false, "credential": {"type": "headers", "headers": {"X-Key": "keychain://acme/key"}}}},
}`))
	return h
}

// set runs lockbox secret set.
func (h home) set(t *testing.T, ref, value string, args ...string) result {
	t.Helper()
	cmd := h.command(t, append([]string{"secret", "set", ref}, args...)...)
	cmd.Stdin = strings.NewReader(value)
	return finish(t, cmd)
}

func (h home) secrets(t *testing.T) []backend.SecretInfo {
	t.Helper()
	r := h.run(t, "secret", "list", "--json")
	var infos []backend.SecretInfo
	if err := json.Unmarshal([]byte(r.out), &infos); err != nil || r.code != 0 {
		t.Fatalf("secret list --json: %+v, %v", r, err)
	}
	return infos
}

func status(t *testing.T, url string) int {
	t.Helper()
	resp, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

func becomes(t *testing.T, url string, want int) {
	t.Helper()
	got := 0
	for end := time.Now().Add(time.Minute); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = status(t, url); got == want {
			return
		}
	}
	t.Errorf("%s answers %d; want %d", url, got, want)
}

// TestSecretsWhileServing: what the commands change, a running Lockbox takes over.
func TestSecretsWhileServing(t *testing.T) {
	h := vaultHome(t)
	s := h.serve(t)
	s.await(t, `Vault: (\S+/vault\.age)`)
	s.await(t, `Signing key: (\S+/vault\.age)`)
	url := s.url + "/s/acme/x"
	becomes(t, url, 503)
	if infos := h.secrets(t); len(infos) != 3 || infos[0].Ref != "keychain://acme/key" || !infos[0].Missing || infos[0].UsedBy[0] != "acme: headers/X-Key" ||
		infos[1].Ref != "keychain://lockbox/audit_key" || infos[1].UsedBy[0] != "Lockbox: audit_key" ||
		infos[2].Ref != "keychain://lockbox/signing_key" || infos[2].Missing || infos[2].UsedBy[0] != "Lockbox: signing_key" {
		t.Errorf("list: %+v", infos)
	}
	if r := h.set(t, "keychain://acme/key", "sk-canary\r\n"); r.code != 0 || r.out != "" || !strings.Contains(r.errOut, "keychain://acme/key is stored in "+h.path("vault.age")) {
		t.Errorf("set: %+v", r)
	}
	becomes(t, url, 200)
	r := h.run(t, "secret", "list")
	if r.code != 0 || !strings.Contains(r.out, "keychain://acme/key             acme: headers/X-Key\n") {
		t.Errorf("list: %+v", r)
	}
	if r := h.run(t, "secret", "rm", "keychain://acme/key"); r.code != 1 || !strings.Contains(r.errOut, "acme: headers/X-Key") || !strings.Contains(r.errOut, "--force") {
		t.Errorf("rm of one in use: %+v", r)
	}
	if r := h.run(t, "secret", "rm", "keychain://lockbox/signing_key"); r.code != 1 || !strings.Contains(r.errOut, "--force") {
		t.Errorf("rm of the signing key: %+v", r)
	}
	if r := h.run(t, "secret", "rm", "--force", "keychain://acme/key"); r.code != 0 || r.out != "" {
		t.Errorf("rm --force: %+v", r)
	}
	becomes(t, url, 503)
	s.await(t, `keychain://acme/key is gone from the vault file`)
	if r := h.run(t, "secret", "rm", "keychain://acme/none"); r.code != 1 || !strings.Contains(r.errOut, "no such secret") {
		t.Errorf("rm of none: %+v", r)
	}
	if r := h.run(t, "secret", "rm", "--force", "keychain://acme/none"); r.code != 0 {
		t.Errorf("rm --force of none: %+v", r)
	}
	if r := h.run(t, "token", "--service-name", "acme", "--audience", "x"); r.code != 0 || strings.Count(r.out, ".") != 2 {
		t.Errorf("token: %+v", r)
	}
	if all := s.talk.String(); strings.Contains(all, "canary") || strings.Contains(all, vaultPass) {
		t.Error("a secret is in what serve said")
	}
	if text, err := os.ReadFile(h.path("vault.age")); err != nil || strings.Contains(string(text), "canary") {
		t.Errorf("the vault file (%v) shows a secret", err)
	}
	if _, err := os.Stat(h.path("signing_key")); err == nil {
		t.Error("there is a plain signing key")
	}
}

func TestSecretRefused(t *testing.T) {
	h := vaultHome(t)
	tests := []struct {
		name  string
		home  home
		args  []string
		stdin string
		code  int
		want  string
	}{
		{"no reference", h, []string{"set"}, "x", 2, "<ref>"},
		{"a key in its place", h, []string{"set", "sk-canary"}, "x", 2, "keychain://service/field"},
		{"a variable", h, []string{"set", "env://X"}, "x", 2, "where Lockbox is started"},
		{"a file", h, []string{"rm", "file:///x"}, "", 2, "with an editor"},
		{"empty", h, []string{"set", "keychain://a/b"}, "\n", 1, "stdin is empty"},
		{"too long", h, []string{"set", "keychain://a/b"}, strings.Repeat("canary", 200_000), 1, "1048576"},
		{"wrong vault", h, []string{"list", "--vault", "keyring"}, "", 2, "./vault.age"},
		{"no keychain", h, []string{"set", "--vault", "keychain", "keychain://a/b"}, "canary", 1, "vault file"},
		{"wrong passphrase", h.with("LOCKBOX_PASSPHRASE=canary"), []string{"list"}, "", 1, "wrong passphrase for the vault file " + h.path("vault.age")},
		{"no passphrase", h.with("LOCKBOX_PASSPHRASE="), []string{"list"}, "", 1, "LOCKBOX_PASSPHRASE"},
		{"no passphrase file", h, []string{"list", "--passphrase-file", "none"}, "", 1, "passphrase file"},
		{"broken config", h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "broken.json", "{")), []string{"rm", "keychain://a/b"}, "", 1, "mend it"},
	}
	if r := h.set(t, "keychain://acme/key", "sk-1"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			cmd := tt.home.command(t, append([]string{"secret"}, tt.args...)...)
			cmd.Stdin = strings.NewReader(tt.stdin)
			r := finish(t, cmd)
			if r.code != tt.code || r.out != "" || !strings.Contains(r.errOut, tt.want) || strings.Contains(r.errOut, "canary") {
				t.Errorf("%+v; want %d and %q", r, tt.code, tt.want)
			}
		})
	}
}

// A vault file that cannot be opened ends lockbox serve with a sentence.
func TestServeWithoutPassphrase(t *testing.T) {
	h := vaultHome(t)
	if r := h.set(t, "keychain://acme/key", "sk-1"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	r := h.with("LOCKBOX_PASSPHRASE=").run(t, "serve", "--listen", "127.0.0.1:0")
	if r.code != 1 || !strings.Contains(r.errOut, "is locked: there is no terminal") || !strings.Contains(r.errOut, "--passphrase-file") {
		t.Errorf("%+v", r)
	}
	file := h.write(t, "pass", vaultPass+"\n")
	s := h.with("LOCKBOX_PASSPHRASE=").serve(t, "--passphrase-file", file)
	becomes(t, s.url+"/s/acme/x", 200)
}

// What only reads makes no vault file.
func TestNoVaultFileYet(t *testing.T) {
	h := vaultHome(t)
	if infos := h.secrets(t); len(infos) != 1 || !infos[0].Missing {
		t.Errorf("list: %+v", infos)
	}
	for _, args := range [][]string{{"secret", "rm", "keychain://a/b"}, {"token", "--service-name", "acme", "--audience", "x"}} {
		if r := h.run(t, args...); r.code != 1 || r.out != "" || !strings.Contains(r.errOut, "there is no vault file "+h.path("vault.age")+" yet; choose its passphrase") {
			t.Errorf("%v: %+v", args, r)
		}
	}
	if r := h.run(t, "secret", "rm", "--force", "keychain://a/b"); r.code != 0 {
		t.Errorf("rm --force: %+v", r)
	}
	if _, err := os.Stat(h.path("vault.age")); err == nil {
		t.Error("it was made")
	}
}
