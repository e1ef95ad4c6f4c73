//go:build !headless

package ui

import (
	"context"
	"errors"
	"os"
	"os/signal"
	"sync"
	"syscall"
	"time"

	"fyne.io/fyne/v2"
	"fyne.io/fyne/v2/app"
	"fyne.io/fyne/v2/driver/desktop"
	"fyne.io/fyne/v2/lang"
	"fyne.io/systray"
	"github.com/go-gl/glfw/v3.4/glfw"

	"lockbox/assets"
	"lockbox/ui/backend"
	"lockbox/ui/display"
)

const (
	// endTime is how long the program may take to end: the proxy drains for
	// less. After that it is ended the hard way, also when the window hangs.
	endTime = 10 * time.Second
	// hostTime is how long the desktop may take to say whether it has a tray.
	hostTime = time.Second
	// panelTime is how long a tray is waited for by a program that shows itself
	// there alone: at login the panel may come after it.
	panelTime = 20 * time.Second
)

// Run shows the window and the tray icon and runs the backend, until the person
// quits, ctx ends or a signal asks for the end; SIGHUP reads the config anew. It
// must be called on the main goroutine, and returns when the proxy has drained.
func Run(ctx context.Context, b *backend.Backend, o Options) error {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	app.SetMetadata(fyne.AppMetadata{
		ID: ID, Name: Name, Version: b.View().Version,
		Icon: fyne.NewStaticResource("lockbox.png", assets.IconPNG),
		// Without it Fyne reports calls from the wrong thread, for tests.
		Migrations: map[string]bool{"fyneDo": os.Getenv("LOCKBOX_FYNE_CHECK") == ""},
	})
	a := app.NewWithID(ID)
	a.SetIcon(fyne.NewStaticResource("lockbox.png", assets.IconPNG))
	a.Settings().SetTheme(look{})
	useCalm(a)

	ended := make(chan error, 1)
	go func() { ended <- b.Run(ctx) }()

	l := newLoop(ctx, fyne.Do)
	w := newWindow(a, a.NewWindow(Name), b, l)
	leave := func() { w.takeOff(); l.cancel(); a.Quit() } // in this order: see hop
	t := startTray(a, w, leave)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	defer signal.Stop(hangup)
	w.quit = leave
	unlock := sync.OnceFunc(w.unlockAtStart)
	// A prompt that comes before the window would be covered by it.
	a.Lifecycle().SetOnEnteredForeground(func() { w.foreground(); unlock() })
	a.Lifecycle().SetOnStarted(func() {
		t.open()
		if o.Hidden {
			w.hide(unlock)
		}
		l.run("", func(context.Context) error { return nil }, func(error) { w.kept.fit(screenSize(w.face.window.Canvas())) }) // there is a window then
		l.watch(b, func(v backend.View) { w.draw(v); t.draw(trayOf(v)); t.offer(v) })
		l.every(tickEvery, w.tick)
		l.every(failEvery, func() { w.failures.tick(); w.settings.update.tick() })
		l.doze(w.rest)
		w.settings.start.mend()
		w.settings.update.tick()
		if o.Raise != nil {
			l.each(o.Raise, w.raise)
		}
		l.each(forward(ctx, hangup), w.reload)
	})
	context.AfterFunc(ctx, func() { time.AfterFunc(endTime, func() { os.Exit(1) }) })
	// Fyne obeys a signal too, and its windows cannot be closed once it did: what
	// is gone already can be ended again by the driver only.
	quit := context.AfterFunc(ctx, func() { fyne.Do(func() { w.takeOff(); a.Driver().Quit() }) })
	if !o.Hidden {
		w.visible = true
		w.face.window.Show()
	}
	a.Run()

	quit() // the window's thread is gone, which would have to do it
	stop() // ends ctx, and so the backend and the watchdog's patience
	l.stop()
	return errors.Join(<-ended, w.kept.end())
}

// forward makes a signal something that the loop can wait for.
func forward(ctx context.Context, c <-chan os.Signal) <-chan struct{} {
	out := make(chan struct{})
	go func() {
		for {
			select {
			case <-c:
				select {
				case out <- struct{}{}:
				case <-ctx.Done():
				}
			case <-ctx.Done():
				return
			}
		}
	}()
	return out
}

// screenSize is how much of the screen a window may take, in its own units; zero where
// that is not known.
func screenSize(c fyne.Canvas) fyne.Size {
	m := glfw.GetPrimaryMonitor()
	if m == nil {
		return fyne.Size{}
	}
	_, _, width, height := m.GetWorkarea()
	return fyne.NewSize(float32(width)/c.Scale(), float32(height)/c.Scale())
}

// hide keeps the window away as long as there is a tray to open it from, and calls
// then once that is known; else it shows the window, or the program would be lost.
func (w *window) hide(then func()) {
	w.loop.run("", func(ctx context.Context) error {
		ctx, cancel := context.WithTimeout(ctx, panelTime)
		defer cancel()
		for !hasTray(ctx) {
			select {
			case <-time.After(hostTime):
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		return nil
	}, func(err error) {
		if err != nil {
			w.raise()
			w.say(markWarning, lang.L("This desktop shows no tray icons, so the window is shown."))
			return
		}
		then()
	})
}

func hasTray(ctx context.Context) bool {
	ctx, cancel := context.WithTimeout(ctx, hostTime)
	defer cancel()
	return display.Tray(ctx)
}

// tray is the icon and its menu. The menu is made once: Fyne's own would be made
// anew at each change, which loses clicks and closes submenus.
type tray struct {
	quit   func()
	desk   desktop.App // nil where Fyne knows no tray
	window *window
	shown  trayState
	items  map[trayAction]*systray.MenuItem
	slots  []*slot // of the services
	more   *systray.MenuItem
	none   *systray.MenuItem

	offering trayOffer
	offered  map[string][]string // audiences, by service
}

// startTray shows the icon. Closing the window hides it where the icon can be
// seen, and quits elsewhere: on stock GNOME there would be no way back.
func startTray(a fyne.App, w *window, quit func()) *tray {
	t := &tray{quit: quit, window: w, items: map[trayAction]*systray.MenuItem{}}
	desk, ok := a.(desktop.App)
	if ok {
		t.desk = desk
		systray.SetTitle(Name) // before it runs, or its name on the bus is left to chance
		desk.SetSystemTrayIcon(trayRunning.resource())
		desk.SetSystemTrayWindow(w.face.window)
		systray.SetOnTapped(func() { w.loop.hop(w.raise) })
	}
	w.face.window.SetCloseIntercept(func() {
		seen := false
		w.loop.run("", func(ctx context.Context) error {
			seen = ok && hasTray(ctx)
			return nil
		}, func(error) {
			if seen {
				w.vanish()
				return
			}
			w.leave(quit)
		})
	})
	return t
}

func (i trayIcon) resource() fyne.Resource {
	name, picture := i.picture()
	return fyne.NewStaticResource(name+".png", picture)
}

// open makes the menu. macOS loses items that are made before the tray runs.
func (t *tray) open() {
	if t.desk == nil {
		return
	}
	for _, m := range trayMenu {
		switch m.action {
		case traySeparator:
			systray.AddSeparator()
			continue
		case trayPause:
			t.items[m.action] = systray.AddMenuItemCheckbox(lang.L(m.label), "", false)
		default:
			t.items[m.action] = systray.AddMenuItem(lang.L(m.label), "")
		}
		item := t.items[m.action]
		switch m.action {
		case trayLine:
			item.Disable() // it can still be clicked over D-Bus: nothing listens
		case trayTokens:
			t.openSlots(item)
		case trayQuit:
			t.on(item, func() { t.window.leave(t.quit) })
		default:
			t.on(item, func() { t.window.trayDo(m.action) })
		}
	}
	t.shown = trayState{Line: "\x00"}
}

// on has f called on the window's thread at each click. A click that no one
// waits for is dropped, so each item has its own goroutine.
func (t *tray) on(item *systray.MenuItem, f func()) { t.window.loop.each(item.ClickedCh, f) }

// draw touches what differs.
func (t *tray) draw(s trayState) {
	if t.desk == nil || len(t.items) == 0 {
		return
	}
	was := t.shown
	t.shown = s
	first := was.Line == "\x00"
	pause := t.items[trayPause]
	if first || s.Icon != was.Icon {
		t.desk.SetSystemTrayIcon(s.Icon.resource())
	}
	if first || s.Tooltip != was.Tooltip {
		systray.SetTooltip(s.Tooltip)
	}
	if s.Line != was.Line {
		t.items[trayLine].SetTitle(s.Line)
	}
	if was.Locked != s.Locked {
		t.items[trayLock].SetTitle(lockLabel(s.Locked))
	}
	if first || was.Tunnel != s.Tunnel {
		t.items[trayTunnel].SetTitle(tunnelLabel(s.Tunnel))
	}
	setTray(first, was.Paused, s.Paused, pause.Check, pause.Uncheck)
	setTray(first, was.CanPause, s.CanPause, pause.Enable, pause.Disable)
	setTray(first, was.Waiting > 0, s.Waiting > 0, t.items[trayAnswer].Show, t.items[trayAnswer].Hide)
	setTray(first, was.More, s.More, t.more.Show, t.more.Hide)
	setTray(first, len(was.Services) == 0, len(s.Services) == 0, t.none.Show, t.none.Hide)
	t.drawSlots(s.Services)
}

// setTray calls on or off where a state changed, or is shown for the first time.
func setTray(first, was, is bool, on, off func()) {
	switch {
	case !first && was == is:
	case is:
		on()
	default:
		off()
	}
}
