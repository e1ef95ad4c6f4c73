package credential

import (
	"errors"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"testing"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

func lit(s string) secret.Source { return secret.Source{Literal: secret.New(s)} }

func literals(c *config.Credential) func(string) secret.Value {
	sources := maps.Collect(c.Sources())
	return func(field string) secret.Value { return sources[field].Literal }
}

func TestApply(t *testing.T) {
	tests := []struct {
		name    string
		cred    *config.Credential
		want    http.Header // on top of a caller's Accept
		secrets []string
	}{
		{"none", nil, http.Header{}, nil},
		{"bearer", &config.Credential{Type: config.Bearer, Token: lit("tok")},
			http.Header{"Authorization": {"Bearer tok"}}, []string{"tok"}},
		{"basic", &config.Credential{Type: config.Basic, Username: lit("user"), Password: lit("pass")},
			http.Header{"Authorization": {"Basic dXNlcjpwYXNz"}}, []string{"dXNlcjpwYXNz", "pass", "user:pass"}},
		{"basic, key as user name", &config.Credential{Type: config.Basic, Username: lit("sk_live")},
			http.Header{"Authorization": {"Basic c2tfbGl2ZTo="}}, []string{"c2tfbGl2ZTo=", "sk_live", "sk_live:"}},
		{"basic, password with colon", &config.Credential{Type: config.Basic, Username: lit("u"), Password: lit("a:b")},
			http.Header{"Authorization": {"Basic dTphOmI="}}, []string{"a:b", "dTphOmI=", "u:a:b"}},
		{"space around", &config.Credential{Type: config.Bearer, Token: lit(" tok\t")},
			http.Header{"Authorization": {"Bearer tok"}}, []string{"tok"}},
		{"basic, space in password", &config.Credential{Type: config.Basic, Username: lit("u"), Password: lit("p ")},
			http.Header{"Authorization": {"Basic dTpwIA=="}}, []string{"dTpwIA==", "p ", "u:p "}},
		{"headers", &config.Credential{Type: config.Headers, Headers: []config.Header{{Name: "x-api-KEY", Value: lit("k1")}, {Name: "X-App", Value: lit("k 2")}}},
			http.Header{"X-Api-Key": {"k1"}, "X-App": {"k 2"}}, []string{"2", "k 2", "k1"}},
		{"headers, with a scheme", &config.Credential{Type: config.Headers, Headers: []config.Header{{Name: "authorization", Value: lit("Bot k1")}}},
			http.Header{"Authorization": {"Bot k1"}}, []string{"Bot k1", "k1"}},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			a, err := New(tt.cred, literals(tt.cred), nil)
			if err != nil {
				t.Fatal(err)
			}
			got := http.Header{"Accept": {"*/*"}}
			for _, name := range a.HeaderNames() {
				got[name] = []string{"from the caller", "twice"}
			}
			ready, err := a.Ready(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if err := ready.Apply(&http.Request{Header: got, URL: &url.URL{}}, ""); err != nil {
				t.Fatal(err)
			}
			tt.want["Accept"] = []string{"*/*"}
			if !maps.EqualFunc(got, tt.want, slices.Equal) {
				t.Errorf("headers %v, want %v", got, tt.want)
			}
			var secrets []string
			for _, s := range a.Secrets() {
				secrets = append(secrets, s.Reveal())
			}
			slices.Sort(secrets)
			if !slices.Equal(secrets, tt.secrets) {
				t.Errorf("secrets %q, want %q", secrets, tt.secrets)
			}
		})
	}
}

// A user name that comes from the keychain is there because it is secret.
func TestReferencedUsernameIsSecret(t *testing.T) {
	c := &config.Credential{Type: config.Basic, Username: secret.Source{Ref: secret.KeychainRef("s", "username")}, Password: lit("p")}
	a, err := New(c, func(field string) secret.Value { return secret.New("value of " + field) }, nil)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.ContainsFunc(a.Secrets(), func(v secret.Value) bool { return v.Reveal() == "value of username" }) {
		t.Error("the user name is not among the secrets")
	}
}

func TestNewRefuses(t *testing.T) {
	const canary = "sk-canary"
	bearer := func(v string) *config.Credential {
		return &config.Credential{Type: config.Bearer, Token: lit(v)}
	}
	tests := []struct {
		name  string
		cred  *config.Credential
		field string
		empty bool
	}{
		{"line feed", bearer(canary + "\nX-Evil: 1"), "token", false},
		{"carriage return", bearer(canary + "\r"), "token", false},
		{"nul", bearer(canary + "\x00"), "token", false},
		{"delete", bearer(canary + "\x7f"), "token", false},
		{"only space", bearer(" \t "), "token", true},
		{"empty token", bearer(""), "token", true},
		{"empty header", &config.Credential{Type: config.Headers, Headers: []config.Header{{Name: "X-Key"}}}, "headers/X-Key", true},
		{"newline in header", &config.Credential{Type: config.Headers, Headers: []config.Header{{Name: "X-Key", Value: lit(canary + "\n")}}}, "headers/X-Key", false},
		{"nothing in basic", &config.Credential{Type: config.Basic}, "password", true},
		{"colon in user name", &config.Credential{Type: config.Basic, Username: lit(canary + ":x"), Password: lit("p")}, "username", false},
		{"newline in password", &config.Credential{Type: config.Basic, Username: lit("u"), Password: lit(canary + "\n")}, "password", false},
		{"unknown type", &config.Credential{Type: "aws_sigv5"}, "aws_sigv5", false},
		{"newline in a parameter", &config.Credential{Type: config.Query, Params: []config.Param{{Name: "k", Value: lit(canary + "\n")}}}, "params/k", false},
		{"empty parameter", &config.Credential{Type: config.Query, Params: []config.Param{{Name: "k"}}}, "params/k", true},
		{"no client secret", &config.Credential{Type: config.ClientCredentials, OAuth: config.OAuth{ClientID: lit("i")}}, "client_secret", true},
		{"no client", &config.Credential{Type: config.RefreshToken, OAuth: config.OAuth{RefreshToken: lit(canary)}}, "client_id", true},
		{"no refresh token", &config.Credential{Type: config.RefreshToken, OAuth: config.OAuth{ClientID: lit("i")}}, "refresh_token", true},
		{"newline in a refresh token", &config.Credential{Type: config.RefreshToken, OAuth: config.OAuth{ClientID: lit("i"), RefreshToken: lit(canary + "\r")}}, "refresh_token", false},
		{"no AWS key", &config.Credential{Type: config.SigV4, AWS: config.AWS{AccessKeyID: lit("i")}}, "secret_access_key", true},
		{"no AWS key id", &config.Credential{Type: config.SigV4, AWS: config.AWS{SecretAccessKey: lit(canary)}}, "access_key_id", true},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := New(tt.cred, literals(tt.cred), nil)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), tt.field) || strings.Contains(err.Error(), canary) {
				t.Errorf("error %q, want it to name %s and no value", err, tt.field)
			}
			if errors.Is(err, ErrEmpty) != tt.empty {
				t.Errorf("errors.Is(%v, ErrEmpty) is %v, want %v", err, !tt.empty, tt.empty)
			}
		})
	}
}

func TestSecretsIsACopy(t *testing.T) {
	c := &config.Credential{Type: config.Bearer, Token: lit("t")}
	a, err := New(c, literals(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	a.Secrets()[0] = secret.Value{}
	if a.Secrets()[0].Reveal() != "t" {
		t.Error("a caller can change the applier's secrets")
	}
}
