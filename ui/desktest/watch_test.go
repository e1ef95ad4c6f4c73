//go:build desktop

package desktest_test

import (
	"os"
	"strings"
	"testing"

	"lockbox/ui/desktest"
)

// TestConfigFileChanges: what an editor does to the config while the window is open
// is in use at once, and a mistake in it is a notice that goes when it is mended.
func TestConfigFileChanges(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	addr := freeAddr(t)
	good := strings.ReplaceAll(echoConfig, "ADDR", addr)
	path := writeConfig(t, desk, good)
	a := launch(t, desk)
	a.addr = addr
	a.open()
	eventually(t, "the echo to answer", a.answers("/s/echo/x", "", "200"))
	write := func(text string) {
		if err := os.WriteFile(path+".new", []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Rename(path+".new", path); err != nil {
			t.Fatal(err)
		}
	}
	write(strings.Replace(good, "lockbox://demo", "ftp://demo", 1))
	a.reads("broken-while-open", "not loaded", "base_url")
	if status, _ := a.curl("/s/echo/x", ""); status != "200" {
		t.Errorf("the old config answers %s", status)
	}
	write(strings.Replace(good, `"echo":`, `"second": {"base_url": "lockbox://demo", "requires_service_token": false}, "echo":`, 1))
	eventually(t, "the second service to answer", a.answers("/s/second/x", "", "200"))
	a.reads("mended-while-open", "second")
	a.end()
}
