package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/storage"
	"fyne.io/fyne/v2/test"
)

// dropped has files fall on the window, and waits for what it says of them.
func (s *screen) dropped(paths ...string) {
	s.t.Helper()
	before := s.intake.turn
	s.intake.offer(paths)
	s.until("a word about the files", func() bool { return s.intake.turn > before && s.intake.root.Visible() && len(s.loop.busy) == 0 })
}

// pressIn taps a strip's button.
func pressIn(t *testing.T, s *strip, label string) {
	t.Helper()
	for _, o := range s.buttons.Objects {
		if b := o.(*button); b.Text == label {
			test.Tap(b)
			return
		}
	}
	t.Fatalf("there is no button %q on “%s”", label, s.shown.title)
}

// droppable is a window that is given a drop, as Fyne's test window is not.
type droppable struct {
	fyne.Window
	drop func(fyne.Position, []fyne.URI)
}

func (d *droppable) SetOnDropped(f func(fyne.Position, []fyne.URI)) { d.drop = f }

// TestDrop: what is dropped is shown, asked about and imported; what is no config is
// said to be none.
func TestDrop(t *testing.T) {
	s := open(t, testConfig)
	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	mail := write("mail.json", `{"services": {"mail": {"base_url": "https://mail.example.com"}}, "listen": "127.0.0.1:9000"}`)
	mine := write("mine.json", `{"services": {"acme": {"base_url": "https://another.example.com"}}}`)
	letter := write("letter.txt", "Dear Ada,")
	empty := write("empty.json", `{"services": {}}`)
	huge := write("huge.json", strings.Repeat(" ", 17<<20))
	tests := []struct {
		name, title, buttons string
		paths, words         []string
	}{
		{"a config", "Import these services?", "Import Cancel", []string{mail}, []string{"mail.json: mail.", "Not taken over: listen"}},
		{"one that is here", "Replace the services that are here?", "Replace Cancel", []string{mine}, []string{"mine.json: here already: acme."}},
		{"several", "Import these services?", "Import the others Import and replace Cancel", []string{mail, mine, letter}, []string{"mail.json: mail.", "here already: acme", "letter.txt cannot be imported. 1:1"}},
		{"no config", "This is nothing to import", "Close", []string{letter}, []string{"letter.txt cannot be imported. 1:1"}},
		{"no service", "This is nothing to import", "Close", []string{empty}, []string{"no service"}},
		{"a folder", "This is nothing to import", "Close", []string{dir}, []string{"It is a folder"}},
		{"what is gone", "This is nothing to import", "Close", []string{filepath.Join(dir, "gone.json")}, []string{"no such file"}},
		{"the own one", "This is nothing to import", "Close", []string{s.b.View().ConfigPath}, []string{"in use"}},
		{"a huge one", "This is nothing to import", "Close", []string{huge}, []string{"too large"}},
		{"nothing", "No file was dropped", "Close", nil, nil},
		{"a crowd", "These are too many files", "Close", make([]string, intakeMost+1), nil},
	}
	for _, tt := range tests {
		s.dropped(tt.paths...)
		n := s.intake.strip
		var labels []string
		for _, o := range n.buttons.Objects {
			labels = append(labels, o.(*button).Text)
		}
		if got := strings.Join(labels, " "); n.shown.title != tt.title || got != tt.buttons {
			t.Errorf("%s: it says “%s” with %s, want “%s” with %s", tt.name, n.shown.title, got, tt.title, tt.buttons)
		}
		for _, w := range tt.words {
			if !strings.Contains(n.shown.text, w) {
				t.Errorf("%s: %q is not in %q", tt.name, w, n.shown.text)
			}
		}
	}
	if got := len(s.b.View().Services); got != 5 {
		t.Fatalf("looking at files changed the services: %d", got)
	}

	w := &droppable{Window: s.win}
	s.intake.listen(w)
	w.drop(fyne.Position{}, []fyne.URI{storage.NewFileURI(mail), storage.NewFileURI(mine)})
	s.until("the question", func() bool { return s.intake.strip.shown.title == "Import these services?" })
	pressIn(t, s.intake.strip, "Import the others")
	s.until("the service", func() bool { return s.intake.strip.shown.title == "Imported services: 1" })
	if got := s.services.urlOf("mail"); got == "" || s.b.View().Services[0].BaseURL != "https://api.acme.example/v2" {
		s.until("it is listed", func() bool { return s.services.urlOf("mail") != "" })
	}
	s.dropped(mine)
	pressIn(t, s.intake.strip, "Replace")
	s.until("the other one", func() bool { return s.b.View().Services[0].BaseURL == "https://another.example.com" })
	s.until("that is said", func() bool { return s.intake.strip.shown.title == "Imported services: 1" })
	pressIn(t, s.intake.strip, "Close")
	if s.intake.root.Visible() {
		t.Error("it cannot be closed")
	}

	s.intake.offer([]string{write("old.age", "age")})
	if s.page != pageSettings || s.settings.backup.making || !s.settings.backup.fields.Visible() {
		t.Error("a backup does not lead to where it is restored")
	}
}
