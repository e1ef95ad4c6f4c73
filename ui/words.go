package ui

import (
	"fmt"
	"strings"
	"time"

	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// credentialName is the credential in words.
func credentialName(kind string) string {
	switch kind {
	case "bearer":
		return lang.L("Bearer token")
	case "basic":
		return lang.L("User and password")
	case "headers":
		return lang.L("Headers")
	case "query":
		return lang.L("Query parameters")
	case "oauth2_client_credentials":
		return lang.L("OAuth, as a client")
	case "oauth2_refresh_token":
		return lang.L("OAuth, for a person")
	case "aws_sigv4":
		return lang.L("AWS signature")
	}
	return lang.L("No key")
}

// access says who may call a service and within what bounds: a mark, a short word
// and the detail.
func access(s backend.ServiceInfo) (m mark, word, detail string) {
	if s.Problem != "" {
		return markFailed, lang.L("Cannot serve"), s.Problem
	}
	m, word, detail = callers(s)
	if s.Rules > 0 {
		detail += " · " + count(s.Rules, "rule")
	}
	if s.Limited {
		detail += " · " + lang.L("limits")
	}
	return m, word, detail
}

// callers says who may call a service that can serve.
func callers(s backend.ServiceInfo) (m mark, word, detail string) {
	switch {
	case !s.TokenRequired && s.Credential != backend.NoCredential:
		return markWarning, lang.L("Open, with a key"), lang.L("every program on this computer")
	case !s.TokenRequired:
		return markInfo, lang.L("Open"), lang.L("no token needed")
	case s.AnyAudience:
		return markGood, lang.L("Token needed"), lang.L("any audience")
	case len(s.Audiences) == 0:
		return markInactive, lang.L("Closed"), lang.L("no audience is allowed")
	}
	return markGood, lang.L("Token needed"), strings.Join(s.Audiences, ", ")
}

// phase is the proxy's state as a mark and a word.
func phase(v backend.View) (mark, string) {
	switch {
	case v.Phase == backend.Stopped:
		return markFailed, lang.L("Not listening")
	case v.Locked:
		return markInactive, lang.L("Locked")
	case v.Phase == backend.Paused && !v.Panicked.IsZero():
		return markInactive, fmt.Sprintf(lang.L("Paused since the panic at %s"), v.Panicked.Local().Format("15:04"))
	case v.Phase == backend.Paused:
		return markInactive, lang.L("Paused")
	case v.Phase == backend.Starting:
		return markInfo, lang.L("Starting…")
	case !v.Problem.IsZero():
		return markWarning, lang.L("Needs attention")
	}
	return markGood, lang.L("Running")
}

// took is a duration as people say it.
func took(d time.Duration) string {
	switch {
	case d < time.Millisecond:
		return lang.L("< 1 ms")
	case d < time.Second:
		return fmt.Sprintf(lang.L("%d ms"), d.Milliseconds())
	case d < time.Minute:
		return decimal(d.Seconds()) + " s"
	}
	return fmt.Sprintf(lang.L("%d min %d s"), int(d.Minutes()), int(d.Seconds())%60)
}

// size is a number of bytes as people say it.
func size(n int64) string {
	switch {
	case n < 1000:
		return fmt.Sprintf("%d B", n)
	case n < 1000*1000:
		return decimal(float64(n)/1000) + " kB"
	}
	return decimal(float64(n)/1e6) + " MB"
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
		out = append(out, lang.L(l.label))
	}
	return out
}

// lifetimeLabel finds the label of a span; one that is set by hand has its own.
func lifetimeLabel(d time.Duration) string {
	for _, l := range lifetimes {
		if l.d == d {
			return lang.L(l.label)
		}
	}
	return d.String()
}

// lifetimeOf is 0 for a label that is not in the list.
func lifetimeOf(label string) time.Duration {
	for _, l := range lifetimes {
		if lang.L(l.label) == label {
			return l.d
		}
	}
	return 0
}
