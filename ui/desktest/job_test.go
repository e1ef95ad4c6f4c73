//go:build desktop

package desktest_test

import (
	"fmt"
	"strings"
	"syscall"
	"testing"

	"lockbox/ui/desktest"
)

// The key that must be in the keychain, on the wire to its upstream, and nowhere else.
const acmeKey = "sk-acme-3f9c27d1e8"

// TestKeyInCallOut is the main job, as a person does it: a key goes into the
// window, a call comes out with it.
func TestKeyInCallOut(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	one, two := newRecorder(t, "one"), newRecorder(t, "two")
	a := launch(t, desk)
	a.addr = "127.0.0.1:8000" // an empty home: the starter config's address
	a.open()
	eventually(t, "the demo to answer", a.answers("/s/demo/hello", "", "200"))
	a.key("Escape") // no guide is needed
	a.reads("services-first-start", "Welcome", "curl http://127.0.0.1:8000/s/demo/hello", "github_public")

	// Add the service by typing.
	a.newService()
	a.fill("acme", "Tab", one.URL, "Tab", "Tab", acmeKey)
	desk.Screenshot("form")
	a.key("ctrl+s")
	eventually(t, "the service to be served", a.answers("/s/acme/x", "", "401"))
	desk.Screenshot("services-saved")

	if got := desk.Secret("lockbox", "acme/token"); got != acmeKey {
		t.Errorf("the Secret Service does not hold the key (%d bytes)", len(got))
	}
	if found := filesWith(t, desk.Home, acmeKey); len(found) > 0 {
		t.Errorf("the key is in files: %v", found)
	}

	// Its token, from the tray.
	token := a.copyToken("acme")
	status, body := a.curl("/s/acme/orders?x=1", token)
	if status != "200" || body != "answer of one" {
		t.Errorf("with the token: %s %q, want 200 and the upstream's answer", status, body)
	}
	calls := one.calls()
	if len(calls) != 1 || calls[0].Get("Authorization") != "Bearer "+acmeKey {
		t.Fatalf("the upstream saw %d calls, the key in the last: %v", len(calls), len(calls) > 0 && calls[0].Get("Authorization") == "Bearer "+acmeKey)
	}
	if strings.Contains(fmt.Sprint(calls[0]), token) {
		t.Error("the upstream saw the service token")
	}
	if status, _ := a.curl("/s/acme/orders", ""); status != "401" {
		t.Errorf("without the token: %s, want 401", status)
	}

	// Both calls are on the audit page.
	a.key("ctrl+4")
	a.reads("audit", "/orders", "200", "401", "acme")
	a.key("ctrl+7")
	a.reads("settings", "127.0.0.1:8000")

	// A token from its page: made, copied, used, revoked.
	a.key("ctrl+t")
	a.reads("token-form", "New token")
	a.fill("endtoend")
	a.key("Return")
	a.reads("token-made", "shown only now")
	a.key("Return")
	var second string
	eventually(t, "the second token on the clipboard", func() bool {
		second = desk.Clipboard()
		return second != token && strings.Count(second, ".") == 2
	})
	if status, _ := a.curl("/s/acme/second", second); status != "200" {
		t.Errorf("with the second token: %s, want 200", status)
	}
	a.reads("token-handshake", "Received from curl, 200")
	a.key("Escape")
	a.desk.ClickAt(a.win, 420, 100) // its row is the first
	a.reads("token-detail", "endtoend", "Opens service")
	a.key("Delete")
	a.reads("token-revoke", "Revoke this token")
	a.key("Return")
	eventually(t, "the second token to be refused", a.answers("/s/acme/second", second, "401"))
	if status, _ := a.curl("/s/acme/orders", token); status != "200" {
		t.Errorf("the first token after the second was revoked: %s, want 200", status)
	}

	// Edit the base URL; the next call goes there, in the same process.
	a.key("ctrl+2")
	a.key("ctrl+e") // it is still selected
	a.key("Tab")
	a.key("ctrl+a")
	a.fill(two.URL)
	a.key("ctrl+s")
	eventually(t, "the call to go to the new upstream", func() bool {
		_, body := a.curl("/s/acme/orders", token)
		return body == "answer of two"
	})
	if got := two.calls()[0].Get("Authorization"); got != "Bearer "+acmeKey {
		t.Error("the new upstream did not get the key")
	}

	// Quit from the tray, start again: all is there, the token still opens.
	a.tray.Click("Quit")
	a.ended()
	a = launch(t, desk)
	a.addr = "127.0.0.1:8000"
	a.open()
	eventually(t, "the service after the restart", a.answers("/s/acme/again", token, "200"))
	a.key("ctrl+2")
	a.reads("services-restarted", "acme", "github_public")
	a.key("ctrl+4")
	a.reads("audit-restarted", "/again", "/orders", "401")

	if found := filesWith(t, desk.Home, acmeKey); len(found) > 0 {
		t.Errorf("the key is in files: %v", found)
	}
	if found := filesWith(t, desk.Home, token); len(found) > 0 {
		t.Errorf("the service token is in files: %v", found)
	}
	if strings.Contains(a.log.String(), acmeKey) || strings.Contains(a.log.String(), token) {
		t.Error("a secret is in the log")
	}
	if err := a.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	a.ended()
}
