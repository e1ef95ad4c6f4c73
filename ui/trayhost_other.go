//go:build !linux

package ui

import "context"

// trayHost: macOS and Windows always show tray icons.
func trayHost(context.Context) bool { return true }
