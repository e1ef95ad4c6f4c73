package ui

import (
	"fmt"

	"fyne.io/fyne/v2/lang"

	"lockbox/assets"
	"lockbox/ui/backend"
)

// trayIcon is one of the tray's pictures. Each has a shape of its own: a padlock,
// with an arrow or a cross on it where the tunnel is concerned, two bars, a keyhole,
// a triangle, an octagon.
type trayIcon int

const (
	trayRunning   trayIcon = iota
	trayExposed            // the tunnel is open
	trayLost               // it should be, and is not
	trayPaused             // the person has the proxy paused
	trayLocked             // keys wait to be unlocked
	trayAttention          // the person is wanted, and calls are served meanwhile
	trayError              // no call is served
)

// picture is the icon's PNG, and what it is called.
func (i trayIcon) picture() (name string, png []byte) {
	switch i {
	case trayExposed:
		return "exposed", assets.TrayExposed
	case trayLost:
		return "lost", assets.TrayLost
	case trayPaused:
		return "paused", assets.TrayPaused
	case trayLocked:
		return "locked", assets.TrayLocked
	case trayAttention:
		return "attention", assets.TrayAttention
	case trayError:
		return "error", assets.TrayError
	}
	return "running", assets.TrayRunning
}

// trayFace is the picture, and how things are in a line. Of what is so at once it
// tells what stops the most: no call at all, then the keys, then what went wrong
// beside. A lock comes before the problem that it is the reason of, and after any
// other: that would be told of nowhere once the window is hidden.
func trayFace(v backend.View, broken int) (icon trayIcon, line string) {
	_, word := phase(v)
	lock := lockedLine(v)
	switch {
	case v.Phase == backend.Stopped:
		return trayError, or(v.Problem.Title, word)
	case lock != "" && (v.Problem.IsZero() || v.Problem.Action == "unlock"):
		return trayLocked, lock
	case v.Unloaded:
		return trayError, or(v.Problem.Title, lang.L("No config is loaded"))
	case !v.Problem.IsZero():
		return trayAttention, v.Problem.Title
	case v.Phase == backend.Paused:
		return trayPaused, word
	case v.Questions > 0 && v.Phase == backend.Running:
		return trayAttention, waitingWords(v.Questions)
	case v.Tunnel.Phase == backend.TunnelLost:
		return trayLost, fmt.Sprintf(lang.L("The tunnel is lost: %s"), v.Tunnel.Trouble.Title)
	case v.Tunnel.Phase == backend.TunnelOpen:
		return trayExposed, fmt.Sprintf(lang.L("The tunnel is open, %s"), count(len(v.Services), "service"))
	case broken > 0:
		return trayAttention, fmt.Sprintf(lang.L("%s cannot be served"), count(broken, "service"))
	case v.Phase == backend.Starting:
		return trayRunning, word
	}
	return trayRunning, fmt.Sprintf("%s, %s", word, count(len(v.Services), "service"))
}

// lockedLine says what is locked; "" is nothing that matters: a keychain does only
// when something could not be read from it. A vault file that is not there yet wants
// a passphrase chosen, which is another thing.
func lockedLine(v backend.View) string {
	switch {
	case v.Vault.New:
		return ""
	case v.Locked:
		return lang.L("Locked")
	case locked(v):
		return lang.L("The vault file is locked")
	case v.Problem.Action == "unlock" && v.Keychain.State == "locked":
		return lang.L("The keychain is locked")
	}
	return ""
}
