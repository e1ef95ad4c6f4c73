package ui

import (
	"context"
	"fmt"
	"net/url"
	"path/filepath"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// command is something that a person can do. The palette, the shortcuts and their
// list are made of these, so that no shortcut is written down twice.
type command struct {
	name  string
	keys  []shortcut
	do    func()
	when  func() bool // it can be done now; nil: always
	quiet bool        // not in the palette: it needs a place that the palette covers
}

// keyReveal shows a key in its field.
var keyReveal = ctrl(fyne.KeyR)

// commands are what can be done in the window as it is now.
func (w *window) commands() []command {
	var all []command
	for _, n := range w.nav.items {
		all = append(all, command{name: fmt.Sprintf(lang.L("Go to %s"), n.label), keys: []shortcut{n.number}, do: n.tapped})
	}
	all = append(all, w.makingCommands()...)
	all = append(all, w.pageCommands()...)
	all = append(all, w.proxyCommands()...)
	return append(all, w.fileCommands()...)
}

func (w *window) makingCommands() []command {
	return []command{
		{name: lang.L("New service"), keys: []shortcut{ctrl(fyne.KeyN)}, do: w.create},
		{name: lang.L("New token"), keys: []shortcut{ctrl(fyne.KeyT)}, do: func() { w.newToken("") }},
		{name: lang.L("Bring back what was deleted"), keys: []shortcut{ctrl(fyne.KeyZ)}, do: w.undo.bringBack, when: w.undo.offered},
		{name: lang.L("Edit the selected service"), keys: []shortcut{ctrl(fyne.KeyE)}, do: func() { w.edit(w.services.selected) }, when: w.onService},
	}
}

// onService reports whether a service is selected, and in sight.
func (w *window) onService() bool {
	return w.page == pageServices && w.onList() && w.picker == nil && w.services.selected != ""
}

// pageCommands are about what is in the window, and the window itself.
func (w *window) pageCommands() []command {
	onCall := func() bool { return w.page == pageAudit && w.audit.detail.root.Visible() }
	return []command{
		{name: lang.L("Find anything to do"), keys: []shortcut{ctrl(fyne.KeyK), ctrlShift(fyne.KeyP)}, do: w.palette.open, quiet: true},
		{name: lang.L("Search the page"), keys: []shortcut{ctrl(fyne.KeyF)}, do: w.search, quiet: true},
		{name: lang.L("Save, or apply"), keys: []shortcut{ctrl(fyne.KeyS)}, do: w.submit, quiet: true},
		{name: lang.L("Find in the call"), keys: []shortcut{ctrl(fyne.KeyG)}, do: func() { w.focus(w.audit.detail.find.box) }, when: onCall},
		{name: lang.L("Copy what is selected, or the call"), keys: []shortcut{ctrl(fyne.KeyC)}, do: w.copySelected, quiet: true},
		{name: lang.L("Show the key in its field"), keys: []shortcut{keyReveal}, quiet: true},
		{name: lang.L("Show me around: a first service"), do: w.guide},
		{name: lang.L("Keyboard shortcuts"), keys: []shortcut{alone(fyne.KeyF1), ctrl(fyne.KeySlash)}, do: func() { showShortcuts(w) }},
		{name: lang.L("Quit Lockbox"), keys: []shortcut{ctrl(fyne.KeyQ)}, do: func() { w.leave(w.quit) }, when: func() bool { return w.quit != nil }},
	}
}

// copySelected copies the text that is selected, else the call that is shown.
func (w *window) copySelected() {
	switch p := w.keys.picked; {
	case p != nil:
		p.copy()
	case w.page == pageAudit:
		w.audit.detail.copyCurl()
	}
}

// proxyCommands are about the proxy and its callers.
func (w *window) proxyCommands() []command {
	v := w.backend.View()
	pause := lang.L("Pause proxy")
	if v.Phase == backend.Paused {
		pause = lang.L("Resume proxy")
	}
	tunnel := lang.L("Open the tunnel")
	if v.Tunnel.Phase != backend.TunnelClosed {
		tunnel = lang.L("Close the tunnel")
	}
	lock := lang.L("Lock: forget every key")
	if locked(v) {
		lock = lang.L("Unlock")
	}
	return []command{
		{name: pause, do: w.togglePause, when: func() bool {
			p := w.backend.View().Phase
			return p == backend.Running || p == backend.Paused
		}},
		{name: tunnel, do: func() { w.toggleTunnel(backend.ByWindow) }},
		{name: lock, do: w.toggleLock},
		{name: lang.L("Read the config again"), keys: []shortcut{alone(fyne.KeyF5)}, do: w.refresh},
		{name: lang.L("Answer what waits for approval"), do: w.asker.wake, when: func() bool { return w.backend.View().Questions > 0 }},
		{name: lang.L("Copy the base URL"), do: func() { w.copyText(w.backend.View().BaseURL, lang.L("The base URL")) }},
		{name: lang.L("Copy the tunnel's address"), do: func() { w.copyText(w.backend.View().Tunnel.URL, lang.L("The public address")) }, when: func() bool { return w.backend.View().Tunnel.URL != "" }},
		{name: lang.L("Diagnose the tunnel"), do: func() { w.open(pageTunnel); w.tunnel.diagnose.OnTapped() }, when: func() bool { return !w.tunnel.diagnose.Disabled() }},
		{name: lang.L("Panic: shut everyone out…"), do: func() {
			w.open(pageTokens)
			w.tokens.askPanic()
			w.tokens.note.focusLast(w.face.window.Canvas())
		}},
	}
}

// fileCommands are about files: the log, the config, backups.
func (w *window) fileCommands() []command {
	all := []command{{name: lang.L("Verify the audit log"), do: func() { w.open(pageAudit); w.audit.verify.begin() }}}
	for _, x := range exportFormats {
		all = append(all, command{name: fmt.Sprintf(lang.L("Export the calls as %s…"), x.label), do: func() { w.open(pageAudit); w.audit.export.choose(x.format) }})
	}
	return append(all,
		command{name: lang.L("Check everything"), do: func() { w.open(pageSettings); w.focus(w.settings.checkup.start); w.settings.checkup.start.OnTapped() }, when: func() bool { return !w.settings.checkup.start.Disabled() }},
		command{name: lang.L("Import a config…"), do: w.chooseImport},
		command{name: lang.L("Back up everything…"), do: func() { w.open(pageSettings); w.settings.backup.chooseNew() }},
		command{name: lang.L("Restore a backup…"), do: func() { w.open(pageSettings); w.settings.backup.chooseOld() }},
		command{name: lang.L("Open the config's folder"), do: w.openFolder},
		command{name: lang.L("About Lockbox"), do: func() {
			w.say(markInfo, fmt.Sprintf(lang.L("This is Lockbox %s."), w.backend.View().Version))
		}})
}

func (w *window) chooseImport() {
	dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if r != nil {
			_ = r.Close()
			w.intake.offer([]string{r.URI().Path()})
		}
		if err != nil {
			w.say(markFailed, backend.Sentence(err.Error()))
		}
	}, w.face.window).Show()
}

// openFolder has the desktop show where the config is.
func (w *window) openFolder() {
	dir := &url.URL{Scheme: "file", Path: filepath.ToSlash(filepath.Dir(w.backend.View().ConfigPath))}
	w.loop.run(lang.L("Opening the folder…"), func(context.Context) error { return w.app.OpenURL(dir) }, func(err error) {
		if err != nil {
			w.say(markFailed, backend.Sentence(err.Error()))
		}
	})
}

// serviceCommand is something that can be done with any service.
type serviceCommand struct {
	name string // with %s for the service's
	do   func(service string)
}

func (w *window) serviceCommands() []serviceCommand {
	onPage := func(then func()) func(string) {
		return func(name string) {
			w.openServices()
			if w.onList() {
				w.services.search.SetText("")
				w.services.open(name)
				then()
			}
		}
	}
	return []serviceCommand{
		{lang.L("New token for %s"), w.newToken},
		{lang.L("Copy the address of %s"), func(name string) { w.copyText(w.services.urlOf(name), fmt.Sprintf(lang.L("The address of %s"), name)) }},
		{lang.L("Copy the public address of %s"), func(name string) {
			if address := w.services.publicOf(name); address != "" {
				w.copyText(address, fmt.Sprintf(lang.L("The public address of %s"), name))
				return
			}
			w.say(markInfo, fmt.Sprintf(lang.L("Callers from elsewhere do not reach %s."), name))
		}},
		{lang.L("Edit %s"), w.edit},
		{lang.L("Control of %s"), w.control},
		{lang.L("Calls of %s"), w.calls},
		{lang.L("Test %s"), onPage(w.services.detail.try)},
		{lang.L("Duplicate %s"), w.duplicate},
		{lang.L("Delete %s…"), onPage(w.services.detail.confirm)},
	}
}

// bindKeys gives the window the shortcuts of its commands.
func (w *window) bindKeys() {
	canvas := w.face.window.Canvas()
	for _, c := range w.commands() {
		if c.do == nil {
			continue
		}
		for _, s := range c.keys {
			w.keys.bind(canvas, s, func() {
				if c.when == nil || c.when() {
					c.do()
				}
			})
		}
	}
	w.keys.install(canvas)
}
