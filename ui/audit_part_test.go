package ui

import (
	"bytes"
	"image"
	"image/png"
	"strings"
	"testing"

	"lockbox/ui/backend"
)

// pngOf is a picture of a size.
func pngOf(t *testing.T, w, h int) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := png.Encode(&b, image.NewGray(image.Rect(0, 0, w, h))); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestBodyContent(t *testing.T) {
	deep := strings.Repeat("[", 9000) + strings.Repeat("]", 9000)
	broad := "[" + strings.Repeat("1,", 30_000) + "1]"
	tests := []struct {
		in         *backend.Body
		text, note string
	}{
		{nil, "", ""},
		{&backend.Body{Text: `{"a":[1,2]}`, Size: 11}, "{\n  \"a\": [\n    1,\n    2\n  ]\n}", "11 B"},
		{&backend.Body{Text: `{"a":[1,`, Size: 5000, Truncated: true}, `{"a":[1,`, "5.0 kB, cut short"},
		{&backend.Body{Text: "plain", Size: 5}, "plain", "5 B"},
		{&backend.Body{Text: "a\x1b]0;x\x07\u202e\r\nb", Size: 5}, `a\x1b]0;x\x07\u202e` + "\nb", "5 B"},
		{&backend.Body{Text: `["\"]["]`}, "[\n  \"\\\"][\"\n]", ""},
		{&backend.Body{Base64: []byte{0, 1, 2}, Size: 3}, "AAEC", "3 B, base64"},
		{&backend.Body{Base64: pngOf(t, 30, 20), Size: 90}, "", "90 B, PNG, 30 × 20"},
		{&backend.Body{Base64: pngOf(t, 30, 20)[:40], Size: 90, Truncated: true}, "iVBORw0KGgoAAAANSUhEUgAAAB4AAAAUCAAAAACjSm28AAAAG0lEQVQ=", "90 B, cut short, base64"},
		{&backend.Body{Text: deep}, deep, ""},
		{&backend.Body{Text: broad}, "[\n" + strings.Repeat("  1,\n", 30_000) + "  1\n]", ""},
	}
	for _, tt := range tests {
		c := bodyContent(tt.in)
		if strings.HasPrefix(tt.text, "iVBOR") {
			tt.text = tt.text[:20]
			c.text = c.text[:min(20, len(c.text))]
		}
		if c.text != tt.text || c.note != tt.note {
			t.Errorf("%.60v: %.60q, %q; want %.60q, %q", tt.in, c.text, c.note, tt.text, tt.note)
		}
	}
	if img, _ := picture(pngOf(t, 5000, 5000)); img != nil {
		t.Error("a picture of 25 million pixels is unpacked")
	}
	c := bodyContent(&backend.Body{Text: strings.Repeat("é", textMax)})
	if len(c.text) > textMax+10 || !strings.Contains(c.note, "the first 1.0 MB shown") || len(c.raw) != 2*textMax {
		t.Errorf("%d bytes shown, %q, %d to copy", len(c.text), c.note, len(c.raw))
	}
}
