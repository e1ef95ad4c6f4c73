package config

import (
	"net/textproto"
	"slices"

	"github.com/tailscale/hujson"

	"lockbox/proxy/secret"
)

// putCredential keeps what is in the credential's object, as far as it fits.
func (e *editor) putCredential(l *list, s *Service) error {
	const key = "credential"
	if s.Credential == nil {
		if i := l.find(key); i >= 0 {
			l.items[i].value.Value = hujson.Literal("null")
		}
		return nil
	}
	v := l.set(key, serviceKeys)
	if v.Value.Kind() != '{' {
		v.Value = &hujson.Object{}
	}
	o, err := e.objectAt(v, s.Name, key)
	if err != nil {
		return err
	}
	d := &decoder{}
	kept := d.credentialType(d.object(v, "")) == s.Credential.Type
	fields := l.members(&l.items[l.find(key)], o)
	if !kept {
		setText(fields.set("type", credentialKeys), string(s.Credential.Type))
		for i := len(fields.items) - 1; i >= 0; i-- {
			if name := text(fields.items[i].name.Value); name != "type" && slices.Contains(credentialKeys, name) {
				fields.take(i)
			}
		}
	}
	if err := e.putFields(fields, s); err != nil {
		return err
	}
	fields.store()
	return nil
}

// putFields writes the fields of the credential's type.
func (e *editor) putFields(fields *list, s *Service) error {
	switch c := s.Credential; c.Type {
	case Basic:
		setSource(fields.set("username", credentialKeys), c.Username)
		setSource(fields.set("password", credentialKeys), c.Password)
	case Bearer:
		setSource(fields.set("token", credentialKeys), c.Token)
	case Headers:
		return e.putHeaders(fields, s)
	case Query:
		return e.putParams(fields, s.Name, "params", c.Params)
	case ClientCredentials, RefreshToken:
		return e.putOAuth(fields, s)
	case SigV4:
		setSource(fields.set("access_key_id", credentialKeys), c.AWS.AccessKeyID)
		setSource(fields.set("secret_access_key", credentialKeys), c.AWS.SecretAccessKey)
		putOptional(fields, "session_token", c.AWS.SessionToken)
		setText(fields.set("region", credentialKeys), c.AWS.Region)
		setText(fields.set("service", credentialKeys), c.AWS.Service)
	case Path:
		setText(fields.set("segment", credentialKeys), c.Segment)
		setSource(fields.set("token", credentialKeys), c.Token)
	}
	return nil
}

func (e *editor) putOAuth(fields *list, s *Service) error {
	a := &s.Credential.OAuth
	setText(fields.set("token_url", credentialKeys), a.TokenURL)
	setSource(fields.set("client_id", credentialKeys), a.ClientID)
	if s.Credential.Type == RefreshToken {
		putOptional(fields, "client_secret", a.ClientSecret)
		setSource(fields.set("refresh_token", credentialKeys), a.RefreshToken)
	} else {
		setSource(fields.set("client_secret", credentialKeys), a.ClientSecret)
	}
	if len(a.Scopes) > 0 || !fields.isNull("scopes") {
		putTexts(fields, "scopes", credentialKeys, a.Scopes)
	}
	putOptional(fields, "audience", secret.Source{Literal: secret.New(a.Audience)})
	putOptional(fields, "auth_style", secret.Source{Literal: secret.New(a.AuthStyle)})
	if len(a.ExtraParams) == 0 && fields.isNull("extra_params") {
		return nil
	}
	return e.putParams(fields, s.Name, "extra_params", a.ExtraParams)
}

// putOptional writes a value that may be missing, and leaves null for none.
func putOptional(l *list, key string, s secret.Source) {
	if !s.IsZero() || !l.isNull(key) {
		setSource(l.set(key, credentialKeys), s)
	}
}

// isNull reports whether a member is null or missing.
func (l *list) isNull(key string) bool {
	i := l.find(key)
	return i < 0 || isNull(&l.items[i].value)
}

// openObject is the object of that key, made where there is none.
func (e *editor) openObject(l *list, known []string, service, key, field string) (*list, error) {
	v := l.set(key, known)
	if v.Value.Kind() != '{' {
		v.Value = &hujson.Object{}
	}
	o, err := e.objectAt(v, service, field)
	if err != nil {
		return nil, err
	}
	return l.members(&l.items[l.find(key)], o), nil
}

// putParams writes an object of names and values.
func (e *editor) putParams(fields *list, service, key string, params []Param) error {
	l, err := e.openObject(fields, credentialKeys, service, key, "credential/"+key)
	if err != nil {
		return err
	}
	names := make([]string, len(params))
	for k, p := range params {
		names[k] = p.Name
	}
	l.arrange(names,
		func(it *item) string { return text(it.name.Value) },
		func(it *item, k int) { setText(&it.name, names[k]); setSource(&it.value, params[k].Value) },
		func(k int) item { return l.member(names[k], hujson.String("")) })
	l.store()
	return nil
}

func (e *editor) putHeaders(fields *list, s *Service) error {
	l, err := e.openObject(fields, credentialKeys, s.Name, "headers", "credential/headers")
	if err != nil {
		return err
	}
	headers := s.Credential.Headers
	names := make([]string, len(headers))
	for k, h := range headers {
		names[k] = textproto.CanonicalMIMEHeaderKey(h.Name)
	}
	l.arrange(names,
		func(it *item) string { return textproto.CanonicalMIMEHeaderKey(text(it.name.Value)) },
		func(it *item, k int) {
			setText(&it.name, headers[k].Name)
			setSource(&it.value, headers[k].Value)
		},
		func(k int) item { return l.member(headers[k].Name, hujson.String("")) })
	l.store()
	return nil
}

// setSource writes a reference, or a literal that comes from the file in the
// first place or from a user without a keychain.
func setSource(v *hujson.Value, s secret.Source) {
	if !s.IsRef() {
		setText(v, s.Literal.Reveal())
		return
	}
	if old, err := secret.ParseRef(text(v.Value)); err != nil || old != s.Ref { // a / may be written as %2F
		setText(v, s.Ref.String())
	}
}
