//go:build unix

package cli

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"
)

// What follows is the Python original's own test of itself, against the binary:
// its config, its key, its environment variables, its expectations.

const originalKey = "abc"

// blackhole answers every call with what it was sent, as the original's does.
func blackhole(t *testing.T) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		data, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		for i, v := range r.Header["Authorization"] {
			r.Header["Authorization"][i] = hex.EncodeToString([]byte(v)) // as it is, callers do not get to see it
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Blackhole", "as it was")
		_ = json.NewEncoder(w).Encode(map[string]any{
			"method": r.Method, "subpath": strings.TrimPrefix(r.URL.Path, "/"), "args": r.URL.RawQuery,
			"host": r.Host, "headers": r.Header, "data": string(data),
			"length": r.ContentLength, "encoding": r.TransferEncoding,
		})
	}))
	t.Cleanup(srv.Close)
	return srv
}

// originalService is one service of the original's config file.
type originalService struct {
	BaseURL              string         `json:"base_url"`
	Credential           map[string]any `json:"credential"`
	RequiresServiceToken bool           `json:"requires_service_token"`
	ValidAudiences       []string       `json:"valid_audiences"`
}

type originalConfig struct {
	Services map[string]originalService `json:"services"`
	AuditLog map[string]string          `json:"audit_log,omitempty"`
}

func (c originalConfig) String() string {
	text, err := json.Marshal(c)
	if err != nil {
		panic(err)
	}
	return string(text)
}

func TestOriginal(t *testing.T) {
	t.Parallel()
	hole := blackhole(t)
	credentials := map[string]struct {
		config map[string]any
		header http.Header // what the upstream must see of it
	}{
		"none":    {nil, http.Header{}},
		"basic":   {map[string]any{"type": "basic", "username": "user", "password": "pass"}, http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}}},
		"bearer":  {map[string]any{"type": "bearer", "token": "token"}, http.Header{"Authorization": {"Bearer token"}}},
		"headers": {map[string]any{"type": "headers", "headers": map[string]string{"X-Blackhole-API-Key": "api_key"}}, http.Header{"X-Blackhole-Api-Key": {"api_key"}}},
	}
	audiences := map[string][]string{"any": nil, "none": {}, "x": {"x"}}
	cfg := originalConfig{Services: map[string]originalService{}}
	for kind, credential := range credentials {
		cfg.Services[kind+"_open"] = originalService{hole.URL, credential.config, false, nil}
		for name, list := range audiences {
			cfg.Services[kind+"_"+name] = originalService{hole.URL, credential.config, true, list}
		}
	}
	h := newHome(t)
	auditDir := h.path("audit")
	cfg.AuditLog = map[string]string{"type": "local_dir", "root_dir": auditDir}
	h = h.with(
		"LOCKBOX_CONFIG_PATH="+h.write(t, "original.json", cfg.String()),
		"LOCKBOX_SIGNING_KEY_FILE="+h.write(t, "key.txt", originalKey))
	s := h.serve(t)

	form := url.Values{"c": {"3"}, "d": {"4"}}.Encode()
	calls := []struct{ name, method, path, contentType, body string }{
		{"GET", "GET", "some_path/whatever", "application/x-www-form-urlencoded", form},
		{"PUT", "PUT", "some_path/whatever", "application/x-www-form-urlencoded", form},
		{"POST form", "POST", "some_path/whatever", "application/x-www-form-urlencoded", form},
		{"POST bytes", "POST", "some_path/whatever", "", "somebytes"},
		{"DELETE", "DELETE", "", "application/x-www-form-urlencoded", form},
	}
	var tokens []string
	for name, svc := range cfg.Services {
		kind, audience, _ := strings.Cut(name, "_")
		token, want := "", http.StatusOK
		if svc.RequiresServiceToken {
			token = makeToken(t, h, name, "x")
			tokens = append(tokens, token)
		}
		if audience == "none" {
			want = http.StatusUnauthorized
		}
		for _, call := range calls {
			t.Run(name+"/"+call.name, func(t *testing.T) {
				request := func(base string) *http.Request {
					req, err := http.NewRequestWithContext(t.Context(), call.method, base+"/"+call.path+"?a=1&b=2", strings.NewReader(call.body))
					if err != nil {
						t.Fatal(err)
					}
					if call.contentType != "" {
						req.Header.Set("Content-Type", call.contentType)
					}
					return req
				}
				req := request(s.url + "/s/" + name)
				if token != "" {
					req.Header.Set("Authorization", "Bearer "+token)
				}
				got := do(t, req)
				if got.status != want {
					t.Fatalf("status %d, want %d: %s", got.status, want, got.body)
				}
				if want != http.StatusOK {
					return
				}
				direct := request(hole.URL)
				for key, values := range credentials[kind].header {
					direct.Header[key] = values
				}
				compare(t, got, do(t, direct))
			})
		}
	}
	t.Run("audit", func(t *testing.T) {
		s.signal(t, sigterm)
		if code := s.wait(t, endTime); code != 0 {
			t.Errorf("exit code %d, want 0", code)
		}
		for name := range cfg.Services {
			files, err := filepath.Glob(filepath.Join(auditDir, name, "????-??-??", "??-??-??-*.json"))
			if err != nil || len(files) < len(calls) {
				t.Errorf("%d audit files of %s, %v; want one at least for each of %d calls", len(files), name, err, len(calls))
			}
		}
		nothingOf(t, h.dir, tokens...)
		nothingOf(t, auditDir, "api_key", "dXNlcjpwYXNz", "Bearer token")
		for _, token := range tokens {
			if strings.Contains(s.talk.String(), token) {
				t.Error("a service token stands in what the server said")
			}
		}
	})
}

func makeToken(t *testing.T, h home, service, audience string) string {
	t.Helper()
	r := h.run(t, "token", "--service-name", service, "--audience", audience)
	if r.code != 0 {
		t.Fatalf("lockbox token: exit code %d: %s", r.code, r.errOut)
	}
	return strings.TrimSuffix(r.out, "\n")
}

// compare wants an answer through Lockbox to be what the upstream gives to the
// same call with its credential: it tells of the request in its body.
func compare(t *testing.T, got, want reply) {
	t.Helper()
	var gotBody, wantBody map[string]any
	for _, d := range []struct {
		text string
		into *map[string]any
	}{{got.body, &gotBody}, {want.body, &wantBody}} {
		if err := json.Unmarshal([]byte(d.text), d.into); err != nil {
			t.Fatalf("%v in %q", err, d.text)
		}
	}
	if !reflect.DeepEqual(gotBody, wantBody) {
		t.Errorf("the upstream got %v\nwant %v", gotBody, wantBody)
	}
	got.header.Del("Date")
	want.header.Del("Date")
	if got.status != want.status || !reflect.DeepEqual(got.header, want.header) {
		t.Errorf("the caller got %d %v\nwant %d %v", got.status, got.header, want.status, want.header)
	}
}

// nothingOf fails if one of the texts stands in a file below dir.
func nothingOf(t *testing.T, dir string, texts ...string) {
	t.Helper()
	files := 0
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		files++
		content, err := os.ReadFile(path)
		for _, text := range texts {
			if strings.Contains(string(content), text) {
				t.Errorf("%s holds a secret", path)
			}
		}
		return err
	})
	if err != nil || files == 0 {
		t.Errorf("%d files looked at, %v", files, err)
	}
}

func TestReload(t *testing.T) {
	t.Parallel()
	hole := blackhole(t)
	open := originalService{BaseURL: hole.URL}
	closed := originalService{BaseURL: hole.URL, RequiresServiceToken: true}
	one := originalConfig{Services: map[string]originalService{"one": open}}
	h := newHome(t)
	path := h.write(t, "config.json", one.String())
	h = h.with("LOCKBOX_CONFIG_PATH="+path, "LOCKBOX_SIGNING_KEY_FILE="+h.write(t, "key.txt", "test_signing_key_reload"))
	s := h.serve(t)
	admin := strings.TrimSpace(h.run(t, "admin-token", "--duration", "300").out)
	reload := func(t *testing.T, token string, want int) string {
		t.Helper()
		r := send(t, http.MethodPost, s.url+"/admin/reload", token, nil)
		if r.status != want {
			t.Errorf("reload answered %d, want %d: %s", r.status, want, r.body)
		}
		return r.body
	}
	serves := func(t *testing.T, service string, want int) {
		t.Helper()
		if r := get(t, s.url+"/s/"+service+"/test", ""); r.status != want {
			t.Errorf("%s answered %d, want %d: %s", service, r.status, want, r.body)
		}
	}
	said := func(t *testing.T, body string) (status, message string) {
		t.Helper()
		var answer struct{ Status, Message string }
		if err := json.Unmarshal([]byte(body), &answer); err != nil {
			t.Fatalf("%v in %q", err, body)
		}
		return answer.Status, answer.Message
	}

	serves(t, "one", http.StatusOK)
	serves(t, "two", http.StatusNotFound)

	service := makeToken(t, h, "one", "x")
	written := time.Now()
	h.write(t, "config.json", originalConfig{Services: map[string]originalService{"one": open, "two": open}}.String())
	reload(t, "", http.StatusUnauthorized)
	reload(t, "invalid_token", http.StatusUnauthorized)
	reload(t, service, http.StatusForbidden)
	refused := get(t, s.url+"/s/two/test", "").status
	// After a while Lockbox looks at a changed file by itself.
	if refused != http.StatusNotFound && time.Since(written) < 150*time.Millisecond {
		t.Errorf("a reload that was refused has loaded the config: %d", refused)
	}

	if status, _ := said(t, reload(t, admin, http.StatusOK)); status != "ok" {
		t.Errorf("status %q, want ok", status)
	}
	serves(t, "two", http.StatusOK)

	h.write(t, "config.json", originalConfig{Services: map[string]originalService{"one": closed, "two": open}}.String())
	reload(t, admin, http.StatusOK)
	serves(t, "one", http.StatusUnauthorized)

	h.write(t, "config.json", `{"services": {"one": {"base_url": "ftp://nowhere"}}}`)
	status, message := said(t, reload(t, admin, http.StatusInternalServerError))
	if status != "error" || !strings.Contains(message, "one") || !strings.Contains(message, "base_url") {
		t.Errorf("status %q, message %q; want error, and the service and field", status, message)
	}
	serves(t, "one", http.StatusUnauthorized)
	serves(t, "two", http.StatusOK)

	h.write(t, "config.json", one.String())
	s.signal(t, sighup)
	s.await(t, `config was reloaded: 1 service\.`)
	serves(t, "one", http.StatusOK)
	serves(t, "two", http.StatusNotFound)

	h.write(t, "config.json", `{`)
	s.signal(t, sighup)
	s.await(t, `not reloaded, the old one goes on: .*config\.json`)
	serves(t, "one", http.StatusOK)
}

// Tokens that PyJWT made, as the original did: with a weak key, with a key file
// that ends in a newline, with a good one.
func TestOriginalTokens(t *testing.T) {
	t.Parallel()
	text, err := os.ReadFile("testdata/pyjwt.json")
	if err != nil {
		t.Fatal(err)
	}
	var vectors []struct {
		Key, Service, Audience, Token string
		Admin                         bool
	}
	if err := json.Unmarshal(text, &vectors); err != nil {
		t.Fatal(err)
	}
	byKey := map[string][]int{}
	for i, v := range vectors {
		byKey[v.Key] = append(byKey[v.Key], i)
	}
	if len(byKey) != 3 {
		t.Fatalf("%d keys, want 3", len(byKey))
	}
	hole := blackhole(t)
	for key, list := range byKey {
		t.Run(fmt.Sprintf("%d byte key", len(key)), func(t *testing.T) {
			h := newHome(t)
			h = h.with(
				"LOCKBOX_CONFIG_PATH="+h.write(t, "config.json", originalConfig{Services: map[string]originalService{
					"echo":  {BaseURL: hole.URL, RequiresServiceToken: true, ValidAudiences: []string{"zapier"}},
					"other": {BaseURL: hole.URL, RequiresServiceToken: true},
				}}.String()),
				"LOCKBOX_SIGNING_KEY_FILE="+h.write(t, "key.txt", key))
			s := h.serve(t)
			for _, i := range list {
				v := vectors[i]
				if v.Admin {
					if r := send(t, http.MethodPost, s.url+"/admin/reload", v.Token, nil); r.status != http.StatusOK {
						t.Errorf("admin token: %d %s", r.status, r.body)
					}
					continue
				}
				for service, want := range map[string]int{v.Service: http.StatusOK, "other": http.StatusUnauthorized} {
					if r := get(t, s.url+"/s/"+service+"/x", v.Token); r.status != want {
						t.Errorf("token of %s at %s: %d, want %d: %s", v.Service, service, r.status, want, r.body)
					}
				}
			}
			for _, v := range vectors {
				if v.Key == key || v.Admin {
					continue
				}
				if r := get(t, s.url+"/s/"+v.Service+"/x", v.Token); r.status != http.StatusUnauthorized {
					t.Errorf("a token signed with another key: %d, want 401: %s", r.status, r.body)
				}
			}
		})
	}
}
