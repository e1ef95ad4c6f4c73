package proxy

import (
	"encoding/base64"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

func basic(user, password string) string {
	return "Basic " + base64.StdEncoding.EncodeToString([]byte(user+":"+password))
}

// signed makes a token of any claims with any key.
func signed(t *testing.T, key string, claims jwt.MapClaims) string {
	t.Helper()
	text, err := jwt.NewWithClaims(jwt.SigningMethodHS256, claims).SignedString([]byte(key))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func claims(change ...any) jwt.MapClaims {
	c := jwt.MapClaims{"iss": "lockbox", "service_name": "e", "aud": "x", "exp": time.Now().Add(time.Hour).Unix()}
	for i := 0; i < len(change); i += 2 {
		if change[i+1] == nil {
			delete(c, change[i].(string))
		} else {
			c[change[i].(string)] = change[i+1]
		}
	}
	return c
}

func TestTokens(t *testing.T) {
	up := echo(t)
	l := newLab(t, services(
		"e", shut(up.URL, `"valid_audiences": ["x"]`),
		"any", shut(up.URL),
		"none", shut(up.URL, `"valid_audiences": []`),
		"keyed", shut(up.URL, `"credential": {"type": "bearer", "token": "real-key-0001"}`),
	))
	key := labKey.Reveal()
	good := l.token(t, "e")
	tests := []struct {
		name    string
		service string
		headers []string
		status  int
		code    string
		auth    string // Authorization at the upstream
	}{
		{"bearer", "e", []string{"Authorization", "Bearer " + good}, 200, "", ""},
		{"bearer in small letters", "e", []string{"Authorization", "bearer " + good}, 200, "", ""},
		{"bearer in capitals, two spaces", "e", []string{"Authorization", "BEARER  " + good}, 200, "", ""},
		{"password of basic", "e", []string{"Authorization", basic("anyone", good)}, 200, "", ""},
		{"password of basic without user", "e", []string{"Authorization", basic("", good)}, 200, "", ""},
		{"password of basic without padding", "e", []string{"Authorization", strings.TrimRight(basic("u", good), "=")}, 200, "", ""},
		{"own header", "e", []string{"X-Lockbox-Token", good}, 200, "", ""},
		{"own header in small letters", "e", []string{"x-lockbox-token", good}, 200, "", ""},
		{"own header, Authorization for the upstream", "e", []string{"X-Lockbox-Token", good, "Authorization", "Bearer mine"}, 200, "", "Bearer mine"},
		{"own header, same token in Authorization", "e", []string{"X-Lockbox-Token", good, "Authorization", "Bearer " + good}, 200, "", ""},
		{"own header, another service's token in Authorization", "e", []string{"X-Lockbox-Token", good, "Authorization", basic("u", l.token(t, "any"))}, 200, "", ""},
		{"credential over Authorization for the upstream", "keyed", []string{"X-Lockbox-Token", l.token(t, "keyed"), "Authorization", "Bearer mine"}, 200, "", "Bearer real-key-0001"},
		{"credential over token", "keyed", []string{"Authorization", "Bearer " + l.token(t, "keyed")}, 200, "", "Bearer real-key-0001"},
		{"any audience", "any", []string{"Authorization", "Bearer " + l.token(t, "any")}, 200, "", ""},
		{"list of audiences", "e", []string{"Authorization", "Bearer " + signed(t, key, claims("aud", []string{"y", "x"}))}, 200, "", ""},

		{"nothing", "e", nil, 401, "token_missing", ""},
		{"nothing, revoked", "none", nil, 401, "token_missing", ""},
		{"no audience is valid", "none", []string{"Authorization", "Bearer " + l.token(t, "none")}, 401, "token_audience", ""},
		{"empty bearer", "e", []string{"Authorization", "Bearer "}, 401, "token_malformed", ""},
		{"no scheme", "e", []string{"Authorization", good}, 401, "token_malformed", ""},
		{"other scheme", "e", []string{"Authorization", "Token " + good}, 401, "token_malformed", ""},
		{"basic without colon", "e", []string{"Authorization", "Basic " + base64.StdEncoding.EncodeToString([]byte(good))}, 401, "token_malformed", ""},
		{"token as user of basic", "e", []string{"Authorization", basic(good, "")}, 401, "token_malformed", ""},
		{"basic of no base64", "e", []string{"Authorization", "Basic %%%"}, 401, "token_malformed", ""},
		{"Authorization twice", "e", []string{"Authorization", "Bearer " + good, "Authorization", "Bearer mine"}, 401, "token_malformed", ""},
		{"own header twice", "e", []string{"X-Lockbox-Token", good, "X-Lockbox-Token", good}, 401, "token_malformed", ""},
		{"own header empty", "e", []string{"X-Lockbox-Token", "", "Authorization", "Bearer " + good}, 401, "token_malformed", ""},
		{"own header wrong", "e", []string{"X-Lockbox-Token", "nonsense", "Authorization", "Bearer " + good}, 401, "token_malformed", ""},
		{"garbage", "e", []string{"Authorization", "Bearer garbage"}, 401, "token_malformed", ""},
		{"three parts of garbage", "e", []string{"Authorization", "Bearer a.b.c"}, 401, "token_malformed", ""},
		{"without signature", "e", []string{"Authorization", "Bearer " + good[:strings.LastIndex(good, ".")]}, 401, "token_malformed", ""},
		{"too long", "e", []string{"Authorization", "Bearer " + strings.Repeat("a", token.MaxLength+1)}, 401, "token_malformed", ""},
		{"other key", "e", []string{"Authorization", "Bearer " + signed(t, "another key", claims())}, 401, "token_signature", ""},
		{"expired", "e", []string{"Authorization", "Bearer " + signed(t, key, claims("exp", time.Now().Add(-time.Second).Unix()))}, 401, "token_expired", ""},
		{"no expiry", "e", []string{"Authorization", "Bearer " + signed(t, key, claims("exp", nil))}, 401, "token_malformed", ""},
		{"other service", "e", []string{"Authorization", "Bearer " + l.token(t, "any")}, 401, "token_service", ""},
		{"other issuer", "e", []string{"Authorization", "Bearer " + signed(t, key, claims("iss", "else"))}, 401, "token_issuer", ""},
		{"other audience", "e", []string{"Authorization", "Bearer " + signed(t, key, claims("aud", "y"))}, 401, "token_audience", ""},
		{"no audience", "any", []string{"Authorization", "Bearer " + signed(t, key, claims("service_name", "any", "aud", nil))}, 401, "token_audience", ""},
		{"admin token", "e", []string{"Authorization", "Bearer " + signed(t, key, jwt.MapClaims{"iss": "lockbox", "exp": time.Now().Add(time.Hour).Unix(), "admin": true})}, 401, "token_service", ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			r := get(t, l.url+"/s/"+tt.service+"/x", tt.headers...)
			if r.status != tt.status {
				t.Fatalf("status %d, want %d: %s", r.status, tt.status, r.body)
			}
			if tt.status != 200 {
				if code := r.code(t); code != tt.code {
					t.Errorf("code %q, want %q", code, tt.code)
				}
				challenge := r.header.Get("WWW-Authenticate")
				if strings.Contains(challenge, "error=") != (tt.code != "token_missing") {
					t.Errorf("challenge %q; RFC 6750 wants an error unless the token is missing", challenge)
				}
				return
			}
			got := r.seen(t)
			if auth := strings.Join(got.Header["Authorization"], "|"); auth != tt.auth {
				t.Errorf("the upstream got Authorization %q, want %q", auth, tt.auth)
			}
			if got.Header.Get("X-Lockbox-Token") != "" || strings.Contains(r.body, good) {
				t.Error("the upstream got the service token")
			}
		})
	}
	t.Run("record", func(t *testing.T) {
		for _, x := range l.exchanges(t) {
			if strings.Contains(fmt.Sprintf("%+v %+v", x, x.RequestBody), good) {
				t.Errorf("the record of %s holds a service token", x.Reason)
			}
			if x.Decision == audit.Allowed && (x.Audience == "" || x.Service == "" || x.Listener != "local" || x.Remote == "") {
				t.Errorf("record %+v; want audience, service, listener and remote address", x)
			}
		}
	})
}

// A service token reaches no upstream, wherever the caller puts it.
func TestTokenNeverReachesUpstream(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("e", shut(up.URL), "open", open(up.URL)))
	tok := l.token(t, "e")
	auth := []string{"Authorization", "Bearer " + tok}
	for _, tt := range []struct {
		name, target string
		headers      []string
		status       int
	}{
		{"in another header", "/s/e/x", append(auth, "X-Api-Key", tok), 200},
		{"within another header", "/s/e/x", append(auth, "X-Auth", "Token token="+tok), 200},
		{"in a cookie", "/s/e/x", append(auth, "Cookie", "a=b; t="+tok), 200},
		{"in Proxy-Authorization", "/s/e/x", append(auth, "Proxy-Authorization", "Bearer "+tok), 200},
		{"in the name with underscores", "/s/e/x", append(auth, "X_Lockbox_Token", tok), 200},
		{"in the query", "/s/e/x?lockbox_token=" + tok, auth, 400},
		{"in the path", "/s/e/" + tok + "/x", auth, 400},
		{"to an open service", "/s/open/x", auth, 200},
		{"to an open service, basic", "/s/open/x", []string{"Authorization", basic("u", tok)}, 200},
		{"to an open service, own header", "/s/open/x", []string{"X-Lockbox-Token", tok}, 200},
		{"to an open service, another header", "/s/open/x", []string{"X-Api-Key", tok}, 200},
		{"expired, to an open service", "/s/open/x", []string{"Authorization", "Bearer " + signed(t, "old", claims("exp", 1))}, 200},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := get(t, l.url+tt.target, tt.headers...)
			if r.status != tt.status {
				t.Fatalf("status %d, want %d: %s", r.status, tt.status, r.body)
			}
			if r.status == 400 {
				if code := r.code(t); code != "token_in_url" {
					t.Errorf("code %q", code)
				}
			}
			if strings.Contains(r.body, "eyJ") || strings.Contains(r.body, base64.StdEncoding.EncodeToString([]byte(":"+tok))) {
				t.Errorf("the upstream got the token: %s", r.body)
			}
		})
	}
	for _, x := range l.exchanges(t) {
		if strings.Contains(fmt.Sprintf("%+v", x), tok) {
			t.Errorf("the record of %s %s holds the token", x.Path, x.Reason)
		}
	}
	if got := get(t, l.url+"/s/open/x", "Authorization", "Bearer mine").seen(t); got.Header.Get("Authorization") != "Bearer mine" {
		t.Errorf("the caller's own Authorization became %q", got.Header.Get("Authorization"))
	}
}

func TestAdminReload(t *testing.T) {
	l := newLab(t, services("e", shut(echo(t).URL)))
	admin, err := token.IssueAdmin(labKey, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		name    string
		headers []string
		status  int
		code    string
	}{
		{"nothing", nil, 401, "token_missing"},
		{"garbage", []string{"Authorization", "Bearer garbage"}, 401, "token_malformed"},
		{"service token", []string{"Authorization", "Bearer " + l.token(t, "e")}, 403, "not_admin"},
		{"admin as a word", []string{"Authorization", "Bearer " + signed(t, labKey.Reveal(), claims("admin", "true"))}, 403, "not_admin"},
		{"admin as a number", []string{"Authorization", "Bearer " + signed(t, labKey.Reveal(), claims("admin", 1))}, 403, "not_admin"},
		{"expired", []string{"Authorization", "Bearer " + signed(t, labKey.Reveal(), claims("admin", true, "exp", 1))}, 401, "token_expired"},
		{"other issuer", []string{"Authorization", "Bearer " + signed(t, labKey.Reveal(), claims("admin", true, "iss", "x"))}, 401, "token_issuer"},
		{"other key", []string{"Authorization", "Bearer " + signed(t, "x", claims("admin", true))}, 401, "token_signature"},
		{"bearer", []string{"Authorization", "Bearer " + admin.Reveal()}, 200, ""},
		{"basic", []string{"Authorization", basic("", admin.Reveal())}, 200, ""},
		{"own header", []string{"X-Lockbox-Token", admin.Reveal()}, 200, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := do(t, request(t, http.MethodPost, l.url+"/admin/reload", nil, tt.headers...))
			if r.status != tt.status {
				t.Fatalf("status %d, want %d: %s", r.status, tt.status, r.body)
			}
			if tt.status == 200 {
				if r.header.Get("Content-Type") != "application/json" || !strings.HasPrefix(r.body, `{"status":"ok","message":"`) {
					t.Errorf("%s %q", r.header.Get("Content-Type"), r.body)
				}
			} else if code := r.code(t); code != tt.code {
				t.Errorf("code %q, want %q", code, tt.code)
			}
			if x := l.exchanges(t)[0]; x.Path != "/admin/reload" || x.Status != tt.status || strings.Contains(fmt.Sprint(x), admin.Reveal()) {
				t.Errorf("record %+v", x)
			}
		})
	}
}

// Without a signing key, health and open services answer; tokens do not open
// anything.
func TestNoSigningKey(t *testing.T) {
	up := echo(t)
	for _, tt := range []struct {
		name   string
		keys   token.Keys
		err    error
		status int
		code   string
	}{
		{"no file", token.Keys{}, fmt.Errorf("signing_key: %w", secret.ErrNotFound), 500, "signing_key_missing"},
		{"none", token.Keys{}, nil, 500, "signing_key_missing"},
		{"blank", token.Keys{Current: secret.New(" \n")}, nil, 500, "signing_key_missing"},
		{"locked", token.Keys{}, fmt.Errorf("unlock it: %w", secret.ErrLocked), 503, "locked"},
		{"unreadable", token.Keys{}, errors.New("permission denied"), 503, "locked"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			l := newLab(t, services("open", open(up.URL), "e", shut(up.URL)), func(l *lab) { l.keys, l.keyErr = tt.keys, tt.err })
			if r := get(t, l.url+"/healthz"); r.status != 200 {
				t.Errorf("health: %d", r.status)
			}
			if r := get(t, l.url+"/s/open/x"); r.status != 200 {
				t.Errorf("open service: %d", r.status)
			}
			if r := get(t, l.url+"/s/e/x"); r.status != 401 {
				t.Errorf("without a token: %d, want 401", r.status)
			}
			for _, tok := range []string{l.token(t, "e"), signed(t, "", claims()), signed(t, " \n", claims())} {
				r := get(t, l.url+"/s/e/x", "Authorization", "Bearer "+tok)
				if r.status != tt.status || r.code(t) != tt.code {
					t.Errorf("with a token: %d %s, want %d %s", r.status, r.code(t), tt.status, tt.code)
				}
				r = do(t, request(t, http.MethodPost, l.url+"/admin/reload", nil, "Authorization", "Bearer "+tok))
				if r.status != tt.status {
					t.Errorf("reload: %d, want %d", r.status, tt.status)
				}
			}
			if l.Report().KeyProblem == "" || !l.Keys().Current.IsZero() {
				t.Errorf("report %+v, want it to name the problem", l.Report())
			}
		})
	}
}

func FuzzPresented(f *testing.F) {
	f.Add("Bearer x", "")
	f.Add("Basic "+base64.StdEncoding.EncodeToString([]byte("u:p")), "t")
	f.Add("basic ===", " ")
	f.Fuzz(func(t *testing.T, auth, own string) {
		h := http.Header{}
		if auth != "" {
			h.Set("Authorization", auth)
		}
		if own != "" {
			h.Set(tokenHeader, own)
		}
		raw, p := presented(h)
		if (raw == "") == (p == nil) {
			t.Errorf("presented(%q) = %q, %v", h, raw, p)
		}
		c := &call{route: &route{}, token: raw}
		if raw != "" && own == "" && !c.drops("Authorization", h["Authorization"]) {
			t.Errorf("the upstream would get the token of %q", auth)
		}
		_ = isOurToken(auth)
	})
}
