package ui

import (
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/widget"
)

// TestHeightsOfManyRows: to give 10,000 rows another height draws the list once, not for
// each of them.
func TestHeightsOfManyRows(t *testing.T) {
	test.NewTempApp(t)
	const rows = 10_000
	l := newList(&hotkeys{}, func() int { return rows }, func() fyne.CanvasObject { return widget.NewLabel("row") }, func(int, fyne.CanvasObject) {})
	w := test.NewTempWindow(t, l)
	w.Resize(fyne.NewSize(400, 400))
	for _, height := range []float32{54, 72, 54} {
		began := time.Now()
		l.setHeights(rows, func(int) float32 { return height })
		l.Refresh()
		if took := time.Since(began); took > time.Second {
			t.Errorf("height %v: %v", height, took)
		}
		l.ScrollToBottom()
		if got, want := l.GetScrollOffset(), rows*(height+4)-400; got < want-float32(rows)*4-100 || got > want+100 {
			t.Errorf("height %v: the end is at %v, want about %v", height, got, want)
		}
	}
}
