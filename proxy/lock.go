package proxy

import (
	"context"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/credential"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// lockWait is how long Lock waits for access tokens that are being fetched: a
// refresh token that comes with one is to be saved before its store is locked.
const lockWait = 3 * time.Second

var errLocked = refuse(http.StatusServiceUnavailable, "locked", "Locked", "Lockbox is locked. Its owner can unlock it from the tray or the window.")

// errDropped is why there are no signing keys.
var errDropped = fmt.Errorf("the signing key is not in memory, for Lockbox is locked: unlock it (%w)", secret.ErrLocked)

// Lock drops every secret, every token and the signing keys from memory, until
// Unlock. Calls that need one are answered with 503; services with neither
// credential nor service token are served on. Calls under way end as they began.
func (s *Server) Lock() {
	s.reload.Lock()
	defer s.reload.Unlock()
	s.locked.Store(true)
	s.desk.Release()
	// Connections have what was written to them, and read, in their buffers.
	s.outward.keep(nil, nil)
	defer debug.FreeOSMemory()
	if old := s.state.Load(); old != nil {
		_, _ = s.use(lockedState(old.config), nil) // a locked state is always taken
	}
	ctx, cancel := context.WithTimeout(context.Background(), lockWait)
	defer cancel()
	s.tokens.Rest(ctx)
}

// Unlock undoes Lock with a Reload. If that fails the server stays locked.
func (s *Server) Unlock(ctx context.Context) (Report, error) {
	s.reload.Lock()
	s.locked.Store(false)
	report, err := s.load(ctx)
	if err != nil {
		s.locked.Store(true)
	}
	s.reload.Unlock()
	return s.loaded(report, err)
}

// Locked reports whether Lock is in force.
func (s *Server) Locked() bool { return s.locked.Load() }

// lockedState is one without secrets: what stands in the config as plain text is
// not kept either.
func lockedState(cfg *config.Config) *state {
	st := newState(cfg.WithoutLiterals())
	st.locked = true
	st.setKeys(token.Keys{}, errDropped, nil)
	return st
}

// lockedRoute refuses calls unless they need no secret.
func lockedRoute(svc *config.Service) *route {
	rt := &route{service: svc, credential: &credential.Applier{}, sets: map[string]bool{}, redactor: newRedaction(false)}
	if svc.Credential != nil || svc.RequiresServiceToken {
		rt.unavailable = errLocked
	}
	return rt
}
