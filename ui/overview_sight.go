package ui

import (
	"image"

	"fyne.io/fyne/v2/canvas"
)

// sight tells whether what is shown is painted: nothing is while the window is
// hidden, and then there is no need for what takes time. It is a pixel that cannot
// be seen.
type sight struct {
	dot    *canvas.Raster
	unseen bool   // since show nothing was painted
	back   func() // what was unseen is painted
}

func newSight(back func()) *sight {
	s := &sight{back: back}
	s.dot = canvas.NewRaster(func(w, h int) image.Image {
		if s.unseen {
			s.unseen = false
			s.back()
		}
		return image.NewAlpha(image.Rect(0, 0, w, h)) // see-through
	})
	return s
}

// show notes that there is something new to be seen.
func (s *sight) show() {
	s.unseen = true
	s.dot.Refresh()
}
