package config

import (
	"bytes"
	"errors"
	"net/netip"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/tailscale/hujson"

	"lockbox/proxy/secret"
)

func seeds(f *testing.F) [][]byte {
	f.Helper()
	files, err := filepath.Glob("testdata/*.json*")
	if err != nil || len(files) < 5 {
		f.Fatalf("seeds: %v, %v", files, err)
	}
	var all [][]byte
	for _, file := range files {
		src, err := os.ReadFile(file)
		if err != nil {
			f.Fatal(err)
		}
		all = append(all, src)
	}
	for _, s := range []string{
		`{}`, `{"services":{}}`, "{// c\r\n\"services\":{/*a*/\"a\"/*b*/:/*c*/{\"base_url\":\"x\"/*d*/,/*e*/}/*f*/,/*g*/}}// end",
		"{ // x\n \"services\": {\"a\": {\"base_url\": \"x\"}, // a\n\n // s\n\n \"b\": {\"base_url\": \"y\"} // b\n , \"c\": {\"base_url\": \"z\"}}}",
		`{"services":{"a":{"base_url":"x","valid_audiences":["p",/*q*/"q",],"credential":{"headers":{"A":"1",/*b*/"B":"2"}}}}}`,
		`{"services":{"a":{"base_url":"x","credential":{"type":"query",/*p*/"params":{"A":"1",/*b*/"B":"2"}}}}}`,
		`{"services":{"a":{"base_url":"x","credential":{"type":"oauth2_refresh_token","token_url":"https://t/","client_id":"i",/*r*/"refresh_token":"env://R","scopes":["a",/*b*/"b"],"extra_params":{"c":"d"},"auth_style":null}}}}`,
		`{"services":{"a":{"base_url":"x","credential":{"type":"oauth2_client_credentials","token_url":"http://[::1]/","client_id":"i","client_secret":"s","scopes":null,"audience":"a"}}}}`,
		`{"services":{"a":{"base_url":"x","credential":{"type":"aws_sigv4","access_key_id":"i","secret_access_key":"s","session_token":null,"region":"r","service":"s3"}}}}`,
	} {
		all = append(all, []byte(s))
	}
	return all
}

// FuzzParse: no panic; either a config or problems that have a place in the
// file; what was loaded keeps the promises of the schema.
func FuzzParse(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		c, err := Parse("f", src)
		var ps Problems
		if err != nil {
			if !errors.As(err, &ps) || len(ps) == 0 || c != nil {
				t.Fatalf("got %v, %#v", c, err)
			}
		} else {
			ps = c.Warnings
			for name, s := range c.Services {
				if s.Name != name {
					t.Errorf("service %q is called %q", name, s.Name)
				}
				if err := CheckService(s); err != nil {
					t.Errorf("service %q was loaded: %v", name, err)
				}
			}
			if err := CheckListen(c.Listen); err != nil {
				t.Errorf("listen %q was loaded: %v", c.Listen, err)
			}
		}
		lines := bytes.Count(src, []byte("\n")) + 2
		for _, p := range ps {
			if p.Line < 1 || p.Line > lines || p.Column < 1 || p.Message == "" {
				t.Errorf("a problem without a place: %#v", p)
			}
		}
	})
}

// FuzzEdit: what was put in is what the edited file says, and all else says
// what it said before, comments and unknown keys included.
func FuzzEdit(f *testing.F) {
	for i, src := range seeds(f) {
		f.Add(src, "a", "new", "https://new.example/v1", "key", "X-B,X-C", "n8n,q", uint32(5000), uint8(i))
		f.Add(src, "github", "github", "a.example", "env://K", "X-Key,X-Id", "", uint32(0), uint8(7*i))
		f.Add(src, "", "é \"q\"", "a.example", "x\u2028y", "B,A", "p", uint32(30000), uint8(13*i))
	}
	f.Fuzz(func(t *testing.T, src []byte, old, name, url, key, headers, audiences string, millis uint32, choice uint8) {
		if s := fuzzService(name, url, key, headers, audiences, millis, choice); s != nil && CheckService(s) == nil {
			checkEdit(t, src, old, s)
		}
	})
}

// checkEdit puts s into src in the place of old, and takes it out again.
func checkEdit(t *testing.T, src []byte, old string, s *Service) {
	t.Helper()
	before, err := Parse("f", src)
	if err != nil {
		return
	}
	out, err := PutService(src, old, s)
	_, taken := before.Services[s.Name]
	_, there := before.Services[old]
	if err != nil {
		if (old == "" || there) && (!taken || s.Name == old) && !strings.HasPrefix(s.Name, "_") {
			t.Fatalf("PutService(%q): %v in\n%s", old, err, src)
		}
		return
	}
	after := mustParse(t, out)
	if got := after.Services[s.Name]; got == nil || !same(got, s) {
		t.Fatalf("put\n%+v %+v\ngot\n%+v\nfrom\n%s", s, s.Credential, got, out)
	}
	delete(after.Services, s.Name)
	kept := mustParse(t, src)
	delete(kept.Services, old)
	sameConfig(t, after, kept, out)
	if lost := missingComment(t, src, out, old); lost != "" {
		t.Errorf("the comment %q is lost in\n%s\nof\n%s", lost, out, src)
	}
	if again, err := PutService(out, s.Name, s); err != nil || !bytes.Equal(again, out) {
		t.Errorf("put twice: %v, got\n%s\nwant\n%s", err, again, out)
	}

	deleted, err := DeleteService(out, s.Name)
	if err != nil {
		t.Fatal(err)
	}
	sameConfig(t, mustParse(t, deleted), kept, deleted)

	set, err := SetListen(src, "127.0.0.1:1")
	if err == nil {
		set, err = SetAuditLog(set, &AuditLog{LocalDir, "/x"})
	}
	if err != nil {
		t.Fatal(err)
	}
	if c := mustParse(t, set); c.Listen != "127.0.0.1:1" || !reflect.DeepEqual(c.AuditLog, &AuditLog{LocalDir, "/x"}) || len(c.Services) != len(before.Services) {
		t.Errorf("settings: got %+v from\n%s", c, set)
	}
}

func fuzzService(name, url, key, headers, audiences string, millis uint32, choice uint8) *Service {
	u, _, err := ParseBaseURL(url)
	if err != nil {
		return nil
	}
	s := NewService(name, u)
	s.RequiresServiceToken, s.AllowRedirects = choice&1 == 0, choice&2 != 0
	s.Tunnel, s.TokenInQuery = s.RequiresServiceToken && choice&32 != 0, choice&64 != 0
	s.TokenInPath, s.AllowLinkLocal = choice&128 != 0, millis%2 == 1
	s.LeakGuard = []LeakGuard{LeakGuardOn, LeakGuardStrict, LeakGuardOff}[millis%3]
	if s.Tunnel && millis%3 == 0 {
		s.AllowFrom = []netip.Prefix{netip.MustParsePrefix("203.0.113.0/24"), netip.MustParsePrefix("2001:db8::7/128")}
	}
	if millis%5 == 0 {
		s.DefaultHeaders = []DefaultHeader{{"X-E", "3"}, {"x-new", "a b"}}
	}
	s.ReadTimeout = time.Duration(millis) * time.Millisecond
	if choice&4 != 0 {
		s.ValidAudiences = strings.Split(audiences, ",")
	}
	source := literal(key)
	if strings.HasPrefix(key, "env://") && len(key) > 6 {
		source.Literal, source.Ref.Scheme, source.Ref.Field = literal("").Literal, "env", key[6:]
	}
	switch choice >> 3 & 3 {
	case 1:
		s.Credential = &Credential{Type: Basic, Username: source, Password: source}
	case 2:
		s.Credential = &Credential{Type: Bearer, Token: source}
		if millis%7 == 0 {
			s.Credential.Type, s.Credential.Segment = Path, "v1-{token}"
		}
	case 3:
		s.Credential = &Credential{Type: Headers}
		for h := range strings.SplitSeq(headers, ",") {
			s.Credential.Headers = append(s.Credential.Headers, Header{h, source})
		}
	}
	if choice >= 128 {
		s.Credential = fuzzCredential(source, headers, audiences, choice)
	}
	return s
}

// fuzzCredential is one of the types that the original did not have.
func fuzzCredential(source secret.Source, names, scopes string, choice uint8) *Credential {
	var params []Param
	for name := range strings.SplitSeq(names, ",") {
		params = append(params, Param{name, source})
	}
	c := &Credential{Type: []CredentialType{Query, ClientCredentials, RefreshToken, SigV4}[choice>>5&3]}
	switch c.Type {
	case Query:
		c.Params = params
	case SigV4:
		c.AWS = AWS{AccessKeyID: source, SecretAccessKey: source, Region: "r", Service: "s3"}
		if choice&8 != 0 {
			c.AWS.SessionToken = source
		}
	default:
		c.OAuth = OAuth{TokenURL: "https://t.example/", ClientID: source, ClientSecret: source}
		if c.Type == RefreshToken {
			c.OAuth.RefreshToken = source
		}
		if choice&8 != 0 {
			c.OAuth.Scopes, c.OAuth.Audience, c.OAuth.AuthStyle = strings.Split(scopes, ","), "aud", AuthInParams
		}
		if choice&16 != 0 {
			c.OAuth.ExtraParams = params
		}
	}
	return c
}

// sameConfig compares all but what an edit may change: the warnings.
func sameConfig(t *testing.T, got, want *Config, src []byte) {
	t.Helper()
	if len(got.Services) != len(want.Services) || got.Listen != want.Listen || got.PublicListen != want.PublicListen || got.UseProxyEnv != want.UseProxyEnv || !reflect.DeepEqual(got.AuditLog, want.AuditLog) {
		t.Errorf("got %+v, want %+v from\n%s", got, want, src)
	}
	for name, s := range want.Services {
		if g := got.Services[name]; g == nil || !same(g, s) {
			t.Errorf("service %q: got %+v, want %+v from\n%s", name, g, s, src)
		}
	}
}

// missingComment is a comment outside the service old that an edit lost.
func missingComment(t *testing.T, src, out []byte, old string) string {
	t.Helper()
	doc, err := parseDocument("", src)
	if err != nil {
		t.Fatal(err)
	}
	var edited *hujson.Value
	root := doc.root.Value.(*hujson.Object)
	for _, m := range root.Members {
		if services, ok := m.Value.Value.(*hujson.Object); ok && text(m.Name.Value) == "services" {
			for i := range services.Members {
				if text(services.Members[i].Name.Value) == old {
					edited = &services.Members[i].Value
				}
			}
		}
	}
	if edited != nil {
		edited.Value = hujson.Literal("null")
	}
	for v := range doc.root.All() {
		extras := []hujson.Extra{v.BeforeExtra, v.AfterExtra}
		switch c := v.Value.(type) {
		case *hujson.Object:
			extras = append(extras, c.AfterExtra)
		case *hujson.Array:
			extras = append(extras, c.AfterExtra)
		}
		for _, e := range extras {
			for line := range bytes.Lines(e) {
				if line = bytes.TrimSpace(line); !bytes.Contains(out, line) {
					return string(line)
				}
			}
		}
	}
	return ""
}

// FuzzStore: an object that is taken apart and put together is what it was.
func FuzzStore(f *testing.F) {
	for _, src := range seeds(f) {
		f.Add(src)
	}
	f.Fuzz(func(t *testing.T, src []byte) {
		doc, err := parseDocument("", src)
		if err != nil {
			return
		}
		st := &style{newline: "\n"}
		parent := &list{style: st}
		for v := range doc.root.All() {
			switch c := v.Value.(type) {
			case *hujson.Object:
				st.memberList(c, nil).store()
			case *hujson.Array:
				parent.elements(&item{}, c).store()
			}
		}
		if got := doc.root.Pack(); !bytes.Equal(got, doc.src) {
			t.Errorf("got\n%q\nwant\n%q", got, doc.src)
		}
	})
}
