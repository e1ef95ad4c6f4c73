package desktest

import (
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// tool is a program of a Debian package; one with a slash is a file.
type tool struct{ name, pkg string }

var busTools = []tool{
	{"sh", "dash"}, {"grep", "grep"},
	{"dbus-daemon", "dbus-daemon"}, {"dbus-monitor", "dbus-bin"}, {"gnome-keyring-daemon", "gnome-keyring"}, {"secret-tool", "libsecret-tools"},
}

var screenTools = []tool{
	{"Xvfb", "xvfb"}, {"openbox", "openbox"}, {"xfce4-panel", "xfce4-panel"}, {"dunst", "dunst"},
	{"xdotool", "xdotool"}, {"wmctrl", "wmctrl"}, {"import", "imagemagick"}, {"tesseract", "tesseract-ocr"}, {"xclip", "xclip"}, {"xprop", "x11-utils"},
	{"/usr/share/dbus-1/services/org.gnome.keyring.SystemPrompter.service", "gcr"},
	{"/usr/share/icons/Adwaita", "adwaita-icon-theme"},
}

// needTools fails the test with the line that installs what is not there.
func needTools(t testing.TB, o Options) {
	t.Helper()
	want := busTools
	if !o.NoX {
		want = slices.Concat(busTools, screenTools)
	}
	if missing := missingPackages(want); len(missing) > 0 {
		t.Fatalf("this test needs a desktop; run: apt-get install -y --no-install-recommends %s", strings.Join(missing, " "))
	}
}

func missingPackages(want []tool) []string {
	var missing []string
	for _, w := range want {
		var err error
		if strings.HasPrefix(w.name, "/") {
			_, err = os.Stat(w.name)
		} else {
			_, err = exec.LookPath(w.name)
		}
		if err != nil && !slices.Contains(missing, w.pkg) {
			missing = append(missing, w.pkg)
		}
	}
	return missing
}
