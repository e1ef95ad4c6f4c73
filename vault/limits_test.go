package vault

import (
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"testing"

	"lockbox/proxy/secret"
)

func TestCheckLimits(t *testing.T) {
	tests := []struct {
		goos string
		user int // bytes
		size int
		want string // in the error; empty when it fits
	}{
		{"linux", 10, 0, "empty"},
		{"linux", 10, 1 << 20, ""},
		{"linux", 10, 1<<20 + 1, "1048576"},
		{"linux", 5000, 100, ""},
		{"windows", 10, 2560, ""},
		{"windows", 10, 2561, "2560"},
		{"windows", 512, 1, ""},
		{"windows", 513, 1, "512"},
		{"darwin", 10, 3000, ""},
		{"darwin", 10, 3100, "file:///path"},
		{"darwin", 1000, 2500, "file:///path"},
		{"darwin", 4090, 1, "shorter"},
		{"freebsd", 10, 1 << 20, ""},
	}
	for _, tt := range tests {
		user := strings.Repeat("a", tt.user)
		err := checkLimits(tt.goos, user, secret.New(strings.Repeat("s", tt.size)))
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("checkLimits(%s, %d, %d) = %v; want %q", tt.goos, tt.user, tt.size, err, tt.want)
		}
	}
}

// The largest value that is let through must fit go-keyring's command line.
func TestDarwinCommand(t *testing.T) {
	for n := 1; n < 4050; n += 7 {
		user := strings.Repeat("$", n) // go-keyring quotes it
		room := 0
		for size := 1; checkLimits("darwin", user, secret.New(strings.Repeat("s", size))) == nil; size++ {
			room = size
		}
		encoded := base64.StdEncoding.EncodeToString(make([]byte, room))
		line := fmt.Sprintf("add-generic-password -U -s lockbox -a '%s' -w go-keyring-base64:%s\n", user, encoded)
		if room > 0 && len(line) >= 4096 {
			t.Fatalf("a name of %d bytes lets %d through: a command of %d bytes", n, room, len(line))
		}
		if room > 0 && len(line) < 4096-4 {
			t.Fatalf("a name of %d bytes lets only %d through: a command of %d bytes", n, room, len(line))
		}
	}
}

func TestFoldName(t *testing.T) {
	if got := foldName("windows", "Acme/X%2FY"); got != "%41cme/%58%2F%59" {
		t.Errorf("foldName = %q", got)
	}
	if got := foldName("darwin", "Acme/X"); got != "Acme/X" {
		t.Errorf("foldName on darwin = %q", got)
	}
}

func FuzzFoldName(f *testing.F) {
	for _, s := range []string{"acme\nAcme", "a%41\nA%41", "X%2fy\nx%2FY", "%\n%4", "%4A\nJ"} {
		a, b, _ := strings.Cut(s, "\n")
		f.Add(a, b)
	}
	f.Fuzz(func(t *testing.T, a, b string) {
		a, errA := userName(a, "x")
		b, errB := userName(b, "x")
		if errA != nil || errB != nil || a == b {
			return
		}
		if strings.EqualFold(foldName("windows", a), foldName("windows", b)) {
			t.Errorf("%q and %q are one on Windows", a, b)
		}
	})
}

func TestUserName(t *testing.T) {
	tests := []struct{ service, field, want string }{
		{"acme", "token", "acme/token"},
		{"acme", "headers/X-Api-Key", "acme/headers%2FX-Api-Key"},
		{"a/b", "c d", "a%2Fb/c%20d"},
		{"", "token", ""},
		{"acme", "", ""},
		{"acme", "to\nken", ""},
	}
	for _, tt := range tests {
		got, err := userName(tt.service, tt.field)
		if got != tt.want || (err == nil) != (tt.want != "") {
			t.Errorf("userName(%q, %q) = %q, %v; want %q", tt.service, tt.field, got, err, tt.want)
		}
	}
}

func TestRefs(t *testing.T) {
	got := refs([]string{"b/token", "a/x%2Fy", "b/token", "odd", "", "a/%zz", "/x"})
	want := []secret.Ref{secret.KeychainRef("a", "x/y"), secret.KeychainRef("b", "token")}
	if !slices.Equal(got, want) {
		t.Errorf("refs = %v; want %v", got, want)
	}
}
