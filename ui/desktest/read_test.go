package desktest

import (
	"image"
	"slices"
	"strings"
	"testing"
)

// TestPlacesOf: words are found where they stand beside each other on one line, and
// a sign that a button's icon was taken for does no harm.
func TestPlacesOf(t *testing.T) {
	const table = "level\tpage_num\tblock_num\tpar_num\tline_num\tword_num\tleft\ttop\twidth\theight\tconf\ttext\n" +
		"4\t1\t1\t1\t1\t0\t300\t900\t600\t30\t-1\t\n" +
		"5\t1\t1\t1\t1\t1\t300\t900\t30\t30\t50\t>\n" +
		"5\t1\t1\t1\t1\t2\t360\t900\t60\t30\t96\tTest\n" +
		"5\t1\t2\t1\t1\t1\t300\t300\t60\t30\t96\tTest\n" +
		"5\t1\t2\t1\t1\t2\t390\t300\t30\t30\t96\tit.\n" +
		"5\t1\t3\t1\t1\t1\t600\t600\t60\t30\t96\tTest\n" +
		"5\t1\t4\t1\t1\t1\t690\t600\t30\t30\t96\tit\n"
	for words, want := range map[string][]image.Point{
		"Test":    {{110, 105}, {210, 205}, {130, 305}},
		"Test it": {{120, 105}},
		"it Test": nil,
	} {
		if got := placesOf(table, strings.Fields(words)); !slices.Equal(got, want) {
			t.Errorf("%q is at %v, want %v", words, got, want)
		}
	}
}
