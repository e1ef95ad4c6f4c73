package proxy

import (
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/oauthtest"
	"lockbox/proxy/secret"
)

// A provider is an OAuth server and the API behind it, both on the loopback.
type provider struct {
	*oauthtest.Server
	login, api *httptest.Server
	front      atomic.Pointer[http.HandlerFunc] // before the token endpoint; nil: nothing
	before     func(r *http.Request)            // before the API answers
}

func newProvider(t *testing.T, o oauthtest.Options) *provider {
	t.Helper()
	o.ID, o.Secret = "client", "client-secret-c27d"
	p := &provider{Server: oauthtest.New(o), before: func(*http.Request) {}}
	p.login = upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if f := p.front.Load(); f != nil {
			(*f)(w, r)
			return
		}
		p.ServeHTTP(w, r)
	})
	p.api = upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		p.before(r)
		auth := r.Header.Get("Authorization")
		if len(r.Header["Authorization"]) != 1 || !p.Valid(strings.TrimPrefix(auth, "Bearer ")) {
			w.WriteHeader(http.StatusUnauthorized)
			return
		}
		if r.URL.Path == "/again" {
			http.Redirect(w, r, "/end", http.StatusFound)
			return
		}
		w.Header().Set("Server", auth)
		printf(w, "token %s at %s", auth, r.URL.Path)
	})
	return p
}

// fronts puts a handler before the token endpoint.
func (p *provider) fronts(f http.HandlerFunc) {
	if f == nil {
		p.front.Store(nil)
		return
	}
	p.front.Store(&f)
}

func (p *provider) asClient(more ...string) string {
	return open(p.api.URL, fmt.Sprintf(`"credential": {"type": "oauth2_client_credentials", "token_url": %q, "client_id": "client", "client_secret": "client-secret-c27d"%s}`,
		p.login.URL+"/token", strings.Join(append([]string{""}, more...), ", ")))
}

const refreshField = "keychain://mail/refresh_token"

// asPerson has the refresh token in a lab's vault.
func (p *provider) asPerson(t *testing.T, l *lab) {
	t.Helper()
	token, err := p.Allow()
	if err != nil {
		t.Fatal(err)
	}
	l.secrets[refreshField] = secret.New(token)
	l.text = services("mail", open(p.api.URL, fmt.Sprintf(`"credential": {"type": "oauth2_refresh_token", "token_url": %q, "client_id": "client", "client_secret": "client-secret-c27d", "refresh_token": %q}`,
		p.login.URL+"/token", refreshField)))
}

// TestOAuthCalls: the token is fetched at the first call, shared by all, outlives
// a reload, and is fetched anew after a 401, which goes to the caller.
func TestOAuthCalls(t *testing.T) {
	p := newProvider(t, oauthtest.Options{Lifetime: time.Hour})
	l := newLab(t, services("crm", p.asClient(), "shut", strings.Replace(p.asClient(`"audience": "x"`), `"requires_service_token": false`, `"valid_audiences": ["x"]`, 1)))
	if p.Issued() != 0 {
		t.Error("a token was fetched before a call needed it")
	}
	var wg sync.WaitGroup
	for range 64 {
		wg.Go(func() {
			if r := get(t, l.url+"/s/crm/x", "Authorization", "Bearer of-the-caller"); r.status != 200 {
				t.Errorf("%d %s", r.status, r.body)
			}
		})
	}
	wg.Wait()
	if p.Issued() != 1 {
		t.Errorf("%d tokens for 64 calls at once", p.Issued())
	}
	l.reloaded(t, func() {})
	if r := get(t, l.url+"/s/crm/x"); r.status != 200 || p.Issued() != 1 {
		t.Errorf("after a reload: %d, and %d tokens", r.status, p.Issued())
	}
	p.Revoke()
	if r := get(t, l.url+"/s/crm/x"); r.status != 401 || r.header.Get("X-Lockbox-Error") != "" || p.Issued() != 1 {
		t.Errorf("a revoked token: %d, %d tokens; want the API's own 401", r.status, p.Issued())
	}
	if r := get(t, l.url+"/s/crm/x"); r.status != 200 || p.Issued() != 2 {
		t.Errorf("the call after it: %d, %d tokens", r.status, p.Issued())
	}
	if r := get(t, l.url+"/s/shut/x", "Authorization", "Bearer "+l.token(t, "shut")); r.status != 200 || p.Issued() != 3 {
		t.Errorf("a service with another audience: %d, %d tokens", r.status, p.Issued())
	}
	if r := get(t, l.url+"/s/shut/x"); r.status != 401 || p.Issued() != 3 {
		t.Errorf("a call without a service token: %d", r.status)
	}
	l.reloaded(t, func() { l.text = services("crm", p.asClient(`"scopes": ["more"]`, `"extra_params": {"a": "b"}`)) })
	if r := get(t, l.url+"/s/crm/x"); r.status != 200 || p.Issued() != 4 {
		t.Errorf("with another scope: %d, %d tokens", r.status, p.Issued())
	}
}

// TestOAuthRedirect: what follows a redirect has the token too.
func TestOAuthRedirect(t *testing.T) {
	p := newProvider(t, oauthtest.Options{})
	l := newLab(t, services("crm", p.asClient()+`, "allow_redirects": true`))
	if r := get(t, l.url+"/s/crm/again"); r.status != 200 || !strings.Contains(r.body, "at /end") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestOAuthSecretsAreNotRecorded: neither is the token, though it came to be
// after the reload, nor the client's secret, nor any refresh token.
func TestOAuthSecretsAreNotRecorded(t *testing.T) {
	p := newProvider(t, oauthtest.Options{Rotate: true})
	l := newLab(t, services(), func(l *lab) {
		p.asPerson(t, l)
		l.text = strings.Replace(l.text, `"credential"`, unguarded+`, "credential"`, 1)
	})
	hidden := []string{"client-secret-c27d"}
	for range 3 {
		hidden = append(hidden, l.secrets[refreshField].Reveal())
		r := get(t, l.url+"/s/mail/x")
		_, token, _ := strings.Cut(r.body, "Bearer ")
		token, _, _ = strings.Cut(token, " ")
		if r.status != 200 || token == "" {
			t.Fatalf("%d %s", r.status, r.body)
		}
		hidden = append(hidden, token)
		// A caller that repeats what it was shown, to another place.
		get(t, l.url+"/s/nosuch/"+token)
		do(t, request(t, "POST", l.url+"/s/mail/x", strings.NewReader("I have "+token), "Content-Type", "text/plain"))
		p.Revoke()
		if r := get(t, l.url+"/s/mail/"+token); r.status != 401 {
			t.Errorf("%d", r.status)
		}
	}
	p.fronts(func(w http.ResponseWriter, _ *http.Request) {
		http.Error(w, "no token for "+strings.Join(hidden, " "), http.StatusForbidden)
	})
	if r := get(t, l.url+"/s/mail/x"); r.status != 502 {
		t.Errorf("%d", r.status)
	}
	all := l.recorded(t)
	for _, s := range append(hidden, l.secrets[refreshField].Reveal()) {
		if i := strings.Index(all, s); i >= 0 {
			t.Errorf("a secret is on record or in the log: …%s…", all[max(0, i-200):i])
		}
	}
	if !strings.Contains(all, "I have [redacted]") {
		t.Error("nothing was redacted")
	}
}

// TestOAuthUnavailable: the caller gets a 502 that says what to change.
func TestOAuthUnavailable(t *testing.T) {
	p := newProvider(t, oauthtest.Options{})
	l := newLab(t, services("crm", p.asClient(), "wrong", strings.Replace(p.asClient(), "client-secret-c27d", "another-secret", 1)))
	r := get(t, l.url+"/s/wrong/x")
	if r.status != 502 || r.code(t) != "credential_unavailable" || !strings.Contains(r.body, "check client_id, client_secret and auth_style") || strings.Contains(r.body, "another-secret") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if x := l.exchanges(t)[0]; x.Status != 502 || x.Decision != audit.Failed || !strings.HasPrefix(x.Reason, "credential_unavailable: The access token of service \"wrong\" was refused") {
		t.Errorf("record %+v", x)
	}
	p.login.Close()
	if r := get(t, l.url+"/s/crm/x"); r.status != 502 || r.code(t) != "credential_unavailable" || !strings.Contains(r.body, "refuses connections; check token_url") {
		t.Errorf("%d %s", r.status, r.body)
	}
}

// TestOAuthCallerLeaves: a caller that will not wait for a token is on record as
// gone, and the token is there for the next one.
func TestOAuthCallerLeaves(t *testing.T) {
	p := newProvider(t, oauthtest.Options{})
	asked, answer := make(chan bool, 1), make(chan bool)
	p.fronts(func(w http.ResponseWriter, r *http.Request) {
		asked <- true
		<-answer
		p.ServeHTTP(w, r)
	})
	l := newLab(t, services("crm", p.asClient()))
	ctx, cancel := context.WithCancel(t.Context())
	left := make(chan error, 1)
	go func() {
		_, err := client.Do(request(t, "GET", l.url+"/s/crm/x", nil).WithContext(ctx))
		left <- err
	}()
	<-asked
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("%v", err)
	}
	l.eventually(t, "a caller that left", func(x audit.Exchange) bool { return x.Status == statusCallerGone })
	close(answer)
	if r := get(t, l.url+"/s/crm/x"); r.status != 200 || p.Issued() != 1 {
		t.Errorf("%d, %d tokens", r.status, p.Issued())
	}
}

// TestOAuthRotation: a new refresh token is in the vault before the API hears of
// the access token; a vault that cannot take it holds the call back.
func TestOAuthRotation(t *testing.T) {
	p := newProvider(t, oauthtest.Options{Rotate: true})
	l := newLab(t, services(), func(l *lab) { p.asPerson(t, l) })
	vault := func() string { l.mu.Lock(); defer l.mu.Unlock(); return l.secrets[refreshField].Reveal() }
	used := vault()
	p.before = func(*http.Request) {
		if vault() == used {
			t.Error("the API is called before the refresh token is saved")
		}
	}
	for range 3 {
		if r := get(t, l.url+"/s/mail/x"); r.status != 200 {
			t.Fatalf("%d %s", r.status, r.body)
		}
		p.Revoke()
		get(t, l.url+"/s/mail/x") // 401
		used = vault()
	}
	l.set(func() { l.errs["store "+refreshField] = secret.ErrLocked })
	if r := get(t, l.url+"/s/mail/x"); r.status != 502 || r.code(t) != "credential_unavailable" || !strings.Contains(r.body, "unlock it") {
		t.Errorf("%d %s", r.status, r.body)
	}
	issued := p.Issued()
	l.set(func() { l.errs = map[string]error{} })
	time.Sleep(2100 * time.Millisecond) // the pause after a failure
	if r := get(t, l.url+"/s/mail/x"); r.status != 200 || p.Issued() != issued {
		t.Errorf("%d, %d tokens, want %d", r.status, p.Issued(), issued)
	}
	// A new process goes on with what is in the vault.
	next := newLab(t, services(), func(n *lab) { n.text, n.secrets = l.text, l.secrets })
	used = ""
	if r := get(t, next.url+"/s/mail/x"); r.status != 200 {
		t.Errorf("after a restart: %d %s", r.status, r.body)
	}
}

// TestOAuthTest: the window's test uses the token that the calls use.
func TestOAuthTest(t *testing.T) {
	p := newProvider(t, oauthtest.Options{Rotate: true})
	l := newLab(t, services(), func(l *lab) { p.asPerson(t, l) })
	if r := get(t, l.url+"/s/mail/x"); r.status != 200 {
		t.Fatalf("%d %s", r.status, r.body)
	}
	svc := *l.Config().Services["mail"]
	resolve := func(ctx context.Context, ref secret.Ref) (secret.Value, error) { return l.opts.Secret(ctx, ref) }
	if res, err := l.Test(t.Context(), &svc, resolve, Trial{Method: "GET", Path: "/x"}); err != nil || res.Status != 200 || p.Issued() != 1 {
		t.Errorf("%+v, %v; %d tokens, want 1", res, err, p.Issued())
	}
	p.Revoke()
	if res, err := l.Test(t.Context(), &svc, resolve, Trial{Method: "GET", Path: "/x"}); err != nil || res.Status != 401 {
		t.Errorf("%+v, %v", res, err)
	}
	if res, err := l.Test(t.Context(), &svc, resolve, Trial{Method: "GET", Path: "/x"}); err != nil || res.Status != 200 || p.Issued() != 2 {
		t.Errorf("%+v, %v; %d tokens, want 2", res, err, p.Issued())
	}
	wrong := &config.Credential{Type: config.ClientCredentials, OAuth: config.OAuth{TokenURL: p.login.URL, ClientID: secret.Source{Literal: secret.New("no one")}, ClientSecret: secret.Source{Literal: secret.New("wrong")}}}
	svc.Credential = wrong
	if _, err := l.Test(t.Context(), &svc, resolve, Trial{Method: "GET", Path: "/x"}); err == nil || !strings.Contains(err.Error(), "check client_id") {
		t.Errorf("%v", err)
	}
}

// TestOAuthWebSocket: a WebSocket begins with a token too.
func TestOAuthWebSocket(t *testing.T) {
	p := newProvider(t, oauthtest.Options{})
	up := upstreamOf(t, socketEcho)
	l := newLab(t, services("chat", strings.Replace(p.asClient(), p.api.URL, up.URL, 1)))
	c, _ := dial(t, l.url+"/s/chat/socket", nil)
	defer c.Close()
	_, msg, err := c.ReadMessage()
	if err != nil {
		t.Fatal(err)
	}
	if auth, err := hex.DecodeString(string(msg)); err != nil || !p.Valid(strings.TrimPrefix(string(auth), "Bearer ")) {
		t.Errorf("the upstream saw %d bytes, %v", len(auth), err)
	}
}
