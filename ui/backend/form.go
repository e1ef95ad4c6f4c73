package backend

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/net/http/httpguts"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// NoCredential is the Form's word for a service that needs no key.
const NoCredential = "none"

// Kept are the kinds of credential of which the window edits the keys alone: the
// rest comes from a preset, or stays as it is in the config file.
var Kept = []string{string(config.Query), string(config.ClientCredentials), string(config.RefreshToken), string(config.SigV4), string(config.Path)}

// Form is a service as a person edits it. It holds no secret but those just
// typed in.
type Form struct {
	Name           string
	BaseURL        string
	Credential     string // NoCredential, a config.CredentialType, or Kept
	Username       SecretField
	Password       SecretField
	Token          SecretField
	Headers        []HeaderField
	TokenRequired  bool
	Public         bool // callers from the internet come in, through the tunnel
	AnyAudience    bool
	Audiences      []string // those allowed, when not AnyAudience
	ConnectTimeout string   // seconds; "" for none
	ReadTimeout    string   // seconds; "" for none
	AllowRedirects bool
	DefaultHeaders []config.DefaultHeader

	// Of a credential that is given but for its keys, where Credential is its kind.
	Template *config.Credential
	Keys     []KeyField
	Preset   string            // the id of the one that a new service is of
	Blanks   map[string]string // of the preset's base URL, by their ids
}

// SecretField is a key's field. The key that is stored stays where it is unless
// a new one is typed.
type SecretField struct {
	Value  secret.Value // newly typed; zero keeps what is stored
	Stored bool
	Where  string // "keychain", "env", "file" or "config", when Stored
	field  string // the config's name of the stored one
}

// HeaderField is one header of a headers credential.
type HeaderField struct {
	Name  string
	Value SecretField
}

// Fields says of a form's fields, by name, what is wrong with them. Headers are
// "headers/0/name" and "headers/0/value".
type Fields map[string]string

// Error implements error.
func (f Fields) Error() string {
	var all []string
	for name, why := range f {
		all = append(all, name+": "+why)
	}
	slices.Sort(all)
	return strings.Join(all, "; ")
}

// NewForm is the form of a new service.
func NewForm() Form {
	return Form{Credential: string(config.Bearer), TokenRequired: true, AnyAudience: true, ConnectTimeout: "5", ReadTimeout: "30"}
}

// Form returns the form of a service that exists.
func (b *Backend) Form(name string) (Form, error) {
	svc, err := b.service(name)
	if err != nil {
		return Form{}, err
	}
	f := Form{
		Name: svc.Name, BaseURL: svc.BaseURL.String(), Credential: NoCredential,
		TokenRequired: svc.RequiresServiceToken, Public: svc.Tunnel,
		AnyAudience: svc.ValidAudiences == nil, Audiences: slices.Clone(svc.ValidAudiences),
		ConnectTimeout: seconds(svc.ConnectTimeout), ReadTimeout: seconds(svc.ReadTimeout),
		AllowRedirects: svc.AllowRedirects, DefaultHeaders: svc.DefaultHeaders,
	}
	if c := svc.Credential; c != nil {
		f.Credential = string(c.Type)
		if slices.Contains(Kept, f.Credential) {
			f.keep(c)
			return f, nil
		}
		f.Username, f.Password, f.Token = stored("username", c.Username), stored("password", c.Password), stored("token", c.Token)
		for _, h := range c.Headers {
			f.Headers = append(f.Headers, HeaderField{h.Name, stored("headers/"+h.Name, h.Value)})
		}
	}
	return f, nil
}

func (b *Backend) service(name string) (*config.Service, error) {
	if cfg := b.server.Config(); cfg != nil && cfg.Services[name] != nil {
		return cfg.Services[name], nil
	}
	return nil, fmt.Errorf("there is no service %q any more", name)
}

func seconds(d time.Duration) string {
	if d == 0 {
		return ""
	}
	return strconv.FormatFloat(d.Seconds(), 'f', -1, 64)
}

func stored(field string, s secret.Source) SecretField {
	switch {
	case s.IsZero():
		return SecretField{}
	case s.IsRef():
		return SecretField{Stored: true, Where: s.Ref.Scheme, field: field}
	}
	return SecretField{Stored: true, Where: "config", field: field}
}

// Check says what is wrong with a form, by field; nothing when it can be saved.
// old is the name of the service that is edited, "" for a new one. It is quick
// enough for every key press.
func (b *Backend) Check(old string, f Form) Fields {
	bad := Fields{}
	note := func(field, what string, err error) {
		if err != nil {
			bad[field] = what + " " + err.Error()
		}
	}
	note("name", "the name", config.CheckName(f.Name))
	if cfg := b.server.Config(); f.Name != old && cfg != nil && cfg.Services[f.Name] != nil {
		bad["name"] = "another service has this name"
	}
	_, _, err := config.ParseBaseURL(f.BaseURL)
	note("base_url", "the base URL", err)
	_, err = config.ParseTimeout(f.ConnectTimeout)
	note("connect_timeout", "this", err)
	_, err = config.ParseTimeout(f.ReadTimeout)
	note("read_timeout", "this", err)
	if !f.AnyAudience {
		for _, a := range f.Audiences {
			note("audiences", "an audience", config.CheckAudience(a))
		}
	}
	if f.Public && !f.TokenRequired {
		bad["token_required"] = "the internet reaches this service, so it must ask for a token"
	}
	if f.given() {
		f.checkGiven(bad)
		return bad
	}
	f.checkCredential(bad)
	return bad
}

func (f Form) checkCredential(bad Fields) {
	switch config.CredentialType(f.Credential) {
	case NoCredential:
	case config.Bearer:
		f.Token.check(bad, "token", true)
	case config.Basic:
		f.Username.check(bad, "username", true)
		f.Password.check(bad, "password", false) // Stripe's is empty
		if strings.Contains(f.Username.Value.Reveal(), ":") {
			bad["username"] = errColon
		}
	case config.Headers:
		if len(f.Headers) == 0 {
			bad["headers"] = "add at least one header"
		}
		seen := map[string]bool{}
		for i, h := range f.Headers {
			at := fmt.Sprintf("headers/%d/", i)
			if err := config.CheckHeaderName(h.Name); err != nil {
				bad[at+"name"] = err.Error()
			} else if seen[strings.ToLower(h.Name)] {
				bad[at+"name"] = "this header is here twice"
			}
			seen[strings.ToLower(h.Name)] = true
			h.Value.check(bad, at+"value", true)
		}
	case config.Query, config.ClientCredentials, config.RefreshToken, config.SigV4, config.Path:
		bad["credential"] = "this kind of credential is written into the config file by hand"
	default:
		bad["credential"] = "choose how the service is told the key"
	}
}

// check never repeats the value: it is a key.
func (s SecretField) check(bad Fields, field string, needed bool) {
	text := typed(s.Value).Reveal()
	switch {
	case text == "" && s.Stored:
	case text == "" && needed:
		bad[field] = "fill this in"
	case !httpguts.ValidHeaderFieldValue(text):
		bad[field] = "it has a line break or another character that no header can carry: copy it again"
	case secret.IsRef(text):
		if _, err := secret.ParseRef(text); err != nil {
			bad[field] = err.Error()
		}
	}
}

// typed drops the white space that comes along when a key is copied.
func typed(v secret.Value) secret.Value { return secret.New(strings.TrimSpace(v.Reveal())) }

// Warn says of a form's fields what may be a mistake but can be saved.
func (b *Backend) Warn(f Form) Fields {
	odd := Fields{}
	if _, warning, err := config.ParseBaseURL(f.BaseURL); err == nil && warning != "" {
		odd["base_url"] = warning
	}
	if !f.TokenRequired && f.Credential != NoCredential {
		odd["token_required"] = "every program on this computer can use the key through Lockbox"
	}
	if f.TokenRequired && !f.AnyAudience && len(f.Audiences) == 0 {
		odd["audiences"] = "no audience is allowed, so that no token opens this service"
	}
	return odd
}

// unshown copies what the form does not show from the service that is edited.
func unshown(svc, old *config.Service) {
	if old != nil {
		svc.AllowFrom, svc.TokenInQuery, svc.TokenInPath, svc.AllowLinkLocal = old.AllowFrom, old.TokenInQuery, old.TokenInPath, old.AllowLinkLocal
		svc.Rules, svc.Drift, svc.LeakGuard = old.Rules, old.Drift, old.LeakGuard
		svc.Limits, svc.EachToken, svc.TokenLimits, svc.Duplicates = old.Limits, old.EachToken, old.TokenLimits, old.Duplicates
	}
}

// service is the form as the config has it. source gives each key's place; kept
// is the credential of before, as it is now in the file.
func (f Form) service(source func(field string, s SecretField) secret.Source, kept *config.Credential) (*config.Service, error) {
	u, _, err := config.ParseBaseURL(f.BaseURL)
	if err != nil {
		return nil, err
	}
	svc := &config.Service{Name: f.Name, BaseURL: u, RequiresServiceToken: f.TokenRequired, Tunnel: f.Public, AllowRedirects: f.AllowRedirects, DefaultHeaders: f.DefaultHeaders}
	if svc.ConnectTimeout, err = config.ParseTimeout(f.ConnectTimeout); err != nil {
		return nil, err
	}
	if svc.ReadTimeout, err = config.ParseTimeout(f.ReadTimeout); err != nil {
		return nil, err
	}
	if !f.AnyAudience {
		svc.ValidAudiences = append([]string{}, f.Audiences...)
	}
	if f.given() {
		template := f.Template
		if f.Preset == "" && kept != nil && kept.Type == template.Type {
			template = kept
		}
		svc.Credential = f.credential(template, source)
		return svc, nil
	}
	c := &config.Credential{Type: config.CredentialType(f.Credential)}
	switch c.Type {
	case config.Bearer:
		c.Token = source("token", f.Token)
	case config.Basic:
		c.Username, c.Password = source("username", f.Username), source("password", f.Password)
	case config.Headers:
		for _, h := range f.Headers {
			c.Headers = append(c.Headers, config.Header{Name: h.Name, Value: source("headers/"+h.Name, h.Value)})
		}
	default:
		return svc, nil
	}
	svc.Credential = c
	return svc, nil
}
