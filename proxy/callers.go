package proxy

import (
	"crypto/sha256"
	"net/http"
	"strings"
	"sync"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/drift"
	"lockbox/proxy/register"
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
	raw      secret.Value // the token
	claims   token.Claims
	until    time.Time       // then the token is judged anew
	redactor *audit.Redactor // of the service's secrets and the token
	entry    *register.Entry // in the list of tokens; nil: in none
	habit    *drift.Habit    // nil: nothing is learnt of it
	revision uint64          // of the list, by which it is not revoked
}

// get is nil for a token that has to be judged.
func (c *callers) get(raw string, now time.Time) *caller {
	sum := sumOf(raw)
	c.mu.RLock()
	defer c.mu.RUnlock()
	if k := c.known[sum]; k != nil && now.Before(k.until) {
		return k
	}
	return nil
}

// sumOf copies a token of the usual length to the stack: on the heap it would be
// rubbish for each call, which is collected the slower the more tokens are listed.
func sumOf(raw string) [sha256.Size]byte {
	var room [1 << 10]byte
	if len(raw) > len(room) {
		return sha256.Sum256([]byte(raw))
	}
	return sha256.Sum256(room[:copy(room[:], raw)])
}

func (c *callers) put(raw string, k *caller) {
	sum := sumOf(raw)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil || len(c.known) >= maxCallers {
		c.known = map[[sha256.Size]byte]*caller{}
	}
	c.known[sum] = k
}

// judge checks a service token, or remembers that it did. The caller is nil if
// the token is not good.
func (st *state) judge(raw string, rt *route, now time.Time) (*caller, token.Claims, error) {
	revision := st.register.Generation() // before the list is asked
	if k := rt.callers.get(raw, now); k != nil && k.revision == revision {
		return k, k.claims, nil
	}
	claims, err := st.verifier.Service(raw, rt.service.Name, rt.service.ValidAudiences, now)
	if err != nil {
		return nil, claims, err
	}
	entry, err := st.register.Judge(claims, now)
	if err != nil {
		return nil, claims, err
	}
	until := claims.Expires
	for _, former := range st.keys.Former { // it may be signed with this one
		if former.Until.After(now) && former.Until.Before(until) {
			until = former.Until
		}
	}
	v := secret.New(raw)
	k := &caller{v, claims, until, rt.redactor.now().With(v), entry, st.habitOf(entry), revision}
	rt.callers.put(raw, k)
	return k, claims, nil
}

// bearerAlone reports whether a header holds this token and no other secret of
// the caller's that callerSecrets would find.
func bearerAlone(h http.Header, raw secret.Value) bool {
	values := h["Authorization"]
	if len(values) != 1 || h[tokenHeader] != nil {
		return false
	}
	scheme, rest, _ := strings.Cut(values[0], " ")
	return strings.EqualFold(scheme, "Bearer") && rest == raw.Reveal()
}
