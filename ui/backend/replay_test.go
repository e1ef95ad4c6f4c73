package backend

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"lockbox/proxy/audit"
)

// got is an upstream that keeps what it got, the latest last.
type got struct {
	mu    sync.Mutex
	calls []string
}

func (g *got) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls = append(g.calls, fmt.Sprintf("%s %s %s %q", r.Method, r.RequestURI, r.Header.Get("Content-Type"), body))
}

func (g *got) last() string {
	g.mu.Lock()
	defer g.mu.Unlock()
	if len(g.calls) == 0 {
		return ""
	}
	return g.calls[len(g.calls)-1]
}

// startBefore runs a backend before an upstream, as service s that needs a token.
func startBefore(t *testing.T, h http.Handler) (b *Backend, token string) {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	path := filepath.Join(t.TempDir(), "config.json")
	text := fmt.Sprintf(`{"services": {"s": {"base_url": %q, "token_in_query": true, "token_in_path": true}, "other": {"base_url": %q}}}`, srv.URL, srv.URL)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	b = start(t, func(o *Options) { o.ConfigPath, o.ConfigPathExplicit = path, true })
	made, err := b.NewToken(t.Context(), TokenRequest{Service: "s", Audience: "x"})
	if err != nil {
		t.Fatal(err)
	}
	return b, made.Value.Reveal()
}

// call makes a call and returns its record.
func call(t *testing.T, b *Backend, method, path, body string, headers ...string) Exchange {
	t.Helper()
	before := b.View().Exchanges
	req, err := http.NewRequestWithContext(t.Context(), method, b.View().BaseURL+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		req.Header.Set(headers[i], headers[i+1])
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, res.Body)
	_ = res.Body.Close()
	waitFor(t, "the record", func() bool { return b.View().Exchanges > before })
	return newest(t, b)
}

func newest(t *testing.T, b *Backend) Exchange {
	t.Helper()
	xs, err := b.Exchanges(Query{Limit: 1})
	if err != nil || len(xs) != 1 {
		t.Fatalf("the newest record: %v, %v", xs, err)
	}
	x, err := b.Exchange(xs[0].ID)
	if err != nil {
		t.Fatal(err)
	}
	return x
}

func TestReplay(t *testing.T) {
	up := &got{}
	b, token := startBefore(t, up)
	bearer := []string{"Authorization", "Bearer " + token}
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte("unpacked"))
	_ = z.Close()
	for _, tt := range []struct {
		name               string
		method, path, body string
		headers            []string
		edit               *ReplayEdit
		want               string // that the upstream gets
		err                string
	}{
		{"as it was", "PUT", "/s/s/a%2Fb?x=1;y", "hello\x00", append([]string{"Content-Type", "text/x"}, bearer...), nil, `PUT /a%2Fb?x=1;y text/x "hello\x00"`, ""},
		{"bytes that are no text", "PUT", "/s/s/", "\xff\xfe\x00", bearer, nil, `PUT /  "\xff\xfe\x00"`, ""},
		{"packed", "PUT", "/s/s/", packed.String(), append([]string{"Content-Encoding", "gzip"}, bearer...), nil, `PUT /  "unpacked"`, ""},
		{"a token in the query", "GET", "/s/s/x?a=1&lockbox_token=" + token + "&b", "", nil, nil, `GET /x?a=1&b  ""`, ""},
		{"a token in the path", "GET", "/s/s/" + token + "/x", "", nil, nil, `GET /x  ""`, ""},
		{"edited", "GET", "/s/s/x?a=1", "", bearer, &ReplayEdit{Method: "POST", Path: "/s/s/y", Query: "b=2", Header: http.Header{"Content-Type": {"a/b"}}, Body: []byte("new")}, `POST /y?b=2 a/b "new"`, ""},
		{"to another service", "GET", "/s/s/x", "", bearer, &ReplayEdit{Method: "GET", Path: "/s/other/x"}, "", "/s/s"},
		{"to no service", "GET", "/s/s/x", "", bearer, &ReplayEdit{Method: "POST", Path: "/admin/reload"}, "", "/s/s"},
		{"a long body", "PUT", "/s/s/", strings.Repeat("x", audit.BodyLimit+1), bearer, nil, "", "on record"},
		{"a long body, edited", "PUT", "/s/s/", strings.Repeat("x", audit.BodyLimit+1), bearer, &ReplayEdit{Method: "PUT", Path: "/s/s/", Body: []byte("short")}, `PUT /  "short"`, ""},
		{"a body in an unknown encoding", "PUT", "/s/s/", "xyz", append([]string{"Content-Encoding", "br"}, bearer...), nil, "", "encoded"},
		{"a body that was not taken in", "PUT", "/s/s/", "xyz", nil, nil, "", "not taken in"},
		{"refused without a body", "GET", "/s/s/free", "", nil, nil, `GET /free  ""`, ""},
		{"a secret in the body", "POST", "/s/s/", "token=abc&x=1", append([]string{"Content-Type", "application/x-www-form-urlencoded"}, bearer...), nil, "", "secret"},
		{"a secret in the query", "GET", "/s/s/?api_key=abc", "", bearer, nil, "", "secret"},
		{"reload", "POST", "/admin/reload", "", bearer, nil, "", "service"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			x := call(t, b, tt.method, tt.path, tt.body, tt.headers...)
			again, err := b.Replay(t.Context(), x.ID, tt.edit)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || newest(t, b).ID != x.ID {
					t.Errorf("error %v, record %+v; want one about %q and no call", err, newest(t, b), tt.err)
				}
				return
			}
			if err != nil || again.ReplayOf != x.ID || again.Decision != audit.Allowed || newest(t, b).ID != again.ID {
				t.Fatalf("%+v, %v; want the record of a replay of %s", again, err, x.ID)
			}
			if up.last() != tt.want {
				t.Errorf("the upstream got %s, want %s", up.last(), tt.want)
			}
		})
	}
	if _, err := b.Replay(t.Context(), "nosuch", nil); !errors.Is(err, audit.ErrNoRecord) {
		t.Errorf("a record that is not there: %v", err)
	}
	x := call(t, b, "GET", "/s/s/", "", append([]string{"X-Own", "1", "Cookie", "a=b"}, bearer...)...)
	if left := LeftOut(x); !slices.Equal(left, []string{"Cookie", "X-Own"}) {
		t.Errorf("left out: %q, want the cookie and X-Own", left)
	}
	b.SetPaused(true)
	if again, err := b.Replay(t.Context(), x.ID, nil); err != nil || again.Decision != audit.Refused || !strings.HasPrefix(again.Reason, "paused") {
		t.Errorf("paused: %+v, %v", again, err)
	}
}
