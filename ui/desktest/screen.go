package desktest

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// startScreen brings up an X server on a display that it picks itself. One that
// does not answer gives way to another: on a busy machine two may meet.
func (d *Desk) startScreen(size string) {
	d.t.Helper()
	env := d.Env
	for range 3 {
		d.Env = append(env[:len(env):len(env)], "DISPLAY=:"+d.startServer(size))
		if poll(5*time.Second, func() bool { _, err := d.output("xprop", "-root"); return err == nil }) {
			return
		}
	}
	d.t.Fatal("no virtual screen answers")
}

// startServer returns the number of its display.
func (d *Desk) startServer(size string) string {
	d.t.Helper()
	r, w, err := os.Pipe()
	if err != nil {
		d.t.Fatal(err)
	}
	defer r.Close() //nolint:errcheck // only read
	cmd := d.Command("Xvfb", "-displayfd", "3", "-screen", "0", size+"x24", "-noreset", "-nolisten", "tcp", "+extension", "GLX", "+extension", "RANDR")
	cmd.ExtraFiles = []*os.File{w}
	log, err := os.OpenFile(filepath.Join(d.Dir, "Xvfb.log"), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o600)
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // the server holds its own
	cmd.Stdout, cmd.Stderr = log, log
	err = cmd.Start()
	_ = w.Close()
	if err != nil {
		d.t.Fatal(err)
	}
	d.started = append(d.started, cmd)
	number, err := bufio.NewReader(r).ReadString('\n')
	if err != nil {
		d.t.Fatalf("no virtual screen: %v", err)
	}
	return strings.TrimSpace(number)
}

const panelConfig = `<?xml version="1.0" encoding="UTF-8"?>
<channel name="xfce4-panel" version="1.0"><property name="configver" type="int" value="2"/>
<property name="panels" type="array"><value type="int" value="1"/><property name="panel-1" type="empty">
<property name="position" type="string" value="p=8;x=%d;y=%d"/><property name="length" type="uint" value="100"/><property name="position-locked" type="bool" value="true"/>
<property name="size" type="uint" value="32"/><property name="plugin-ids" type="array"><value type="int" value="1"/><value type="int" value="2"/><value type="int" value="3"/></property></property></property>
<property name="plugins" type="empty"><property name="plugin-1" type="string" value="tasklist"/>
<property name="plugin-2" type="string" value="separator"><property name="expand" type="bool" value="true"/><property name="style" type="uint" value="0"/></property>
<property name="plugin-3" type="string" value="systray"><property name="square-icons" type="bool" value="true"/></property></property></channel>
`

// startSession brings up what a login does: window manager, notifications, panel.
func (d *Desk) startSession(o Options, width, height int) {
	d.t.Helper()
	d.startManager()
	if o.Keyring == NoBus {
		return
	}
	dunstrc := filepath.Join(d.Dir, "dunstrc")
	if err := os.WriteFile(dunstrc, nil, 0o600); err != nil {
		d.t.Fatal(err)
	}
	d.run(nil, "dunst", "-conf", dunstrc)
	if o.NoPanel {
		return
	}
	dir := filepath.Join(d.Home, ".config/xfce4/xfconf/xfce-perchannel-xml")
	err := os.MkdirAll(dir, 0o700)
	if err == nil {
		err = os.WriteFile(filepath.Join(dir, "xfce4-panel.xml"), fmt.Appendf(nil, panelConfig, width/2, height-16), 0o600)
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.run(nil, "xfce4-panel", "--disable-wm-check")
	d.eventually("a panel with a tray", func() bool { return d.TrayHost() })
}

// startManager starts the window manager, again where the screen would not let it in.
func (d *Desk) startManager() {
	d.t.Helper()
	for range 3 {
		cmd := d.run(nil, "openbox")
		if poll(patience/3, func() bool {
			out, err := d.output("xprop", "-root", "_NET_SUPPORTING_WM_CHECK")
			return err == nil && strings.Contains(out, "window id")
		}) {
			return
		}
		_ = cmd.Process.Kill()
	}
	d.t.Fatal("no window manager starts")
}

// TrayHost reports whether something shows tray icons.
func (d *Desk) TrayHost() bool {
	const watcher = "org.kde.StatusNotifierWatcher"
	ask := d.connect()
	defer ask.Close() //nolint:errcheck // it only asked
	if !owned(ask, watcher) {
		return false
	}
	is, err := ask.Object(watcher, "/StatusNotifierWatcher").GetProperty(watcher + ".IsStatusNotifierHostRegistered")
	return err == nil && is.Value() == true
}

// Screenshot writes NAME.png, for people to look at, and returns its path. It goes
// to the directory that LOCKBOX_ARTIFACTS names, else to one of the test.
func (d *Desk) Screenshot(name string) string {
	d.t.Helper()
	dir := os.Getenv("LOCKBOX_ARTIFACTS")
	if dir == "" {
		dir = d.t.TempDir()
	}
	if err := os.MkdirAll(dir, 0o755); err != nil { //nolint:gosec // pictures for everyone
		d.t.Fatal(err)
	}
	path := filepath.Join(dir, name+".png")
	if _, err := d.output("import", "-window", "root", path); err != nil {
		d.t.Fatal(err)
	}
	return path
}
