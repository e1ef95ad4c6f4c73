package ui

import (
	"fmt"
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// credentialKind is a choice of the credential, and what the config calls it.
type credentialKind struct{ label, kind string }

// The choices that a service always has.
var kinds = []credentialKind{
	{"Bearer token", "bearer"},
	{"User name and password", "basic"},
	{"Headers", "headers"},
	{"None", backend.NoCredential},
}

const (
	anyAudience   = "Any audience"
	theseAudience = "Only these audiences"
)

// mirrored puts things from the right to the left: the Tab key comes to Save
// before it comes to Cancel.
type mirrored struct{}

func (mirrored) MinSize(o []fyne.CanvasObject) fyne.Size {
	a, b := o[0].MinSize(), o[1].MinSize()
	return fyne.NewSize(a.Width+gapSmall+b.Width, max(a.Height, b.Height))
}

func (mirrored) Layout(o []fyne.CanvasObject, s fyne.Size) {
	a, b := o[0].MinSize().Width, o[1].MinSize().Width
	o[0].Resize(fyne.NewSize(a, s.Height))
	o[0].Move(fyne.NewPos(s.Width-a, 0))
	o[1].Resize(fyne.NewSize(b, s.Height))
	o[1].Move(fyne.NewPos(s.Width-a-gapSmall-b, 0))
}

// about is the part with name and address.
func (s *serviceForm) about() fyne.CanvasObject {
	s.name = s.entry("name", "github")
	name := s.put("name", lang.L("Name"), lang.L("A part of the address that callers use."), s.name)
	return group(lang.L("Service"), "", append([]fyne.CanvasObject{name}, s.address()...)...)
}

// credential is the part with the key.
func (s *serviceForm) credential() fyne.CanvasObject {
	s.kinds = slices.Clone(kinds)
	for i := range s.kinds {
		s.kinds[i].label = lang.L(s.kinds[i].label)
	}
	kept := slices.Contains(backend.Kept, s.begun.Credential)
	if kept {
		s.kinds = append(s.kinds, credentialKind{fmt.Sprintf(lang.L("%s, as in the config file"), credentialName(s.begun.Credential)), s.begun.Credential})
	}
	labels := make([]string, len(s.kinds))
	for i, k := range s.kinds {
		labels[i] = k.label
	}
	s.kind = newChoice(s.keys, labels, func(string) { s.showKind(); s.changed("credential") })
	key := func(name, label, hint string, stored backend.SecretField) fyne.CanvasObject {
		k := s.newKey(name, stored)
		s.keyFields[name] = k
		o := s.put(name, label, hint, k.entry)
		s.watch(k.entry, func() { s.fields[name].touched = true }, s.fields[name].root)
		return o
	}
	s.bodies["bearer"] = key("token", lang.L("Token"), fmt.Sprintf(lang.L("Kept in %s. The eye, or Ctrl+R, shows it."), s.keeper()), s.begun.Token)
	s.bodies["basic"] = column(gap,
		key("username", lang.L("User name"), lang.L("Some APIs take the key here and no password."), s.begun.Username),
		key("password", lang.L("Password"), lang.L("May be empty."), s.begun.Password))
	s.headers = newHeaderRows(s)
	s.headers.set(s.old, s.begun.Headers)
	s.bodies["headers"] = s.headers.root
	if s.preset != nil {
		s.kinds = []credentialKind{{s.preset.Name, s.begun.Credential}}
		s.kind.Options = []string{s.preset.Name}
		return s.presetKey()
	}
	hint := ""
	if kept {
		hint = lang.L("Its keys can be replaced here. The rest is edited in the config file, and stays as it is there.")
		s.bodies[s.begun.Credential] = s.givenKeys()
	}
	parts := []fyne.CanvasObject{s.put("credential", lang.L("Credential"), hint, frame(s.kind))}
	for _, k := range s.kinds {
		if b, ok := s.bodies[k.kind]; ok {
			parts = append(parts, b)
		}
	}
	return group(lang.L("Key"), lang.L("Lockbox puts it on each call. Callers never see it."), parts...)
}

// newKey is a field for a key of this service.
func (s *serviceForm) newKey(field string, stored backend.SecretField) *keyField {
	return newKeyField(s.face, s.old, field, stored, func(err error) {
		s.trouble.say(markFailed, lang.L("The key cannot be shown"), backend.Sentence(err.Error()), s.trouble.dismiss())
	})
}

// callers is the part that says who may call.
func (s *serviceForm) callers() fyne.CanvasObject {
	s.tokenRequired = newCheck(s.keys, lang.L("Ask callers for a service token"), func(bool) { s.changed("token_required") })
	s.public = newCheck(s.keys, lang.L("Callers from the internet may come in"), func(bool) { s.changed("token_required") })
	s.who = newChoice(s.keys, []string{lang.L(anyAudience), lang.L(theseAudience)}, func(string) { s.changed("audiences") })
	s.audiences = s.entry("audiences", "zapier, make")
	s.audienceBox = column(gapSmall, frame(s.who), s.audiences)
	return group(lang.L("Callers"), lang.L("An audience is who a token was made for, such as zapier. Taking it off the list revokes its tokens."),
		s.put("token_required", lang.L("Token"), "", s.tokenRequired),
		s.put("audiences", lang.L("Audiences"), "", s.audienceBox),
		s.put("tunnel", lang.L("From elsewhere"), lang.L("By the tunnel, while it is open. Without it, callers on this computer alone."), s.public))
}

// limits is the part with the time-outs and redirects.
func (s *serviceForm) limits() fyne.CanvasObject {
	s.connect, s.read = s.entry("connect_timeout", lang.L("none")), s.entry("read_timeout", lang.L("none"))
	s.redirects = newCheck(s.keys, lang.L("Follow redirects within the base URL"), func(bool) { s.changed("") })
	return group(lang.L("Limits"), "",
		s.put("connect_timeout", lang.L("Connect within"), lang.L("Seconds. Empty: no limit."), atMost(120, s.connect)),
		s.put("read_timeout", lang.L("Answer begins within"), lang.L("Seconds. Empty: no limit."), atMost(120, s.read)),
		s.put("allow_redirects", lang.L("Redirects"), "", s.redirects))
}

// put makes a field of the form.
func (s *serviceForm) put(name, label, hint string, content fyne.CanvasObject) fyne.CanvasObject {
	f := newField(label, hint, content)
	s.fields[name] = f
	return f.root
}

// entry is a text field of the form.
func (s *serviceForm) entry(name, hint string) *entry {
	e := newEntry(s.keys)
	e.SetPlaceHolder(hint)
	s.watch(e, func() { s.fields[name].touched = true }, nil)
	return e
}

// watch has the form follow what is typed into a field.
func (s *serviceForm) watch(e *entry, touch func(), seen fyne.CanvasObject) {
	if seen == nil {
		seen = e
	}
	e.OnChanged = func(string) { touch(); s.changed("") }
	e.OnSubmitted = func(string) { s.onward() }
	e.focused = func() { revealInto(s.scroll, seen) }
	e.left = func() {
		if e.Text != "" {
			touch()
			s.check()
		}
	}
}

func (s *serviceForm) kindOf() string {
	for _, k := range s.kinds {
		if k.label == s.kind.Selected {
			return k.kind
		}
	}
	return ""
}

// showKind shows the fields of the credential that is chosen.
func (s *serviceForm) showKind() {
	for kind, o := range s.bodies {
		if kind == s.kindOf() {
			o.Show()
		} else {
			o.Hide()
		}
	}
	if s.scroll != nil {
		s.scroll.Content.Refresh()
	}
}
