package token

import (
	"bytes"
	"encoding/json"
	"os/exec"
	"reflect"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

// pyjwt does what the Python original does: as it makes tokens, and as it reads
// them. It is given a key, claims to be signed, and tokens to be read.
const pyjwt = `
import json, sys, jwt
given = json.load(sys.stdin)
made = [jwt.encode(c, given["key"], algorithm="HS256") for c in given["claims"]]
read = [jwt.decode(t, given["key"], algorithms=["HS256"], issuer="lockbox", options={"require": ["exp"], "verify_aud": False}) for t in given["tokens"]]
refused = []
for t in given["bad"]:
    try:
        jwt.decode(t, given["key"], algorithms=["HS256"], issuer="lockbox", options={"require": ["exp"], "verify_aud": False})
        refused.append(False)
    except jwt.InvalidTokenError:
        refused.append(True)
json.dump({"made": [t.decode() if isinstance(t, bytes) else t for t in made], "read": read, "refused": refused}, sys.stdout)
`

// python is an interpreter that has PyJWT, the system's or another; "" is none.
func python(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"python3", "/usr/bin/python3"} {
		if err := exec.CommandContext(t.Context(), name, "-c", "import jwt").Run(); err == nil {
			return name
		}
	}
	return ""
}

// TestPyJWT: what PyJWT makes is read here, and what is made here is read there.
// Where it is not installed, the tokens in testdata stand for it.
func TestPyJWT(t *testing.T) {
	py := python(t)
	if py == "" {
		t.Log("PyJWT is not installed (python3-jwt): TestTokensOfTheOriginal reads the tokens that it made before")
		return
	}
	now := time.Now()
	exp := now.Add(time.Hour).Unix()
	type claims = map[string]any
	tests := []struct {
		name   string
		claims claims
		want   Claims
	}{
		{"service", claims{"iss": Issuer, "exp": exp, "service_name": "echo", "aud": "zapier"}, Claims{Service: "echo", Audience: []string{"zapier"}}},
		{"audiences", claims{"iss": Issuer, "exp": exp, "service_name": "echo", "aud": []string{"make", "zapier"}}, Claims{Service: "echo", Audience: []string{"make", "zapier"}}},
		{"beyond ASCII", claims{"iss": Issuer, "exp": exp, "service_name": "écho", "aud": "zäpier </>"}, Claims{Service: "écho", Audience: []string{"zäpier </>"}}},
		{"admin", claims{"iss": Issuer, "exp": exp, "admin": true}, Claims{Admin: true}},
	}
	for _, key := range []string{"abc", "YOUR_SUPER_SECRET_VALUE\n", NewKey().Reveal(), "schlüssel\r\n"} {
		keys, other := secret.New(key), secret.New(key+"\n")
		service, _, err := Issue(keys, "écho", "zäpier", time.Hour, now)
		if err != nil {
			t.Fatal(err)
		}
		admin, err := IssueAdmin(keys, time.Hour, now)
		if err != nil {
			t.Fatal(err)
		}
		expired, _, err := Issue(keys, "echo", "zapier", time.Hour, now.Add(-2*time.Hour))
		if err != nil {
			t.Fatal(err)
		}
		foreign, _, err := Issue(other, "echo", "zapier", time.Hour, now)
		if err != nil {
			t.Fatal(err)
		}
		given := map[string]any{"key": key, "tokens": []string{service.Reveal(), admin.Reveal()}, "bad": []string{expired.Reveal(), foreign.Reveal()}}
		var asked []claims
		for _, tt := range tests {
			asked = append(asked, tt.claims)
		}
		given["claims"] = asked
		var got struct {
			Made    []string
			Read    []claims
			Refused []bool
		}
		callPython(t, py, given, &got)
		v, stripped := NewVerifier(Keys{Current: keys}), NewVerifier(Keys{Current: other})
		for i, tt := range tests {
			judge := func(v *Verifier) (Claims, error) {
				if tt.want.Admin {
					return v.Admin(got.Made[i], now)
				}
				return v.Service(got.Made[i], tt.want.Service, []string{"zapier", "zäpier </>"}, now)
			}
			c, err := judge(v)
			tt.want.Expires = time.Unix(exp, 0)
			if c.Expires = c.Expires.Local(); err != nil || !reflect.DeepEqual(c, tt.want) {
				t.Errorf("%s: got %+v, %v; want %+v", tt.name, c, err, tt.want)
			}
			if _, err := judge(stripped); err == nil {
				t.Errorf("%s: another key verifies it", tt.name)
			}
		}
		if r := got.Read; len(r) != 2 || r[0]["service_name"] != "écho" || r[0]["aud"] != "zäpier" || r[0]["exp"] != float64(now.Add(time.Hour).Unix()) || r[1]["admin"] != true {
			t.Errorf("PyJWT read %v of ours", r)
		}
		if !reflect.DeepEqual(got.Refused, []bool{true, true}) {
			t.Errorf("PyJWT refused %v; want the expired and the foreign one", got.Refused)
		}
	}
}

// callPython runs pyjwt; keys and tokens go through its stdin.
func callPython(t *testing.T, py string, given, got any) {
	t.Helper()
	in, err := json.Marshal(given)
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), py, "-c", pyjwt)
	var said strings.Builder
	cmd.Stdin, cmd.Stderr = bytes.NewReader(in), &said
	out, err := cmd.Output()
	if err == nil {
		err = json.Unmarshal(out, got)
	}
	if err != nil {
		t.Fatalf("PyJWT: %v\n%s", err, said.String())
	}
}
