package ui

import (
	"slices"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/canvas"
	"fyne.io/fyne/v2/theme"
)

// CreateRenderer implements fyne.Widget.
func (s *sheet) CreateRenderer() fyne.WidgetRenderer {
	r := &sheetRenderer{sheet: s}
	r.Refresh()
	return newRinged(r, outer-1, func() bool { return s.focused })
}

// sheetRenderer keeps as many texts and grounds as were ever in sight at once.
type sheetRenderer struct {
	sheet   *sheet
	grounds []*canvas.Rectangle
	texts   []*canvas.Text
	all     []fyne.CanvasObject
}

func (r *sheetRenderer) Layout(fyne.Size) { r.Refresh() }

func (r *sheetRenderer) MinSize() fyne.Size {
	return fyne.NewSize(sheetSize, float32(len(r.sheet.rows))*rowHeight)
}

func (r *sheetRenderer) Refresh() {
	s := r.sheet
	first := max(0, int(s.scroll.Offset.Y/rowHeight))
	last := min(len(s.rows), first+sheetRows+2)
	used, painted := 0, 0
	ground := func(e, row extent, y float32, name fyne.ThemeColorName) {
		from, to := max(e.from, row.from), min(e.to, row.to)
		if from >= to {
			return
		}
		if painted == len(r.grounds) {
			r.grounds = append(r.grounds, canvas.NewRectangle(nil))
		}
		g := r.grounds[painted]
		painted++
		x := s.width(extent{row.from, from})
		g.FillColor, g.Hidden = theme.Color(name), false
		g.Move(fyne.NewPos(x, y))
		g.Resize(fyne.NewSize(max(2, s.width(extent{row.from, to})-x), rowHeight))
		g.Refresh()
	}
	for i := first; i < last; i++ {
		row, y := s.rows[i], float32(i)*rowHeight
		ground(s.selection(), row, y, theme.ColorNameSelection)
		n, _ := slices.BinarySearchFunc(s.marked, row.from, func(e extent, at int) int { return e.to - at })
		for ; n < len(s.marked) && s.marked[n].from < row.to; n++ {
			name := colorFound
			if n == s.now {
				name = colorFoundNow
			}
			ground(s.marked[n], row, y, name)
		}
		if used == len(r.texts) {
			t := canvas.NewText("", nil)
			t.TextSize, t.TextStyle = sheetSize, s.style
			r.texts = append(r.texts, t)
		}
		t := r.texts[used]
		used++
		t.Text, t.Color, t.Hidden = s.drawnRow(row), theme.Color(theme.ColorNameForeground), false
		t.Resize(fyne.NewSize(s.Size().Width, rowHeight))
		t.Move(fyne.NewPos(0, y))
		t.Refresh()
	}
	for _, g := range r.grounds[painted:] {
		g.Hide()
	}
	for _, t := range r.texts[used:] {
		t.Hide()
	}
	if len(r.all) != len(r.grounds)+len(r.texts) {
		r.all = r.all[:0:0]
		for _, g := range r.grounds {
			r.all = append(r.all, g)
		}
		for _, t := range r.texts {
			r.all = append(r.all, t)
		}
	}
}

func (r *sheetRenderer) Objects() []fyne.CanvasObject { return r.all }
func (*sheetRenderer) Destroy()                       {}
