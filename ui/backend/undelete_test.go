package backend

import (
	"os"
	"strings"
	"testing"

	"lockbox/proxy/secret"
	"lockbox/vault"
)

const undeleteConfig = `{
  "vault": {"type": "file", "path": "vault.age"},
  "services": {
    "first": {"base_url": "https://first.example.com"},

    // about acme
    "acme": {"base_url": "https://api.example.com", "credential": {"type": "bearer", "token": "keychain://acme/token"}}, // its line
    "last": {"base_url": "https://last.example.com"}, // the last
  },
}
`

// TestUndelete: what was deleted comes back as it was, whatever was done meanwhile,
// or says why it does not.
func TestUndelete(t *testing.T) {
	add := func(name string) func(*testing.T, *Backend) {
		return func(t *testing.T, b *Backend) {
			f := NewForm()
			f.Name, f.BaseURL, f.Credential = name, "https://"+name+".example.com", "bearer"
			f.Token.Value = secret.New("sk-of-" + name)
			if err := b.Save(t.Context(), "", f); err != nil {
				t.Fatal(err)
			}
		}
	}
	edit := func(old, now string) func(*testing.T, *Backend) {
		return func(t *testing.T, b *Backend) {
			text, err := os.ReadFile(b.opts.ConfigPath)
			if err != nil || !strings.Contains(string(text), old) {
				t.Fatalf("%v: %q is not in\n%s", err, old, text)
			}
			writeConfig(t, b.opts.ConfigPath, strings.Replace(string(text), old, now, 1))
		}
	}
	set := func(value string) func(*testing.T, *Backend) {
		return func(t *testing.T, b *Backend) {
			if err := b.store().Set(t.Context(), "acme", "token", secret.New(value)); err != nil {
				t.Fatal(err)
			}
		}
	}
	const gone = `"first": {"base_url": "https://first.example.com"},`
	for _, tt := range []struct {
		name      string
		meanwhile func(*testing.T, *Backend)
		config    string // of it, in the end; "": all as before
		err       string
	}{
		{name: "at once"},
		{name: "another was added", meanwhile: add("more"), config: "\n    // about acme\n    \"acme\": {"},
		{name: "its neighbour is gone too", meanwhile: edit(gone, ""), config: "// about acme\n    \"acme\": {"},
		{name: "the config was edited", meanwhile: edit("last.example", "new.example"), config: "// about acme\n    \"acme\": {"},
		{name: "its name is taken", meanwhile: add("acme"), err: "another service"},
		{name: "its key is there again", meanwhile: set("sk-acme-key")},
		{name: "its key's place is taken", meanwhile: set("sk-another"), err: "keychain://acme/token holds another key"},
		{name: "too late", meanwhile: func(*testing.T, *Backend) {}, err: "too long ago"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, func(o *Options) {
				o.Passphrase = secret.New("correct horse")
				writeConfig(t, o.ConfigPath, undeleteConfig)
			})
			store := b.store()
			if err := store.Apply(t.Context(), []vault.Change{{Ref: secret.KeychainRef("acme", "token"), Value: secret.New("sk-acme-key")}}); err != nil {
				t.Fatal(err)
			}
			d, err := b.Delete(t.Context(), "acme")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := store.Get(t.Context(), "acme", "token"); err == nil {
				t.Error("the key of what was deleted is in the vault")
			}
			if tt.meanwhile != nil {
				tt.meanwhile(t, b)
			}
			if tt.err == "too long ago" {
				d.Forget()
			}
			err = b.Undelete(t.Context(), d)
			text, _ := os.ReadFile(b.opts.ConfigPath)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "sk-") {
					t.Errorf("got %v, want %s", err, tt.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if v, err := store.Get(t.Context(), "acme", "token"); err != nil || v.Reveal() != "sk-acme-key" {
				t.Errorf("its key is not back: %v", err)
			}
			if tt.config == "" && string(text) != undeleteConfig || !strings.Contains(string(text), tt.config) {
				t.Errorf("the config is\n%s", text)
			}
			if s := b.View().Services; len(s) < 2 || s[0].Name != "acme" || s[0].Problem != "" {
				t.Errorf("the services are %+v", s)
			}
		})
	}
}
