//go:build unix

package cli

import (
	"fmt"
	"net/http"
	"os"
	"strings"
	"testing"
	"time"
)

// The binary's public side: with the flag, with the config, and refused.
func TestServePublic(t *testing.T) {
	t.Parallel()
	hole := blackhole(t)
	h := newHome(t)
	config := func(extra, services string) string { return `{` + extra + `"services": {` + services + `}}` }
	service := func(name string, tunnel bool) string {
		return fmt.Sprintf(`"%s": {"base_url": %q, "tunnel": %v},`, name, hole.URL, tunnel)
	}
	both := service("pub", true) + service("home", false)
	path := h.write(t, "c.json", config("", both))
	key := h.write(t, "key", strings.Repeat("k", 32))
	h = h.with("LOCKBOX_CONFIG_PATH="+path, "LOCKBOX_SIGNING_KEY_FILE="+key)
	s := h.serve(t, "--public-listen", "127.0.0.1:0")
	public := s.await(t, `Public side: 1 service at (http://127\.0\.0\.1:\d+)`)[1]

	pub, home := makeToken(t, h, "pub", "x"), makeToken(t, h, "home", "x")
	if r := get(t, public+"/s/pub/a", pub); r.status != http.StatusOK || !strings.Contains(r.body, `"subpath":"a"`) {
		t.Errorf("a public service: %d %s", r.status, r.body)
	}
	if r := get(t, public+"/healthz", ""); r.status != http.StatusOK {
		t.Errorf("/healthz: %d", r.status)
	}
	if r := send(t, http.MethodPost, public+"/admin/reload", strings.TrimSpace(h.run(t, "admin-token").out), nil); r.status != http.StatusNotFound {
		t.Errorf("/admin/reload: %d", r.status)
	}
	first := get(t, public+"/s/nosuch/a", "")
	for name, r := range map[string]reply{
		"no token": get(t, public+"/s/pub/a", ""), "another's token": get(t, public+"/s/pub/a", home),
		"at home only": get(t, public+"/s/home/a", home), "an admin's": get(t, public+"/s/pub/a", strings.TrimSpace(h.run(t, "admin-token").out)),
	} {
		r.header.Del("Date")
		first.header.Del("Date")
		if r.status != http.StatusUnauthorized || r.body != first.body || fmt.Sprint(r.header) != fmt.Sprint(first.header) {
			t.Errorf("%s: %d %v %s; want what a service that is not there gets", name, r.status, r.header, r.body)
		}
	}
	if r := get(t, s.url+"/s/home/a", home); r.status != http.StatusOK {
		t.Errorf("at home: %d", r.status)
	}
	h.write(t, "c.json", config("", service("pub", false)+service("home", true)))
	for deadline := time.Now().Add(time.Minute); get(t, public+"/s/home/a", home).status != http.StatusOK; time.Sleep(20 * time.Millisecond) {
		if time.Now().After(deadline) {
			t.Fatal("the changed file is not in use")
		}
	}
	if r := get(t, public+"/s/pub/a", pub); r.status != http.StatusUnauthorized {
		t.Errorf("no longer public: %d", r.status)
	}
	s.signal(t, sigterm)
	if code := s.wait(t, endTime); code != exitDone {
		t.Errorf("exit code %d", code)
	}

	h.write(t, "c.json", config(`"public_listen": "127.0.0.1:0", `, both))
	s = h.serve(t)
	public = s.await(t, `Public side: 1 service at (http://127\.0\.0\.1:\d+)`)[1]
	if r := get(t, public+"/s/pub/a", pub); r.status != http.StatusOK {
		t.Errorf("by the config: %d", r.status)
	}
	if err := os.WriteFile(key, []byte("weak"), 0o600); err != nil {
		t.Fatal(err)
	}
	s = h.serve(t, "--config", h.write(t, "local.json", config("", both)))
	s.await(t, `WARN.*the signing key is short \(4 bytes\)`)
	for _, tt := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--public-listen", "127.0.0.1:0"}, exitFailed, "signing key of at least 32 bytes, and this one has 4"},
		{[]string{"--public-listen", "0.0.0.0:8001"}, exitUsage, "--public-listen: must be a loopback address"},
		{[]string{"--public-listen", "x"}, exitUsage, "--public-listen: is not an address"},
		{[]string{"--config", h.write(t, "open.json", config("", strings.Replace(service("o", true), "}", `, "requires_service_token": false}`, 1)))}, exitFailed, `open.json:1:`},
	} {
		r := h.run(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, tt.args...)...)
		if r.code != tt.code || !strings.Contains(r.errOut, tt.want) {
			t.Errorf("%v: exit code %d, want %d and %q:\n%s", tt.args, r.code, tt.code, tt.want, r.errOut)
		}
	}
}
