//go:build desktop

package backend

import (
	"strings"
	"testing"

	"lockbox/ui/desktest"
)

// TestKilledChangesOfTheKeychain is TestKilledChanges with a desktop's own keychain.
func TestKilledChangesOfTheKeychain(t *testing.T) {
	desk := desktest.Start(t, desktest.Options{NoX: true})
	for _, pair := range desk.Env {
		if name, value, _ := strings.Cut(pair, "="); name == "DBUS_SESSION_BUS_ADDRESS" || name == "XDG_RUNTIME_DIR" {
			t.Setenv(name, value)
		}
	}
	killChanges(t, "keychain")
}
