package preset_test

import (
	"context"
	"flag"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"lockbox/proxy"
	"lockbox/proxy/config"
	"lockbox/proxy/oauthtest"
	"lockbox/proxy/preset"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

var update = flag.Bool("update", false, "write the golden files anew")

// upstream answers in the place of an API, and notes what it was asked.
type upstream struct {
	*httptest.Server
	mu     sync.Mutex
	seen   []string
	status int
	body   string
}

func newUpstream(t *testing.T) *upstream {
	u := &upstream{}
	u.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			t.Error(err)
		}
		var b strings.Builder
		fmt.Fprintf(&b, "%s %s\n", r.Method, r.RequestURI)
		for _, name := range slices.Sorted(maps.Keys(r.Header)) {
			fmt.Fprintf(&b, "%s: %s\n", name, strings.Join(r.Header[name], ", "))
		}
		fmt.Fprintf(&b, "%s\n", body)
		u.mu.Lock()
		defer u.mu.Unlock()
		u.seen = append(u.seen, b.String())
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(u.status)
		_, _ = io.WriteString(w, u.body)
	}))
	t.Cleanup(u.Close)
	return u
}

func (u *upstream) answers(status int, body string) {
	u.mu.Lock()
	defer u.mu.Unlock()
	u.status, u.body, u.seen = status, body, nil
}

// last is what was asked last, the one time that there was.
func (u *upstream) last(t *testing.T) string {
	t.Helper()
	u.mu.Lock()
	defer u.mu.Unlock()
	if len(u.seen) != 1 {
		t.Fatalf("the upstream was asked %d times", len(u.seen))
	}
	return u.seen[0]
}

// house is a running proxy with a service of each preset, which go to an upstream
// of ours at the path that the API's has.
type house struct {
	*proxy.Server
	up       *upstream
	url      string
	services map[string]*config.Service
}

func keyOf(p *preset.Preset, k preset.Key) string {
	return k.Prefix + "KEY-" + p.ID + "-" + strings.ReplaceAll(k.Field, "/", "-")
}

func newHouse(t *testing.T) *house {
	t.Helper()
	h := &house{up: newUpstream(t), services: map[string]*config.Service{}}
	host, err := url.Parse(h.up.URL)
	if err != nil {
		t.Fatal(err)
	}
	google := preset.ByID("google")
	oauth := oauthtest.New(oauthtest.Options{ID: keyOf(google, google.Keys[0]), Secret: keyOf(google, google.Keys[1]), InParams: true})
	tokens := httptest.NewServer(oauth)
	t.Cleanup(tokens.Close)
	refresh, err := oauth.Allow()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range preset.All() {
		values := map[string]string{}
		for _, b := range p.Blanks {
			values[b.ID] = b.Example
			if b.Default != "" {
				values[b.ID] = b.Default
			}
		}
		base, bad := p.Fill(values)
		u, err := url.Parse(base)
		if len(bad) > 0 || err != nil {
			t.Fatal(bad, err)
		}
		u.Scheme, u.Host = host.Scheme, host.Host
		svc := config.NewService(p.ID, u)
		svc.DefaultHeaders = p.DefaultHeaders()
		svc.Credential = p.Credential().With(func(field string, s secret.Source) secret.Source {
			for _, k := range p.Keys {
				if k.Field == field {
					return secret.Source{Literal: secret.New(keyOf(p, k))}
				}
			}
			return s
		})
		if p == google {
			svc.Credential.OAuth.TokenURL = tokens.URL
			svc.Credential.OAuth.RefreshToken = secret.Source{Literal: secret.New(refresh)}
		}
		h.services[p.ID] = svc
	}
	key := secret.New(strings.Repeat("k", 32))
	h.Server = proxy.New(proxy.Options{
		Load: func(context.Context) (*config.Config, error) {
			return &config.Config{Services: h.services, Record: config.Record{BodyBytes: 1 << 16}, Listen: "127.0.0.1:0"}, nil
		},
		Keys:    func(context.Context) (token.Keys, error) { return token.Keys{Current: key}, nil },
		Version: "test",
	})
	if _, err := h.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	h.url = "http://" + ln.Addr().String()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- h.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Error(err)
		}
		h.Close()
	})
	return h
}

func (h *house) test(t *testing.T, p *preset.Preset) (proxy.TestResult, error) {
	return h.Test(t.Context(), h.services[p.ID], nil, proxy.Trial(p.Test))
}

// call makes the test call as a workflow would.
func (h *house) call(t *testing.T, p *preset.Preset) int {
	t.Helper()
	v, _, err := token.Issue(secret.New(strings.Repeat("k", 32)), p.ID, "x", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	r, err := http.NewRequestWithContext(t.Context(), p.Test.Method, h.url+"/s/"+p.ID+p.Test.Path, strings.NewReader(p.Test.Body))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Authorization", "Bearer "+v.Reveal())
	r.Header.Set("User-Agent", "Lockbox/test")
	if p.Test.ContentType != "" {
		r.Header.Set("Content-Type", p.Test.ContentType)
	}
	client := http.Client{Transport: &http.Transport{DisableCompression: true}}
	defer client.CloseIdleConnections()
	resp, err := client.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode
}

// TestCalls: what each API is asked by the test call, to the last header, made by
// the test and by a workflow with a service token.
func TestCalls(t *testing.T) {
	h := newHouse(t)
	const golden = "testdata/calls.golden"
	var b strings.Builder
	for _, p := range preset.All() {
		h.up.answers(200, "{}")
		if _, err := h.test(t, p); err != nil {
			t.Fatalf("%s: %v", p.ID, err)
		}
		asked := h.up.last(t)
		if p.ID == "google" { // the access token is another one each time
			_, token, _ := strings.Cut(asked, "Bearer ")
			token, _, _ = strings.Cut(token, "\n")
			if len(token) < 20 {
				t.Errorf("google was shown the access token %q", token)
			}
			asked = strings.Replace(asked, token, "ACCESS-TOKEN", 1)
		}
		fmt.Fprintf(&b, "# %s\n%s\n", p.ID, asked)
		h.up.answers(200, "{}")
		if status := h.call(t, p); status != 200 {
			t.Fatalf("%s: a workflow's call got %d", p.ID, status)
		}
		if called := h.up.last(t); p.ID != "google" && called != asked {
			t.Errorf("%s: a workflow's call was\n%s\nthe test's\n%s", p.ID, called, asked)
		}
	}
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if got := b.String(); got != string(want) {
		t.Errorf("the calls are\n%s\nwant those of %s", got, golden)
	}
}
