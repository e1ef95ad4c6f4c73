package proxy

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

const (
	trialTimeout = 30 * time.Second // for services that have none
	maxTrialBody = 64 << 10
)

// TestResult is what the upstream answered to a Test.
type TestResult struct {
	Status      int
	Duration    time.Duration // until the answer began
	ContentType string
}

// Test makes one call to the upstream of a service, saved or not, the way that a
// caller's would be made: with its credential, which resolve reads. path is
// below base_url and may have a query. The call is recorded like any other. The
// error of a call that failed is a sentence for the person.
func (s *Server) Test(ctx context.Context, svc *config.Service, resolve func(context.Context, secret.Ref) (secret.Value, error), method, path string) (TestResult, error) {
	if s.locked.Load() {
		return TestResult{}, errLocked
	}
	readings := map[secret.Ref]reading{}
	for _, src := range svc.Credential.Sources() {
		if src.IsRef() {
			readings[src.Ref] = read(ctx, resolve, src.Ref)
		}
	}
	rt, err := newRoute(svc, readings, s.tokens)
	if err != nil {
		return TestResult{}, err
	}
	s.reload.Lock()
	roots := s.outward.roots
	s.toTokens.open(roots)
	s.reload.Unlock()
	up := newUpstream(timeoutsOf(svc, s.Config()), roots)
	defer up.transport.CloseIdleConnections()
	rt.transport = transportOf(rt, up)

	ctx, cancel := context.WithTimeout(ctx, svc.ConnectTimeout+max(svc.ReadTimeout, trialTimeout))
	defer cancel()
	r, err := trialRequest(ctx, svc, method, path)
	if err != nil {
		return TestResult{}, err
	}
	rec := s.newRecord(nil, r, r.URL.EscapedPath(), "test")
	rec.x.Service, rec.redactor = svc.Name, rt.redactor
	defer s.last(rec)
	c := &call{server: s, route: rt, in: r, rest: strings.TrimPrefix(r.URL.EscapedPath(), "/s/"+url.PathEscape(svc.Name)), rec: rec}
	out := r.Clone(ctx)
	c.rewrite(&httputil.ProxyRequest{In: r, Out: out})
	out.RequestURI = ""
	out.Header["User-Agent"] = []string{"Lockbox/" + s.opts.Version}
	began := time.Now()
	res, err := c.roundTrip(ctx, out)
	if err != nil {
		p := upstreamProblem(svc.Name, err)
		if errors.Is(ctx.Err(), context.Canceled) {
			p = refuse(statusCallerGone, "caller_aborted", "Cancelled", "The test was cancelled.")
		}
		_ = rec.finish(p.status, audit.Failed, p.reason()) // its failure was logged
		return TestResult{}, p
	}
	defer func() { _ = res.Body.Close() }() // what matters was read
	result := TestResult{res.StatusCode, time.Since(began), res.Header.Get("Content-Type")}
	rec.response(res.StatusCode, res.Header)
	body, err := readSome(res.Body)
	rec.fromUpstream(body)
	if err != nil {
		_ = rec.finish(res.StatusCode, audit.Failed, "upstream_aborted: The upstream broke off its answer.")
		return result, refuse(http.StatusBadGateway, "upstream_aborted", "Answer broken off", "The upstream broke off its answer.")
	}
	return result, rec.finish(res.StatusCode, audit.Allowed, "")
}

// roundTrip sends a request with the credential.
func (c *call) roundTrip(ctx context.Context, out *http.Request) (*http.Response, error) {
	ready, err := c.route.ready(ctx)
	if err != nil {
		return nil, err
	}
	c.rec.with(ready)
	res, err := c.route.carry(ready, c.hop).RoundTrip(out)
	if err == nil && res.StatusCode == http.StatusUnauthorized {
		ready.Refused()
	}
	return res, err
}

// trialRequest is what a caller would send, once the server has parsed it.
func trialRequest(ctx context.Context, svc *config.Service, method, path string) (*http.Request, error) {
	target := "/s/" + url.PathEscape(svc.Name)
	if path != "" { // without one it is base_url as it stands
		target += "/" + strings.TrimPrefix(path, "/")
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://lockbox"+target, nil)
	if err != nil {
		return nil, errPath
	}
	r.RequestURI = target
	raw, _, _ := strings.Cut(target, "?")
	if p := checkForm(r, raw); p != nil {
		return nil, p
	}
	_, _, rest := splitService(raw)
	if strings.HasPrefix(rest, "//") {
		return nil, errPath
	}
	r.Host = ""
	return r, nil
}

// readSome reads the beginning of a body, for as long as a person would wait for
// one that does not end.
func readSome(body io.ReadCloser) ([]byte, error) {
	var cut sync.Once
	stopped := false
	timer := time.AfterFunc(2*time.Second, func() { cut.Do(func() { stopped = true; _ = body.Close() }) })
	defer timer.Stop()
	text, err := io.ReadAll(io.LimitReader(body, maxTrialBody))
	cut.Do(func() {}) // stopped is settled now
	if stopped {
		err = nil
	}
	return text, err
}
