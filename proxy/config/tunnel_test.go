package config

import (
	"fmt"
	"net/netip"
	"reflect"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
)

func TestTunnel(t *testing.T) {
	usual := Tunnel{Authtoken: secret.Source{Ref: TunnelAuthtoken}}
	for in, want := range map[string]struct {
		tunnel Tunnel
		brake  Brake
	}{
		`"_": 1`:                          {usual, DefaultBrake},
		`"tunnel": null, "brake": null`:   {usual, Brake{}},
		`"tunnel": {}, "brake": {}`:       {usual, DefaultBrake},
		`"brake": {"failures": 0}`:        {usual, Brake{0, DefaultBrake.Per, DefaultBrake.Lockout}},
		`"tunnel": {"authtoken": ""}`:     {usual, DefaultBrake},
		`"tunnel": {"close_after": null}`: {usual, DefaultBrake},
		`"tunnel": {"rate_limit": null}`:  {usual, DefaultBrake},
		`"tunnel": {"rate_limit": {"requests": 120}, "keep_awake": true}`: {
			Tunnel{Authtoken: usual.Authtoken, KeepAwake: true, Limit: EdgeLimit{120, time.Minute}}, DefaultBrake},
		`"tunnel": {"authtoken": "env://NGROK", "domain": "Mine.ngrok.app", "start": true, "close_after": "8h"}, "brake": {"failures": 3, "per": "10s", "lockout": "1h30m"}`: {
			Tunnel{secret.Source{Ref: secret.Ref{Scheme: secret.Env, Field: "NGROK"}}, "mine.ngrok.app", true, 8 * time.Hour, false, EdgeLimit{}},
			Brake{3, 10 * time.Second, 90 * time.Minute},
		},
	} {
		c := mustParse(t, []byte(`{"services": {}, `+in+`}`))
		if c.Tunnel != want.tunnel || c.Brake != want.brake || len(c.Warnings) > 0 {
			t.Errorf("%s: got %+v, %+v, %v", in, c.Tunnel, c.Brake, c.Warnings)
		}
	}
}

func TestTunnelRefused(t *testing.T) {
	for _, tt := range []struct{ top, service, want string }{
		{`"tunnel": true`, ``, `f:2:11: tunnel: must be an object`},
		{`"tunnel": {"domain": "https://mine.ngrok.app"}`, ``, `f:2:22: tunnel/domain: stands without https://`},
		{`"tunnel": {"domain": "mine"}`, ``, `f:2:22: tunnel/domain: is not a domain`},
		{`"tunnel": {"domain": "a b.example"}`, ``, `f:2:22: tunnel/domain: is not a domain`},
		{`"tunnel": {"authtoken": 7}`, ``, `f:2:25: tunnel/authtoken: must be text`},
		{`"tunnel": {"authtoken": "keychain://ngrok"}`, ``, `f:2:25: tunnel/authtoken: a keychain reference`},
		{`"tunnel": {"start": "perhaps"}`, ``, `f:2:21: tunnel/start: must be true or false`},
		{`"tunnel": {"close_after": 8}`, ``, `f:2:27: tunnel/close_after: must be text`},
		{`"tunnel": {"close_after": "8 hours"}`, ``, `f:2:27: tunnel/close_after: is not a time`},
		{`"tunnel": {"close_after": "1ms"}`, ``, `f:2:27: tunnel/close_after: must be between 1s and 720h`},
		{`"tunnel": {"rate_limit": 5}`, ``, `f:2:26: tunnel/rate_limit: must be an object`},
		{`"tunnel": {"rate_limit": {}}`, ``, `f:2:26: tunnel/rate_limit/requests: is missing`},
		{`"tunnel": {"rate_limit": {"requests": 0}}`, ``, `f:2:39: tunnel/rate_limit/requests: must be a whole number from 1`},
		{`"tunnel": {"rate_limit": {"requests": 1, "per": "30s"}}`, ``, `f:2:49: tunnel/rate_limit/per: must be between 1m and 24h`},
		{`"tunnel": {"rate_limit": {"requests": 1, "per": "65s"}}`, ``, `f:2:49: tunnel/rate_limit/per: must be between 1m and 24h`},
		{`"tunnel": {"rate_limit": {"requests": 1, "per": "soon"}}`, ``, `f:2:49: tunnel/rate_limit/per: is not a time`},
		{`"tunnel": {"keep_awake": "perhaps"}`, ``, `f:2:26: tunnel/keep_awake: must be true or false`},
		{`"brake": []`, ``, `f:2:10: brake: must be an object`},
		{`"brake": {"failures": "many"}`, ``, `f:2:23: brake/failures: must be a whole number`},
		{`"brake": {"failures": -1}`, ``, `f:2:23: brake/failures: must be a whole number`},
		{`"brake": {"per": null}`, ``, `f:2:10: brake: needs a time for per and lockout`},
		{``, `"allow_from": "203.0.113.9"`, `f:3:59: service "a": allow_from: must be a list`},
		{``, `"allow_from": ["203.0.113.0/24", "nowhere"]`, `f:3:78: service "a": allow_from/1: is neither an address nor a network`},
		{``, `"allow_from": ["203.0.113.9/24"]`, `f:3:60: service "a": allow_from/0: names an address in a network: write 203.0.113.0/24`},
		{``, `"allow_from": [9]`, `f:3:60: service "a": allow_from/0: must be text`},
	} {
		top := tt.top
		if top == "" {
			top = `"_": 1`
		}
		service := `"base_url": "a.example", ` + tt.service
		if tt.service == "" {
			service = `"base_url": "a.example"`
		}
		_, err := Parse("f", fmt.Appendf(nil, "{\n%s,\n\"services\": {\"a\": {%s}}}", top, service))
		got := problemLines(err)
		if len(got) != 1 || !strings.HasPrefix(got[0], tt.want) {
			t.Errorf("%s %s: got %q, want %q", tt.top, tt.service, got, tt.want)
		}
	}
}

func TestTunnelWarnings(t *testing.T) {
	c := mustParse(t, []byte(`{
  "tunnel": {"authtoken": "2aliteral", "dommain": "x"}, "brake": {"failure": 2},
  "services": {"a": {"base_url": "a.example", "allow_from": []}, "b": {"base_url": "b.example", "tunnel": true, "allow_fron": []}}
}`))
	var got []string
	for _, w := range c.Warnings {
		if strings.Contains(w.Error(), "2aliteral") {
			t.Error("a warning repeats the authtoken")
		}
		got = append(got, w.Error())
	}
	check(t, got, []string{
		`f:2:27: tunnel/authtoken: stands in the file itself`,
		`f:2:40: tunnel/dommain: is not known and not used: is "domain" meant?`,
		`f:2:67: brake/failure: is not known and not used: is "failures" meant?`,
		`f:3:61: service "a": allow_from: has no use`,
		`f:3:113: service "b": allow_fron: is not known and not used: is "allow_from" meant?`,
	})
	if !c.hasLiteral() || !c.WithoutLiterals().Tunnel.Authtoken.Literal.IsZero() {
		t.Error("the literal authtoken is overlooked")
	}
}

func TestAllowFrom(t *testing.T) {
	src := []byte(`{"services": {"a": {"base_url": "a.example", "tunnel": true,
  "allow_from": ["203.0.113.9/32", /* mine */ "2001:db8::/32" /* theirs */],
}}}`)
	s := mustParse(t, src).Services["a"]
	want := []netip.Prefix{netip.MustParsePrefix("203.0.113.9/32"), netip.MustParsePrefix("2001:db8::/32")}
	if !reflect.DeepEqual(s.AllowFrom, want) {
		t.Errorf("got %v", s.AllowFrom)
	}
	s.AllowRedirects = true
	out, err := PutService(src, "a", s)
	if err != nil || !strings.Contains(string(out), `["203.0.113.9/32", /* mine */ "2001:db8::/32" /* theirs */]`) {
		t.Errorf("another edit: %v\n%s", err, out)
	}
	s.AllowFrom = append(s.AllowFrom, netip.MustParsePrefix("198.51.100.7/32"))
	if out, err = PutService(src, "a", s); err != nil || !strings.Contains(string(out), `"198.51.100.7"`) || !strings.Contains(string(out), "/* theirs */") {
		t.Errorf("one more: %v\n%s", err, out)
	}
	s.AllowFrom = nil
	if out, err = PutService(src, "a", s); err != nil || mustParse(t, out).Services["a"].AllowFrom != nil {
		t.Errorf("none: %v\n%s", err, out)
	}
}

func TestSetTunnel(t *testing.T) {
	ours := secret.Source{Ref: TunnelAuthtoken}
	for _, tt := range []struct {
		src  string
		t    Tunnel
		want string // in the file
	}{
		{`{"services": {}}`, Tunnel{Authtoken: ours, Domain: "mine.ngrok.app"}, `"domain": "mine.ngrok.app"`},
		{`{"services": {}, "tunnel": {"start": true, /* mine */ "other": 1}}`, Tunnel{Authtoken: ours}, `"start": false, /* mine */ "other": 1`},
		{`{"services": {}}`, Tunnel{Authtoken: ours, KeepAwake: true}, `"keep_awake": true`},
		{`{"services": {}, "tunnel": {"rate_limit": {"requests": 9}, "keep_awake": true}}`, Tunnel{Authtoken: ours, Limit: EdgeLimit{9, time.Minute}}, `"rate_limit": {"requests": 9}, "keep_awake": false`},
		{`{"services": {}, "tunnel": {"close_after": "1h"}}`, Tunnel{Authtoken: ours, Start: true}, `"close_after": null`},
		{`{"services": {}, "tunnel": null}`, Tunnel{Authtoken: ours, CloseAfter: 8 * time.Hour}, `"close_after": "8h0m0s"`},
		{`{"services": {}, "tunnel": {"authtoken": "2aliteral"}}`, Tunnel{Authtoken: ours}, `"authtoken": "keychain://ngrok/authtoken"`},
	} {
		out, err := SetTunnel([]byte(tt.src), tt.t)
		if err != nil || !strings.Contains(string(out), tt.want) || mustParse(t, out).Tunnel != tt.t {
			t.Errorf("%s: %v\n%s\nwant %s", tt.src, err, out, tt.want)
		}
	}
	for _, bad := range []Tunnel{{Domain: "no domain"}, {Authtoken: secret.Source{Literal: secret.New("2aliteral")}}} {
		if _, err := SetTunnel([]byte(`{"services": {}}`), bad); err == nil || strings.Contains(err.Error(), "2aliteral") {
			t.Errorf("%+v: %v", bad, err)
		}
	}
}
