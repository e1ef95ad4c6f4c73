//go:build desktop

package desktest_test

import (
	"testing"

	"lockbox/ui/desktest"
)

// TestOverview: with a service of one's own the window begins with the Overview,
// which follows the calls, goes on when it was hidden, and leads on by the keys.
func TestOverview(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{})
	up := newRecorder(t, "one")
	addr := freeAddr(t)
	writeConfig(t, desk, `{"services": {"shop": {"base_url": "`+up.URL+`", "requires_service_token": false},
		"broken": {"base_url": "`+up.URL+`", "credential": {"type": "bearer", "token": "env://NOT_SET"}}}, "listen": "`+addr+`"}`)
	a := launch(t, desk)
	a.addr = addr
	a.open()
	a.reads("overview-empty", "Overview", "No calls yet", "broken cannot be served")
	for range 3 {
		a.curl("/s/shop/orders", "")
	}
	a.reads("overview", "Calls per minute", "3 calls", "calls today")

	desk.CloseWindow(a.win)
	desk.WindowGone("Lockbox")
	for range 4 {
		a.curl("/s/shop/orders", "")
	}
	a.tray.Click("Open Lockbox")
	a.win = desk.Window("Lockbox")
	a.reads("overview-again", "7 calls")

	a.key("Down", "Return") // the first of what needs attention
	a.reads("overview-broken", "Services", "NOT_SET")
	a.end()
}
