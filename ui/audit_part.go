package ui

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"image"
	_ "image/gif"  // a body that can be shown, like those below
	_ "image/jpeg" //
	_ "image/png"  //
	"net/http"
	"slices"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	_ "golang.org/x/image/webp" // a body that can be shown

	"lockbox/ui/backend"
)

const (
	textMax       = 1 << 20   // of a body that is shown; Copy takes all that is on record
	depthMax      = 64        // of JSON that is indented: beyond, the margins are larger than the text
	pixelsMax     = 4_000_000 // of a picture that is unpacked
	pictureHeight = 260
)

// content is a part of a record, made ready to be shown: that takes a moment, and
// so belongs in a job.
type content struct {
	text    string // as it is shown
	raw     string // as it is on record
	note    string
	picture image.Image
}

func (c content) empty() bool { return c.text == "" && c.note == "" && c.picture == nil }

// The parts of a record.
var partNames = []string{"Request headers", "Request body", "Response headers", "Response body"}

func contentsOf(x backend.Exchange) []content {
	headers := func(h http.Header) content {
		text := headerText(h)
		return content{text: text, raw: text}
	}
	return []content{headers(x.RequestHeader), bodyContent(x.RequestBody), headers(x.ResponseHeader), bodyContent(x.ResponseBody)}
}

// headerText is a header block, by name.
func headerText(h http.Header) string {
	var b strings.Builder
	names := make([]string, 0, len(h))
	for n := range h {
		names = append(names, n)
	}
	slices.Sort(names)
	for _, n := range names {
		for _, v := range h[n] {
			fmt.Fprintf(&b, "%s: %s\n", visible(n), visible(v))
		}
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// bodyContent is a captured body and what there is to say about it. JSON is
// indented when it is whole.
func bodyContent(b *backend.Body) content {
	if b == nil {
		return content{}
	}
	var notes []string
	if b.Size > 0 {
		notes = append(notes, size(b.Size))
	}
	if b.Truncated {
		notes = append(notes, lang.L("cut short"))
	}
	if b.Note != "" {
		notes = append(notes, b.Note)
	}
	c := content{raw: b.Text}
	text := b.Text
	var out bytes.Buffer
	if text != "" && !b.Truncated && depth(text) <= depthMax && json.Indent(&out, []byte(text), "", "  ") == nil {
		text = out.String()
	}
	if text == "" && len(b.Base64) > 0 {
		c.raw = base64.StdEncoding.EncodeToString(b.Base64)
		var kind string
		if c.picture, kind = picture(b.Base64); c.picture != nil {
			notes = append(notes, fmt.Sprintf("%s, %d × %d", kind, c.picture.Bounds().Dx(), c.picture.Bounds().Dy()))
		} else {
			notes = append(notes, "base64")
			text = c.raw
		}
	}
	if len(text) > textMax {
		text = strings.ToValidUTF8(text[:textMax], "") + "\n" + ellipsis
		notes = append(notes, fmt.Sprintf(lang.L("the first %s shown"), size(textMax)))
	}
	c.text, c.note = visibleText(text), strings.Join(notes, ", ")
	return c
}

// depth is how deep the brackets of a JSON text are nested.
func depth(text string) (most int) {
	deep, quoted := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case quoted && c == '\\':
			i++
		case c == '"':
			quoted = !quoted
		case quoted:
		case c == '[' || c == '{':
			deep++
			most = max(most, deep)
		case c == ']' || c == '}':
			deep--
		}
	}
	return most
}

// picture unpacks one of a size that does no harm; nil if it is none.
func picture(packed []byte) (image.Image, string) {
	about, kind, err := image.DecodeConfig(bytes.NewReader(packed))
	if err != nil || about.Width <= 0 || about.Height <= 0 || about.Width > pixelsMax/about.Height {
		return nil, ""
	}
	img, _, err := image.Decode(bytes.NewReader(packed))
	if err != nil {
		return nil, ""
	}
	return img, strings.ToUpper(kind)
}

// part shows a content.
type part struct {
	root    *fyne.Container
	name    string
	note    *line
	sheet   *sheet
	paper   fyne.CanvasObject // below the text
	image   *canvas.Image
	frame   *fyne.Container // around the picture
	content content
}

func newPart(f *face, name string) *part {
	p := &part{name: name, note: caption("").flexible(), sheet: newSheet(f, true), image: canvas.NewImageFromImage(nil)}
	p.image.FillMode = canvas.ImageFillContain
	p.frame = container.NewStack(p.image)
	button := newButton(f.keys, "", theme.ContentCopyIcon(), func() { f.copyText(p.content.raw, p.name) }).quiet()
	p.paper = newSurface(theme.ColorNameInputBackground, theme.ColorNameSeparator, radiusSmall, gapSmall, p.sheet.root)
	p.root = column(gapTight, container.NewBorder(nil, nil, middle(strong(name)), button, inset(0, 0, gapSmall, 0, middle(p.note))), p.paper, p.frame)
	return p
}

func (p *part) show(c content) { p.showIn(c, textWidth) }

// showIn shows a content in a width.
func (p *part) showIn(c content, width float32) {
	p.content = c
	p.note.set(c.note, "")
	p.sheet.set(c.text, width-2*gapSmall)
	p.root.Hidden = c.empty()
	p.paper.Hide()
	if c.text != "" {
		p.paper.Show()
	}
	p.frame.Hidden = c.picture == nil
	p.image.Image = c.picture
	if c.picture != nil {
		b := c.picture.Bounds()
		high := min(pictureHeight, float32(b.Dy()), width*float32(b.Dy())/float32(b.Dx()))
		p.image.SetMinSize(fyne.NewSize(0, max(24, high)))
	}
	p.image.Refresh()
}
