package cli

import (
	"errors"
	"testing"
	"time"
)

func TestParseLifetime(t *testing.T) {
	for _, tt := range []struct {
		in   string
		want time.Duration
		err  error
	}{
		{in: "3600", want: time.Hour},
		{in: "1", want: time.Second},
		{in: "90d", want: 90 * 24 * time.Hour},
		{in: "2w", want: 14 * 24 * time.Hour},
		{in: "12h", want: 12 * time.Hour},
		{in: "1h30m", want: 90 * time.Minute},
		{in: "36500d", want: 36500 * 24 * time.Hour},
		{in: "36501d", err: errLifetimeRange},
		{in: "0", err: errLifetimeRange},
		{in: "-5", err: errLifetimeRange},
		{in: "-5d", err: errLifetimeRange},
		{in: "10ms", err: errLifetimeRange},
		{in: "99999999999999999999", err: errLifetimeRange},
		{in: "9223372036854775807", err: errLifetimeRange},
		{in: "9223372036854775807w", err: errLifetimeRange},
		{in: "", err: errLifetimeForm},
		{in: "d", err: errLifetimeForm},
		{in: "1.5d", err: errLifetimeForm},
		{in: "soon", err: errLifetimeForm},
		{in: "3 600", err: errLifetimeForm},
	} {
		got, err := parseLifetime(tt.in)
		if got != tt.want || !errors.Is(err, tt.err) {
			t.Errorf("parseLifetime(%q) = %v, %v; want %v, %v", tt.in, got, err, tt.want, tt.err)
		}
	}
}

func FuzzParseLifetime(f *testing.F) {
	for _, s := range []string{"3600", "90d", "2w", "12h", "-5", "", "d", "1.5d", "9223372036854775807w"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, err := parseLifetime(s)
		if err == nil && (d < time.Second || d > longestLifetime) {
			t.Errorf("parseLifetime(%q) = %v, outside the range it promises", s, d)
		}
		if err != nil && d != 0 {
			t.Errorf("parseLifetime(%q) = %v beside error %v", s, d, err)
		}
	})
}
