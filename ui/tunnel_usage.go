package ui

import (
	"fmt"
	"image/color"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"
	"fyne.io/fyne/v2/widget"

	"lockbox/ui/backend"
)

const freeText = "ngrok's free plan has 20,000 calls and 1 GB of answers a month, from all of the account's computers."

// usage is what came by the tunnel this month, beside what the free plan has.
type usage struct {
	words, limits *prose
	calls, bytes  *share
	bars          *fyne.Container
}

// month is the usage as a part of the page.
func (p *tunnelPage) month() fyne.CanvasObject {
	p.usage = &usage{newProse("", theme.SizeNameText, theme.ColorNameForeground), newProse("", theme.SizeNameCaptionText, colorMuted), newShare(), newShare(), nil}
	u := p.usage
	bar := func(label string, s *share) fyne.CanvasObject {
		return container.NewBorder(nil, nil, wide(shareLabel, caption(label)), wide(shareLabel, s.percent), middle(s))
	}
	u.bars = column(gapTight, bar(lang.L("Calls"), u.calls), bar(lang.L("Answers"), u.bytes))
	return group(lang.L("This month"), "", column(gapSmall, u.words.root, u.bars, u.limits.root))
}

func (u *usage) set(v backend.View) {
	u.words.set(usageText(v.Usage), "")
	free := freePlan(v.Tunnel)
	u.bars.Hidden = !free
	u.calls.set(v.Usage.Calls, backend.FreeCalls)
	u.bytes.set(v.Usage.Out, backend.FreeBytes)
	switch level := v.Usage.Level(); {
	case !free:
		u.limits.set(fmt.Sprintf(lang.L("The account's plan is %s, whose limits are at dashboard.ngrok.com/usage."), v.Tunnel.Plan), colorMuted)
	case level == backend.UsageFull:
		u.limits.set(fmt.Sprintf(lang.L("That is all of it: ngrok may turn calls away until next month. %s"), lang.L(freeText)), theme.ColorNameError)
	case level == backend.UsageHigh:
		u.limits.set(fmt.Sprintf(lang.L("That is %d%% of it. "), v.Usage.Percent())+lang.L(freeText), theme.ColorNameWarning)
	default:
		u.limits.set(lang.L(freeText), colorMuted)
	}
}

// freePlan reports whether the account has the free plan, as far as is known.
func freePlan(t backend.TunnelState) bool {
	return t.Plan == "" || strings.Contains(strings.ToLower(t.Plan), "free")
}

// usageText says what came by the tunnel.
func usageText(u backend.TunnelUsage) string {
	if u.Calls == 0 {
		return lang.L("No call came by the tunnel to this computer yet.")
	}
	return fmt.Sprintf(lang.L("%s came by the tunnel to this computer, with %s of answers."), counted(u.Calls, "call"), size(u.Out))
}

// share is a bar that says how much of something is used.
type share struct {
	widget.BaseWidget
	part    float32
	percent *line // to stand beside it
}

func newShare() *share {
	s := &share{percent: caption("0%")}
	s.percent.align = fyne.TextAlignTrailing
	s.ExtendBaseWidget(s)
	return s
}

func (s *share) set(used, of int64) {
	s.percent.set(fmt.Sprintf("%d%%", used*100/of), "")
	part := min(float32(used)/float32(of), 1)
	if part != s.part {
		s.part = part
		s.Refresh()
	}
}

// CreateRenderer implements fyne.Widget.
func (s *share) CreateRenderer() fyne.WidgetRenderer {
	r := &shareRenderer{s, canvas.NewRectangle(color.Transparent), canvas.NewRectangle(color.Transparent)}
	r.Refresh()
	return r
}

const (
	shareHeight = 6
	shareLabel  = 60
)

type shareRenderer struct {
	share        *share
	whole, taken *canvas.Rectangle
}

func (r *shareRenderer) Layout(s fyne.Size) {
	r.whole.Resize(s)
	width := s.Width * r.share.part
	if width > 0 {
		width = max(width, shareHeight)
	}
	r.taken.Resize(fyne.NewSize(width, s.Height))
}

func (*shareRenderer) MinSize() fyne.Size { return fyne.NewSize(shareHeight, shareHeight) }

func (r *shareRenderer) Refresh() {
	fill := theme.ColorNamePrimary
	switch percent := int(r.share.part * 100); {
	case percent >= backend.UsageFull:
		fill = theme.ColorNameError
	case percent >= backend.UsageHigh:
		fill = theme.ColorNameWarning
	}
	r.whole.FillColor, r.taken.FillColor = theme.Color(theme.ColorNameSeparator), theme.Color(fill)
	r.whole.CornerRadius, r.taken.CornerRadius = shareHeight/2, shareHeight/2
	r.Layout(r.share.Size())
	r.whole.Refresh()
	r.taken.Refresh()
}

func (r *shareRenderer) Objects() []fyne.CanvasObject {
	return []fyne.CanvasObject{r.whole, r.taken}
}
func (*shareRenderer) Destroy() {}
