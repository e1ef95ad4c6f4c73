package backend

import (
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/tunnel"
	"lockbox/tunnel/ngroktest"
)

const testAuthtoken = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefghijk"

// exposable is a backend whose tunnel leads to a loopback edge. Its vault is a file,
// its authtoken in another.
func exposable(t *testing.T, text string, change func(*Options)) (*Backend, *ngroktest.Edge) {
	t.Helper()
	edge, err := ngroktest.New(ngroktest.Rules{Authtoken: testAuthtoken, Domains: []string{"own.ngrok.test", "mine.ngrok.test"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.Close() })
	dir := t.TempDir()
	ca, token, key := filepath.Join(dir, "edge.pem"), filepath.Join(dir, "authtoken"), filepath.Join(dir, "key")
	for path, content := range map[string]string{ca: string(edge.PEM()), token: testAuthtoken + "\n", key: strings.Repeat("k", 32)} {
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return start(t, func(o *Options) {
		o.Desktop, o.NgrokURL, o.NgrokCA, o.SigningKeyFile = true, edge.Addr(), ca, key
		writeConfig(t, o.ConfigPath, strings.ReplaceAll(text, "%", "file://"+token))
		if change != nil {
			change(o)
		}
	}), edge
}

const exposedConfig = `{"services": {"pub": {"base_url": "lockbox://demo", "tunnel": true}},
	"tunnel": {"authtoken": "%"}} // mine`

func TestTunnel(t *testing.T) {
	b, edge := exposable(t, exposedConfig, nil)
	if s := b.View().Tunnel; s.Phase != TunnelClosed || edge.Sessions() != 0 || !b.HasAuthtoken(t.Context()) {
		t.Errorf("at the start: %+v", s)
	}
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Fatal(err)
	}
	open := func() bool { return b.View().Tunnel.Phase == TunnelOpen }
	waitFor(t, "the tunnel", open)
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Errorf("once more: %v", err)
	}
	if got := b.View().CallersURL(); got != "https://own.ngrok.test" {
		t.Errorf("the address: %s", got)
	}
	token, err := b.MakeToken(t.Context(), "pub", "", 0)
	if err != nil {
		t.Fatal(err)
	}
	call := func(address string) int {
		c := edge.Client("203.0.113.9:1")
		defer c.CloseIdleConnections()
		req, _ := http.NewRequestWithContext(t.Context(), http.MethodGet, address+"/s/pub/x", nil)
		req.Header.Set("Authorization", "Bearer "+token.Value.Reveal())
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}
	if status := call("https://own.ngrok.test"); status != 200 {
		t.Errorf("a call: %d", status)
	}
	for _, s := range b.DiagnoseTunnel(t.Context()) {
		if !s.OK {
			t.Errorf("step %+v", s)
		}
	}
	b.CloseTunnel(ByTray)
	if s := b.View().Tunnel; s.Phase != TunnelClosed || call("https://own.ngrok.test") != 404 {
		t.Errorf("closed: %+v", s)
	}

	// Another domain, and opened from now on at each start.
	if err := b.SaveTunnelSettings(t.Context(), TunnelSettings{Domain: " Mine.ngrok.test ", Start: true}); err != nil {
		t.Fatal(err)
	}
	src, _ := os.ReadFile(b.opts.ConfigPath)
	if s := b.TunnelSettings(); s != (TunnelSettings{Domain: "mine.ngrok.test", Start: true}) || !strings.Contains(string(src), "} // mine") || !strings.Contains(string(src), `"authtoken": "file://`) {
		t.Errorf("settings %+v in\n%s", s, src)
	}
	if err := b.SaveTunnelSettings(t.Context(), TunnelSettings{Domain: "https://x"}); err == nil || !strings.Contains(err.Error(), "domain") {
		t.Errorf("a bad domain: %v", err)
	}
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the other domain", func() bool { return open() && b.View().Tunnel.URL == "https://mine.ngrok.test" })

	// Panic shuts it, and keeps it shut.
	if err := b.Panic(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := b.View().Tunnel; s.Phase != TunnelClosed {
		t.Errorf("after panic: %+v", s)
	}
	waitFor(t, "the edge to see the session end", func() bool { return edge.Sessions() == 0 })
	if err := b.OpenTunnel(t.Context(), ByWindow); err == nil || !strings.Contains(err.Error(), "resume first") {
		t.Errorf("after panic: %v", err)
	}
}

func TestTunnelAtStart(t *testing.T) {
	b, edge := exposable(t, strings.Replace(exposedConfig, `"%"`, `"%", "start": true`, 1), nil)
	waitFor(t, "the tunnel", func() bool { return b.View().Tunnel.Phase == TunnelOpen })
	if edge.Sessions() != 1 {
		t.Errorf("%d sessions", edge.Sessions())
	}
}

func TestTunnelIsRefused(t *testing.T) {
	b, edge := exposable(t, strings.Replace(exposedConfig, `"%"`, `"env://LOCKBOX_TEST_NONE", "start": true`, 1), nil)
	waitFor(t, "the warning", func() bool { return strings.Contains(strings.Join(b.View().Warnings, " "), "the tunnel is not opened") })
	if b.HasAuthtoken(t.Context()) {
		t.Error("there is an authtoken")
	}
	if err := b.SetAuthtoken(t.Context(), secret.New(testAuthtoken)); err == nil || !strings.Contains(err.Error(), "elsewhere") {
		t.Errorf("an authtoken where the config says otherwise: %v", err)
	}
	asked := len(edge.Dials()) // whether that authtoken is good
	if err := os.WriteFile(b.opts.SigningKeyFile, []byte("weak"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := b.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.OpenTunnel(t.Context(), ByWindow); err == nil || !strings.Contains(err.Error(), "at least 32 bytes") {
		t.Errorf("with a weak key: %v", err)
	}
	if err := b.Lock(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := b.OpenTunnel(t.Context(), ByWindow); err == nil || !strings.Contains(err.Error(), "locked") {
		t.Errorf("locked: %v", err)
	}
	if n := len(edge.Dials()) - asked; n != 0 {
		t.Errorf("%d connections to the edge", n)
	}
}

// An authtoken that is typed is in the vault, and in backups.
func TestAuthtokenInVault(t *testing.T) {
	b, _ := exposable(t, `{"services": {}, "vault": {"type": "file", "path": "vault.age"}}`, func(o *Options) { o.Passphrase = secret.New("correct horse") })
	if b.HasAuthtoken(t.Context()) {
		t.Error("there is one at the start")
	}
	if err := b.OpenTunnel(t.Context(), ByWindow); err == nil || !strings.Contains(err.Error(), "dashboard.ngrok.com") {
		t.Errorf("without one: %v", err)
	}
	if err := b.SetAuthtoken(t.Context(), secret.New("2wrongAUTHTOKEN")); err == nil || !strings.Contains(err.Error(), "The authtoken is not valid") || b.HasAuthtoken(t.Context()) {
		t.Errorf("a wrong one: %v", err)
	}
	if err := b.SetAuthtoken(t.Context(), secret.New(" "+testAuthtoken+"\n")); err != nil {
		t.Fatal(err)
	}
	if err := b.OpenTunnel(t.Context(), ByWindow); err != nil {
		t.Fatal(err)
	}
	waitFor(t, "the tunnel", func() bool { return b.View().Tunnel.Phase == TunnelOpen })
	b.edit.Lock()
	a, missing, err := b.keeper().collect(t.Context())
	b.edit.Unlock()
	if err != nil || string(a.Secrets[config.TunnelAuthtoken.String()]) != testAuthtoken || len(missing) > 0 {
		t.Errorf("the backup lacks it: %v %v", missing, err)
	}
}

func TestCheckAuthtoken(t *testing.T) {
	for in, ok := range map[string]bool{
		testAuthtoken: true, " " + testAuthtoken + "\n": true,
		"": false, "ngrok config add-authtoken x": false, "two words": false, "cr_2abc": false, "ak_2abc": false, "2äbc": false,
	} {
		if err := CheckAuthtoken(secret.New(in)); (err == nil) != ok || err != nil && in != "" && strings.Contains(err.Error(), in) {
			t.Errorf("CheckAuthtoken(%q) = %v", in, err)
		}
	}
}

// What the tunnel was open for is on record, with who opened and closed it.
func TestTunnelIsRecorded(t *testing.T) {
	b, edge := exposable(t, strings.Replace(exposedConfig, "{", `{"brake": {"failures": 1, "lockout": "1h"}, `, 1), nil)
	records := func() (all []string) {
		list, err := b.Exchanges(Query{Decision: []string{"noted"}})
		if err != nil {
			t.Fatal(err)
		}
		for _, x := range list { // the newest is the first
			all = append(all, x.Event+": "+x.Reason)
		}
		slices.Reverse(all)
		return all
	}
	var want []string // how each record begins and ends
	expect := func(what, begin, end string) {
		t.Helper()
		want = append(want, begin, end)
		waitFor(t, what, func() bool { return len(records()) >= len(want)/2 })
	}
	open := func(by string) {
		t.Helper()
		if err := b.OpenTunnel(t.Context(), by); err != nil {
			t.Fatal(err)
		}
	}
	open(ByTray)
	expect("it is opened", "tunnel_opened: https://own.ngrok.test", "is open to the internet, by the tray.")
	c := edge.Client("203.0.113.9:1")
	defer c.CloseIdleConnections()
	for range 2 {
		res, err := c.Get("https://own.ngrok.test/s/pub/x")
		if err != nil {
			t.Fatal(err)
		}
		res.Body.Close()
	}
	expect("a caller is locked out", "address_locked_out: 203.0.113.9 is locked out", "without a valid service token.")
	edge.Drop()
	expect("it is lost", "tunnel_lost: Calls to https://own.ngrok.test do not arrive: ", "")
	expect("it is open again", "tunnel_opened: https://own.ngrok.test is open again, after ", "s.")
	b.CloseTunnel(ByWindow)
	expect("it is closed", "tunnel_closed: https://own.ngrok.test is closed after ", "s, by the window.")
	edge.Set(func(r *ngroktest.Rules) { r.Authtoken = "another" })
	open(ByWindow)
	expect("it is refused", "tunnel_closed: What the window asked for did not open. It is closed by itself: The authtoken is not valid", "")
	edge.Set(func(r *ngroktest.Rules) { r.Authtoken = testAuthtoken })
	open(ByWindow)
	expect("it is opened once more", "tunnel_opened: ", "by the window.")
	if err := b.Panic(t.Context()); err != nil {
		t.Fatal(err)
	}
	expect("panic", "tunnel_closed: ", "by panic.")
	got := records()
	if len(got) != len(want)/2 {
		t.Fatalf("%d records, want %d:\n%s", len(got), len(want)/2, strings.Join(got, "\n"))
	}
	for i, r := range got {
		if begin, end := want[2*i], want[2*i+1]; !strings.HasPrefix(r, begin) || !strings.HasSuffix(r, end) || strings.Contains(r, testAuthtoken) {
			t.Errorf("record %q, want %q … %q", r, begin, end)
		}
	}
}

// What a diary makes of changes that take a network, or time.
func TestTunnelDiary(t *testing.T) {
	var d tunnelDiary
	at, was := time.Now(), TunnelState{Phase: TunnelClosed}
	for _, tt := range []struct {
		now  TunnelState
		want string
	}{
		{TunnelState{Phase: TunnelOpening, By: byStart}, ""},
		{TunnelState{Phase: TunnelLost}, ""},
		{TunnelState{Phase: TunnelOpen, URL: "https://a"}, `tunnel_opened: https://a is open to the internet, by the start ("start": true in the config).`},
		{TunnelState{Phase: TunnelOpen, URL: "https://a", Plan: "Free"}, ""},
		{TunnelState{Phase: TunnelLost, URL: "https://a", Trouble: tunnel.Trouble{Title: "No net", Text: "Wait."}}, "tunnel_lost: Calls to https://a do not arrive: No net. Wait."},
		{TunnelState{Phase: TunnelOpen, URL: "https://b", Former: "https://a"}, "tunnel_address_changed: Callers reach https://b, and no longer https://a. tunnel_opened: https://b is open again, after 1m0s."},
		{TunnelState{Phase: TunnelClosing, URL: "https://b"}, ""},
		{TunnelState{Phase: TunnelClosed, Trouble: tunnel.Trouble{Title: "The time is up", Text: "Over."}}, "tunnel_closed: https://b is closed after 5m0s, by itself: The time is up. Over."},
		{TunnelState{Phase: TunnelOpening, By: ByTray}, ""},
		{TunnelState{Phase: TunnelClosed, By: ByTray}, ""},
	} {
		at = at.Add(time.Minute)
		var got []string
		for _, x := range d.follow(was, tt.now, at) {
			got = append(got, x.Event+": "+x.Reason)
		}
		if s := strings.Join(got, " "); s != tt.want {
			t.Errorf("%+v: %q, want %q", tt.now, s, tt.want)
		}
		was = tt.now
	}
}
