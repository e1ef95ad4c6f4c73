//go:build desktop

package backend

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

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

// TestCostOfSave: a save with a new key over an old one takes its five writes and
// a reload, and no more than a person notices.
func TestCostOfSave(t *testing.T) {
	_, b := startOn(t, desktest.Options{NoX: true})
	if err := b.Save(t.Context(), "", acme("sk-first")); err != nil {
		t.Fatal(err)
	}
	var took []time.Duration
	for i := range 21 {
		f := acme(fmt.Sprint("sk-", i))
		f.ReadTimeout = fmt.Sprint(i + 1) // the config changes too
		began := time.Now()
		if err := b.Save(t.Context(), "acme", f); err != nil {
			t.Fatal(err)
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	t.Logf("a save: median %v, worst %v", took[10], took[20])
	if took[10] > 100*time.Millisecond {
		t.Errorf("a save takes %v", took[10])
	}
}
