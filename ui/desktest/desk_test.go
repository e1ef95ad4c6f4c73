//go:build desktop

package desktest

import (
	"errors"
	"image/png"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"fyne.io/systray"
)

// TestMain turns a copy of the test's program into one with a tray icon.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == "tray" {
		systray.SetTitle("desktest")
		systray.Run(trayReady, nil)
		return
	}
	os.Exit(m.Run())
}

// trayReady makes a menu whose "Turn" unlocks, checks and renames others.
func trayReady() {
	systray.SetTooltip("a tip")
	turn := systray.AddMenuItem("Turn", "")
	systray.AddSeparator()
	box := systray.AddMenuItemCheckbox("Box", "", false)
	box.Disable()
	more := systray.AddMenuItem("More", "")
	deep := more.AddSubMenuItem("Deep", "")
	hidden := systray.AddMenuItem("Hidden", "")
	hidden.Hide()
	quit := systray.AddMenuItem("Quit", "")
	go func() {
		<-turn.ClickedCh
		box.Enable()
		box.Check()
		deep.SetTitle("Deeper")
		<-quit.ClickedCh
		systray.Quit()
	}()
}

// start runs a program on the desktop until the test ends.
func start(t *testing.T, cmd *exec.Cmd) *exec.Cmd {
	t.Helper()
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = cmd.Process.Kill(); _ = cmd.Wait() })
	return cmd
}

func TestTray(t *testing.T) {
	for _, noPanel := range []bool{false, true} {
		t.Run(map[bool]string{false: "panel", true: "no panel"}[noPanel], func(t *testing.T) {
			d := Start(t, Options{NoPanel: noPanel})
			if got := d.TrayHost(); got == noPanel {
				t.Errorf("TrayHost() = %v", got)
			}
			app := d.Command(os.Args[0], "tray")
			if err := app.Start(); err != nil {
				t.Fatal(err)
			}
			ended := make(chan error, 1)
			go func() { ended <- app.Wait() }()
			tray := d.Tray(app.Process.Pid)
			if got := tray.Props()["Title"]; got != "desktest" {
				t.Errorf("Title = %v", got)
			}
			if box := tray.Get("Box"); box.Enabled || !box.Checkbox || box.Checked {
				t.Errorf("Box = %+v; want it disabled and not checked", box)
			}
			if hidden := tray.Get("Hidden"); hidden.Visible {
				t.Errorf("Hidden = %+v", hidden)
			}
			tray.Get("More/Deep")
			tray.Click("Turn")
			tray.Wait("Box", func(i TrayItem) bool { return i.Enabled && i.Checked })
			tray.Get("More/Deeper")
			if got := tray.String(); strings.Count(got, "\n") != len(tray.List()) || !strings.Contains(got, "----") {
				t.Errorf("the menu is:\n%s", got)
			}
			tray.Click("Quit")
			select {
			case err := <-ended:
				if err != nil {
					t.Error(err)
				}
			case <-time.After(10 * time.Second):
				t.Error("a click on Quit does not end the program")
				_ = app.Process.Kill()
			}
		})
	}
}

func TestInput(t *testing.T) {
	d := Start(t, Options{Size: "800x600"})
	keys := d.Command("xev", "-name", "keys (test)", "-event", "keyboard", "-event", "button")
	out, err := keys.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	start(t, keys)
	id := d.Window("keys (test)")
	if !d.HasWindow("keys (test)") || !strings.Contains(d.Windows(), "keys (test)") {
		t.Errorf("the windows are %q", d.Windows())
	}
	d.Focus(id)
	d.Type("aZ")
	d.Key("ctrl+q", "Return")
	d.ClickAt(id, 30, 40)
	d.Screenshot("desktest")
	d.CloseWindow(id)
	d.WindowGone("keys (test)")
	text, err := io.ReadAll(out)
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a)", "Z)", "Control_L", "q)", "Return", "(30,40)"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("the window got no %s:\n%s", want, text)
		}
	}

	if got := d.Clipboard(); got != "" {
		t.Errorf("an empty clipboard holds %q", got)
	}
	clip := d.Command("xclip", "-i", "-quiet", "-selection", "clipboard")
	clip.Stdin = strings.NewReader("żółw\n")
	start(t, clip)
	d.eventually("the clipboard", func() bool { return d.Clipboard() == "żółw\n" })
}

func TestScreenshot(t *testing.T) {
	t.Setenv("LOCKBOX_ARTIFACTS", filepath.Join(t.TempDir(), "new", "dir"))
	d := Start(t, Options{Size: "640x480", NoPanel: true, Keyring: NoBus})
	f, err := os.Open(d.Screenshot("shot"))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	m, err := png.DecodeConfig(f)
	if err != nil || m.Width != 640 || m.Height != 480 {
		t.Errorf("the picture is %dx%d, %v", m.Width, m.Height, err)
	}
}

func TestPrompt(t *testing.T) {
	d := Start(t, Options{Keyring: Locked, NoPanel: true})
	read := func() chan string {
		found := make(chan string, 1)
		go func() { found <- d.Secret("seed", "seed") }()
		return found
	}
	if d.Prompted() {
		t.Error("a prompt that nobody asked for")
	}
	found := read()
	d.CancelPrompt()
	if got := <-found; got != "" {
		t.Errorf("a cancelled prompt gives %q", got)
	}
	found = read()
	d.AnswerPrompt(Password)
	if got := <-found; got != "seed" {
		t.Errorf("an answered prompt gives %q", got)
	}
}

// Nothing stays behind, even of a program that ignores SIGTERM, nor when the test
// itself is killed.
func TestNothingStays(t *testing.T) {
	var dir string
	t.Run("desk", func(t *testing.T) {
		d := Start(t, Options{})
		dir = d.Dir
		if len(carriers(dir)) < 5 {
			t.Errorf("a desktop of %d processes only", len(carriers(dir)))
		}
		stubborn := d.Command("sh", "-c", "trap '' TERM HUP; sleep 1000 & sleep 1000")
		if err := stubborn.Start(); err != nil {
			t.Fatal(err)
		}
		go func() { _ = stubborn.Wait() }() // leaves no zombie
	})
	if left := carriers(dir); len(left) != 0 {
		t.Errorf("processes stay: %q", left)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("the directory stays: %v", err)
	}
}

// carriers are the programs that carry the name of a desktop.
func carriers(dir string) []string {
	var out []string
	files, _ := filepath.Glob("/proc/[0-9]*/environ")
	for _, file := range files {
		env, err := os.ReadFile(file)
		if err != nil || !strings.Contains("\x00"+string(env), "\x00DESK_DIR="+dir+"\x00") {
			continue
		}
		name, _ := os.ReadFile(filepath.Join(filepath.Dir(file), "comm"))
		out = append(out, strings.TrimSpace(string(name)))
	}
	return out
}
