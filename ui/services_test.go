package ui

import (
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
)

func TestSearch(t *testing.T) {
	s := open(t, testConfig)
	tests := []struct{ typed, want string }{
		{"", "acme demo github stripe weather"},
		{"git", "github"},
		{"API.", "acme github stripe weather"},
		{" acme ", "acme"},
		{"nothing like this", ""},
	}
	for _, tt := range tests {
		s.services.search.SetText(tt.typed)
		var got []string
		for _, x := range s.services.found {
			got = append(got, x.Name)
		}
		if strings.Join(got, " ") != tt.want {
			t.Errorf("%q finds %v, want %s", tt.typed, got, tt.want)
		}
		if empty := s.services.empty.Visible(); empty != (tt.want == "") {
			t.Errorf("%q: “no match” is shown: %v", tt.typed, empty)
		}
	}
	s.services.key(fyne.KeyEscape)
	if s.services.search.Text != "" {
		t.Error("Escape does not clear the search")
	}
}

// TestDelete: it asks, keeps on no, and on yes the service is gone everywhere.
func TestDelete(t *testing.T) {
	s := open(t, testConfig)
	s.services.open("stripe")
	d := s.services.detail
	press := func(label string) {
		t.Helper()
		for _, o := range d.ask.buttons.Objects {
			if b := o.(*button); b.Text == label {
				test.Tap(b)
				return
			}
		}
		t.Fatalf("there is no button %s", label)
	}
	test.Tap(d.del)
	if !d.asking() {
		t.Fatal("it does not ask")
	}
	if got, _ := s.win.Canvas().Focused().(*button); got == nil || got.Text != "Keep" {
		t.Error("Enter would delete: the keyboard is not on Keep")
	}
	press("Keep")
	if d.asking() || s.call("GET", "/s/stripe/x", "") != 401 {
		t.Error("still asking, or the service is gone")
	}
	test.Tap(d.del)
	press("Delete")
	s.until("the service is gone", func() bool { return len(s.services.found) == 4 })
	if got := s.call("GET", "/s/stripe/x", ""); got != 404 {
		t.Errorf("the proxy answers %d, want 404", got)
	}
	text, err := os.ReadFile(s.b.View().ConfigPath)
	if err != nil || strings.Contains(string(text), "stripe") {
		t.Errorf("it is still in the config file: %v", err)
	}
	if s.services.detail.root.Visible() {
		t.Error("the detail of what is gone is shown")
	}
}

// TestCopyToken: what is on the clipboard opens the service, for that audience.
func TestCopyToken(t *testing.T) {
	s := open(t, testConfig)
	s.services.open("acme")
	d := s.services.detail
	d.audiences.SetSelected("make")
	d.lifetime.SetSelected("1 hour")
	test.Tap(d.token)
	var token string
	s.until("a token on the clipboard", func() bool {
		token = s.app.Clipboard().Content()
		return strings.Count(token, ".") == 2
	})
	if got := s.status.text; !strings.Contains(got, "acme") || !strings.Contains(got, "make") || strings.Contains(got, token) {
		t.Errorf("the status line says %q", got)
	}
	s.services.open("demo")
	test.Tap(d.copyURL)
	if got := s.app.Clipboard().Content(); got != s.b.View().BaseURL+"/s/demo" {
		t.Errorf("the URL copied is %q", got)
	}
}

// TestManyServices: with 10,000 the list opens, searches and selects at once.
func TestManyServices(t *testing.T) {
	var b strings.Builder
	b.WriteString(`{"services": {`)
	for i := range 10_000 {
		fmt.Fprintf(&b, `"s%05d": {"base_url": "https://api%d.example.com"},`, i, i)
	}
	b.WriteString(`}}`)
	s := open(t, b.String())
	quick := func(what string, f func()) {
		t.Helper()
		began := time.Now()
		f()
		if d := time.Since(began); d > 300*time.Millisecond*slowed {
			t.Errorf("%s took %v", what, d)
		}
	}
	if got := s.services.tally.text; got != "10000" {
		t.Errorf("the page counts %s services", got)
	}
	quick("drawing", func() { s.draw(s.b.View()) })
	quick("searching", func() { s.services.search.SetText("s09999") })
	if got := len(s.services.found); got != 1 {
		t.Errorf("%d found, want 1", got)
	}
	quick("clearing", func() { s.services.search.SetText("") })
	quick("going to the last", func() { s.services.open("s09999") })
	if got := s.services.detail.info.Name; got != "s09999" {
		t.Errorf("the detail shows %q", got)
	}
}
