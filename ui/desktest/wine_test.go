//go:build desktop && package

package desktest_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/ui/autostart"
	"lockbox/ui/desktest"
)

// wine is a Windows of sorts, on a desktop.
type wine struct {
	t      *testing.T
	desk   *desktest.Desk
	root   root
	prefix string // its drive C is in it
}

// newWine makes one. Go's programs want Wine 9 or later, so that it is Debian's
// next release which has it. The installer is a program of 32 bits.
func newWine(t *testing.T) *wine {
	t.Helper()
	r := newRoot(t, "trixie", "wine", "wine64", "wine32:i386", "libgl1", "libgl1-mesa-dri")
	d := desktest.Start(t, desktest.Options{})
	r.on(t, d)
	w := &wine{t, d, r, filepath.Join(d.Home, "wine")}
	w.run("wineboot", "-i")
	return w
}

func (w *wine) command(args ...string) *exec.Cmd { return w.in(append([]string{"wine"}, args...)...) }

// in is a program of the root's, with what Wine's find in their environment.
func (w *wine) in(args ...string) *exec.Cmd {
	cmd := w.root.command(w.desk, args...)
	cmd.Env = append(cmd.Env, "WINEPREFIX="+w.prefix, "WINEDEBUG=-all", "WINEDLLOVERRIDES=mscoree,mshtml=")
	return cmd
}

// run runs a Windows program to its end.
func (w *wine) run(args ...string) {
	w.t.Helper()
	if out, err := w.command(args...).CombinedOutput(); err != nil {
		w.t.Fatalf("%v: %v\n%s", args, err, tail(out))
	}
}

// put copies a file of ours to where Windows programs find it.
func (w *wine) put(path, to string) string {
	w.t.Helper()
	whole := w.path(to)
	sh(w.t, "mkdir -p '%s'; cp '%s' '%s'", filepath.Dir(whole), path, whole)
	return `C:\` + strings.ReplaceAll(to, "/", `\`)
}

func (w *wine) path(of string) string { return filepath.Join(w.prefix, "drive_c", of) }

func (w *wine) has(of string) bool {
	_, err := os.Stat(w.path(of))
	return err == nil
}

const appData = "users/root/AppData/Local"

// The program for Windows starts, keeps its signing key in the Credential Manager,
// answers, and shows its window. What Wine does not do: it has no Unix sockets, so
// that a second start raises no window and no command answers questions, and without
// a taskbar it shows no tray menu.
func TestWindows(t *testing.T) {
	w := newWine(t)
	addr := freeAddr(t)
	packed := built(t, "lockbox_*_windows_amd64.exe")
	exe := w.put(packed, "lockbox.exe")
	w.put(configFile(t, addr), appData+"/lockbox/config.json")
	log, _ := running(t, w.command(exe))
	answered(t, addr)
	w.desk.Window("Lockbox")
	eventually(t, "its window to be drawn", func() bool {
		return strings.Contains(w.desk.Read(w.desk.Screenshot("package-windows")), "Overview")
	})
	if said := log.String(); !strings.Contains(said, `"kept in"=keychain`) {
		t.Errorf("where the signing key is: %s", said)
	}
	release, _, _ := strings.Cut(strings.Split(filepath.Base(packed), "_")[1], "~")
	for _, what := range []string{"Lockbox", release + ".0"} { // as in its properties
		if out := sh(t, "strings -el %s | grep -c -F '%s'", w.path("lockbox.exe"), what); strings.TrimSpace(out) == "0" {
			t.Errorf("the version information lacks %q", what)
		}
	}
}

// The installer needs no administrator, and what it installed it takes away again,
// but for the person's own.
func TestWindowsInstaller(t *testing.T) {
	w := newWine(t)
	setup := w.put(built(t, "lockbox_*_windows_amd64_setup.exe"), "setup.exe")
	const program, link = appData + "/Programs/Lockbox/lockbox.exe", "users/root/AppData/Roaming/Microsoft/Windows/Start Menu/Programs/Lockbox.lnk"
	w.run(setup, "/S")
	if !w.has(filepath.Dir(program) + "/licenses.txt") {
		t.Error("no licenses are installed")
	}
	if !w.has(program) || !w.has(link) {
		t.Fatalf("installed: the program %v, its entry in the Start menu %v", w.has(program), w.has(link))
	}
	w.put(configFile(t, "127.0.0.1:0"), appData+"/lockbox/config.json")
	const run, approved = `HKCU\Software\Microsoft\Windows\CurrentVersion\Run`, `HKCU\Software\Microsoft\Windows\CurrentVersion\Explorer\StartupApproved\Run`
	for _, key := range []string{run, approved} {
		w.run("reg", "add", key, "/v", autostart.ID, "/d", "on", "/f")
	}
	w.run(`C:\`+strings.ReplaceAll(filepath.Dir(program), "/", `\`)+`\uninstall.exe`, "/S")
	eventually(t, "it to be gone", func() bool { return !w.has(filepath.Dir(program)) && !w.has(link) }) // it goes on by itself, to remove itself
	if !w.has(appData + "/lockbox/config.json") {
		t.Error("the person's config is gone")
	}
	for _, query := range [][]string{{`HKCU\Software\Lockbox`}, {run, "/v", autostart.ID}, {approved, "/v", autostart.ID}} {
		if out, err := w.command(append([]string{"reg", "query"}, query...)...).CombinedOutput(); err == nil {
			t.Errorf("the registry still has %v:\n%s", query, out)
		}
	}
}

// A command answers in the console that it is typed in, which a program with windows
// is not given, and into a pipe where there is one.
func TestWindowsConsole(t *testing.T) {
	w := newWine(t)
	exe := w.put(built(t, "lockbox_*_windows_amd64.exe"), "lockbox.exe")
	for name, cmd := range map[string]*exec.Cmd{
		"console": w.in("script", "-qec", "wine '"+exe+"' version", "/dev/null"),
		"pipe":    w.command(exe, "version"),
	} {
		if out, err := cmd.Output(); err != nil || !strings.Contains(string(out), "windows/amd64") {
			t.Errorf("in a %s it answers %q (%v)", name, out, err)
		}
	}
}

// configFile is a config that serves at an address.
func configFile(t *testing.T, addr string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "config.json")
	if err := os.WriteFile(path, []byte(demoConfig(addr)), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}
