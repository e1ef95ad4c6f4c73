package ui

import (
	"fmt"
	"net/url"
	"reflect"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// serviceForm is the page on which a service is made or changed. It is built
// anew each time, so that no key outlives its page.
type serviceForm struct {
	*face
	root   fyne.CanvasObject
	old    string // the service's name, "" for a new one
	begun  backend.Form
	preset *backend.Preset    // that a new service is of; nil: none
	done   func(saved string) // back to the list; "" when nothing was saved

	name, baseURL, audiences *entry
	connect, read            *entry
	kind, who                *choice
	kinds                    []credentialKind
	keyFields                map[string]*keyField
	headers                  *headerRows
	tokenRequired, redirects *check
	public                   *check
	fields                   map[string]*field
	bodies                   map[string]fyne.CanvasObject // of each credential
	audienceBox              *fyne.Container
	blanks                   []*blankField // of the preset
	preview                  *line         // of the base URL with its blanks filled; nil: it is typed

	verdict     *strip // of the preset's test; nil: without a preset
	tried       int    // counts the tests, to tell an old one's end
	method      *choice
	path        *entry
	test        *button
	result      *line
	save, leave *button
	trouble     *strip
	ask         *strip
	scroll      *container.Scroll
	parts       formParts

	all     bool // Save was pressed: every field's reason is shown
	saving  bool
	refocus func() // after saving

	// What a form that is filled in step by step does otherwise.
	onward  func()                     // what Enter and the first button do
	label   string                     // of that button
	tested  func(m mark, mends string) // after a test; may be nil, as the next
	refused func()                     // before it is said what is wrong
}

// formParts are the cards of a form.
type formParts struct{ about, credential, trial, callers, limits fyne.CanvasObject }

func newServiceForm(f *face, old string, begun backend.Form, done func(string)) *serviceForm {
	s := newFormFields(f, old, begun, done)
	var head fyne.CanvasObject = title(lang.L("New service"))
	switch {
	case s.preset != nil:
		badge := newBadgeIcon()
		badge.set(presetEmblem(s.preset))
		head = row(gap, badge, middle(title(fmt.Sprintf(lang.L("New service: %s"), s.preset.Name))))
	case old != "":
		head = title(fmt.Sprintf(lang.L("Edit %s"), old))
	}
	foot := column(gapSmall, s.trouble.root, s.ask.root, ends(caption(lang.L("Enter or Ctrl+S saves, Esc cancels.")), container.New(mirrored{}, s.save, s.leave)))
	s.root = container.NewBorder(inset(0, gap, 0, 0, middle(head)), inset(gap, 0, 0, 0, foot), nil, nil, s.scroll)
	return s
}

// newFormFields is a form without the page around its cards.
func newFormFields(f *face, old string, begun backend.Form, done func(string)) *serviceForm {
	s := &serviceForm{face: f, old: old, begun: begun, preset: begun.PresetOf(), done: done, label: lang.L("Save"),
		fields: map[string]*field{}, keyFields: map[string]*keyField{}, bodies: map[string]fyne.CanvasObject{}}
	s.onward = s.submit
	s.trouble, s.ask = newStrip(f.keys), newStrip(f.keys)
	p := &s.parts
	p.about, p.credential, p.callers, p.limits = s.about(), s.credential(), s.callers(), s.limits()
	body := column(gap, p.about, p.credential)
	if s.preset != nil {
		p.trial = s.presetTrial()
		body.Objects = append(body.Objects, p.trial, p.callers, p.limits)
	} else {
		p.trial = s.trial()
		body.Objects = append(body.Objects, p.callers, p.limits, p.trial)
	}
	s.scroll = container.NewVScroll(inset(0, gap, 0, gap, body))
	s.save = newButton(f.keys, s.label, theme.DocumentSaveIcon(), func() { s.onward() }).primary()
	s.leave = newButton(f.keys, lang.L("Cancel"), nil, s.cancel)
	s.fill()
	return s
}

// fill shows what the form begins with.
func (s *serviceForm) fill() {
	b := s.begun
	s.name.SetText(b.Name)
	s.baseURL.SetText(b.BaseURL)
	s.fillBlanks()
	for _, k := range s.kinds {
		if k.kind == b.Credential {
			s.kind.SetSelected(k.label)
		}
	}
	s.tokenRequired.SetChecked(b.TokenRequired)
	s.public.SetChecked(b.Public)
	s.audiences.SetText(strings.Join(b.Audiences, ", "))
	s.who.SetSelected(lang.L(theseAudience))
	if b.AnyAudience {
		s.who.SetSelected(lang.L(anyAudience))
	}
	s.connect.SetText(b.ConnectTimeout)
	s.read.SetText(b.ReadTimeout)
	s.redirects.SetChecked(b.AllowRedirects)
	for _, f := range s.fields {
		f.touched = false
	}
	s.kind.focused = func() { revealInto(s.scroll, s.kind) }
	s.who.focused = func() { revealInto(s.scroll, s.who) }
	s.tokenRequired.focused = func() { revealInto(s.scroll, s.tokenRequired) }
	s.public.focused = func() { revealInto(s.scroll, s.public) }
	s.redirects.focused = func() { revealInto(s.scroll, s.redirects) }
	s.showKind()
	s.check()
}

// value is the form as it is filled in.
func (s *serviceForm) value() backend.Form {
	f := s.begun
	f.Name, f.BaseURL = strings.TrimSpace(s.name.Text), strings.TrimSpace(s.baseURL.Text)
	f.Credential = s.kindOf()
	f.Token, f.Username, f.Password = s.keyFields["token"].value(), s.keyFields["username"].value(), s.keyFields["password"].value()
	f.Headers = nil
	if f.Credential == "headers" {
		f.Headers = s.headers.value()
	}
	f.TokenRequired, f.Public, f.AllowRedirects = s.tokenRequired.Checked, s.public.Checked, s.redirects.Checked
	f.AnyAudience = s.who.Selected == lang.L(anyAudience)
	f.Audiences = nil
	if !f.AnyAudience {
		for _, a := range strings.Split(s.audiences.Text, ",") {
			if a = strings.TrimSpace(a); a != "" {
				f.Audiences = append(f.Audiences, a)
			}
		}
	}
	f.ConnectTimeout, f.ReadTimeout = strings.TrimSpace(s.connect.Text), strings.TrimSpace(s.read.Text)
	s.given(&f)
	return f
}

// dirty reports whether something would be lost.
func (s *serviceForm) dirty() bool {
	plain := func(f backend.Form) backend.Form {
		if f.Credential != "headers" || len(f.Headers) == 1 && f.Headers[0].Name == "" && f.Headers[0].Value.Value.IsZero() {
			f.Headers = nil
		}
		if len(f.Audiences) == 0 || f.AnyAudience {
			f.Audiences = nil
		}
		return f
	}
	return !reflect.DeepEqual(plain(s.value()), plain(s.begun))
}

// changed follows a change: the field's, when it has a name of its own.
func (s *serviceForm) changed(name string) {
	if s.save == nil {
		return // still being built
	}
	if f := s.fields[name]; f != nil {
		f.touched = true
	}
	s.tried++
	s.untell()
	s.check()
}

// check says beside each field that was touched what is wrong with it.
func (s *serviceForm) check() {
	f := s.value()
	bad, odd := s.backend.Check(s.old, f), s.backend.Warn(f)
	s.fields["name"].hint = lang.L("A part of the address that callers use.")
	if f.Name != "" && bad["name"] == "" {
		s.fields["name"].hint = fmt.Sprintf(lang.L("Callers use %s/s/%s/…"), s.backend.View().BaseURL, url.PathEscape(f.Name))
	}
	if s.preview != nil {
		s.preview.set(f.BaseURL, theme.ColorNameForeground)
		if f.BaseURL == "" {
			s.preview.set(s.preset.Template(), colorMuted)
		}
	}
	for name, field := range s.fields {
		switch {
		case bad[name] != "" && (s.all || field.touched):
			field.say(markFailed, backend.Sentence(bad[name]))
		case odd[name] != "":
			field.say(markWarning, backend.Sentence(odd[name]))
		default:
			field.say(markNone, "")
		}
	}
	s.headers.say(bad, s.all)
	if why := bad["headers"]; why != "" && s.all {
		s.fields["credential"].say(markFailed, backend.Sentence(why))
	}
	s.audiences.Hidden = f.AnyAudience
	s.audienceBox.Refresh()
	if f.TokenRequired {
		s.fields["audiences"].root.Show()
	} else {
		s.fields["audiences"].root.Hide()
	}
}

// cancel goes back, after asking when something would be lost.
func (s *serviceForm) cancel() { s.abandon(func() { s.done("") }) }

// abandon calls then when nothing is lost by it, or the person does not mind.
func (s *serviceForm) abandon(then func()) {
	if s.saving {
		return
	}
	discard := func() { s.forget(); then() }
	if !s.dirty() {
		discard()
		return
	}
	s.askDiscard(s.ask, discard)
}

// forget drops the keys that the fields hold.
func (s *serviceForm) forget() { s.eachKey((*keyField).forget) }

// conceal drops what is shown of stored keys: Lockbox is locked.
func (s *serviceForm) conceal() { s.eachKey((*keyField).conceal) }

func (s *serviceForm) eachKey(do func(*keyField)) {
	for _, k := range s.keyFields {
		do(k)
	}
	for _, r := range s.headers.rows {
		do(r.key)
	}
}

// begin is the field that has the keyboard first: the first one that a preset has
// left to be filled in.
func (s *serviceForm) begin() fyne.Focusable {
	for _, b := range s.blanks {
		if b.value() == "" {
			return b.widget()
		}
	}
	if s.preset != nil {
		return s.keyFields["key/"+s.begun.Keys[0].Field].entry
	}
	if s.name.Text != "" && s.baseURL.Text == "" {
		return s.baseURL
	}
	return s.name
}

// key is what the page does with a key.
func (s *serviceForm) key(k fyne.KeyName) bool {
	switch {
	case k == fyne.KeyEscape && s.ask.root.Visible():
		s.ask.clear()
		s.focus(s.begin())
	case k == fyne.KeyEscape:
		s.cancel()
	case isEnter(k):
		s.onward()
	default:
		return false
	}
	return true
}
