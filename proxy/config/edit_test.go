package config

import (
	"bytes"
	"flag"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestEditGolden shows each edit on files of different hands. Read the diffs.
func TestEditGolden(t *testing.T) {
	acme := NewService("acme", base(t, "https://acme.example/v1"))
	acme.Credential = &Credential{Type: Bearer, Token: ref(t, "keychain://acme/token")}
	acme.ValidAudiences = []string{"zapier", "n8n"}
	acme.ReadTimeout = 1500 * time.Millisecond
	edited := func(file, name string, f func(s *Service)) func([]byte) ([]byte, error) {
		s := mustParse(t, read(t, file)).Services[name]
		f(s)
		return func(src []byte) ([]byte, error) { return PutService(src, name, s) }
	}
	renamed := func(s *Service) { s.Name = "renamed" }
	add := func(src []byte) ([]byte, error) {
		s := *acme
		s.Name = "added"
		return PutService(src, "", &s)
	}
	remove := func(names ...string) func([]byte) ([]byte, error) {
		return func(src []byte) (out []byte, err error) {
			out = src
			for _, name := range names {
				if out, err = DeleteService(out, name); err != nil {
					return nil, err
				}
			}
			return out, nil
		}
	}
	settings := func(src []byte) ([]byte, error) {
		out, err := SetListen(src, "127.0.0.1:9000")
		if err != nil {
			return nil, err
		}
		return SetAuditLog(out, &AuditLog{RootDir: "/var/log/lockbox"})
	}
	const commented, credentials = "commented.jsonc", "credentials.jsonc"
	tests := []struct {
		name, file string
		edit       func([]byte) ([]byte, error)
	}{
		{"add", commented, add},
		{"rename", commented, edited(commented, "github", renamed)},
		{"change", commented, edited(commented, "github", func(s *Service) {
			s.BaseURL = base(t, "https://ghe.example/api/v3")
			s.ValidAudiences = []string{"n8n", "make"}
			s.ConnectTimeout = 0
			s.AllowRedirects = true
			s.Credential.Token = ref(t, "env://GHE")
		})},
		{"defaults", commented, edited(commented, "github", func(s *Service) {
			s.Credential, s.ValidAudiences, s.ReadTimeout = nil, nil, DefaultReadTimeout
		})},
		{"retype", commented, edited(commented, "github", func(s *Service) {
			s.Credential = &Credential{Type: Basic, Username: literal("ann"), Password: ref(t, "keychain://github/password")}
		})},
		{"retype_inferred", commented, edited(commented, "stripe", func(s *Service) {
			s.Credential = &Credential{Type: Headers, Headers: []Header{{"X-Key", ref(t, "env://STRIPE")}}}
		})},
		{"headers", commented, edited(commented, "acme", func(s *Service) {
			h := s.Credential.Headers
			s.Credential.Headers = []Header{{"X-Version", literal("2024")}, h[1], h[0]}
		})},
		{"headers_fewer", commented, edited(commented, "acme", func(s *Service) {
			s.Credential.Headers = s.Credential.Headers[:1]
		})},
		{"delete_first", commented, remove("github")},
		{"delete_middle", commented, remove("stripe")},
		{"delete_last", commented, remove("acme")},
		{"delete_all", commented, remove("acme", "github", "stripe")},
		{"settings", commented, settings},
		{"add_original", "original_sample.json", add},
		{"rename_original", "original_sample.json", edited("original_sample.json", "github_public", renamed)},
		{"change_original", "original_sample.json", edited("original_sample.json", "github_private_behind_service_token", func(s *Service) {
			s.Credential.Token = ref(t, "keychain://github/token")
			s.RequiresServiceToken = false
			s.ValidAudiences = []string{}
		})},
		{"delete_original", "original_sample.json", remove("long_running_service_example")},
		{"settings_original", "original_sample.json", settings},
		{"no_audit_original", "original_sample.json", func(src []byte) ([]byte, error) { return SetAuditLog(src, nil) }},
		{"add_readme", "original_readme.json5", add},
		{"add_readme_empty", "original_readme_audit.json5", add},
		{"delete_readme", "original_readme.json5", remove("github_public", "github_public_behind_service_token")},
		{"add_minified", "minified.json", add},
		{"delete_minified", "minified.json", remove("a")},
		{"change_minified", "minified.json", edited("minified.json", "b", func(s *Service) {
			s.ValidAudiences, s.RequiresServiceToken = []string{"x", "y"}, false
		})},
		{"settings_minified", "minified.json", settings},
		{"add_crlf", "crlf.jsonc", add},
		{"change_crlf", "crlf.jsonc", edited("crlf.jsonc", "a", func(s *Service) { s.AllowRedirects = true })},
		{"add_blank", "blank.json", add},
		{"change_public", "public.jsonc", edited("public.jsonc", "github", func(s *Service) {
			s.ReadTimeout, s.TokenInPath, s.AllowLinkLocal = time.Minute, true, true
		})},
		{"close_public", "public.jsonc", edited("public.jsonc", "github", func(s *Service) { s.Tunnel, s.TokenInQuery = false, false })},
		{"settings_public", "public.jsonc", settings},
		{"keep_query", credentials, edited(credentials, "weather", func(s *Service) { s.ReadTimeout = time.Second })},
		{"keep_oauth", credentials, edited(credentials, "crm", func(s *Service) { s.Name, s.AllowRedirects = "sales", true })},
		{"keep_aws", credentials, edited(credentials, "bucket", func(s *Service) { s.ValidAudiences = []string{"n8n"} })},
		{"change_query", credentials, edited(credentials, "weather", func(s *Service) {
			s.Credential.Params = []Param{{"q", literal("1")}, s.Credential.Params[1]}
		})},
		{"change_oauth", credentials, edited(credentials, "mail", func(s *Service) {
			a := &s.Credential.OAuth
			a.Scopes, a.AuthStyle, a.ExtraParams = []string{"offline_access", "Mail.Send"}, AuthInParams, []Param{{"resource", literal("r")}}
			a.ClientSecret = ref(t, "env://MAIL_SECRET")
		})},
		{"change_aws", credentials, edited(credentials, "bucket", func(s *Service) {
			s.Credential.AWS.SessionToken, s.Credential.AWS.Region = ref(t, "env://SESSION"), "us-east-1"
		})},
		{"retype_oauth", credentials, edited(credentials, "crm", func(s *Service) {
			s.Credential = &Credential{Type: Bearer, Token: ref(t, "keychain://crm/token")}
		})},
		{"retype_to_oauth", commented, edited(commented, "github", func(s *Service) {
			s.Credential = &Credential{Type: RefreshToken, OAuth: OAuth{TokenURL: "https://t.example/token", ClientID: literal("app"),
				RefreshToken: ref(t, "keychain://github/refresh_token"), Scopes: []string{"repo"}, ExtraParams: []Param{{"x", literal("y")}}}}
		})},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			src := read(t, tt.file)
			got, err := tt.edit(bytes.Clone(src))
			if err != nil {
				t.Fatal(err)
			}
			mustParse(t, got)
			golden := filepath.Join("testdata", "golden", tt.name+".jsonc")
			if *update {
				if err := os.WriteFile(golden, got, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			want, err := os.ReadFile(golden)
			if err != nil {
				t.Fatal(err)
			}
			if !bytes.Equal(got, want) {
				t.Errorf("got\n%s\nwant\n%s", got, want)
			}
		})
	}
}

// TestEditNothing: to put back what was read changes no byte.
func TestEditNothing(t *testing.T) {
	for _, file := range []string{"commented.jsonc", "credentials.jsonc", "original_sample.json", "original_readme.json5", "minified.json", "crlf.jsonc", "public.jsonc"} {
		src := read(t, file)
		for name, s := range mustParse(t, src).Services {
			if got, err := PutService(src, name, s); err != nil || !bytes.Equal(got, src) {
				t.Errorf("%s, %s: %v, got\n%s", file, name, err, got)
			}
		}
		if got, err := SetListen(src, DefaultListen); err != nil || !bytes.Equal(got, src) {
			t.Errorf("%s: SetListen: %v, got\n%s", file, err, got)
		}
	}
}

// TestEditAddDelete: to delete what was just added leaves the file as it was,
// where its last service has no comment lines after it.
func TestEditAddDelete(t *testing.T) {
	for _, src := range []string{
		string(read(t, "original_sample.json")), string(read(t, "original_readme.json5")),
		string(read(t, "minified.json")), string(read(t, "crlf.jsonc")),
		`{"services": {}}`, "{\n\t\"services\": {},\n}\n", "\xef\xbb\xbf{\"services\": {}} // no line break at the end",
	} {
		added, err := PutService([]byte(src), "", NewService("new", base(t, "new.example")))
		if err != nil {
			t.Fatalf("%q: %v", src, err)
		}
		if !same(mustParse(t, added).Services["new"], NewService("new", base(t, "new.example"))) {
			t.Errorf("%q: the new service is not there:\n%s", src, added)
		}
		if got, err := DeleteService(added, "new"); err != nil || string(got) != src {
			t.Errorf("%v: got\n%q\nwant\n%q", err, got, src)
		}
	}
}

func TestEditRefused(t *testing.T) {
	good := func() *Service { return NewService("new", base(t, "new.example")) }
	with := func(f func(s *Service)) *Service {
		s := good()
		f(s)
		return s
	}
	token := func(s secret.Source) *Service {
		return with(func(s2 *Service) { s2.Credential = &Credential{Type: Bearer, Token: s} })
	}
	const src = `{"services": {"a": {"base_url": "a.example"}, "b": {"base_url": "b.example", "base_url": "c.example"}}}`
	tests := []struct {
		src, old string
		s        *Service
		want     string
	}{
		{src, "", with(func(s *Service) { s.Name = "a" }), `there is a service "a" already`},
		{src, "b", with(func(s *Service) { s.Name = "a" }), `there is a service "a" already`},
		{src, "gone", good(), `there is no service "gone"`},
		{src, "b", good(), `line 1, column 78: service "new": "base_url" is there twice`},
		{src, "a", with(func(s *Service) { s.Name = ".." }), "name: cannot be used"},
		{src, "a", with(func(s *Service) { s.BaseURL = nil }), "base_url: is empty"},
		{src, "a", with(func(s *Service) { s.BaseURL.RawQuery = canary }), "base_url: cannot have a query"},
		{src, "a", with(func(s *Service) { s.BaseURL.Path = "/a/" }), "base_url: cannot end in a slash"},
		{src, "a", with(func(s *Service) { s.BaseURL.Path = "/a?b\\" }), "base_url: cannot have"},
		{src, "a", with(func(s *Service) { s.ValidAudiences = []string{"x", ""} }), "valid_audiences/1: is empty"},
		{src, "a", with(func(s *Service) { s.ReadTimeout = -time.Second }), "read_timeout: must be more"},
		{src, "a", with(func(s *Service) { s.ConnectTimeout = time.Microsecond }), "connect_timeout: must be between"},
		{src, "a", with(func(s *Service) { s.Credential = &Credential{Type: "x"} }), "credential: must be basic"},
		{src, "a", with(func(s *Service) { s.Credential = &Credential{Type: Headers, Headers: []Header{{"a:b", literal("x")}}} }), "credential/headers: a header's name stands"},
		{src, "a", with(func(s *Service) {
			s.Credential = &Credential{Type: Headers, Headers: []Header{{"X-A", literal("x")}, {"x-a", literal("y")}}}
		}), "credential/headers: the header X-A is there twice"},
		{src, "a", with(func(s *Service) { s.Tunnel, s.RequiresServiceToken = true, false }), "tunnel: needs"},
		{src, "a", token(literal("a\nb")), "credential/token: has a line break"},
		{src, "a", token(literal("env://" + canary)), "credential/token: begins like a reference"},
		{src, "a", token(literal("\xff")), "credential/token: is not valid text"},
		{src, "a", token(secret.Source{Ref: secret.Ref{Scheme: "vault", Field: "x"}}), "credential/token: unknown kind"},
		{src, "a", token(secret.Source{Ref: secret.Ref{Scheme: secret.Env, Service: "x", Field: "y"}}), "credential/token: is not a reference"},
		{`{"services": {"a": `, "a", good(), "line 1, column 14: the { here is never closed"},
		{`{"services": []}`, "", good(), "line 1, column 14: services: must be an object"},
		{`{"services": {}, "services": {}}`, "", good(), `line 1, column 18: "services" is there twice`},
		{`[]`, "", good(), "line 1, column 1: must be an object"},
	}
	for _, tt := range tests {
		got, err := PutService([]byte(tt.src), tt.old, tt.s)
		if err == nil || !strings.HasPrefix(err.Error(), tt.want) || got != nil {
			t.Errorf("PutService(%q, %q): got %v, want %q", tt.src, tt.old, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), canary) {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
	for want, f := range map[string]func() ([]byte, error){
		`there is no service "gone"`:             func() ([]byte, error) { return DeleteService([]byte(src), "gone") },
		"listen: is not an address":              func() ([]byte, error) { return SetListen([]byte(src), "x") },
		"audit_log/root_dir: is empty":           func() ([]byte, error) { return SetAuditLog([]byte(src), &AuditLog{}) },
		`audit_log/type: must be`:                func() ([]byte, error) { return SetAuditLog([]byte(src), &AuditLog{Type: "s3", RootDir: "/x"}) },
		"line 1, column 2: a value must stand":   func() ([]byte, error) { return SetAuditLog([]byte("{,}"), nil) },
		"line 1, column 1: the { here is never ": func() ([]byte, error) { return DeleteService([]byte("{"), "a") },
	} {
		if got, err := f(); err == nil || !strings.HasPrefix(err.Error(), want) || got != nil {
			t.Errorf("got %v, want %q", err, want)
		}
	}
}

// TestEditBrokenNeighbour: a service can be put right while another is wrong.
func TestEditBrokenNeighbour(t *testing.T) {
	const src = `{"services": {"a": {"base_url": 5, "credential": {"type": 7, "token": []}}, "b": {"base_url": ""}, "c": 1}}`
	s := NewService("a", base(t, "a.example"))
	s.Credential = &Credential{Type: Bearer, Token: ref(t, "env://A")}
	out, err := PutService([]byte(src), "a", s)
	if err == nil {
		out, err = DeleteService(out, "b")
	}
	if err == nil {
		out, err = PutService(out, "c", NewService("c", base(t, "c.example")))
	}
	if err != nil {
		t.Fatal(err)
	}
	if c := mustParse(t, out); len(c.Services) != 2 || !same(c.Services["a"], s) {
		t.Errorf("got %s", out)
	}
}

// TestEditSettings: the settings read back.
func TestEditSettings(t *testing.T) {
	src := []byte(`{"listen": "[::1]:1", "services": {}, "audit_log": {"root_dir": "/a", "_x": 1}}`)
	out, err := SetListen(src, DefaultListen)
	if err != nil {
		t.Fatal(err)
	}
	if out, err = SetAuditLog(out, &AuditLog{Type: LocalDir, RootDir: `C:\b`}); err != nil {
		t.Fatal(err)
	}
	if want := `{"listen": "127.0.0.1:8000", "services": {}, "audit_log": {"root_dir": "C:\\b", "_x": 1}}`; string(out) != want {
		t.Errorf("got %s, want %s", out, want)
	}
	c := mustParse(t, out)
	if want := (&AuditLog{LocalDir, `C:\b`}); c.Listen != DefaultListen || !reflect.DeepEqual(c.AuditLog, want) {
		t.Errorf("got %q, %+v", c.Listen, c.AuditLog)
	}
}
