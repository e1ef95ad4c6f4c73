package ui

import (
	"os"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/proxy/secret"
)

// reason is what a field says is wrong; "" while it says nothing or its hint.
func (s *serviceForm) reason(name string) string {
	f := s.fields[name]
	if f.marker.mark == markNone {
		return ""
	}
	return f.note.seg.Text
}

// TestFormSaysWhyAsItIsTyped: a field speaks when it was touched, not before.
func TestFormSaysWhyAsItIsTyped(t *testing.T) {
	s := open(t, testConfig)
	tests := []struct {
		field string
		into  func(*serviceForm) *entry
		typed string
		want  string // in the reason; "" for none
	}{
		{"name", func(f *serviceForm) *entry { return f.name }, "good-name", ""},
		{"name", func(f *serviceForm) *entry { return f.name }, "a/b", "The name cannot be used in a path"},
		{"name", func(f *serviceForm) *entry { return f.name }, "github", "Another service has this name"},
		{"base_url", func(f *serviceForm) *entry { return f.baseURL }, "api.example.com", ""},
		{"base_url", func(f *serviceForm) *entry { return f.baseURL }, "ftp://x.example", "The base URL must begin with https://"},
		{"base_url", func(f *serviceForm) *entry { return f.baseURL }, "http://x.example", "lets everyone on the way read the key"},
		{"base_url", func(f *serviceForm) *entry { return f.baseURL }, "http://127.0.0.1:9", "unless the service is on this machine"},
		{"connect_timeout", func(f *serviceForm) *entry { return f.connect }, "soon", "This is not a number of seconds"},
		{"read_timeout", func(f *serviceForm) *entry { return f.read }, "0.5", ""},
		{"token", func(f *serviceForm) *entry { return f.keyFields["token"].entry }, "two\nlines", "line break"},
		{"token", func(f *serviceForm) *entry { return f.keyFields["token"].entry }, "env://", "written env://NAME"},
	}
	for _, tt := range tests {
		s.edit("")
		f := s.form
		for name := range f.fields {
			if why := f.reason(name); why != "" {
				t.Errorf("a new form says of %s: %s", name, why)
			}
		}
		e := tt.into(f)
		if tt.field == "connect_timeout" {
			e.SetText("")
		}
		e.SetText(tt.typed)
		if got := f.reason(tt.field); (got == "") != (tt.want == "") || !strings.Contains(got, tt.want) {
			t.Errorf("%s %q: the form says %q, want %q", tt.field, tt.typed, got, tt.want)
		}
		if strings.Contains(f.reason("token"), "two") {
			t.Errorf("the key is in the reason: %s", f.reason("token"))
		}
		s.form = nil
	}
}

// TestFormSaves: typed, saved, served, and told.
func TestFormSaves(t *testing.T) {
	s := open(t, testConfig)
	s.edit("")
	s.form.name.SetText("fresh")
	s.form.baseURL.SetText("api.fresh.example")
	s.form.keyFields["token"].entry.SetText("env://ACME_KEY")
	s.form.submit()
	if s.form.save.Text != "Saving…" || !s.form.name.Disabled() {
		t.Error("while it saves, the form does not say so, or can be changed")
	}
	s.until("the list is back", func() bool { return s.form == nil })
	if got := s.services.selected; got != "fresh" {
		t.Errorf("%q is selected, want the service that was saved", got)
	}
	if got := s.services.note.shown.text; !strings.Contains(got, "Saved") {
		t.Errorf("the page says %q", got)
	}
	if got := s.call("GET", "/s/fresh/x", ""); got != 401 {
		t.Errorf("the proxy answers %d, want 401 of a service that wants a token", got)
	}
	// Edited: the same form, filled in, keeps its key without showing it.
	s.edit("fresh")
	if got := s.form.keyFields["token"].entry.Text; got != "" {
		t.Error("the stored key is in the field")
	}
	if got := s.form.baseURL.Text; got != "https://api.fresh.example" {
		t.Errorf("base URL %q", got)
	}
	if s.form.dirty() {
		t.Error("a form that nobody touched is dirty")
	}
	s.form.name.SetText("renamed")
	s.form.submit()
	s.until("the list is back", func() bool { return s.form == nil })
	if s.call("GET", "/s/renamed/x", "") != 401 || s.call("GET", "/s/fresh/x", "") != 404 {
		t.Error("the proxy does not know the new name, or still the old one")
	}
}

// TestFormThatCannotBeSaved: with no keychain a typed key has no home. The form
// stays as it is, the config too.
func TestFormThatCannotBeSaved(t *testing.T) {
	s := open(t, testConfig)
	before, err := os.ReadFile(s.b.View().ConfigPath)
	if err != nil {
		t.Fatal(err)
	}
	s.edit("")
	s.form.name.SetText("fresh")
	s.form.baseURL.SetText("api.fresh.example")
	s.form.keyFields["token"].entry.SetText(canary)
	s.form.submit()
	s.until("it says why", func() bool { return s.form.trouble.root.Visible() })
	n := s.form.trouble.shown
	if !strings.Contains(n.title, "Not saved") || !strings.Contains(n.text, "keychain") || strings.Contains(n.text, canary) {
		t.Errorf("the form says %q, %q", n.title, n.text)
	}
	if s.form.keyFields["token"].entry.Text != canary || s.form.name.Disabled() {
		t.Error("what was typed is lost, or cannot be changed any more")
	}
	after, err := os.ReadFile(s.b.View().ConfigPath)
	if err != nil || string(after) != string(before) {
		t.Errorf("the config file has changed: %v", err)
	}
	if got := s.call("GET", "/s/fresh/x", ""); got != 404 {
		t.Errorf("the proxy answers %d, want 404", got)
	}
}

// TestFormAsksBeforeItThrowsAway covers every way out of a form.
func TestFormAsksBeforeItThrowsAway(t *testing.T) {
	ways := map[string]func(*screen){
		"Escape":   func(s *screen) { s.form.key(fyne.KeyEscape) },
		"Cancel":   func(s *screen) { test.Tap(s.form.leave) },
		"Ctrl+N":   func(s *screen) { s.edit("") },
		"another":  func(s *screen) { s.edit("acme") },
		"quitting": func(s *screen) { s.leave(func() { s.form = nil }) },
	}
	s := open(t, testConfig)
	for name, way := range ways {
		s.edit("stripe")
		form := s.form
		way(s)
		if s.form == form {
			t.Errorf("%s: a form that nobody touched asks", name)
		}
		s.form = nil
		s.edit("stripe")
		form = s.form
		form.baseURL.SetText("https://other.example")
		way(s)
		if s.form != form || !form.ask.root.Visible() {
			t.Errorf("%s: the changes are gone, or it does not ask", name)
			continue
		}
		form.key(fyne.KeyEscape) // keep editing
		if s.form != form || form.ask.root.Visible() || form.baseURL.Text != "https://other.example" {
			t.Errorf("%s: Escape does not go back to the form", name)
		}
		way(s)
		discard := form.ask.buttons.Objects[1].(*button)
		if discard.Text != "Discard" {
			t.Fatalf("the second button is %q", discard.Text)
		}
		test.Tap(discard)
		if s.form == form {
			t.Errorf("%s: it was not thrown away", name)
		}
		if got := form.baseURL.Text; got != "https://other.example" && got != "" {
			t.Errorf("%s: base URL %q", name, got)
		}
		s.form = nil
	}
}

// TestFormHeaders: rows come and go, and say which of them is wrong.
func TestFormHeaders(t *testing.T) {
	s := open(t, testConfig)
	s.edit("")
	f := s.form
	f.kind.SetSelected("Headers")
	if f.bodies["bearer"].Visible() || !f.bodies["headers"].Visible() {
		t.Error("the fields of another credential are shown")
	}
	test.Tap(f.headers.add)
	if len(f.headers.rows) != 2 {
		t.Fatalf("%d rows, want 2", len(f.headers.rows))
	}
	f.headers.rows[0].name.SetText("X-One")
	f.headers.rows[0].key.entry.SetText("env://ACME_KEY")
	f.headers.rows[1].name.SetText("x-one")
	if got := f.headers.rows[1].field.note.seg.Text; !strings.Contains(got, "twice") {
		t.Errorf("the second row says %q", got)
	}
	test.Tap(f.headers.rows[1].remove)
	f.name.SetText("two")
	f.baseURL.SetText("https://two.example")
	f.submit()
	s.until("the list is back", func() bool { return s.form == nil })
	got, err := s.b.Form("two")
	if err != nil || len(got.Headers) != 1 || got.Headers[0].Name != "X-One" || got.Headers[0].Value.Where != secret.Env {
		t.Errorf("saved: %+v, %v", got, err)
	}
}

// TestFormKeepsCredential: a kind that is not edited here is shown as what it is,
// on the services that have it, and stays.
func TestFormKeepsCredential(t *testing.T) {
	const credential = `{"type": "query", /* by hand */ "params": {"key": "env://ACME_KEY"}, "x": 1}`
	s := open(t, `{"services": {"weather": {"base_url": "https://w.example", "credential": `+credential+`}}}`)
	s.edit("weather")
	f := s.form
	if got := f.kind.Selected; got != "Query parameters, as in the config file" {
		t.Errorf("the choice says %q", got)
	}
	if got := f.fields["credential"].note.seg.Text; !strings.Contains(got, "config file") {
		t.Errorf("beside it: %q", got)
	}
	for kind, body := range f.bodies {
		if body.Visible() != (kind == "query") {
			t.Errorf("the fields of %s are shown: %v", kind, body.Visible())
		}
	}
	if k := f.keyFields["key/params/key"]; k == nil || k.entry.Text != "" || !strings.Contains(k.entry.PlaceHolder, "environment variable") {
		t.Error("its key cannot be replaced")
	}
	if f.dirty() {
		t.Error("a form that nobody touched is dirty")
	}
	f.kind.SetSelected("Bearer token")
	f.kind.SetSelected("Query parameters, as in the config file")
	f.read.SetText("7")
	f.submit()
	s.until("the list is back", func() bool { return s.form == nil })
	src, err := os.ReadFile(s.b.View().ConfigPath)
	if err != nil || !strings.Contains(string(src), credential) || !strings.Contains(string(src), `"read_timeout": 7`) {
		t.Errorf("%v: the file is\n%s", err, src)
	}
	s.edit("")
	if got := len(s.form.kind.Options); got != len(kinds) {
		t.Errorf("a new service has %d kinds to choose from, want %d", got, len(kinds))
	}
	s.form = nil
	s.duplicate("weather")
	s.until("the form is open", func() bool { return s.form != nil })
	if got := s.form.kind.Selected; got != "None" || !strings.Contains(s.form.trouble.shown.text, "copy it there") {
		t.Errorf("the copy has %q and says %q", got, s.form.trouble.shown.text)
	}
}

// TestFormForgets: no key outlives its form.
func TestFormForgets(t *testing.T) {
	s := open(t, testConfig)
	s.edit("")
	form := s.form
	form.keyFields["token"].entry.SetText(canary)
	form.forget()
	if got := form.value(); !got.Token.Value.IsZero() {
		t.Error("the key is still in the form")
	}
	if got := form.keyFields["token"].entry.Text; got != "" {
		t.Error("the key is still in the field")
	}
}

// TestDuplicate: a key that is referred to has to be named again, the rest is there.
func TestDuplicate(t *testing.T) {
	s := open(t, testConfig)
	s.duplicate("acme")
	s.until("the form is open", func() bool { return s.form != nil })
	f := s.form
	if f.old != "" || f.name.Text != "acme-copy" || f.baseURL.Text != "https://api.acme.example/v2" {
		t.Errorf("old %q, name %q, base URL %q", f.old, f.name.Text, f.baseURL.Text)
	}
	if got := f.value(); got.AnyAudience || strings.Join(got.Audiences, ",") != "zapier,make" || got.Token.Stored {
		t.Errorf("the copy is %+v", got)
	}
}
