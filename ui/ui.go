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
