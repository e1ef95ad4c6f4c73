package cli

import (
	"errors"
	"strconv"
	"strings"
	"time"
)

// lifetime is how long a token is to live, as --duration takes it: 3600, in
// seconds as in the Python original, or 12h, 30m, 90d, 52w.
type lifetime time.Duration

const (
	day = 24 * time.Hour
	// Beyond, a date is a slip of the finger rather than a wish.
	longestLifetime = 100 * 365 * day
)

var (
	errLifetimeForm  = errors.New("want seconds (3600) or a number with s, m, h, d or w (90d)")
	errLifetimeRange = errors.New("want at least a second and at most 100 years")
)

// UnmarshalText implements encoding.TextUnmarshaler, for kong.
func (l *lifetime) UnmarshalText(text []byte) error {
	d, err := parseLifetime(string(text))
	*l = lifetime(d)
	return err
}

func parseLifetime(s string) (time.Duration, error) {
	unit, number := time.Second, s
	for suffix, u := range map[string]time.Duration{"d": day, "w": 7 * day} {
		if n, ok := strings.CutSuffix(s, suffix); ok {
			unit, number = u, n
		}
	}
	var d time.Duration
	n, err := strconv.ParseInt(number, 10, 64)
	switch {
	case err == nil && n > int64(longestLifetime/unit) || errors.Is(err, strconv.ErrRange):
		return 0, errLifetimeRange
	case err == nil:
		d = time.Duration(n) * unit
	case number != s:
		return 0, errLifetimeForm
	default:
		if d, err = time.ParseDuration(s); err != nil {
			return 0, errLifetimeForm
		}
	}
	if d < time.Second || d > longestLifetime {
		return 0, errLifetimeRange
	}
	return d, nil
}
