package ui

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/test"
)

// sheetFace is a face for a sheet by itself.
func sheetFace(t *testing.T) *face {
	t.Helper()
	a := test.NewTempApp(t)
	a.Settings().SetTheme(look{fixed: true})
	return &face{keys: &hotkeys{}, app: a, window: test.NewTempWindow(t, nil), say: func(mark, string) {}}
}

func TestSheetRows(t *testing.T) {
	f := sheetFace(t)
	m := newSheet(f, true).cell()
	tests := []struct{ text, want string }{
		{"", ""},
		{"one\ntwo\n", "one|two|"},
		{"0123456789abc", "0123456789|abc"},
		{"0123456789\nx", "0123456789|x"},
		{"你好你好你好", "你好你好你|好"},
		{"\tab\tcd", "    ab    |cd"},
	}
	for _, tt := range tests {
		s := newSheet(f, true)
		s.set(tt.text, 10*m+2)
		var got []string
		for _, e := range s.rows {
			got = append(got, s.drawnRow(e))
		}
		if strings.Join(got, "|") != tt.want {
			t.Errorf("%q: %q, want %q", tt.text, got, tt.want)
		}
	}
}

// TestSheet: text is selected with the mouse and copied as it stands, and of a
// long one few rows are drawn.
func TestSheet(t *testing.T) {
	f := sheetFace(t)
	s := newSheet(f, true)
	var lines []string
	for i := range 20_000 {
		lines = append(lines, fmt.Sprintf("line %05d of many", i))
	}
	began := time.Now()
	s.set(strings.Join(lines, "\n"), 360)
	f.window.SetContent(s.root)
	f.window.Resize(fyne.NewSize(400, sheetRows*rowHeight))
	if d := time.Since(began); d > 300*time.Millisecond*slowed {
		t.Errorf("a text of 20,000 lines takes %v", d)
	}
	r := test.WidgetRenderer(s)
	if n := len(r.Objects()); n > 2*sheetRows {
		t.Errorf("%d objects are drawn", n)
	}
	m := s.cell()
	press := func(row, column int) {
		s.MouseDown(&desktop.MouseEvent{Button: desktop.MouseButtonPrimary, PointEvent: fyne.PointEvent{Position: fyne.NewPos(float32(column)*m, float32(row)*rowHeight+4)}})
	}
	press(2, 5)
	s.Dragged(&fyne.DragEvent{PointEvent: fyne.PointEvent{Position: fyne.NewPos(10*m, 3*rowHeight+4)}})
	s.TypedShortcut(&fyne.ShortcutCopy{})
	if got, want := f.app.Clipboard().Content(), "00002 of many\nline 00003"; got != want {
		t.Errorf("%q was copied, want %q", got, want)
	}
	s.DoubleTapped(&fyne.PointEvent{Position: fyne.NewPos(6*m, 4*rowHeight+4)})
	s.TypedShortcut(&fyne.ShortcutCopy{})
	if got := f.app.Clipboard().Content(); got != "00004" {
		t.Errorf("the word %q was copied", got)
	}
	s.TypedShortcut(&fyne.ShortcutSelectAll{})
	s.TypedShortcut(&fyne.ShortcutCopy{})
	if got := f.app.Clipboard().Content(); got != s.text {
		t.Errorf("of all %d bytes were copied", len(got))
	}
	copied := false
	f.keys.bind(f.window.Canvas(), ctrl(fyne.KeyC), func() { copied = true })
	press(1, 1)
	s.TypedShortcut(&fyne.ShortcutCopy{})
	if !copied {
		t.Error("without a selection the key does not reach the window")
	}
	at := strings.Index(s.text, "line 15000")
	s.mark([]extent{{at, at + 10}}, 0)
	first := int(s.scroll.Offset.Y / rowHeight)
	if first > 15_000 || first < 15_000-sheetRows {
		t.Errorf("what was found is on row 15000, and rows from %d are in sight", first)
	}
	s.TypedKey(&fyne.KeyEvent{Name: fyne.KeyEnd})
	if got := s.scroll.Offset.Y; got != 20_000*rowHeight-s.scroll.Size().Height {
		t.Errorf("the end is at %v", got)
	}
	began = time.Now()
	const steps = 100
	for i := range steps {
		s.scroll.ScrollToOffset(fyne.NewPos(0, float32(i)*500))
	}
	if d := time.Since(began) / steps; d > 8*time.Millisecond*slowed {
		t.Errorf("a step takes %v", d)
	}
}
