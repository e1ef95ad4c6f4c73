package autostart

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

// desk is a desktop's folders of what is started at login.
func desk(t *testing.T) entries {
	t.Helper()
	return entries{own: filepath.Join(t.TempDir(), "new", "autostart"), system: []string{t.TempDir(), t.TempDir()}}
}

func put(t *testing.T, dir, text string) {
	t.Helper()
	if err := config.ReplaceFile(filepath.Join(dir, ID+".desktop"), []byte(text)); err != nil {
		t.Fatal(err)
	}
}

func (e entries) expect(t *testing.T, what string, on, system bool, program string) {
	t.Helper()
	s, err := e.read()
	if err != nil || s.On != on || s.System != system || s.Program != program {
		t.Errorf("%s: %+v, %v; want on %v, of the system %v, program %q", what, s, err, on, system, program)
	}
}

func TestOwnEntry(t *testing.T) {
	e := desk(t)
	e.expect(t, "at first", false, false, "")
	for _, program := range []string{"/usr/bin/lockbox", "/home/a b/My $HOME/100%/lock\"box`s\\x", "/opt/ü/l"} {
		if err := e.turnOn(program); err != nil {
			t.Fatal(err)
		}
		e.expect(t, "turned on", true, false, program)
	}
	if err := e.turnOff(); err != nil {
		t.Fatal(err)
	}
	e.expect(t, "turned off", false, false, "")
	if left, err := os.ReadDir(e.own); err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
	for _, program := range []string{"lockbox", "/a=b/lockbox", "/a\nb"} {
		if err := e.turnOn(program); err == nil || !strings.Contains(err.Error(), "move it") {
			t.Errorf("%q: %v", program, err)
		}
	}
}

// TestOthersEntry: what desktops and other programs write is understood.
func TestOthersEntry(t *testing.T) {
	e := desk(t)
	for _, tt := range []struct {
		name, text, program string
		on                  bool
	}{
		{"plain", "[Desktop Entry]\nExec=/usr/bin/lockbox --hidden\n", "/usr/bin/lockbox", true},
		{"turned off by GNOME", "[Desktop Entry]\nExec=/usr/bin/lockbox\nX-GNOME-Autostart-enabled=false\n", "/usr/bin/lockbox", false},
		{"hidden by KDE", "# x\n[Desktop Entry]\nExec = \"/a b/lockbox\" %u\nHidden=true\n", "/a b/lockbox", false},
		{"another group's", "[Desktop Entry]\nExec=/l\n[Desktop Action x]\nHidden=true\nExec=/other\n", "/l", true},
		{"a comment", "[Desktop Entry]\r\nExec=/l\r\n#Hidden=true\r\n", "/l", true},
		{"nothing to start", "[Desktop Entry]\n", "", false},
		{"no entry at all", "\x00\xff", "", false},
	} {
		put(t, e.own, tt.text)
		e.expect(t, tt.name, tt.on, false, tt.program)
	}
}

// TestSystemEntry: what a package put there counts until the person says otherwise.
func TestSystemEntry(t *testing.T) {
	e := desk(t)
	put(t, e.system[1], "[Desktop Entry]\nExec=/usr/bin/lockbox --hidden\n")
	e.expect(t, "the package's", true, true, "/usr/bin/lockbox")
	if err := e.turnOff(); err != nil {
		t.Fatal(err)
	}
	e.expect(t, "turned off", false, false, "")
	if err := e.turnOn("/home/me/lockbox"); err != nil {
		t.Fatal(err)
	}
	e.expect(t, "one's own", true, false, "/home/me/lockbox")
	put(t, e.system[0], "[Desktop Entry]\nHidden=true\nExec=/x\n")
	if err := e.turnOff(); err != nil {
		t.Fatal(err)
	}
	e.expect(t, "hidden by the machine's owner", false, true, "/x")
}

func TestReadOnlyHome(t *testing.T) {
	file := filepath.Join(t.TempDir(), "file") // no folder can be made there, not even by root
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	e := entries{own: filepath.Join(file, "autostart")}
	if err := e.turnOn("/usr/bin/lockbox"); err == nil || !strings.Contains(err.Error(), file) {
		t.Errorf("turned on: %v", err)
	}
	if _, err := e.read(); err == nil || !strings.Contains(err.Error(), "cannot be read") {
		t.Errorf("read: %v", err)
	}
}

// TestTexts holds what systems read that this one is not.
func TestTexts(t *testing.T) {
	entry, err := entryText(`/opt/a b/lock"box`)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string]string{
		"entry.desktop": entry,
		"agent.plist":   agentText("/Applications/Lock & Box.app/Contents/MacOS/lockbox"),
		"run.txt":       runCommand(`C:\Program Files\Lockbox\lockbox.exe`) + "\n",
	} {
		path := filepath.Join("testdata", name)
		want, err := os.ReadFile(path)
		if err != nil || text != string(want) {
			t.Errorf("%s: %v\n%s\nwant\n%s", path, err, text, want)
		}
	}
}

func TestAgent(t *testing.T) {
	a := agent{filepath.Join(t.TempDir(), "LaunchAgents", "x.plist")}
	if s, err := a.read(); err != nil || s.On {
		t.Errorf("at first: %+v, %v", s, err)
	}
	const program = "/Applications/Lock <&> Box.app/lockbox"
	if err := a.turnOn(program); err != nil {
		t.Fatal(err)
	}
	if s, err := a.read(); err != nil || !s.On || s.Program != program || s.Place != a.path {
		t.Errorf("on: %+v, %v", s, err)
	}
	text := agentText(program)
	for name, other := range map[string]string{
		"disabled":      strings.Replace(text, "<dict>", "<dict><key>Disabled</key><true/>", 1),
		"not at login":  strings.Replace(text, "<true/>", "<false/>", 1),
		"cut off":       text[:len(text)-10],
		"no plist":      "hello",
		"nothing there": "",
	} {
		if _, on := agentProgram(other); on {
			t.Errorf("%s: on", name)
		}
	}
	if err := a.turnOff(); err != nil {
		t.Fatal(err)
	}
	if s, err := a.read(); err != nil || s.On {
		t.Errorf("off: %+v, %v", s, err)
	}
}

func TestRunKey(t *testing.T) {
	for command, want := range map[string]string{
		runCommand(`C:\Program Files\l.exe`): `C:\Program Files\l.exe`,
		`C:\l.exe --hidden`:                  `C:\l.exe`,
		`"C:\half`:                           `C:\half`,
		"":                                   "",
	} {
		if got := runProgram(command); got != want {
			t.Errorf("%q: %q, want %q", command, got, want)
		}
	}
	for _, tt := range []struct {
		value []byte
		want  bool
	}{{nil, true}, {[]byte{2, 0}, true}, {[]byte{3, 0, 0}, false}, {[]byte{6}, true}, {[]byte{7}, false}} {
		if got := approved(tt.value); got != tt.want {
			t.Errorf("approved(%v) = %v", tt.value, got)
		}
	}
}
