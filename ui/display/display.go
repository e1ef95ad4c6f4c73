// Package display says what there is here to show things on: a display, and a
// panel that shows tray icons.
package display

import (
	"os"
	"runtime"
)

// Available reports whether a window can be shown. Without a display Fyne panics,
// so ask before there is to be one.
func Available() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}
