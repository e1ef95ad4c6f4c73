package config

import (
	"errors"
	"fmt"
	"net/textproto"
	"regexp"
	"slices"
	"strings"
	"unicode"

	"github.com/tailscale/hujson"

	"lockbox/proxy/secret"
)

// credentialTypes are the keys of each type, those that it needs first. The
// first three stand in the order in which the original's schema tries the types
// when "type" is missing; the others must name theirs.
var credentialTypes = []struct {
	Type             CredentialType
	Needed, Optional []string
}{
	{Basic, []string{"username", "password"}, nil},
	{Bearer, []string{"token"}, nil},
	{Headers, []string{"headers"}, nil},
	{Query, []string{"params"}, nil},
	{ClientCredentials, []string{"token_url", "client_id", "client_secret"}, oauthOptions},
	{RefreshToken, []string{"token_url", "client_id", "refresh_token"}, append([]string{"client_secret"}, oauthOptions...)},
	{SigV4, []string{"access_key_id", "secret_access_key", "region", "service"}, []string{"session_token"}},
	{Path, []string{"segment", "token"}, nil},
}

var oauthOptions = []string{"scopes", "audience", "extra_params", "auth_style"}

// inferred is how many of the types need no "type".
const inferred = 3

// keysOf are the keys of each type.
var keysOf = func() map[CredentialType][]string {
	keys := map[CredentialType][]string{}
	for _, t := range credentialTypes {
		keys[t.Type] = slices.Concat([]string{"type"}, t.Needed, t.Optional)
	}
	return keys
}()

// knownTypes names the types in a sentence.
func knownTypes() string {
	names := make([]string, len(credentialTypes))
	for i, t := range credentialTypes {
		names[i] = string(t.Type)
	}
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// refLike is a literal that begins as a reference would.
var refLike = regexp.MustCompile(`^(?i:(?:keychain|env|file):|[a-z][a-z0-9_+-]{1,20}://)`)

func (d *decoder) credential(v *hujson.Value) *Credential {
	o := d.object(v, "credential")
	if o == nil {
		return nil
	}
	c := &Credential{Type: d.credentialType(o)}
	if c.Type == "" {
		return nil
	}
	d.unknownFields(o, c.Type)
	switch c.Type {
	case Basic:
		c.Username = d.source(o, "username")
		c.Password = d.source(o, "password")
		d.checkBasic(o, c)
	case Bearer:
		c.Token = d.key(o, "token")
	case Headers:
		c.Headers = d.headers(o)
	case Query:
		c.Params = d.query(o)
	case ClientCredentials, RefreshToken:
		c.OAuth = d.oauth(o, c.Type)
	case SigV4:
		c.AWS = d.aws(o)
	case Path:
		c.Segment, c.Token = d.segment(o), d.key(o, "token")
	}
	d.warnLiteral(v, c)
	return c
}

// credentialType reads "type", or finds the first type whose fields are there.
// It never repeats what it read, which may be a key in the wrong place.
func (d *decoder) credentialType(o *object) CredentialType {
	if v := o.value("type"); v != nil {
		s, ok := d.text(v, "credential/type")
		if !ok {
			return ""
		}
		for _, t := range credentialTypes {
			if string(t.Type) == s {
				return t.Type
			}
		}
		d.fail(v, "credential/type", "must be %s", knownTypes())
		return ""
	}
	for _, t := range credentialTypes[:inferred] {
		if hasAll(o, t.Needed) {
			return t.Type
		}
	}
	for _, t := range credentialTypes[inferred:] {
		if hasAll(o, t.Needed) {
			d.fail(o.at, "credential/type", "is missing: is %q meant?", t.Type)
			return ""
		}
	}
	d.fail(o.at, "credential", `needs "username" and "password", or "token", or "headers", or a "type"`)
	return ""
}

func hasAll(o *object, keys []string) bool {
	for _, key := range keys {
		if o.value(key) == nil {
			return false
		}
	}
	return true
}

// unknownFields warns of the keys that a credential of the chosen type does not
// have: other types', which do nothing here, and such as no type has.
func (d *decoder) unknownFields(o *object, chosen CredentialType) {
	mine := keysOf[chosen]
	for i, name := range o.names {
		switch {
		case slices.Contains(mine, name) || strings.HasPrefix(name, "_"):
		case slices.Contains(credentialKeys, name):
			d.warn(&o.members[i].Value, "credential/"+name, "is not used by a credential of type %s", chosen)
		default:
			d.warnUnknown(&o.members[i].Name, name, "credential/", mine)
		}
	}
}

// source reads a field that holds a secret or says where it is.
func (d *decoder) source(o *object, key string) secret.Source {
	if o.value(key) == nil {
		d.missing(o, "credential/", key)
		return secret.Source{}
	}
	return d.sourceOf(o.value(key), "credential/"+key)
}

// key is a source that has a value and no line break.
func (d *decoder) key(o *object, name string) secret.Source {
	s := d.source(o, name)
	d.checkLiteral(o.value(name), "credential/"+name, s)
	return s
}

// optionalKey is a key that may be missing or null.
func (d *decoder) optionalKey(o *object, name string) secret.Source {
	if isNull(o.value(name)) {
		return secret.Source{}
	}
	return d.key(o, name)
}

func (d *decoder) sourceOf(v *hujson.Value, field string) secret.Source {
	s, ok := d.text(v, field)
	if !ok {
		return secret.Source{}
	}
	source, err := secret.ParseSource(s)
	if err != nil {
		d.fail(v, field, "%v", err)
		return secret.Source{}
	}
	if !source.IsRef() && refLike.MatchString(s) {
		d.warn(v, field, "looks like a reference but is none, and is sent as it is: references begin with keychain://, env:// or file://")
	}
	return source
}

func (d *decoder) checkBasic(o *object, c *Credential) {
	if strings.Contains(c.Username.Literal.Reveal(), ":") {
		// RFC 7617, section 2: the first colon ends the user name.
		d.warn(o.value("username"), "credential/username", "has a colon: the service will take what follows it for the password")
	}
	if c.Username.IsZero() && c.Password.IsZero() {
		d.warn(o.at, "credential", "has no user name and no password")
	}
}

// checkLiteral looks at a literal that is to go into a header, or where a line
// break can just as little be part of the key.
func (d *decoder) checkLiteral(v *hujson.Value, field string, s secret.Source) {
	if v == nil || s.IsRef() {
		return
	}
	literal := s.Literal.Reveal()
	switch err := checkHeaderValue(literal); {
	case err != nil:
		d.fail(v, field, "%v", err)
	case literal == "" && v.Value.Kind() == '"':
		d.warn(v, field, "is empty")
	case strings.TrimFunc(literal, unicode.IsSpace) != literal:
		d.warn(v, field, "begins or ends with a space, which is hardly part of the key")
	}
}

func (d *decoder) headers(o *object) []Header {
	const field = "credential/headers"
	v := o.value("headers")
	if v == nil {
		d.missing(o, "credential/", "headers")
		return nil
	}
	list := d.object(v, field)
	if list == nil {
		return nil
	}
	if len(list.names) == 0 {
		d.warn(v, field, "is empty: nothing is added to requests")
	}
	headers := make([]Header, 0, len(list.names))
	seen := map[string]string{}
	for i, name := range list.names {
		key, value := &list.members[i].Name, &list.members[i].Value
		if err := CheckHeaderName(name); err != nil {
			d.fail(key, field, "%v", err)
			continue
		}
		canonical := textproto.CanonicalMIMEHeaderKey(name)
		if first, double := seen[canonical]; double && first != name { // the same spelling is a doubled key
			d.fail(key, field, "the header %s is there twice, in capitals and small letters: remove one of them", canonical)
		}
		seen[canonical] = name
		source := d.sourceOf(value, field+"/"+name)
		d.checkLiteral(value, field+"/"+name, source)
		headers = append(headers, Header{name, source})
	}
	return headers
}

// warnLiteral offers a better place once for each credential.
func (d *decoder) warnLiteral(v *hujson.Value, c *Credential) {
	for field, s := range c.Sources() {
		if s.Literal.IsZero() || !c.IsSecret(field) {
			continue
		}
		d.warn(v, "credential", "holds a secret in the file itself: move it to the vault with lockbox import, or with a click in the window")
		return
	}
}

// CheckCredential says what is wrong with a credential that was not read from a
// file but is to be written into one. The errors hold no value.
func CheckCredential(c *Credential) error {
	if c == nil {
		return nil
	}
	if keysOf[c.Type] == nil {
		return errors.New("credential: must be " + knownTypes())
	}
	for field, s := range c.Sources() {
		if err := checkSource(s, c.Type != Basic); err != nil {
			return errors.New("credential/" + field + ": " + err.Error())
		}
	}
	switch c.Type {
	case Headers:
		return checkHeaders(c.Headers)
	case Query:
		return checkParams("params", c.Params, checkParamName)
	case ClientCredentials, RefreshToken:
		return c.checkOAuth()
	case SigV4:
		return c.AWS.check()
	case Path:
		if err := checkSegment(c.Segment); err != nil {
			return fmt.Errorf("credential/segment: %w", err)
		}
	}
	return nil
}

func checkHeaders(headers []Header) error {
	seen := map[string]bool{}
	for _, h := range headers {
		canonical := textproto.CanonicalMIMEHeaderKey(h.Name)
		if err := CheckHeaderName(h.Name); err != nil {
			return errors.New("credential/headers: " + err.Error())
		}
		if seen[canonical] {
			return errors.New("credential/headers: the header " + canonical + " is there twice")
		}
		seen[canonical] = true
	}
	return nil
}

// checkSource makes sure that s reads back from the file as it was written.
func checkSource(s secret.Source, header bool) error {
	if s.IsRef() {
		again, err := secret.ParseRef(s.Ref.String())
		if err != nil {
			return err
		}
		if again != s.Ref || !readable(s.Ref.String()) || !s.Literal.IsZero() {
			return errors.New("is not a reference that can be written to the file")
		}
		return nil
	}
	literal := s.Literal.Reveal()
	switch {
	case secret.IsRef(literal):
		return errors.New("begins like a reference and would be read as one")
	case !readable(literal):
		return errors.New("is not valid text")
	case header:
		return checkHeaderValue(literal)
	}
	return nil
}
