package proxy

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/credential"
	"lockbox/proxy/policy"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// maxReads is how many secrets are read at a time.
const maxReads = 8

// Report says what a successful reload found.
type Report struct {
	Services    int
	Warnings    []string          // about the config, the keys, and secrets that were carried over
	Unavailable map[string]string // service → why its credential cannot be used
	KeyProblem  string            // why tokens cannot be checked, "" when they can
}

// reading is the result of reading one secret.
type reading struct {
	value   secret.Value
	err     error
	carried error // why it could not be read anew, when value is the one of before
}

// Reload reads the configuration, its secrets and the signing keys and puts
// them in use, all at once: a call uses either the old or the new ones
// throughout. On an error everything stays as it was. A secret that cannot be
// read is no error: it stays as it was if only its store is out of reach, or
// else its service is unavailable. While the server is locked no secret and no
// key is read. Reloads at the same time wait for each other.
func (s *Server) Reload(ctx context.Context) (Report, error) {
	s.reload.Lock()
	report, err := s.load(ctx)
	s.reload.Unlock()
	return s.loaded(report, err)
}

func (s *Server) loaded(report Report, err error) (Report, error) {
	if err == nil && s.opts.OnReload != nil {
		s.opts.OnReload()
	}
	return report, err
}

// load is Reload. s.reload must be held.
func (s *Server) load(ctx context.Context) (Report, error) {
	cfg, err := s.opts.Load(ctx)
	if err != nil {
		return Report{}, err
	}
	s.toTokens.open(s.outward.roots)
	old := s.state.Load()
	if s.locked.Load() {
		return s.use(lockedState(cfg), nil)
	}
	readings := s.readSecrets(ctx, cfg, old)
	keys, keyErr := s.opts.Keys(ctx)
	if err := ctx.Err(); err != nil {
		// Everything read since would look locked.
		return Report{}, fmt.Errorf("the reload was broken off: %w", err)
	}
	st := newState(cfg)
	st.register, st.habits = s.opts.Register, s.opts.Habits
	st.setKeys(keys, keyErr, old)
	return s.use(st, readings)
}

func newState(cfg *config.Config) *state {
	st := &state{config: cfg, routes: map[string]*route{}, secrets: map[secret.Ref]secret.Value{}}
	st.report = Report{Services: len(cfg.Services), Unavailable: map[string]string{}}
	for _, w := range cfg.Warnings {
		st.report.Warnings = append(st.report.Warnings, w.Error())
	}
	return st
}

// use makes the services of a new state ready and puts it in use; a locked one
// whatever happens. s.reload must be held.
func (s *Server) use(st *state, readings map[secret.Ref]reading) (Report, error) {
	cfg, old := st.config, s.state.Load()
	used, usedLanes := map[timeouts]bool{}, map[laneKey]bool{}
	var all []*credential.Applier
	for _, name := range slices.Sorted(maps.Keys(cfg.Services)) {
		svc := cfg.Services[name]
		rt := s.addRoute(st, svc, readings)
		t := timeoutsOf(svc, cfg)
		rt.transport = transportOf(rt, s.outward.get(t))
		used[t] = true
		if s.lanes && !t.proxyEnv {
			rt.plain = newPlainRoute(rt, func(k laneKey) *lanePool { usedLanes[k] = true; return s.outward.lane(k) })
		}
		all = append(all, rt.credential)
	}
	st.redactor = newRedaction(false, all...)
	switch err := s.openLocal(st); {
	case err != nil && st.locked: // nothing keeps secrets in memory
		s.log.Error("the original's audit files are not written", "why", err)
	case err != nil:
		return Report{}, err
	}
	for name, gate := range s.limits.Use(cfg.Services) {
		st.routes[name].gate = gate
	}
	if s.opts.Audit != nil {
		s.opts.Audit.SetRetention(audit.Retention{Age: cfg.Record.KeepAge, Bytes: cfg.Record.KeepBytes})
	}
	if !cfg.Record.Required {
		s.scribe.mute.Store(false)
	}
	s.state.Store(st)
	if old != nil {
		old.retire()
	}
	s.outward.keep(used, usedLanes)
	if st.locked {
		s.tokens.Drop()
		s.duplicates.Drop()
	} else {
		s.tokens.Keep(all)
	}
	s.log.Info("the config is in use", "version", s.opts.Version, "services", len(cfg.Services), "unavailable", len(st.report.Unavailable))
	return st.report, nil
}

// openLocal opens the folder of the original's audit files, if it is asked for.
func (s *Server) openLocal(st *state) error {
	if st.config.AuditLog == nil {
		return nil
	}
	dir, err := openFolder(st.config.AuditLog.RootDir, s.log)
	if err != nil {
		return fmt.Errorf("audit_log: root_dir: %w", err)
	}
	st.local = dir
	return nil
}

// readSecrets reads every secret that the config refers to, once each.
func (s *Server) readSecrets(ctx context.Context, cfg *config.Config, old *state) map[secret.Ref]reading {
	readings := map[secret.Ref]reading{}
	for _, svc := range cfg.Services {
		for _, src := range svc.Credential.Sources() {
			if src.IsRef() {
				readings[src.Ref] = reading{}
			}
		}
	}
	var (
		mu    sync.Mutex
		wg    sync.WaitGroup
		slots = make(chan struct{}, maxReads)
	)
	for ref := range maps.Clone(readings) {
		wg.Go(func() {
			slots <- struct{}{}
			defer func() { <-slots }()
			r := read(ctx, s.opts.Secret, ref)
			switch before, ok := old.secret(ref); {
			case ok && outOfReach(r.err):
				r = reading{value: before, carried: r.err}
			case ok && r.err == nil && !r.value.Equal(before):
				s.log.Info("a secret has changed since it was read", "ref", ref.String())
			}
			mu.Lock()
			defer mu.Unlock()
			readings[ref] = r
		})
	}
	wg.Wait()
	return readings
}

func read(ctx context.Context, from func(context.Context, secret.Ref) (secret.Value, error), ref secret.Ref) reading {
	value, err := from(ctx, ref)
	if err == nil && value.IsZero() {
		err = fmt.Errorf("%w: %s is empty", secret.ErrNotFound, ref)
	}
	return reading{value: value, err: err}
}

// outOfReach reports whether an error is the store's, and says nothing about the
// secret.
func outOfReach(err error) bool {
	return errors.Is(err, secret.ErrLocked) || errors.Is(err, secret.ErrUnavailable) || errors.Is(err, context.DeadlineExceeded)
}

func (st *state) secret(ref secret.Ref) (secret.Value, bool) {
	if st == nil {
		return secret.Value{}, false
	}
	v, ok := st.secrets[ref]
	return v, ok
}

// setKeys takes the signing keys, or those of before when the store is out of
// reach.
func (st *state) setKeys(keys token.Keys, err error, old *state) {
	if err == nil && strings.TrimSpace(keys.Current.Reveal()) == "" {
		err = token.ErrNoKey
	}
	if outOfReach(err) && old != nil && old.keyErr == nil {
		st.report.Warnings = append(st.report.Warnings, fmt.Sprintf("the signing key stays as it was: %v", err))
		keys, err = old.keys, nil
	}
	st.keyErr = err
	if err != nil {
		st.report.KeyProblem = err.Error()
		keys = token.Keys{}
	} else if n := keys.Current.Len(); n < token.WeakKeyLength {
		st.report.Warnings = append(st.report.Warnings, fmt.Sprintf("the signing key is short (%d bytes): tokens could be forged by guessing it; %d random bytes are safe", n, token.WeakKeyLength))
	}
	st.keys, st.verifier = keys, token.NewVerifier(keys)
}

// addRoute makes a service ready, but for its transport.
func (s *Server) addRoute(st *state, svc *config.Service, readings map[secret.Ref]reading) *route {
	for field, src := range svc.Credential.Sources() {
		r := readings[src.Ref]
		if r.err == nil && src.IsRef() {
			st.secrets[src.Ref] = r.value
		}
		if r.carried != nil {
			st.report.Warnings = append(st.report.Warnings, fmt.Sprintf("service %q: %s stays as it was: %v", svc.Name, field, r.carried))
		}
	}
	var rt *route
	var err error
	if st.locked {
		rt = lockedRoute(svc)
		if svc.Credential != nil {
			st.report.Unavailable[svc.Name] = "Lockbox is locked"
		}
	} else if rt, err = newRoute(svc, readings, s.tokens); err != nil {
		st.report.Unavailable[svc.Name] = err.Error()
	}
	if rt.rules, err = policy.Compile(svc.Rules); err != nil { // the config was checked
		rt.unavailable = refuse(http.StatusServiceUnavailable, "rules_invalid", "Rules invalid", fmt.Sprintf("The rules of service %q cannot be used. Its owner can mend them in the config file: lockbox check says what is wrong.", svc.Name))
		st.report.Unavailable[svc.Name] = err.Error()
	}
	rt.drift = st.config.DriftOf(svc)
	if w := rt.guards.warning(svc.Name); w != "" {
		st.report.Warnings = append(st.report.Warnings, w)
	}
	st.routes[svc.Name] = rt
	return rt
}

// newRoute makes a service ready, but for its transport. The route is there even
// with an error: it refuses every call then.
func newRoute(svc *config.Service, readings map[secret.Ref]reading, tokens *credential.Tokens) (*route, error) {
	rt := &route{service: svc, credential: &credential.Applier{}, sets: map[string]bool{}}
	fail := func(code, detail string, err error) (*route, error) {
		rt.unavailable = refuse(http.StatusServiceUnavailable, code, "Credential unavailable", fmt.Sprintf("The credential of service %q %s", svc.Name, detail))
		rt.redactor = newRedaction(false)
		return rt, err
	}
	values := map[string]secret.Value{}
	for field, src := range svc.Credential.Sources() {
		values[field] = src.Literal
		if !src.IsRef() {
			continue
		}
		r := readings[src.Ref]
		switch {
		case errors.Is(r.err, secret.ErrNotFound):
			return fail("credential_missing", "is not where its reference points. Its owner can enter it anew in the window.", fmt.Errorf("%s: %w", field, r.err))
		case r.err != nil:
			return fail("locked", "cannot be read at the moment. Its owner can unlock the vault that has it and reload.", fmt.Errorf("%s: %w", field, r.err))
		}
		values[field] = r.value
	}
	applier, err := credential.New(svc.Credential, func(field string) secret.Value { return values[field] }, tokens)
	if errors.Is(err, credential.ErrEmpty) {
		return fail("credential_missing", "is empty. Its owner can enter it anew in the window.", err)
	} else if err != nil {
		return fail("credential_invalid", "has a line break or another character that no key has. Its owner can enter it anew in the window.", err)
	}
	rt.credential = applier
	for _, name := range applier.HeaderNames() {
		rt.sets[name] = true
	}
	rt.guards = newGuards(svc, applier)
	rt.redactor = newRedaction(rt.guards == nil, applier)
	return rt, nil
}

// transportOf is how a route's requests get to its upstream.
func transportOf(rt *route, up *upstream) http.RoundTripper {
	if rt.service.BaseURL.Scheme == demoScheme {
		return &demo{hidden: rt.credential.HeaderNames()}
	}
	return up
}
