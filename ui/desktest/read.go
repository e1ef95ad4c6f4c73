package desktest

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/image/draw"
)

// Read returns the text that can be read on a screenshot, a line for each line
// of it. Like a hasty person it may misread a letter: look for words.
func (d *Desk) Read(screenshot string) string {
	d.t.Helper()
	return d.recognize(screenshot)
}

// Find returns the middle of every place on a screenshot where words stand beside
// each other, from the top down.
func (d *Desk) Find(screenshot, words string) []image.Point {
	d.t.Helper()
	return placesOf(d.recognize(screenshot, "tsv"), strings.Fields(words))
}

// recognize is what tesseract makes of a screenshot. Its threads only wait for each
// other.
func (d *Desk) recognize(screenshot string, form ...string) string {
	d.t.Helper()
	large := filepath.Join(d.t.TempDir(), "large.png")
	if err := enlarge(screenshot, large); err != nil {
		d.t.Fatal(err)
	}
	text, err := d.output("env", append([]string{"OMP_THREAD_LIMIT=1", "tesseract", large, "-", "--psm", "11"}, form...)...)
	if err != nil {
		d.t.Fatal(err)
	}
	return text
}

// placesOf finds words in tesseract's table, whose last columns are a word's line,
// its number there, left, top, width, height, how sure it is, and the word.
func placesOf(table string, words []string) []image.Point {
	type seen struct {
		line, text string
		box        image.Rectangle
	}
	var all []seen
	for row := range strings.Lines(table) {
		f := strings.Split(strings.TrimRight(row, "\n"), "\t")
		if len(f) != 12 || f[0] != "5" { // not a word
			continue
		}
		var n [4]int
		for i := range n {
			n[i], _ = strconv.Atoi(f[6+i])
		}
		all = append(all, seen{strings.Join(f[1:5], "/"), strings.Trim(f[11], ".,:;|_-—"), image.Rect(n[0], n[1], n[0]+n[2], n[1]+n[3])})
	}
	var found []image.Point
	for i := range all {
		box, ok := image.Rectangle{}, i+len(words) <= len(all)
		for k := 0; ok && k < len(words); k++ {
			ok = all[i+k].text == words[k] && all[i+k].line == all[i].line
			box = box.Union(all[i+k].box)
		}
		if ok {
			found = append(found, box.Min.Add(box.Max).Div(2*larger))
		}
	}
	slices.SortStableFunc(found, func(a, b image.Point) int { return a.Y - b.Y })
	return found
}

// larger is how many times as large a picture is made to be read.
const larger = 3

// enlarge makes a grey picture larger, in which small type on a
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
	grey := image.NewGray(image.Rect(0, 0, larger*b.Dx(), larger*b.Dy()))
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
