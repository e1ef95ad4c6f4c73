package desktest

import "time"

// promptClass is the window class of gcr's prompter, which gnome-keyring asks by.
const promptClass = "gcr-prompter"

// Prompted reports whether the keyring asks the person something now.
func (d *Desk) Prompted() bool { return d.find("--class", promptClass) != "" }

// WaitPrompt waits until the keyring asks something, and is ready for the keyboard.
func (d *Desk) WaitPrompt(wait time.Duration) {
	d.t.Helper()
	d.eventually("a prompt of the keyring", wait, d.Prompted)
	// It is on the screen a moment before it grabs the keyboard.
	time.Sleep(700 * time.Millisecond)
}

// AnswerPrompt waits for the keyring's prompt to unlock and types a password.
func (d *Desk) AnswerPrompt(password string, wait time.Duration) {
	d.t.Helper()
	d.WaitPrompt(wait)
	d.Type(password)
	d.Key("Return")
}

// ChoosePassword waits for the prompt that makes a keyring and types the password
// into both of its fields.
func (d *Desk) ChoosePassword(password string, wait time.Duration) {
	d.t.Helper()
	d.WaitPrompt(wait)
	d.Type(password)
	d.Key("Tab")
	d.Type(password)
	d.Key("Return")
}

// CancelPrompt waits for the keyring's prompt and takes Escape to it.
func (d *Desk) CancelPrompt(wait time.Duration) {
	d.t.Helper()
	d.WaitPrompt(wait)
	d.Key("Escape")
	d.eventually("the prompt is gone", wait, func() bool { return !d.Prompted() })
}
