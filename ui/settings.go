package ui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// settingsPage shows how this Lockbox is set up and changes what can be changed.
type settingsPage struct {
	*face
	root   fyne.CanvasObject
	scroll *container.Scroll
	view   backend.View
	guide  func() // leads through a first service

	begun            backend.Settings
	loaded           bool
	listen, audience *entry
	auditDir         *entry
	lifetime, clip   *choice
	drift            *choice
	fields           map[string]*field
	save, undo       *button
	trouble          *strip

	baseURL, config, state, signing, vault *shownValue
	keychainMark                           *marker
	keychain                               *line
	keychainText                           *prose
	unlock                                 *button
	backup                                 *backupPart
	start                                  *startPart
	notices                                *noticePart
	update                                 *updatePart
	checkup                                *checkup
	warnings                               *prose
	version                                *line
	around                                 *button
	saving                                 bool
	refocus                                func() // after saving
}

// shownValue is something that can be read and copied.
type shownValue struct {
	root fyne.CanvasObject
	text *line
}

func newSettingsPage(f *face) *settingsPage {
	p := &settingsPage{face: f, fields: map[string]*field{}, trouble: newStrip(f.keys)}
	p.checkup = newCheckup(f)
	p.start, p.notices, p.update = newStartPart(f), newNoticePart(f), newUpdatePart(f, f.backend.View().Version)
	body := column(gap, p.proxy(), p.tokens(), p.keychainPart(), p.files(), p.start.root, p.notices.root, p.checkup.root, p.about())
	if p.update.root != nil {
		body.Objects = slices.Insert(body.Objects, len(body.Objects)-2, p.update.root)
	}
	scroll := container.NewVScroll(inset(0, gap, 0, gap, body))
	p.scroll = scroll
	for _, e := range []*entry{p.listen, p.audience, p.auditDir} {
		e.OnChanged = func(string) { p.check() }
		e.OnSubmitted = func(string) { p.submit() }
		e.focused = func() { revealInto(scroll, e) }
	}
	revealEach(scroll, p.backup.first, p.backup.again, p.backup.save, p.backup.load, p.backup.submitted, p.backup.cancelled, p.lifetime, p.clip, p.drift, p.unlock)
	revealEach(scroll, p.start.at, p.around)
	for _, c := range p.notices.kinds {
		revealEach(scroll, c)
	}
	if p.update.want != nil {
		revealEach(scroll, p.update.want)
	}
	p.lifetime.OnChanged = func(string) { p.check() }
	p.clip.OnChanged = func(string) { p.check() }
	p.drift.OnChanged = func(string) { p.check() }
	p.save = newButton(f.keys, lang.L("Apply"), theme.ConfirmIcon(), p.submit).primary()
	p.undo = newButton(f.keys, lang.L("Undo"), nil, p.reset)
	foot := column(gapSmall, p.trouble.root, ends(layout.NewSpacer(), p.undo, p.save))
	p.root = container.NewBorder(inset(0, gap, 0, 0, middle(title(lang.L("Settings")))), inset(gap, 0, 0, 0, foot), nil, nil, scroll)
	return p
}

func (p *settingsPage) put(name, label, hint string, o fyne.CanvasObject) fyne.CanvasObject {
	f := newField(label, hint, o)
	p.fields[name] = f
	return f.root
}

// value is a line that is read and copied.
func (p *settingsPage) value(label string) (*shownValue, fyne.CanvasObject) {
	v := &shownValue{text: plain("").flexible()}
	copied := newButton(p.keys, "", theme.ContentCopyIcon(), func() { p.copyText(v.text.text, label) }).quiet()
	left := container.New(firstLineLayout{labelWidth}, plain(label))
	v.root = container.NewBorder(nil, nil, left, copied, middle(pickable(p.keys, v.text)))
	return v, v.root
}

func (p *settingsPage) proxy() fyne.CanvasObject {
	p.listen = newEntry(p.keys)
	p.listen.SetPlaceHolder("127.0.0.1:8000")
	var base fyne.CanvasObject
	p.baseURL, base = p.value(lang.L("Base URL"))
	return group(lang.L("Proxy"), "",
		p.put("listen", lang.L("Listen on"), lang.L("Host and port. 127.0.0.1 is reached by programs on this computer only."), p.listen), base)
}

func (p *settingsPage) tokens() fyne.CanvasObject {
	p.audience = newEntry(p.keys)
	p.lifetime = newChoice(p.keys, lifetimeLabels(), nil)
	p.clip = newChoice(p.keys, clipLabels(), nil)
	p.drift = newChoice(p.keys, driftLabels(), nil)
	return group(lang.L("Service tokens"), lang.L("What a token is made with unless you choose otherwise."),
		p.put("audience", lang.L("Audience"), lang.L("Who the token is for."), p.audience),
		p.put("lifetime", lang.L("Valid for"), lang.L("From when it is made."), atMost(160, frame(p.lifetime))),
		p.put("clipboard", lang.L("Off the clipboard"), lang.L("When a copied token is taken off the clipboard again."), atMost(160, frame(p.clip))),
		p.put("drift", lang.L("Used in a new way"), lang.L("From a new network, by another program, at an unusual hour. Services in the config may say otherwise."), atMost(240, frame(p.drift))))
}

// keychainPart is the part with keychain and signing key.
func (p *settingsPage) keychainPart() fyne.CanvasObject {
	p.keychainMark, p.keychain, p.keychainText = newMarker(markNone), plain("").flexible(), newProse("", theme.SizeNameCaptionText, colorMuted).pickable(p.keys)
	p.unlock = newButton(p.keys, lang.L("Unlock"), theme.LoginIcon(), func() {
		if p.view.Keychain.CanUnlock {
			p.retry("unlock")
			return
		}
		p.retry("retry")
	})
	var vault, key fyne.CanvasObject
	p.vault, vault = p.value(lang.L("Kept in"))
	p.signing, key = p.value(lang.L("Signing key"))
	left := container.New(firstLineLayout{labelWidth}, plain(lang.L("Vault")))
	words := column(gapTight, inset(7, 0, 0, 0, container.NewBorder(nil, nil, p.keychainMark, nil, inset(0, 0, gapSmall, 0, p.keychain))), p.keychainText.root)
	p.backup = newBackupPart(p.face)
	return group(lang.L("Keys"), "", vault, container.NewBorder(nil, nil, left, container.NewVBox(p.unlock), words), key, p.backup.root)
}

func (p *settingsPage) files() fyne.CanvasObject {
	p.auditDir = newEntry(p.keys)
	p.auditDir.SetPlaceHolder(lang.L("none"))
	var config, state fyne.CanvasObject
	p.config, config = p.value(lang.L("Config file"))
	p.state, state = p.value(lang.L("State folder"))
	reload := newButton(p.keys, lang.L("Read the config again"), theme.ViewRefreshIcon(), p.reload)
	p.warnings = newProse("", theme.SizeNameCaptionText, theme.ColorNameWarning).pickable(p.keys)
	return group(lang.L("Files"), "", config,
		container.NewBorder(nil, nil, blankWidth(labelWidth), nil, column(gapSmall, p.warnings.root, container.NewHBox(reload))), state,
		p.put("audit_dir", lang.L("Audit files"), lang.L("A folder for one file per call, as the Python Lockbox wrote them. Empty: none."), p.auditDir))
}

func (p *settingsPage) about() fyne.CanvasObject {
	p.version = muted("")
	p.around = newButton(p.keys, lang.L("Show me around: a first service"), theme.NavigateNextIcon(), func() { p.guide() }).quiet()
	return column(gapSmall, container.NewCenter(p.around), container.NewCenter(pickable(p.keys, p.version)))
}

// draw shows a new View. What the person is editing stays.
func (p *settingsPage) draw(v backend.View) {
	p.view = v
	p.baseURL.text.set(v.BaseURL, "")
	p.config.text.set(v.ConfigPath, "")
	p.state.text.set(v.StateDir, "")
	p.vault.text.set(vaultName(v.Vault.Name), "")
	p.signing.text.set(vaultName(v.SigningKeySource), "")
	p.version.set(fmt.Sprintf(lang.L("Lockbox %s"), v.Version), "")
	p.drawKeychain(v.Keychain)
	p.warnings.set(strings.Join(v.Warnings, "\n"), "")
	if v.Phase == backend.Starting {
		return
	}
	if s := p.backend.Settings(); !p.loaded || s != p.begun && !p.dirty() {
		p.begun, p.loaded = s, true
		p.reset()
	}
}

// vaultName is a vault, or a key file, in words.
func vaultName(name string) string {
	if name == "keychain" {
		return lang.L("the computer's keychain")
	}
	return name
}

func (p *settingsPage) drawKeychain(k backend.KeychainInfo) {
	m := markGood
	if k.Message != "" {
		m = markWarning
	}
	p.keychainMark.set(m)
	p.keychain.set(backend.Sentence(k.State), "")
	p.keychainText.set(backend.Sentence(k.Message), "")
	p.unlock.Hidden = k.Message == ""
	label := lang.L("Retry")
	if k.CanUnlock {
		label = lang.L("Unlock")
	}
	if p.unlock.Text != label {
		p.unlock.SetText(label)
	}
}

func (p *settingsPage) reset() {
	s := p.begun
	p.listen.SetText(s.Listen)
	p.audience.SetText(s.Audience)
	p.auditDir.SetText(s.AuditDir)
	options := lifetimeLabels()
	if l := lifetimeLabel(s.Lifetime); !slices.Contains(options, l) {
		options = append(options, l)
	}
	p.lifetime.Options = options
	p.lifetime.SetSelected(lifetimeLabel(s.Lifetime))
	p.clip.Options = clipLabels()
	if l := clipLabel(s.Clipboard); !slices.Contains(p.clip.Options, l) {
		p.clip.Options = append(p.clip.Options, l)
	}
	p.clip.SetSelected(clipLabel(s.Clipboard))
	p.drift.SetSelected(driftLabel(s.Drift))
	p.trouble.clear()
	p.check()
}

func (p *settingsPage) settings() backend.Settings {
	s := p.begun
	s.Listen, s.AuditDir, s.Audience = strings.TrimSpace(p.listen.Text), strings.TrimSpace(p.auditDir.Text), strings.TrimSpace(p.audience.Text)
	if d := lifetimeOf(p.lifetime.Selected); d > 0 {
		s.Lifetime = d
	}
	if d, ok := clipTime(p.clip.Selected); ok {
		s.Clipboard = d
	}
	if c := driftChoice(p.drift.Selected); c != "" {
		s.Drift = c
	}
	return s
}

func (p *settingsPage) dirty() bool { return p.loaded && p.settings() != p.begun }

// check says beside each field what is wrong with it.
func (p *settingsPage) check() {
	if p.save == nil {
		return
	}
	p.show(p.backend.CheckSettings(p.settings()))
	setDisabled(p.save, !p.dirty() || p.saving)
	setDisabled(p.undo, !p.dirty() || p.saving)
}

func (p *settingsPage) show(bad backend.Fields) {
	for name, f := range p.fields {
		f.say(markFailed, backend.Sentence(bad[name]))
	}
}

func (p *settingsPage) submit() {
	if p.saving || !p.dirty() {
		return
	}
	s := p.settings()
	if bad := p.backend.CheckSettings(s); len(bad) > 0 {
		p.show(bad)
		return
	}
	p.work(true)
	p.trouble.clear()
	p.loop.run(lang.L("Applying the settings…"), func(ctx context.Context) error { return p.backend.SaveSettings(ctx, s) }, func(err error) {
		p.work(false)
		var bad backend.Fields
		switch {
		case err == nil:
			p.begun = p.backend.Settings()
			p.reset()
			p.say(markGood, lang.L("The settings are applied."))
		case errors.As(err, &bad):
			p.show(bad)
			p.trouble.say(markFailed, lang.L("Not applied, and nothing was changed"), backend.Sentence(bad[slices.Sorted(maps.Keys(bad))[0]]), p.trouble.dismiss())
		default:
			p.trouble.say(markFailed, lang.L("Not applied, and nothing was changed"), backend.Sentence(err.Error()), p.trouble.dismiss())
		}
	})
}

func (p *settingsPage) work(yes bool) {
	p.saving = yes
	if yes {
		p.refocus = p.holdFocus()
	}
	for _, o := range []fyne.Disableable{p.listen, p.audience, p.auditDir, p.lifetime, p.clip, p.drift} {
		setDisabled(o, yes)
	}
	if !yes {
		p.refocus()
	}
	p.check()
}

// key is what the page does with a key.
func (p *settingsPage) key(k fyne.KeyName) bool {
	switch {
	case isEnter(k):
		p.submit()
	case k == fyne.KeyEscape && p.dirty():
		p.reset()
	default:
		return false
	}
	return true
}
