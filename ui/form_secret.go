package ui

import (
	"context"
	"fmt"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// keyField is where a key is typed. One that is stored is not in it; the eye
// fetches it when the person wants to see it.
type keyField struct {
	*face
	entry    *entry
	stored   backend.SecretField
	service  string // whose stored key it is; "" for none
	field    string // the backend's name of it
	shown    string // what the eye fetched, which is not typed
	fetching bool
	failed   func(error)
}

func newKeyField(f *face, service, field string, stored backend.SecretField, failed func(error)) *keyField {
	k := &keyField{face: f, entry: newEntry(f.keys), stored: stored, service: service, field: field, failed: failed}
	k.entry.Password = true
	k.entry.ActionItem = newPeek(k.toggle)
	k.entry.reveal = k.toggle
	k.entry.SetPlaceHolder(placeholder(stored, f.keeper()))
	if !stored.Value.IsZero() {
		k.entry.SetText(stored.Value.Reveal())
	}
	return k
}

// placeholder says where the stored key is; keeper is the vault.
func placeholder(s backend.SecretField, keeper string) string {
	if !s.Stored {
		return ""
	}
	switch s.Where {
	case secret.Keychain:
		return fmt.Sprintf(lang.L("•••••• in %s"), keeper)
	case secret.Env:
		return lang.L("•••••• in an environment variable")
	case secret.File:
		return lang.L("•••••• in a file")
	}
	return lang.L("•••••• in the config file, in plain text")
}

// value is the field as the backend takes it: what was fetched to be shown is
// not a new key.
func (k *keyField) value() backend.SecretField {
	v := k.stored
	v.Value = secret.Value{}
	if k.entry.Text != k.shown {
		v.Value = secret.New(k.entry.Text)
	}
	return v
}

// toggle shows or hides the key.
func (k *keyField) toggle() {
	if k.entry.Text == "" && k.stored.Stored && k.service != "" {
		k.fetch()
		return
	}
	k.hide(!k.entry.Password)
}

func (k *keyField) hide(yes bool) {
	k.entry.Password = yes
	if eye, ok := k.entry.ActionItem.(*peek); ok {
		eye.open = !yes
		eye.Refresh()
	}
	k.entry.Refresh()
}

// fetch reads the stored key.
func (k *keyField) fetch() {
	if k.fetching {
		return
	}
	k.fetching = true
	var v secret.Value
	k.loop.run(lang.L("Reading the key…"), func(ctx context.Context) (err error) {
		v, err = k.backend.Reveal(ctx, k.service, k.field)
		return err
	}, func(err error) {
		k.fetching = false
		if err != nil {
			k.failed(err)
			return
		}
		if k.entry.Text != "" || k.backend.View().Locked {
			return // typed meanwhile, or to be seen by nobody
		}
		k.shown = v.Reveal()
		k.entry.SetText(k.shown)
		k.hide(false)
	})
}

// conceal drops a stored key that is shown, as far as it was not changed.
func (k *keyField) conceal() {
	if k.shown != "" && k.entry.Text == k.shown {
		k.shown = ""
		k.entry.SetText("")
		k.hide(true)
	}
}

// forget drops the key's text.
func (k *keyField) forget() {
	k.entry.OnChanged = nil
	k.entry.SetText("")
	k.shown = ""
}

// disable greys the field while it is saved.
func (k *keyField) disable(yes bool) { setDisabled(k.entry, yes) }

func setDisabled(o fyne.Disableable, yes bool) {
	if yes {
		o.Disable()
		return
	}
	o.Enable()
}
