package config

import (
	"bytes"
	"maps"
	"slices"
	"strings"
	"testing"

	"lockbox/proxy/secret"
)

const sourceFile = `{
  // first
  "services": {
    // about a
    "a": {"base_url": "https://a.example", "credential": {"token": "sk-a" /* May */}, "x": 1}, // a's

    "b": {
      "base_url": "https://b.example", // no credential
    },
    /* about c */
    "c": {"base_url": "https://c.example", "credential": {"type": "query", "params": {"key": "sk-c", "app": "env://APP"}}} // c's
  },
  "vault": {"type": "keychain"}, "tunnel": {"authtoken": "keychain://ngrok/authtoken", "again": "env://APP"}
}
`

// TestPutCredentials puts references into the place of keys, and nothing else.
func TestPutCredentials(t *testing.T) {
	cfg := mustParse(t, []byte(sourceFile))
	credentials := map[string]*Credential{}
	for _, name := range []string{"a", "c"} {
		credentials[name] = cfg.Services[name].Credential.With(func(field string, s secret.Source) secret.Source {
			if s.IsRef() {
				return s
			}
			return secret.Source{Ref: secret.KeychainRef(name, field)}
		})
	}
	got, err := PutCredentials([]byte(sourceFile), credentials)
	want := strings.NewReplacer("sk-a", "keychain://a/token", "sk-c", "keychain://c/params%2Fkey").Replace(sourceFile)
	if err != nil || string(got) != want {
		t.Errorf("%v: got\n%s", err, got)
	}
	if cfg.Services["a"].Credential.Token.IsRef() || cfg.Services["c"].Credential.Params[0].Value.IsRef() {
		t.Error("With has changed its receiver")
	}
	if _, err := PutCredentials([]byte(sourceFile), map[string]*Credential{"d": nil}); err == nil || !strings.Contains(err.Error(), `"d"`) {
		t.Errorf("%v; want the name of the service that is not there", err)
	}
}

// TestWithAll goes through every field of every type.
func TestWithAll(t *testing.T) {
	cfg := mustParse(t, read(t, "credentials.jsonc"))
	for name, svc := range cfg.Services {
		if svc.Credential == nil {
			continue
		}
		seen := map[string]secret.Source{}
		same := svc.Credential.With(func(field string, s secret.Source) secret.Source { seen[field] = s; return s })
		if want := maps.Collect(svc.Credential.Sources()); !maps.Equal(seen, want) || !maps.Equal(maps.Collect(same.Sources()), want) {
			t.Errorf("%s: With sees %d fields, Sources %d", name, len(seen), len(want))
		}
	}
}

func TestCopyServices(t *testing.T) {
	const own = "{\n\t\"services\": {\n\t\t// mine\n\t\t\"b\": {\"base_url\": \"https://own.example\"}, // b's\n\t\t\"z\": {\"base_url\": \"https://z.example\"}\n\t}, // end\n}\n"
	for _, tt := range []struct {
		name, dst, want string
		names           []string
	}{
		{"into none", `{"services": {}}`, "{\"services\": {\n    // about a\n    \"a\": {\"base_url\": \"https://a.example\", \"credential\": {\"token\": \"sk-a\" /* May */}, \"x\": 1} // a's\n}}", []string{"a"}},
		{"one new, one replaced", own, "{\n\t\"services\": {\n\t\t// mine\n\t\t\"b\": {\n      \"base_url\": \"https://b.example\", // no credential\n    },\n\t\t\"z\": {\"base_url\": \"https://z.example\"},\n    /* about c */\n    \"c\": {\"base_url\": \"https://c.example\", \"credential\": {\"type\": \"query\", \"params\": {\"key\": \"sk-c\", \"app\": \"env://APP\"}}} // c's\n\t}, // end\n}\n", []string{"b", "c"}},
	} {
		got, err := CopyServices([]byte(tt.dst), []byte(sourceFile), tt.names)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		if string(got) != tt.want {
			t.Errorf("%s: got\n%s", tt.name, got)
		}
		mustParse(t, got)
	}
	if _, err := CopyServices([]byte(own), []byte(sourceFile), []string{"none"}); err == nil {
		t.Error("a service that is not there is copied")
	}
}

func TestKeepMember(t *testing.T) {
	for _, tt := range []struct{ dst, from, want string }{
		{`{"services": {}, "vault": 1}`, `{"vault": 2 /* here */}`, `{"services": {}, "vault": 2}`},
		{`{"services": {}, "vault": 1}`, `{}`, `{"services": {}}`},
		{`{"services": {}}`, `{}`, `{"services": {}}`},
	} {
		got, err := KeepMember([]byte(tt.dst), []byte(tt.from), "vault")
		if err != nil || string(got) != tt.want {
			t.Errorf("KeepMember(%s, %s) = %s, %v; want %s", tt.dst, tt.from, got, err, tt.want)
		}
	}
}

func TestNamesAndReferences(t *testing.T) {
	names, err := ServiceNames([]byte(sourceFile))
	if want := []string{"a", "b", "c"}; err != nil || !slices.Equal(names, want) {
		t.Errorf("ServiceNames = %v, %v; want %v", names, err, want)
	}
	keys, err := TopKeys([]byte(sourceFile))
	if want := []string{"services", "vault", "tunnel"}; err != nil || !slices.Equal(keys, want) {
		t.Errorf("TopKeys = %v, %v; want %v", keys, err, want)
	}
	refs, err := References([]byte(sourceFile))
	if want := []secret.Ref{ref(t, "env://APP").Ref, ref(t, "keychain://ngrok/authtoken").Ref}; err != nil || !slices.Equal(refs, want) {
		t.Errorf("References = %v, %v; want %v", refs, err, want)
	}
}

// BenchmarkImport moves the keys of 10,000 services into a config of as many.
func BenchmarkImport(b *testing.B) {
	src := manyServices(10_000)
	own := bytes.ReplaceAll(src, []byte(`"service-`), []byte(`"own-`))
	cfg, err := Parse("f", src)
	if err != nil {
		b.Fatal(err)
	}
	names, err := ServiceNames(src)
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		credentials := map[string]*Credential{}
		for name, svc := range cfg.Services {
			credentials[name] = svc.Credential.With(func(field string, _ secret.Source) secret.Source {
				return secret.Source{Ref: secret.KeychainRef(name, field)}
			})
		}
		edited, err := PutCredentials(src, credentials)
		if err != nil {
			b.Fatal(err)
		}
		if _, err := CopyServices(own, edited, names); err != nil {
			b.Fatal(err)
		}
	}
}
