//go:build !headless

package ui

import (
	"context"

	"fyne.io/fyne/v2/lang"
	"fyne.io/systray"

	"lockbox/ui/backend"
)

// slot is the items of a traySlot.
type slot struct {
	shown     traySlot
	root      *systray.MenuItem
	audiences [trayAudiences]*systray.MenuItem
}

// openSlots makes the places of the services, which are named as they come.
func (t *tray) openSlots(parent *systray.MenuItem) {
	for range trayServices {
		s := &slot{root: parent.AddSubMenuItem("–", "")}
		s.root.Hide()
		for i := range s.audiences {
			s.audiences[i] = s.root.AddSubMenuItem("–", "")
			s.audiences[i].Hide()
			t.on(s.audiences[i], func() {
				if a := s.shown.audiences[i]; a != "" {
					t.window.trayToken(s.shown.service, a)
				}
			})
		}
		t.on(s.root.AddSubMenuItem(lang.L(trayNew), ""), func() {
			if s.shown.service != "" {
				t.window.trayToken(s.shown.service, "")
			}
		})
		t.slots = append(t.slots, s)
	}
	t.none = parent.AddSubMenuItem(lang.L("No services yet"), "")
	t.none.Disable()
	t.more = parent.AddSubMenuItem(lang.L("More…"), "")
	t.more.Hide()
	t.on(t.more, func() {
		t.window.open(pageServices)
		t.window.raise()
	})
}

// offer finds the audiences to offer anew when they may be others.
func (t *tray) offer(v backend.View) {
	offer := trayOfferOf(v)
	if t.desk == nil || offer == t.offering {
		return
	}
	t.offering = offer
	services := t.shown.Services
	var offered map[string][]string
	t.window.loop.run("", func(context.Context) error {
		offered = t.window.backend.OfferedAudiences(services, trayAudiences)
		return nil
	}, func(error) {
		if offer == t.offering { // else there is a later one
			t.offered = offered
			t.drawSlots(t.shown.Services)
		}
	})
}

// drawSlots touches the places of the services that differ.
func (t *tray) drawSlots(services []string) {
	for i, now := range traySlots(services, t.offered) {
		s := t.slots[i]
		was := s.shown
		s.shown = now
		for j, item := range s.audiences {
			nameItem(item, was.audiences[j], now.audiences[j])
		}
		nameItem(s.root, was.service, now.service)
	}
}

// nameItem shows an item under another name, or hides it.
func nameItem(item *systray.MenuItem, was, is string) {
	if was == is {
		return
	}
	if is == "" {
		item.Hide()
		return
	}
	item.SetTitle(is)
	if was == "" {
		item.Show()
	}
}
