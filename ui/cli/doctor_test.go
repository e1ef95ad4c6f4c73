//go:build unix

package cli

import (
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"testing"
	"time"

	"lockbox/tunnel/ngroktest"
)

// findings runs lockbox doctor; of several findings of a name the last counts.
func (h home) findings(t *testing.T, code int, args ...string) map[string]string {
	t.Helper()
	r := h.run(t, append([]string{"doctor", "--json"}, args...)...)
	if r.code != code {
		t.Errorf("exit code %d, want %d\n%s%s", r.code, code, r.out, r.errOut)
	}
	var all []struct{ Name, Verdict, Text string }
	if err := json.Unmarshal([]byte(r.out), &all); err != nil {
		t.Fatalf("%v\n%s", err, r.out)
	}
	found := map[string]string{}
	for _, f := range all {
		found[f.Name] = f.Verdict + " " + f.Text
	}
	return found
}

// Each fault is there, and is found and named; what is well is said to be.
func TestDoctor(t *testing.T) {
	late := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Date", time.Now().Add(-3*time.Hour).UTC().Format(http.TimeFormat))
	}))
	defer late.Close()
	good := httptest.NewServer(http.NotFoundHandler())
	defer good.Close()
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // a listener
	service := func(base, rest string) string {
		return fmt.Sprintf(`{"listen": "127.0.0.1:0", "services": {"acme": {"base_url": %q, "credential": {"type": "bearer", "token": "env://ACME"}}}%s}`, base, rest)
	}
	key := "LOCKBOX_SIGNING_KEY_FILE="
	for _, c := range []struct {
		name   string
		config string
		do     func(h home)
		code   int
		want   map[string]string // beginnings
	}{
		{"well", service(good.URL, ""), nil, 0, map[string]string{
			"Config": "warning ", "Folder": "ok ", "Vault": "warning Nothing needs it yet. ", "Keys": "ok All can be read (1).", "Tokens": "ok ", "Port": "ok ", "Upstreams": "ok All 1 answer.", "Clock": "ok It is within 1s", "Tray": "skipped ",
		}},
		{"broken config", `{"services": {"acme": {"base_url": "ftp://x"}}}`, nil, 1, map[string]string{"Config": "failed ", "Vault": "skipped "}},
		{"warning", service(good.URL, `, "surprise": 1`), nil, 0, map[string]string{"Config": "warning ", "Upstreams": "ok "}},
		{"no key", strings.Replace(service(good.URL, ""), "ACME", "OTHER", 1), nil, 1, map[string]string{"Keys": "failed Token of acme: cannot read env://OTHER"}},
		{"keychain needed", strings.Replace(service(good.URL, ""), "env://ACME", "keychain://acme/token", 1), nil, 1, map[string]string{"Vault": "failed No keychain can be reached", "Keys": ""}},
		{"no such upstream", service("http://127.0.0.1:1", ""), nil, 1, map[string]string{"Upstreams": "failed No answer from http://127.0.0.1:1/: ", "Clock": "skipped "}},
		{"wrong clock", service(late.URL, ""), nil, 1, map[string]string{"Upstreams": "ok ", "Clock": "failed It is 3h0m0s ahead of the upstreams': "}},
		{"port in use", strings.Replace(service(good.URL, ""), "127.0.0.1:0", taken.Addr().String(), 1), nil, 1, map[string]string{"Port": "failed " + taken.Addr().String() + " is in use by another program: "}},
		{"damaged tokens", service(good.URL, ""), func(h home) {
			if err := os.MkdirAll(h.path(".local", "state", "lockbox"), 0o700); err != nil {
				t.Fatal(err)
			}
			h.write(t, ".local/state/lockbox/tokens.jsonl", "{]\n{]\n")
		}, 1, map[string]string{"Tokens": "failed "}},
		{"read-only folder", service(good.URL, ""), func(h home) { h.write(t, ".local", "a file where a folder should be") }, 1, map[string]string{"Folder": "failed "}},
	} {
		t.Run(c.name, func(t *testing.T) {
			h := newHome(t)
			h = h.with("LOCKBOX_CONFIG_PATH="+h.write(t, "config.json", c.config), "ACME=k", key+h.write(t, "key", strings.Repeat("k", 32)))
			if c.do != nil {
				c.do(h)
			}
			found := h.findings(t, c.code)
			for name, want := range c.want {
				if got := found[name]; !strings.HasPrefix(got, want) || (want == "") != (got == "") {
					t.Errorf("%s: got %q, want %q…", name, got, want)
				}
			}
		})
	}
}

// A Lockbox that runs is found at its port; what the examination does leaves it
// alone. In words, the last line sums up.
func TestDoctorBesideServe(t *testing.T) {
	h, edge := exposed(t, ngroktest.Rules{})
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "config.json", `{"listen": "127.0.0.1:0", "services": {}, "tunnel": {"authtoken": "env://NGROK"}}`))
	s := h.serve(t)
	listen := strings.TrimPrefix(s.url, "http://")
	h.write(t, "config.json", fmt.Sprintf(`{"listen": %q, "services": {}, "tunnel": {"authtoken": "env://NGROK"}}`, listen))
	found := h.findings(t, 0)
	for name, want := range map[string]string{"Port": "ok Lockbox answers at " + s.url, "Audit log": "ok 0 calls", "Tunnel": "ok ngrok answers", "Upstreams": "skipped "} {
		if got := found[name]; !strings.HasPrefix(strings.ToLower(got), strings.ToLower(want)) {
			t.Errorf("%s: got %q, want %q…", name, got, want)
		}
	}
	if got := h.findings(t, 0, "--offline")["Tunnel"]; !strings.HasPrefix(got, "skipped Not tried") {
		t.Errorf("offline: %q", got)
	}
	if got := h.with("NGROK=2wrongwrongwrongwrongwrongwrong").findings(t, 1)["Tunnel"]; !strings.HasPrefix(got, "failed ") || strings.Contains(got, "2wrong") {
		t.Errorf("a wrong authtoken: %q", got)
	}
	edge.Down()
	r := h.run(t, "doctor")
	if r.code != 1 || !strings.Contains(r.out, "failed   Tunnel ") || !strings.Contains(r.errOut, "To mend: 1. ") {
		t.Errorf("in words: %d\n%s%s", r.code, r.out, r.errOut)
	}
}
