package ui

import (
	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"
	"fyne.io/fyne/v2/lang"
)

// overviewPage is what a glance should tell.
type overviewPage struct {
	*face
	root fyne.CanvasObject
}

func newOverviewPage(f *face) *overviewPage {
	p := &overviewPage{face: f}
	p.root = container.NewBorder(pageHead(title(lang.L("Overview"))), nil, nil, nil)
	return p
}

// key is what the page does with a key.
func (*overviewPage) key(fyne.KeyName) bool { return false }
