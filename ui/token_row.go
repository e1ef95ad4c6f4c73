package ui

import (
	"fmt"
	"image/color"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

const (
	tokenHeight     = 54
	tokenStateWidth = 160
	tokenUsedWidth  = 150
	tokenMinFull    = 560 // a narrower row does without the calls
	soon            = 7 * 24 * time.Hour
	stale           = 30 * time.Second // words of times, on a page that stays open
)

// tokenState is what can be said of a token at a glance.
func tokenState(t backend.TokenInfo, now time.Time) (m mark, word, detail string) {
	switch {
	case !t.Revoked.IsZero():
		return markInactive, lang.L("Revoked"), fmt.Sprintf(lang.L("on %s"), shortDate(t.Revoked))
	case !now.Before(t.Expires):
		return markInactive, lang.L("Expired"), fmt.Sprintf(lang.L("on %s"), shortDate(t.Expires))
	case !t.Paused.IsZero():
		return markRefused, lang.L("Paused"), newUse(t)
	case len(t.Sights) > 0:
		return markWarning, lang.L("Used anew"), newUse(t)
	case t.Expires.Sub(now) < soon:
		return markWarning, lang.L("Expires soon"), fmt.Sprintf(lang.L("on %s"), shortDate(t.Expires))
	}
	return markGood, lang.L("Good"), fmt.Sprintf(lang.L("until %s"), shortDate(t.Expires))
}

func shortDate(t time.Time) string { return stamp(t.Local(), "2 Jan 2006") }

// tokenName is what a token is called: by its label, or for whom it is.
func tokenName(t backend.TokenInfo) string {
	switch {
	case t.Label != "":
		return t.Label
	case t.Service == "":
		return lang.L("Admin token")
	}
	return tokenFor(t)
}

func tokenFor(t backend.TokenInfo) string {
	if t.Service == "" {
		return lang.L("the reload of the config")
	}
	who := strings.Join(t.Audience, ", ")
	if who == "" {
		who = lang.L("nobody")
	}
	return fmt.Sprintf(lang.L("%s for %s"), t.Service, who)
}

// tokenUse is how much a token is used.
func tokenUse(t backend.TokenInfo, now time.Time) (calls, last string) {
	if t.Calls == 0 {
		return lang.L("No calls"), ""
	}
	return count(int(min(t.Calls, 1<<50)), "call"), ago(t.LastUsed, now)
}

// ago is how long something is past, roughly.
func ago(t, now time.Time) string {
	switch d := now.Sub(t); {
	case d < time.Minute:
		return lang.L("just now")
	case d < time.Hour:
		return fmt.Sprintf(lang.L("%d min ago"), int(d.Minutes()))
	case d < 24*time.Hour:
		return fmt.Sprintf(lang.L("%d h ago"), int(d.Hours()))
	}
	return fmt.Sprintf(lang.L("on %s"), shortDate(t))
}

// tokenRow is a row of the tokens list, of plain texts.
type tokenRow struct {
	widget.BaseWidget
	face *face
	info backend.TokenInfo
	now  time.Time
}

func newTokenRow(f *face) *tokenRow {
	r := &tokenRow{face: f}
	r.ExtendBaseWidget(r)
	return r
}

func (r *tokenRow) set(info backend.TokenInfo, now time.Time) {
	r.info, r.now = info, now
	r.Refresh()
}

// CreateRenderer implements fyne.Widget.
func (r *tokenRow) CreateRenderer() fyne.WidgetRenderer {
	d := &tokenRowRenderer{row: r, badge: newBadge(), mark: newDrawing()}
	for _, t := range []**canvas.Text{&d.name, &d.whose, &d.calls, &d.last, &d.word, &d.detail} {
		*t = canvas.NewText("", color.Transparent)
	}
	d.name.TextStyle.Bold = true
	d.Refresh()
	return d
}

type tokenRowRenderer struct {
	row                                    *tokenRow
	badge                                  badge
	mark                                   drawing
	name, whose, calls, last, word, detail *canvas.Text
}

func (d *tokenRowRenderer) Layout(s fyne.Size) {
	d.badge.move(fyne.NewPos(gap, (s.Height-badgeSize)/2))
	d.mark.move(fyne.NewPos(s.Width-tokenStateWidth-gap, s.Height/2-14))
	d.texts(s)
}

// texts cuts and places the texts for the width there is.
func (d *tokenRowRenderer) texts(s fyne.Size) {
	if s.Width <= 0 {
		return
	}
	t := d.row.info
	_, word, detail := tokenState(t, d.row.now)
	calls, last := tokenUse(t, d.row.now)
	full := s.Width >= tokenMinFull
	left := float32(gap + badgeSize + gap)
	right := s.Width - tokenStateWidth - gap
	end := right
	if full {
		end -= tokenUsedWidth
	}
	top, bottom := s.Height/2-18, s.Height/2+1
	whose := ""
	if t.Label != "" || t.Service == "" {
		whose = tokenFor(t)
	}
	switch t.Kind {
	case backend.TokenOriginal:
		whose = lang.L("tokens of the original, which have no id")
	case backend.TokenSeen:
		whose = strings.TrimPrefix(whose+", "+lang.L("made elsewhere"), ", ")
	}
	line := top
	if whose == "" {
		line = (s.Height - d.name.TextSize*1.4) / 2
	}
	place(d.name, tokenName(t), left, line, end-left-gap)
	place(d.whose, whose, left, bottom, end-left-gap)
	d.calls.Hidden, d.last.Hidden = !full, !full
	if full {
		place(d.calls, calls, end, top, tokenUsedWidth-gap)
		place(d.last, last, end, bottom, tokenUsedWidth-gap)
	}
	place(d.word, word, right+markSize+gapSmall+2, top, tokenStateWidth-markSize-gapSmall-gap)
	place(d.detail, detail, right+markSize+gapSmall+2, bottom, tokenStateWidth-markSize-gapSmall-gap)
}

func (d *tokenRowRenderer) MinSize() fyne.Size {
	return fyne.NewSize(badgeSize+tokenStateWidth+180, tokenHeight)
}

func (d *tokenRowRenderer) Refresh() {
	m, _, _ := tokenState(d.row.info, d.row.now)
	d.badge.set(d.row.face.emblem(d.row.info.Service))
	d.mark.set(m)
	for _, t := range []*canvas.Text{d.name, d.word, d.calls} {
		paint(t, theme.ColorNameForeground, theme.SizeNameText)
	}
	for _, t := range []*canvas.Text{d.whose, d.last, d.detail} {
		paint(t, colorMuted, theme.SizeNameCaptionText)
	}
	d.texts(d.row.Size())
}

func (d *tokenRowRenderer) Objects() []fyne.CanvasObject {
	return append([]fyne.CanvasObject{d.badge.ground, d.badge.letter, d.name, d.whose, d.calls, d.last, d.word, d.detail}, d.mark.objects()...)
}
func (*tokenRowRenderer) Destroy() {}
