package desktest

import "path/filepath"

// Read returns the text that can be read on a screenshot, a line for each line
// of it. Like a hasty person it may misread a letter: look for words.
func (d *Desk) Read(screenshot string) string {
	d.t.Helper()
	// Enlarged and grey, small type on a dark ground is read well.
	large := filepath.Join(d.t.TempDir(), "large.png")
	if _, err := d.output("convert", screenshot, "-colorspace", "Gray", "-resize", "300%", "-sharpen", "0x1", large); err != nil {
		d.t.Fatal(err)
	}
	text, err := d.output("tesseract", large, "-", "--psm", "11")
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}
