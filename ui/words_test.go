package ui

import (
	"testing"
	"time"
)

func TestWords(t *testing.T) {
	tests := []struct{ got, want string }{
		{count(0, "call"), "0 calls"},
		{count(1, "call"), "1 call"},
		{took(300 * time.Microsecond), "< 1 ms"},
		{took(42 * time.Millisecond), "42 ms"},
		{took(1500 * time.Millisecond), "1.5 s"},
		{took(61 * time.Second), "1 min 1 s"},
		{size(999), "999 B"},
		{size(1500), "1.5 kB"},
		{size(2_500_000), "2.5 MB"},
		{lifetimeLabel(24 * time.Hour), "1 day"},
		{lifetimeLabel(36 * time.Hour), "36h0m0s"},
		{lifetimeOf("90 days").String(), "2160h0m0s"},
		{lifetimeOf("36h0m0s").String(), "0s"},
	}
	for _, tt := range tests {
		if tt.got != tt.want {
			t.Errorf("got %q, want %q", tt.got, tt.want)
		}
	}
}
