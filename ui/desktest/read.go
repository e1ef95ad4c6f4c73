package desktest

import (
	"image"
	"image/png"
	"os"
	"path/filepath"

	"golang.org/x/image/draw"
)

// Read returns the text that can be read on a screenshot, a line for each line
// of it. Like a hasty person it may misread a letter: look for words.
func (d *Desk) Read(screenshot string) string {
	d.t.Helper()
	large := filepath.Join(d.t.TempDir(), "large.png")
	if err := enlarge(screenshot, large); err != nil {
		d.t.Fatal(err)
	}
	text, err := d.output("tesseract", large, "-", "--psm", "11")
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

// enlarge makes a grey picture three times as large, in which small type on a
// dark ground is read well.
func enlarge(from, to string) error {
	in, err := os.Open(from) //nolint:gosec // a screenshot of ours
	if err != nil {
		return err
	}
	defer in.Close() //nolint:errcheck // only read
	small, err := png.Decode(in)
	if err != nil {
		return err
	}
	b := small.Bounds()
	grey := image.NewGray(image.Rect(0, 0, 3*b.Dx(), 3*b.Dy()))
	draw.CatmullRom.Scale(grey, grey.Bounds(), small, b, draw.Src, nil)
	out, err := os.Create(to) //nolint:gosec // in a directory of the test
	if err != nil {
		return err
	}
	if err := png.Encode(out, grey); err != nil {
		return err
	}
	return out.Close()
}
