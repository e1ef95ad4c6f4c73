package desktest

import (
	"regexp"
	"strconv"
	"strings"
)

// Window waits for a visible window whose title contains title and returns its X11
// id; the test fails when none comes in time.
func (d *Desk) Window(title string) string {
	d.t.Helper()
	var id string
	if !poll(patience, func() bool { id = d.find("--name", regexp.QuoteMeta(title)); return id != "" }) {
		d.t.Fatalf("no window %q within %v; there are:\n%s", title, patience, d.Windows())
	}
	return id
}

// WindowGone waits until no visible window's title contains title.
func (d *Desk) WindowGone(title string) {
	d.t.Helper()
	d.eventually("the window "+strconv.Quote(title)+" is gone", func() bool { return d.find("--name", regexp.QuoteMeta(title)) == "" })
}

// HasWindow reports whether a visible window's title contains title.
func (d *Desk) HasWindow(title string) bool { return d.find("--name", regexp.QuoteMeta(title)) != "" }

// Windows lists the windows that the window manager knows, one a line.
func (d *Desk) Windows() string {
	out, _ := d.output("wmctrl", "-l")
	return out
}

// find is xdotool search: "" when there is none.
func (d *Desk) find(by, pattern string) string {
	out, err := d.output("xdotool", "search", "--onlyvisible", by, pattern)
	if err != nil {
		return ""
	}
	id, _, _ := strings.Cut(strings.TrimSpace(out), "\n")
	return id
}

// Focus raises a window and gives it the keyboard.
func (d *Desk) Focus(window string) { d.t.Helper(); d.xdo("windowactivate", "--sync", window) }

// Key presses keys as xdotool names them, such as "ctrl+v" or "Return", in the
// window that has the keyboard.
func (d *Desk) Key(keys ...string) {
	d.t.Helper()
	d.xdo(append([]string{"key", "--clearmodifiers", "--delay", "30"}, keys...)...)
}

// Type types text in the window that has the keyboard.
func (d *Desk) Type(text string) {
	d.t.Helper()
	d.xdo("type", "--clearmodifiers", "--delay", "15", "--", text)
}

// ClickAt clicks the first mouse button at x, y, in pixels from the window's upper
// left corner.
func (d *Desk) ClickAt(window string, x, y int) {
	d.t.Helper()
	d.xdo("mousemove", "--window", window, strconv.Itoa(x), strconv.Itoa(y), "click", "1")
}

// Resize makes a window so large, in pixels.
func (d *Desk) Resize(window string, width, height int) {
	d.t.Helper()
	d.xdo("windowsize", "--sync", window, strconv.Itoa(width), strconv.Itoa(height))
}

// Size is how large a window is, in pixels.
func (d *Desk) Size(window string) (width, height int) {
	d.t.Helper()
	out, err := d.output("xdotool", "getwindowgeometry", "--shell", window)
	if err != nil {
		d.t.Fatal(err)
	}
	for line := range strings.Lines(out) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		n, _ := strconv.Atoi(value)
		switch name {
		case "WIDTH":
			width = n
		case "HEIGHT":
			height = n
		}
	}
	return width, height
}

// CloseWindow does what the window's close button does.
func (d *Desk) CloseWindow(window string) {
	d.t.Helper()
	if _, err := d.output("wmctrl", "-i", "-c", window); err != nil {
		d.t.Fatal(err)
	}
}

// Clipboard is the clipboard's text, "" when there is none.
func (d *Desk) Clipboard() string {
	out, err := d.output("xclip", "-o", "-selection", "clipboard")
	if err != nil {
		return ""
	}
	return out
}

func (d *Desk) xdo(args ...string) {
	d.t.Helper()
	if _, err := d.output("xdotool", args...); err != nil {
		d.t.Fatal(err)
	}
}
