package config

import (
	"fmt"
	"strings"
	"testing"
)

func TestReach(t *testing.T) {
	c := mustParse(t, read(t, "public.jsonc"))
	github, nas := c.Services["github"], c.Services["nas"]
	if c.PublicListen != "127.0.0.1:8001" || !c.UseProxyEnv || c.Listen != DefaultListen {
		t.Errorf("got %+v", c)
	}
	if !github.Tunnel || !github.TokenInQuery || github.TokenInPath || github.AllowLinkLocal {
		t.Errorf("github: %+v", github)
	}
	if nas.Tunnel || !nas.AllowLinkLocal {
		t.Errorf("nas: %+v", nas)
	}
	if c := mustParse(t, []byte(`{"services": {}, "public_listen": null}`)); c.PublicListen != "" || c.UseProxyEnv {
		t.Errorf("by default: %+v", c)
	}
}

func TestReachRefused(t *testing.T) {
	tests := []struct{ top, service, want string }{
		{`"public_listen": "0.0.0.0:8001"`, ``, `f:2:18: public_listen: must be a loopback address`},
		{`"public_listen": ":8001"`, ``, `f:2:18: public_listen: must be a loopback address`},
		{`"public_listen": "192.168.1.2:8001"`, ``, `f:2:18: public_listen: must be a loopback address`},
		{`"public_listen": "public.example:8001"`, ``, `f:2:18: public_listen: must be a loopback address`},
		{`"public_listen": "127.0.0.1"`, ``, `f:2:18: public_listen: is not an address and a port`},
		{`"public_listen": true`, ``, `f:2:18: public_listen: must be text`},
		{`"public_listen": "127.0.0.1:8000"`, ``, `f:2:18: public_listen: is the address of listen`},
		{`"use_proxy_env": "perhaps"`, ``, `f:2:18: use_proxy_env: must be true or false`},
		{``, `"tunnel": true, "requires_service_token": false`, `f:3:55: service "a": tunnel: needs "requires_service_token": true`},
		{``, `"requires_service_token": false, "tunnel": true`, `f:3:88: service "a": tunnel: needs`},
		{``, `"tunnel": "x"`, `f:3:55: service "a": tunnel: must be true or false`},
		{``, `"token_in_query": []`, `f:3:63: service "a": token_in_query: must be true or false`},
		{``, `"token_in_path": {}`, `f:3:62: service "a": token_in_path: must be true or false`},
		{``, `"allow_link_local": 7`, `f:3:65: service "a": allow_link_local: must be true or false`},
	}
	for _, tt := range tests {
		top := tt.top
		if top == "" {
			top = `"_": 1`
		}
		_, err := Parse("f", fmt.Appendf(nil, "{\n%s,\n\"services\": {\"a\": {\"base_url\": \"a.example\", %s}}}", top, tt.service))
		got := problemLines(err)
		if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s %s: got %q, want %q", tt.top, tt.service, got, tt.want)
		}
	}
}

func TestReachWarnings(t *testing.T) {
	const src = `{
  "publc_listen": "127.0.0.1:1", "use_proxy": true, "token_in_query": true, "tunnel": {},
  "services": {"a": {"base_url": "a.example", "requires_service_token": false, "token_in_path": true, "token_in_query": false,
    "tunel": true, "tokenInQuery": true, "allow_linklocal": true, "use_proxy_env": true, "public_listen": "x"}}
}`
	var got []string
	for _, w := range mustParse(t, []byte(src)).Warnings {
		got = append(got, w.Error())
	}
	check(t, got, []string{
		`f:2:3: publc_listen: is not known and not used: is "public_listen" meant?`,
		`f:2:34: use_proxy: is not known and not used: is "use_proxy_env" meant?`,
		`f:2:53: token_in_query: is not used here: it belongs into a service`,
		`f:3:97: service "a": token_in_path: has no use`,
		`f:4:5: service "a": tunel: is not known and not used: is "tunnel" meant?`,
		`f:4:20: service "a": tokenInQuery: is not known and not used: is "token_in_query" meant?`,
		`f:4:42: service "a": allow_linklocal: is not known and not used: is "allow_link_local" meant?`,
		`f:4:67: service "a": use_proxy_env: is not used here: it belongs outside the services`,
		`f:4:90: service "a": public_listen: is not used here: it belongs outside the services`,
	})
}

func TestCheckPublicListen(t *testing.T) {
	for in, ok := range map[string]bool{
		"127.0.0.1:8001": true, "[::1]:0": true, "localhost:1": true, "127.1.2.3:9": true,
		"0.0.0.0:1": false, "[::]:1": false, ":1": false, "10.0.0.1:1": false, "x": false, "": false, "localhost.example:1": false,
	} {
		if err := CheckPublicListen(in); (err == nil) != ok {
			t.Errorf("CheckPublicListen(%q) = %v", in, err)
		}
	}
}

func TestSetPublicListen(t *testing.T) {
	for _, tt := range []struct{ src, addr, want string }{
		{`{"services": {}}`, "", `{"services": {}}`},
		{`{"services": {}, "public_listen": "127.0.0.1:9"} // mine`, "", `{"services": {}, "public_listen": null} // mine`},
		{`{"services": {}, "public_listen": null /* was off */}`, "127.0.0.1:8001", `{"services": {}, "public_listen": "127.0.0.1:8001" /* was off */}`},
	} {
		out, err := SetPublicListen([]byte(tt.src), tt.addr)
		if err != nil || string(out) != tt.want || mustParse(t, out).PublicListen != tt.addr {
			t.Errorf("%s: %v\n%s\nwant\n%s", tt.src, err, out, tt.want)
		}
	}
	if _, err := SetPublicListen([]byte(`{"services": {}}`), "0.0.0.0:8001"); err == nil || !strings.Contains(err.Error(), "must be a loopback address") {
		t.Errorf("an open address: %v", err)
	}
}
