package backend

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/proxy/preset"
	"lockbox/proxy/secret"
)

// TestPresetForm: filled in, tested, saved, called, and edited like any other.
func TestPresetForm(t *testing.T) {
	t.Setenv("KEY_OF_NOTION", "ntn-1")
	var seen string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		seen = fmt.Sprint(r.Method, " ", r.RequestURI, " ", r.Header.Get("Authorization"), " ", r.Header.Get("Notion-Version"))
		if r.Header.Get("Authorization") != "Bearer ntn-1" {
			w.WriteHeader(401)
			_, _ = w.Write([]byte(`{"message": "API token is invalid."}`))
			return
		}
		_, _ = w.Write([]byte(`{"object":"user","name":"Sheets"}`))
	}))
	defer up.Close()
	b := start(t, nil)
	f := b.PresetForm(preset.ByID("notion"))
	if f.Name != "notion" || f.BaseURL != "https://api.notion.com" || len(f.Keys) != 1 {
		t.Fatalf("the form begins with %+v", f)
	}
	if bad := b.Check("", f); bad["key/token"] != "fill this in" || len(bad) != 1 {
		t.Errorf("without a key: %v", bad)
	}
	if _, err := b.TestPreset(t.Context(), "", f, f.PresetOf()); err == nil {
		t.Error("it was tested without a key")
	}
	f.BaseURL = up.URL
	for key, want := range map[string]PresetVerdict{
		"wrong":               {State: WrongKey, Text: "Notion does not take this key. Notion says: API token is invalid."},
		"env://KEY_OF_NOTION": {State: Works, Text: "Works: signed in as Sheets."},
	} {
		f.Keys[0].Value.Value = secret.New(key)
		if v, err := b.TestPreset(t.Context(), "", f, f.PresetOf()); err != nil || v != want {
			t.Errorf("%s: %+v, %v", key, v, err)
		}
	}
	f.Keys[0].Value.Value = secret.New("env://KEY_OF_NOTION")
	f.TokenRequired = false
	if err := b.Save(t.Context(), "", f); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, b.View().BaseURL+"/s/notion/v1/x", ""); status != 200 || seen != "GET /v1/x Bearer ntn-1 2026-03-11" {
		t.Errorf("%d, the upstream saw %s", status, seen)
	}
	if again := b.PresetForm(preset.ByID("notion")); again.Name != "notion-2" {
		t.Errorf("the next one is called %s", again.Name)
	}
	edited, err := b.Form("notion")
	if err != nil || edited.Credential != "bearer" || len(edited.DefaultHeaders) != 1 {
		t.Fatalf("%+v, %v", edited, err)
	}
	edited.ReadTimeout = "9"
	if err := b.Save(t.Context(), "notion", edited); err != nil {
		t.Fatal(err)
	}
	src, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil || !strings.Contains(string(src), `"Notion-Version": "2026-03-11"`) || !strings.Contains(string(src), `"read_timeout": 9`) {
		t.Errorf("%v:\n%s", err, src)
	}
}

func TestPresetBlanks(t *testing.T) {
	b := start(t, nil)
	f := b.PresetForm(preset.ByID("jira"))
	if bad := b.Check("", f); bad["blank/site"] != "this is empty" || bad["base_url"] != "" || bad["key/username"] == "" {
		t.Errorf("empty: %v", bad)
	}
	f.Blanks["site"] = "jira.example.com"
	f.Keys[0].Value.Value, f.Keys[1].Value.Value = secret.New("a:b"), secret.New("x")
	if bad := b.Check("", f); !strings.HasPrefix(bad["blank/site"], "this is only what comes before .atlassian.net") || bad["key/username"] != errColon {
		t.Errorf("wrong: %v", bad)
	}
	f.Blanks["site"] = "mycompany"
	f.BaseURL, _ = f.PresetOf().Fill(f.Blanks)
	f.Keys[0].Value.Value = secret.New("ada@example.com")
	if bad := b.Check("", f); len(bad) > 0 {
		t.Errorf("filled in: %v", bad)
	}
	svc, err := f.service(func(field string, s SecretField) secret.Source {
		return secret.Source{Ref: secret.KeychainRef("x", field)}
	}, nil)
	// What is no secret stands in the config file.
	if err != nil || svc.Credential.Username.Literal.Reveal() != "ada@example.com" || svc.Credential.Password.Ref.Field != "password" || svc.BaseURL.String() != "https://mycompany.atlassian.net" {
		t.Errorf("%+v, %v", svc, err)
	}
}

// TestPresetPrefix: the word before the key is there once, typed or not.
func TestPresetPrefix(t *testing.T) {
	var seen string
	up := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { seen = r.Header.Get("Authorization") }))
	defer up.Close()
	b := start(t, nil)
	f := b.PresetForm(preset.ByID("discord"))
	f.BaseURL = up.URL
	for _, key := range []string{"tok-1", " Bot tok-1 "} {
		f.Keys[0].Value.Value = secret.New(key)
		if _, err := b.TestPreset(t.Context(), "", f, f.PresetOf()); err != nil || seen != "Bot tok-1" {
			t.Errorf("%q: sent %q, %v", key, seen, err)
		}
	}
}

// TestKeptKeys: of a credential that the window does not edit, it changes the keys.
func TestKeptKeys(t *testing.T) {
	t.Setenv("OLD_KEY", "old")
	t.Setenv("NEW_KEY", "new")
	var seen string
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen = r.RequestURI }))
	defer up.Close()
	b := start(t, func(o *Options) {
		src := fmt.Sprintf(`{"services": {"w": {"base_url": %q, "requires_service_token": false, "credential": {"type": "query", /* mine */ "params": {"key": "env://OLD_KEY", "v": "env://OLD_KEY"}}}}}`, up.URL)
		o.ConfigPath = filepath.Join(t.TempDir(), "config.json")
		if err := os.WriteFile(o.ConfigPath, []byte(src), 0o600); err != nil {
			t.Fatal(err)
		}
	})
	f, err := b.Form("w")
	if err != nil || len(f.Keys) != 2 || f.Keys[0].Label != "key" || f.Keys[0].Value.Where != secret.Env {
		t.Fatalf("%+v, %v", f.Keys, err)
	}
	f.Keys[0].Value.Value = secret.New("env://NEW_KEY")
	if err := b.Save(t.Context(), "w", f); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, b.View().BaseURL+"/s/w/x", ""); status != 200 || seen != "/x?key=new&v=old" {
		t.Errorf("%d, the upstream saw %s", status, seen)
	}
	if src, err := os.ReadFile(b.opts.ConfigPath); err != nil || !strings.Contains(string(src), "/* mine */") {
		t.Errorf("%v:\n%s", err, src)
	}
	for field, want := range map[string]string{"client_id": "Client ID", "refresh_token": "Refresh token", "params/appid": "appid", "access_key_id": "Access key ID", "token": "Token"} {
		if got := keyLabel(field); got != want {
			t.Errorf("%s is called %q, want %q", field, got, want)
		}
	}
}

// TestServicePresets: what services look like is found once for a config, however
// often there is a new View of it.
func TestServicePresets(t *testing.T) {
	b := start(t, withConfig(`{"services": {"code": {"base_url": "https://api.github.com"}, "acme": {"base_url": "https://acme.example"}}}`))
	look := func(name string) string {
		t.Helper()
		s, ok := b.View().Service(name)
		if !ok {
			t.Fatalf("no service %s", name)
		}
		if s.Preset == nil {
			return ""
		}
		return s.Preset.ID
	}
	if look("code") != "github" || look("acme") != "" {
		t.Errorf("code looks like %q, acme like %q", look("code"), look("acme"))
	}
	if _, ok := b.View().Service("cod"); ok {
		t.Error("there is a service cod")
	}
	b.mu.Lock()
	b.known.of["acme"] = preset.ByID("notion") // seen as long as it is not found anew
	b.mu.Unlock()
	b.publish()
	if look("acme") != "notion" {
		t.Error("a new View of the same config found the presets anew")
	}
	writeConfig(t, b.opts.ConfigPath, `{"services": {"acme": {"base_url": "https://slack.com"}}}`)
	if err := b.load(t.Context()); err != nil {
		t.Fatal(err)
	}
	if look("acme") != "slack" {
		t.Errorf("after the config was read anew it looks like %q", look("acme"))
	}
}
