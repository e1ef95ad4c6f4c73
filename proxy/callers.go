package proxy

import (
	"crypto/sha256"
	"sync"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// maxCallers is how many tokens a service remembers as good.
const maxCallers = 1000

// callers are the tokens of a service that were found good, by their SHA-256:
// checking one again costs more than the rest of a call. They go with the state
// that they were judged by.
type callers struct {
	mu    sync.RWMutex
	known map[[sha256.Size]byte]*caller
}

type caller struct {
	claims   token.Claims
	until    time.Time       // then the token is judged anew
	redactor *audit.Redactor // of the service's secrets and the token
}

// get is nil for a token that has to be judged.
func (c *callers) get(raw string, now time.Time) *caller {
	sum := sha256.Sum256([]byte(raw))
	c.mu.RLock()
	defer c.mu.RUnlock()
	if k := c.known[sum]; k != nil && now.Before(k.until) {
		return k
	}
	return nil
}

func (c *callers) put(raw string, k *caller) {
	sum := sha256.Sum256([]byte(raw))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCallers {
		c.known = map[[sha256.Size]byte]*caller{}
	}
	c.known[sum] = k
}

// judge checks a service token, or remembers that it did.
func (st *state) judge(raw string, rt *route, now time.Time) (token.Claims, error) {
	if k := rt.callers.get(raw, now); k != nil {
		return k.claims, nil
	}
	claims, err := st.verifier.Service(raw, rt.service.Name, rt.service.ValidAudiences, now)
	if err == nil {
		until := claims.Expires
		for _, former := range st.keys.Former { // it may be signed with this one
			if former.Until.After(now) && former.Until.Before(until) {
				until = former.Until
			}
		}
		rt.callers.put(raw, &caller{claims, until, rt.redactor.With(secret.New(raw))})
	}
	return claims, err
}

// redactorFor knows the service's secrets and those that a caller sent.
func (rt *route) redactorFor(sent []secret.Value, now time.Time) *audit.Redactor {
	if len(sent) == 1 {
		if k := rt.callers.get(sent[0].Reveal(), now); k != nil {
			return k.redactor
		}
	}
	return rt.redactor.With(sent...)
}
