package ui

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"lockbox/proxy/audit"
	"lockbox/ui/backend"
)

// screen is the window on Fyne's test driver, over a real backend.
type screen struct {
	*window
	t     *testing.T
	b     *backend.Backend
	win   fyne.Window
	queue chan func()
}

// config for tests: no key of it needs a keychain.
const testConfig = `{
  "services": {
    "acme": {"base_url": "https://api.acme.example/v2", "credential": {"type": "bearer", "token": "env://ACME_KEY"}, "valid_audiences": ["zapier", "make"]},
    "demo": {"base_url": "lockbox://demo", "requires_service_token": false},
    "github": {"base_url": "https://api.github.com", "credential": {"type": "bearer", "token": "env://ACME_KEY"}},
    "stripe": {"base_url": "https://api.stripe.com", "credential": {"type": "basic", "username": "env://ACME_KEY", "password": ""}},
    "weather": {"base_url": "https://api.weather.example", "credential": {"type": "headers", "headers": {"X-Api-Key": "env://NOT_SET"}}},
  },
}
`

const canary = "sk-canary-7f3a"

// open starts a backend with a config, "" for the starter's, and shows its
// window.
func open(t *testing.T, config string) *screen {
	t.Helper()
	return openBackend(t, config, func(*backend.Options) {})
}

// openWith has calls on record from before.
func openWith(t *testing.T, config string, calls []audit.Exchange) *screen {
	t.Helper()
	return openBackend(t, config, func(o *backend.Options) { fillLog(t, filepath.Join(o.StateDir, "audit"), calls) })
}

func openBackend(t *testing.T, config string, change func(*backend.Options)) *screen {
	t.Helper()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	t.Setenv("ACME_KEY", canary)
	home := t.TempDir()
	o := backend.Options{
		ConfigPath: filepath.Join(home, "config.json"), StateDir: filepath.Join(home, "state"),
		Listen: "127.0.0.1:0", Desktop: true, Version: "1.0.0-test",
		Logger: slog.New(slog.NewTextHandler(t.Output(), nil)),
	}
	change(&o)
	if config != "" {
		if err := os.WriteFile(o.ConfigPath, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	b, err := backend.Open(ctx, o)
	if err != nil {
		t.Fatal(err)
	}
	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()

	a := test.NewTempApp(t)
	a.Settings().SetTheme(look{fixed: true, variant: theme.VariantLight})
	s := &screen{t: t, b: b, win: test.NewTempWindow(t, nil), queue: make(chan func(), 1000)}
	l := newLoop(ctx, func(f func()) { s.queue <- f })
	s.window = newWindow(a, s.win, b, l)
	s.win.Resize(fyne.NewSize(1080, 720))
	l.watch(b, s.draw)
	t.Cleanup(func() {
		cancel()
		stopped := make(chan struct{})
		go func() { l.stop(); close(stopped) }()
		for done := false; !done; {
			select {
			case <-s.queue:
			case <-stopped:
				done = true
			}
		}
		if err := errors.Join(<-ended, b.Close()); err != nil {
			t.Errorf("the backend: %v", err)
		}
	})
	s.until("the proxy serves", func() bool {
		return b.View().Phase == backend.Running && len(s.services.view.Services) > 0 || config == none
	})
	if s.tour != nil { // of a first start
		s.tour.skip()
	}
	s.window.open(pageServices)
	return s
}

const none = `{"services": {}}`

// until does the window's work until ok holds.
func (s *screen) until(what string, ok func() bool) {
	s.t.Helper()
	late := time.After(time.Minute)
	for !ok() {
		select {
		case f := <-s.queue:
			f()
		case <-time.After(5 * time.Millisecond):
		case <-late:
			s.t.Fatalf("waited a minute until %s", what)
		}
	}
}

// call has the proxy answer a request.
func (s *screen) call(method, path string, body string) int {
	s.t.Helper()
	req, err := http.NewRequestWithContext(s.t.Context(), method, s.b.View().BaseURL+path, strings.NewReader(body))
	if err != nil {
		s.t.Fatal(err)
	}
	if body != "" {
		req.Header.Set("Content-Type", "application/json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		s.t.Fatal(err)
	}
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil {
		s.t.Fatal(err)
	}
	return resp.StatusCode
}

func fillLog(t *testing.T, dir string, calls []audit.Exchange) {
	t.Helper()
	log, err := audit.Open(dir)
	if err != nil {
		t.Fatal(err)
	}
	for i := range calls {
		if err := log.Append(&calls[i]); err != nil {
			t.Fatal(err)
		}
	}
	if err := log.Close(); err != nil {
		t.Fatal(err)
	}
}

// manyCalls are calls of the last three hours, the newest last.
func manyCalls(n int) []audit.Exchange {
	out := make([]audit.Exchange, n)
	began := time.Now().Add(-3 * time.Hour)
	services := []string{"github", "acme", "stripe", "demo"}
	for i := range out {
		x := &out[i]
		// Busy at times, as people are.
		share := float64(i) / float64(n)
		at := share + 0.02*math.Sin(share*45)
		service := services[i%7%4]
		*x = audit.Exchange{
			Time: began.Add(time.Duration(max(0, min(1, at)) * float64(3*time.Hour))), Service: service, Method: []string{"GET", "GET", "POST", "PUT"}[i%4],
			Path: fmt.Sprintf("/s/%s/v2/orders/%d", service, 1000+i), Status: 200, Duration: time.Duration(20+i*37%900) * time.Millisecond,
			BytesIn: int64(i % 300), BytesOut: int64(i * 13 % 90_000), Audience: []string{"zapier", "make", "n8n"}[i%3], Listener: "local",
			Remote: "127.0.0.1:50123", Decision: audit.Allowed, JTI: fmt.Sprint("jti-", i%5),
			RequestHeader: http.Header{"Accept": {"application/json"}, "User-Agent": {"Zapier"}},
		}
		switch {
		case i%11 == 3:
			x.Status, x.Decision, x.Reason = 401, audit.Refused, "token_expired: The service token has expired."
		case i%29 == 7:
			x.Status, x.Decision, x.Reason = 504, audit.Failed, "upstream_timeout: The upstream did not answer within 30 s."
		case i%17 == 5:
			x.Status = 404
		case i%41 == 11:
			x.Status = 302
		}
		if x.Method == "POST" {
			body := fmt.Sprintf(`{"id":%d,"kind":"invoice","customer":{"name":"Ada Lovelace","email":"ada@example.com"},"lines":[{"sku":"box","count":3},{"sku":"lid","count":3}]}`, i)
			x.RequestHeader.Set("Content-Type", "application/json")
			x.RequestHeader.Set("Content-Length", fmt.Sprint(len(body)))
			x.RequestBody = &audit.Body{Text: body, Size: int64(len(body))}
			x.BytesIn = int64(len(body))
			x.ResponseHeader = http.Header{"Content-Type": {"application/json; charset=utf-8"}, "Date": {"Wed, 25 Nov 2026 16:30:00 GMT"}, "X-Request-Id": {"b7d0c9d0"}}
			answer := fmt.Sprintf(`{"ok":true,"invoice":"INV-%06d","total":129.5}`, i)
			x.ResponseBody = &audit.Body{Text: answer, Size: int64(len(answer))}
		}
	}
	return out
}
