// Package oauthtest is an OAuth 2 server on the library of
// github.com/go-oauth2/oauth2, for tests. It links into no program.
package oauthtest

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/go-oauth2/oauth2/v4"
	"github.com/go-oauth2/oauth2/v4/errors"
	"github.com/go-oauth2/oauth2/v4/manage"
	"github.com/go-oauth2/oauth2/v4/models"
	"github.com/go-oauth2/oauth2/v4/server"
)

// Options say how a Server behaves.
type Options struct {
	ID, Secret string        // of its one client; no secret: a public client
	InParams   bool          // the client shows itself in the form, not by Basic authentication
	Lifetime   time.Duration // of access tokens; 0: without end
	Rotate     bool          // a refresh token is good for one refresh, which brings the next one
}

// Server is a token endpoint, at every path.
type Server struct {
	o       Options
	manager *manage.Manager
	server  *server.Server

	mu     sync.Mutex
	tokens map[string]models.Token // by access token and by refresh token
	issued int
	forms  []map[string][]string
}

// New makes a server.
func New(o Options) *Server {
	s := &Server{o: o, manager: manage.NewDefaultManager(), tokens: map[string]models.Token{}}
	s.manager.MapClientStorage(clients{s})
	s.manager.MapTokenStorage(tokens{s})
	s.manager.SetClientTokenCfg(&manage.Config{AccessTokenExp: o.Lifetime})
	s.manager.SetPasswordTokenCfg(&manage.Config{AccessTokenExp: o.Lifetime, IsGenerateRefresh: true})
	s.manager.SetRefreshTokenCfg(&manage.RefreshingConfig{AccessTokenExp: o.Lifetime, IsGenerateRefresh: o.Rotate, IsRemoveAccess: true, IsRemoveRefreshing: o.Rotate})
	s.server = server.NewDefaultServer(s.manager)
	s.server.SetClientInfoHandler(s.client)
	return s
}

// client authenticates the client, which the library does not do at a refresh.
func (s *Server) client(r *http.Request) (id, secret string, err error) {
	id, secret, basic := r.BasicAuth()
	if basic == s.o.InParams {
		return "", "", errors.ErrInvalidClient
	}
	if s.o.InParams {
		id, secret = r.PostFormValue("client_id"), r.PostFormValue("client_secret")
	}
	if id != s.o.ID || secret != s.o.Secret {
		return "", "", errors.ErrInvalidClient
	}
	return id, secret, nil
}

// ServeHTTP implements http.Handler.
func (s *Server) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if err := r.ParseForm(); err == nil {
		s.mu.Lock()
		s.forms = append(s.forms, r.PostForm)
		s.mu.Unlock()
	}
	_ = s.server.HandleTokenRequest(w, r) // what goes wrong is in the answer
}

// Allow is a person's consent: a first refresh token.
func (s *Server) Allow() (string, error) {
	info, err := s.manager.GenerateAccessToken(context.Background(), oauth2.PasswordCredentials, &oauth2.TokenGenerateRequest{ClientID: s.o.ID, ClientSecret: s.o.Secret, UserID: "ann"})
	if err != nil {
		return "", err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.issued = 0
	return info.GetRefresh(), nil
}

// Valid reports whether an access token is good now.
func (s *Server) Valid(access string) bool {
	_, err := s.manager.LoadAccessToken(context.Background(), access)
	return err == nil
}

// Revoke makes all tokens worthless, but for refresh tokens.
func (s *Server) Revoke() {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key, t := range s.tokens {
		if key == t.Access {
			delete(s.tokens, key)
		}
	}
}

// Issued is how many access tokens were given since the last Allow.
func (s *Server) Issued() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.issued
}

// Forms are what was asked, the oldest first.
func (s *Server) Forms() []map[string][]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return append([]map[string][]string(nil), s.forms...)
}

// clients is the one client.
type clients struct{ s *Server }

func (c clients) GetByID(_ context.Context, id string) (oauth2.ClientInfo, error) {
	if id != c.s.o.ID {
		return nil, errors.ErrInvalidClient
	}
	return &models.Client{ID: id, Secret: c.s.o.Secret}, nil
}

// tokens keeps tokens in memory, by the clock of whoever runs it: the library's
// own store removes expired ones by a goroutine that never ends.
type tokens struct{ s *Server }

func (t tokens) Create(_ context.Context, info oauth2.TokenInfo) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	token := *info.(*models.Token)
	t.s.issued++
	t.s.tokens[token.Access] = token
	if token.Refresh != "" {
		t.s.tokens[token.Refresh] = token
	}
	return nil
}

func (t tokens) remove(key string) error {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	delete(t.s.tokens, key)
	return nil
}

func (t tokens) get(key string) (oauth2.TokenInfo, error) {
	t.s.mu.Lock()
	defer t.s.mu.Unlock()
	token, ok := t.s.tokens[key]
	if !ok {
		return nil, nil //nolint:nilnil // the library's way to say that there is none
	}
	return &token, nil
}

func (t tokens) RemoveByCode(_ context.Context, code string) error     { return t.remove(code) }
func (t tokens) RemoveByAccess(_ context.Context, access string) error { return t.remove(access) }
func (t tokens) RemoveByRefresh(_ context.Context, refresh string) error {
	return t.remove(refresh)
}
func (t tokens) GetByCode(_ context.Context, code string) (oauth2.TokenInfo, error) {
	return t.get(code)
}
func (t tokens) GetByAccess(_ context.Context, access string) (oauth2.TokenInfo, error) {
	return t.get(access)
}
func (t tokens) GetByRefresh(_ context.Context, refresh string) (oauth2.TokenInfo, error) {
	return t.get(refresh)
}
