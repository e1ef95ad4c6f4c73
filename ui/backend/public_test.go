package backend

import (
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const publicConfig = `{"public_listen": "%", "services": {
	"pub": {"base_url": "lockbox://demo", "tunnel": true}, // mine
	"home": {"base_url": "lockbox://demo"}}}`

func TestPublicListen(t *testing.T) {
	b, _ := watched(t, func(o *Options) { writeConfig(t, o.ConfigPath, strings.Replace(publicConfig, "%", "127.0.0.1:0", 1)) })
	url := b.View().PublicURL
	tok := func(service string) string {
		v, err := b.MakeToken(t.Context(), service, "", 0)
		if err != nil {
			t.Fatal(err)
		}
		return v.Value.Reveal()
	}
	for _, tt := range []struct {
		path, token string
		want        int
	}{{"/healthz", "", 200}, {"/s/pub/x", "", 401}, {"/s/pub/x", tok("pub"), 200}, {"/s/home/x", tok("home"), 401}, {"/admin/reload", "", 404}} {
		if status, body := get(t, url+tt.path, tt.token); status != tt.want {
			t.Errorf("%s: %d %s, want %d", tt.path, status, body, tt.want)
		}
	}
	// A save in the window keeps what it does not show.
	f, err := b.Form("pub")
	if err != nil {
		t.Fatal(err)
	}
	f.ReadTimeout = "7"
	if err := b.Save(t.Context(), "pub", f); err != nil {
		t.Fatal(err)
	}
	src, _ := os.ReadFile(b.opts.ConfigPath)
	if !strings.Contains(string(src), `"tunnel": true, "read_timeout": 7}, // mine`) && !strings.Contains(string(src), `"tunnel": true`) {
		t.Errorf("the config after a save:\n%s", src)
	}
	if status, _ := get(t, url+"/s/pub/x", tok("pub")); status != 200 {
		t.Errorf("after the save: %d", status)
	}
	f.TokenRequired = false
	if err := b.Save(t.Context(), "pub", f); err == nil || !strings.Contains(err.Error(), "token_required: the internet") {
		t.Errorf("opening it to everyone: %v", err)
	}
	f, _ = b.Form("home")
	if _, err := b.Delete(t.Context(), "home"); err != nil {
		t.Fatal(err)
	}

	// Another address, none, one that is taken, and back.
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	change := func(addr string) {
		t.Helper()
		edited(t, b.opts.ConfigPath, strings.Replace(publicConfig, "%", addr, 1))
		if err := b.Reload(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	change("127.0.0.2:0")
	waitFor(t, "the other address", func() bool { return strings.Contains(b.View().PublicURL, "127.0.0.2") })
	if status, _ := get(t, b.View().PublicURL+"/s/pub/x", tok("pub")); status != 200 {
		t.Errorf("at the other address: %d", status)
	}
	waitFor(t, "the first to be closed", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(url, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	change(taken.Addr().String())
	waitFor(t, "the warning", func() bool {
		return strings.Contains(strings.Join(b.View().Warnings, " "), "in use by another program")
	})
	if v := b.View(); v.PublicURL != "" || v.Phase != Running {
		t.Errorf("at a taken address: %+v", v)
	}
	_ = taken.Close()
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the address that is free now", func() bool { return b.View().PublicURL == "http://"+taken.Addr().String() })
	edited(t, b.opts.ConfigPath, `{"services": {}}`)
	waitFor(t, "the end", func() bool { return b.View().PublicURL == "" && len(b.View().Services) == 0 })
}

// What keeps the public side from being served ends lockbox serve at its start,
// and is a warning in the window.
func TestPublicListenFails(t *testing.T) {
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte("abc"), 0o600); err != nil {
		t.Fatal(err)
	}
	options := func(desktop bool) func(*Options) {
		return func(o *Options) { o.PublicListen, o.SigningKeyFile, o.Desktop = "127.0.0.1:0", key, desktop }
	}
	b, stop := startWith(t, options(false))
	time.Sleep(100 * time.Millisecond)
	if err := stop(); err == nil || !strings.Contains(err.Error(), "signing key of at least 32 bytes") {
		t.Errorf("serve: %v", err)
	}
	b = start(t, options(true))
	waitFor(t, "the warning", func() bool {
		return strings.Contains(strings.Join(b.View().Warnings, " "), "the public side is not served")
	})
	if text := strings.Join(b.View().Warnings, "\n"); !strings.Contains(text, "the signing key is short (3 bytes)") {
		t.Errorf("warnings %s", text)
	}
	if status, _ := get(t, b.View().BaseURL+"/s/demo/x", ""); status != http.StatusOK {
		t.Errorf("at home: %d", status)
	}
	// A better key opens it.
	if err := os.WriteFile(key, []byte(strings.Repeat("k", 32)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the public side", func() bool { return b.View().PublicURL != "" && len(b.View().Warnings) == 0 })
}

// A service is let out by Expose and by its form, and taken in again by the form;
// what asks for no token stays at home.
func TestExpose(t *testing.T) {
	config := `{"listen": "127.0.0.1:0", "public_listen": "127.0.0.1:0", "services": {
	"home": {"base_url": "lockbox://demo"}, // mine
	"open": {"base_url": "lockbox://demo", "requires_service_token": false}}}`
	b, _ := watched(t, func(o *Options) { writeConfig(t, o.ConfigPath, config) })
	tok, err := b.MakeToken(t.Context(), "home", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	check := func(when string, want int) {
		t.Helper()
		if status, _ := get(t, b.View().PublicURL+"/s/home/x", tok.Value.Reveal()); status != want {
			t.Errorf("%s: %d, want %d", when, status, want)
		}
	}
	check("at first", 401)
	for range 2 {
		if err := b.Expose(t.Context(), "home"); err != nil {
			t.Fatal(err)
		}
	}
	check("let out", 200)
	src, _ := os.ReadFile(b.opts.ConfigPath)
	if !strings.Contains(string(src), "// mine") {
		t.Errorf("the comment is gone:\n%s", src)
	}
	f, err := b.Form("home")
	if err != nil || !f.Public {
		t.Fatalf("the form: %v, %v", f.Public, err)
	}
	f.Public = false
	if err := b.Save(t.Context(), "home", f); err != nil {
		t.Fatal(err)
	}
	check("taken in", 401)
	if err := b.Expose(t.Context(), "open"); err == nil || !strings.Contains(err.Error(), "asks callers for no token") {
		t.Errorf("an open one: %v", err)
	}
	if err := b.Expose(t.Context(), "nobody"); err == nil {
		t.Error("one that is not there was let out")
	}
}
