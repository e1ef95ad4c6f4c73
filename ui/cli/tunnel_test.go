//go:build unix

package cli

import (
	"bytes"
	"context"
	"crypto/sha256"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lockbox/proxy/audit"
	"lockbox/tunnel/ngroktest"
)

const authtoken = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefghijk"

// exposed is a home whose tunnel leads to a loopback edge.
func exposed(t *testing.T, rules ngroktest.Rules) (home, *ngroktest.Edge) {
	t.Helper()
	rules.Authtoken = authtoken
	edge, err := ngroktest.New(rules)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := edge.Close(); err != nil {
			t.Error(err)
		}
	})
	h := newHome(t)
	return h.with("LOCKBOX_NGROK_URL=https://"+edge.Addr(), "LOCKBOX_NGROK_CA="+h.write(t, "edge.pem", string(edge.PEM())), "NGROK="+authtoken,
		"LOCKBOX_SIGNING_KEY_FILE="+h.write(t, "key", strings.Repeat("k", 32))), edge
}

// through is a caller from the internet.
type through struct {
	*http.Client
	url, token string
}

func (c through) do(t *testing.T, method, path string, body io.Reader) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, c.url+path, body)
	if err != nil {
		t.Fatal(err)
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.Do(req)
	if err != nil {
		t.Error(err)
		return 0, ""
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Error(err)
	}
	return res.StatusCode, string(text)
}

func authorized(t *testing.T, url, token string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	req.Header.Set("Authorization", "Bearer "+token)
	return req
}

// apis is an upstream of many kinds.
func apis(t *testing.T) *httptest.Server {
	mux := http.NewServeMux()
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		sum := sha256.New()
		_, _ = io.Copy(sum, r.Body)
		_, _ = fmt.Fprintf(w, "%x", sum.Sum(nil))
	})
	mux.HandleFunc("/big", func(w http.ResponseWriter, _ *http.Request) {
		for range 50 {
			_, _ = w.Write(bytes.Repeat([]byte("0123456789abcdef"), 1<<16))
		}
	})
	mux.HandleFunc("/slow", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "begin ")
		w.(http.Flusher).Flush()
		time.Sleep(1500 * time.Millisecond) // meanwhile the tunnel is closed
		_, _ = io.WriteString(w, "end")
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: first\n\n")
		w.(http.Flusher).Flush()
		<-r.Context().Done() // the stream has no end
	})
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		up := websocket.Upgrader{}
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, data, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, data) != nil {
				return
			}
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, r.URL.Path) })
	srv := httptest.NewServer(mux)
	t.Cleanup(srv.Close)
	return srv
}

const tunnelConfig = `{"services": {
	"pub": {"base_url": %q, "tunnel": true}, "home": {"base_url": %[1]q}, "open": {"base_url": %[1]q, "requires_service_token": false}},
	"tunnel": {"authtoken": "env://NGROK"%s}}`

// The built program through the edge: calls, refusals, records, the end.
func TestServeTunnel(t *testing.T) {
	t.Parallel()
	up := apis(t)
	h, edge := exposed(t, ngroktest.Rules{Domains: []string{"mine.ngrok.test"}})
	h = h.with("LOCKBOX_CONFIG_PATH=" + h.write(t, "c.json", fmt.Sprintf(tunnelConfig, up.URL, "")))
	s := h.serve(t, "--tunnel")
	address := s.await(t, `Tunnel: 1 service at (https://\S+)`)[1]
	c := through{edge.Client("203.0.113.9:4711"), address, makeToken(t, h, "pub", "x")}
	defer c.CloseIdleConnections()
	if status, body := c.do(t, "GET", "/s/pub/hello", nil); status != 200 || body != "/hello" || address != "https://mine.ngrok.test" {
		t.Errorf("a call: %d %s at %s", status, body, address)
	}
	if status, _ := c.do(t, "GET", "/healthz", nil); status != 200 {
		t.Errorf("/healthz: %d", status)
	}
	checkTraffic(t, edge, c)

	other := func(token string) through { return through{c.Client, address, token} }
	_, unknown := other("x").do(t, "GET", "/s/nosuch/x", nil)
	for name, got := range map[string]func() (int, string){
		"unmarked":    func() (int, string) { return other(makeToken(t, h, "home", "x")).do(t, "GET", "/s/home/x", nil) },
		"token-free":  func() (int, string) { return other("").do(t, "GET", "/s/open/x", nil) },
		"wrong token": func() (int, string) { return other("x").do(t, "GET", "/s/pub/x", nil) },
		"admin's": func() (int, string) {
			return other(strings.TrimSpace(h.run(t, "admin-token").out)).do(t, "GET", "/s/pub/x", nil)
		},
		"by wrong host": func() (int, string) { return byHost(t, edge, "127.0.0.1", c.token) },
	} {
		if status, body := got(); status != 401 || body != unknown {
			t.Errorf("%s: %d %s, want what a service that is not there gets: %s", name, status, body, unknown)
		}
	}
	if status, _ := other(strings.TrimSpace(h.run(t, "admin-token").out)).do(t, "POST", "/admin/reload", nil); status != 404 {
		t.Errorf("/admin/reload: %d", status)
	}

	slow, err := c.Do(authorized(t, address+"/s/pub/slow", c.token)) // its head
	if err != nil {
		t.Fatal(err)
	}
	s.signal(t, sigterm)
	if text, err := io.ReadAll(slow.Body); err != nil || string(text) != "begin end" {
		t.Errorf("the call under way: %q, %v", text, err)
	}
	slow.Body.Close()
	if code := s.wait(t, endTime); code != exitDone {
		t.Errorf("exit code %d", code)
	}
	if n := edge.Sessions(); n != 0 {
		t.Errorf("%d sessions after the end", n)
	}
	checkRecord(t, h)
	if said := s.talk.String(); strings.Contains(said, authtoken) {
		t.Errorf("the authtoken is in the log:\n%s", said)
	}
}

// byHost calls a service of the tunnel by another name.
func byHost(t *testing.T, edge *ngroktest.Edge, host, token string) (int, string) {
	t.Helper()
	conn, err := edge.Connect("mine.ngrok.test", "203.0.113.9:1")
	if err != nil {
		t.Fatal(err)
	}
	// The transport closes it.
	tr := &http.Transport{DisableKeepAlives: true, DialContext: func(context.Context, string, string) (net.Conn, error) { return conn, nil }}
	return through{&http.Client{Transport: tr}, "http://" + host, token}.do(t, "GET", "/s/pub/x", nil)
}

// checkTraffic carries much, long and many.
func checkTraffic(t *testing.T, edge *ngroktest.Edge, c through) {
	t.Helper()
	big := bytes.Repeat([]byte("0123456789abcdef"), 50<<16)
	if status, got := c.do(t, "POST", "/s/pub/sum", bytes.NewReader(big)); status != 200 || got != fmt.Sprintf("%x", sha256.Sum256(big)) {
		t.Errorf("50 MB out: %d %.80s", status, got)
	}
	if status, got := c.do(t, "GET", "/s/pub/big", nil); status != 200 || got != string(big) {
		t.Errorf("50 MB in: %d, %d bytes", status, len(got))
	}

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	res, err := c.Do(authorized(t, c.url+"/s/pub/events", c.token).WithContext(ctx))
	if err != nil {
		t.Fatal(err)
	}
	first := make([]byte, len("data: first"))
	if _, err := io.ReadFull(res.Body, first); err != nil || string(first) != "data: first" {
		t.Errorf("the first event: %q, %v", first, err)
	}
	cancel()
	res.Body.Close()

	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return edge.Dial(ctx, "203.0.113.9:2") }}
	ws, _, err := dialer.Dial("ws"+strings.TrimPrefix(c.url, "https")+"/s/pub/ws", http.Header{"Authorization": {"Bearer " + c.token}})
	if err != nil {
		t.Fatal(err)
	}
	for range 10 {
		if err := ws.WriteMessage(websocket.TextMessage, []byte("there")); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.ReadMessage(); err != nil || string(got) != "there" {
			t.Fatalf("a message: %q, %v", got, err)
		}
	}
	ws.Close()

	var wg sync.WaitGroup
	for i := range 200 {
		wg.Go(func() {
			each := through{edge.Client(fmt.Sprintf("198.51.100.%d:%d", i%200, 1000+i)), c.url, c.token}
			defer each.CloseIdleConnections()
			path := fmt.Sprintf("/call/%d", i)
			if status, body := each.do(t, "GET", "/s/pub"+path, nil); status != 200 || body != path {
				t.Errorf("call %d of 200: %d %s", i, status, body)
			}
		})
	}
	wg.Wait()
}

// checkRecord looks at what is on record of the calls by the tunnel.
func checkRecord(t *testing.T, h home) {
	t.Helper()
	log, err := audit.Open(filepath.Join(h.dir, ".local", "state", "lockbox", "audit"))
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	all, err := log.List(audit.Query{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	callers := map[string]bool{}
	for _, x := range all {
		if x.Decision == audit.Noted {
			continue
		}
		if x.Listener != "tunnel" {
			t.Errorf("record %+v", x)
		}
		host, _, _ := net.SplitHostPort(x.Remote)
		callers[host] = true
	}
	if len(callers) != 201 || !callers["203.0.113.9"] || !callers["198.51.100.7"] {
		t.Errorf("%d callers on record, want 201: %v", len(callers), callers)
	}
}

// What keeps the tunnel from being opened ends lockbox serve --tunnel, and nothing
// opens it unasked.
func TestServeTunnelOnlyWhenAsked(t *testing.T) {
	t.Parallel()
	up := apis(t)
	h, edge := exposed(t, ngroktest.Rules{})
	plain := h.write(t, "c.json", fmt.Sprintf(tunnelConfig, up.URL, ""))
	for name, tt := range map[string]struct {
		home home
		want string
	}{
		"weak key":     {h.with("LOCKBOX_CONFIG_PATH="+plain, "LOCKBOX_SIGNING_KEY_FILE="+h.write(t, "weak", "weak")), "signing key of at least 32 bytes"},
		"no authtoken": {h.with("LOCKBOX_CONFIG_PATH="+plain, "NGROK="), "authtoken"},
		"bad edge":     {h.with("LOCKBOX_CONFIG_PATH="+plain, "LOCKBOX_NGROK_URL=a b"), "LOCKBOX_NGROK_URL"},
		"bad CA":       {h.with("LOCKBOX_CONFIG_PATH="+plain, "LOCKBOX_NGROK_CA="+plain), "LOCKBOX_NGROK_CA"},
	} {
		if r := tt.home.run(t, "serve", "--listen", "127.0.0.1:0", "--tunnel"); r.code != exitFailed || !strings.Contains(r.errOut, tt.want) {
			t.Errorf("%s: exit code %d\n%s\nwant %q", name, r.code, r.errOut, tt.want)
		}
	}
	wrong := h.with("LOCKBOX_CONFIG_PATH="+plain, "NGROK=2wrongAUTHTOKEN").serve(t, "--tunnel")
	wrong.await(t, `level=ERROR msg="the tunnel is closed" why="The authtoken is not valid`)
	if r := get(t, wrong.url+"/s/open/x", ""); r.status != 200 {
		t.Errorf("at home, with a wrong authtoken: %d", r.status)
	}
	if strings.Contains(wrong.talk.String(), "2wrongAUTHTOKEN") {
		t.Errorf("the authtoken is in the log:\n%s", wrong.talk)
	}
	wrong.signal(t, sigterm) // two in one home do not write one record
	wrong.wait(t, time.Minute)

	h = h.with("LOCKBOX_CONFIG_PATH=" + plain)
	s := h.serve(t, "--tunnel")
	s.await(t, `Tunnel: 1 service at`)
	s.signal(t, syscall.SIGKILL)
	s.wait(t, time.Minute)
	s = h.serve(t)
	if r := get(t, s.url+"/s/open/x", ""); r.status != 200 {
		t.Errorf("at home, after a kill: %d", r.status)
	}
	time.Sleep(time.Second)
	if n := edge.Sessions(); n != 0 {
		t.Errorf("after a kill, %d tunnels are open that nobody asked for", n)
	}
	s.signal(t, sigterm)
	s.wait(t, time.Minute)
	h.with("LOCKBOX_CONFIG_PATH="+h.write(t, "start.json", fmt.Sprintf(tunnelConfig, up.URL, `, "start": true`))).serve(t).
		await(t, `Tunnel: 1 service at`)
}

// The authtoken is in the vault; panic shuts the tunnel.
func TestServeTunnelAndPanic(t *testing.T) {
	t.Parallel()
	up := apis(t)
	h, edge := exposed(t, ngroktest.Rules{})
	h = h.with("LOCKBOX_PASSPHRASE=correct horse battery", "LOCKBOX_CONFIG_PATH="+
		h.write(t, "c.json", fmt.Sprintf(`{"services": {"pub": {"base_url": %q, "tunnel": true}}, "vault": {"type": "file", "path": "vault.age"}}`, up.URL)))
	set := h.command(t, "secret", "set", "keychain://ngrok/authtoken")
	set.Stdin = strings.NewReader(authtoken + "\n")
	if r := finish(t, set); r.code != exitDone {
		t.Fatalf("secret set: %+v", r)
	}
	s := h.serve(t, "--tunnel")
	address := s.await(t, `Tunnel: 1 service at (https://\S+)`)[1]
	c := through{edge.Client(""), address, makeToken(t, h, "pub", "x")}
	defer c.CloseIdleConnections()
	if status, _ := c.do(t, "GET", "/s/pub/x", nil); status != 200 {
		t.Errorf("a call: %d", status)
	}
	if r := h.run(t, "panic", "--yes"); r.code != exitDone {
		t.Fatalf("panic: %+v", r)
	}
	s.await(t, `msg="the tunnel is closed"`)
	if n := edge.Sessions(); n != 0 {
		t.Errorf("%d sessions after panic", n)
	}
}
