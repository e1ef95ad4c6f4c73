package ui

import (
	"context"
	"fmt"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/proxy/secret"
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
	view          backend.View              // what was drawn last
	copied        int                       // how often something secret was put on the clipboard
	copiedAt      time.Time                 // when anything last was, or may have been
	onClipboard   secret.Value              // a token that is to be taken off it again
	hiddenAt      time.Time                 // when a window last went away, see foreground
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
	f.say(markGood, fmt.Sprintf(lang.L("%s copied."), what))
}

// copyToken makes a service token and puts it on the clipboard. An empty
// audience and a lifetime of 0 take the defaults of the settings.
func (f *face) copyToken(service, audience string, lifetime time.Duration) {
	var tok backend.Token
	f.loop.run(fmt.Sprintf(lang.L("Making a token for %s…"), service), func(ctx context.Context) (err error) {
		tok, err = f.backend.MakeToken(ctx, service, audience, lifetime)
		return err
	}, func(err error) {
		if err != nil {
			f.say(markFailed, fmt.Sprintf(lang.L("No token for %s: %s"), service, backend.Sentence(err.Error())))
			f.notify(noticeToken, fmt.Sprintf(lang.L("No token for %s"), service), backend.Sentence(err.Error()))
			return
		}
		f.copySecret(tok.Value)
		text := copied(tok)
		f.say(markGood, text)
		f.notify(noticeToken, lang.L("Token copied"), text)
	})
}

// copied says which token is on the clipboard now.
func copied(t backend.Token) string {
	return fmt.Sprintf(lang.L("Token for %s copied. For audience “%s”, until %s."), t.Service, t.Audience, stamp(t.Expires.Local(), "2 Jan 2006"))
}

// notify shows a notification, unless the person wants none of its kind.
func (f *face) notify(kind noticeKind, title, text string) { f.notices.post(kind, title, text) }

// focus gives the keyboard to a widget of this window.
func (f *face) focus(o fyne.Focusable) { f.window.Canvas().Focus(o) }

// askDiscard asks in a strip whether what was typed may be lost.
func (f *face) askDiscard(ask *strip, discard func()) {
	ask.clear() // it may ask the same on behalf of another way out
	ask.say(markWarning, lang.L("Discard your changes?"), lang.L("They are not saved."),
		action{label: lang.L("Keep editing"), do: ask.clear}, action{label: lang.L("Discard"), do: discard})
	ask.focusFirst(f.window.Canvas())
}

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
	label, do := lang.L("Trying again…"), f.backend.Retry
	if what == "unlock" && f.backend.View().Vault.File {
		f.askPassphrase()
		return
	}
	if what == "unlock" {
		label, do = lang.L("Waiting for the keychain to be unlocked…"), f.backend.Unlock
	}
	f.loop.run(label, do, func(err error) {
		if err != nil {
			f.say(markFailed, backend.Sentence(err.Error()))
			return
		}
		f.say(markGood, lang.L("That worked."))
	})
}

// keeper is the vault in words.
func (f *face) keeper() string {
	if f.backend.View().Vault.File {
		return lang.L("the vault file")
	}
	return lang.L("the keychain")
}

// unlockAtStart asks for the keychain when the config needs it. The banner says
// what could not be read, and asks again.
func (f *face) unlockAtStart() {
	f.loop.run(lang.L("Reading the keys…"), f.backend.UnlockAtStart, func(err error) {
		if err != nil {
			f.say(markWarning, lang.L("The keychain was not unlocked."))
		}
	})
}

// togglePause stops or resumes forwarding.
func (f *face) togglePause() {
	paused := f.backend.View().Phase == backend.Paused
	f.backend.SetPaused(!paused)
	if paused {
		f.say(markGood, lang.L("Calls are forwarded again."))
		return
	}
	f.say(markWarning, lang.L("Paused: every call is answered with 503 until you resume."))
}

// reload reads the config anew, and listens again where Lockbox could not.
func (f *face) reload() {
	if f.backend.View().Phase == backend.Stopped {
		f.retry("retry")
		return
	}
	f.loop.run(lang.L("Reading the config…"), f.backend.Reload, func(err error) {
		if err != nil {
			f.say(markFailed, lang.L("The config was not loaded; the old one goes on."))
			return
		}
		f.say(markGood, lang.L("The config was read anew."))
	})
}
