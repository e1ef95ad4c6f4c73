package ui

import (
	"bytes"
	"image/png"
	"testing"

	"lockbox/ui/backend"
)

// TestTrayFace: of what is so at once the tray tells what stops the most, in its
// picture and in words.
func TestTrayFace(t *testing.T) {
	var (
		port     = backend.Notice{Title: "Lockbox cannot listen", Action: "retry"}
		config   = backend.Notice{Title: "The config was not loaded", Action: "retry"}
		unrecord = backend.Notice{Title: "Calls cannot be recorded"}
		sealed   = backend.Notice{Title: "Service tokens cannot be checked", Action: "unlock"}
		shut     = backend.KeychainInfo{State: "locked", CanUnlock: true}
		file     = backend.VaultInfo{Name: "vault.age", File: true}
		newFile  = backend.VaultInfo{Name: "vault.age", File: true, New: true}
		broken   = []backend.ServiceInfo{{Name: "a", Problem: "x"}, {Name: "b"}}
		open     = backend.TunnelState{Phase: backend.TunnelOpen}
		lost     = backend.TunnelState{Phase: backend.TunnelLost, Trouble: backend.TunnelTrouble{Title: "no network"}}
	)
	tests := []struct {
		name string
		view backend.View
		icon trayIcon
		line string
	}{
		{"all is well", backend.View{Phase: backend.Running}, trayRunning, "Running, 0 services"},
		{"the port is taken", backend.View{Phase: backend.Stopped, Problem: port}, trayError, "Lockbox cannot listen"},
		{"stopped, whatever else", backend.View{Phase: backend.Stopped, Locked: true, Questions: 1, Tunnel: open}, trayError, "Not listening"},
		{"no config", backend.View{Phase: backend.Running, Unloaded: true, Problem: config}, trayError, "The config was not loaded"},
		{"no config, paused", backend.View{Phase: backend.Paused, Unloaded: true}, trayError, "No config is loaded"},
		{"no config but the old one", backend.View{Phase: backend.Running, Problem: config}, trayAttention, "The config was not loaded"},
		{"no config for the lock", backend.View{Phase: backend.Running, Unloaded: true, Vault: file, Keychain: shut, Problem: sealed}, trayLocked, "The vault file is locked"},
		{"locked", backend.View{Phase: backend.Running, Locked: true, Services: broken}, trayLocked, "Locked"},
		{"locked and exposed", backend.View{Phase: backend.Running, Locked: true, Tunnel: open}, trayLocked, "Locked"},
		{"locked and paused", backend.View{Phase: backend.Paused, Locked: true}, trayLocked, "Locked"},
		{"locked, and no record", backend.View{Phase: backend.Running, Locked: true, Problem: unrecord}, trayAttention, "Calls cannot be recorded"},
		{"the vault file", backend.View{Phase: backend.Starting, Vault: file, Keychain: shut}, trayLocked, "The vault file is locked"},
		{"no vault file yet", backend.View{Phase: backend.Running, Vault: newFile, Keychain: backend.KeychainInfo{State: "missing", CanUnlock: true}, Problem: sealed}, trayAttention, "Service tokens cannot be checked"},
		{"the keychain", backend.View{Phase: backend.Running, Keychain: shut, Problem: sealed}, trayLocked, "The keychain is locked"},
		{"a keychain that nothing needs", backend.View{Phase: backend.Running, Keychain: shut}, trayRunning, "Running, 0 services"},
		{"a keychain without an answer", backend.View{Phase: backend.Running, Keychain: backend.KeychainInfo{State: "unanswering", CanUnlock: true}, Problem: sealed}, trayAttention, "Service tokens cannot be checked"},
		{"paused", backend.View{Phase: backend.Paused, Tunnel: open, Services: broken, Questions: 2}, trayPaused, "Paused"},
		{"paused, and no record", backend.View{Phase: backend.Paused, Problem: unrecord}, trayAttention, "Calls cannot be recorded"},
		{"a question, exposed", backend.View{Phase: backend.Running, Questions: 2, Tunnel: open}, trayAttention, "2 calls wait for your answer"},
		{"lost", backend.View{Phase: backend.Running, Tunnel: lost, Services: broken}, trayLost, "The tunnel is lost: no network"},
		{"exposed", backend.View{Phase: backend.Running, Tunnel: open, Services: broken}, trayExposed, "The tunnel is open, 2 services"},
		{"a service without its key", backend.View{Phase: backend.Running, Services: broken}, trayAttention, "1 service cannot be served"},
	}
	for _, tt := range tests {
		got := trayOf(tt.view)
		if got.Icon != tt.icon || got.Line != tt.line || got.Tooltip != "Lockbox: "+tt.line {
			t.Errorf("%s: picture %d, %q, the tooltip %q; want %d, %q", tt.name, got.Icon, got.Line, got.Tooltip, tt.icon, tt.line)
		}
	}
}

// TestTrayPictures: each icon is a picture of its own, of the size that panels get.
func TestTrayPictures(t *testing.T) {
	var seen []string
	var pictures [][]byte
	for i := trayRunning; i <= trayError; i++ {
		name, picture := i.picture()
		c, err := png.DecodeConfig(bytes.NewReader(picture))
		if err != nil || c.Width != 64 || c.Height != 64 {
			t.Errorf("%s: %dx%d, %v", name, c.Width, c.Height, err)
		}
		for j, p := range pictures {
			if seen[j] == name || bytes.Equal(p, picture) {
				t.Errorf("%s is the same as %s", name, seen[j])
			}
		}
		seen, pictures = append(seen, name), append(pictures, picture)
	}
}
