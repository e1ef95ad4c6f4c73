//go:build desktop

package ui

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestPalettePictures(t *testing.T) {
	s := open(t, testConfig)
	s.fillTokens()
	s.find("acme")
	s.picture("palette-typed")
	s.find("fax machine")
	s.picture("palette-nothing")
	s.palette.close()
	showShortcuts(s.window)
	s.picture("shortcuts")
	s.win.Canvas().Overlays().Top().Hide()
	s.win.Canvas().Overlays().Remove(s.win.Canvas().Overlays().Top())

	dir := t.TempDir()
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	one := write("lockbox_config.json", `{"services": {"mail": {"base_url": "https://mail.example.com"}, "notes": {"base_url": "https://notes.example.com", "credential": {"type": "bearer", "token": "env://ACME_KEY"}}}, "listen": "127.0.0.1:9000"}`)
	two := write("old.json", `{"services": {"acme": {"base_url": "https://acme.example.com"}}}`)
	none := write("letter.txt", "Dear Ada,")
	s.window.open(pageServices)
	s.dropped(one)
	s.picture("drop-one")
	s.dropped(one, two, none, dir)
	s.picture("drop-many")
	s.dropped(none)
	s.picture("drop-none")
	s.intake.close()
	s.services.remove("stripe")
	s.until("it is gone", s.undo.offered)
	s.picture("undo")
	s.undo.forget()
	s.services.list.FocusGained()
	s.services.open("acme")
	s.focus(s.services.list)
	s.picture("focus-list")
	s.focus(s.services.detail.token)
	s.picture("focus-primary")
	s.focus(s.services.detail.edit)
	s.picture("focus-button")

	var b strings.Builder
	b.WriteString(`{"services": {`)
	for i := range 10_000 {
		fmt.Fprintf(&b, `"s%05d": {"base_url": "https://api%d.example.com"},`, i, i)
	}
	b.WriteString(`}}`)
	many := open(t, b.String())
	many.find("s0999")
	many.picture("palette-many")
}
