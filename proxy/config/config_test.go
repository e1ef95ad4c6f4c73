package config

import (
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

func mustParse(t testing.TB, src []byte) *Config {
	t.Helper()
	c, err := Parse("f", src)
	if err != nil {
		t.Fatalf("Parse: %v\n%s", err, src)
	}
	return c
}

func read(t testing.TB, name string) []byte {
	t.Helper()
	src, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return src
}

func base(t testing.TB, s string) *url.URL {
	t.Helper()
	u, _, err := ParseBaseURL(s)
	if err != nil {
		t.Fatalf("ParseBaseURL(%q): %v", s, err)
	}
	return u
}

func literal(s string) secret.Source { return secret.Source{Literal: secret.New(s)} }

func ref(t testing.TB, s string) secret.Source {
	t.Helper()
	source, err := secret.ParseSource(s)
	if err != nil || !source.IsRef() {
		t.Fatalf("%q is no reference: %v", s, err)
	}
	return source
}

// same compares services; the texts of literals too.
func same(a, b *Service) bool {
	x, y := *a, *b
	if x.BaseURL.String() != y.BaseURL.String() || (x.Credential == nil) != (y.Credential == nil) {
		return false
	}
	var fx, fy []string
	for f, s := range x.Credential.Sources() {
		fx = append(fx, f, s.Literal.Reveal(), s.Ref.String())
	}
	for f, s := range y.Credential.Sources() {
		fy = append(fy, f, s.Literal.Reveal(), s.Ref.String())
	}
	if !slices.Equal(fx, fy) {
		return false
	}
	if c, d := x.Credential, y.Credential; c != nil {
		if c.Type != d.Type || c.OAuth.TokenURL != d.OAuth.TokenURL || !slices.Equal(c.OAuth.Scopes, d.OAuth.Scopes) || c.OAuth.Audience != d.OAuth.Audience ||
			c.OAuth.AuthStyle != d.OAuth.AuthStyle || c.AWS.Region != d.AWS.Region || c.AWS.Service != d.AWS.Service {
			return false
		}
	}
	if (x.ValidAudiences == nil) != (y.ValidAudiences == nil) || !slices.Equal(x.ValidAudiences, y.ValidAudiences) {
		return false
	}
	x.BaseURL, x.Credential, x.ValidAudiences = nil, nil, nil
	y.BaseURL, y.Credential, y.ValidAudiences = nil, nil, nil
	return reflect.DeepEqual(x, y)
}

func TestOriginalSample(t *testing.T) {
	c := mustParse(t, read(t, "original_sample.json"))
	github := base(t, "https://api.github.com")
	open := NewService("github_public", github)
	open.RequiresServiceToken = false
	private := NewService("github_private_behind_service_token", github)
	private.Credential = &Credential{Type: Bearer, Token: literal("YOUR_GITHUB_API_TOKEN")}
	private.ValidAudiences = []string{"zapier_webhook"}
	long := NewService("long_running_service_example", base(t, "https://api.example.com"))
	long.ConnectTimeout, long.ReadTimeout, long.AllowRedirects = 10*time.Second, 300*time.Second, true
	want := []*Service{open, NewService("github_public_behind_service_token", github), private, long}
	if len(c.Services) != len(want) {
		t.Errorf("got %d services, want %d", len(c.Services), len(want))
	}
	for _, w := range want {
		if got := c.Services[w.Name]; got == nil || !same(got, w) {
			t.Errorf("got %+v, want %+v", got, w)
		}
	}
	if c.AuditLog == nil || *c.AuditLog != (AuditLog{"local_dir", "/var/tmp/lockbox_audit_log"}) || c.Listen != DefaultListen {
		t.Errorf("audit log %+v, listen %q", c.AuditLog, c.Listen)
	}
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "lockbox import") || c.Warnings[0].Line != 14 {
		t.Errorf("warnings: %v; want the literal's only", c.Warnings)
	}
}

func TestOriginalReadme(t *testing.T) {
	c := mustParse(t, read(t, "original_readme.json5"))
	if s := c.Services["github_public"]; len(c.Services) != 2 || s.BaseURL.String() != "https://api.github.com" || s.RequiresServiceToken {
		t.Errorf("got %+v", c.Services)
	}
	c = mustParse(t, read(t, "original_readme_audit.json5"))
	if len(c.Services) != 0 || c.AuditLog.RootDir != "/var/tmp/lockbox_audit_log" || len(c.Warnings) != 0 {
		t.Errorf("got %+v", c)
	}
	// This one has "// ..." where base_url belongs.
	src := read(t, "original_readme_revoke.json5")
	_, err := Parse("f", src)
	check(t, problemLines(err), []string{`f:5:5: service "github_private_behind_service_token": base_url: is missing`})
	src = []byte(strings.Replace(string(src), "// ...", `"base_url": "api.github.com",`, 1))
	if got := mustParse(t, src).Services["github_private_behind_service_token"].ValidAudiences; !slices.Equal(got, []string{"walkthrough"}) {
		t.Errorf("audiences %q", got)
	}
}

func TestServiceFields(t *testing.T) {
	set := func(f func(s *Service)) *Service {
		s := NewService("a", base(t, "https://a.example"))
		f(s)
		return s
	}
	cred := func(c *Credential) *Service { return set(func(s *Service) { s.Credential = c }) }
	tests := []struct {
		src  string // what follows base_url
		want *Service
	}{
		{``, set(func(*Service) {})},
		{`"credential": null, "valid_audiences": null`, set(func(*Service) {})},
		{`"valid_audiences": []`, set(func(s *Service) { s.ValidAudiences = []string{} })},
		{`"connect_timeout": null, "read_timeout": 0.25`, set(func(s *Service) { s.ConnectTimeout, s.ReadTimeout = 0, 250*time.Millisecond })},
		{`"connect_timeout": "7", "requires_service_token": "no", "allow_redirects": 1`, set(func(s *Service) {
			s.ConnectTimeout, s.RequiresServiceToken, s.AllowRedirects = 7*time.Second, false, true
		})},
		{`"requires_service_token": null`, set(func(*Service) {})},
		{`"rules": [], "rate_limit": null, "tunnel": false`, set(func(*Service) {})},
		{`"tunnel": true, "token_in_query": true, "token_in_path": true, "allow_link_local": true`, set(func(s *Service) {
			s.Tunnel, s.TokenInQuery, s.TokenInPath, s.AllowLinkLocal = true, true, true, true
		})},
		{`"credential": {"username": "u", "password": "p"}`, cred(&Credential{Type: Basic, Username: literal("u"), Password: literal("p")})},
		{`"credential": {"username": "env://KEY", "password": ""}`, cred(&Credential{Type: Basic, Username: ref(t, "env://KEY")})},
		{`"credential": {"username": "u", "token": "t"}`, cred(&Credential{Type: Bearer, Token: literal("t")})},
		{`"credential": {"token": "t", "username": "u", "password": "p"}`, cred(&Credential{Type: Basic, Username: literal("u"), Password: literal("p")})},
		{`"credential": {"type": "bearer", "token": "t", "username": "u", "password": "p"}`, cred(&Credential{Type: Bearer, Token: literal("t")})},
		{`"credential": {"token": "keychain://a/token"}`, cred(&Credential{Type: Bearer, Token: ref(t, "keychain://a/token")})},
		{`"credential": {"headers": {"X-B": "1", "X-A": "env://A"}}`, cred(&Credential{Type: Headers, Headers: []Header{{"X-B", literal("1")}, {"X-A", ref(t, "env://A")}}})},
		{`"credential": {"type": "query", "params": {"api_key": "keychain://x/key", "Åß c": "1"}}`, cred(&Credential{Type: Query, Params: []Param{{"api_key", ref(t, "keychain://x/key")}, {"Åß c", literal("1")}}})},
		{`"credential": {"type": "oauth2_client_credentials", "token_url": "https://a.example/t?x=1", "client_id": "id", "client_secret": "env://S"}`,
			cred(&Credential{Type: ClientCredentials, OAuth: OAuth{TokenURL: "https://a.example/t?x=1", ClientID: literal("id"), ClientSecret: ref(t, "env://S")}})},
		{`"credential": {"type": "oauth2_client_credentials", "token_url": "http://[::1]:9/t", "client_id": "env://I", "client_secret": "s", "scopes": ["a", "b:c"], "audience": "aud",
			"extra_params": {"resource": "r", "key": "file:///k"}, "auth_style": "params"}`,
			cred(&Credential{Type: ClientCredentials, OAuth: OAuth{TokenURL: "http://[::1]:9/t", ClientID: ref(t, "env://I"), ClientSecret: literal("s"), Scopes: []string{"a", "b:c"}, Audience: "aud",
				ExtraParams: []Param{{"resource", literal("r")}, {"key", ref(t, "file:///k")}}, AuthStyle: AuthInParams}})},
		{`"credential": {"type": "oauth2_refresh_token", "token_url": "http://localhost/t", "client_id": "id", "client_secret": null, "refresh_token": "keychain://a/refresh_token", "scopes": null, "audience": null, "extra_params": null, "auth_style": null}`,
			cred(&Credential{Type: RefreshToken, OAuth: OAuth{TokenURL: "http://localhost/t", ClientID: literal("id"), RefreshToken: ref(t, "keychain://a/refresh_token")}})},
		{`"credential": {"type": "aws_sigv4", "access_key_id": "AKID", "secret_access_key": "env://S", "session_token": "file:///t", "region": "eu-west-1", "service": "execute-api"}`,
			cred(&Credential{Type: SigV4, AWS: AWS{AccessKeyID: literal("AKID"), SecretAccessKey: ref(t, "env://S"), SessionToken: ref(t, "file:///t"), Region: "eu-west-1", Service: "execute-api"}})},
		{`"credential": {"type": "path", "segment": "bot{token}", "token": "keychain://a/token"}`, cred(&Credential{Type: Path, Segment: "bot{token}", Token: ref(t, "keychain://a/token")})},
		{`"default_headers": {"Notion-Version": "2026-03-11", "X-A": "b c"}`, set(func(s *Service) { s.DefaultHeaders = []DefaultHeader{{"Notion-Version", "2026-03-11"}, {"X-A", "b c"}} })},
		{`"default_headers": null`, set(func(*Service) {})},
		{`"credential": {"token": "tab\u0009é\ud83d\ude00\/"}`, cred(&Credential{Type: Bearer, Token: literal("tab\té😀/")})},
	}
	for _, tt := range tests {
		c := mustParse(t, fmt.Appendf(nil, `{"services": {"a": {"base_url": "a.example", %s}}}`, tt.src))
		if got := c.Services["a"]; !same(got, tt.want) {
			t.Errorf("%s: got %+v, want %+v", tt.src, got, tt.want)
		}
	}
}

func TestSources(t *testing.T) {
	var none *Credential
	for f := range none.Sources() {
		t.Errorf("nil has a source %s", f)
	}
	h := &Credential{Type: Headers, Headers: []Header{{"X-B", literal("1")}, {"X-A", literal("2")}}}
	var got []string
	for f := range h.Sources() {
		got = append(got, f)
	}
	if !slices.Equal(got, []string{"headers/X-B", "headers/X-A"}) {
		t.Errorf("got %q", got)
	}
	for range h.Sources() {
		break
	}
	for range (&Credential{Type: Basic}).Sources() {
		break
	}
}

// clientCredentials is a credential with a client and these fields.
func clientCredentials(fields string) string {
	return `"credential": {"type": "oauth2_client_credentials", "client_id": "x", "client_secret": "env://S", ` + fields + `}`
}

func TestRefusedFields(t *testing.T) {
	tests := []struct{ src, want string }{
		{`"credential": {}`, `credential: needs "username"`},
		{`"credential": {"type": "basic", "username": "x"}`, "credential/password: is missing"},
		{`"credential": {"type": "basic", "user_name": "x", "password": "y"}`, `credential/username: is missing: is "user_name" meant for it?`},
		{`"credential": {"type": "aws_sigv5"}`, "credential/type: must be basic, bearer, headers, query, oauth2_client_credentials, oauth2_refresh_token, aws_sigv4 or path"},
		{`"credential": {"params": {}}`, `credential/type: is missing: is "query" meant?`},
		{`"credential": {"token_url": "x", "client_id": "", "refresh_token": ""}`, `credential/type: is missing: is "oauth2_refresh_token" meant?`},
		{`"credential": {"type": "query"}`, "credential/params: is missing"},
		{`"credential": {"type": "query", "param": {}}`, `credential/params: is missing: is "param" meant for it?`},
		{`"credential": {"type": "query", "params": {"": "x"}}`, "credential/params: a parameter needs a name"},
		{`"credential": {"type": "query", "params": {"a=b": "x"}}`, "credential/params: a parameter's name stands without"},
		{`"credential": {"type": "query", "params": {"a": "x", "a": "y"}}`, "credential/params: a key is there twice"},
		{`"credential": {"type": "query", "params": {"a": "x\n"}}`, "credential/params/a: has a line break"},
		{`"credential": {"type": "query", "params": {"a": 5}}`, "credential/params/a: must be text"},
		{clientCredentials(`"token_url": "http://a.example/t"`), "credential/token_url: must begin with https://: everyone"},
		{clientCredentials(`"token_url": "a.example/t"`), "credential/token_url: must begin with https://"},
		{clientCredentials(`"token_url": "https://u:p@a.example/t"`), "credential/token_url: cannot hold a user name"},
		{clientCredentials(`"token_url": "https://a.example/t#x"`), "credential/token_url: cannot have a fragment"},
		{clientCredentials(`"token_url": "http://127.0.0.1.evil.example/t"`), "credential/token_url: must begin with https://: everyone"},
		{clientCredentials(`"token_url": ""`), "credential/token_url: is empty"},
		{clientCredentials(`"token_ur": "https://a.example/t"`), `credential/token_url: is missing: is "token_ur" meant for it?`},
		{clientCredentials(`"token_url": "https://a.example/t", "scopes": "read write"`), "credential/scopes: must be a list"},
		{clientCredentials(`"token_url": "https://a.example/t", "scopes": ["read write"]`), "credential/scopes/0: has a space"},
		{clientCredentials(`"token_url": "https://a.example/t", "auth_style": "basic"`), "credential/auth_style: must be header or params"},
		{clientCredentials(`"token_url": "https://a.example/t", "extra_params": {"grant_type": "x"}`), "credential/extra_params: cannot hold grant_type"},
		{clientCredentials(`"token_url": "https://a.example/t", "extra_params": {"audience": "x"}, "audience": "y"`), "credential/extra_params: has an audience too"},
		{`"credential": {"type": "oauth2_client_credentials", "token_url": "https://a.example/t", "client_id": "x"}`, "credential/client_secret: is missing"},
		{`"credential": {"type": "oauth2_refresh_token", "token_url": "https://a.example/t", "client_id": "x"}`, "credential/refresh_token: is missing"},
		{`"credential": {"type": "oauth2_refresh_token", "token_url": "https://a.example/t", "client_id": "x", "refresh_token": "env://R", "auth_style": "header"}`, "credential/auth_style: is header, for which a client_secret"},
		{`"credential": {"type": "aws_sigv4", "access_key_id": "a", "secret_access_key": "b", "region": "us east", "service": "s3"}`, "credential/region: must be the name of a region"},
		{`"credential": {"type": "aws_sigv4", "access_key_id": "a", "secret_access_key": "b", "region": "us-east-1", "service": "s3/"}`, "credential/service: must be the name"},
		{`"credential": {"type": "aws_sigv4", "access_key_id": "a", "secret_access_key": "b", "region": "us-east-1"}`, "credential/service: is missing"},
		{`"credential": {"type": "Bearer", "token": "x"}`, "credential/type: must be basic"},
		{`"credential": {"headers": {"Host": "x"}}`, "credential/headers: the header Host belongs"},
		{`"credential": {"headers": {"X-A": "1", "x-a": "2"}}`, "credential/headers: the header X-A is there twice"},
		{`"credential": {"token": "env://"}`, "credential/token: an environment reference"},
		{`"credential": {"token": "a\nb"}`, "credential/token: has a line break"},
		{`"valid_audiences": [5]`, "valid_audiences/0: must be text"},
		{`"valid_audiences": ["ok", ""]`, "valid_audiences/1: is empty"},
		{`"read_timeout": 0`, "read_timeout: must be more than 0"},
		{`"read_timeout": -1`, "read_timeout: must be more than 0"},
		{`"read_timeout": 1e400`, "read_timeout: is not a number"},
		{`"read_timeout": 1e9`, "read_timeout: is over"},
		{`"read_timeout": ""`, "read_timeout: is empty"},
		{`"read_timeout": true`, "read_timeout: must be a number"},
		{`"requires_service_token": "maybe"`, "requires_service_token: must be true or false"},
		{`"requires_service_token": []`, "requires_service_token: must be true or false"},
		{`"base_url": "https://b.example"`, `"base_url" is there twice`},
	}
	for _, tt := range tests {
		_, err := Parse("f", fmt.Appendf(nil, `{"services": {"a": {"base_url": "a.example", %s}}}`, tt.src))
		got := problemLines(err)
		if len(got) != 1 || !strings.Contains(got[0], `service "a": `+tt.want) {
			t.Errorf("%s: got %q, want %q", tt.src, got, tt.want)
		}
	}
}

func TestWarnings(t *testing.T) {
	const src = `{
  "_comment": "x", "Services": 1, "audit": 2, "base_url": 3,
  "services": {
    "_comment": "none",
    "a": {
      "_any": 1, "url": "x", "base_url": "http://a.example", "timeoute": 1, "token": "x", "listen": 1, "zzz": 2,
      "requires_service_token": null, "tunnel": 1,
      "credential": {"type": "bearer", "token": "unknwn://a/bb", "tokn": 1, "qqqqqqq": 1, "username": "x"},
      "valid_audiences": ["x", "x"], "audiences": []
    }
  },
  "audit_log": {"root_dir": "logs", "rotdir": 1},
  "tunnel": {},
  "listen": "0.0.0.0:80"
}`
	want := []string{
		`f:2:20: Services: is not known and not used: is "services" meant?`,
		`f:2:35: audit: is not known and not used: is "audit_log" meant?`,
		`f:2:47: base_url: is not used here: it belongs into a service`,
		`f:6:18: service "a": url: is not known and not used: is "base_url" meant?`,
		`f:6:42: service "a": base_url: unencrypted`,
		`f:6:62: service "a": timeoute: is not known`,
		`f:6:77: service "a": token: is not used here: it belongs into "credential"`,
		`f:6:91: service "a": listen: is not used here: it belongs outside`,
		`f:6:104: service "a": zzz: is not known and not used; known are base_url`,
		`f:7:33: service "a": requires_service_token: is null`,
		`f:7:49: service "a": tunnel: is read as true`,
		`f:8:21: service "a": credential: holds a secret in the file itself`,
		`f:8:49: service "a": credential/token: looks like a reference but is none`,
		`f:8:66: service "a": credential/tokn: is not known and not used: is "token" meant?`,
		`f:8:77: service "a": credential: has a key that is not known`,
		`f:8:103: service "a": credential/username: is not used`,
		`f:9:32: service "a": valid_audiences/1: is in the list twice`,
		`f:9:38: service "a": audiences: is not known and not used: is "valid_audiences" meant?`,
		`f:12:29: audit_log/root_dir: is not an absolute path`,
		`f:12:37: audit_log/rotdir: is not known and not used: is "root_dir" meant?`,
		`f:14:13: listen: can be reached from other machines`,
	}
	var got []string
	for _, w := range mustParse(t, []byte(src)).Warnings {
		got = append(got, w.Error())
	}
	check(t, got, want)
}

// TestCredentialWarnings are those of the types that the original did not have.
func TestCredentialWarnings(t *testing.T) {
	const src = `{
  "services": {
    "q": {"base_url": "a.example", "credential": {"type": "query", "params": {"k": " v"}, "parms": 1, "token": "x", "_n": 1}},
    "none": {"base_url": "a.example", "credential": {"type": "query", "params": {}}},
    "c": {"base_url": "a.example", "credential": {"type": "oauth2_client_credentials", "token_url": "https://t.example/",
      "client_id": "i", "client_secret": "keychain://c/s", "scope": [], "extra_params": {"a": "b"}, "refresh_token": "env://R"}},
    "e": {"base_url": "a.example", "credential": {"type": "oauth2_refresh_token", "token_url": "https://t.example/", "client_id": "i", "refresh_token": "env://R"}},
    "l": {"base_url": "a.example", "credential": {"type": "oauth2_refresh_token", "token_url": "https://t.example/", "client_id": "i", "refresh_token": "r"}},
    "f": {"base_url": "a.example", "credential": {"type": "oauth2_refresh_token", "token_url": "https://t.example/", "client_id": "i", "refresh_token": "file:///r"}},
    "w": {"base_url": "a.example", "credential": {"type": "aws_sigv4", "access_key_id": "AKID", "secret_access_key": "env://S", "region": "r", "service": "s3", "regoin": "x", "params": {}}},
    "region": {"base_url": "a.example", "region": "x"}
  }
}`
	want := []string{
		`f:3:50: service "q": credential: holds a secret in the file itself: move it to the vault`,
		`f:3:84: service "q": credential/params/k: begins or ends with a space`,
		`f:3:91: service "q": credential/parms: is not known and not used: is "params" meant?`,
		`f:3:112: service "q": credential/token: is not used by a credential of type query`,
		`f:4:81: service "none": credential/params: is empty`,
		`f:6:60: service "c": credential/scope: is not known and not used: is "scopes" meant?`,
		`f:6:118: service "c": credential/refresh_token: is not used by a credential of type oauth2_client_credentials`,
		`f:7:153: service "e": credential/refresh_token: cannot be replaced in the environment`,
		`f:8:50: service "l": credential: holds a secret in the file itself`,
		`f:8:153: service "l": credential/refresh_token: is not replaced in this file`,
		`f:10:161: service "w": credential/regoin: is not known and not used: is "region" meant?`,
		`f:10:186: service "w": credential/params: is not used by a credential of type aws_sigv4`,
		`f:11:41: service "region": region: is not used here: it belongs into "credential"`,
	}
	var got []string
	for _, w := range mustParse(t, []byte(src)).Warnings {
		got = append(got, w.Error())
	}
	check(t, got, want)
}
