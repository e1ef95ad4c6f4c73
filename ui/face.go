package ui

import (
	"context"
	"fmt"
	"time"

	"fyne.io/fyne/v2"

	"lockbox/ui/backend"
)

// face is what every page needs of the window around it.
type face struct {
	backend       *backend.Backend
	loop          *loop
	keys          *hotkeys
	app           fyne.App
	window        fyne.Window
	say           func(m mark, text string) // in the status line
	shown         fyne.CanvasObject         // the page
	copied        int                       // how often something secret was put on the clipboard
	copiedAt      time.Time                 // when anything last was, or may have been
	askPassphrase func()                    // has the window ask for the vault file's passphrase
	manners       *manners
	notices       *notices
}

// copyText puts something that is no secret on the clipboard.
func (f *face) copyText(text, what string) {
	if text == "" {
		return
	}
	f.app.Clipboard().SetContent(text)
	f.copiedAt = time.Now()
	f.say(markGood, what+" copied.")
}

// copyToken makes a service token and puts it on the clipboard. An empty
// audience and a lifetime of 0 take the defaults of the settings.
func (f *face) copyToken(service, audience string, lifetime time.Duration) {
	var tok backend.Token
	f.loop.run("Making a token for "+service+"…", func(ctx context.Context) (err error) {
		tok, err = f.backend.MakeToken(ctx, service, audience, lifetime)
		return err
	}, func(err error) {
		if err != nil {
			f.say(markFailed, fmt.Sprintf("No token for %s: %s", service, backend.Sentence(err.Error())))
			f.notify(noticeToken, "No token for "+service, backend.Sentence(err.Error()))
			return
		}
		f.copySecret(tok.Value)
		text := copied(tok)
		f.say(markGood, text)
		f.notify(noticeToken, "Token copied", text)
	})
}

// copied says which token is on the clipboard now.
func copied(t backend.Token) string {
	return fmt.Sprintf("Token for %s copied. For audience “%s”, until %s.", t.Service, t.Audience, t.Expires.Local().Format("2 Jan 2006"))
}

// notify shows a notification, unless the person wants none of its kind.
func (f *face) notify(kind noticeKind, title, text string) { f.notices.post(kind, title, text) }

// focus gives the keyboard to a widget of this window.
func (f *face) focus(o fyne.Focusable) { f.window.Canvas().Focus(o) }

// holdFocus takes the keyboard from a field that is about to be disabled: it
// would swallow the window's keys. What it returns gives the keyboard back,
// unless the person has gone elsewhere by then.
func (f *face) holdFocus() (resume func()) {
	page, was := f.shown, f.window.Canvas().Focused()
	f.window.Canvas().Unfocus()
	return func() {
		if was != nil && f.shown == page && f.window.Canvas().Focused() == nil {
			f.focus(was)
		}
	}
}

// retry does again what failed, or asks for the keychain to be unlocked.
func (f *face) retry(what string) {
	label, do := "Trying again…", f.backend.Retry
	if what == "unlock" && f.backend.View().Vault.File {
		f.askPassphrase()
		return
	}
	if what == "unlock" {
		label, do = "Waiting for the keychain to be unlocked…", f.backend.Unlock
	}
	f.loop.run(label, do, func(err error) {
		if err != nil {
			f.say(markFailed, backend.Sentence(err.Error()))
			return
		}
		f.say(markGood, "That worked.")
	})
}

// keeper is the vault in words.
func (f *face) keeper() string {
	if f.backend.View().Vault.File {
		return "the vault file"
	}
	return "the keychain"
}

// unlockAtStart asks for the keychain when the config needs it. The banner says
// what could not be read, and asks again.
func (f *face) unlockAtStart() {
	f.loop.run("", f.backend.UnlockAtStart, func(err error) {
		if err != nil {
			f.say(markWarning, "The keychain was not unlocked.")
		}
	})
}

// togglePause stops or resumes forwarding.
func (f *face) togglePause() {
	paused := f.backend.View().Phase == backend.Paused
	f.backend.SetPaused(!paused)
	if paused {
		f.say(markGood, "Calls are forwarded again.")
		return
	}
	f.say(markWarning, "Paused: every call is answered with 503 until you resume.")
}

// reload reads the config anew, and listens again where Lockbox could not.
func (f *face) reload() {
	if f.backend.View().Phase == backend.Stopped {
		f.retry("retry")
		return
	}
	f.loop.run("Reading the config…", f.backend.Reload, func(err error) {
		if err != nil {
			f.say(markFailed, "The config was not loaded; the old one goes on.")
			return
		}
		f.say(markGood, "The config was read anew.")
	})
}
