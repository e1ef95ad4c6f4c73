package ui

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"fyne.io/fyne/v2/lang"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

// openServices shows the list, unless a form was begun.
func (w *window) openServices() {
	if w.form == nil {
		w.picker = nil
	}
	w.open(pageServices)
}

// create begins a new service: with its API, then its form. A form that is open
// stays when there is something in it to lose.
func (w *window) create() {
	w.vacate(func() {
		w.picker = newPicker(w.face, w.choose, w.openServices)
		w.open(pageServices)
	})
}

// vacate calls then once nothing that was begun is on the Services page.
func (w *window) vacate(then func()) {
	gone := func() { w.form, w.rules, w.tour = nil, nil, nil; then() }
	switch {
	case w.rules != nil:
		w.open(pageServices)
		w.rules.abandon(gone)
	case w.form != nil:
		w.open(pageServices)
		w.form.abandon(gone)
	case w.tour != nil:
		w.open(pageServices)
		w.tour.abandon(gone)
	default:
		then()
	}
}

// onList reports whether the Services page shows its list: nothing was begun on it.
func (w *window) onList() bool { return w.form == nil && w.rules == nil && w.tour == nil }

// choose opens the form of a new service of a preset, or of none.
func (w *window) choose(p *backend.Preset, name string) { w.openForm("", w.newForm(p, name)) }

// newForm is how the form of a new service begins.
func (f *face) newForm(p *backend.Preset, name string) backend.Form {
	if p != nil {
		return f.backend.PresetForm(p)
	}
	begun := backend.NewForm()
	begun.Name = name
	return begun
}

// edit opens the form of a service, "" for a new one. A form that is open stays
// when there is something in it to lose.
func (w *window) edit(name string) {
	if !w.onList() {
		w.open(pageServices)
		if w.form == nil || w.form.old != name || name == "" {
			w.vacate(func() { w.edit(name) })
		}
		return
	}
	begun := backend.NewForm()
	if name != "" {
		var err error
		if begun, err = w.backend.Form(name); err != nil {
			w.say(markFailed, backend.Sentence(err.Error()))
			return
		}
	}
	w.openForm(name, begun)
}

func (w *window) openForm(old string, begun backend.Form) {
	w.form = newServiceForm(w.face, old, begun, w.formDone)
	w.open(pageServices)
}

// control opens the rules of a service.
func (w *window) control(name string) {
	if !w.onList() {
		w.vacate(func() { w.control(name) })
		return
	}
	w.picker = nil
	begun, err := w.backend.Control(name)
	if err != nil {
		w.say(markFailed, backend.Sentence(err.Error()))
		return
	}
	w.rules = newRulesPage(w.face, name, begun, func(saved bool) {
		w.rules = nil
		if w.page != pageServices {
			return
		}
		if saved {
			w.services.saved(name)
		}
		w.open(pageServices)
	})
	w.open(pageServices)
}

// formDone goes back to the list.
func (w *window) formDone(saved string) {
	w.form = nil
	if saved != "" {
		w.picker = nil
	}
	if w.page != pageServices {
		return
	}
	if saved != "" {
		w.services.saved(saved)
	}
	w.open(pageServices)
}

// duplicate opens the form of a new service that is like another one, keys
// included; those in the environment or a file have to be named again.
func (w *window) duplicate(name string) {
	if !w.onList() {
		w.create()
		return
	}
	f, err := w.backend.Form(name)
	if err != nil {
		w.say(markFailed, backend.Sentence(err.Error()))
		return
	}
	w.loop.run(fmt.Sprintf(lang.L("Copying %s…"), name), func(ctx context.Context) error {
		return w.readKeys(ctx, name, &f)
	}, func(err error) {
		if w.page != pageServices || !w.onList() || w.picker != nil { // the person is at something else by now
			w.say(markInfo, fmt.Sprintf(lang.L("%s was not duplicated: there is something else on the page."), name))
			return
		}
		f.Name = name + "-copy"
		if slices.Contains(backend.Kept, f.Credential) {
			f.Credential, f.Template, f.Keys = backend.NoCredential, nil, nil
			err = errors.Join(err, errors.New(lang.L("this kind of credential is edited in the config file: copy it there")))
		}
		w.openForm("", f)
		if err != nil {
			w.form.trouble.say(markWarning, lang.L("The key was not copied"), backend.Sentence(err.Error()), w.form.trouble.dismiss())
		}
	})
}

// readKeys turns a form's stored keys into typed ones.
func (w *window) readKeys(ctx context.Context, name string, f *backend.Form) error {
	var failed error
	take := func(field string, s *backend.SecretField) {
		if s.Stored && s.Where != secret.Env && s.Where != secret.File {
			v, err := w.backend.Reveal(ctx, name, field)
			failed = errors.Join(failed, err)
			s.Value = v
		}
		s.Stored = false
	}
	take("token", &f.Token)
	take("username", &f.Username)
	take("password", &f.Password)
	for i := range f.Headers {
		take("headers/"+f.Headers[i].Name, &f.Headers[i].Value)
	}
	return failed
}
