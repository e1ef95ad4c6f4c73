//go:build linux

package cli

import (
	"compress/gzip"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"lockbox/proxy/oauthtest"
)

const (
	canaryPass   = "canary-passphrase of the vault"
	canaryBackup = "canary-passphrase of the backup"
)

// gossip is an upstream that tells all that it was sent: in headers, plain and
// gzipped, in a redirect, and before it hangs up.
func gossip(t *testing.T, c *canaries) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			panic(http.ErrAbortHandler)
		}
		// What an OAuth server gave out is known only here.
		if auth := r.Header.Get("Authorization"); strings.HasPrefix(r.URL.Path, "/oauth") && strings.HasPrefix(auth, "Bearer ") {
			c.plant("access token of "+r.URL.Path, strings.TrimPrefix(auth, "Bearer "))
		}
		what := map[string]any{"url": r.URL.String(), "query": r.URL.Query(), "headers": r.Header, "body": string(body)}
		switch {
		case strings.HasSuffix(r.URL.Path, "/redirect"):
			w.Header().Set("Location", "/next?"+r.URL.RawQuery+"&auth="+url.QueryEscape(r.Header.Get("Authorization")))
			w.WriteHeader(http.StatusFound)
		case strings.HasSuffix(r.URL.Path, "/cut"):
			w.Header().Set("Content-Length", "100000")
			_ = json.NewEncoder(w).Encode(what)
			panic(http.ErrAbortHandler)
		case strings.HasSuffix(r.URL.Path, "/gzip"):
			w.Header().Set("Content-Encoding", "gzip")
			z := gzip.NewWriter(w)
			_ = json.NewEncoder(z).Encode(what)
			_ = z.Close()
		case strings.HasSuffix(r.URL.Path, "/bad"):
			w.WriteHeader(http.StatusInternalServerError)
			_ = json.NewEncoder(w).Encode(what)
		case strings.HasSuffix(r.URL.Path, "/hang"):
			<-r.Context().Done()
		default:
			w.Header().Set("X-Echo", r.Header.Get("Authorization")+r.Header.Get("X-Key"))
			_ = json.NewEncoder(w).Encode(what)
		}
	}))
	t.Cleanup(srv.Close)
	return srv
}

// TestCanaries: after everything was done that can be, none of the secrets is in a
// file, in what was said or answered, on a command line or in an environment.
func TestCanaries(t *testing.T) {
	t.Parallel()
	c := newCanaries(map[string]string{
		"bearer":              "sk-canary-bearer/of+an~import",
		"basic password":      `canary "basic" <pw>&é`,
		"header":              `canary-header "q" <v>&%41`,
		"query":               `canary query&=+"<é`,
		"client secret":       `canary-client "secret"&+%`,
		"AWS secret":          "canary+aws/secret+access/key",
		"AWS session":         "canary-aws-session+token/==",
		"unused":              "canary-of-nobody",
		"signing key":         "canary-signing-key-0123456789abcdef\n",
		"passphrase":          canaryPass,
		"backup's passphrase": canaryBackup,
		"in a broken config":  "sk-canary-misplaced",
		"key of a caller":     "sk-canary-that-a-caller-sends",
		"refused secret":      "canary-refused-client-secret",
	})
	up := gossip(t, c)
	oauth := oauthtest.New(oauthtest.Options{ID: "me", Secret: c.secrets["client secret"], InParams: true})
	grants := httptest.NewServer(oauth)
	t.Cleanup(grants.Close)
	refresh, err := oauth.Allow()
	if err != nil {
		t.Fatal(err)
	}
	c.plant("refresh token", refresh)

	h := newHome(t, "LOCKBOX_PASSPHRASE="+canaryPass)
	outside := t.TempDir() // the person's own files
	config := h.path("config.json")
	h = h.with("LOCKBOX_CONFIG_PATH="+config, "LOCKBOX_VAULT="+h.path("vault.age"))
	service := func(base, kind string, fields map[string]any) map[string]any {
		fields["type"] = kind
		return map[string]any{"base_url": base, "tunnel": true, "read_timeout": 2, "credential": fields}
	}
	type fields = map[string]any
	query := fields{"params": fields{"key": c.secrets["query"]}}
	client := fields{"token_url": grants.URL, "client_id": "me", "client_secret": c.secrets["client secret"], "auth_style": "params"}
	services, err := json.Marshal(fields{"services": fields{
		"basic":   service(up.URL+"/basic", "basic", fields{"username": "ann", "password": c.secrets["basic password"]}),
		"bearer":  service(up.URL+"/bearer", "bearer", fields{"token": c.secrets["bearer"]}),
		"header":  service(up.URL+"/header", "headers", fields{"headers": fields{"X-Key": c.secrets["header"]}}),
		"query":   service(up.URL+"/query", "query", maps.Clone(query)),
		"closed":  service("http://"+freeAddress(t), "query", maps.Clone(query)),
		"notls":   service(strings.Replace(up.URL, "http:", "https:", 1), "query", maps.Clone(query)),
		"client":  service(up.URL+"/oauth-client", "oauth2_client_credentials", maps.Clone(client)),
		"refresh": service(up.URL+"/oauth-refresh", "oauth2_refresh_token", fields{"token_url": grants.URL, "client_id": "me", "client_secret": c.secrets["client secret"], "auth_style": "params", "refresh_token": refresh}),
		"refused": service(up.URL+"/refused", "oauth2_client_credentials", fields{"token_url": up.URL + "/bad", "auth_style": "params", "client_id": "me", "client_secret": c.secrets["refused secret"]}),
		"aws":     service(up.URL+"/aws", "aws_sigv4", fields{"access_key_id": "AKIDEXAMPLE", "secret_access_key": c.secrets["AWS secret"], "session_token": c.secrets["AWS session"], "region": "eu-west-1", "service": "s3"}),
	}})
	if err != nil {
		t.Fatal(err)
	}
	h.write(t, "config.json", `{"audit_log": {"type": "local_dir", "root_dir": "`+h.path("original")+`"}, "services": {}}`)
	run := func(h home, code int, args ...string) string {
		t.Helper()
		r := h.run(t, args...)
		if r.code != code {
			t.Fatalf("%v: %+v, want %d", args, r, code)
		}
		c.hear("stderr of "+strings.Join(args, " "), r.errOut)
		if args[0] != "token" && args[0] != "admin-token" { // which are for printing them
			c.hear("stdout of "+strings.Join(args, " "), r.out)
		}
		return strings.TrimSuffix(r.out, "\n")
	}
	set := h.set(t, "keychain://unused/key", c.secrets["unused"])
	c.hear("secret set", set.out, set.errOut)
	put := func(name, text string) string {
		path := filepath.Join(outside, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	run(h, 0, "key", "import", put("key", c.secrets["signing key"]))
	literals := put("literals.json", string(services))
	run(h, 0, "import", "--dry-run", literals)
	run(h, 0, "import", literals)

	public := freeAddress(t)
	s := h.serve(t, "--debug", "--public-listen", public)
	stop := c.watchProcess(s.cmd.Process.Pid)
	admin := c.plant("admin token", run(h, 0, "admin-token"))
	call := func(method, at, path string, header http.Header, body string) {
		t.Helper()
		req, err := http.NewRequestWithContext(t.Context(), method, at+path, strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		req.Header = header
		client := &http.Client{Timeout: time.Minute, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
		defer client.CloseIdleConnections()
		res, err := client.Do(req)
		if err != nil { // of what is cut off
			return
		}
		defer res.Body.Close()
		text, _ := io.ReadAll(res.Body)              // cut off, perhaps
		if res.Header.Get("X-Lockbox-Error") != "" { // else it is the upstream's
			c.hear("answers", res.Status, fmt.Sprint(res.Header), string(text))
		}
	}
	bearer := func(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }
	names := []string{"basic", "header", "query", "closed", "notls", "client", "refresh", "refused", "aws", "bearer"}
	for _, name := range names {
		token := c.plant("token of "+name, run(h, 0, "token", "--service-name", name, "--audience", "zapier"))
		parts := strings.Split(token, ".")
		c.plant("signature for "+name, parts[2])
		for _, at := range []string{s.url, "http://" + public} {
			for _, path := range []string{"/x?a=b", "/gzip", "/redirect", "/cut", "/bad", "/%2e%2e/x"} {
				call("POST", at, "/s/"+name+path, bearer(token), `{"key": "value"}`)
			}
			for _, bad := range []string{token + "x", token[:len(token)-1], parts[2] + "." + parts[0] + "." + parts[2], parts[0] + "." + parts[1] + "x." + parts[2], token + " " + token} {
				call("GET", at, "/s/"+name+"/x", bearer(bad), "")
				call("GET", at, "/s/"+name+"/x", http.Header{"Authorization": {bad}}, "")
			}
			call("GET", at, "/s/other/x", bearer(token), "")
			call("GET", at, "/s/"+name+"/x?lockbox_token="+token, http.Header{}, "")
			call("GET", at, "/s/"+name+"/"+token+"/x", http.Header{}, "")
			call("GET", at, "/s/"+name+"/x?key="+token, bearer(token), "")
			call("GET", at, "/"+token, http.Header{}, "")
			call("GET", at, "/s/"+token+"/x", bearer(token), "")
			call("GET", at, "/s/"+name+"/x", http.Header{"X-Lockbox-Token": {token}, "Referer": {"https://x.example/?t=" + token}}, "")
			call("GET", at, "/s/"+name+"/x", http.Header{"Authorization": {"Bearer " + c.secrets["key of a caller"]}}, "")
			req, err := http.NewRequest("GET", at, nil)
			if err != nil {
				t.Fatal(err)
			}
			req.SetBasicAuth("me", token)
			call("GET", at, "/s/"+name+"/x", req.Header, "")
		}
	}
	for _, at := range []string{s.url, "http://" + public} {
		call("POST", at, "/admin/reload", bearer(admin), "")
		call("POST", at, "/admin/reload?t="+admin, bearer(admin+"x"), "")
		call("GET", at, "/s/basic/x", bearer(admin), "")
	}

	// A config with keys where none belong, which is mended before the search.
	imported, err := os.ReadFile(config)
	if err != nil {
		t.Fatal(err)
	}
	for i, credential := range []string{`"%s"`, `["%s"]`, `{"type": "%s"}`, `{"type": "bearer", "token": ["%s"]}`, `{"%s": 1}`, `{"type": "bearer", "token": "keychain://%s"}`, `{"type": "bearer", "token": "%s" x}`} {
		h.write(t, "config.json", `{"services": {"a": {"base_url": "https://x.example", "credential": `+fmt.Sprintf(credential, c.secrets["in a broken config"])+`}}}`)
		r := h.run(t, "check")
		c.hear(fmt.Sprintf("check %d", i), r.out, r.errOut)
		call("POST", s.url, "/admin/reload", bearer(admin), "")
	}
	s.signal(t, sighup)
	h.write(t, "config.json", string(imported))
	call("POST", s.url, "/admin/reload", bearer(admin), "")

	for _, args := range [][]string{{"check"}, {"secret", "list"}, {"secret", "list", "--json"}, {"tokens", "list", "--all"}, {"tokens", "list", "--all", "--json"}, {"key", "show"}, {"key", "show", "--json"}} {
		run(h, 0, args...)
	}
	run(h.with("LOCKBOX_BACKUP_PASSPHRASE="+canaryBackup), 0, "export", "--backup", h.path("all.age"))
	other := newHome(t, "LOCKBOX_PASSPHRASE="+canaryPass)
	other = other.with("LOCKBOX_CONFIG_PATH="+other.path("config.json"), "LOCKBOX_VAULT="+other.path("vault.age"))
	run(other.with("LOCKBOX_BACKUP_PASSPHRASE=canary-wrong"), 1, "import", "--yes", "--backup", h.path("all.age"))
	run(other.with("LOCKBOX_BACKUP_PASSPHRASE="+canaryBackup), 0, "import", "--yes", "--backup", h.path("all.age"))
	run(h.with("LOCKBOX_PASSPHRASE=canary-wrong"), 1, "secret", "list")
	run(h, 0, "tokens", "revoke", "--service", "basic")
	call("GET", s.url, "/s/basic/x", bearer(c.secrets["token of basic"]), "")
	run(h, 0, "key", "rotate")
	run(h, 0, "secret", "rm", "--force", "keychain://unused/key")
	run(h, 0, "panic", "--yes")
	call("GET", s.url, "/s/header/x", bearer(c.secrets["token of header"]), "")
	run(h, 0, "panic", "--resume")

	// A dump of all goroutines, with a call under way.
	token := c.plant("last token", run(h, 0, "token", "--service-name", "query", "--audience", "zapier"))
	hung := make(chan struct{})
	go func() {
		defer close(hung)
		call("POST", s.url, "/s/query/hang", bearer(token), "x")
	}()
	time.Sleep(300 * time.Millisecond) // any moment will do
	s.signal(t, syscall.SIGQUIT)
	s.wait(t, time.Minute)
	<-hung
	stop()
	if !strings.Contains(s.talk.String(), "level=DEBUG msg=call") {
		t.Error("the log is not that of --debug")
	}
	if !strings.Contains(s.talk.String(), "goroutine 1 ") {
		t.Error("there is no dump of the goroutines")
	}
	c.hear("stdout of serve", s.out.String())
	c.hear("stderr of serve", s.talk.String())

	recorded, _ := filepath.Glob(h.path(".local/state/lockbox/audit/*"))
	originals, _ := filepath.Glob(h.path("original/*/*/*.json"))
	if len(recorded) < 2 || len(originals) < 100 || len(c.said["answers"]) < 10_000 || len(c.said["cmdline of Lockbox"]) == 0 || c.secrets["access token of /oauth-client/x"] == "" || c.secrets["access token of /oauth-refresh/x"] == "" {
		t.Errorf("too little happened: %d bytes of answers, %d files of the record, %d of the original's", len(c.said["answers"]), len(recorded), len(originals))
	}
	// The README says so of the passphrase in the environment.
	except := func(where, name string) bool { return where == "environ of Lockbox" && name == "passphrase" }
	for _, found := range c.search(t, except, h.dir, other.dir) {
		t.Error(found)
	}
	// And what if there were one?
	h.write(t, "leak", "x"+url.QueryEscape(c.secrets["query"]))
	if found := c.search(t, except, h.dir); len(found) == 0 {
		t.Error("a planted leak is not found")
	}
}
