//go:build desktop

package desktest_test

import (
	"bytes"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"lockbox/tunnel/ngroktest"
	"lockbox/ui/desktest"
)

const authtoken = "2abcDEFghiJKLmnoPQRstuVWXyz_0123456789abcdefghijk"

// TestTunnelSwitch: the authtoken is typed in the window, the switch is the tray's,
// and nothing but the switch exposes anything.
func TestTunnelSwitch(t *testing.T) {
	edge, err := ngroktest.New(ngroktest.Rules{Authtoken: authtoken, Domains: []string{"mine.ngrok.test"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = edge.Close() })
	desk := desktest.Start(t, desktest.Options{})
	ca := filepath.Join(desk.Home, "edge.pem")
	if err := os.WriteFile(ca, edge.PEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	addr := freeAddr(t)
	writeConfig(t, desk, `{"services": {"pub": {"base_url": "lockbox://demo", "tunnel": true}}, "listen": "`+addr+`"}`)
	start := func() *app {
		a := launch(t, desk, "LOCKBOX_NGROK_URL="+edge.Addr(), "LOCKBOX_NGROK_CA="+ca)
		a.addr = addr
		a.open()
		eventually(t, "the proxy to answer", a.answers("/healthz", "", "200"))
		return a
	}
	a := start()
	token := a.copyToken("pub")
	call := func() int {
		c := edge.Client("203.0.113.9:4711")
		defer c.CloseIdleConnections()
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "https://mine.ngrok.test/s/pub/x", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, err := c.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		return res.StatusCode
	}

	a.key("ctrl+6")
	a.reads("tunnel-closed", "Closed", "Authtoken")
	a.fill(authtoken)
	a.key("Return")
	eventually(t, "the authtoken in the keychain", func() bool { return desk.Secret("lockbox", "ngrok/authtoken") == authtoken })
	if status := call(); status != http.StatusNotFound {
		t.Errorf("a call before the switch: %d", status)
	}

	local := a.tray.Icon()
	a.tray.Click("Open the tunnel")
	a.tray.Get("Close the tunnel")
	a.reads("tunnel-open", "callers on the internet", "account Ann")
	eventually(t, "another icon", func() bool { return !bytes.Equal(a.tray.Icon().Pix, local.Pix) })
	if status := call(); status != http.StatusOK {
		t.Errorf("a call: %d", status)
	}
	a.tray.Click("Close the tunnel")
	began := time.Now()
	eventually(t, "the next call to be refused", func() bool { return call() == http.StatusNotFound })
	t.Logf("refused %v after the click", time.Since(began))
	a.tray.Get("Open the tunnel")
	eventually(t, "the icon of before", func() bool { return bytes.Equal(a.tray.Icon().Pix, local.Pix) })

	a.tray.Click("Open the tunnel")
	eventually(t, "a call", func() bool { return call() == http.StatusOK })
	if err := a.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	<-a.done
	a = start()
	time.Sleep(time.Second) // it would have been opened by now
	if n := edge.Sessions(); n != 0 {
		t.Errorf("after a kill, %d tunnels are open that nobody asked for", n)
	}

	a.tray.Click("Open the tunnel")
	eventually(t, "a call", func() bool { return call() == http.StatusOK })
	a.tray.Click("Quit")
	a.ended()
	if n := edge.Sessions(); n != 0 || call() != http.StatusNotFound {
		t.Errorf("%d sessions after the end", n)
	}
	if found := filesWith(t, desk.Home, authtoken); len(found) > 0 || strings.Contains(a.log.String(), authtoken) {
		t.Errorf("the authtoken is in files: %v, or in the log", found)
	}
}
