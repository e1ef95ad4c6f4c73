package token

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lockbox/proxy/secret"
)

var (
	now = time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	key = secret.New("0123456789abcdef0123456789abcdef")
)

func TestIssueAndVerify(t *testing.T) {
	raw, made, err := Issue(key, "github", "zapier", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(Keys{Current: key})
	tests := []struct {
		name      string
		service   string
		audiences []string
		at        time.Time
		want      error
	}{
		{"any audience", "github", nil, now, nil},
		{"this audience", "github", []string{"make", "zapier"}, now, nil},
		{"another audience", "github", []string{"make"}, now, ErrAudience},
		{"no audience at all", "github", []string{}, now, ErrAudience},
		{"another service", "slack", nil, now, ErrWrongService},
		{"case counts", "GitHub", nil, now, ErrWrongService},
		{"the last moment", "github", nil, now.Add(time.Hour - time.Nanosecond), nil},
		{"the moment it expires", "github", nil, now.Add(time.Hour), ErrExpired},
	}
	for _, tt := range tests {
		c, err := v.Service(raw.Reveal(), tt.service, tt.audiences, tt.at)
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if c.JTI != made.JTI || c.Service != "github" || len(c.Audience) != 1 || !c.Expires.Equal(made.Expires) || !c.IssuedAt.Equal(now) {
			t.Errorf("%s: the signature is good, so the claims are wanted: %+v", tt.name, c)
		}
	}
	if _, err := v.Admin(raw.Reveal(), now); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("a service token as admin: %v, want %v", err, ErrNotAdmin)
	}
	again, other, err := Issue(key, "github", "zapier", time.Hour, now)
	if err != nil || again.Equal(raw) || other.JTI == made.JTI || made.JTI == "" {
		t.Errorf("two tokens are alike: %v, %q and %q", err, other.JTI, made.JTI)
	}
}

func TestIssueRefuses(t *testing.T) {
	tests := []struct {
		name              string
		key               secret.Value
		service, audience string
		lifetime          time.Duration
	}{
		{"no key", secret.Value{}, "s", "a", time.Hour},
		{"a blank key", secret.New(" \n"), "s", "a", time.Hour},
		{"no service", key, "", "a", time.Hour},
		{"no audience", key, "s", "", time.Hour},
		{"no lifetime", key, "s", "a", 0},
		{"a negative lifetime", key, "s", "a", -time.Hour},
	}
	for _, tt := range tests {
		if raw, _, err := Issue(tt.key, tt.service, tt.audience, tt.lifetime, now); err == nil || !raw.IsZero() {
			t.Errorf("%s: no error", tt.name)
		}
	}
	if _, err := IssueAdmin(secret.Value{}, time.Hour, now); !errors.Is(err, ErrNoKey) {
		t.Errorf("admin without a key: %v, want %v", err, ErrNoKey)
	}
}

func TestAdmin(t *testing.T) {
	raw, err := IssueAdmin(key, time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	v := NewVerifier(Keys{Current: key})
	if c, err := v.Admin(raw.Reveal(), now); err != nil || !c.Admin {
		t.Errorf("Admin() = %+v, %v", c, err)
	}
	if _, err := v.Service(raw.Reveal(), "", nil, now); err == nil {
		t.Error("an admin token opens the service without a name")
	}
	for name, admin := range map[string]any{"a string": "true", "a number": 1, "false": false, "a list": []bool{true}, "nothing": nil} {
		raw := signed(t, jwt.MapClaims{"iss": Issuer, "exp": now.Add(time.Hour).Unix(), "admin": admin})
		if _, err := v.Admin(raw, now); !errors.Is(err, ErrNotAdmin) {
			t.Errorf("admin is %s: %v, want %v", name, err, ErrNotAdmin)
		}
	}
	raw2 := signed(t, jwt.MapClaims{"iss": Issuer, "exp": now.Add(time.Hour).Unix(), "ADMIN": true})
	if _, err := v.Admin(raw2, now); !errors.Is(err, ErrNotAdmin) {
		t.Errorf("ADMIN: %v, want %v", err, ErrNotAdmin)
	}
}

func signed(t testing.TB, c jwt.MapClaims) string {
	t.Helper()
	return signedWith(t, jwt.NewWithClaims(jwt.SigningMethodHS256, c), []byte(key.Reveal()))
}

func signedWith(t testing.TB, tok *jwt.Token, key any) string {
	t.Helper()
	raw, err := tok.SignedString(key)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestHostileTokens(t *testing.T) {
	exp := now.Add(time.Hour).Unix()
	good := func(change func(jwt.MapClaims)) jwt.MapClaims {
		c := jwt.MapClaims{"iss": Issuer, "exp": exp, "service_name": "s", "aud": "a"}
		if change != nil {
			change(c)
		}
		return c
	}
	with := func(name string, value any) string {
		return signed(t, good(func(c jwt.MapClaims) { c[name] = value }))
	}
	without := func(name string) string { return signed(t, good(func(c jwt.MapClaims) { delete(c, name) })) }
	header := func(name string, value any) string {
		tok := jwt.NewWithClaims(jwt.SigningMethodHS256, good(nil))
		tok.Header[name] = value
		return signedWith(t, tok, []byte(key.Reveal()))
	}
	fine := signed(t, good(nil))
	parts := strings.Split(fine, ".")
	b64 := base64.RawURLEncoding.EncodeToString
	tests := []struct {
		name, raw string
		want      error
	}{
		{"fine", fine, nil},
		{"empty", "", ErrMalformed},
		{"no token", "hello", ErrMalformed},
		{"two parts", parts[0] + "." + parts[1], ErrMalformed},
		{"four parts", fine + ".x", ErrMalformed},
		{"no signature", parts[0] + "." + parts[1] + ".", ErrSignature},
		{"padding", fine + "=", ErrMalformed},
		{"white space", " " + fine, ErrMalformed},
		{"alg none", signedWith(t, jwt.NewWithClaims(jwt.SigningMethodNone, good(nil)), jwt.UnsafeAllowNoneSignatureType), ErrSignature},
		{"HS512", signedWith(t, jwt.NewWithClaims(jwt.SigningMethodHS512, good(nil)), []byte(key.Reveal())), ErrSignature},
		{"HS384", signedWith(t, jwt.NewWithClaims(jwt.SigningMethodHS384, good(nil)), []byte(key.Reveal())), ErrSignature},
		{"alg hs256", header("alg", "hs256"), ErrSignature},
		{"alg RS256", header("alg", "RS256"), ErrSignature},
		{"alg is a number", header("alg", 1), ErrSignature},
		{"crit", header("crit", []string{"b64"}), ErrMalformed},
		{"another key", signedWith(t, jwt.NewWithClaims(jwt.SigningMethodHS256, good(nil)), []byte("other")), ErrSignature},
		{"the empty key", signedWith(t, jwt.NewWithClaims(jwt.SigningMethodHS256, good(nil)), []byte("")), ErrSignature},
		{"claims changed", parts[0] + "." + b64([]byte(`{"iss":"lockbox","exp":9999999999,"service_name":"s","aud":"a"}`)) + "." + parts[2], ErrSignature},
		{"claims are a list", parts[0] + "." + b64([]byte(`[]`)) + "." + parts[2], ErrMalformed},
		{"no exp", without("exp"), ErrMalformed},
		{"exp null", with("exp", nil), ErrMalformed},
		{"exp a string", with("exp", "9999999999"), ErrMalformed},
		{"exp negative", with("exp", -1), ErrMalformed},
		{"exp zero", with("exp", 0), ErrExpired},
		{"exp huge", with("exp", 1e300), nil},
		{"exp with a fraction", with("exp", float64(exp)+0.5), nil},
		{"iat a string", with("iat", "now"), ErrMalformed},
		{"no iss", without("iss"), ErrIssuer},
		{"another iss", with("iss", "Lockbox"), ErrIssuer},
		{"iss a list", with("iss", []string{Issuer}), ErrIssuer},
		{"no aud", without("aud"), ErrAudience},
		{"aud an empty list", with("aud", []string{}), ErrAudience},
		{"aud a list", with("aud", []string{"b", "a"}), nil},
		{"aud a number", with("aud", 1), ErrMalformed},
		{"aud a list of numbers", with("aud", []int{1}), ErrMalformed},
		{"no service_name", without("service_name"), ErrWrongService},
		{"service_name a list", with("service_name", []string{"s"}), ErrWrongService},
		{"SERVICE_NAME", signed(t, jwt.MapClaims{"iss": Issuer, "exp": exp, "SERVICE_NAME": "s", "aud": "a"}), ErrWrongService},
		{"too long", with("x", strings.Repeat("x", MaxLength)), ErrMalformed},
		{"deeply nested", parts[0] + "." + b64([]byte(strings.Repeat("[", 5000))) + "." + parts[2], ErrMalformed},
	}
	v := NewVerifier(Keys{Current: key})
	for _, tt := range tests {
		_, err := v.Service(tt.raw, "s", nil, now)
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
		if err != nil && len(tt.raw) > 20 && strings.Contains(err.Error(), tt.raw[:20]) {
			t.Errorf("%s: the error holds the token: %v", tt.name, err)
		}
	}
}

func TestKeys(t *testing.T) {
	old := secret.New("an older key of at least 32 bytes, too")
	fromOld, _, err := Issue(old, "s", "a", time.Hour, now)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name string
		keys Keys
		want error
	}{
		{"none", Keys{}, ErrNoKey},
		{"blank", Keys{Current: secret.New("\n")}, ErrNoKey},
		{"rotated", Keys{Current: key, Former: []FormerKey{{old, now.Add(time.Minute)}}}, nil},
		{"the grace time is over", Keys{Current: key, Former: []FormerKey{{old, now}}}, ErrSignature},
		{"a blank former key", Keys{Current: key, Former: []FormerKey{{secret.Value{}, now.Add(time.Hour)}}}, ErrSignature},
		{"a former key alone", Keys{Former: []FormerKey{{old, now.Add(time.Hour)}}}, nil},
		{"a former key alone, over", Keys{Former: []FormerKey{{old, now}}}, ErrSignature},
	}
	for _, tt := range tests {
		_, err := NewVerifier(tt.keys).Service(fromOld.Reveal(), "s", nil, now)
		if !errors.Is(err, tt.want) || tt.want == nil && err != nil {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	if a, b := NewKey(), NewKey(); a.Equal(b) || a.Len() < WeakKeyLength {
		t.Errorf("NewKey: two alike, or only %d bytes", a.Len())
	}
}

// vectors are tokens that PyJWT made as the Python original calls it.
func vectors(t testing.TB) (list []struct {
	Name, Key, Token string
	Claims           map[string]any
}) {
	t.Helper()
	text, err := os.ReadFile("testdata/pyjwt.json")
	if err == nil {
		err = json.Unmarshal(text, &list)
	}
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestTokensOfTheOriginal(t *testing.T) {
	for _, x := range vectors(t) {
		v := NewVerifier(Keys{Current: secret.New(x.Key)})
		var err error
		if x.Claims["admin"] == true {
			_, err = v.Admin(x.Token, now)
		} else {
			_, err = v.Service(x.Token, "echo", []string{"zapier"}, now)
		}
		if want := map[string]error{"expired": ErrExpired}[x.Name]; !errors.Is(err, want) || want == nil && err != nil {
			t.Errorf("%s: %v, want %v", x.Name, err, want)
		}
		stripped := NewVerifier(Keys{Current: secret.New(strings.TrimSuffix(x.Key, "\n"))})
		if _, err := stripped.Service(x.Token, "echo", nil, now); strings.HasSuffix(x.Key, "\n") && !errors.Is(err, ErrSignature) {
			t.Errorf("%s: the newline belongs to the key: %v", x.Name, err)
		}
	}
}

func FuzzVerify(f *testing.F) {
	for _, x := range vectors(f) {
		f.Add(x.Token)
	}
	f.Add("..")
	v := NewVerifier(Keys{Current: key})
	f.Fuzz(func(t *testing.T, s string) {
		// No one but us has the key.
		if c, err := v.Service(s, "s", nil, now); err == nil {
			t.Errorf("accepted %q with %+v", s, c)
		}
	})
}

func FuzzClaims(f *testing.F) {
	f.Add(`{"iss":"lockbox","exp":1e18,"service_name":"s","aud":["a"]}`)
	f.Add(`{"exp":-0,"aud":[1],"iat":1e400}`)
	v := NewVerifier(Keys{Current: key})
	f.Fuzz(func(t *testing.T, claims string) {
		head := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"HS256"}`)) + "." + base64.RawURLEncoding.EncodeToString([]byte(claims))
		sig, err := jwt.SigningMethodHS256.Sign(head, []byte(key.Reveal()))
		if err != nil {
			t.Fatal(err)
		}
		c, err := v.Service(head+"."+base64.RawURLEncoding.EncodeToString(sig), "s", []string{"a"}, now)
		if err == nil && (c.Service != "s" || !c.Expires.After(now) || len(c.Audience) == 0) {
			t.Errorf("accepted %q as %+v", claims, c)
		}
	})
}

func BenchmarkVerify(b *testing.B) {
	raw, _, err := Issue(key, "github", "zapier", time.Hour, now)
	if err != nil {
		b.Fatal(err)
	}
	v := NewVerifier(Keys{Current: key})
	for b.Loop() {
		if _, err := v.Service(raw.Reveal(), "github", nil, now); err != nil {
			b.Fatal(err)
		}
	}
}
