package ui

import (
	"context"
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// tunnelPage opens and closes the tunnel, says how it is, and takes what it needs.
type tunnelPage struct {
	*face
	root fyne.CanvasObject
	view backend.View

	toggle        *button
	marker        *marker
	state, since  *line
	trouble       *strip
	address       *shownValue
	addressRow    *fyne.Container
	code          *qrCode
	callers, outs *prose
	usage         *usage

	authtoken, domain *entry
	public            *entry // where the public side is served for another tunnel
	served            *line
	start, awake      *check
	fields            map[string]*field
	save              *button
	diagnose          *button
	steps             *prose
	begun             backend.TunnelSettings
	loaded, has       bool // has: there is an authtoken
	working           bool
}

func newTunnelPage(f *face) *tunnelPage {
	p := &tunnelPage{face: f, fields: map[string]*field{}, trouble: newNarrowStrip(f.keys)}
	p.toggle = newButton(f.keys, lang.L("Open the tunnel"), theme.UploadIcon(), func() { f.toggleTunnel(backend.ByWindow) }).primary()
	body := container.NewVScroll(inset(0, gap, 0, gap, column(gap, p.now(), p.month(), p.settings(), p.ownTunnel(), p.diagnosis())))
	revealEach(body, p.authtoken, p.domain, p.public, p.start, p.awake, p.save, p.diagnose)
	head := container.NewBorder(nil, nil, nil, middle(p.toggle), middle(title(lang.L("Tunnel"))))
	p.root = container.NewBorder(pageHead(head), nil, nil, nil, body)
	return p
}

// now is how the tunnel is.
func (p *tunnelPage) now() fyne.CanvasObject {
	p.marker, p.state, p.since = newMarker(markInactive), strong(lang.L("Closed")).flexible(), muted("").flexible()
	p.address = &shownValue{text: plain("").mono().flexible()}
	copied := newButton(p.keys, "", theme.ContentCopyIcon(), func() { p.copyText(p.address.text.text, lang.L("The public address")) }).quiet()
	p.addressRow = container.NewBorder(nil, nil, nil, copied, middle(pickable(p.keys, p.address.text)))
	p.addressRow.Hide()
	p.code = newQRCode(132)
	p.callers = newProse("", theme.SizeNameCaptionText, colorMuted)
	p.outs = newProse("", theme.SizeNameCaptionText, theme.ColorNameWarning).pickable(p.keys)
	words := container.NewBorder(nil, nil, container.NewVBox(inset(3, 0, 0, gapSmall, p.marker)), nil, column(gapTight, p.state, p.since))
	left := column(gapSmall, words, p.addressRow, p.callers.root, p.outs.root)
	return card(column(gap, container.NewBorder(nil, nil, nil, p.code.root, left), p.trouble.root))
}

func (p *tunnelPage) diagnosis() fyne.CanvasObject {
	p.steps = newProse("", theme.SizeNameText, theme.ColorNameForeground).pickable(p.keys)
	p.diagnose = newButton(p.keys, lang.L("Diagnose"), theme.SearchIcon(), func() {
		var steps []backend.TunnelStep
		p.diagnose.Disable()
		p.steps.set("", "")
		p.loop.run(lang.L("Trying the way to ngrok…"), func(ctx context.Context) error { steps = p.backend.DiagnoseTunnel(ctx); return nil }, func(error) {
			p.diagnose.Enable()
			p.steps.set(stepsText(steps), "")
		})
	})
	return group(lang.L("Diagnosis"), lang.L("Whether ngrok can be reached from here, step by step."), container.NewHBox(p.diagnose), p.steps.root)
}

func stepsText(steps []backend.TunnelStep) string {
	var lines []string
	for _, s := range steps {
		sign := "✓"
		if !s.OK {
			sign = "✗"
		}
		lines = append(lines, sign+" "+s.Name+": "+s.Text)
	}
	return strings.Join(lines, "\n")
}

// open reads what the page needs and no View has.
func (p *tunnelPage) open() {
	var has bool
	p.loop.run(lang.L("Looking for the authtoken…"), func(ctx context.Context) error { has = p.backend.HasAuthtoken(ctx); return nil }, func(error) {
		p.has = has
		placeholder := ""
		if has {
			placeholder = lang.L("•••••• stored")
		}
		p.authtoken.SetPlaceHolder(placeholder)
		if !has && p.shown == p.root && p.window.Canvas().Focused() == nil {
			p.focus(p.authtoken) // the first thing that is wanted
		}
	})
}

// draw shows a new View. What the person is editing stays.
func (p *tunnelPage) draw(v backend.View) {
	p.view = v
	t := v.Tunnel
	m, word := tunnelWord(t)
	p.marker.set(m)
	p.state.set(word, "")
	p.since.set(tunnelSince(t, time.Now()), "")
	p.address.text.set(t.URL, "")
	if since, url := p.since.text == "", t.URL == ""; since != p.since.Hidden || url != p.addressRow.Hidden {
		p.since.Hidden, p.addressRow.Hidden = since, url
		p.root.Refresh()
	}
	p.code.set(t.URL)
	p.callers.set(tunnelCallers(v), "")
	p.outs.set(lockoutsText(v), "")
	p.usage.set(v)
	p.drawServed(v)
	p.drawTrouble(t)
	label, icon := lang.L("Open the tunnel"), theme.UploadIcon()
	if t.Phase != backend.TunnelClosed {
		label, icon = lang.L("Close the tunnel"), theme.CancelIcon()
	}
	if p.toggle.Text != label {
		p.toggle.Text, p.toggle.Icon = label, icon
		p.toggle.Refresh()
	}
	setDisabled(p.toggle, t.Phase == backend.TunnelClosing || v.Phase == backend.Starting)
	if v.Phase == backend.Starting {
		return
	}
	if s := p.backend.TunnelSettings(); !p.loaded || s != p.begun && !p.dirty() {
		p.begun, p.loaded = s, true
		p.reset()
	}
}

func (p *tunnelPage) drawTrouble(t backend.TunnelState) {
	switch {
	case !t.Trouble.IsZero():
		text := t.Trouble.Text
		if t.Trouble.Code != "" {
			text += " (" + t.Trouble.Code + ")"
		}
		p.trouble.say(markWarning, t.Trouble.Title, text)
	case t.Former != "":
		p.trouble.say(markWarning, lang.L("The public address has changed"), fmt.Sprintf(lang.L("It was %s before: change it where callers have it. A domain of the account's stays the same."), t.Former))
	case !t.Unguarded.IsZero():
		text := t.Unguarded.Text
		if t.Unguarded.Code != "" {
			text += " (" + t.Unguarded.Code + ")"
		}
		p.trouble.say(markInfo, t.Unguarded.Title, text)
	default:
		p.trouble.clear()
	}
}

// tunnelWord is the tunnel's state as a mark and a word.
func tunnelWord(t backend.TunnelState) (mark, string) {
	switch t.Phase {
	case backend.TunnelOpening:
		return markInfo, lang.L("Opening…")
	case backend.TunnelOpen:
		return markGood, lang.L("Open: callers on the internet reach Lockbox")
	case backend.TunnelLost:
		return markWarning, lang.L("Lost: calls do not arrive")
	case backend.TunnelClosing:
		return markInfo, lang.L("Closing: calls under way may finish")
	}
	return markInactive, lang.L("Closed: Lockbox is reached from this computer only")
}

// tunnelSince says since when, and until when.
func tunnelSince(t backend.TunnelState, now time.Time) string {
	const clock = "15:04"
	var parts []string
	if t.Phase == backend.TunnelOpen || t.Phase == backend.TunnelLost {
		parts = append(parts, fmt.Sprintf(lang.L("Since %s"), t.Since.Local().Format(clock)))
	}
	if t.Phase != backend.TunnelClosed && !t.Until.IsZero() {
		parts = append(parts, fmt.Sprintf(lang.L("closed at %s"), t.Until.Local().Format(clock)))
	}
	if left := t.Retry.Sub(now); t.Phase == backend.TunnelLost && left > time.Second {
		parts = append(parts, fmt.Sprintf(lang.L("tried again at %s"), t.Retry.Local().Format("15:04:05")))
	}
	if t.Account != "" {
		parts = append(parts, fmt.Sprintf(lang.L("account %s"), t.Account))
	}
	return strings.Join(parts, ", ")
}

// tunnelCallers says what callers reach.
func tunnelCallers(v backend.View) string {
	var names []string
	for _, s := range v.Services {
		if s.Public {
			names = append(names, s.Name)
		}
	}
	if len(names) == 0 {
		return lang.L("No service is marked \"tunnel\": true in the config, so that callers would reach none.")
	}
	const most = 5
	if more := len(names) - most; more > 0 {
		names = append(names[:most], fmt.Sprintf(lang.L("and %d more"), more))
	}
	return fmt.Sprintf(lang.L("With a token, callers reach: %s."), strings.Join(names, ", "))
}

func lockoutsText(v backend.View) string {
	var lines []string
	for _, l := range v.Lockouts {
		lines = append(lines, fmt.Sprintf(lang.L("%s is locked out until %s: too many calls without a valid token."), l.Address, l.Until.Local().Format("15:04")))
	}
	return strings.Join(lines, "\n")
}

// key is what the page does with a key.
func (p *tunnelPage) key(k fyne.KeyName) bool {
	if k == fyne.KeyEscape && p.dirty() && !p.working {
		p.reset()
		return true
	}
	return false
}

// toggleTunnel opens the tunnel, or closes it, by the window or the tray.
func (f *face) toggleTunnel(by string) {
	if f.backend.View().Tunnel.Phase != backend.TunnelClosed {
		f.loop.run(lang.L("Closing the tunnel…"), func(context.Context) error { f.backend.CloseTunnel(by); return nil }, func(error) {
			f.say(markGood, lang.L("The tunnel is closed: Lockbox is reached from this computer only."))
		})
		return
	}
	f.loop.run(lang.L("Opening the tunnel…"), func(ctx context.Context) error { return f.backend.OpenTunnel(ctx, by) }, func(err error) {
		if err != nil {
			f.say(markFailed, backend.Sentence(err.Error()))
			f.notify(noticeTunnel, lang.L("The tunnel is not opened"), backend.Sentence(err.Error()))
		}
	})
}
