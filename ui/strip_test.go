package ui

import (
	"testing"

	"fyne.io/fyne/v2/test"
)

// TestStripKeepsItsButtons: while a strip's words change its buttons stay, or the one that
// is being pressed would be gone; and they do what was said last.
func TestStripKeepsItsButtons(t *testing.T) {
	test.NewTempApp(t)
	did := ""
	does := func(what string) action { return action{label: "Cancel", do: func() { did = what }} }
	s := newStrip(&hotkeys{})
	s.say(markInfo, "Exporting", "1", does("first"))
	b := s.buttons.Objects[0].(*button)
	for _, tt := range []struct{ text, do string }{{"2", "second"}, {"2", "third"}} {
		s.say(markInfo, "Exporting", tt.text, does(tt.do))
		if s.buttons.Objects[0] != b {
			t.Errorf("%s: it is another button", tt.do)
		}
		if test.Tap(&b.Button); did != tt.do {
			t.Errorf("the button does the %s, want the %s", did, tt.do)
		}
	}
	s.clear()
	s.say(markInfo, "Exporting", "2", does("fourth"))
	if test.Tap(&s.buttons.Objects[0].(*button).Button); did != "fourth" {
		t.Errorf("the button does the %s, want the fourth", did)
	}
}
