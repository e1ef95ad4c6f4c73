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
