package ui

import (
	"fmt"

	"fyne.io/fyne/v2/lang"

	"lockbox/assets"
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

// trayIcon is one of the tray's pictures.
type trayIcon int

const (
	trayRunning trayIcon = iota
	trayPaused
	trayAttention
	trayExposed
	trayLost
)

func (i trayIcon) picture() []byte {
	switch i {
	case trayPaused:
		return assets.TrayPaused
	case trayAttention:
		return assets.TrayAttention
	case trayExposed:
		return assets.TrayExposed
	case trayLost:
		return assets.TrayLost
	}
	return assets.TrayRunning
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

// trayFace is the picture, and how things are in a line.
func trayFace(v backend.View, broken int) (icon trayIcon, line string) {
	_, word := phase(v)
	switch {
	case !v.Problem.IsZero():
		return trayAttention, v.Problem.Title
	case v.Questions > 0 && v.Phase == backend.Running && !v.Locked:
		return trayAttention, waitingWords(v.Questions)
	case v.Phase == backend.Paused, v.Locked && v.Phase != backend.Stopped:
		return trayPaused, word
	case v.Phase == backend.Stopped:
		return trayAttention, word
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
