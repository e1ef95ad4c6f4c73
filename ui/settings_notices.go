package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"

	"lockbox/ui/update"
)

// noticePart is where each kind of notifications is switched off and on.
type noticePart struct {
	root  fyne.CanvasObject
	kinds map[noticeKind]*check
}

func newNoticePart(f *face) *noticePart {
	p := &noticePart{kinds: map[noticeKind]*check{}}
	rows := container.NewGridWithColumns(2)
	for _, k := range noticeKinds() {
		if k == noticeUpdate && update.Feed == "" {
			continue
		}
		c := newCheck(f.keys, k.label(), nil)
		c.SetChecked(!f.manners.muted(k))
		c.OnChanged = func(on bool) { f.manners.mute(k, !on) }
		p.kinds[k] = c
		rows.Add(c)
	}
	p.root = group(lang.L("Notifications"), lang.L("What comes up beside the window. Several of a kind come as one."), rows)
	return p
}
