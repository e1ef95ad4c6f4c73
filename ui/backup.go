package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/dialog"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// backupPart is the part of the Settings page that makes backups and restores
// them: first the file is chosen, then its passphrase typed; a restore says what
// it replaces before it does.
type backupPart struct {
	*face
	root         fyne.CanvasObject
	save, load   *button
	fields       *fyne.Container
	hint         *prose
	first, again *entry
	twice        fyne.CanvasObject // again with its frame
	submitted    *button
	cancelled    *button
	trouble      *line
	result       *strip

	path    string
	making  bool // a backup is made, not restored
	working bool
}

func newBackupPart(f *face) *backupPart {
	p := &backupPart{face: f, result: newNarrowStrip(f.keys),
		hint:    newProse("", theme.SizeNameCaptionText, colorMuted),
		trouble: newLine("", theme.SizeNameCaptionText, theme.ColorNameError).flexible()}
	p.save = newButton(f.keys, lang.L("Back up…"), theme.DocumentSaveIcon(), p.chooseNew)
	p.load = newButton(f.keys, lang.L("Restore…"), theme.FolderOpenIcon(), p.chooseOld)
	p.first, p.again = p.passphrase(lang.L("Passphrase")), p.passphrase(lang.L("The same again"))
	p.twice = frame(p.again)
	p.submitted = newButton(f.keys, lang.L("Back up"), nil, p.submit).primary()
	p.cancelled = newButton(f.keys, lang.L("Cancel"), nil, p.close)
	p.fields = column(gapSmall, p.hint.root, frame(p.first), p.twice, p.trouble, row(gapSmall, p.submitted, p.cancelled))
	p.fields.Hide()
	about := newProse(lang.L("Everything in one file under a passphrase: config, keys, tokens and settings."), theme.SizeNameCaptionText, colorMuted)
	left := container.New(firstLineLayout{labelWidth}, plain(lang.L("Backup")))
	p.root = container.NewBorder(nil, nil, left, nil, column(gapSmall, row(gapSmall, p.save, p.load), about.root, p.fields, p.result.root))
	return p
}

func (p *backupPart) passphrase(hint string) *entry {
	e := newEntry(p.keys)
	e.Password = true
	e.SetPlaceHolder(hint)
	e.OnSubmitted = func(string) { p.submit() }
	return e
}

func (p *backupPart) chooseNew() {
	p.place("lockbox-"+time.Now().Format("2006-01-02")+".age", func(path string) { p.begin(path, true) }, p.refused)
}

func (p *backupPart) chooseOld() {
	dialog.NewFileOpen(func(r fyne.URIReadCloser, err error) {
		if r != nil {
			_ = r.Close()
			p.begin(r.URI().Path(), false)
		}
		p.refused(err)
	}, p.window).Show()
}

func (p *backupPart) refused(err error) {
	if err != nil {
		p.result.say(markFailed, lang.L("The file cannot be used"), backend.Sentence(err.Error()), p.result.dismiss())
	}
}

// begin asks for the passphrase of a file.
func (p *backupPart) begin(path string, making bool) {
	if p.working {
		return // the file of now is not to change under it
	}
	p.path, p.making = path, making
	p.result.clear()
	p.wrong("")
	label, hint := lang.X("open it", "Open"), fmt.Sprintf(lang.L("The passphrase of %s."), path)
	if p.twice.Hide(); making {
		label, hint = lang.L("Back up"), fmt.Sprintf(lang.L("A passphrase for %s. Without it nobody can open the backup, you included."), path)
		p.twice.Show()
	}
	p.hint.set(hint, "")
	p.submitted.SetText(label)
	p.fields.Show()
	p.root.Refresh()
	p.focus(p.first)
}

// close forgets what was typed.
func (p *backupPart) close() {
	p.first.SetText("")
	p.again.SetText("")
	p.wrong("")
	p.fields.Hide()
	p.root.Refresh()
}

func (p *backupPart) wrong(text string) {
	p.trouble.set(text, "")
	p.trouble.Hidden = text == ""
	p.root.Refresh()
}

func (p *backupPart) work(yes bool) {
	p.working = yes
	for _, o := range []fyne.Disableable{p.save, p.load, p.submitted, p.cancelled} {
		setDisabled(o, yes)
	}
}

func (p *backupPart) submit() {
	passphrase := secret.New(p.first.Text)
	switch {
	case p.working:
		return
	case backend.CheckPassphrase(passphrase) != nil:
		p.wrong(lang.L("Type the passphrase."))
		p.focus(p.first)
		return
	case p.making && p.again.Text != p.first.Text:
		p.wrong(lang.L("Type the same passphrase twice."))
		p.focus(p.again)
		return
	}
	p.wrong("")
	p.work(true)
	if p.making {
		p.make(passphrase)
		return
	}
	p.open(passphrase)
}

func (p *backupPart) make(passphrase secret.Value) {
	var done backend.Backed
	p.loop.run(lang.L("Backing up…"), func(ctx context.Context) (err error) {
		done, err = p.backend.Backup(ctx, p.path, passphrase)
		return err
	}, func(err error) {
		p.work(false)
		if err != nil {
			p.wrong(backend.Sentence(err.Error()))
			return
		}
		p.close()
		p.result.say(markGood, lang.L("Backed up"), fmt.Sprintf(lang.L("%s holds %s.%s"), p.path, contents(done), notIncluded(done)), p.result.dismiss())
	})
}

// open opens a backup and asks whether it is to be restored.
func (p *backupPart) open(passphrase secret.Value) {
	var r *backend.Restore
	p.loop.run(lang.L("Opening the backup…"), func(ctx context.Context) (err error) {
		r, err = p.backend.OpenBackup(ctx, p.path, passphrase)
		return err
	}, func(err error) {
		p.work(false)
		switch {
		case errors.Is(err, backend.ErrPassphrase):
			p.first.SetText("")
			p.wrong(lang.L("Wrong passphrase: try again."))
			p.focus(p.first)
			return
		case err != nil:
			p.wrong(backend.Sentence(err.Error()))
			return
		}
		p.close()
		if r.Same {
			p.result.say(markGood, lang.L("Nothing to restore"), lang.L("All that is in the backup is here already."), p.result.dismiss())
			return
		}
		p.result.say(markWarning, fmt.Sprintf(lang.L("Restore the backup of %s?"), stamp(r.Made.Local(), "2 Jan 2006, 15:04")), replaces(r),
			action{label: lang.L("Restore"), do: func() { p.restore(r) }}, action{label: lang.L("Cancel"), do: p.result.clear})
	})
}

func (p *backupPart) restore(r *backend.Restore) {
	if p.working {
		return
	}
	p.work(true)
	p.loop.run(lang.L("Restoring…"), func(ctx context.Context) error { return p.backend.Restore(ctx, r) }, func(err error) {
		p.work(false)
		if err != nil {
			p.result.say(markFailed, lang.L("Not restored, and nothing was changed"), backend.Sentence(err.Error()), p.result.dismiss())
			return
		}
		p.result.say(markGood, lang.L("Restored"), fmt.Sprintf(lang.L("It is in use now.%s"), notIncluded(r.Backed)), p.result.dismiss())
	})
}

// contents says what a backup has in it.
func contents(b backend.Backed) string {
	text := fmt.Sprintf(lang.L("%s and %s"), count(b.Services, "service"), count(b.Keys, "key"))
	if b.SigningKey {
		text += lang.L(", the signing key")
	}
	if b.Tokens {
		text += lang.L(", the tokens made here")
	}
	return text
}

func notIncluded(b backend.Backed) string {
	const few = 3
	switch n := len(b.NotIncluded); {
	case n == 0:
		return ""
	case n > few:
		return fmt.Sprintf(lang.L(" Not included: what %s and %d more refer to."), strings.Join(b.NotIncluded[:few], ", "), n-few)
	}
	return fmt.Sprintf(lang.L(" Not included: what %s refers to."), strings.Join(b.NotIncluded, ", "))
}

// replaces says what a restore takes the place of.
func replaces(r *backend.Restore) string {
	text := fmt.Sprintf(lang.L("It holds %s. It takes the place of the config with %s"), contents(r.Backed), count(r.HereServices, "service"))
	if n := len(r.HereKeys); n > 0 {
		text += fmt.Sprintf(lang.L(" and of %s"), count(n, "other key"))
	}
	text += "."
	if r.HereKey {
		text += lang.L(" Tokens that were made here stop working, for the signing key is another one.")
	}
	return text + notIncluded(r.Backed)
}
