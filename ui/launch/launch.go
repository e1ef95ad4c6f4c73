// Package launch is what comes before the window: whether there can be one, and
// whether there is one already. In a headless build it knows nothing of windows,
// and the program has none of their code in it.
package launch

import (
	"os"
	"runtime"
)

// HasDisplay reports whether a window can be shown. Without a display Fyne
// panics, so ask before Window.
func HasDisplay() bool {
	if runtime.GOOS != "linux" {
		return true
	}
	return os.Getenv("DISPLAY") != "" || os.Getenv("WAYLAND_DISPLAY") != ""
}
