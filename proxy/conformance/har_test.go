//go:build linux && sdk

package conformance

import (
	"bytes"
	"encoding/json"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestHAR exports calls of all kinds from a running Lockbox, and has a validator
// of HAR 1.2 judge them.
func TestHAR(t *testing.T) {
	api := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/png":
			w.Header().Set("Content-Type", "image/png")
			_, _ = w.Write([]byte("\x89PNG\r\n\x1a\n\x00\xff"))
		case "/moved":
			http.Redirect(w, r, "/elsewhere", http.StatusFound)
		case "/long":
			_, _ = w.Write(make([]byte, 200<<10))
		case "/empty":
			w.WriteHeader(http.StatusNoContent)
		}
	}))
	t.Cleanup(api.Close)
	b, err := startBox(t.TempDir(), map[string]string{
		"api":  `"base_url": "` + api.URL + `"`,
		"gone": `"base_url": "http://127.0.0.1:1"`,
	}, nil)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = b.stop() })
	var want []string
	for _, call := range []struct{ method, path, body, shown string }{
		{"GET", "/s/api/png?a=1&b&c=%20%zz;d", "", "GET /s/api/png 200"},
		{"POST", "/s/api/x", `{"a": "ü"}`, "POST /s/api/x 200"},
		{"PUT", "/s/api/x", "\x00\xff", "PUT /s/api/x 200"},
		{"GET", "/s/api/moved", "", "GET /s/api/moved 302"},
		{"GET", "/s/api/long", "", "GET /s/api/long 200"},
		{"DELETE", "/s/api/empty", "", "DELETE /s/api/empty 204"},
		{"GET", "/s/api/\u202egnp{|}^`", "", "GET /s/api/%E2%80%AEgnp%7B%7C%7D%5E%60 200"},
		{"GET", "/s/gone/", "", "GET /s/gone/ 502"},
		{"GET", "/s/nosuch/", "", "GET /s/nosuch/ 404"},
	} {
		req, err := http.NewRequestWithContext(t.Context(), call.method, "http://"+b.addr, strings.NewReader(call.body))
		if err != nil {
			t.Fatal(err)
		}
		req.URL.Opaque = call.path
		req.Header.Set("Authorization", "Bearer "+b.tokens[strings.Split(call.path, "/")[2]])
		res, err := http.DefaultTransport.RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		_, _ = io.Copy(io.Discard, res.Body) // its end is sent once it is on record
		_ = res.Body.Close()
		want = append(want, call.shown)
	}
	slices.Reverse(want) // the newest is first
	file := filepath.Join(t.TempDir(), "calls.har")
	if out, err := b.command("audit", "export", "--format", "har", "--output", file).CombinedOutput(); err != nil {
		t.Fatalf("lockbox audit export: %v: %s", err, out)
	}
	cmd := exec.CommandContext(t.Context(), "node", "har.mjs", file)
	cmd.Dir = "testdata/sdk"
	cmd.Env = []string{"PATH=" + os.Getenv("PATH")}
	var said bytes.Buffer
	cmd.Stderr = &said
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("node har.mjs: %v: %s", err, said.String())
	}
	var got struct {
		Errors, Entries []string
		Objects         bool
	}
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	if len(got.Errors) > 0 || !got.Objects {
		t.Errorf("the validator says %q, and objects to an entry without a URL: %v; want nothing, and true", got.Errors, got.Objects)
	}
	if !slices.Equal(got.Entries, want) {
		t.Errorf("entries\n%q, want\n%q", got.Entries, want)
	}
}
