package backend

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// start runs a backend in an empty home without any keychain, on a free port.
func start(t *testing.T, change func(*Options)) *Backend {
	t.Helper()
	b, wait := startWith(t, change)
	t.Cleanup(func() {
		if err := wait(); err != nil {
			t.Errorf("Run: %v", err)
		}
	})
	waitFor(t, "the proxy to serve", func() bool { return b.View().Phase == Running })
	return b
}

// startWith leaves it to the caller what Run returns.
func startWith(t *testing.T, change func(*Options)) (b *Backend, stop func() error) {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	home := t.TempDir()
	o := Options{
		ConfigPath: filepath.Join(home, "config", "config.json"),
		StateDir:   filepath.Join(home, "state"),
		Listen:     "127.0.0.1:0",
		Logger:     slog.New(slog.NewTextHandler(t.Output(), nil)),
		Version:    "test",
	}
	if change != nil {
		change(&o)
	}
	ctx, cancel := context.WithCancel(t.Context())
	b, err := Open(ctx, o)
	if err != nil {
		t.Fatalf("Open: %v", err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()
	return b, func() error {
		cancel()
		select {
		case err := <-ended:
			return errors.Join(err, b.Close())
		case <-time.After(15 * time.Second):
			return errors.New("Run did not end within 15 s")
		}
	}
}

func waitFor(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(5 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// get calls the proxy and returns status and body.
func get(t *testing.T, url, token string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// upstream answers with the Authorization header it saw.
func upstream(t *testing.T, name string) *httptest.Server {
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.WriteString(w, name+" saw "+r.URL.Path)
	}))
	t.Cleanup(s.Close)
	return s
}

func TestFirstStart(t *testing.T) {
	b := start(t, nil)
	v := b.View()
	if !v.FirstRun || len(v.Services) != 2 || v.Services[0].Name != "demo" {
		t.Fatalf("first start: FirstRun %v, services %+v", v.FirstRun, v.Services)
	}
	line := v.Curl()
	if want := "curl " + v.BaseURL + "/s/demo/hello"; line != want {
		t.Errorf("Curl() = %q, want %q", line, want)
	}
	if status, body := get(t, strings.TrimPrefix(line, "curl "), ""); status != 200 || !strings.Contains(body, "/hello") {
		t.Errorf("demo: %d %s", status, body)
	}
	for _, file := range []string{b.opts.ConfigPath, signingKeyPath(b.opts)} {
		info, err := os.Stat(file)
		if err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v; want mode 0600", file, info, err)
		}
	}
	waitFor(t, "the call in the audit log", func() bool { return b.View().Exchanges == 1 })
	xs, err := b.Exchanges(Query{Limit: 10})
	if err != nil || len(xs) != 1 || xs[0].Service != "demo" || xs[0].Status != 200 {
		t.Errorf("Exchanges: %+v, %v", xs, err)
	}
}

func TestStarterIsNotWrittenOverTheNamedPlace(t *testing.T) {
	b, stop := startWith(t, func(o *Options) { o.ConfigPathExplicit = true })
	defer func() { _ = b.Close() }()
	waitFor(t, "the problem", func() bool { return b.View().Problem.Title != "" })
	if _, err := os.Stat(b.opts.ConfigPath); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a config was written at a path that the person named: %v", err)
	}
	if err := stop(); err == nil || !strings.Contains(err.Error(), b.opts.ConfigPath) {
		t.Errorf("Run() = %v, want an error that names %s", err, b.opts.ConfigPath)
	}
}

func TestSaveEditRenameDelete(t *testing.T) {
	one, two := upstream(t, "one"), upstream(t, "two")
	b := start(t, nil)
	f := NewForm()
	f.Name, f.BaseURL, f.Credential = "acme", one.URL, NoCredential
	if err := b.Save(t.Context(), "", f); err != nil {
		t.Fatalf("Save: %v", err)
	}
	tok, err := b.MakeToken(t.Context(), "acme", "", 0)
	if err != nil {
		t.Fatalf("MakeToken: %v", err)
	}
	if tok.Audience != defaultAudience || time.Until(tok.Expires).Round(time.Hour) != defaultLifetime {
		t.Errorf("token for %s until %s, want %s and %s", tok.Audience, tok.Expires, defaultAudience, defaultLifetime)
	}
	url := b.View().BaseURL + "/s/acme/x"
	var deleted *Deleted
	steps := []struct {
		name, token, want string
		do                func() error
		status            int
	}{
		{name: "with a token", token: tok.Value.Reveal(), status: 200, want: "one saw /x"},
		{name: "without", status: 401},
		{name: "edited", token: tok.Value.Reveal(), status: 200, want: "two saw /x", do: func() error {
			f, err := b.Form("acme")
			if err != nil {
				return err
			}
			f.BaseURL = two.URL
			return b.Save(t.Context(), "acme", f)
		}},
		{name: "open", status: 200, want: "two saw /x", do: func() error {
			f, _ := b.Form("acme")
			f.TokenRequired = false
			return b.Save(t.Context(), "acme", f)
		}},
		{name: "renamed", status: 404, do: func() error {
			f, _ := b.Form("acme")
			f.Name = "acme2"
			return b.Save(t.Context(), "acme", f)
		}},
		{name: "renamed back", status: 200, want: "two saw /x", do: func() error {
			f, _ := b.Form("acme2")
			f.Name = "acme"
			return b.Save(t.Context(), "acme2", f)
		}},
		{name: "deleted", status: 404, do: func() (err error) {
			deleted, err = b.Delete(t.Context(), "acme")
			return err
		}},
		{name: "brought back", status: 200, want: "two saw /x", do: func() error { return b.Undelete(t.Context(), deleted) }},
		{name: "deleted again", status: 404, do: func() (err error) {
			deleted, err = b.Delete(t.Context(), "acme")
			return err
		}},
	}
	for _, s := range steps {
		if s.do != nil {
			if err := s.do(); err != nil {
				t.Fatalf("%s: %v", s.name, err)
			}
		}
		if status, body := get(t, url, s.token); status != s.status || s.want != "" && body != s.want {
			t.Errorf("%s: %d %q, want %d %q", s.name, status, body, s.status, s.want)
		}
	}
	src, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil || !strings.Contains(string(src), "// GitHub's public API") || strings.Contains(string(src), "acme") {
		t.Errorf("the config after all that (%v):\n%s", err, src)
	}
}

func TestFailedSaveChangesNothing(t *testing.T) {
	b := start(t, nil)
	before, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	form := func(change func(*Form)) Form {
		f := NewForm()
		f.Name, f.BaseURL = "acme", "https://api.example.com"
		f.Token.Value = secret.New("sk-canary")
		change(&f)
		return f
	}
	tests := []struct {
		name string
		form Form
		want string // in the error
	}{
		{"no keychain for the key", form(func(*Form) {}), "D-Bus"},
		{"name taken", form(func(f *Form) { f.Name = "demo" }), "name: another service"},
		{"no base URL", form(func(f *Form) { f.BaseURL = " " }), "base_url"},
		{"no key", form(func(f *Form) { f.Token.Value = secret.Value{} }), "token: fill this in"},
		{"a key with a line break", form(func(f *Form) { f.Token.Value = secret.New("sk-\ncanary") }), "token: it has a line break"},
		{"a bad reference", form(func(f *Form) { f.Token.Value = secret.New("keychain://sk-canary") }), "keychain://service/field"},
		{"two equal headers", form(func(f *Form) {
			f.Credential = string(config.Headers)
			v := SecretField{Value: secret.New("sk-canary")}
			f.Headers = []HeaderField{{"X-Key", v}, {"x-key", v}}
		}), "headers/1/name"},
		{"no such credential", form(func(f *Form) { f.Credential = "magic" }), "credential"},
	}
	for _, tt := range tests {
		err := b.Save(t.Context(), "", tt.form)
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: %v, want an error with %q", tt.name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "canary") {
			t.Errorf("%s: the error shows the key", tt.name)
		}
		if after, _ := os.ReadFile(b.opts.ConfigPath); string(after) != string(before) {
			t.Errorf("%s: the config was changed:\n%s", tt.name, after)
		}
	}
	if got := len(b.View().Services); got != 2 {
		t.Errorf("%d services, want 2", got)
	}
}

func TestSaveKeepsReferencesAndRefusesABrokenFile(t *testing.T) {
	t.Setenv("ACME_KEY", "sk-env")
	seen := make(chan string, 1)
	up := httptest.NewServer(http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { seen <- r.Header.Get("Authorization") }))
	defer up.Close()
	b := start(t, nil)
	f := NewForm()
	f.Name, f.BaseURL, f.TokenRequired = "acme", up.URL, false
	f.Token.Value = secret.New("env://ACME_KEY")
	res, err := b.Test(t.Context(), "", f, Trial{Method: "GET", Path: "/ping"})
	if err != nil || res.Status != 200 || <-seen != "Bearer sk-env" {
		t.Fatalf("Test of an unsaved form: %+v, %v", res, err)
	}
	if err := b.Save(t.Context(), "", f); err != nil {
		t.Fatal(err)
	}
	if f, err = b.Form("acme"); err != nil || !f.Token.Stored || f.Token.Where != secret.Env || !f.Token.Value.IsZero() {
		t.Fatalf("Form = %+v, %v", f.Token, err)
	}
	f.ReadTimeout = ""
	if err := b.Save(t.Context(), "acme", f); err != nil {
		t.Fatal(err)
	}
	if status, _ := get(t, b.View().BaseURL+"/s/acme/", ""); status != 200 || <-seen != "Bearer sk-env" {
		t.Errorf("after an edit that left the key alone: %d", status)
	}
	if v, err := b.Reveal(t.Context(), "acme", "token"); err != nil || v.Reveal() != "sk-env" {
		t.Errorf("Reveal: %v", err)
	}

	broken := []byte(`{"services": {`)
	if err := os.WriteFile(b.opts.ConfigPath, broken, 0o600); err != nil {
		t.Fatal(err)
	}
	f, _ = b.Form("acme")
	if err := b.Save(t.Context(), "acme", f); err == nil || !strings.Contains(err.Error(), "mend it first") {
		t.Errorf("Save over a broken file: %v", err)
	}
	if after, _ := os.ReadFile(b.opts.ConfigPath); string(after) != string(broken) {
		t.Errorf("the person's broken file was overwritten with %q", after)
	}
	if err := b.Reload(t.Context()); err == nil || b.View().Problem.Action != "retry" {
		t.Errorf("Reload of a broken file: %v, problem %+v", err, b.View().Problem)
	}
	if status, _ := get(t, b.View().BaseURL+"/s/acme/", ""); status != 200 {
		t.Errorf("the old config no longer serves: %d", status)
	}
}

func TestMakeTokenAudience(t *testing.T) {
	tests := []struct {
		name, audiences, ask, want, wantErr string
	}{
		{"any", "null", "", defaultAudience, ""},
		{"asked for", "null", "zapier", "zapier", ""},
		{"the first allowed", `["zapier", "make"]`, "", "zapier", ""},
		{"the default, where allowed", `["zapier", "desktop"]`, "", "desktop", ""},
		{"none allowed", `[]`, "", "", "accepts no audience"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			b := start(t, func(o *Options) {
				writeConfig(t, o.ConfigPath, `{"services": {"s": {"base_url": "https://x.example", "valid_audiences": `+tt.audiences+`}}}`)
			})
			tok, err := b.MakeToken(t.Context(), "s", tt.ask, time.Hour)
			if tok.Audience != tt.want || (err == nil) != (tt.wantErr == "") || err != nil && !strings.Contains(err.Error(), tt.wantErr) {
				t.Errorf("MakeToken = %q, %v; want %q, %q", tok.Audience, err, tt.want, tt.wantErr)
			}
		})
	}
}

func writeConfig(t *testing.T, path, text string) {
	t.Helper()
	if err := config.WriteFile(path, []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func TestAddressInUse(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	b, stop := startWith(t, func(o *Options) { o.Listen = taken.Addr().String() })
	waitFor(t, "Run to give up", func() bool { return b.View().Phase == Stopped || b.View().Phase == Starting })
	time.Sleep(50 * time.Millisecond)
	if err := stop(); err == nil || !strings.Contains(err.Error(), "in use by another program") || !strings.Contains(err.Error(), "--listen") {
		t.Errorf("headless Run() = %v, want what to do about it", err)
	}

	b, stop = startWith(t, func(o *Options) { o.Listen, o.Desktop = taken.Addr().String(), true })
	waitFor(t, "the notice", func() bool { return b.View().Problem.Action == "retry" })
	if v := b.View(); v.Phase != Stopped || !strings.Contains(v.Problem.Text, "Settings page") {
		t.Errorf("desktop: %+v", v.Problem)
	}
	if err := b.Retry(t.Context()); err == nil {
		t.Error("Retry while the address is still taken: no error")
	}
	if err := taken.Close(); err != nil {
		t.Fatal(err)
	}
	if err := b.Retry(t.Context()); err != nil {
		t.Errorf("Retry: %v", err)
	}
	waitFor(t, "the proxy to serve", func() bool { return b.View().Phase == Running })
	if !b.View().Problem.IsZero() {
		t.Errorf("the problem stays: %+v", b.View().Problem)
	}
	if status, _ := get(t, b.View().BaseURL+"/healthz", ""); status != 200 {
		t.Errorf("healthz: %d", status)
	}
	if err := stop(); err != nil {
		t.Errorf("Run: %v", err)
	}
}

func TestSettings(t *testing.T) {
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	_ = free.Close()
	b := start(t, func(o *Options) {
		o.Listen = ""
		writeConfig(t, o.ConfigPath, `{"services": {}, "listen": "127.0.0.1:0" /* mine */}`)
	})
	old := b.View().BaseURL
	s := b.Settings()
	s.Listen, s.Audience, s.Lifetime, s.AuditDir = addr, "zapier", time.Hour, t.TempDir()
	if err := b.SaveSettings(t.Context(), s); err != nil {
		t.Fatalf("SaveSettings: %v", err)
	}
	waitFor(t, "the new address", func() bool { return b.View().Listen == addr })
	if status, _ := get(t, b.View().BaseURL+"/healthz", ""); status != 200 {
		t.Errorf("healthz at the new address: %d", status)
	}
	waitFor(t, "the old address to be closed", func() bool {
		c, err := net.Dial("tcp", strings.TrimPrefix(old, "http://"))
		if err == nil {
			_ = c.Close()
		}
		return err != nil
	})
	if got := b.Settings(); got != s {
		t.Errorf("Settings() = %+v, want %+v", got, s)
	}
	if got := readTokenDefaults(b.settingsFile()); got != s.TokenDefaults {
		t.Errorf("kept on disk: %+v, want %+v", got, s.TokenDefaults)
	}
	src, _ := os.ReadFile(b.opts.ConfigPath)
	if !strings.Contains(string(src), "/* mine */") {
		t.Errorf("the comment is lost:\n%s", src)
	}

	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for _, tt := range []struct {
		name   string
		change func(*Settings)
		field  string
	}{
		{"taken", func(s *Settings) { s.Listen = taken.Addr().String() }, "listen"},
		{"no port", func(s *Settings) { s.Listen = "127.0.0.1" }, "listen"},
		{"no audience", func(s *Settings) { s.Audience = " " }, "audience"},
		{"no lifetime", func(s *Settings) { s.Lifetime = 0 }, "lifetime"},
		{"relative", func(s *Settings) { s.AuditDir = "logs" }, "audit_dir"},
	} {
		bad := b.Settings()
		tt.change(&bad)
		var fields Fields
		if err := b.SaveSettings(t.Context(), bad); !errors.As(err, &fields) || fields[tt.field] == "" {
			t.Errorf("%s: %v, want a reason for %s", tt.name, err, tt.field)
		}
		if got := b.Settings(); got != s {
			t.Errorf("%s: changed to %+v", tt.name, got)
		}
	}
}

func TestPause(t *testing.T) {
	b := start(t, nil)
	changes := make(chan struct{}, 100)
	b.OnChange(func() { changes <- struct{}{} })
	b.SetPaused(true)
	<-changes
	if v := b.View(); v.Phase != Paused {
		t.Errorf("phase %s, want %s", v.Phase, Paused)
	}
	if status, _ := get(t, b.View().BaseURL+"/s/demo/x", ""); status != 503 {
		t.Errorf("paused: %d, want 503", status)
	}
	b.SetPaused(false)
	if status, _ := get(t, b.View().BaseURL+"/s/demo/x", ""); status != 200 {
		t.Errorf("resumed: %d, want 200", status)
	}
}
