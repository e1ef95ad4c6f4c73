//go:build unix

package cli

import (
	"errors"
	"flag"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the golden files anew")

// newcomer is a home with a vault file and no config.
func newcomer(t *testing.T) home {
	h := newHome(t)
	return h.with("LOCKBOX_PASSPHRASE="+vaultPass, "LOCKBOX_VAULT="+h.path("vault.age"), "LOCKBOX_CONFIG_PATH="+h.path("config.json"))
}

// holders are the files of a home that hold a text.
func (h home) holders(t *testing.T, text string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(h.dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		content, err := os.ReadFile(path)
		if rel, rerr := filepath.Rel(h.dir, path); strings.Contains(string(content), text) {
			found = append(found, rel)
			err = errors.Join(err, rerr)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
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
	if err != nil || got != string(want) {
		t.Errorf("%s (%v): got\n%s", path, err, got)
	}
}

// TestImportGolden imports configs of the Python original as the first ones. Read
// the diffs.
func TestImportGolden(t *testing.T) {
	t.Parallel()
	for _, name := range []string{"sample", "keys"} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			src, err := os.ReadFile(filepath.Join("testdata", "original_"+name+".json"))
			if err != nil {
				t.Fatal(err)
			}
			h := newcomer(t)
			file := h.write(t, "original.json", string(src))
			if r := h.run(t, "import", "--dry-run", file); r.code != 0 || !strings.Contains(r.errOut, "Nothing was done") {
				t.Errorf("%+v", r)
			}
			for _, name := range []string{"vault.age", "config.json"} {
				if _, err := os.Stat(h.path(name)); err == nil {
					t.Errorf("--dry-run has made %s", name)
				}
			}
			r := h.run(t, "import", file)
			text, err := os.ReadFile(h.path("config.json"))
			if r.code != 0 || err != nil {
				t.Fatalf("%+v, %v", r, err)
			}
			golden(t, "import_"+name+".golden", strings.ReplaceAll(r.out+"---\n"+r.errOut+"---\n"+string(text), h.dir, "HOME"))
			for _, key := range regexp.MustCompile(`sk-canary-\w+|YOUR_\w+`).FindAllString(string(src), -1) {
				if found := h.holders(t, key); len(found) != 1 || found[0] != "original.json" {
					t.Errorf("a key is in %v", found)
				}
				if strings.Contains(r.out+r.errOut, key) {
					t.Error("the command shows a key")
				}
			}
			if info, err := os.Stat(h.path("config.json")); err != nil || info.Mode().Perm() != 0o600 {
				t.Errorf("%v, %v; want mode 0600", info, err)
			}
			if r := h.run(t, "check"); r.code != 0 || strings.Contains(r.out, "holds a secret") {
				t.Errorf("check: %+v", r)
			}
			if r := h.run(t, "import", h.path("config.json")); r.code != 0 || strings.Contains(r.errOut, "as it was") {
				t.Errorf("once more, with nothing to do: %+v", r)
			}
		})
	}
}

// TestImportInto: services go into a config that is there, unless that has them.
func TestImportInto(t *testing.T) {
	t.Parallel()
	h := newcomer(t)
	const own = "{ // mine\n  \"services\": {\n    \"acme\": {\"base_url\": \"https://old.example\", \"credential\": {\"type\": \"bearer\", \"token\": \"sk-canary-old\"}},\n  },\n}\n"
	config := h.write(t, "config.json", own)
	file := h.write(t, "more.json", `{"services": {
    // theirs
    "acme": {"base_url": "https://new.example", "note": "kept", "credential": {"type": "bearer", "token": "sk-canary-new"}}, // to the right
    "more": {"base_url": "https://more.example", "credential": {"type": "headers", "headers": {"X-Key": "sk-canary-more"}}}
  }, "audit_log": {"type": "local_dir", "root_dir": "/tmp/x"}}`)
	unchanged := func(what string) {
		t.Helper()
		if now, err := os.ReadFile(config); err != nil || string(now) != own {
			t.Errorf("%s: the config (%v) is now\n%s", what, err, now)
		}
	}
	for _, tt := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"a clash", []string{"import", file}, 1, `a service "acme" already`},
		{"dry", []string{"import", file, "--replace", "--dry-run"}, 0, "Nothing was done"},
		{"no such file", []string{"import", h.path("none.json")}, 1, "none.json"},
		{"not a config", []string{"import", h.write(t, "bad.json", `{"services": {"x": {"base_url": 3}}}`)}, 1, "bad.json"},
		{"nothing named", []string{"import"}, 2, "--backup"},
		{"both named", []string{"import", file, "--backup", file}, 2, "--backup"},
	} {
		r := h.run(t, tt.args...)
		if r.code != tt.code || !strings.Contains(r.errOut, tt.want) || strings.Contains(r.out+r.errOut, "canary") {
			t.Errorf("%s: %+v; want %d and %q", tt.name, r, tt.code, tt.want)
		}
		unchanged(tt.name)
	}
	r := h.run(t, "import", file, "--replace")
	if want := "acme: token → keychain://acme/token\nmore: headers/X-Key → keychain://more/headers%2FX-Key\n"; r.code != 0 || r.out != want {
		t.Fatalf("%+v; want %q", r, want)
	}
	for _, want := range []string{"Not taken over, for it is not about a service: audit_log", "when all works, remove it with: rm '" + file + "'", "config.json.before-import-"} {
		if !strings.Contains(r.errOut, want) {
			t.Errorf("stderr %q; want %q in it", r.errOut, want)
		}
	}
	now, err := os.ReadFile(config)
	if err != nil || !strings.Contains(string(now), "// mine") || !strings.Contains(string(now), `"note": "kept"`) || strings.Contains(string(now), "canary") || strings.Contains(string(now), "old.example") {
		t.Errorf("%v: the config is now\n%s", err, now)
	}
	backup := h.holders(t, "sk-canary-old")
	if len(backup) != 1 || !strings.HasPrefix(backup[0], "config.json.before-import-") {
		t.Fatalf("the old key is in %v", backup)
	}
	if info, err := os.Stat(h.path(backup[0])); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info, err)
	}
	r = h.run(t, "secret", "list")
	if !strings.Contains(r.out, "keychain://acme/token") || !strings.Contains(r.out, "keychain://more/headers%2FX-Key") {
		t.Errorf("%+v", r)
	}
}

// TestBackup takes everything from one home to another, with another vault.
func TestBackup(t *testing.T) {
	t.Parallel()
	h := newcomer(t)
	h.write(t, "config.json", `{"services": {"acme": {"base_url": "https://acme.example", "credential": {"type": "bearer", "token": "sk-canary-acme"}},
    "env": {"base_url": "https://env.example", "credential": {"type": "bearer", "token": "env://ENV_KEY"}}}}`)
	key := h.write(t, "signing_key", "canary-signing-key-0123456789abcdef\n")
	if r := h.run(t, "import", h.path("config.json")); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	const pass = "LOCKBOX_BACKUP_PASSPHRASE=canary-pass"
	file := h.path("all.age")
	r := h.with(pass).run(t, "export", "--backup", file)
	if r.code != 0 || !strings.Contains(r.out, "config with 2 services, 1 key, the signing key") || !strings.Contains(r.errOut, "not included: what env://ENV_KEY refers to") {
		t.Fatalf("%+v", r)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v; want mode 0600", info, err)
	}
	for _, secret := range []string{"canary-acme", "canary-pass", "canary-signing"} {
		for _, at := range h.holders(t, secret) {
			if at != filepath.Base(key) && !strings.HasPrefix(at, "config.json.before-import-") {
				t.Errorf("%s is in %s", secret, at)
			}
		}
	}
	sealed, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}

	other := newcomer(t)
	bad := sealed[:len(sealed)/2]
	damaged := append([]byte{}, sealed...)
	damaged[len(damaged)-20] ^= 1
	for _, tt := range []struct {
		name, file, env string
		args            []string
		want            string
	}{
		{"wrong passphrase", file, "LOCKBOX_BACKUP_PASSPHRASE=canary-other", nil, "wrong passphrase"},
		{"cut", other.write(t, "cut.age", string(bad)), pass, []string{"--yes"}, "damaged"},
		{"damaged", other.write(t, "damaged.age", string(damaged)), pass, []string{"--yes"}, "damaged"},
		{"no backup", other.write(t, "none.age", "hello"), pass, []string{"--yes"}, "no backup"},
		{"not there", other.path("nowhere.age"), pass, []string{"--yes"}, "no such file"},
		{"nobody says yes", file, pass, nil, "--yes"},
		{"no passphrase", file, "LOCKBOX_BACKUP_PASSPHRASE=", nil, "LOCKBOX_BACKUP_PASSPHRASE"},
	} {
		r := other.with(tt.env).run(t, append([]string{"import", "--backup", tt.file}, tt.args...)...)
		if r.code != 1 || !strings.Contains(r.errOut, tt.want) || strings.Contains(r.errOut, "canary") {
			t.Errorf("%s: %+v; want %q", tt.name, r, tt.want)
		}
		if _, err := os.Stat(other.path("config.json")); err == nil {
			t.Errorf("%s: there is a config", tt.name)
		}
	}
	if r = other.with(pass).run(t, "import", "--backup", file, "--yes"); r.code != 0 || !strings.Contains(r.out, "Restored: config with 2 services, 1 key, the signing key") {
		t.Fatalf("%+v", r)
	}
	if got := other.secrets(t); len(got) != 2 || got[0].Ref != "keychain://acme/token" || got[1].Ref != "keychain://lockbox/signing_key" {
		t.Errorf("%+v", got)
	}
	for _, secret := range []string{"canary-acme", "canary-pass", "canary-signing"} {
		if at := other.holders(t, secret); len(at) > 0 {
			t.Errorf("%s is in %v", secret, at)
		}
	}
	if r = other.with(pass).run(t, "import", "--backup", file, "--yes"); r.code != 0 || !strings.Contains(r.errOut, "here already") {
		t.Errorf("once more: %+v", r)
	}
	// A token of the one is good at the other.
	if r := other.run(t, "token", "--service-name", "acme", "--audience", "x"); r.code != 0 {
		t.Errorf("%+v", r)
	}
	if r := h.with(pass).run(t, "export", "--backup", h.path("config.json")); r.code != 1 || !strings.Contains(r.errOut, "is no backup") {
		t.Errorf("a backup over the config: %+v", r)
	}
}

// TestImportWhileServing: a Lockbox that runs takes over what an import in
// another process did, and both kinds of change leave nothing behind.
func TestImportWhileServing(t *testing.T) {
	t.Parallel()
	h := vaultHome(t)
	if r := h.set(t, "keychain://acme/key", "sk-canary"); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	s := h.serve(t)
	file := h.write(t, "more.json", `{"services": {"more": {"base_url": "lockbox://demo", "requires_service_token": false,
    "credential": {"type": "headers", "headers": {"X-Key": "sk-canary-more"}}}}}`)
	if r := h.run(t, "import", file); r.code != 0 {
		t.Fatalf("%+v", r)
	}
	becomes(t, s.url+"/s/more/x", http.StatusOK)
	becomes(t, s.url+"/s/acme/x", http.StatusOK)
	if all := s.talk.String(); strings.Contains(all, "canary") || strings.Contains(all, "interrupted") {
		t.Errorf("it says\n%s", all)
	}
	for _, left := range []string{".local/state/lockbox/change.json"} {
		if _, err := os.Stat(h.path(left)); err == nil {
			t.Errorf("%s is still there", left)
		}
	}
	if hidden, err := filepath.Glob(h.path(".*.undo")); err != nil || len(hidden) > 0 {
		t.Errorf("%v, %v are still there", hidden, err)
	}
}
