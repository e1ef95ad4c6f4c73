package update

import (
	"context"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"
)

const feed = "https://api.example.com/releases"

func release(tag, more string) string {
	return fmt.Sprintf(`{"tag_name": %q, "html_url": "https://example.com/r/%s"%s}`, tag, tag, more)
}

func TestNewest(t *testing.T) {
	early, draft := `, "prerelease": true`, `, "draft": true`
	for _, tt := range []struct {
		name, version string
		all           []string
		want          string
	}{
		{"none", "v1.0.0", nil, ""},
		{"the same", "v1.0.0", []string{release("v1.0.0", "")}, ""},
		{"older", "v1.10.0", []string{release("v1.9.0", "")}, ""},
		{"the newest of several, in any order", "v1.9.0", []string{release("v1.9.1", ""), release("v1.10.0", ""), release("v1.2.0", "")}, "v1.10.0"},
		{"a pre-release by its mark", "v1.0.0", []string{release("v1.1.0", early)}, ""},
		{"a pre-release by its name", "v1.0.0", []string{release("v1.1.0-rc.1", "")}, ""},
		{"a pre-release for one", "v1.1.0-rc.1", []string{release("v1.1.0-rc.2", early)}, "v1.1.0-rc.2"},
		{"a release for a pre-release", "v1.1.0-rc.1", []string{release("v1.1.0", "")}, "v1.1.0"},
		{"a draft", "v1.0.0", []string{release("v1.1.0", draft)}, ""},
		{"no version", "v1.0.0", []string{release("latest", ""), release("", ""), release("v9.9.9\u202e", ""), release("v2.0.0-"+strings.Repeat("a", 99), "")}, ""},
		{"another's page", "v1.0.0", []string{`{"tag_name": "v2.0.0", "html_url": "https://evil.example/x"}`}, ""},
		{"a page of the program's own", "v1.0.0", []string{`{"tag_name": "v2.0.0", "html_url": "file:///etc/passwd"}`}, ""},
		{"a page behind a name", "v1.0.0", []string{`{"tag_name": "v2.0.0", "html_url": "https://example.com@evil.example/"}`}, ""},
	} {
		got, err := newest([]byte("["+strings.Join(tt.all, ",")+"]"), feed, tt.version)
		if err != nil || got.Version != tt.want || (got.Page == "") != (tt.want == "") {
			t.Errorf("%s: %+v, %v; want %q", tt.name, got, err, tt.want)
		}
	}
	for _, text := range []string{"", "{}", "<html>", `[{"tag_name": 5}]`} {
		if got, err := newest([]byte(text), feed, "v1.0.0"); err == nil || got != (Release{}) {
			t.Errorf("%q: %+v, %v", text, got, err)
		}
	}
}

func TestReleased(t *testing.T) {
	for version, want := range map[string]bool{
		"v1.2.3": true, "v1.2.3-rc.1": true, "dev": false, "1.2.3": false, "653482c": false, "v1.2.3-dirty": false,
		"v1.2.3-5-g653482c": false, "v1.2.3-rc.1-5-g653482c-dirty": false, "": false,
	} {
		if got := Released(version); got != want {
			t.Errorf("Released(%q) = %v", version, got)
		}
	}
}

// TestAsk: what is sent says nothing of the person, and no answer does harm.
func TestAsk(t *testing.T) {
	var asked atomic.Int32
	var answer atomic.Pointer[http.HandlerFunc]
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		r.Header.Del("Accept-Encoding")
		if r.URL.RawQuery != "" || len(r.Header) != 1 || r.UserAgent() != "Lockbox" {
			t.Errorf("sent: %s, %v", r.URL, r.Header)
		}
		(*answer.Load())(w, r)
	}))
	defer s.Close()
	host := strings.TrimPrefix(s.URL, "http://")
	says := func(status int, text string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(status); _, _ = fmt.Fprint(w, text) }
	}
	good := fmt.Sprintf(`[{"tag_name": "v2.0.0", "html_url": "https://%s/r"}]`, host)
	for _, tt := range []struct {
		name    string
		answer  http.HandlerFunc
		version string
		err     string
	}{
		{"good", says(200, good), "v2.0.0", ""},
		{"refused", says(403, good), "", "answered 403"},
		{"nothing", says(204, ""), "", "answered 204"},
		{"endless", says(200, "["+strings.Repeat(" ", 2*maxFeed)), "", "more than 1 MiB"},
		{"no list", says(200, "hello"), "", "cannot be read"},
		{"sent in a circle", func(w http.ResponseWriter, r *http.Request) { http.Redirect(w, r, "/again", http.StatusFound) }, "", "sent on"},
		{"cut off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "999")
			_, _ = fmt.Fprint(w, "[")
		}, "", "EOF"},
	} {
		answer.Store(&tt.answer)
		got, err := Ask(t.Context(), s.URL, "v1.0.0")
		if got.Version != tt.version || (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: %+v, %v", tt.name, got, err)
		}
	}
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	never := http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() })
	answer.Store(&never)
	if _, err := Ask(ctx, s.URL, "v1.0.0"); err == nil {
		t.Error("one that never answers")
	}
	before := asked.Load()
	for _, none := range [][2]string{{"", "v1.0.0"}, {s.URL, "dev"}, {s.URL, "v1.0.0-3-gabcdef0"}} {
		if got, err := Ask(t.Context(), none[0], none[1]); err != nil || got != (Release{}) || asked.Load() != before {
			t.Errorf("%q: %+v, %v, asked %d times", none, got, err, asked.Load()-before)
		}
	}
}
