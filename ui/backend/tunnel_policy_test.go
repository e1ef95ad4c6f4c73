package backend

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"lockbox/proxy/config"
	"lockbox/tunnel/ngroktest"
)

func TestTunnelPolicy(t *testing.T) {
	for services, want := range map[string]string{
		`"a": {"base_url": "a.example", "allow_from": null}`: "any",
		`"a": {"base_url": "a.example", "tunnel": true}`:     "any",
		`"a": {"base_url": "a.example", "tunnel": true, "allow_from": ["203.0.113.0/24"]}, "b": {"base_url": "b.example", "tunnel": true}`:                                                          "any",
		`"a": {"base_url": "a.example", "tunnel": true, "allow_from": ["203.0.113.0/24"]}, "b": {"base_url": "b.example"}`:                                                                          "[203.0.113.0/24]",
		`"a": {"base_url": "a.example", "tunnel": true, "allow_from": ["203.0.113.0/24", "2001:db8::1"]}, "b": {"base_url": "b", "tunnel": true, "allow_from": ["198.51.100.7", "203.0.113.0/24"]}`: "[198.51.100.7/32 203.0.113.0/24 2001:db8::1/128]",
		`"a": {"base_url": "a.example", "tunnel": true, "allow_from": []}`:                                                                                                                          "[]",
	} {
		cfg, err := config.Parse("f", []byte(`{"services": {`+services+`}, "tunnel": {"rate_limit": {"requests": 9, "per": "2m"}}}`))
		if err != nil {
			t.Fatal(err)
		}
		p := tunnelPolicy(cfg)
		got := "any"
		if p.AllowFrom != nil {
			got = fmt.Sprint(p.AllowFrom)
		}
		if got != want || p.Calls != 9 || p.Per != 2*time.Minute {
			t.Errorf("%s: %s %+v, want %s", services, got, p, want)
		}
		// What ngrok turns away is turned away here too.
		for _, addr := range []string{"203.0.113.9", "198.51.100.7", "192.0.2.1", "2001:db8::1"} {
			if p.AllowFrom != nil && !contains(p.AllowFrom, addr) && reaches(cfg, addr) {
				t.Errorf("%s: %s may reach a service and not ngrok", services, addr)
			}
		}
	}
}

func contains(all []netip.Prefix, addr string) bool {
	for _, p := range all {
		if p.Contains(netip.MustParseAddr(addr)) {
			return true
		}
	}
	return false
}

func reaches(cfg *config.Config, addr string) bool {
	for _, svc := range cfg.Services {
		if svc.Tunnel && (svc.AllowFrom == nil || contains(svc.AllowFrom, addr)) {
			return true
		}
	}
	return false
}

// Whatever a service is called, its name is no part of what ngrok is told; a reload
// that changes who may come in changes that too.
func TestTunnelPolicyFollowsConfig(t *testing.T) {
	const odd = `x' || true || '${conn.client_ip}`
	text := func(from string) string {
		return fmt.Sprintf(`{"services": {"pub": {"base_url": "lockbox://demo", "tunnel": true, "allow_from": %s}, %q: {"base_url": "lockbox://demo", "tunnel": true, "allow_from": ["203.0.113.9"]}},
			"tunnel": {"authtoken": "%%"}}`, from, odd)
	}
	if _, err := config.Parse("f", []byte(text("null"))); err != nil {
		t.Fatalf("no service can be called that: %v", err)
	}
	b, edge := exposable(t, text(`["203.0.113.0/24"]`), nil)
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Fatal(err)
	}
	policy := func(want string) func() bool {
		return func() bool {
			binds := edge.Binds()
			return len(binds) > 0 && binds[len(binds)-1].TrafficPolicy == want && b.View().Tunnel.Phase == TunnelOpen
		}
	}
	const near = `{"on_http_request":[{"expressions":["req.url.path != '/healthz'"],"actions":[{"type":"restrict-ips","config":{"enforce":true,"allow":["203.0.113.0/24","203.0.113.9/32"]}}]}]}`
	waitFor(t, "the policy", policy(near))
	src, err := os.ReadFile(b.opts.ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	changed := strings.Replace(string(src), `["203.0.113.0/24"]`, "null", 1)
	changed = strings.Replace(changed, `"tunnel": {"auth`, `"tunnel": {"rate_limit": {"requests": 600, "per": "10m"}, "auth`, 1)
	writeConfig(t, b.opts.ConfigPath, changed)
	waitFor(t, "the policy after the reload", policy(`{"on_http_request":[{"actions":[{"type":"rate-limit","config":{"name":"lockbox","algorithm":"sliding_window","capacity":600,"rate":"600s","bucket_key":["conn.client_ip"]}}]}]}`))
	edge.Set(func(r *ngroktest.Rules) { r.PolicyError = ngroktest.Refusal("No policies.", 2201) })
	writeConfig(t, b.opts.ConfigPath, string(src))
	waitFor(t, "no policy", func() bool { return policy("")() && b.View().Tunnel.Unguarded.Code == "ERR_NGROK_2201" })
	for _, bind := range edge.Binds() {
		if strings.Contains(bind.TrafficPolicy, "||") || strings.Contains(bind.TrafficPolicy, "${") {
			t.Errorf("the policy holds a name: %s", bind.TrafficPolicy)
		}
	}
}

func TestPublicListenSetting(t *testing.T) {
	b, _ := exposable(t, exposedConfig, nil)
	free, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := free.Addr().String()
	save := func(addr string) error { return b.SaveTunnelSettings(t.Context(), TunnelSettings{PublicListen: addr}) }
	for addr, want := range map[string]string{
		addr:           "is in use by another program",
		"0.0.0.0:8001": "must be a loopback address",
		"8001":         "is not an address and a port",
	} {
		if bad, _ := save(addr).(Fields); !strings.Contains(bad["public_listen"], want) {
			t.Errorf("%s: %v, want %q", addr, bad, want)
		}
	}
	if err := free.Close(); err != nil {
		t.Fatal(err)
	}
	if err := save(" " + addr); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the public side", func() bool { return b.View().PublicURL == "http://"+addr })
	res, err := http.Get("http://" + addr + "/healthz")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusOK || b.TunnelSettings().PublicListen != addr {
		t.Errorf("%d, %+v", res.StatusCode, b.TunnelSettings())
	}
	if err := save(""); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "no public side", func() bool { return b.View().PublicURL == "" })
	c := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if res, err := c.Get("http://" + addr + "/healthz"); err == nil {
		res.Body.Close()
		t.Error("it is still served")
	}
}

// The computer is kept awake while the tunnel is open and the config says so.
func TestKeepAwake(t *testing.T) {
	b, edge := exposable(t, strings.Replace(exposedConfig, `"%"`, `"%", "keep_awake": true`, 1), nil)
	var held, taken atomic.Int32
	b.hold = func(context.Context, string) (func() error, error) {
		held.Add(1)
		taken.Add(1)
		return func() error { held.Add(-1); return nil }, nil
	}
	holds := func(want int32) func() bool { return func() bool { return held.Load() == want } }
	for range 2 {
		if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
			t.Fatal(err)
		}
		waitFor(t, "it is awake", holds(1))
		waitFor(t, "the tunnel", func() bool { return b.View().Tunnel.Phase == TunnelOpen })
		edge.Drop()
		waitFor(t, "it is lost", func() bool { return b.View().Tunnel.Phase == TunnelLost })
		waitFor(t, "the tunnel again", func() bool { return b.View().Tunnel.Phase == TunnelOpen })
		b.CloseTunnel(ByWindow)
		waitFor(t, "it may sleep", holds(0))
	}
	if n := taken.Load(); n != 2 {
		t.Errorf("the computer was asked %d times, want 2", n)
	}
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "it is awake", holds(1))
	if err := b.SaveTunnelSettings(t.Context(), TunnelSettings{}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "it may sleep", holds(0))
}

// What cannot be kept awake is said, and no reason not to open.
func TestKeepAwakeFails(t *testing.T) {
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+filepath.Join(t.TempDir(), "none"))
	b, _ := exposable(t, exposedConfig, nil)
	warned := func() bool { return strings.Contains(strings.Join(b.View().Warnings, " "), "may fall asleep") }
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the tunnel", func() bool { return b.View().Tunnel.Phase == TunnelOpen })
	if warned() {
		t.Errorf("unasked: %v", b.View().Warnings)
	}
	if err := b.SaveTunnelSettings(t.Context(), TunnelSettings{KeepAwake: true}); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the warning", warned)
	if s := b.View().Tunnel; s.Phase != TunnelOpen {
		t.Errorf("state %+v", s)
	}
	b.CloseTunnel(ByWindow)
	waitFor(t, "the warning to go", func() bool { return !warned() })
}

func TestTunnelUsage(t *testing.T) {
	b, edge := exposable(t, exposedConfig, nil)
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the tunnel", func() bool { return b.View().Tunnel.Phase == TunnelOpen })
	c := edge.Client("203.0.113.9:1")
	defer c.CloseIdleConnections()
	for _, path := range []string{"/healthz", "/s/pub/x", "/favicon.ico"} {
		res, err := c.Get("https://own.ngrok.test" + path)
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	u := b.View().Usage
	if u.Calls != 3 || u.In < 100 || u.Out < 300 || u.Month != time.Now().UTC().Format("2006-01") {
		t.Errorf("usage %+v", u)
	}
	if _, err := b.usage.save(); err != nil {
		t.Fatal(err)
	}
	if again := newTunnelMeter(usagePath(b.opts), b.opts.Logger).now(); again.Calls != 3 || again.Out < u.Out {
		t.Errorf("after a restart: %+v", again)
	}
}

func TestTunnelMeter(t *testing.T) {
	path := filepath.Join(t.TempDir(), "sub", "tunnel.json")
	synctest.Test(t, func(t *testing.T) {
		var said strings.Builder
		m := newTunnelMeter(path, slog.New(slog.NewTextHandler(&said, nil)))
		m.add(FreeCalls*8/10-1, 0, 0)
		if m.now().Level() != 0 || said.Len() > 0 {
			t.Errorf("%+v: %s", m.now(), said.String())
		}
		m.call()
		m.add(0, 0, FreeBytes)
		m.call()
		if u := m.now(); u.Level() != UsageFull || u.Percent() != 100 || strings.Count(said.String(), "WARN") != 2 {
			t.Errorf("%+v: %s", u, said.String())
		}
		if _, err := m.save(); err != nil {
			t.Fatal(err)
		}
		if fresh, _ := m.save(); fresh {
			t.Error("it is saved twice")
		}
		month := m.now().Month
		time.Sleep(31 * 24 * time.Hour)
		if u := m.now(); u.Calls != 0 || u.Month == month {
			t.Errorf("the next month: %+v", u)
		}
		if err := os.WriteFile(path, []byte("{broken"), 0o600); err != nil {
			t.Fatal(err)
		}
		if u := newTunnelMeter(path, slog.New(slog.NewTextHandler(&said, nil))).now(); u.Calls != 0 || !strings.Contains(said.String(), "counted anew") {
			t.Errorf("a broken file: %+v, %s", u, said.String())
		}
	})
}
