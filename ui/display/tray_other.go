//go:build !linux

package display

import "context"

// Tray reports whether something shows tray icons now: macOS and Windows always show tray icons.
func Tray(context.Context) bool { return true }
