package ui

import "testing"

// TestPageAtStart: with services of one's own the window begins with the Overview,
// unless the person was faster.
func TestPageAtStart(t *testing.T) {
	for _, tt := range []struct {
		name, config string
		first, want  int
	}{
		{"own services", testConfig, -1, pageOverview},
		{"those of the starter config", "", -1, pageServices},
		{"none", none, -1, pageServices},
		{"a page that was chosen", "", pageTunnel, pageTunnel},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := open(t, tt.config)
			s.window = newWindow(s.app, s.win, s.b, s.loop)
			if tt.first >= 0 {
				s.window.open(tt.first)
			}
			s.draw(s.b.View())
			if s.page != tt.want {
				t.Errorf("page %d is shown, want %d", s.page, tt.want)
			}
		})
	}
}
