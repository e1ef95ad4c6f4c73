package ui

import (
	"cmp"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strings"
	"testing"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"
)

// How far a picture may be from its golden one. In even places, which is nearly all of
// a window, every pixel counts. At the rims of letters and shapes, processors round
// differently, and a golden picture has no room for every shade: some of it is even
// where the window is not.
const (
	evenStep, evenMost = 2, 20
	lostStep           = 24 // where only the golden picture is even
	rimStep, rimMost   = 64, 40
)

// A golden picture has at most shades colours: the frequent ones, and then those that
// are farthest from any other.
const shades, frequent = 128, 88

// pixels are a picture's colours without its transparency, row by row.
type pixels struct {
	wide, high int
	at         []uint32
}

func pixelsOf(img image.Image) pixels {
	b := img.Bounds()
	flat, ok := img.(*image.NRGBA)
	if !ok {
		flat = image.NewNRGBA(b)
		draw.Draw(flat, b, img, b.Min, draw.Src)
	}
	p := pixels{b.Dx(), b.Dy(), make([]uint32, b.Dx()*b.Dy())}
	for y := range p.high {
		line := flat.Pix[y*flat.Stride:]
		for x := range p.wide {
			p.at[y*p.wide+x] = uint32(line[4*x])<<16 | uint32(line[4*x+1])<<8 | uint32(line[4*x+2])
		}
	}
	return p
}

// even reports whether a pixel and those around it are all of one colour.
func (p pixels) even(x, y int) bool {
	c := p.at[y*p.wide+x]
	for _, row := range []int{max(y-1, 0), y, min(y+1, p.high-1)} {
		line := p.at[row*p.wide : (row+1)*p.wide]
		if line[max(x-1, 0)] != c || line[x] != c || line[min(x+1, p.wide-1)] != c {
			return false
		}
	}
	return true
}

// apart is how far two colours are from each other, in the part that differs most.
func apart(a, b uint32) int {
	if a == b {
		return 0
	}
	d := func(shift int) int {
		x, y := int(a>>shift&0xFF), int(b>>shift&0xFF)
		return max(x-y, y-x)
	}
	return max(d(0), d(8), d(16))
}

// reduced is the picture in few colours: those of even places as they are.
func (p pixels) reduced() *image.Paletted {
	count := map[uint32]int{}
	for y := range p.high {
		for x := range p.wide {
			weight := 1
			if p.even(x, y) {
				weight = 1000
			}
			count[p.at[y*p.wide+x]] += weight
		}
	}
	all := make([]uint32, 0, len(count))
	for c := range count {
		all = append(all, c)
	}
	slices.SortFunc(all, func(a, b uint32) int { return cmp.Or(cmp.Compare(count[b], count[a]), cmp.Compare(a, b)) })
	kept := slices.Clone(all[:min(len(all), frequent)])
	far := make([]int, len(all))
	for i, c := range all {
		far[i] = apart(c, kept[nearest(kept, c)])
	}
	for len(kept) < min(len(all), shades) {
		best := 0
		for i := range far {
			if far[i] > far[best] {
				best = i
			}
		}
		kept = append(kept, all[best])
		for i, c := range all {
			far[i] = min(far[i], apart(c, all[best]))
		}
	}
	slices.Sort(kept) // neighbours in the file are alike: it packs better
	number := map[uint32]uint8{}
	colors := make(color.Palette, len(kept))
	for i, c := range kept {
		number[c], colors[i] = uint8(i), rgb(c) //nolint:gosec // there are few
	}
	out := image.NewPaletted(image.Rect(0, 0, p.wide, p.high), colors)
	for i, c := range p.at {
		n, ok := number[c]
		if !ok {
			n = uint8(nearest(kept, c)) //nolint:gosec // likewise
			number[c] = n
		}
		out.Pix[i] = n
	}
	return out
}

func nearest(of []uint32, c uint32) int {
	best := 0
	for i := range of {
		if apart(of[i], c) < apart(of[best], c) {
			best = i
		}
	}
	return best
}

// difference is what a picture has other than its golden one: nil when it is near
// enough, and else a picture that shows where, and words.
func difference(got, want pixels) (where image.Image, words string) {
	if got.wide != want.wide || got.high != want.high {
		return nil, fmt.Sprintf("%d × %d pixels, want %d × %d", got.wide, got.high, want.wide, want.high)
	}
	show := image.NewNRGBA(image.Rect(0, 0, got.wide, got.high))
	even, rims, box := 0, 0, image.Rectangle{}
	for y := range got.high {
		for x := range got.wide {
			i := y*got.wide + x
			d := apart(got.at[i], want.at[i])
			flat := d > evenStep && got.even(x, y) || d > lostStep && want.even(x, y)
			if d <= rimStep && !flat {
				g := uint8(0xC0 + (got.at[i]>>8&0xFF)/4) //nolint:gosec // below 256
				show.SetNRGBA(x, y, color.NRGBA{g, g, g, 0xFF})
				continue
			}
			if flat {
				even++
			} else {
				rims++
			}
			box = box.Union(image.Rect(x, y, x+1, y+1))
			show.SetNRGBA(x, y, rgb(0xE00000))
		}
	}
	if even <= evenMost && rims <= rimMost {
		return nil, ""
	}
	return show, fmt.Sprintf("%d pixels of even places and %d of rims differ, all within %v", even, rims, box)
}

// TestDifference: what a person would see is found, what rounding does is not.
func TestDifference(t *testing.T) {
	sample := func(change func(*widget.Button, *fyne.Container)) pixels {
		b := widget.NewButton("Save the changes", nil)
		b.Importance = widget.HighImportance
		at := container.NewWithoutLayout(b)
		b.Resize(fyne.NewSize(160, 32))
		b.Move(fyne.NewPos(20, 20))
		change(b, at)
		w := software.NewCanvas()
		w.SetPadded(false)
		w.SetContent(at)
		w.Resize(fyne.NewSize(300, 100))
		return pixelsOf(w.Capture())
	}
	test.NewTempApp(t).Settings().SetTheme(look{fixed: true, variant: theme.VariantLight})
	same := func(*widget.Button, *fyne.Container) {}
	_ = sample(same) // Fyne lays the first one after a change of apps out without its size
	want := pixelsOf(sample(same).reduced())
	noisy := func(step int) pixels {
		p, clean := sample(same), sample(same)
		for i := range p.at {
			if clean.even(i%p.wide, i/p.wide) {
				continue
			}
			for _, shift := range []int{0, 8, 16} {
				v := int(p.at[i]>>shift&0xFF) + step*((i*7919>>shift)%3-1)
				p.at[i] = p.at[i]&^(0xFF<<shift) | uint32(max(0, min(255, v)))<<shift //nolint:gosec // a byte
			}
		}
		return p
	}
	for _, c := range []struct {
		name  string
		got   pixels
		found string
	}{
		{"the same", sample(same), ""},
		{"what rounding does", noisy(3), ""},
		{"a moved button", sample(func(b *widget.Button, _ *fyne.Container) { b.Move(fyne.NewPos(21, 20)) }), "differ"},
		{"another word", sample(func(b *widget.Button, _ *fyne.Container) { b.SetText("Save the change") }), "differ"},
		{"another ground", sample(func(b *widget.Button, _ *fyne.Container) { b.Importance = widget.DangerImportance; b.Refresh() }), "differ"},
		{"a slightly other colour", recolored(sample(same), 4), "differ"},
		{"another size", pixelsOf(image.NewNRGBA(image.Rect(0, 0, 300, 101))), "300 × 101 pixels, want 300 × 100"},
	} {
		where, words := difference(c.got, want)
		if (c.found == "") != (words == "") || !strings.Contains(words, c.found) {
			t.Errorf("%s: found %q, want %q", c.name, words, c.found)
		}
		if c.found == "differ" && where == nil {
			t.Errorf("%s: no picture shows where", c.name)
		}
	}
	if n := len(sample(same).reduced().Palette); n > shades {
		t.Errorf("%d colours", n)
	}
}

// recolored changes the ground that the theme's primary colour makes.
func recolored(p pixels, by uint32) pixels {
	c := light[theme.ColorNamePrimary]
	old := uint32(c.R)<<16 | uint32(c.G)<<8 | uint32(c.B)
	for i := range p.at {
		if p.at[i] == old {
			p.at[i] += by
		}
	}
	return p
}
