package ui

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"lockbox/ui/backend"
)

// count is a number with its noun.
func count(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return strconv.Itoa(n) + " " + noun + "s"
}

// thousands is a number with commas.
func thousands(n int64) string {
	s := strconv.FormatInt(n, 10)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// credentialName is the credential in words.
func credentialName(kind string) string {
	switch kind {
	case "bearer":
		return "Bearer token"
	case "basic":
		return "User and password"
	case "headers":
		return "Headers"
	case "query":
		return "Query parameters"
	case "oauth2_client_credentials":
		return "OAuth, as a client"
	case "oauth2_refresh_token":
		return "OAuth, for a person"
	case "aws_sigv4":
		return "AWS signature"
	}
	return "No key"
}

// access says who may call a service: a mark, a short word and the detail.
func access(s backend.ServiceInfo) (m mark, word, detail string) {
	switch {
	case s.Problem != "":
		return markFailed, "Cannot serve", s.Problem
	case !s.TokenRequired && s.Credential != backend.NoCredential:
		return markWarning, "Open, with a key", "every program on this computer"
	case !s.TokenRequired:
		return markInfo, "Open", "no token needed"
	case s.AnyAudience:
		return markGood, "Token needed", "any audience"
	case len(s.Audiences) == 0:
		return markInactive, "Closed", "no audience is allowed"
	}
	return markGood, "Token needed", strings.Join(s.Audiences, ", ")
}

// phase is the proxy's state as a mark and a word.
func phase(v backend.View) (mark, string) {
	switch {
	case v.Phase == backend.Stopped:
		return markFailed, "Not listening"
	case v.Locked:
		return markInactive, "Locked"
	case v.Phase == backend.Paused && !v.Panicked.IsZero():
		return markInactive, "Paused since the panic at " + v.Panicked.Local().Format("15:04")
	case v.Phase == backend.Paused:
		return markInactive, "Paused"
	case v.Phase == backend.Starting:
		return markInfo, "Starting…"
	case !v.Problem.IsZero():
		return markWarning, "Needs attention"
	}
	return markGood, "Running"
}

// took is a duration as people say it.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return "< 1 ms"
	case d < time.Second:
		return fmt.Sprintf("%d ms", d.Milliseconds())
	case d < time.Minute:
		return fmt.Sprintf("%.1f s", d.Seconds())
	}
	return fmt.Sprintf("%d min %d s", int(d.Minutes()), int(d.Seconds())%60)
}

// size is a number of bytes as people say it.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return fmt.Sprintf("%.1f kB", float64(n)/1000)
	}
	return fmt.Sprintf("%.1f MB", float64(n)/1e6)
}

// lifetimes are the spans that a token can be made for.
var lifetimes = []struct {
	label string
	d     time.Duration
}{
	{"1 hour", time.Hour},
	{"1 day", 24 * time.Hour},
	{"30 days", 30 * 24 * time.Hour},
	{"90 days", 90 * 24 * time.Hour},
}

func lifetimeLabels() []string {
	var out []string
	for _, l := range lifetimes {
		out = append(out, l.label)
	}
	return out
}

// lifetimeLabel finds the label of a span; one that is set by hand has its own.
func lifetimeLabel(d time.Duration) string {
	for _, l := range lifetimes {
		if l.d == d {
			return l.label
		}
	}
	return d.String()
}

// lifetimeOf is 0 for a label that is not in the list.
func lifetimeOf(label string) time.Duration {
	for _, l := range lifetimes {
		if l.label == label {
			return l.d
		}
	}
	return 0
}
