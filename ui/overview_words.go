package ui

import (
	"fmt"
	"time"

	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

// bannered reports whether the banner above the page says it already.
func (p *overviewPage) bannered(c backend.Concern) bool {
	return c.Kind == backend.ConcernProblem || c.Kind == backend.ConcernLocked ||
		c.Kind == backend.ConcernVault && (locked(p.view) || p.to.vaultTold())
}

// concernLead is a row for something that needs the person, which leads to where
// it is mended.
func (p *overviewPage) concernLead(c backend.Concern) lead {
	l := lead{mark: concernMark(c.Kind)}
	if c.More > 0 {
		l.name, l.open = fmt.Sprintf(lang.L("and %s more"), thousands(c.More)), p.leadOfKind(c.Kind)
		l.detail = moreWords(c.Kind)
		return l
	}
	l.name, l.detail = p.concernWords(c)
	l.open = p.concernOpens(c)
	return l
}

// concernMark says how bad it is: calls fail, they are at risk, or a word is wanted.
func concernMark(k backend.ConcernKind) mark {
	switch {
	case k == backend.ConcernQuestions:
		return markInfo
	case k == backend.ConcernPaused:
		return markRefused
	case k <= backend.ConcernVault:
		return markFailed
	}
	return markWarning
}

// concernWords say what it is, and the next step.
func (p *overviewPage) concernWords(c backend.Concern) (what, next string) {
	token := visible(tokenName(c.Token))
	text := visible(backend.Sentence(c.Text))
	switch c.Kind {
	case backend.ConcernProblem, backend.ConcernLocked: // the banner says it
	case backend.ConcernLeak:
		return fmt.Sprintf(lang.L("%s sent its key back"), c.Service), lang.L("Lockbox took it out of the answer. See which calls show it, and tell the API's maker.")
	case backend.ConcernPaused:
		return fmt.Sprintf(lang.L("%s is paused: it was used in a new way"), token), fmt.Sprintf(lang.L("%s Was it you? Let it pass again, or revoke it."), text)
	case backend.ConcernTunnelLost:
		return lang.L("The tunnel is lost: calls do not arrive"), fmt.Sprintf(lang.L("%s The Tunnel page finds out why."), text)
	case backend.ConcernBroken:
		return fmt.Sprintf(lang.L("%s cannot be served"), c.Service), text
	case backend.ConcernCredential:
		return fmt.Sprintf(lang.L("%s gets no access token any more"), c.Service), fmt.Sprintf(lang.L("Sign in again and enter what it needs. %s"), text)
	case backend.ConcernKeyRefused:
		return fmt.Sprintf(lang.L("%s refuses its key"), c.Service), fmt.Sprintf(lang.L("%s of the last hour's %s calls got 401: the key may have expired. Enter a new one."), thousands(c.Count), thousands(c.Of))
	case backend.ConcernFailing:
		return fmt.Sprintf(lang.L("%s fails"), c.Service), fmt.Sprintf(lang.L("%s of the last hour's %s calls. %s"), thousands(c.Count), thousands(c.Of), text)
	case backend.ConcernQuestions:
		if c.Count == 1 {
			return lang.L("A call waits for your answer"), lang.L("Allow it or deny it.")
		}
		return fmt.Sprintf(lang.L("%s calls wait for your answer"), thousands(c.Count)), lang.L("Allow them or deny them.")
	case backend.ConcernGap:
		return lang.L("Calls are missing in the audit log"), text
	case backend.ConcernVault:
		return lang.L("The vault cannot be used"), text
	}
	return p.warningWords(c, token, text)
}

// warningWords are those of what can wait a little.
func (p *overviewPage) warningWords(c backend.Concern, token, text string) (what, next string) {
	switch c.Kind {
	case backend.ConcernExpired:
		return fmt.Sprintf(lang.L("%s has expired, and is still being used"), token), fmt.Sprintf(lang.L("%s refused since yesterday. Make a new one and give it to who calls."), callsWords(c.Count))
	case backend.ConcernExpires:
		return fmt.Sprintf(lang.L("%s expires %s"), token, inWords(c.At, p.now)), lang.L("Make a new one before, and give it to who calls.")
	case backend.ConcernDrift:
		return fmt.Sprintf(lang.L("%s is used in a new way"), token), fmt.Sprintf(lang.L("%s Was it you? The Tokens page asks."), text)
	case backend.ConcernLimit:
		return p.limitWords(c, token)
	case backend.ConcernLockouts:
		if c.Count == 1 {
			return fmt.Sprintf(lang.L("%s is locked out"), c.Text), lang.L("Too many calls without a valid token came from there.")
		}
		return fmt.Sprintf(lang.L("%s addresses are locked out"), thousands(c.Count)), lang.L("Too many calls without a valid token came from there.")
	case backend.ConcernUsage:
		return fmt.Sprintf(lang.L("%d%% of ngrok's month is used"), c.Count), lang.L("When it is used up, ngrok may turn calls away until next month.")
	case backend.ConcernPlainKeys:
		if c.Count == 1 {
			return lang.L("A key stands in the config file"), lang.L("Move it to where it is safe, from the Services page.")
		}
		return fmt.Sprintf(lang.L("%s keys stand in the config file"), thousands(c.Count)), lang.L("Move them to where they are safe, from the Services page.")
	case backend.ConcernWarnings:
		if text == "" {
			text = lang.L("The Settings page has it all.")
		}
		if c.Count == 1 {
			return lang.L("The config has a warning"), text
		}
		return fmt.Sprintf(lang.L("The config has %s warnings"), thousands(c.Count)), text
	}
	return text, ""
}

func (p *overviewPage) limitWords(c backend.Concern, token string) (what, next string) {
	switch {
	case c.Of == 0:
		return fmt.Sprintf(lang.L("%s is called more often than its limit allows"), c.Service), fmt.Sprintf(lang.L("%s refused in the last hour. Raise the limit, or have callers wait."), callsWords(c.Count))
	case c.Token.Service != "":
		what = fmt.Sprintf(lang.L("%s has used up its %s calls"), token, thousands(c.Of))
	default:
		what = fmt.Sprintf(lang.L("%s has used up its %s calls"), c.Service, thousands(c.Of))
	}
	if c.At.IsZero() {
		return what, lang.L("Calls are refused until the limit is raised.")
	}
	return what, fmt.Sprintf(lang.L("Calls are refused until %s. Raise the limit, or wait."), stamp(c.At.Local(), "2 Jan "+hourMinute))
}

func moreWords(k backend.ConcernKind) string {
	switch k {
	case backend.ConcernBroken:
		return lang.L("cannot be served")
	case backend.ConcernFailing, backend.ConcernCredential, backend.ConcernKeyRefused:
		return lang.L("fail too")
	case backend.ConcernExpires:
		return lang.L("expire this week")
	case backend.ConcernExpired:
		return lang.L("have expired, and are still being used")
	case backend.ConcernPaused:
		return lang.L("are paused")
	case backend.ConcernDrift:
		return lang.L("are used in a new way")
	case backend.ConcernLimit:
		return lang.L("have reached a limit")
	}
	return ""
}

// inWords is how long until something, roughly.
func inWords(t, now time.Time) string {
	switch d := t.Sub(now); {
	case d < 2*time.Hour:
		return fmt.Sprintf(lang.L("in %d min"), max(0, int(d.Minutes())))
	case d < 48*time.Hour:
		return fmt.Sprintf(lang.L("in %d h"), int(d.Hours()))
	default:
		return fmt.Sprintf(lang.L("in %d days"), int(d.Hours())/24)
	}
}
