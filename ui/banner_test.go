package ui

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// damageTokens puts a line that tells nothing into the list of tokens.
func (s *screen) damageTokens() {
	s.t.Helper()
	path := filepath.Join(s.b.View().StateDir, "tokens.jsonl")
	text, err := os.ReadFile(path)
	if err != nil {
		s.t.Fatal(err)
	}
	if err := os.WriteFile(path, append([]byte("garbage\n"), text...), 0o600); err != nil {
		s.t.Fatal(err)
	}
	s.until("the damage in the banner", func() bool { return s.banner.problem.shown.title == "The list of tokens cannot be read" })
}

// TestDamagedTokens: the window says what is wrong, asks before the list is set
// aside, and then says where it is.
func TestDamagedTokens(t *testing.T) {
	s := open(t, tokensConfig)
	tok, err := s.b.MakeToken(t.Context(), "acme", "zapier", 0)
	if err != nil {
		t.Fatal(err)
	}
	s.damageTokens()
	shown := &s.banner.problem.shown
	if !strings.Contains(shown.text, "Line 1 of "+s.b.View().StateDir) || s.callWith("/s/acme/x", tok.Value.Reveal()) != 503 {
		t.Errorf("it says %+v, or a token passes", shown)
	}
	press(t, s.banner.problem, "Retry")
	s.until("the retry", func() bool { return s.status.text == "The list of tokens cannot be read." })
	press(t, s.banner.problem, "Set it aside…")
	if !strings.HasSuffix(shown.title, "?") || s.win.Canvas().Focused() != s.banner.problem.buttons.Objects[0].(*button) {
		t.Errorf("it does not ask: %+v", shown)
	}
	s.draw(s.b.View())
	press(t, s.banner.problem, "Keep")
	if s.b.View().Problem.Action != "aside" || !strings.Contains(shown.text, "Line 1") {
		t.Errorf("kept: %+v", shown)
	}
	press(t, s.banner.problem, "Set it aside…")
	press(t, s.banner.problem, "Set it aside")
	s.until("the new list", func() bool {
		return strings.Contains(s.status.text, "Every token is revoked") && !s.banner.problem.root.Visible()
	})
	copied := strings.TrimSuffix(s.status.text[strings.Index(s.status.text, "/"):], ".")
	if text, err := os.ReadFile(copied); err != nil || !strings.HasPrefix(string(text), "garbage\n") {
		t.Errorf("the copy %s: %q, %v", copied, text, err)
	}
	if got := s.callWith("/s/acme/x", tok.Value.Reveal()); got != 401 {
		t.Errorf("the old token: %d", got)
	}
}
