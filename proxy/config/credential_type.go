package config

import (
	"iter"
	"strings"

	"lockbox/proxy/secret"
)

// CredentialType says how a credential is put on a request.
type CredentialType string

// The credential types of this version. The first three are the Python
// original's.
const (
	Basic             CredentialType = "basic"
	Bearer            CredentialType = "bearer"
	Headers           CredentialType = "headers"
	Query             CredentialType = "query"
	ClientCredentials CredentialType = "oauth2_client_credentials"
	RefreshToken      CredentialType = "oauth2_refresh_token"
	SigV4             CredentialType = "aws_sigv4"
	Path              CredentialType = "path"
)

// Credential is what the upstream wants to see. Only the fields of its Type
// are set.
type Credential struct {
	Type               CredentialType
	Username, Password secret.Source // Basic; either can be the secret
	Token              secret.Source // Bearer and Path
	Headers            []Header      // Headers, in file order
	Params             []Param       // Query, in file order
	OAuth              OAuth         // ClientCredentials and RefreshToken
	AWS                AWS           // SigV4
	Segment            string        // Path: the first segment below the base URL, with {token} in it
}

// Header is one header that a credential sets.
type Header struct {
	Name  string // as written; unique but for case
	Value secret.Source
}

// Param is one parameter of a query or of a form. Names are unique.
type Param struct {
	Name  string // as it is meant, not as a URL encodes it
	Value secret.Source
}

// How a client shows its id and secret to a token endpoint: as Basic
// authentication (RFC 6749, section 2.3.1), or in the form that it sends.
const (
	AuthInHeader = "header"
	AuthInParams = "params"
)

// OAuth is what an access token is asked for with.
type OAuth struct {
	TokenURL     string        // https, or http on this machine
	ClientID     secret.Source // never empty
	ClientSecret secret.Source // zero for a public client, which only RefreshToken takes
	RefreshToken secret.Source // RefreshToken only
	Scopes       []string
	Audience     string  // "": not sent
	ExtraParams  []Param // sent along
	AuthStyle    string  // AuthInHeader or AuthInParams; "": header with a secret, params without
}

// AWS is what requests are signed with.
type AWS struct {
	AccessKeyID     secret.Source
	SecretAccessKey secret.Source
	SessionToken    secret.Source // zero: none
	Region, Service string        // the signature's scope: us-east-1, s3
}

// Sources yields each field of the credential's type that can hold a secret and
// what it holds, which is the zero Source for an empty one. The names are those
// of the fields of keychain references: "username", "password", "token",
// "headers/X-Api-Key", "params/api_key". A nil Credential yields nothing.
func (c *Credential) Sources() iter.Seq2[string, secret.Source] {
	return func(yield func(string, secret.Source) bool) {
		if c == nil {
			return
		}
		switch c.Type {
		case Basic:
			_ = yield("username", c.Username) && yield("password", c.Password)
		case Bearer, Path:
			yield("token", c.Token)
		case Headers:
			for _, h := range c.Headers {
				if !yield("headers/"+h.Name, h.Value) {
					return
				}
			}
		case Query:
			yieldParams(yield, "params/", c.Params)
		case ClientCredentials, RefreshToken:
			c.oauthSources(yield)
		case SigV4:
			_ = yield("access_key_id", c.AWS.AccessKeyID) && yield("secret_access_key", c.AWS.SecretAccessKey) && yield("session_token", c.AWS.SessionToken)
		}
	}
}

func (c *Credential) oauthSources(yield func(string, secret.Source) bool) {
	o := &c.OAuth
	_ = yield("client_id", o.ClientID) && yield("client_secret", o.ClientSecret) &&
		(c.Type == ClientCredentials || yield("refresh_token", o.RefreshToken)) &&
		yieldParams(yield, "extra_params/", o.ExtraParams)
}

func yieldParams(yield func(string, secret.Source) bool, prefix string, params []Param) bool {
	for _, p := range params {
		if !yield(prefix+p.Name, p.Value) {
			return false
		}
	}
	return true
}

// IsSecret reports whether a literal in a field of Sources is a key. The others name
// who calls, which is no secret: a user name, a client's id, and what is sent
// along with it.
func (c *Credential) IsSecret(field string) bool {
	switch field {
	case "client_id", "access_key_id":
		return false
	case "username": // Stripe takes the key there, and no password
		return c.Password.IsZero()
	}
	return !strings.HasPrefix(field, "extra_params/")
}
