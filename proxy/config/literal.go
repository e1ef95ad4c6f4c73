package config

import (
	"maps"
	"slices"

	"lockbox/proxy/secret"
)

// A literal is a secret that stands in the file itself, as in the Python original.

func (c *Config) hasLiteral() bool {
	if !c.Tunnel.Authtoken.Literal.IsZero() {
		return true
	}
	for _, s := range c.Services {
		for _, source := range s.Credential.Sources() {
			if !source.Literal.IsZero() {
				return true
			}
		}
	}
	return false
}

// WithoutLiterals is the same config without the secrets that stand in it. The
// fields that had them are empty.
func (c *Config) WithoutLiterals() *Config {
	bare := *c
	bare.Tunnel.Authtoken.Literal = secret.Value{}
	bare.Services = maps.Clone(c.Services)
	for name, svc := range bare.Services {
		if svc.Credential != nil {
			s := *svc
			s.Credential = svc.Credential.withoutLiterals()
			bare.Services[name] = &s
		}
	}
	return &bare
}

func (c *Credential) withoutLiterals() *Credential {
	bare := *c
	bare.Headers, bare.Params, bare.OAuth.ExtraParams = slices.Clone(c.Headers), slices.Clone(c.Params), slices.Clone(c.OAuth.ExtraParams)
	sources := []*secret.Source{
		&bare.Username, &bare.Password, &bare.Token,
		&bare.OAuth.ClientID, &bare.OAuth.ClientSecret, &bare.OAuth.RefreshToken,
		&bare.AWS.AccessKeyID, &bare.AWS.SecretAccessKey, &bare.AWS.SessionToken,
	}
	for i := range bare.Headers {
		sources = append(sources, &bare.Headers[i].Value)
	}
	for i := range bare.Params {
		sources = append(sources, &bare.Params[i].Value)
	}
	for i := range bare.OAuth.ExtraParams {
		sources = append(sources, &bare.OAuth.ExtraParams[i].Value)
	}
	for _, s := range sources {
		s.Literal = secret.Value{}
	}
	return &bare
}
