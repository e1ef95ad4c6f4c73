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
	if !slices.Equal(fx, fy) || x.Credential != nil && x.Credential.Type != y.Credential.Type {
		return false
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
	if len(c.Warnings) != 1 || !strings.Contains(c.Warnings[0].Error(), "keychain") || c.Warnings[0].Line != 14 {
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

func TestRefusedFields(t *testing.T) {
	tests := []struct{ src, want string }{
		{`"credential": {}`, `credential: needs "username"`},
		{`"credential": {"type": "basic", "username": "x"}`, "credential/password: is missing"},
		{`"credential": {"type": "basic", "user_name": "x", "password": "y"}`, `credential/username: is missing: is "user_name" meant for it?`},
		{`"credential": {"type": "aws_sigv4"}`, "credential/type: this version has no aws_sigv4"},
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
		`f:13:13: tunnel: is not used`,
		`f:14:13: listen: can be reached from other machines`,
	}
	var got []string
	for _, w := range mustParse(t, []byte(src)).Warnings {
		got = append(got, w.Error())
	}
	check(t, got, want)
}
