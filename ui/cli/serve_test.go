//go:build unix

package cli

import (
	"encoding/json"
	"net"
	"net/http"
	"os"
	"strings"
	"syscall"
	"testing"
)

const (
	sigterm = syscall.SIGTERM
	sighup  = syscall.SIGHUP
)

// A person's first minutes: start, curl, token, curl.
func TestFirstStart(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.serve(t)
	curl := s.await(t, `curl (http://\S+/s/demo/hello)`)[1]
	if !strings.HasPrefix(curl, s.url+"/") {
		t.Errorf("the line to try is %s, want it at %s", curl, s.url)
	}
	r := get(t, curl+"?a=1", "")
	var echo struct{ Method, Path, Query string }
	if err := json.Unmarshal([]byte(r.body), &echo); err != nil || r.status != http.StatusOK {
		t.Fatalf("%s: %d, %v: %s", curl, r.status, err, r.body)
	}
	if echo.Method != "GET" || !strings.HasSuffix(echo.Path, "/hello") || echo.Query != "a=1" {
		t.Errorf("the demo echoed %+v", echo)
	}
	if got := get(t, s.url+"/healthz", ""); got.status != http.StatusOK || got.body != "OK" {
		t.Errorf("/healthz: %d %q, want 200 OK", got.status, got.body)
	}
	for _, path := range []string{".config/lockbox/config.json", ".config/lockbox/signing_key"} {
		info, err := os.Stat(h.path(path))
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v, want only its owner to read it", path, info.Mode())
		}
	}
	if s.out.String() != "" {
		t.Errorf("stdout %q, want nothing: it is for answers", s.out)
	}

	// A service that wants a token is added by hand.
	hole := blackhole(t)
	config := h.path(".config/lockbox/config.json")
	if err := os.WriteFile(config, []byte(`{"services": {"echo": {"base_url": "`+hole.URL+`", "valid_audiences": ["zapier"],}, /* mine */ }}`), 0o600); err != nil {
		t.Fatal(err)
	}
	s.signal(t, sighup)
	s.await(t, `reloaded: 1 service\.`)
	if r := get(t, s.url+"/s/echo/", ""); r.status != http.StatusUnauthorized || !strings.HasPrefix(r.header.Get("Content-Type"), "application/problem+json") {
		t.Errorf("without a token: %d %s, want 401 and a problem document", r.status, r.header.Get("Content-Type"))
	}
	made := h.run(t, "token", "--service-name", "echo", "--audience", "zapier", "--duration", "90d")
	if made.code != 0 || strings.Count(made.out, "\n") != 1 || strings.Count(made.out, ".") != 2 || made.errOut != "" {
		t.Fatalf("lockbox token: %d, stderr %q; want 0, a token on a line and nothing else", made.code, made.errOut)
	}
	if r := get(t, s.url+"/s/echo/", strings.TrimSpace(made.out)); r.status != http.StatusOK {
		t.Errorf("with a token: %d %s", r.status, r.body)
	}

	s.signal(t, syscall.SIGINT)
	if code := s.wait(t, endTime); code != exitDone {
		t.Errorf("exit code %d, want 0", code)
	}
	again := h.serve(t)
	if strings.Contains(again.talk.String(), "curl") {
		t.Errorf("a second start is no first one:\n%s", again.talk)
	}
	if r := get(t, again.url+"/s/echo/", strings.TrimSpace(made.out)); r.status != http.StatusOK {
		t.Errorf("the token after a restart: %d %s", r.status, r.body)
	}
}

// A machine without a display starts headless without a command.
func TestNoCommand(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	addr := freeAddress(t)
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "c.json", `{"services": {}, "listen": "`+addr+`"}`))
	s := h.start(t)
	s.await(t, `(?i)no display`)
	s.await(t, `serves 0 services at http://`+addr)
	if r := get(t, "http://"+addr+"/healthz", ""); r.status != http.StatusOK {
		t.Errorf("/healthz: %d", r.status)
	}
}

func TestTokenWarnings(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	h = h.with(
		"LOCKBOX_SIGNING_KEY_FILE="+h.write(t, "key", strings.Repeat("k", 32)),
		"LOCKBOX_CONFIG_PATH="+h.write(t, "c.json", `{"services": {
			"open": {"base_url": "https://x.example", "requires_service_token": false},
			"shut": {"base_url": "https://x.example", "valid_audiences": ["zapier"]}}}`))
	for _, tt := range []struct {
		name, service, audience, want string
		home                          home
	}{
		{"fine", "shut", "zapier", "", h},
		{"other audience", "shut", "make", `"make"`, h},
		{"open service", "open", "make", "without a token", h},
		{"no such service", "shtu", "zapier", `no service "shtu"`, h},
		{"weak key", "shut", "zapier", "short (3 bytes)", h.with("LOCKBOX_SIGNING_KEY_FILE=" + h.write(t, "weak", "abc"))},
		{"broken config", "shut", "zapier", "", h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "broken.json", "{"))},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.home.run(t, "token", "--service-name", tt.service, "--audience", tt.audience)
			if r.code != 0 || strings.Count(r.out, ".") != 2 {
				t.Errorf("exit code %d, want 0 and a token", r.code)
			}
			if !strings.Contains(r.errOut, tt.want) || tt.want == "" && r.errOut != "" {
				t.Errorf("stderr %q, want it to hold %q and nothing if that is empty", r.errOut, tt.want)
			}
		})
	}
}

// What goes wrong at the start ends the program with 1 and a sentence that
// names the thing and says what to do.
func TestStartFails(t *testing.T) {
	t.Parallel()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = taken.Close() })
	addr := taken.Addr().String()
	base := newHome(t)
	key := base.write(t, "key", strings.Repeat("k", 32))
	file := base.write(t, "file", "")

	for _, tt := range []struct {
		name string
		home home
		args []string
		want []string
	}{
		{name: "port in use", home: newHome(t), args: []string{"serve", "--listen", addr}, want: []string{addr, "in use", "--listen"}},
		{name: "port of the config in use", home: newHome(t), args: []string{"serve", "--config", base.write(t, "used.json", `{"services": {}, "listen": "`+addr+`"}`)}, want: []string{addr, "in use"}},
		{name: "named config missing", home: newHome(t), args: []string{"serve", "--config", "/nowhere/lockbox.json"}, want: []string{"/nowhere/lockbox.json"}},
		{name: "config of the environment missing", home: newHome(t, "LOCKBOX_CONFIG_PATH=/nowhere/env.json"), args: []string{"serve"}, want: []string{"/nowhere/env.json"}},
		{name: "config is a folder", home: newHome(t), args: []string{"serve", "--config", base.dir}, want: []string{base.dir}},
		{name: "broken config", home: newHome(t), args: []string{"serve", "--config", base.write(t, "broken.json", "{\n  \"services\": {\n    \"a\": {\"base_url\": 7}\n  }\n}")}, want: []string{"broken.json:3:", `"a"`, "base_url"}},
		{name: "config cannot be made", home: newHome(t, "XDG_CONFIG_HOME="+file), args: []string{"serve"}, want: []string{file}},
		{name: "state cannot be made", home: newHome(t, "XDG_STATE_HOME="+file), args: []string{"serve"}, want: []string{file}},
		{name: "token without a key", home: newHome(t), args: []string{"token", "--service-name", "a", "--audience", "b"}, want: []string{"signing key", "--signing-key-file"}},
		{name: "admin token without a key", home: newHome(t), args: []string{"admin-token"}, want: []string{"signing key", "--signing-key-file"}},
		{name: "token with a missing key file", home: newHome(t), args: []string{"token", "--service-name", "a", "--audience", "b", "--signing-key-file", "/nowhere/key"}, want: []string{"/nowhere/key"}},
		{name: "token with an empty key file", home: newHome(t), args: []string{"token", "--service-name", "a", "--audience", "b", "--signing-key-file", file}, want: []string{file, "empty"}},
		{name: "token for a name that is none", home: newHome(t), args: []string{"token", "--service-name", "a/b", "--audience", "b", "--signing-key-file", key}, want: []string{"--service-name"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := tt.home.run(t, tt.args...)
			if r.code != exitFailed || r.out != "" {
				t.Errorf("exit code %d, stdout %q; want 1 and nothing", r.code, r.out)
			}
			for _, want := range tt.want {
				if !strings.Contains(r.errOut, want) {
					t.Errorf("stderr %q, want it to hold %q", r.errOut, want)
				}
			}
			if strings.Contains(r.errOut, "goroutine ") {
				t.Errorf("stderr shows a stack:\n%s", r.errOut)
			}
		})
	}
}

// A config directory that may be read but not written: with a config in it
// Lockbox serves, without one it says why it cannot make one.
func TestReadOnlyConfigDir(t *testing.T) {
	t.Parallel()
	const demo = `{"services": {"demo": {"base_url": "lockbox://demo", "requires_service_token": false}}}`
	for _, tt := range []struct {
		name   string
		config string
		mode   os.FileMode
	}{{"empty", "", 0}, {"with a config", demo, 0o444}, {"with one that is another's", demo, 0}} {
		t.Run(tt.name, func(t *testing.T) {
			dir, err := os.MkdirTemp("", "lockbox-readonly")
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = os.RemoveAll(dir) })
			h := home{dir, nil}
			for _, sub := range []string{"config", "config/lockbox", "state"} {
				if err := os.Mkdir(h.path(sub), 0o755); err != nil {
					t.Fatal(err)
				}
			}
			if tt.config != "" {
				if err := os.WriteFile(h.path("config/lockbox/config.json"), []byte(tt.config), tt.mode); err != nil {
					t.Fatal(err)
				}
			}
			for path, mode := range map[string]os.FileMode{"": 0o755, "config/lockbox": 0o555, "state": 0o777} {
				if err := os.Chmod(h.path(path), mode); err != nil {
					t.Fatal(err)
				}
			}
			h.env = []string{"HOME=" + dir, "PATH=", "XDG_CONFIG_HOME=" + h.path("config"), "XDG_STATE_HOME=" + h.path("state"), "XDG_RUNTIME_DIR=" + dir, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + dir + "/no-bus"}
			cmd := h.command(t, "serve", "--listen", "127.0.0.1:0")
			cmd.Dir = "/"
			if os.Getuid() == 0 { // to whom no directory is read-only
				cmd.SysProcAttr = &syscall.SysProcAttr{Credential: &syscall.Credential{Uid: 65534, Gid: 65534, NoSetGroups: true}}
			}
			if tt.mode == 0 {
				r := finish(t, cmd)
				if r.code != exitFailed || !strings.Contains(r.errOut, h.path("config/lockbox")) {
					t.Errorf("exit code %d, stderr %q; want 1 and the directory", r.code, r.errOut)
				}
				return
			}
			s := startCommand(t, cmd)
			url := s.await(t, `serves 1 service at (http://\S+)`)[1]
			if r := get(t, url+"/s/demo/x", ""); r.status != http.StatusOK {
				t.Errorf("the demo answered %d: %s", r.status, r.body)
			}
		})
	}
}

// A key file that is missing, for the server unlike for the token command, is no
// reason not to start: health and open services answer, tokens are refused.
func TestNoSigningKey(t *testing.T) {
	t.Parallel()
	hole := blackhole(t)
	h := newHome(t)
	h = h.with("LOCKBOX_SIGNING_KEY_FILE=/nowhere/key", "LOCKBOX_CONFIG_PATH="+h.write(t, "c.json", originalConfig{Services: map[string]originalService{
		"open": {BaseURL: hole.URL}, "shut": {BaseURL: hole.URL, RequiresServiceToken: true},
	}}.String()))
	s := h.serve(t)
	for path, want := range map[string]int{"/healthz": http.StatusOK, "/s/open/x": http.StatusOK, "/s/shut/x": http.StatusInternalServerError} {
		if r := get(t, s.url+path, "a.b.c"); r.status != want {
			t.Errorf("%s: %d, want %d: %s", path, r.status, want, r.body)
		}
	}
	if !strings.Contains(s.talk.String(), "/nowhere/key") {
		t.Errorf("the server did not name the missing file:\n%s", s.talk)
	}
}

func TestServeMetrics(t *testing.T) {
	t.Parallel()
	h := newHome(t)
	s := h.serve(t, "--metrics")
	get(t, s.url+"/s/demo/x", "")
	r := get(t, s.url+"/metrics", "")
	if r.status != http.StatusOK || !strings.Contains(r.body, `lockbox_calls_total{service="demo",outcome="allowed",status="2xx"} 1`) || !strings.Contains(r.body, "\nlockbox_audit_records 1\n") || strings.Contains(r.body, "lockbox_audit_bytes 0\n") {
		t.Errorf("/metrics: %d\n%s", r.status, r.body)
	}
}
