package ui

import (
	"testing"
	"time"

	"lockbox/proxy/secret"
)

// TestClipboardIsCleared: a token is taken off the clipboard, and nothing else is.
func TestClipboardIsCleared(t *testing.T) {
	s := open(t, tokensConfig)
	set := s.b.Settings()
	set.Clipboard = 30 * time.Millisecond
	if err := s.b.SaveSettings(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	clip := s.app.Clipboard()
	s.copySecret(secret.New("first"))
	if clip.Content() != "first" {
		t.Error("nothing was copied")
	}
	s.until("the clipboard is empty", func() bool { return clip.Content() == "" })

	s.copySecret(secret.New("second"))
	clip.SetContent("the person's own")
	began := time.Now()
	s.until("the time is over", func() bool { return time.Since(began) > 200*time.Millisecond })
	if got := clip.Content(); got != "the person's own" {
		t.Errorf("the clipboard holds %q", got)
	}

	set.Clipboard = 0
	if err := s.b.SaveSettings(t.Context(), set); err != nil {
		t.Fatal(err)
	}
	s.copySecret(secret.New("third"))
	began = time.Now()
	s.until("the time is over", func() bool { return time.Since(began) > 200*time.Millisecond })
	if got := clip.Content(); got != "third" {
		t.Errorf("with no time set, the clipboard holds %q", got)
	}
	s.settings.draw(s.b.View())
	if got := s.settings.clip.Selected; got != "never" {
		t.Errorf("the Settings page shows %q", got)
	}
}

// TestClipboardAtTheEnd: a token that is to leave the clipboard in a while leaves it with
// the program; what is to stay there, or is another's, stays.
func TestClipboardAtTheEnd(t *testing.T) {
	s := open(t, tokensConfig)
	clip := s.app.Clipboard()
	for _, tt := range []struct {
		name  string
		after time.Duration
		copy  string // by another, since
		want  string
	}{
		{"a token", time.Hour, "", ""},
		{"one that is to stay", 0, "", "token"},
		{"the person's own", time.Hour, "mine", "mine"},
	} {
		set := s.b.Settings()
		set.Clipboard = tt.after
		if err := s.b.SaveSettings(t.Context(), set); err != nil {
			t.Fatal(err)
		}
		s.copySecret(secret.New("token"))
		if tt.copy != "" {
			clip.SetContent(tt.copy)
		}
		if s.takeOff(); clip.Content() != tt.want {
			t.Errorf("%s: the clipboard holds %q, want %q", tt.name, clip.Content(), tt.want)
		}
	}
}
