package ui

import (
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// trayServices is how many services the tray's menu lists; the window has all.
const trayServices = 30

// trayState is all that the tray shows. What is equal needs no touch.
type trayState struct {
	Icon     trayIcon
	Tooltip  string
	Line     string // the first line of the menu, which says how things are
	BaseURL  string
	Paused   bool
	CanPause bool
	Tunnel   bool     // so that the menu offers to close it
	Locked   bool     // so that the menu offers to unlock
	Waiting  int      // questions without an answer
	Services []string // no more than trayServices
	More     bool     // there are others
}

// trayOf is what the tray shows of a View.
func trayOf(v backend.View) trayState {
	t := trayState{BaseURL: v.BaseURL, Tunnel: v.Tunnel.Phase != "" && v.Tunnel.Phase != backend.TunnelClosed, Paused: v.Phase == backend.Paused, CanPause: v.Phase == backend.Running || v.Phase == backend.Paused, Locked: locked(v), Waiting: v.Questions}
	broken := 0
	for i, s := range v.Services {
		if i < trayServices {
			t.Services = append(t.Services, s.Name)
		}
		if s.Problem != "" {
			broken++
		}
	}
	t.More = len(v.Services) > trayServices
	t.Icon, t.Line = trayFace(v, broken)
	t.Tooltip = Name + ": " + t.Line
	return t
}

// The menu's items.
type trayAction int

const (
	trayLine trayAction = iota
	trayAnswer
	trayOpen
	trayTokens
	trayBaseURL
	trayPause
	trayTunnel
	trayLock
	trayPanic
	trayAudit
	traySettings
	trayQuit
	traySeparator
)

// trayMenu is the tray's menu from top to bottom.
var trayMenu = []struct {
	action trayAction
	label  string
}{
	{trayLine, "Starting…"},
	{trayAnswer, "Answer…"},
	{traySeparator, ""},
	{trayOpen, "Open Lockbox"},
	{trayTokens, "Copy token"},
	{trayBaseURL, "Copy base URL"},
	{trayPause, "Pause proxy"},
	{trayTunnel, "Open the tunnel"},
	{trayLock, "Lock"},
	{trayPanic, "Panic…"},
	{traySeparator, ""},
	{trayAudit, "Audit log…"},
	{traySettings, "Settings…"},
	{traySeparator, ""},
	{trayQuit, "Quit"},
}

// tunnelLabel is what the menu offers.
func tunnelLabel(open bool) string {
	if open {
		return lang.L("Close the tunnel")
	}
	return lang.L("Open the tunnel")
}

// trayDo is what a click on an item does. It runs on the window's thread.
func (w *window) trayDo(a trayAction) {
	switch a {
	case trayAnswer:
		w.asker.wake()
	case trayOpen:
		w.raise()
	case trayBaseURL:
		w.copyText(w.backend.View().BaseURL, lang.L("The base URL"))
	case trayPause:
		if v := w.backend.View(); v.Phase == backend.Running || v.Phase == backend.Paused {
			w.togglePause()
		}
	case trayTunnel:
		w.toggleTunnel(backend.ByTray)
	case trayLock:
		w.toggleLock()
	case trayPanic:
		w.open(pageTokens)
		w.raise()
		w.tokens.askPanic()
	case trayAudit:
		w.open(pageAudit)
		w.raise()
	case traySettings:
		w.open(pageSettings)
		w.raise()
	}
}
