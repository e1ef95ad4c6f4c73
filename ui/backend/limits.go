package backend

import (
	"fmt"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/limit"
)

// LimitUse is how far a limit of a service, or of one of its tokens, is used.
type LimitUse = limit.Use

func limitsPath(o Options) string { return filepath.Join(o.StateDir, "limits.jsonl") }

// Limits says how far the limits of all services are used at this moment. It does no
// IO but where a quota is new.
func (b *Backend) Limits() []LimitUse { return b.server.Limits() }

// ReadLimits says for a command how far the quotas are used, of one service or with
// "" of all. Of the other limits it has but what they are, and Used is -1: how far
// these are used, a Lockbox that runs keeps to itself.
func ReadLimits(o Options, service string) ([]LimitUse, error) {
	cfg, err := config.Load(o.ConfigPath)
	if err != nil {
		return nil, err
	}
	if service != "" && cfg.Services[service] == nil {
		return nil, fmt.Errorf("there is no service %q in %s", service, o.ConfigPath)
	}
	counted, err := limit.Read(limitsPath(o))
	if err != nil {
		return nil, err
	}
	audiences := map[string][]string{} // of tokens, by their id
	if list, err := OpenTokens(o); err == nil {
		for _, t := range list.List() {
			audiences[t.ID] = t.Audience
		}
	}
	now := time.Now()
	uses := []LimitUse{}
	for _, name := range slices.Sorted(maps.Keys(cfg.Services)) {
		svc := cfg.Services[name]
		if service != "" && name != service {
			continue
		}
		uses = append(append(uses, unknown(name, "", svc.Limits)...), counted.Uses(name, "", svc.Limits, now)...)
		for _, id := range counted.Tokens(name) {
			audience := audiences[id]
			if names, original := strings.CutPrefix(id, limit.OriginalPrefix); original {
				audience = strings.Split(names, ",")
			}
			l := svc.LimitsOf(id, audience)
			uses = append(append(uses, unknown(name, id, l)...), counted.Uses(name, id, l, now)...)
		}
	}
	return uses, nil
}

// unknown are the limits whose use is not known.
func unknown(service, token string, l config.Limits) []LimitUse {
	var uses []LimitUse
	if r := l.Rate; r.Requests > 0 {
		uses = append(uses, LimitUse{Service: service, Token: token, Limit: limit.Rate.String(), Most: r.Burst, Used: -1, Left: -1, Per: r.Per})
	}
	if l.Concurrency > 0 {
		uses = append(uses, LimitUse{Service: service, Token: token, Limit: limit.Concurrency.String(), Most: l.Concurrency, Used: -1, Left: -1})
	}
	return uses
}
