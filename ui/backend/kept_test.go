package backend

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/oauthtest"
)

// withConfig is start with this config.
func withConfig(text string) func(*Options) {
	return func(o *Options) {
		if err := config.WriteFile(o.ConfigPath, []byte(text)); err != nil {
			panic(err)
		}
	}
}

// TestSaveKeepsCredential: what the window does not edit stays as it is in the
// file, comments, unknown keys and all, whatever else is changed there.
func TestSaveKeepsCredential(t *testing.T) {
	t.Setenv("KEPT_KEY", "sk-kept")
	credentials := map[string]string{
		"query": `{
        "type": "query", // as they want it
        "params": {"appid": "env://KEPT_KEY" /* the key */, "client": "lockbox"},
        "renewed": "2026-01",
      }`,
		"oauth2_client_credentials": `{"type": "oauth2_client_credentials", "token_url": "https://login.example/token", "client_id": "b7e1", "client_secret": "env://KEPT_KEY",
        "scopes": ["a", /* not c */ "b"], "audience": null, "x_owner": ["ann"]}`,
		"oauth2_refresh_token": `{"type": "oauth2_refresh_token", "refresh_token": "literal-refresh-token", "client_id": "b7e1", "token_url": "https://login.example/token", "client_secret": null}`,
		"aws_sigv4":            `{"type": "aws_sigv4", "access_key_id": "AKID", "secret_access_key": "env://KEPT_KEY", "region": "r", "service": "s3", "profile": "x"}`,
	}
	for kind, text := range credentials {
		t.Run(kind, func(t *testing.T) {
			b := start(t, withConfig(fmt.Sprintf(`{"services": {
    "kept": {
      "base_url": "https://api.example.com",
      "credential": %s, // by hand
    },
  }}`, text)))
			f, err := b.Form("kept")
			if err != nil || f.Credential != kind || len(b.Check("kept", f)) > 0 {
				t.Fatalf("%+v, %v, %v", f, err, b.Check("kept", f))
			}
			f.Name, f.BaseURL, f.ReadTimeout, f.TokenRequired = "renamed", "https://other.example", "7", false
			if err := b.Save(t.Context(), "kept", f); err != nil {
				t.Fatal(err)
			}
			src, err := os.ReadFile(b.opts.ConfigPath)
			if err != nil || !strings.Contains(string(src), text+", // by hand") || !strings.Contains(string(src), `"read_timeout": 7`) || !strings.Contains(string(src), `"renamed": {`) {
				t.Errorf("%v: the file is\n%s", err, src)
			}
			if f, err = b.Form("renamed"); err != nil || f.Credential != kind {
				t.Errorf("%+v, %v", f, err)
			}
			fresh := NewForm()
			fresh.Name, fresh.BaseURL, fresh.Credential = "fresh", "https://api.example.com", kind
			if bad := b.Check("", fresh); bad["credential"] == "" {
				t.Errorf("a new service with it passes: %v", bad)
			}
			f.Credential = NoCredential
			if err := b.Save(t.Context(), "renamed", f); err != nil {
				t.Fatal(err)
			}
			if src, err = os.ReadFile(b.opts.ConfigPath); err != nil || !strings.Contains(string(src), `"credential": null, // by hand`) {
				t.Errorf("%v: the file is\n%s", err, src)
			}
		})
	}
}

// mailbox is an API for people that allowed it, with refresh tokens that are
// good once, and the config of its service.
func mailbox(t *testing.T, reference string) (p *oauthtest.Server, first, text string) {
	t.Helper()
	p = oauthtest.New(oauthtest.Options{ID: "client", InParams: true, Rotate: true, Lifetime: time.Hour})
	login := httptest.NewServer(p)
	t.Cleanup(login.Close)
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if !p.Valid(strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		_, _ = io.WriteString(w, "mail")
	}))
	t.Cleanup(api.Close)
	first, err := p.Allow()
	if err != nil {
		t.Fatal(err)
	}
	return p, first, fmt.Sprintf(`{"services": {"mail": {"base_url": %q, "requires_service_token": false,
		"credential": {"type": "oauth2_refresh_token", "token_url": %q, "client_id": "client", "refresh_token": %q}}}}`, api.URL, login.URL, reference)
}

// TestRotatedTokenIsKept: a refresh token in a file is replaced there, so that
// the next start goes on from it.
func TestRotatedTokenIsKept(t *testing.T) {
	path := filepath.Join(t.TempDir(), "refresh_token")
	p, first, text := mailbox(t, "file://"+filepath.ToSlash(path))
	if err := os.WriteFile(path, []byte(first+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for run := range 2 {
		t.Run(fmt.Sprintf("run %d", run+1), func(t *testing.T) {
			b := start(t, withConfig(text))
			for range 2 {
				if status, body := get(t, b.View().BaseURL+"/s/mail/x", ""); status != 200 || body != "mail" {
					t.Errorf("%d %s", status, body)
				}
				if err := b.Reload(t.Context()); err != nil {
					t.Error(err)
				}
			}
			info, err := os.Stat(path)
			now, rerr := os.ReadFile(path)
			if err != nil || rerr != nil || info.Mode().Perm() != 0o600 || strings.TrimSpace(string(now)) == first || p.Issued() != run+1 {
				t.Errorf("%v, %v: the file is as it was, or others can read it; %d tokens, want %d", err, rerr, p.Issued(), run+1)
			}
		})
	}
}

// TestRotatedTokenOfNone: a service that is gone by now gets nothing stored.
func TestRotatedTokenOfNone(t *testing.T) {
	b := start(t, nil)
	path := filepath.Join(t.TempDir(), "x")
	if err := os.WriteFile(path, []byte("old"), 0o600); err != nil {
		t.Fatal(err)
	}
	_, _, text := mailbox(t, "file://"+filepath.ToSlash(path))
	cfg, err := config.Parse("", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	o := cfg.Services["mail"].Credential.OAuth
	if err := b.storeSecret(t.Context(), o.RefreshToken.Ref, o.ClientID.Literal); err == nil {
		t.Error("stored")
	}
	if got, err := os.ReadFile(path); err != nil || string(got) != "old" {
		t.Errorf("%q, %v", got, err)
	}
}
