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

	"lockbox/proxy/secret"
	"lockbox/ui/backend"
)

const (
	// masked stands for a token that is not shown.
	masked = "••••••"
	// standIn stands for a token that is elsewhere.
	standIn = "YOUR-TOKEN"
)

// kit says for a platform what goes into which of its fields, and then what came
// of the first calls.
type kit struct {
	*face
	root     *fyne.Container
	platform *choice
	where    *prose
	fields   *fyne.Container
	reach    *strip // what keeps a platform elsewhere from reaching the address
	yours    *prose // what standIn is
	marker   *marker
	call     *prose

	service string
	url     string
	token   secret.Value
	since   time.Time // zero: it is not shown
	seen    string    // the exchange that is spoken of
	reading bool
	known   int    // calls on record when they were read
	heard   func() // a call has come; may be nil
}

func newKit(f *face) *kit {
	k := &kit{face: f, marker: newMarker(markNone)}
	small := func() *prose { return newProse("", theme.SizeNameCaptionText, colorMuted) }
	k.where, k.call, k.yours = small(), small(), small()
	k.reach = newNarrowStrip(f.keys)
	k.yours.set(fmt.Sprintf(lang.L("The token stands where %s does. It was shown when it was made, and only then."), standIn), "")
	k.fields = column(gapSmall)
	k.platform = newChoice(f.keys, platformNames(), func(string) { k.fill() })
	k.root = column(gap, container.NewBorder(nil, nil, container.NewVBox(inset(3, 0, 0, gapSmall, k.marker)), nil, k.call.root),
		rule(), strong(lang.L("Where it goes")), frame(k.platform), k.where.root, k.fields, k.yours.root, k.reach.root)
	return k
}

// begin shows the kit of a token, and waits for its first call. A token that was
// made elsewhere is zero: standIn stands for it.
func (k *kit) begin(v backend.View, service string, token secret.Value) {
	k.yours.root.Hidden = !token.IsZero()
	k.service, k.token, k.since, k.seen = service, token, time.Now(), ""
	k.address(v)
	k.marker.set(markInfo)
	k.call.set(lang.L("Waiting for the first call…"), "")
	if k.platform.Selected == "" {
		k.platform.SetSelected(platforms[0].name)
		return
	}
	k.fill()
}

// address follows where callers from elsewhere reach the service, and says what
// keeps them from it.
func (k *kit) address(v backend.View) {
	s, ok := v.Service(k.service)
	if !ok {
		return // it is gone, and the page will be
	}
	url := v.CallersAddress(s)
	switch {
	case !s.Public && !s.TokenRequired:
		k.reach.say(markInfo, "", lang.L("The address leads to this computer only, since this service asks for no token."))
	case !s.Public:
		k.reach.say(markInfo, "", lang.L("The address leads to this computer only. A platform elsewhere has to be let in."),
			action{label: lang.L("Let the internet in"), do: k.expose})
	case url == "":
		k.reach.say(markInfo, "", lang.L("The address leads to this computer only, until the tunnel is open."),
			action{label: lang.L("Open the tunnel"), do: func() { k.toggleTunnel(backend.ByWindow) }})
	default:
		k.reach.clear()
	}
	if url == "" {
		url = s.URL
	}
	if url += "/"; url != k.url {
		k.url = url
		k.fill()
	}
}

// expose lets callers from the internet at the service.
func (k *kit) expose() {
	service := k.service
	k.loop.run(fmt.Sprintf(lang.L("Letting the internet at %s…"), service), func(ctx context.Context) error { return k.backend.Expose(ctx, service) }, func(err error) {
		if err != nil {
			k.say(markFailed, backend.Sentence(err.Error()))
			return
		}
		k.say(markGood, fmt.Sprintf(lang.L("Callers with a token reach %s from the internet while the tunnel is open."), service))
	})
}

// end lets go of the token.
func (k *kit) end() {
	k.token, k.since = secret.Value{}, time.Time{}
	k.fields.RemoveAll()
}

func (k *kit) fill() {
	if k.since.IsZero() {
		return
	}
	p := platformNamed(k.platform.Selected)
	k.where.set(fmt.Sprintf(lang.L("In %s:"), p.where), "")
	k.fields.RemoveAll()
	stands := masked
	if k.token.IsZero() {
		stands = standIn
	}
	for _, f := range p.fields {
		shown, _, more := strings.Cut(f.fill(k.url, stands), "\n")
		if more {
			shown += " …"
		}
		copied := newButton(k.keys, "", theme.ContentCopyIcon(), func() { k.copyField(f) }).quiet()
		copied.Hidden = k.token.IsZero() && f.value == tokenAlone // there is nothing to copy
		k.fields.Add(column(0, caption(f.label), container.NewBorder(nil, nil, nil, copied, middle(plain(shown).mono().flexible()))))
	}
	k.root.Refresh()
}

func (k *kit) copyField(f kitField) {
	if k.token.IsZero() {
		k.copyText(f.fill(k.url, standIn), f.label)
		return
	}
	text := f.fill(k.url, k.token.Reveal())
	if text == f.fill(k.url, masked) {
		k.copyText(text, f.label)
		return
	}
	k.copySecret(secret.New(text))
	k.say(markGood, fmt.Sprintf(lang.L("%s copied."), f.label))
}

// draw looks for calls when there are new ones.
func (k *kit) draw(v backend.View) {
	if k.since.IsZero() {
		return
	}
	k.address(v)
	if k.reading || k.known == v.Exchanges {
		return
	}
	k.reading, k.known = true, v.Exchanges
	service := k.service
	var calls []backend.Exchange
	k.loop.run("", func(context.Context) (err error) {
		if calls, err = k.backend.Exchanges(backend.Query{Service: []string{service}, Limit: 1}); len(calls) > 0 {
			calls[0], err = k.backend.Exchange(calls[0].ID) // its headers tell who called
		}
		return err
	}, func(err error) {
		k.reading = false
		if err != nil || service != k.service || k.since.IsZero() || len(calls) == 0 || calls[0].ID == k.seen || calls[0].Time.Before(k.since) {
			return
		}
		k.seen = calls[0].ID
		m, text := handshake(calls[0])
		k.marker.set(m)
		k.call.set(text, "")
		k.root.Refresh()
		if k.heard != nil {
			k.heard()
		}
	})
}

// handshake says what came of a call, to whoever is setting its platform up.
func handshake(x backend.Exchange) (mark, string) {
	who := callerOf(x.RequestHeader.Get("User-Agent"), x.Remote)
	if x.Decision == "refused" {
		code, why, _ := strings.Cut(x.Reason, ": ")
		why = strings.TrimSuffix(why, " Ask Lockbox's owner for a new one.") // who reads this
		if mend := mends[code]; mend != "" {
			why += " " + lang.L(mend)
		}
		return markRefused, fmt.Sprintf(lang.L("A call from %s was refused: %s"), who, why)
	}
	return statusMark(x), fmt.Sprintf(lang.L("Received from %s, %d, %s."), who, x.Status, took(x.Duration))
}

// mends is what helps a call that was refused, by the code of its refusal, where
// the refusal itself does not say so.
var mends = map[string]string{
	"token_missing":       "Fill in the field below that has the word Authorization, or the headers are not sent.",
	"token_expired":       "Make a new token on the Tokens page, and put it in the old one's place.",
	"token_revoked":       "Make a new token on the Tokens page, and put it in the old one's place.",
	"token_signature":     "Make a new token on the Tokens page, and put it in the old one's place.",
	"token_issuer":        "Make a token on the Tokens page, and put it in the other one's place.",
	"token_service":       "Use this service's token, or the address of the service that the token is for.",
	"token_audience":      "Make a token for an audience that the service accepts, or allow this one in the service's form.",
	"tokens_unreadable":   "What stands at the top of the window mends it.",
	"signing_key_missing": "What stands at the top of the window mends it.",
	"locked":              "Unlock Lockbox.",
	"paused":              "Resume the proxy.",
}
