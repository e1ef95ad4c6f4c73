package backend

import (
	"context"
	"strings"
	"sync"
	"time"

	"lockbox/proxy/config"
)

const (
	overviewMinutes = 60
	overviewMost    = 5 // services and tokens that it names
)

// Overview is what a glance should tell of the calls and of what needs a person.
type Overview struct {
	At      time.Time
	Minutes []Minute // of the last hour, the one that goes on last

	// Since midnight.
	Calls, Errors, Refused int64
	Median                 time.Duration // of calls that were not refused; 0: there was none

	// The last day's, the most used first.
	Services, Tokens []Used
	ServicesUsed     int       // how many were
	TokensUsed       int       // likewise
	Since            time.Time // of both: a day ago, or later where there were too many calls
	Partial          bool      // the day is not read to its beginning yet
	Uncounted        int64     // calls that are still to be counted

	Concerns []Concern // what needs a person, the worst first
}

// Minute is a part of the last hour.
type Minute struct {
	Start                  time.Time
	Calls, Errors, Refused int64
}

// Used is a service or a token that was used.
type Used struct {
	Name                   string // of a token, its ID
	Token                  TokenInfo
	Calls, Errors, Refused int64
	Last                   time.Time
}

// overviews is what the Overview needs from one time to the next.
type overviews struct {
	mu       sync.Mutex
	activity *activity
	tokens   tokenConcerns
}

// Overview looks at the calls of the last day and at what needs a person. The first
// time it reads the calls of the day, as many as take a moment: it is Partial until
// it was called often enough to have them all.
func (b *Backend) Overview(ctx context.Context) (Overview, error) {
	b.glance.mu.Lock()
	defer b.glance.mu.Unlock()
	if b.glance.activity == nil {
		b.glance.activity = newActivity()
	}
	now := time.Now()
	if err := b.glance.activity.update(ctx, b.audit, now); err != nil {
		return Overview{}, err
	}
	v := b.View()
	lately := b.glance.activity.tally(now)
	o := lately.overview(v)
	for i, u := range o.Tokens {
		o.Tokens[i].Token, _ = b.TokenByID(u.Name)
	}
	b.glance.tokens.update(b, v.Tokens, now)
	o.Concerns = concerns(v, b.glance.tokens, lately, b.Limits(), b.TokenByID)
	return o, nil
}

// starterServices are those of the starter config.
var starterServices = sync.OnceValue(func() map[string]string {
	bases := map[string]string{}
	if cfg, err := config.Parse("starter.json", starter); err == nil { // a test loads it
		for name, svc := range cfg.Services {
			bases[name] = svc.BaseURL.String()
		}
	}
	return bases
})

// HasOwn reports whether there is a service that the person added: neither one of
// the starter config's nor an echo.
func (v View) HasOwn() bool {
	for _, s := range v.Services {
		inStarter := s.Credential == string(NoCredential) && starterServices()[s.Name] == s.BaseURL
		if !inStarter && !strings.HasPrefix(s.BaseURL, "lockbox:") {
			return true
		}
	}
	return false
}
