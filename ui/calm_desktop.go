//go:build !headless

package ui

import (
	"runtime"

	"fyne.io/fyne/v2"
)

// calm is an app whose widgets do not move by themselves. Fyne fades the cursor of the
// field that has the keyboard in and out, and paints the whole window for each step:
// where OpenGL is software, an open window at rest takes a tenth of a core by that.
type calm struct{ fyne.App }

// calmSettings are the person's, but for that.
type calmSettings struct{ fyne.Settings }

// Settings implements fyne.App.
func (c calm) Settings() fyne.Settings { return calmSettings{c.App.Settings()} }

// ShowAnimations implements fyne.Settings.
func (calmSettings) ShowAnimations() bool { return false }

// useCalm has widgets find the calm app. On macOS Fyne takes the app's settings for its
// own type when the system's look changes, and drawing costs little there.
func useCalm(a fyne.App) {
	if runtime.GOOS == "linux" {
		fyne.SetCurrentApp(calm{a})
	}
}
