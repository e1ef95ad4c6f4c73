package ui

import (
	"hash/fnv"
	"image/color"
	"strings"
	"unicode"
	"unicode/utf8"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

const (
	badgeSize     = 34
	badgeLetter   = 16 // the size of it
	serviceHeight = 54
	publicHeight  = 19 // of the line with its public address

	serviceHeightPublic = serviceHeight + publicHeight

	kindWidth      = 156
	accessWidth    = 220
	serviceMinFull = 560 // a narrower row does without the credential
)

// emblem is what a service is known by at a glance.
type emblem struct {
	letter string
	fill   color.NRGBA // white is written on it
}

// nameEmblem is the first letter of a name on a colour that stays the name's own.
func nameEmblem(name string) emblem {
	letter := ""
	if r, n := utf8.DecodeRuneInString(name); n > 0 {
		letter = string(unicode.ToUpper(r))
	}
	h := fnv.New32a()
	_, _ = h.Write([]byte(name)) // never fails
	return emblem{letter, badges[int(h.Sum32()>>1)%len(badges)]}
}

func presetEmblem(p *backend.Preset) emblem { return emblem{p.Letter, hexColor(p.Color)} }

// serviceEmblem is that of the API, if it is one that is known.
func serviceEmblem(s backend.ServiceInfo) emblem {
	if s.Preset != nil {
		return presetEmblem(s.Preset)
	}
	return nameEmblem(s.Name)
}

// emblem is that of the service of a name, which may be gone.
func (f *face) emblem(service string) emblem {
	if s, ok := f.view.Service(service); ok {
		return serviceEmblem(s)
	}
	return nameEmblem(service)
}

// badge is an emblem as canvas objects.
type badge struct {
	ground *canvas.Rectangle
	letter *canvas.Text
}

func newBadge() badge {
	b := badge{canvas.NewRectangle(color.Transparent), canvas.NewText("", color.White)}
	b.ground.CornerRadius = radiusLarge
	b.letter.Alignment = fyne.TextAlignCenter
	b.letter.TextStyle.Bold = true
	b.letter.TextSize = badgeLetter
	return b
}

func (b badge) set(e emblem) {
	if b.letter.Text == e.letter && b.ground.FillColor == e.fill {
		return
	}
	b.letter.Text, b.ground.FillColor = e.letter, e.fill
	b.letter.Refresh()
	b.ground.Refresh()
}

func (b badge) move(p fyne.Position) {
	b.ground.Move(p)
	b.ground.Resize(fyne.NewSquareSize(badgeSize))
	h := b.letter.MinSize().Height
	b.letter.Move(p.AddXY(0, (badgeSize-h)/2))
	b.letter.Resize(fyne.NewSize(badgeSize, h))
}

// badgeIcon is a badge as a widget.
type badgeIcon struct {
	widget.BaseWidget
	emblem emblem
}

func newBadgeIcon() *badgeIcon {
	b := &badgeIcon{}
	b.ExtendBaseWidget(b)
	return b
}

func (b *badgeIcon) set(e emblem) { b.emblem = e; b.Refresh() }

// CreateRenderer implements fyne.Widget.
func (b *badgeIcon) CreateRenderer() fyne.WidgetRenderer {
	r := &badgeRenderer{b, newBadge()}
	r.Refresh()
	return r
}

type badgeRenderer struct {
	icon  *badgeIcon
	drawn badge
}

func (r *badgeRenderer) Layout(s fyne.Size) {
	r.drawn.move(fyne.NewPos((s.Width-badgeSize)/2, (s.Height-badgeSize)/2))
}
func (*badgeRenderer) MinSize() fyne.Size { return fyne.NewSquareSize(badgeSize) }
func (r *badgeRenderer) Refresh()         { r.drawn.set(r.icon.emblem) }
func (r *badgeRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.drawn.ground, r.drawn.letter}
}
func (*badgeRenderer) Destroy() {}

// serviceRow is a row of the services list, of plain texts.
type serviceRow struct {
	widget.BaseWidget
	info   backend.ServiceInfo
	public string // its address for callers from elsewhere; "": there is none
	copied *copyMark
}

func newServiceRow(copied func(backend.ServiceInfo)) *serviceRow {
	r := &serviceRow{}
	r.copied = newCopyMark(func() { copied(r.info) })
	r.ExtendBaseWidget(r)
	return r
}

func (r *serviceRow) set(info backend.ServiceInfo, public string) {
	r.info, r.public = info, public
	r.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (r *serviceRow) CreateRenderer() fyne.WidgetRenderer {
	d := &serviceRowRenderer{row: r, badge: newBadge(), mark: newDrawing()}
	for _, t := range []**canvas.Text{&d.name, &d.base, &d.kind, &d.word, &d.detail, &d.public} {
		*t = canvas.NewText("", color.Transparent)
	}
	d.name.TextStyle.Bold = true
	d.public.TextStyle.Monospace = true
	d.Refresh()
	return d
}

type serviceRowRenderer struct {
	row                            *serviceRow
	badge                          badge
	mark                           drawing
	name, base, kind, word, detail *canvas.Text
	public                         *canvas.Text
}

func (d *serviceRowRenderer) Layout(s fyne.Size) {
	d.badge.move(fyne.NewPos(gap, (s.Height-badgeSize)/2))
	d.texts(s)
	middle := s.Height / 2
	if d.row.public != "" {
		middle -= publicHeight / 2
	}
	d.mark.move(fyne.NewPos(s.Width-accessWidth-gap, middle-14))
}

// texts cuts and places the texts for the width there is.
func (d *serviceRowRenderer) texts(s fyne.Size) {
	if s.Width <= 0 {
		return
	}
	info := d.row.info
	_, word, detail := access(info)
	full := s.Width >= serviceMinFull
	left := float32(gap + badgeSize + gap)
	right := s.Width - accessWidth - gap
	end := right
	if full {
		end -= kindWidth
	}
	top, bottom := s.Height/2-18, s.Height/2+1
	exposed := d.row.public != ""
	d.public.Hidden, d.row.copied.Hidden = !exposed, !exposed
	if exposed {
		top, bottom = top-publicHeight/2, bottom-publicHeight/2
		place(d.public, d.row.public, left, bottom+publicHeight-1, s.Width-left-gap-copySize-gapSmall)
		width := fyne.MeasureText(d.public.Text, d.public.TextSize, d.public.TextStyle).Width
		d.row.copied.Move(fyne.NewPos(left+width+gapSmall, bottom+publicHeight-1))
		d.row.copied.Resize(fyne.NewSquareSize(copySize))
	}
	place(d.name, info.Name, left, top, end-left-gap)
	place(d.base, strings.TrimPrefix(info.BaseURL, "https://"), left, bottom, end-left-gap)
	d.kind.Hidden = !full
	if full {
		place(d.kind, credentialName(info.Credential), end, s.Height/2-9, kindWidth-gap)
	}
	place(d.word, word, right+markSize+gapSmall+2, top, accessWidth-markSize-gapSmall-gap)
	place(d.detail, detail, right+markSize+gapSmall+2, bottom, accessWidth-markSize-gapSmall-gap)
}

// place puts a text, cut to a width, at a point.
func place(t *canvas.Text, text string, x, y, width float32) {
	text = fit(text, t.TextSize, t.TextStyle, max(width, 1))
	t.Move(fyne.NewPos(x, y))
	t.Resize(fyne.NewSize(width, t.TextSize*1.4))
	if t.Text != text {
		t.Text = text
		t.Refresh()
	}
}

func (d *serviceRowRenderer) MinSize() fyne.Size {
	return fyne.NewSize(badgeSize+accessWidth+180, serviceHeight)
}

func (d *serviceRowRenderer) Refresh() {
	m, _, _ := access(d.row.info)
	d.badge.set(serviceEmblem(d.row.info))
	d.mark.set(m)
	paint(d.name, theme.ColorNameForeground, theme.SizeNameText)
	paint(d.word, theme.ColorNameForeground, theme.SizeNameText)
	paint(d.kind, colorMuted, theme.SizeNameText)
	paint(d.base, colorMuted, theme.SizeNameCaptionText)
	paint(d.public, theme.ColorNameHyperlink, theme.SizeNameCaptionText)
	detail := colorMuted
	if d.row.info.Problem != "" {
		detail = theme.ColorNameError
	}
	paint(d.detail, detail, theme.SizeNameCaptionText)
	d.Layout(d.row.Size())
}

// paint gives a text the theme's colour and size.
func paint(t *canvas.Text, c fyne.ThemeColorName, s fyne.ThemeSizeName) {
	col, sz := theme.Color(c), theme.Size(s)
	if t.Color == col && t.TextSize == sz {
		return
	}
	t.Color, t.TextSize = col, sz
	t.Refresh()
}

func (d *serviceRowRenderer) Objects() []fyne.CanvasObject {
	return append([]fyne.CanvasObject{d.badge.ground, d.badge.letter, d.name, d.base, d.kind, d.word, d.detail, d.public, d.row.copied}, d.mark.objects()...)
}
func (*serviceRowRenderer) Destroy() {}
