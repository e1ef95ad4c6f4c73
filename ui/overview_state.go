package ui

import (
	"cmp"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/theme"

	"lockbox/ui/backend"
)

// tile says how a part of Lockbox is, and what is next to be done with it.
type tile struct {
	root   fyne.CanvasObject
	marker *marker
	word   *line
	detail *line
	next   *button
	shown  string // the next step's label
}

func newTile(k *hotkeys, name string) *tile {
	t := &tile{marker: newMarker(markInfo), word: strong("").flexible(), detail: caption("").flexible()}
	t.next = newButton(k, "", nil, nil).quiet()
	t.next.Hide()
	state := container.NewBorder(nil, nil, inset(0, 0, 0, gapSmall, middle(t.marker)), nil, t.word)
	words := container.NewBorder(nil, nil, nil, container.NewVBox(t.next), column(gapTight, caption(name), state))
	t.root = newSurface(colorSurface, theme.ColorNameSeparator, radiusLarge, gap, column(gapTight, words, t.detail))
	return t
}

// say shows a state. A tile without a step has no button.
func (t *tile) say(m mark, word, detail string, next action) {
	t.marker.set(m)
	t.word.set(word, "")
	t.detail.set(detail, "")
	t.next.OnTapped = next.do
	if t.shown == next.label {
		return
	}
	t.shown = next.label
	t.next.Text, t.next.Icon = next.label, next.icon
	if t.next.Hide(); next.label != "" {
		t.next.Show()
	}
	t.root.Refresh()
}

// drawState shows how the proxy, the vault and the tunnel are.
func (p *overviewPage) drawState(v backend.View) {
	m, word := phase(v)
	if v.Locked { // the vault's tile says so
		if m, word = markGood, lang.L("Running"); v.Phase == backend.Paused {
			m, word = markInactive, lang.L("Paused")
		}
	}
	address := strings.TrimPrefix(v.BaseURL, "http://")
	switch v.Phase {
	case backend.Stopped:
		p.proxy.say(m, word, address, action{label: lang.L("Retry"), icon: theme.ViewRefreshIcon(), do: func() { p.retry("retry") }})
	case backend.Paused:
		p.proxy.say(m, word, address, action{label: lang.L("Resume"), icon: theme.MediaPlayIcon(), do: p.togglePause})
	case backend.Starting:
		p.proxy.say(m, word, address, action{})
	default:
		p.proxy.say(m, word, address, action{label: lang.L("Copy"), icon: theme.ContentCopyIcon(), do: func() { p.copyText(v.BaseURL, lang.L("The base URL")) }})
	}
	p.drawVault(v)
	p.drawTunnel(v)
}

func (p *overviewPage) drawVault(v backend.View) {
	name := lang.L("this computer's keychain")
	if v.Vault.File {
		name = v.Vault.Name
	}
	unlock := action{label: lang.L("Unlock"), icon: theme.LoginIcon(), do: func() { p.retry("unlock") }}
	switch {
	case v.Phase == backend.Starting:
		p.vault.say(markInfo, lang.L("Starting…"), name, action{})
	case v.Locked:
		p.vault.say(markInactive, lang.L("Locked"), lang.L("no key is in memory"), unlock)
	case v.Vault.New:
		p.vault.say(markWarning, lang.L("Not there yet"), name, unlock)
	case v.Keychain.CanUnlock:
		p.vault.say(markWarning, lang.L("Locked"), name, unlock)
	case v.Keychain.Message != "":
		p.vault.say(markWarning, lang.L("Cannot be used"), name, action{label: lang.L("Retry"), icon: theme.ViewRefreshIcon(), do: func() { p.retry("retry") }})
	default:
		p.vault.say(markGood, lang.L("Open"), name, action{})
	}
}

func (p *overviewPage) drawTunnel(v backend.View) {
	t := v.Tunnel
	show := action{label: lang.L("Look"), icon: theme.NavigateNextIcon(), do: func() { p.to.page(pageTunnel) }}
	switch t.Phase {
	case backend.TunnelOpening:
		p.tunnel.say(markInfo, lang.L("Opening…"), "", action{})
	case backend.TunnelClosing:
		p.tunnel.say(markInfo, lang.L("Closing…"), "", action{})
	case backend.TunnelOpen:
		p.tunnel.say(markGood, lang.L("Open"), strings.TrimPrefix(t.URL, "https://"), action{label: lang.L("Copy"), icon: theme.ContentCopyIcon(), do: func() { p.copyText(t.URL, lang.L("The public address")) }})
	case backend.TunnelLost:
		p.tunnel.say(markWarning, lang.L("Lost"), cmp.Or(t.Trouble.Title, lang.L("calls do not arrive")), show)
	default:
		detail := lang.L("reached from this computer only")
		if !t.Trouble.IsZero() {
			p.tunnel.say(markWarning, lang.L("Closed"), t.Trouble.Title, show)
			return
		}
		if v.PublicURL != "" {
			detail = fmt.Sprintf(lang.L("another one's calls come in at %s"), strings.TrimPrefix(v.PublicURL, "http://"))
		}
		p.tunnel.say(markInactive, lang.L("Closed"), detail, action{label: lang.X("open it", "Open"), icon: theme.UploadIcon(), do: func() { p.toggleTunnel(backend.ByWindow) }})
	}
}

// evenly puts things beside each other, at one width.
type evenly struct{}

func (evenly) MinSize(o []fyne.CanvasObject) (s fyne.Size) {
	for _, x := range o {
		s = s.Max(x.MinSize())
	}
	n := float32(len(o))
	return fyne.NewSize(n*s.Width+(n-1)*gap, s.Height)
}

func (evenly) Layout(o []fyne.CanvasObject, s fyne.Size) {
	n := float32(len(o))
	width := (s.Width - (n-1)*gap) / n
	for i, x := range o {
		x.Resize(fyne.NewSize(width, s.Height))
		x.Move(fyne.NewPos(float32(i)*(width+gap), 0))
	}
}
