package desktest

import (
	"slices"
	"testing"
)

func TestMissingPackages(t *testing.T) {
	file := t.TempDir()
	got := missingPackages([]tool{
		{"no-such-program-a", "one"}, {"no-such-program-b", "one"}, {"no-such-program-c", "two"},
		{file, "three"}, {file + "/none", "four"},
	})
	if want := []string{"one", "two", "four"}; file[0] == '/' && !slices.Equal(got, want) {
		t.Errorf("missingPackages = %v; want %v", got, want)
	}
}

func TestPrivate(t *testing.T) {
	for name, want := range map[string]bool{
		"DISPLAY": true, "DBUS_SESSION_BUS_ADDRESS": true, "XDG_RUNTIME_DIR": true, "LOCKBOX_CONFIG_PATH": true, "HOME": true,
		"PATH": false, "GOCACHE": false, "TMPDIR": false,
	} {
		if got := private(name); got != want {
			t.Errorf("private(%s) = %v; want %v", name, got, want)
		}
	}
}

func TestParseSize(t *testing.T) {
	if w, h, err := parseSize("1280x800"); w != 1280 || h != 800 || err != nil {
		t.Errorf("parseSize = %d, %d, %v", w, h, err)
	}
	for _, size := range []string{"", "1280", "x", "1280x800x24", "axb"} {
		if _, _, err := parseSize(size); err == nil {
			t.Errorf("parseSize(%q) gives no error", size)
		}
	}
}
