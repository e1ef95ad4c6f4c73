// Package ui is Lockbox's face on a desktop: the window, its pages and the tray.
// Pages read a backend.View and ask the backend to do things; what may take time
// runs in the loop's jobs, so that the window never waits for keychain, disk or
// network. Only run_desktop.go is linked against a display.
//
// Each text that a person reads is a key of Fyne's lang: see language.go. What the
// backend says is English, since the command line says the same.
package ui

// ID is the program's name among the desktop's, in reverse-domain form.
const ID = "io.github.lockbox"

// Name is what the desktop calls the program; also the window's title.
const Name = "Lockbox"

// Options are what main decides about the window.
type Options struct {
	// Hidden starts with the tray icon alone, where there is a tray.
	Hidden bool
	// Raise brings the window to the front at each value: another launch of the
	// program asked for it. May be nil.
	Raise <-chan struct{}
}
