//go:build desktop

package ui

import (
	"errors"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// TestGermanPictures draws every place in German.
func TestGermanPictures(t *testing.T) {
	dir := os.Getenv("LOCKBOX_ARTIFACTS")
	if dir == "" {
		dir = t.ArtifactDir()
	}
	if err := os.MkdirAll(dir, 0o750); err != nil {
		t.Fatal(err)
	}
	speak(t, "de_DE.UTF-8")
	s := openWith(t, testConfig, manyCalls(50))
	for _, p := range places {
		p.open(s)
		s.win.Content().Refresh()
		s.settle()
		img := s.win.Canvas().Capture()
		f, err := os.Create(filepath.Join(dir, "german-"+strings.ReplaceAll(p.name, " ", "-")+".png"))
		if err == nil {
			err = errors.Join(png.Encode(f, img), f.Close())
		}
		if err != nil {
			t.Fatal(err)
		}
		leavePlace(s)
	}
}
