//go:build desktop

package desktest_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/ui/desktest"
)

// TestDamagedTokens: over a list of tokens that cannot be read the window comes up
// and says so, no token passes, and the list is set aside when the person says so.
func TestDamagedTokens(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	addr := freeAddr(t)
	writeConfig(t, desk, `{"services": {"acme": {"base_url": "lockbox://demo"}, "echo": {"base_url": "lockbox://demo", "requires_service_token": false}}, "listen": "`+addr+`"}`)
	a := launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))
	// From the tray its notification would cover what is to be clicked.
	out, err := desk.Command(mustBinary(t), "token", "--service-name", "acme", "--audience", "zapier").Output()
	if err != nil {
		t.Fatal(err)
	}
	token := strings.TrimSpace(string(out))
	eventually(t, "the token to pass", a.answers("/s/acme/x", token, "200"))
	a.end()

	state := filepath.Join(desk.Home, ".local", "state", "lockbox")
	list := filepath.Join(state, "tokens.jsonl")
	text, err := os.ReadFile(list)
	if err != nil {
		t.Fatal(err)
	}
	damaged := append([]byte("garbage\n"), text...)
	if err := os.WriteFile(list, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	a = launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "what needs no token to be served", a.answers("/s/echo/x", "", "200"))
	a.reads("tokens-damaged", "The list of tokens cannot be read", "Line 1", "Set it aside")
	if status, body := a.curl("/s/acme/x", token); status != "503" || !strings.Contains(body, "tokens_unreadable") {
		t.Errorf("a call with a token: %s %s", status, body)
	}
	a.key("F5")
	a.desk.ClickAt(a.win, 995, 70) // Set it aside…
	a.reads("tokens-damaged-ask", "Set the list of tokens aside?", "damaged file")
	if found := copies(t, state); len(found) != 0 {
		t.Errorf("set aside before the answer: %v", found)
	}
	a.key("Tab", "Return")
	a.reads("tokens-set-aside", "Every token is revoked")
	eventually(t, "the old token to be refused as revoked", a.answers("/s/acme/x", token, "401"))
	found := copies(t, state)
	if len(found) != 1 {
		t.Fatalf("the copies are %v", found)
	}
	if kept, err := os.ReadFile(found[0]); err != nil || string(kept) != string(damaged) {
		t.Errorf("the copy differs: %v", err)
	}
	eventually(t, "a new token to pass", func() bool {
		a.tray.Click("Copy token/acme/zapier")
		fresh := desk.Clipboard()
		status, _, err := a.tryCurl("/s/acme/x", fresh)
		return fresh != token && err == nil && status == "200"
	})
	a.end()
}

func copies(t *testing.T, state string) []string {
	t.Helper()
	found, err := filepath.Glob(filepath.Join(state, "*.damaged"))
	if err != nil {
		t.Fatal(err)
	}
	return found
}
