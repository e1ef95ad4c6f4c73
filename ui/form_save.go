package ui

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// submit saves.
func (s *serviceForm) submit() {
	if s.saving {
		return
	}
	s.all = true
	s.ask.clear()
	f := s.value()
	if bad := s.backend.Check(s.old, f); len(bad) > 0 {
		s.refuse(bad)
		return
	}
	s.trouble.clear()
	s.work(true)
	s.loop.run(fmt.Sprintf(lang.L("Saving %s…"), f.Name), func(ctx context.Context) error { return s.backend.Save(ctx, s.old, f) }, func(err error) {
		s.work(false)
		var bad backend.Fields
		switch {
		case err == nil:
			s.forget()
			s.done(f.Name)
		case errors.As(err, &bad):
			s.refuse(bad)
		default:
			s.trouble.say(markFailed, lang.L("Not saved, and nothing was changed"), backend.Sentence(err.Error()), s.remedy(err)...)
		}
	})
}

// remedy is what may help a save that failed.
func (s *serviceForm) remedy(err error) []action {
	again := action{label: lang.L("Try again"), do: s.submit, first: true}
	if v := s.backend.View(); v.Vault.File && locked(v) {
		return []action{{label: lang.L("Unlock"), do: s.askPassphrase, first: true}, {label: lang.L("Try again"), do: s.submit}}
	}
	if errors.Is(err, secret.ErrLocked) || s.backend.View().Keychain.CanUnlock {
		return []action{{label: lang.L("Unlock the keychain"), do: func() {
			s.loop.run(lang.L("Waiting for the keychain to be unlocked…"), s.backend.Unlock, func(err error) {
				if err != nil {
					s.say(markFailed, backend.Sentence(err.Error()))
					return
				}
				s.submit()
			})
		}, first: true}}
	}
	return []action{again}
}

// refuse shows all that is wrong and goes to the first of it.
func (s *serviceForm) refuse(bad backend.Fields) {
	if s.refused != nil {
		s.refused()
	}
	s.check()
	var rest []string
	for _, name := range slices.Sorted(maps.Keys(bad)) {
		if s.fields[name] == nil && !strings.HasPrefix(name, "headers") {
			rest = append(rest, name+": "+bad[name])
		}
	}
	text := lang.L("See the red lines above.")
	if len(rest) > 0 {
		text = backend.Sentence(strings.Join(rest, "; "))
	}
	s.trouble.say(markFailed, lang.L("Some fields need another look"), text)
	type stop struct {
		name  string
		field fyne.Focusable
	}
	order := []stop{{"name", s.name}}
	for _, b := range s.blanks {
		order = append(order, stop{"blank/" + b.blank.ID, b.widget()})
	}
	order = append(order, stop{"base_url", s.baseURL}, stop{"credential", s.kind}, stop{"token", s.keyFields["token"].entry},
		stop{"username", s.keyFields["username"].entry}, stop{"password", s.keyFields["password"].entry})
	for _, k := range s.begun.Keys {
		order = append(order, stop{"key/" + k.Field, s.keyFields["key/"+k.Field].entry})
	}
	order = append(order, stop{"audiences", s.audiences}, stop{"connect_timeout", s.connect}, stop{"read_timeout", s.read})
	for _, o := range order {
		if bad[o.name] != "" {
			s.focus(o.field)
			return
		}
	}
	for i, r := range s.headers.rows {
		at := fmt.Sprintf("headers/%d/", i)
		if bad[at+"name"] != "" {
			s.focus(r.name)
			return
		}
		if bad[at+"value"] != "" {
			s.focus(r.key.entry)
			return
		}
	}
}

// work disables the form while it is saved.
func (s *serviceForm) work(yes bool) {
	s.saving = yes
	s.save.Text = s.label
	if yes {
		s.save.Text = lang.L("Saving…")
		s.refocus = s.holdFocus()
	}
	s.save.Refresh()
	for _, o := range []fyne.Disableable{s.save, s.test, s.name, s.baseURL, s.kind, s.tokenRequired, s.public, s.who, s.audiences, s.connect, s.read, s.redirects, s.headers.add} {
		setDisabled(o, yes)
	}
	for _, b := range s.blanks {
		setDisabled(b.widget(), yes)
	}
	for _, k := range s.keyFields {
		k.disable(yes)
	}
	for _, r := range s.headers.rows {
		setDisabled(r.name, yes)
		r.key.disable(yes)
		setDisabled(r.remove, yes)
	}
	if !yes {
		s.refocus()
	}
}
