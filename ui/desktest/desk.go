// Package desktest brings up a real desktop for a test and takes it down again: a
// virtual screen, a session bus, a keyring in a chosen state, a window manager, a
// panel with a tray and a notification daemon, all private to the test. It runs on
// Linux. What is missing on the machine fails the test and names the packages.
package desktest

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"
)

// Password opens the keyring of a Desk.
const Password = "test-password"

// patience is how long anything on the desktop may take to show; generous, for
// machines that do much else at the same time.
const patience = time.Minute

// Options say what desktop is wanted. The zero value is a whole one, with an
// unlocked keyring.
type Options struct {
	Keyring Keyring
	NoPanel bool   // nothing shows tray icons, as on a stock GNOME
	NoX     bool   // bus and keyring only; no prompt can be shown
	Size    string // of the screen; "1280x800" when empty
	Scale   string // FYNE_SCALE; unset when empty
}

// Desk is a running desktop.
type Desk struct {
	Env  []string // the environment of programs that run on it
	Home string   // HOME
	Dir  string   // holds everything, logs too; removed at the end

	t       testing.TB
	address string // of the bus
	bus     *dbus.Conn
	reaper  io.Closer
	started []*exec.Cmd
}

// Start brings a desktop up and fails the test if it cannot. It ends, with every
// program that was started on it, when the test does.
func Start(t testing.TB, o Options) *Desk {
	t.Helper()
	if o.Size == "" {
		o.Size = "1280x800"
	}
	width, height, err := parseSize(o.Size)
	if err != nil {
		t.Fatal(err)
	}
	needTools(t, o)
	// Not t.TempDir: a socket's path may have 107 bytes only.
	dir, err := os.MkdirTemp("", "desk")
	if err != nil {
		t.Fatal(err)
	}
	d := &Desk{t: t, Dir: dir, Home: filepath.Join(dir, "home")}
	d.environment(o)
	d.startReaper()
	t.Cleanup(d.stop)
	if !o.NoX {
		d.startScreen(o.Size)
	}
	if o.Keyring != NoBus {
		d.startBus(o.Keyring)
		d.startKeyring(o.Keyring)
	}
	if !o.NoX {
		d.startSession(o, width, height)
	}
	return d
}

// Command is exec.Command for a program on this desktop.
func (d *Desk) Command(name string, args ...string) *exec.Cmd {
	cmd := exec.Command(name, args...) //nolint:gosec // tests say what runs
	cmd.Env = append([]string(nil), d.Env...)
	return cmd
}

func (d *Desk) environment(o Options) {
	for _, pair := range os.Environ() {
		name, _, _ := strings.Cut(pair, "=")
		if !private(name) {
			d.Env = append(d.Env, pair)
		}
	}
	run := filepath.Join(d.Dir, "run")
	config, data, cache := filepath.Join(d.Home, ".config"), filepath.Join(d.Home, ".local/share"), filepath.Join(d.Home, ".cache")
	state := filepath.Join(d.Home, ".local/state")
	for _, dir := range []string{run, config, data, cache, state} {
		if err := os.MkdirAll(dir, 0o700); err != nil {
			d.t.Fatal(err)
		}
	}
	d.Env = append(d.Env,
		"DESK_DIR="+d.Dir, "HOME="+d.Home, "XDG_RUNTIME_DIR="+run,
		"XDG_CONFIG_HOME="+config, "XDG_DATA_HOME="+data, "XDG_CACHE_HOME="+cache, "XDG_STATE_HOME="+state,
		"XDG_CURRENT_DESKTOP=XFCE", "LIBGL_ALWAYS_SOFTWARE=1", "GTK_A11Y=none", "NO_AT_BRIDGE=1",
		"GSETTINGS_BACKEND=memory", "LANG=C.UTF-8", "LC_ALL=C.UTF-8")
	if o.Scale != "" {
		d.Env = append(d.Env, "FYNE_SCALE="+o.Scale)
	}
}

// private says which variables of the session that runs the tests would tie a
// program to that session.
func private(name string) bool {
	for _, prefix := range []string{"XDG_", "DBUS_", "LOCKBOX_", "FYNE_", "GNOME_KEYRING_", "LC_", "DESK_", "GTK_"} {
		if strings.HasPrefix(name, prefix) {
			return true
		}
	}
	switch name {
	case "DISPLAY", "WAYLAND_DISPLAY", "XAUTHORITY", "SSH_AUTH_SOCK", "SESSION_MANAGER", "HOME", "LANG":
		return true
	}
	return false
}

// reap waits until the test lets go of its input, by ending in whatever way, and
// kills what carries the desktop's name. A program whose UI hangs ignores SIGTERM.
const reap = `cat >/dev/null
for round in 1 2 3; do
	for e in /proc/[0-9]*/environ; do
		if grep -zqxF "DESK_DIR=$1" "$e" 2>/dev/null; then
			p=${e#/proc/}
			kill -9 "${p%/environ}" 2>/dev/null
		fi
	done
done
rm -rf "$1"`

func (d *Desk) startReaper() {
	cmd := exec.Command("sh", "-c", reap, "sh", d.Dir) //nolint:gosec // the directory is ours
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		d.t.Fatal(err)
	}
	d.reaper = closer(func() error { return errors.Join(in.Close(), cmd.Wait()) })
}

type closer func() error

func (c closer) Close() error { return c() }

// run starts a program that lasts as long as the desktop.
func (d *Desk) run(stdin io.Reader, name string, args ...string) *exec.Cmd {
	d.t.Helper()
	cmd := d.Command(name, args...)
	cmd.Stdin = stdin
	log, err := os.Create(filepath.Join(d.Dir, filepath.Base(name)+".log"))
	if err != nil {
		d.t.Fatal(err)
	}
	defer log.Close() //nolint:errcheck // the program holds its own
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		d.t.Fatal(err)
	}
	d.started = append(d.started, cmd)
	return cmd
}

// stop ends the newest first, as a logout does.
func (d *Desk) stop() {
	if d.t.Failed() {
		d.showLogs()
	}
	if d.bus != nil {
		_ = d.bus.Close()
	}
	for i := len(d.started) - 1; i >= 0; i-- {
		_ = d.started[i].Process.Kill()
		_ = d.started[i].Wait()
	}
	if err := d.reaper.Close(); err != nil {
		d.t.Errorf("the desktop was not taken down whole: %v", err)
	}
}

func (d *Desk) showLogs() {
	logs, _ := filepath.Glob(filepath.Join(d.Dir, "*.log"))
	for _, name := range logs {
		text, err := os.ReadFile(name) //nolint:gosec // our own log
		if err != nil || len(text) == 0 {
			continue
		}
		d.t.Logf("%s: …%s", filepath.Base(name), text[max(0, len(text)-1500):])
	}
}

// output runs a tool of the desktop and returns what it prints.
func (d *Desk) output(name string, args ...string) (string, error) {
	cmd := d.Command(name, args...)
	var out, talk bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &talk
	if err := cmd.Start(); err != nil {
		return "", err
	}
	// xclip, for one, waits for a clipboard owner that may hang.
	timer := time.AfterFunc(patience, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	if err := cmd.Wait(); err != nil {
		return out.String(), fmt.Errorf("%s: %w: %s", name, err, talk.String())
	}
	return out.String(), nil
}

// eventually waits until ok holds, and fails the test when it does not in time.
func (d *Desk) eventually(what string, ok func() bool) {
	d.t.Helper()
	if !poll(patience, ok) {
		d.t.Fatalf("%s: not within %v", what, patience)
	}
}

func poll(wait time.Duration, ok func() bool) bool {
	for end := time.Now().Add(wait); ; time.Sleep(20 * time.Millisecond) {
		if ok() {
			return true
		}
		if time.Now().After(end) {
			return false
		}
	}
}

func parseSize(size string) (width, height int, err error) {
	w, h, _ := strings.Cut(size, "x")
	width, err1 := strconv.Atoi(w)
	height, err2 := strconv.Atoi(h)
	if err := errors.Join(err1, err2); err != nil {
		return 0, 0, fmt.Errorf("desktest: the size %q is not WIDTHxHEIGHT: %w", size, err)
	}
	return width, height, nil
}
