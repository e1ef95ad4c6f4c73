package backend

import (
	"cmp"
	"slices"
	"strings"
	"time"
)

// ConcernKind is what a Concern is about. The smaller, the worse.
type ConcernKind int

// The kinds.
const (
	ConcernProblem    ConcernKind = iota // the View's Problem, its title in Text
	ConcernLocked                        // Lock is in force
	ConcernLeak                          // Service's upstream sent the key back, at At
	ConcernPaused                        // Token is: it was used in a new way, as Text says
	ConcernTunnelLost                    // and why, in Text
	ConcernBroken                        // Service cannot be served, as Text says
	ConcernCredential                    // Service's access token cannot be fetched, as Text says
	ConcernKeyRefused                    // Service's upstream refused the key, in Count of Of calls of the last hour
	ConcernFailing                       // Count of Of calls of the last hour to Service failed, the last one as Text says
	ConcernQuestions                     // Count calls wait for an answer
	ConcernGap                           // calls are missing in the record, as Text says
	ConcernVault                         // the vault cannot be used, as Text says
	ConcernExpired                       // Token has, and came Count times since, the last time at At
	ConcernExpires                       // Token will, at At
	ConcernDrift                         // Token was used in a new way, as Text says
	ConcernLimit                         // of Service or Token: used up until At, or Count calls of the last hour were refused
	ConcernLockouts                      // Count addresses are locked out, one of them Text
	ConcernUsage                         // Count percent of the tunnel's month are used
	ConcernPlainKeys                     // Count keys stand in the config
	ConcernWarnings                      // Count warnings of the config, the first in Text
	concernKinds
)

// Concern is something that needs a person.
type Concern struct {
	Kind      ConcernKind
	Service   string
	Token     TokenInfo
	Count, Of int64
	At        time.Time
	Text      string // of other rooms, in English
	More      int64  // this stands for so many more of its kind, which are not listed
}

const (
	// concernFew is how many of a kind are listed.
	concernFew = 3
	// expiresSoon is when a token's end is near.
	expiresSoon = 7 * 24 * time.Hour
	// failingLeast and failingShare say when a service fails: so many calls of the
	// last hour, and one of so many.
	failingLeast, failingShare = 3, 5
)

// tokenConcerns are those that the list of tokens alone tells of. To look through
// 100,000 takes a moment, so that it is done when they change, and each minute.
type tokenConcerns struct {
	revision               uint64
	looked                 time.Time
	paused, expires, drift []Concern
}

func (t *tokenConcerns) update(b *Backend, revision uint64, now time.Time) {
	if t.revision == revision && now.Sub(t.looked) < time.Minute && now.After(t.looked) {
		return
	}
	*t = concernsOf(b.Tokens(), now)
	t.revision = revision
}

func concernsOf(tokens []TokenInfo, now time.Time) tokenConcerns {
	t := tokenConcerns{looked: now}
	for _, i := range tokens {
		if !i.Live(now) {
			continue
		}
		switch {
		case !i.Paused.IsZero():
			t.paused = append(t.paused, Concern{Kind: ConcernPaused, Token: i, Service: i.Service, At: i.Paused, Text: lastSight(i)})
		case len(i.Sights) > 0:
			t.drift = append(t.drift, Concern{Kind: ConcernDrift, Token: i, Service: i.Service, At: i.Sights[len(i.Sights)-1].At, Text: lastSight(i)})
		}
		// One that was made for a short time is meant to end.
		if i.Expires.Sub(now) < expiresSoon && i.Expires.Sub(i.Made) > expiresSoon {
			t.expires = append(t.expires, Concern{Kind: ConcernExpires, Token: i, Service: i.Service, At: i.Expires})
		}
	}
	latest := func(a, b Concern) int { return cmp.Or(b.At.Compare(a.At), strings.Compare(a.Token.ID, b.Token.ID)) }
	slices.SortFunc(t.paused, latest)
	slices.SortFunc(t.drift, latest)
	slices.SortFunc(t.expires, func(a, b Concern) int { return latest(b, a) })
	return t
}

func lastSight(i TokenInfo) string {
	if len(i.Sights) == 0 {
		return ""
	}
	return i.Sights[len(i.Sights)-1].Words()
}

// concerns are all that need a person, the worst first, and of each kind a few.
func concerns(v View, tokens tokenConcerns, t *tally, uses []LimitUse, byID func(string) (TokenInfo, bool)) []Concern {
	var all [concernKinds][]Concern
	add := func(c Concern) { all[c.Kind] = append(all[c.Kind], c) }
	viewConcerns(v, t.now, add)
	all[ConcernPaused], all[ConcernExpires], all[ConcernDrift] = tokens.paused, tokens.expires, tokens.drift
	t.concerns(v, byID, add)
	for _, u := range uses {
		if u.Left == 0 && u.Per >= 24*time.Hour {
			token, _ := byID(u.Token)
			if token.ID == "" {
				token.ID = u.Token
			}
			add(Concern{Kind: ConcernLimit, Service: u.Service, Token: token, Of: int64(u.Most), At: u.Resets})
		}
	}
	if n := len(t.gaps); n > 0 {
		newest := slices.MaxFunc(t.gaps, func(a, b Exchange) int { return cmp.Compare(a.Seq, b.Seq) })
		_, text, _ := strings.Cut(newest.Reason, ": ")
		add(Concern{Kind: ConcernGap, Count: int64(n), At: newest.Time, Text: text})
	}
	var out []Concern
	for kind, some := range all {
		if kind < int(ConcernExpired) || kind == int(ConcernLimit) {
			slices.SortStableFunc(some, func(a, b Concern) int { return cmp.Compare(b.Count, a.Count) })
		}
		out = append(out, some[:min(len(some), concernFew)]...)
		if more := len(some) - concernFew; more > 0 {
			out = append(out, Concern{Kind: ConcernKind(kind), More: int64(more)})
		}
	}
	return out
}

// viewConcerns are those that the View tells of.
func viewConcerns(v View, now time.Time, add func(Concern)) {
	if !v.Problem.IsZero() {
		add(Concern{Kind: ConcernProblem, Text: v.Problem.Title})
	}
	if v.Locked {
		add(Concern{Kind: ConcernLocked})
	}
	for _, l := range v.Leaks {
		if now.Sub(l.Time) < activityTime {
			add(Concern{Kind: ConcernLeak, Service: l.Service, At: l.Time, Text: l.Where})
		}
	}
	if trouble := v.Tunnel.Trouble; v.Tunnel.Phase == TunnelLost || v.Tunnel.Phase == TunnelClosed && !trouble.IsZero() {
		add(Concern{Kind: ConcernTunnelLost, At: v.Tunnel.Since, Text: trouble.Title})
	}
	for _, s := range v.Services {
		if s.Problem != "" && !v.Locked {
			add(Concern{Kind: ConcernBroken, Service: s.Name, Text: s.Problem})
		}
	}
	wordConcerns(v, add)
}

// wordConcerns are those of the View that want a word rather than a repair.
func wordConcerns(v View, add func(Concern)) {
	if v.Questions > 0 {
		add(Concern{Kind: ConcernQuestions, Count: int64(v.Questions)})
	}
	if v.Keychain.Message != "" && !v.Locked && v.Problem.Action != "unlock" {
		add(Concern{Kind: ConcernVault, Text: v.Keychain.Message})
	}
	if n := len(v.Lockouts); n > 0 {
		add(Concern{Kind: ConcernLockouts, Count: int64(n), At: v.Lockouts[0].Until, Text: v.Lockouts[0].Address})
	}
	if v.Usage.Level() > 0 {
		add(Concern{Kind: ConcernUsage, Count: int64(v.Usage.Percent())})
	}
	if v.PlainKeys > 0 {
		add(Concern{Kind: ConcernPlainKeys, Count: int64(v.PlainKeys)})
	}
	// Each of those keys has its warning too.
	if n := len(v.Warnings) - v.PlainKeys; n > 0 {
		c := Concern{Kind: ConcernWarnings, Count: int64(n)}
		if v.PlainKeys == 0 {
			c.Text = v.Warnings[0]
		}
		add(c)
	}
}

// concerns are those that the calls tell of.
func (t *tally) concerns(v View, byID func(string) (TokenInfo, bool), add func(Concern)) {
	for _, s := range v.Services {
		i, ok := t.numbers[s.Name]
		if !ok || s.Problem != "" {
			continue
		}
		h := t.hour[i]
		if c, ok := h.concern(); ok {
			c.Service, c.Text = s.Name, t.faults[i].text
			add(c)
		}
		if h.limited > 0 {
			add(Concern{Kind: ConcernLimit, Service: s.Name, Count: h.limited})
		}
	}
	var late []Concern
	for i, u := range t.expired {
		token, ok := byID(t.names[i])
		if !ok || !token.Revoked.IsZero() || t.now.Before(token.Expires) {
			continue
		}
		late = append(late, Concern{Kind: ConcernExpired, Token: token, Service: token.Service, Count: u.calls, At: time.Unix(int64(u.last), 0)})
	}
	slices.SortFunc(late, func(a, b Concern) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), strings.Compare(a.Token.ID, b.Token.ID))
	})
	for _, c := range late {
		add(c)
	}
}

// concern is what is wrong with a service whose calls came to that.
func (r *recent) concern() (c Concern, ok bool) {
	c = Concern{Of: r.made, At: time.Unix(int64(r.lastBad), 0)}
	switch still := r.lastGood <= r.lastBad; {
	case r.noCredential && still:
		c.Kind, c.Count = ConcernCredential, r.failed
	case still && r.keyRefused >= failingLeast && 2*r.keyRefused >= r.made:
		c.Kind, c.Count = ConcernKeyRefused, r.keyRefused
	case r.failed >= failingLeast && failingShare*r.failed >= r.made:
		c.Kind, c.Count = ConcernFailing, r.failed
	default:
		return Concern{}, false
	}
	return c, true
}
