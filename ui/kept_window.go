package ui

import (
	"context"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/container"

	"lockbox/ui/backend"
)

// What the window may measure: what is kept may be of another screen, or of
// anyone's making.
const (
	windowWidth, windowHeight       = 1080, 720 // of a first start
	windowMinWidth, windowMinHeight = 480, 320
	windowMaxWidth, windowMaxHeight = 7680, 4320
)

// keepEvery is between two writes of what is kept.
const keepEvery = time.Second

// pageNames are what the pages are called where they are kept: their numbers may
// change.
var pageNames = map[int]string{
	pageOverview: "overview", pageServices: "services", pageTokens: "tokens", pageAudit: "audit",
	pageApprovals: "approvals", pageTunnel: "tunnel", pageSettings: "settings",
}

// keptWindow remembers the window's size and page for the next start. Where it
// stands is the desktop's to know: Fyne does not.
type keptWindow struct {
	*face
	now     backend.WindowState
	written backend.WindowState
	waiting bool // a write is to come
}

func newKeptWindow(f *face) *keptWindow {
	s := f.backend.WindowState()
	return &keptWindow{face: f, now: s, written: s}
}

// size is how large the window begins.
func (k *keptWindow) size() fyne.Size {
	w, h := k.now.Width, k.now.Height
	if !(w >= windowMinWidth && w <= windowMaxWidth && h >= windowMinHeight && h <= windowMaxHeight) { // not a number neither
		return fyne.NewSize(windowWidth, windowHeight)
	}
	return fyne.NewSize(w, h)
}

// page is the page that was shown last, or another one when it is not known.
func (k *keptWindow) page(otherwise int) int {
	for page, name := range pageNames {
		if name == k.now.Page {
			return page
		}
	}
	return otherwise
}

// fit makes a window smaller that is larger than the screen.
func (k *keptWindow) fit(screen fyne.Size) {
	now := k.window.Canvas().Size()
	if fits := now.Min(screen); fits != now && screen.Width >= windowMinWidth && screen.Height >= windowMinHeight {
		k.window.Resize(fits)
	}
}

func (k *keptWindow) shown(page int) {
	k.now.Page = pageNames[page]
	k.keep()
}

// watch is something without looks that is as large as the window.
func (k *keptWindow) watch() fyne.CanvasObject { return container.New(k) }

// MinSize implements fyne.Layout.
func (*keptWindow) MinSize([]fyne.CanvasObject) fyne.Size { return fyne.Size{} }

// Layout implements fyne.Layout: the window has another size.
func (k *keptWindow) Layout(_ []fyne.CanvasObject, s fyne.Size) {
	if s.Width < windowMinWidth || s.Height < windowMinHeight {
		return
	}
	k.now.Width, k.now.Height = s.Width, s.Height
	k.keep()
}

// keep writes in a while, once for all that happens until then.
func (k *keptWindow) keep() {
	if k.waiting || k.now == k.written {
		return
	}
	k.waiting = true
	k.loop.run("", func(ctx context.Context) error {
		select {
		case <-time.After(keepEvery):
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}, func(err error) {
		if err != nil {
			return
		}
		s := k.now
		k.loop.run("", func(ctx context.Context) error { return k.backend.KeepWindow(ctx, s) }, func(error) {
			// One that could not be written is tried again at the next change.
			k.waiting, k.written = false, s
			k.keep()
		})
	})
}

// end writes what is not written yet. The window's thread has nothing else to do
// any more.
func (k *keptWindow) end() error {
	if k.now == k.written {
		return nil
	}
	return k.backend.KeepWindow(context.Background(), k.now)
}
