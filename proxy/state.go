package proxy

import (
	"net/http"
	"sync/atomic"

	"lockbox/proxy/config"
	"lockbox/proxy/credential"
	"lockbox/proxy/drift"
	"lockbox/proxy/limit"
	"lockbox/proxy/policy"
	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// state is everything that calls need, from one successful reload to the next. It
// never changes: a call works on one state from beginning to end.
type state struct {
	config   *config.Config
	routes   map[string]*route // by the service's name
	keys     token.Keys
	keyErr   error // why there are no keys
	verifier *token.Verifier
	register *register.Register
	habits   *drift.Tracker
	secrets  map[secret.Ref]secret.Value // what was read, for the next reload
	redactor *redaction                  // of all secrets: for what is no service's
	report   Report
	locked   bool // no secret and no key is here

	local   *folder // nil: none
	users   atomic.Int64
	retired atomic.Bool
}

// route is a service made ready for calls.
type route struct {
	service     *config.Service
	credential  *credential.Applier
	sets        map[string]bool // canonical names of the headers that it sets
	redactor    *redaction
	guards      *guards // nil: answers are not looked at
	transport   http.RoundTripper
	rules       *policy.Checker // nil: none
	plain       *plainRoute     // nil: no calls in the lane
	callers     callers
	gate        *limit.Gate // nil: there are no limits
	drift       config.Drift
	unavailable *problem // why calls are refused; nil: they are not
}

// acquire returns the state in use, which stays open until its release. It is
// nil before the first reload.
func (s *Server) acquire() *state {
	for {
		st := s.state.Load()
		if st == nil {
			return nil
		}
		st.users.Add(1)
		if s.state.Load() == st {
			return st
		}
		st.release() // it was replaced in between, and may be closed
	}
}

func (st *state) release() {
	if st.users.Add(-1) == 0 && st.retired.Load() {
		st.close()
	}
}

// retire closes a state that was replaced, now or when its last call is over.
func (st *state) retire() {
	st.retired.Store(true)
	if st.users.Load() == 0 {
		st.close()
	}
}

func (st *state) close() {
	if st.local != nil {
		st.local.flush()
	}
}
