//go:build desktop

package ui

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"image"
	"image/png"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"testing/cryptotest"
	"testing/synctest"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/driver/software"
	"fyne.io/fyne/v2/test"
	"fyne.io/fyne/v2/theme"

	"lockbox/proxy/audit"
	"lockbox/ui/backend"
)

var renew = flag.Bool("update", false, "renew the golden pictures")

// standstill is when golden pictures are taken.
var standstill = time.Date(2026, time.November, 25, 16, 30, 20, 0, time.UTC)

// still runs f with a window in which all is as in any other run: what time it is,
// what is random, where things are. The backend does not serve, since what waits for
// the network keeps synctest's clock from going on; redraw shows it as if it did.
func still(t *testing.T, config string, calls func() []audit.Exchange, f func(*screen)) {
	t.Helper()
	home := t.TempDir()
	t.Setenv("DBUS_SESSION_BUS_ADDRESS", "unix:path="+filepath.Join(home, "none"))
	for _, name := range []string{"HOME", "XDG_CONFIG_HOME", "XDG_CONFIG_DIRS"} {
		t.Setenv(name, home)
	}
	t.Setenv("ACME_KEY", canary)
	zone := time.Local //nolint:gosmopolitan // people see their own time
	time.Local = time.UTC
	t.Cleanup(func() { time.Local = zone })
	cryptotest.SetGlobalRandom(t, 1)
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(time.Until(standstill))
		o := backend.Options{
			ConfigPath: filepath.Join(home, "config.json"), StateDir: filepath.Join(home, "state"), Desktop: true,
			Listen: "127.0.0.1:8000", Version: "v1.0.0", Logger: slog.New(slog.DiscardHandler),
		}
		if config != "" {
			if err := os.WriteFile(o.ConfigPath, []byte(config), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if calls != nil {
			fillLog(t, filepath.Join(o.StateDir, "audit"), calls())
		}
		ctx, cancel := context.WithCancel(t.Context())
		b, err := backend.Open(ctx, o)
		if err != nil {
			t.Fatal(err)
		}
		if err := b.Reload(ctx); err != nil {
			t.Fatal(err)
		}
		a := test.NewTempApp(t)
		a.Settings().SetTheme(look{fixed: true, variant: theme.VariantLight})
		s := &screen{t: t, b: b, win: test.NewTempWindow(t, nil), queue: make(chan func(), 1000)}
		l := newLoop(ctx, func(f func()) { s.queue <- f })
		s.window = newWindow(a, s.win, b, l)
		s.win.Resize(fyne.NewSize(windowWidth, windowHeight))
		s.redraw(nil)
		s.window.open(pageServices)
		f(s)
		cancel()
		l.stop()
		if err := b.Close(); err != nil {
			t.Errorf("the backend: %v", err)
		}
	})
}

// redraw shows the backend's View as it would be if the proxy ran on Ada's computer,
// with a change.
func (s *screen) redraw(change func(*backend.View)) {
	v := s.b.View()
	v.Phase, v.Problem, v.Keychain = backend.Running, backend.Notice{}, backend.KeychainInfo{State: "ready"}
	v.ConfigPath, v.StateDir, v.SigningKeySource = "/home/ada/.config/lockbox/config.json", "/home/ada/.local/share/lockbox", "keychain"
	if change != nil {
		change(&v)
	}
	s.draw(v)
	s.settle()
}

// golden compares what the window shows with the golden pictures of a name.
func (s *screen) golden(name string) {
	s.t.Helper()
	s.goldenOf(s.win, name)
}

func (s *screen) goldenOf(win fyne.Window, name string) {
	s.t.Helper()
	canvas := win.Canvas().(software.WindowlessCanvas)
	for _, variant := range []string{"light", "dark"} {
		v := map[string]fyne.ThemeVariant{"light": theme.VariantLight, "dark": theme.VariantDark}[variant]
		fyne.CurrentApp().Settings().SetTheme(look{fixed: true, variant: v})
		win.Content().Refresh()
		for _, scale := range []float32{1, 2} {
			canvas.SetScale(scale)
			s.settle()
			if err := s.compare(fmt.Sprintf("%s-%s@%gx", name, variant, scale), pixelsOf(canvas.Capture())); err != nil {
				s.t.Error(err)
			}
		}
		canvas.SetScale(1)
	}
	fyne.CurrentApp().Settings().SetTheme(look{fixed: true, variant: theme.VariantLight})
}

// compare holds a picture against its golden one, or renews that where it is
// another.
func (s *screen) compare(name string, got pixels) error {
	path := filepath.Join("testdata", "golden", name+".png")
	want, err := readPixels(path)
	if err != nil && !(*renew && errors.Is(err, os.ErrNotExist)) {
		return err
	}
	where, words := difference(got, want)
	if words == "" {
		return nil
	}
	if *renew {
		return errors.Join(os.MkdirAll(filepath.Dir(path), 0o750), savePNG(path, got.reduced()))
	}
	dir := os.Getenv("LOCKBOX_ARTIFACTS")
	if dir == "" {
		dir = s.t.ArtifactDir()
	}
	err = errors.Join(fmt.Errorf("%s: %s; see the pictures in %s, and renew it with -update if it is to be so", path, words, dir),
		os.MkdirAll(dir, 0o750), savePNG(filepath.Join(dir, name+".png"), got.image()))
	if where != nil {
		err = errors.Join(err, savePNG(filepath.Join(dir, name+"-difference.png"), where))
	}
	return err
}

func readPixels(path string) (p pixels, err error) {
	f, err := os.Open(path)
	if err != nil {
		return p, err
	}
	defer f.Close() //nolint:errcheck // only read
	img, err := png.Decode(f)
	if err != nil {
		return p, fmt.Errorf("%s: %w", path, err)
	}
	return pixelsOf(img), nil
}

// image is the picture as one again.
func (p pixels) image() image.Image {
	out := image.NewNRGBA(image.Rect(0, 0, p.wide, p.high))
	for i, c := range p.at {
		out.SetNRGBA(i%p.wide, i/p.wide, rgb(c))
	}
	return out
}

func savePNG(path string, img image.Image) error {
	f, err := os.Create(path)
	if err != nil {
		return err
	}
	err = (&png.Encoder{CompressionLevel: png.BestCompression}).Encode(f, img)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}
