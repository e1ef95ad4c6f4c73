package ui

import (
	"context"
	"fmt"
	"net/url"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// blankField is where a part of a preset's base URL is filled in.
type blankField struct {
	blank  backend.Blank
	entry  *entry  // nil: it is chosen
	choice *choice // nil: it is typed
}

func (b *blankField) value() string {
	if b.entry != nil {
		return b.entry.Text
	}
	for _, c := range b.blank.Choices {
		if c.Label == b.choice.Selected {
			return c.Value
		}
	}
	return ""
}

// widget is the part that takes the keyboard.
func (b *blankField) widget() interface {
	fyne.Focusable
	fyne.Disableable
} {
	if b.entry != nil {
		return b.entry
	}
	return b.choice
}

// address are the fields of the base URL: its blanks, or all of it.
func (s *serviceForm) address() []fyne.CanvasObject {
	s.baseURL = s.entry("base_url", "https://api.github.com")
	if s.preset == nil || len(s.preset.Blanks) == 0 {
		return []fyne.CanvasObject{s.put("base_url", lang.L("Base URL"), lang.L("The address of the API. Without a scheme, https is meant."), s.baseURL)}
	}
	var fields []fyne.CanvasObject
	for _, blank := range s.preset.Blanks {
		b, name := &blankField{blank: blank}, "blank/"+blank.ID
		var content fyne.CanvasObject
		if len(blank.Choices) > 0 {
			var labels []string
			for _, c := range blank.Choices {
				labels = append(labels, c.Label)
			}
			b.choice = newChoice(s.keys, labels, func(string) { s.changed(name) })
			content = frame(b.choice)
		} else {
			b.entry = s.entry(name, blank.Example)
			content = b.entry
		}
		s.blanks = append(s.blanks, b)
		fields = append(fields, s.put(name, blank.Label, blank.Hint, content))
	}
	s.preview = plain("").mono().flexible()
	s.preview.size = theme.SizeNameCaptionText
	return append(fields, s.put("base_url", lang.L("Base URL"), "", inset(7, 7, 0, 0, s.preview)))
}

// fillBlanks shows what the blanks begin with.
func (s *serviceForm) fillBlanks() {
	for _, b := range s.blanks {
		value := s.begun.Blanks[b.blank.ID]
		if b.entry != nil {
			b.entry.SetText(value)
			continue
		}
		for _, c := range b.blank.Choices {
			if c.Value == value {
				b.choice.SetSelected(c.Label)
			}
		}
		b.choice.focused = func() { revealInto(s.scroll, b.choice) }
	}
}

// given reads the blanks and keys into a form.
func (s *serviceForm) given(f *backend.Form) {
	f.Keys = nil
	for _, k := range s.begun.Keys {
		k.Value = s.keyFields["key/"+k.Field].value()
		f.Keys = append(f.Keys, k)
	}
	if len(s.blanks) == 0 {
		return
	}
	f.Blanks = map[string]string{}
	for _, b := range s.blanks {
		f.Blanks[b.blank.ID] = b.value()
	}
	f.BaseURL, _ = s.preset.Fill(f.Blanks)
}

// givenKeys are the fields of the keys of a credential that is given.
func (s *serviceForm) givenKeys() fyne.CanvasObject {
	box := column(gap)
	for _, key := range s.begun.Keys {
		name, hint := "key/"+key.Field, key.Hint
		if !key.Open && hint == "" {
			hint = fmt.Sprintf(lang.L("Kept in %s. The eye, or Ctrl+R, shows it."), s.keeper())
		}
		k := s.newKey(key.Field, key.Value)
		if key.Open {
			k.entry.Password, k.entry.ActionItem, k.entry.reveal = false, nil, nil
		}
		if !key.Value.Stored {
			k.entry.SetPlaceHolder(key.Example)
		}
		s.keyFields[name] = k
		o := s.put(name, key.Label, hint, k.entry)
		s.watch(k.entry, func() { s.fields[name].touched = true }, s.fields[name].root)
		box.Add(o)
	}
	return box
}

// presetKey is the part with the keys of a preset.
func (s *serviceForm) presetKey() fyne.CanvasObject {
	p := s.preset
	find := newButton(s.keys, lang.L("Where do I find this key?"), theme.SearchIcon(), func() { s.browse(p.KeyURL(s.value().Blanks)) })
	if len(p.Keys) > 1 {
		find.SetText(lang.L("Where do I find these?"))
	}
	docs := newButton(s.keys, lang.L("Documentation"), theme.HelpIcon(), func() { s.browse(p.Docs) }).quiet()
	words := newProse(p.FindKey.Words, theme.SizeNameCaptionText, colorMuted)
	help := column(gapSmall, row(gapSmall, find, docs), words.root)
	if p.Notes != "" {
		help.Add(newProse(p.Notes, theme.SizeNameCaptionText, colorMuted).root)
	}
	for _, b := range []*button{find, docs} {
		b.focused = func() { revealInto(s.scroll, help) }
	}
	return group(lang.L("Key"), fmt.Sprintf(lang.L("Lockbox puts it on each call, the way %s wants it. Callers never see it."), p.Name), s.givenKeys(),
		container.NewBorder(nil, nil, blankWidth(labelWidth), nil, atMost(fieldWidth, help)))
}

// browse opens a page of the provider's.
func (s *serviceForm) browse(address string) {
	u, err := url.Parse(address)
	if err != nil {
		return // of our own data
	}
	s.loop.run(lang.L("Opening the page…"), func(context.Context) error { return s.app.OpenURL(u) }, func(err error) {
		if err != nil {
			s.say(markFailed, fmt.Sprintf(lang.L("No browser opened. The page is %s"), address))
		}
	})
}

// presetTrial is the part that makes the preset's harmless call.
func (s *serviceForm) presetTrial() fyne.CanvasObject {
	t := s.preset.Test
	s.test = newButton(s.keys, lang.L("Test"), theme.MediaPlayIcon(), s.tryPreset)
	s.verdict = newNarrowStrip(s.keys)
	call := caption(t.Method + " " + t.Path).mono().flexible()
	line := container.NewBorder(nil, nil, s.test, nil, inset(0, 0, gap, 0, middle(call)))
	s.test.focused = func() { revealInto(s.scroll, line) }
	return group(lang.L("Test"), fmt.Sprintf(lang.L("One harmless call with what is filled in. It changes nothing at %s."), s.preset.Name),
		container.NewBorder(nil, nil, blankWidth(labelWidth), nil, atMost(fieldWidth, column(gapSmall, line, s.verdict.root))))
}

// tryPreset makes the call and says who answered.
func (s *serviceForm) tryPreset() {
	f := s.value()
	if bad := s.backend.Check(s.old, f); len(bad) > 0 {
		s.all = true
		s.refuse(bad)
		return
	}
	s.test.Disable()
	s.trouble.clear()
	s.tell(markInfo, fmt.Sprintf(lang.L("Asking %s…"), s.preset.Name))
	s.tried++
	try := s.tried
	var v backend.PresetVerdict
	s.loop.run(fmt.Sprintf(lang.L("Testing %s…"), f.Name), func(ctx context.Context) (err error) {
		v, err = s.backend.TestPreset(ctx, s.old, f, s.preset)
		return err
	}, func(err error) {
		s.test.Enable()
		if try != s.tried {
			return // what was tested is no longer what is filled in
		}
		m, text := judged(v, err)
		s.tell(m, text)
		if s.tested != nil {
			s.tested(m, "")
		}
	})
}

// judged is what a preset's test has shown, as a mark and in words.
func judged(v backend.PresetVerdict, err error) (mark, string) {
	switch {
	case err != nil:
		return markFailed, backend.Sentence(err.Error())
	case v.State == backend.Works:
		return markGood, v.Text
	case v.State == backend.Limited:
		return markWarning, v.Text
	}
	return markFailed, v.Text
}

func (s *serviceForm) tell(m mark, text string) {
	s.verdict.say(m, "", text)
	s.scroll.Content.Refresh()
	revealInto(s.scroll, s.verdict.root)
}

// untell takes back a verdict on what has changed since.
func (s *serviceForm) untell() {
	if s.verdict != nil && s.verdict.root.Visible() {
		s.tried++
		s.verdict.clear()
		s.scroll.Content.Refresh()
	}
}
