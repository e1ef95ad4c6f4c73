package ui

import (
	"context"
	"fmt"
	"slices"
	"time"

	"fyne.io/fyne/v2/lang"

	"lockbox/ui/backend"
)

const (
	// lostFor is how long the tunnel is lost before that is worth an alert: most
	// connections are back by then.
	lostFor = 5 * time.Second
	// alertEvery is between two alerts about the same thing.
	alertEvery = time.Minute
)

// alerts tell a person who does not look at the window what concerns the public
// side, tokens, and keys in answers.
type alerts struct {
	*face
	patience  time.Duration // lostFor; shorter in tests
	lost      time.Time     // since when the tunnel is, or was last
	lockout   time.Time     // the last end of one that is known
	toldLost  time.Time
	toldGuess time.Time
	level     int                  // of the month's usage that was told of; -1: none was looked at
	drift     backend.Drift        // the last that is known
	toldDrift map[string]time.Time // by the token's ID
	leak      time.Time            // of the last one that was told
	keys      string               // what is wrong with the keychain; "?" before it is known
}

func newAlerts(f *face) *alerts {
	return &alerts{face: f, patience: lostFor, level: -1, keys: "?", toldDrift: map[string]time.Time{}}
}

// draw looks at a new View.
func (a *alerts) draw(v backend.View) {
	if t := v.Tunnel; t.Phase == backend.TunnelLost && !t.Since.Equal(a.lost) {
		a.lost = t.Since
		a.loop.run("", func(ctx context.Context) error {
			select {
			case <-time.After(a.patience):
			case <-ctx.Done():
			}
			return ctx.Err()
		}, a.stillLost)
	}
	if a.rises(v) {
		title, text := usageAlert(v.Usage)
		a.notify(noticeUsage, title, text)
	}
	a.drifts(v.Drifts)
	a.drawLeaks(v.Leaks)
	a.drawKeys(v.Keychain)
	fresh := slices.DeleteFunc(slices.Clone(v.Lockouts), func(l backend.Lockout) bool { return !l.Until.After(a.lockout) })
	if len(fresh) == 0 {
		return
	}
	a.lockout = fresh[0].Until // the latest
	if due(&a.toldGuess) {
		title, text := lockoutAlert(fresh)
		a.notify(noticeLockout, title, text)
	}
}

// rises notes a View's level of usage, and reports whether it is a higher one than
// the last that was seen: a person is told once that the free plan's month is nearly
// used up, and once that it is.
func (a *alerts) rises(v backend.View) bool {
	was, level := a.level, v.Usage.Level()
	a.level = level
	return was >= 0 && level > was && freePlan(v.Tunnel)
}

// usageAlert is what is said of it.
func usageAlert(u backend.TunnelUsage) (title, text string) {
	title = fmt.Sprintf(lang.L("%d%% of ngrok's month is used"), u.Percent())
	if u.Level() == backend.UsageFull {
		title = lang.L("ngrok's month is used up")
	}
	return title, usageText(u) + " " + lang.L(freeText)
}

// stillLost tells of a tunnel that did not come back.
func (a *alerts) stillLost(err error) {
	t := a.backend.View().Tunnel
	if err == nil && t.Phase == backend.TunnelLost && t.Since.Equal(a.lost) && due(&a.toldLost) {
		a.notify(noticeTunnel, lang.L("The tunnel is lost: calls do not arrive"), t.Trouble.Title+". "+t.Trouble.Text)
	}
}

// drifts tells of tokens that are used in a new way, of each now and then.
func (a *alerts) drifts(all []backend.Drift) {
	before := a.drift
	for i, d := range all {
		if d == before {
			break
		}
		if i == 0 {
			a.drift = d
		}
		if told := a.toldDrift[d.Token]; due(&told) {
			a.toldDrift[d.Token] = told
			title, text := a.driftAlert(d)
			a.notify(noticeDrift, title, text)
		}
	}
}

// driftAlert is what is said of a token that is used in a new way.
func (a *alerts) driftAlert(d backend.Drift) (title, text string) {
	name := lang.L("A token")
	if t, ok := a.backend.TokenByID(d.Token); ok {
		name = visible(tokenName(t))
	}
	title, text = fmt.Sprintf(lang.L("%s is used in a new way"), name), backend.Sentence(visible(d.Sight.Words()))
	if d.Paused {
		title = fmt.Sprintf(lang.L("%s is paused: it was used in a new way"), name)
	}
	return title, fmt.Sprintf(lang.L("%s Was it you? The Tokens page asks."), text)
}

// due reports whether an alert's time has come, and notes it.
func due(told *time.Time) bool {
	if !told.IsZero() && time.Since(*told) < alertEvery {
		return false
	}
	*told = time.Now()
	return true
}

// lockoutAlert is what is said of addresses that were locked out.
func lockoutAlert(all []backend.Lockout) (title, text string) {
	title = fmt.Sprintf(lang.L("%s is locked out"), all[0].Address)
	if n := len(all); n > 1 {
		title = fmt.Sprintf(lang.L("%d addresses are locked out"), n)
	}
	return title, fmt.Sprintf(lang.L("Too many calls without a valid token, until %s. The Tunnel page has more."), all[0].Until.Local().Format("15:04"))
}

// drawLeaks tells of keys in answers. The backend sees to it that a service comes
// up now and then only.
func (a *alerts) drawLeaks(all []backend.Leak) {
	fresh := slices.DeleteFunc(slices.Clone(all), func(l backend.Leak) bool { return !l.Time.After(a.leak) })
	if len(fresh) == 0 {
		return
	}
	a.leak = slices.MaxFunc(fresh, func(x, y backend.Leak) int { return x.Time.Compare(y.Time) }).Time
	title, text := leakAlert(fresh)
	a.notify(noticeLeak, title, text)
}

// leakAlert is what is said of services whose upstreams showed the key.
func leakAlert(all []backend.Leak) (title, text string) {
	title = fmt.Sprintf(lang.L("%s sent its key back"), all[0].Service)
	if n := len(all); n > 1 {
		title = fmt.Sprintf(lang.L("%d services sent their keys back"), n)
	}
	return title, lang.L("Lockbox took it out of the answer, so that the caller did not get it. The Audit page shows the calls: search for leak_guard.")
}

// drawKeys tells of a keychain that cannot be used any more. That it could not from the
// start is said by the window, and asked for by the keychain.
func (a *alerts) drawKeys(k backend.KeychainInfo) {
	was := a.keys
	if a.keys = k.Message; was == "" && k.Message != "" {
		a.notify(noticeKeys, backend.Sentence(k.State), backend.Sentence(k.Message))
	}
}
