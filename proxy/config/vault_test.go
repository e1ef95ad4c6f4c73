package config

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
)

func TestVault(t *testing.T) {
	config := filepath.FromSlash("/home/ada/.config/lockbox/config.json")
	tests := []struct{ text, want, warning string }{
		{`null`, "", ""},
		{`{"type": "keychain"}`, "", ""},
		{`{"type": "keychain", "path": null}`, "", ""},
		{`{"type": "keychain", "path": "vault.age"}`, "", `f:2:39: vault/path: has no use: the keychain has no path`},
		{`{"type": "file", "path": "vault.age"}`, "/home/ada/.config/lockbox/vault.age", ""},
		{`{"type": "file", "path": "../keys/v"}`, "/home/ada/.config/keys/v", ""},
		{`{"type": "file", "path": "/keys/v", "pth": 1}`, "/keys/v", `f:2:46: vault/pth: is not known and not used: is "path" meant?`},
		{`{"type": "file", "path": "v", "_why": "no desktop"}`, "/home/ada/.config/lockbox/v", ""},
	}
	for _, tt := range tests {
		c := mustParse(t, fmt.Appendf(nil, "{\"services\": {},\n\"vault\": %s}", tt.text))
		if got := filepath.ToSlash(c.Vault.File(config)); got != tt.want {
			t.Errorf("%s: the file %q; want %q", tt.text, got, tt.want)
		}
		warnings := ""
		for _, w := range c.Warnings {
			warnings += w.Error()
		}
		if !strings.HasPrefix(warnings, tt.warning) || (tt.warning == "") != (warnings == "") {
			t.Errorf("%s: warnings %q; want %q", tt.text, warnings, tt.warning)
		}
	}
	if c := mustParse(t, []byte(`{"services": {}, "valt": {"type": "file"}}`)); c.Vault.Type != KeychainVault || len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), `is "vault" meant?`) {
		t.Errorf("without a vault: %+v", c)
	}
}

func TestVaultRefused(t *testing.T) {
	tests := []struct{ text, want string }{
		{`"file"`, `f:2:10: vault: must be an object`},
		{`{}`, `f:2:10: vault/type: is missing`},
		{`{"typ": "file"}`, `f:2:11: vault/type: is missing: is "typ" meant for it?`},
		{`{"type": 7}`, `f:2:19: vault/type: must be text`},
		{`{"type": "fil"}`, `f:2:19: vault/type: must be "keychain" or "file"`},
		{`{"type": "file"}`, `f:2:10: vault/path: is missing`},
		{`{"type": "file", "path": ""}`, `f:2:35: vault/path: is empty`},
		{`{"type": "file", "path": true}`, `f:2:35: vault/path: must be text`},
		{`{"type": "file", "path": "a\u0000b"}`, `f:2:35: vault/path: has control characters`},
		{`{"type": "file", "path": "keys/"}`, `f:2:35: vault/path: is a folder`},
		{`{"type": "file", "path": "~/v.age"}`, `f:2:35: vault/path: begins with ~`},
		{`{"type": "file", "path": "a", "path": "b"}`, `f:2:40: vault: "path" is there twice`},
	}
	for _, tt := range tests {
		_, err := Parse("f", fmt.Appendf(nil, "{\"services\": {},\n\"vault\": %s}", tt.text))
		got := problemLines(err)
		if len(got) == 0 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s: got %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestParseVault(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	tests := []struct{ text, want, err string }{
		{"keychain", "", ""},
		{"./vault.age", filepath.Join(dir, "vault.age"), ""},
		{"vault.age", filepath.Join(dir, "vault.age"), ""},
		{filepath.Join(dir, "keys", "v"), filepath.Join(dir, "keys", "v"), ""},
		{"keyring", "", "neither keychain nor"},
		{"", "", "neither keychain nor"},
		{"keys/", "", "is a folder"},
		{"~/v.age", "", "begins with ~"},
	}
	for _, tt := range tests {
		v, err := ParseVault(tt.text)
		if got := v.File("/etc/x"); got != tt.want || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("ParseVault(%q) = %q, %v; want %q, %q", tt.text, got, err, tt.want, tt.err)
		}
	}
}
