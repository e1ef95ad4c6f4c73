package ui

import (
	"context"
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// unlocker is the part of the banner that opens Lockbox, or its vault file. A
// file's passphrase is typed right there, and Enter unlocks; the password of a
// keychain is the desktop's to ask for.
type unlocker struct {
	*face
	root         *fyne.Container
	notice       *strip
	fields       *fyne.Container
	first, again *entry
	twice        fyne.CanvasObject // again with its frame
	submitted    *button
	trouble      *line
	view         backend.View
	working      bool
}

func newUnlocker(f *face) *unlocker {
	u := &unlocker{face: f, notice: newStrip(f.keys), trouble: newLine("", theme.SizeNameCaptionText, theme.ColorNameError).flexible()}
	u.first, u.again = u.passphrase(lang.L("Passphrase")), u.passphrase(lang.L("The same again"))
	u.submitted = newButton(f.keys, lang.L("Unlock"), theme.LoginIcon(), u.submit).primary()
	u.twice = frame(u.again)
	entries := column(gapSmall, frame(u.first), u.twice)
	u.fields = column(gapTight, container.NewBorder(nil, nil, nil, container.NewVBox(u.submitted), entries), u.trouble)
	u.root = column(gapSmall, u.notice.root, u.fields)
	u.trouble.Hide()
	u.root.Hide()
	return u
}

func (u *unlocker) passphrase(hint string) *entry {
	e := newEntry(u.keys)
	e.Password = true
	e.SetPlaceHolder(hint)
	e.OnSubmitted = func(string) { u.submit() }
	return e
}

// locked reports whether something waits to be unlocked here.
func locked(v backend.View) bool {
	return v.Locked || v.Vault.File && v.Keychain.CanUnlock
}

// lockLabel is what locks or unlocks is called.
func lockLabel(locked bool) string {
	if locked {
		return lang.L("Unlock")
	}
	return lang.L("Lock")
}

// draw shows what is locked. What was typed stays.
func (u *unlocker) draw(v backend.View) {
	u.view = v
	if !locked(v) {
		if u.root.Visible() {
			u.clear()
			u.root.Hide()
		}
		return
	}
	switch {
	case v.Vault.New:
		u.notice.say(markWarning, lang.L("There is no vault file yet"), fmt.Sprintf(lang.L("Choose a passphrase for %s. Without it nobody can open the file again, you included."), v.Vault.Name))
	case v.Locked && !v.Vault.File:
		u.notice.say(markInactive, lang.L("Lockbox is locked"), lang.L("No key is in memory. Calls that need one are answered with 503."), action{label: lang.L("Unlock"), do: func() { u.retry("unlock") }, first: true})
	case v.Locked:
		u.notice.say(markInactive, lang.L("Lockbox is locked"), fmt.Sprintf(lang.L("No key is in memory. Calls that need one are answered with 503. The passphrase of %s unlocks."), v.Vault.Name))
	default:
		u.notice.say(markWarning, lang.L("The vault file is locked"), backend.Sentence(v.Keychain.Message))
	}
	label := lang.L("Unlock")
	if v.Vault.New {
		label = lang.L("Make it")
	}
	if u.submitted.Text != label {
		u.submitted.SetText(label)
	}
	if u.twice.Hide(); v.Vault.New {
		u.twice.Show()
	}
	u.fields.Hidden = !v.Vault.File
	u.root.Show()
	u.root.Refresh()
}

// ask gives the keyboard to the passphrase.
func (u *unlocker) ask() {
	if u.root.Visible() && !u.fields.Hidden {
		u.focus(u.first)
	}
}

func (u *unlocker) clear() {
	u.first.SetText("")
	u.again.SetText("")
	u.wrong("")
}

// wrong says below the fields what is wrong.
func (u *unlocker) wrong(text string) {
	u.trouble.set(text, "")
	if u.trouble.Hidden != (text == "") {
		u.trouble.Hidden = text == ""
		u.root.Refresh()
	}
}

func (u *unlocker) submit() {
	passphrase := secret.New(u.first.Text)
	switch {
	case u.working:
		return
	case passphrase.IsZero():
		u.wrong(lang.L("Type the passphrase."))
		u.focus(u.first)
		return
	case u.view.Vault.New && u.again.Text != u.first.Text:
		u.wrong(lang.L("Type the same passphrase twice."))
		u.focus(u.again)
		return
	}
	u.work(true)
	u.wrong("")
	u.loop.run(lang.L("Unlocking…"), func(ctx context.Context) error { return u.backend.UnlockWith(ctx, passphrase) }, func(err error) {
		u.work(false)
		switch {
		case err == nil:
			u.clear()
			u.say(markGood, lang.L("Unlocked."))
			return
		case backend.WrongPassphrase(err):
			u.first.SetText("")
			u.wrong(lang.L("Wrong passphrase: try again."))
		default:
			u.wrong(backend.Sentence(err.Error()))
		}
		u.focus(u.first)
	})
}

func (u *unlocker) work(yes bool) {
	u.working = yes
	setDisabled(u.submitted, yes)
}

// lock has every key forgotten.
func (f *face) lock() {
	f.loop.run(lang.L("Locking…"), f.backend.Lock, func(err error) {
		if err != nil {
			f.say(markFailed, backend.Sentence(err.Error()))
			return
		}
		f.say(markWarning, lang.L("Locked: calls that need a key are answered with 503 until you unlock."))
	})
}

// toggleLock locks Lockbox or begins to unlock it.
func (f *face) toggleLock() {
	if locked(f.backend.View()) {
		f.retry("unlock")
		return
	}
	f.lock()
}
