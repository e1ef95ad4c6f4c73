package ui

import (
	"math"
	"os"
	"path/filepath"
	"testing"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/test"

	"lockbox/ui/backend"
)

func TestKeptSize(t *testing.T) {
	nan := float32(math.NaN())
	first := fyne.NewSize(windowWidth, windowHeight)
	for _, tt := range []struct {
		kept backend.WindowState
		want fyne.Size
		page int
	}{
		{backend.WindowState{}, first, pageOverview},
		{backend.WindowState{Width: 900, Height: 600, Page: "tunnel"}, fyne.NewSize(900, 600), pageTunnel},
		{backend.WindowState{Width: 900, Page: "no such page"}, first, pageOverview},
		{backend.WindowState{Width: 10, Height: 10}, first, pageOverview},
		{backend.WindowState{Width: -900, Height: -600}, first, pageOverview},
		{backend.WindowState{Width: 1e9, Height: 600}, first, pageOverview},
		{backend.WindowState{Width: nan, Height: nan}, first, pageOverview},
		{backend.WindowState{Width: 900, Height: float32(math.Inf(1))}, first, pageOverview},
	} {
		k := &keptWindow{now: tt.kept}
		if got := k.size(); got != tt.want {
			t.Errorf("%+v begins as large as %v, want %v", tt.kept, got, tt.want)
		}
		if got := k.page(pageOverview); got != tt.page {
			t.Errorf("%+v begins with page %d, want %d", tt.kept, got, tt.page)
		}
	}
}

// TestKeptWindow: each page and the size are kept, in no more than a write a second;
// a file that is nonsense changes nothing.
func TestKeptWindow(t *testing.T) {
	path := ""
	start := func(text string) *screen {
		return openBackend(t, testConfig, func(o *backend.Options) {
			path = filepath.Join(o.StateDir, "window.json")
			if text == "" {
				return
			}
			if err := os.MkdirAll(o.StateDir, 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		})
	}
	for text, want := range map[string]int{`{"page": "tokens", "width": 1e400}`: pageOverview, `{"page": "audit"}`: pageAudit} {
		s := start(text)
		w := newWindow(s.app, test.NewTempWindow(t, nil), s.b, s.loop)
		if w.page != want || w.chosen != (want != pageOverview) {
			t.Errorf("after %s it begins with page %d, want %d", text, w.page, want)
		}
	}
	s := start("")
	for page := range s.nav.items {
		if pageNames[page] == "" {
			t.Errorf("page %d has no name to be kept by", page)
		}
	}

	began, writes, was := time.Now(), 0, time.Time{}
	for i := 0; time.Since(began) < 2500*time.Millisecond; i++ {
		s.window.open(i % len(s.nav.items))
		s.win.Resize(fyne.NewSize(900+float32(i%100), 600))
		for waiting := true; waiting; {
			select {
			case f := <-s.queue:
				f()
			default:
				waiting = false
			}
		}
		if info, err := os.Stat(path); err == nil && !info.ModTime().Equal(was) {
			writes, was = writes+1, info.ModTime()
		}
		time.Sleep(5 * time.Millisecond)
	}
	if most := int(time.Since(began)/keepEvery) + 1; writes < 1 || writes > most {
		t.Errorf("%d writes in %v", writes, time.Since(began))
	}
	s.window.open(pageSettings)
	s.win.Resize(fyne.NewSize(987, 654))
	s.until("it is written", func() bool { return s.kept.written == s.kept.now && !s.kept.waiting })
	text, err := os.ReadFile(path)
	if err != nil || string(text) != `{"width":987,"height":654,"page":"settings"}`+"\n" {
		t.Errorf("kept is %s, %v", text, err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("its mode: %v, %v", info, err)
	}
	s.kept.fit(fyne.NewSize(800, 500))
	if got := s.win.Canvas().Size(); got != fyne.NewSize(800, 500) {
		t.Errorf("on a small screen it is %v", got)
	}
	s.kept.fit(fyne.NewSize(20, 20)) // no screen
	if got := s.win.Canvas().Size(); got != fyne.NewSize(800, 500) {
		t.Errorf("without a screen it is %v", got)
	}
}
