package ui

import (
	"fmt"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// places are what the window can show, by name, with how to get there from a window
// that was just opened.
var places = []struct {
	name string
	open func(s *screen)
}{
	{"overview", func(s *screen) { s.window.open(pageOverview) }},
	{"services", func(s *screen) { s.openServices() }},
	{"a service", func(s *screen) { s.showService("acme") }},
	{"a broken service", func(s *screen) { s.showService("weather") }},
	{"a caller of a service", func(s *screen) { s.showService("github"); s.services.detail.openKit() }},
	{"deleting a service", func(s *screen) { s.showService("acme"); s.services.detail.confirm() }},
	{"picking an API", func(s *screen) { s.create() }},
	{"a new service", func(s *screen) { s.edit("") }},
	{"a new service with headers", func(s *screen) { s.edit(""); s.form.kind.SetSelected("Headers") }},
	{"a service of a preset", func(s *screen) { s.create(); s.choose(s.picker.all["github"].preset, "") }},
	{"a service of a preset with blanks", func(s *screen) { s.create(); s.choose(s.picker.all["mailgun"].preset, "") }},
	{"editing a service", func(s *screen) { s.edit("acme") }},
	{"control of a service", func(s *screen) { s.control("acme") }},
	{"rules as text", func(s *screen) { s.control("acme"); s.rules.toggle() }},
	{"tokens", func(s *screen) { s.window.open(pageTokens) }},
	{"a new token", func(s *screen) { s.newToken("github") }},
	{"a new token until a date", func(s *screen) { s.newToken("github"); s.tokens.maker.lifetime.SetSelected(untilDate) }},
	{"a made token", func(s *screen) {
		s.newToken("github")
		s.tokens.maker.audience.SetText("make")
		s.tokens.maker.submit()
		s.until("the token", func() bool { return s.tokens.maker.made.Visible() })
	}},
	{"a token", func(s *screen) {
		s.window.open(pageTokens)
		s.until("it is listed", func() bool { return len(s.tokens.found) > 0 })
		s.tokens.list.Select(0)
	}},
	{"panic", func(s *screen) { s.window.open(pageTokens); s.tokens.askPanic() }},
	{"the audit log", func(s *screen) { s.window.open(pageAudit) }},
	{"a record", func(s *screen) {
		s.window.open(pageAudit)
		s.until("calls", func() bool { return len(s.audit.feed.calls) > 0 })
		s.audit.choose(0)
		s.until("the record", func() bool { return s.audit.detail.root.Visible() })
	}},
	{"a replay", func(s *screen) {
		s.audit.detail.edit()
		s.until("its form", func() bool { return s.audit.detail.again.root.Visible() })
	}},
	{"approvals", func(s *screen) { s.window.open(pageApprovals) }},
	{"the tunnel", func(s *screen) { s.window.open(pageTunnel) }},
	{"settings", func(s *screen) { s.window.open(pageSettings) }},
	{"a backup", func(s *screen) { s.window.open(pageSettings); s.settings.backup.begin("/tmp/x.age", true) }},
}

// leavePlace closes what a place has opened.
func leavePlace(s *screen) {
	if s.form != nil {
		s.form.forget()
	}
	s.form, s.rules, s.picker = nil, nil, nil
	s.services.detail.closeKit()
	s.services.detail.ask.clear()
	s.tokens.note.clear()
	s.tokens.maker.close()
	s.tokens.showSide()
}

// TestTabReachesEverything: what a click does, the keyboard does: by Tab, by a key of
// its own, or by the palette.
func TestTabReachesEverything(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(50))
	for _, p := range places {
		p.open(s)
		stops := tabStops(s)
		seen := 0
		walk(s.win.Content(), func(o fyne.CanvasObject) {
			how, ok := o.(fyne.Focusable)
			if d, is := o.(fyne.Disableable); is && d.Disabled() {
				return
			}
			switch x := o.(type) {
			case *navItem:
				if x.number.key == "" {
					t.Errorf("%s: %s has no key", p.name, x.label)
				}
			case *presetTile, *pick, *copyMark, *timeline:
				// The arrows; what is read; the palette; words in the search.
			case *peek:
				if e := entryAround(s.win.Content(), x); e == nil || e.reveal == nil {
					t.Errorf("%s: an eye works with the mouse only", p.name)
				}
			default:
				_, tapped := o.(fyne.Tappable)
				if !ok && tapped && strings.HasPrefix(fmt.Sprintf("%T", o), "*ui.") {
					t.Errorf("%s: a %T works with the mouse only", p.name, o)
				}
				if ok && strings.HasPrefix(fmt.Sprintf("%T", o), "*ui.") {
					seen++
					if !stops[how] {
						t.Errorf("%s: Tab does not come to a %T %s", p.name, o, labelOf(o))
					}
				}
			}
		})
		if seen < 3 {
			t.Errorf("%s: only %d things were looked at", p.name, seen)
		}
		leavePlace(s)
	}
}

// tabStops are what Tab comes to, once around.
func tabStops(s *screen) map[fyne.Focusable]bool {
	c := s.win.Canvas()
	c.Unfocus()
	stops := map[fyne.Focusable]bool{}
	for range 1000 {
		c.FocusNext()
		f := c.Focused()
		if f == nil || stops[f] {
			break
		}
		stops[f] = true
	}
	c.Unfocus()
	return stops
}

func entryAround(o fyne.CanvasObject, eye *peek) (found *entry) {
	walk(o, func(x fyne.CanvasObject) {
		if e, ok := x.(*entry); ok && e.ActionItem == fyne.CanvasObject(eye) {
			found = e
		}
	})
	return found
}

func labelOf(o fyne.CanvasObject) string {
	switch x := o.(type) {
	case *button:
		return x.Text
	case *entry:
		return x.PlaceHolder
	case *check:
		return x.Text
	}
	return ""
}

// TestEveryFieldHasAHint: a field says what goes into it, in itself or below.
func TestEveryFieldHasAHint(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(50))
	for _, p := range places {
		p.open(s)
		hinted := map[fyne.CanvasObject]bool{} // what stands above a line of help
		walk(s.win.Content(), func(o fyne.CanvasObject) {
			box, ok := o.(*fyne.Container)
			if !ok || len(box.Objects) != 2 {
				return
			}
			if help, ok := box.Objects[1].(*fyne.Container); ok && help.Visible() && hasProse(help) {
				walk(box.Objects[0], func(x fyne.CanvasObject) { hinted[x] = true })
			}
		})
		walk(s.win.Content(), func(o fyne.CanvasObject) {
			switch x := o.(type) {
			case *entry:
				if x.PlaceHolder == "" && !hinted[x] && x != s.tokens.maker.text {
					t.Errorf("%s: a field has no hint: %q is in it", p.name, x.Text)
				}
			case *check:
				if x.Text == "" && !hinted[x] {
					t.Errorf("%s: a box to tick says nothing", p.name)
				}
			case *choice:
				if x.Selected == "" && x.PlaceHolder == "" && !hinted[x] {
					t.Errorf("%s: a choice has no hint", p.name)
				}
			}
		})
		leavePlace(s)
	}
}

// hasProse reports whether something is text alone that can be seen.
func hasProse(o fyne.CanvasObject) (found bool) {
	filled := false
	walk(o, func(x fyne.CanvasObject) {
		if _, ok := x.(fyne.Focusable); ok {
			filled = true
		}
		if _, ok := x.(*widget.RichText); ok {
			found = true
		}
	})
	return found && !filled
}

// TestListKeys: the arrows, Home, End and the pages go through each list, and
// Escape leaves what was chosen.
func TestListKeys(t *testing.T) {
	s := openWith(t, testConfig, manyCalls(50))
	for i := range 3 {
		if _, err := s.b.MakeToken(t.Context(), "acme", "make", 0); err != nil {
			t.Fatal(i, err)
		}
	}
	s.openServices()
	at := func(l *list) int { return l.at() }
	for _, tt := range []struct {
		key  fyne.KeyName
		want int
	}{
		{fyne.KeyDown, 0}, {fyne.KeyDown, 1}, {fyne.KeyEnd, 4}, {fyne.KeyDown, 4}, {fyne.KeyUp, 3},
		{fyne.KeyPageUp, 0}, {fyne.KeyUp, 0}, {fyne.KeyPageDown, 4}, {fyne.KeyHome, 0}, {fyne.KeyEscape, -1},
	} {
		s.focus(s.services.list)
		s.press(tt.key)
		if got := at(s.services.list); got != tt.want {
			t.Errorf("services: %s leads to row %d, want %d", tt.key, got, tt.want)
		}
	}
	s.window.open(pageTokens)
	s.until("the tokens", func() bool { return len(s.tokens.found) == 3 })
	s.focus(s.tokens.list)
	s.press(fyne.KeyEnd)
	if got := at(s.tokens.list); got != 2 || !s.tokens.detail.root.Visible() {
		t.Errorf("tokens: End leads to row %d", got)
	}
	s.press(fyne.KeyUp, fyne.KeyReturn)
	if b, ok := s.win.Canvas().Focused().(*button); !ok || at(s.tokens.list) != 1 {
		t.Errorf("tokens: Enter leads to %v, row %d", b, at(s.tokens.list))
	}
	ring := func() (rows, list bool) {
		walk(s.tokens.list, func(o fyne.CanvasObject) {
			if f, ok := o.(*rowFrame); ok && f.ringed {
				rows = true
			}
		})
		return rows, s.tokens.list.focused
	}
	if rows, list := ring(); rows || list {
		t.Error("a row has a ring while the keyboard is elsewhere")
	}
	s.focus(s.tokens.list)
	if rows, list := ring(); !rows || !list {
		t.Error("the row that the keyboard is at has no ring")
	}
}

// TestRings: what has the keyboard can be told from what has not, on every ground, at
// a contrast of 3 to 1.
func TestRings(t *testing.T) {
	for name, p := range map[string]palette{"light": light, "dark": dark} {
		for _, ground := range []fyne.ThemeColorName{colorSurface, colorNav, theme.ColorNameBackground, theme.ColorNameOverlayBackground, colorInfoSoft, colorWarningSoft, colorErrorSoft, colorSuccessSoft} {
			if got := contrast(p[theme.ColorNamePrimary], p[ground]); got < 3 {
				t.Errorf("%s: a ring has %.1f on %s", name, got, ground)
			}
		}
	}
	s := open(t, testConfig)
	s.showService("acme")
	for _, f := range []fyne.Focusable{s.services.detail.edit, s.services.detail.audiences, s.services.list, s.tunnel.start} {
		if f == fyne.Focusable(s.tunnel.start) {
			s.window.open(pageTunnel)
		}
		on := func() bool {
			r, ok := test.WidgetRenderer(f.(fyne.Widget)).(*ringed)
			return ok && !r.ring.Hidden
		}
		if s.services.list.UnselectAll(); f == fyne.Focusable(s.services.list) {
			s.services.selected = ""
		}
		s.win.Canvas().Unfocus()
		if on() {
			t.Errorf("a %T has a ring without the keyboard", f)
		}
		s.focus(f)
		if !on() {
			t.Errorf("a %T has no ring", f)
		}
	}
}

// TestPick: a text is selected by a double click, copied by Ctrl+C, and let go of.
func TestPick(t *testing.T) {
	s := open(t, testConfig)
	s.showService("acme")
	var url *pick
	walk(s.services.detail.root, func(o fyne.CanvasObject) {
		if p, ok := o.(*pick); ok && p.text() == s.services.detail.info.URL {
			url = p
		}
	})
	if url == nil {
		t.Fatal("the address cannot be selected")
	}
	s.focus(s.services.list)
	url.DoubleTapped(nil)
	s.ctrl(fyne.KeyC)
	if got := s.app.Clipboard().Content(); got != s.services.detail.info.URL || s.win.Canvas().Focused() != nil {
		t.Errorf("%q was copied", got)
	}
	s.press(fyne.KeyEscape)
	if s.keys.picked != nil || s.services.selected != "acme" {
		t.Error("Escape closes more than the selection")
	}
	url.Dragged(nil)
	s.focus(s.services.search)
	if s.keys.picked != nil {
		t.Error("it is still selected when something is typed")
	}
}
