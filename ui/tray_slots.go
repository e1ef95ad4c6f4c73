package ui

import (
	"fmt"

	"lockbox/ui/backend"
)

// trayAudiences is how many audiences the tray's menu lists for a service. Its
// items are made once, so that there are trayServices times as many.
const trayAudiences = 3

// trayNew is the item behind them.
const trayNew = "New…"

// traySlot is a place for a service in the tray's menu. What is equal needs no
// touch.
type traySlot struct {
	service   string // "": none
	audiences [trayAudiences]string
}

// traySlots is what the places show: all of them, those without a service too.
func traySlots(services []string, offered map[string][]string) (out [trayServices]traySlot) {
	for i, name := range services {
		if i == trayServices {
			break
		}
		out[i].service = name
		copy(out[i].audiences[:], offered[name])
	}
	return out
}

// trayOffer is what the audiences to offer depend on: finding them goes through
// the whole list of tokens.
type trayOffer struct {
	tokens   uint64
	usual    string
	services string // the services and what they accept
}

func trayOfferOf(v backend.View) trayOffer {
	o := trayOffer{tokens: v.Tokens, usual: v.Token.Audience}
	for _, s := range v.Services[:min(len(v.Services), trayServices)] {
		o.services += fmt.Sprintf("%q %v %q\n", s.Name, s.AnyAudience, s.Audiences)
	}
	return o
}

// trayToken is what a click below a service does: without an audience the form of
// a new token is opened.
func (w *window) trayToken(service, audience string) {
	if audience != "" {
		w.copyToken(service, audience, 0)
		return
	}
	w.newToken(service)
	w.raise()
}
