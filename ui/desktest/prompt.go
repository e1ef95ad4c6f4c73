package desktest

import (
	"strings"
	"time"
)

// promptClass is the window class of gcr's prompter, which gnome-keyring asks by.
const promptClass = "gcr-prompter"

// Prompted reports whether the keyring asks the person something now.
func (d *Desk) Prompted() bool { return d.find("--class", promptClass) != "" }

// WaitPrompt waits until the keyring asks something and its prompt has the
// keyboard.
func (d *Desk) WaitPrompt() {
	d.t.Helper()
	d.eventually("a prompt of the keyring", func() bool {
		prompt := d.find("--class", promptClass)
		focus, err := d.output("xdotool", "getwindowfocus")
		return err == nil && prompt != "" && strings.TrimSpace(focus) == prompt
	})
	// It has the keyboard a moment before it takes keys.
	time.Sleep(300 * time.Millisecond)
}

// AnswerPrompt waits for the keyring's prompt to unlock and types the password,
// again while the prompt stays: one that has just refused a password takes no keys
// for a moment.
func (d *Desk) AnswerPrompt(password string) {
	d.t.Helper()
	for end := time.Now().Add(patience); ; {
		d.WaitPrompt()
		d.Key("ctrl+a")
		d.Type(password)
		d.Key("Return")
		if poll(3*time.Second, func() bool { return !d.Prompted() }) {
			return
		}
		if time.Now().After(end) {
			d.t.Fatalf("the prompt does not take the password within %v", patience)
		}
	}
}

// ChoosePassword waits for the prompt that makes a keyring and types the password
// into both of its fields.
func (d *Desk) ChoosePassword(password string) {
	d.t.Helper()
	d.WaitPrompt()
	d.Type(password)
	d.Key("Tab")
	d.Type(password)
	d.Key("Return")
	d.eventually("the prompt is gone", func() bool { return !d.Prompted() })
}

// CancelPrompt waits for the keyring's prompt and takes Escape to it.
func (d *Desk) CancelPrompt() {
	d.t.Helper()
	d.WaitPrompt()
	d.Key("Escape")
	d.eventually("the prompt is gone", func() bool { return !d.Prompted() })
}
