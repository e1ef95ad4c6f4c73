package proxy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

func TestTest(t *testing.T) {
	var got atomic.Value
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		got.Store(fmt.Sprintf("%s %s %s %s", r.Method, r.RequestURI, r.Header.Get("Authorization"), r.Header.Get("User-Agent")))
		w.Header().Set("Content-Type", "text/x-test")
		switch r.URL.Path {
		case "/v1/redirect":
			http.Redirect(w, r, "/v1/end", http.StatusFound)
		case "/v1/events":
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		case "/v1/slow":
			time.Sleep(300 * time.Millisecond)
		default:
			w.WriteHeader(203)
			_, _ = io.WriteString(w, "echo of "+r.Header.Get("Authorization"))
		}
	})
	base, err := url.Parse(up.URL + "/v1")
	if err != nil {
		t.Fatal(err)
	}
	ref := secret.KeychainRef("new one", "token")
	svc := config.NewService("new one", base)
	svc.Credential = &config.Credential{Type: config.Bearer, Token: secret.Source{Ref: ref}}
	svc.AllowRedirects = true
	svc.ReadTimeout = 100 * time.Millisecond
	resolve := func(_ context.Context, r secret.Ref) (secret.Value, error) {
		if r == ref {
			return secret.New("real-key-0001"), nil
		}
		return secret.Value{}, secret.ErrNotFound
	}
	l := newLab(t, services())
	for _, tt := range []struct {
		name, method, path string
		status             int
		want               string // what the upstream got last
		err                string
	}{
		{"a path", "GET", "/user", 203, "GET /v1/user Bearer real-key-0001 Lockbox/test", ""},
		{"without a slash", "GET", "user?x=1;%zz", 203, "GET /v1/user?x=1;%zz Bearer real-key-0001 Lockbox/test", ""},
		{"no path", "POST", "", 203, "POST /v1 Bearer real-key-0001 Lockbox/test", ""},
		{"the root", "HEAD", "/", 203, "HEAD /v1/ Bearer real-key-0001 Lockbox/test", ""},
		{"a redirect", "GET", "/redirect", 203, "GET /v1/end Bearer real-key-0001 Lockbox/test", ""},
		{"no end", "GET", "/events", 200, "GET /v1/events Bearer real-key-0001 Lockbox/test", ""},
		{"climbing", "GET", "/../x", 0, "", "path holds"},
		{"a space", "GET", "/a b", 203, "GET /v1/a%20b Bearer real-key-0001 Lockbox/test", ""},
		{"a host", "GET", "//evil.example/x", 203, "GET /v1/evil.example/x Bearer real-key-0001 Lockbox/test", "path holds"},
		{"bad encoding", "GET", "/%zz", 0, "", "path holds"},
		{"CONNECT", "CONNECT", "/x", 0, "", "CONNECT"},
		{"no answer in time", "GET", "/slow", 0, "GET /v1/slow Bearer real-key-0001 Lockbox/test", "read_timeout"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got.Store("")
			r, err := l.Test(t.Context(), svc, resolve, Trial{Method: tt.method, Path: tt.path})
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || strings.Contains(err.Error(), "real-key") {
					t.Errorf("%+v, %v; want an error about %s", r, err, tt.err)
				}
				return
			}
			if err != nil || r.Status != tt.status || r.Duration <= 0 || got.Load() != tt.want {
				t.Errorf("%+v, %v, the upstream got %q; want %d and %q", r, err, got.Load(), tt.status, tt.want)
			}
			if r.ContentType != "text/x-test" || strings.Contains(r.Body, "real-key") {
				t.Errorf("content type %q, body %q", r.ContentType, r.Body)
			}
			x := l.exchanges(t)[0]
			if x.Listener != "test" || x.Service != "new one" || x.Decision != audit.Allowed || x.Method != tt.method || strings.Contains(fmt.Sprintf("%+v", x.ResponseBody), "real-key") {
				t.Errorf("record %+v %+v", x, x.ResponseBody)
			}
		})
	}
	t.Run("a body", func(t *testing.T) {
		up := echo(t)
		base, err := url.Parse(up.URL)
		if err != nil {
			t.Fatal(err)
		}
		svc := config.NewService("graph", base)
		svc.DefaultHeaders = []config.DefaultHeader{{Name: "X-Version", Value: "1"}}
		r, err := l.Test(t.Context(), svc, resolve, Trial{Method: "POST", Path: "/graphql", ContentType: "application/json", Body: `{"query":"{me}"}`})
		if err != nil {
			t.Fatal(err)
		}
		got := reply{status: r.Status, body: r.Body}.seen(t)
		if got.Method != "POST" || got.Target != "/graphql" || got.Body != `{"query":"{me}"}` || got.Header.Get("Content-Type") != "application/json" || got.Header.Get("X-Version") != "1" {
			t.Errorf("the upstream got %+v", got)
		}
		if x := l.exchanges(t)[0]; x.RequestBody == nil || x.RequestBody.Text != `{"query":"{me}"}` {
			t.Errorf("record %+v", x)
		}
	})
	t.Run("nobody there", func(t *testing.T) {
		gone := upstreamOf(t, nil)
		base, err := url.Parse(gone.URL)
		if err != nil {
			t.Fatal(err)
		}
		gone.Close()
		_, err = l.Test(t.Context(), config.NewService("gone", base), resolve, Trial{Method: "GET", Path: "/"})
		if !errors.Is(err, syscall.ECONNREFUSED) || err.Error() != `The upstream of service "gone" refuses connections: it may be down, or its base_url wrong.` {
			t.Errorf("error %v", err)
		}
	})
	t.Run("no credential", func(t *testing.T) {
		svc.Credential.Token.Ref.Field = "other"
		if _, err := l.Test(t.Context(), svc, resolve, Trial{Method: "GET", Path: "/x"}); !errors.Is(err, secret.ErrNotFound) || !strings.Contains(err.Error(), "token") {
			t.Errorf("error %v, want it to name the field", err)
		}
		svc.Credential.Token = secret.Source{}
		if _, err := l.Test(t.Context(), svc, resolve, Trial{Method: "GET", Path: "/x"}); err == nil {
			t.Error("no error for an empty token")
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		svc.Credential = nil
		svc.ReadTimeout = 0
		ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
		defer cancel()
		if _, err := l.Test(ctx, svc, resolve, Trial{Method: "GET", Path: "/slow"}); err == nil {
			t.Error("no error")
		}
		if x := l.exchanges(t)[0]; x.Decision != audit.Failed {
			t.Errorf("record %+v", x)
		}
	})
	t.Run("demo", func(t *testing.T) {
		r, err := l.Test(t.Context(), config.NewService("demo", &url.URL{Scheme: "lockbox", Host: "demo"}), resolve, Trial{Method: "GET", Path: "/hello"})
		if err != nil || r.Status != 200 || r.ContentType != "application/json" {
			t.Errorf("%+v, %v", r, err)
		}
	})
}
