package ui

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
	"fyne.io/fyne/v2/layout"
	"fyne.io/fyne/v2/theme"

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

func (p *tunnelPage) put(name, label, hint string, o fyne.CanvasObject) fyne.CanvasObject {
	f := newField(label, hint, o)
	p.fields[name] = f
	return f.root
}

func (p *tunnelPage) settings() fyne.CanvasObject {
	p.authtoken, p.domain, p.public = newEntry(p.keys), newEntry(p.keys), newEntry(p.keys)
	p.authtoken.Password = true
	p.domain.SetPlaceHolder(lang.L("the account's own"))
	p.public.SetPlaceHolder(lang.L("off"))
	p.start = newCheck(p.keys, lang.L("Open the tunnel at each start"), func(bool) { p.check() })
	p.awake = newCheck(p.keys, lang.L("Keep this computer awake while the tunnel is open"), func(bool) { p.check() })
	p.save = newButton(p.keys, lang.L("Save"), theme.ConfirmIcon(), p.submit)
	for _, e := range []*entry{p.authtoken, p.domain, p.public} {
		e.OnChanged = func(string) { p.check() }
		e.OnSubmitted = func(string) { p.submit() }
	}
	return group("ngrok", lang.L("The tunnel leads through ngrok.com, where a free account will do."),
		p.put("authtoken", lang.L("Authtoken"), lang.L("From dashboard.ngrok.com/get-started/your-authtoken. It is kept in the vault."), p.authtoken),
		p.put("domain", lang.L("Domain"), lang.L("One of the account's, such as mine.ngrok.app. It counts from when the tunnel is opened next."), p.domain),
		container.NewBorder(nil, nil, blankWidth(labelWidth), nil, column(0, p.start, p.awake)))
}

// ownTunnel is where callers come in who have another way to this computer.
func (p *tunnelPage) ownTunnel() fyne.CanvasObject {
	p.served = caption("").flexible()
	return group(lang.L("Your own tunnel"), lang.L("For cloudflared, Tailscale Funnel or a reverse proxy on this computer: callers by it reach the same services with the same tokens."),
		p.put("public_listen", lang.L("Lead it to"), lang.L("An address of this computer, such as 127.0.0.1:8001. Empty: off."), p.public),
		container.NewBorder(nil, nil, blankWidth(labelWidth), nil, p.served),
		ends(layout.NewSpacer(), p.save))
}

func (p *tunnelPage) typed() backend.TunnelSettings {
	return backend.TunnelSettings{Domain: strings.ToLower(strings.TrimSpace(p.domain.Text)), Start: p.start.Checked,
		KeepAwake: p.awake.Checked, PublicListen: strings.TrimSpace(p.public.Text)}
}

func (p *tunnelPage) dirty() bool {
	return p.loaded && (p.typed() != p.begun || p.authtoken.Text != "")
}

func (p *tunnelPage) reset() {
	p.domain.SetText(p.begun.Domain)
	p.start.SetChecked(p.begun.Start)
	p.awake.SetChecked(p.begun.KeepAwake)
	p.public.SetText(p.begun.PublicListen)
	p.authtoken.SetText("")
	p.check()
}

// check says beside each field what is wrong with it.
func (p *tunnelPage) check() {
	if p.save == nil {
		return
	}
	wrong := ""
	if p.authtoken.Text != "" {
		if err := backend.CheckAuthtoken(secret.New(p.authtoken.Text)); err != nil {
			wrong = backend.Sentence(err.Error())
		}
	}
	p.fields["authtoken"].say(markFailed, wrong)
	bad := p.backend.CheckTunnelSettings(p.typed())
	p.show(bad)
	setDisabled(p.save, !p.dirty() || p.working || wrong != "" || len(bad) > 0)
}

// show says what is wrong with the settings, beside their fields.
func (p *tunnelPage) show(bad backend.Fields) {
	for _, name := range []string{"domain", "public_listen"} {
		p.fields[name].say(markFailed, backend.Sentence(bad[name]))
	}
}

func (p *tunnelPage) submit() {
	if p.save.Disabled() {
		return
	}
	token, s := secret.New(p.authtoken.Text), p.typed()
	was, refused := p.begun, false // the authtoken was
	p.work(true)
	p.loop.run(lang.L("Saving…"), func(ctx context.Context) error {
		if !token.IsZero() {
			if err := p.backend.SetAuthtoken(ctx, token); err != nil {
				refused = true
				return err
			}
		}
		if s == was {
			return nil
		}
		return p.backend.SaveTunnelSettings(ctx, s)
	}, func(err error) {
		p.work(false)
		var bad backend.Fields
		switch {
		case errors.As(err, &bad):
			p.show(bad)
		case refused:
			p.fields["authtoken"].say(markFailed, backend.Sentence(err.Error()))
		case err != nil:
			p.say(markFailed, backend.Sentence(err.Error()))
		default:
			p.begun = p.backend.TunnelSettings()
			p.reset()
			p.open()
			p.say(markGood, lang.L("Saved."))
		}
	})
}

func (p *tunnelPage) work(yes bool) {
	p.working = yes
	for _, o := range []fyne.Disableable{p.authtoken, p.domain, p.public, p.start, p.awake} {
		setDisabled(o, yes)
	}
	p.check()
}

// drawServed says where callers by another tunnel come in.
func (p *tunnelPage) drawServed(v backend.View) {
	text := ""
	if v.PublicURL != "" {
		text = fmt.Sprintf(lang.L("Served at %s"), v.PublicURL)
	}
	p.served.set(text, "")
	if hidden := text == ""; hidden != p.served.Hidden {
		p.served.Hidden = hidden
		p.root.Refresh()
	}
}
