package proxy

import (
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

func TestTokenInTheAddress(t *testing.T) {
	up := echo(t)
	const inQuery, inPath = `"token_in_query": true`, `"token_in_path": true`
	l := newLab(t, services(
		"q", shut(up.URL+"/v1", inQuery, public), "p", shut(up.URL+"/v1", inPath, public), "both", shut(up.URL, inQuery, inPath, public),
		"none", shut(up.URL, public), "open", open(up.URL), "openq", open(up.URL, inQuery, inPath)))
	addr := opened(t, l)
	tok := map[string]string{}
	for _, name := range []string{"q", "p", "both", "none", "open"} {
		tok[name] = l.token(t, name)
	}
	dots := func(s string) string { return strings.ReplaceAll(s, ".", "%2E") }
	expired := signed(t, labKey.Reveal(), claims("service_name", "q", "exp", 1))
	for _, tt := range []struct {
		name, target string
		headers      []string
		want         string // what the upstream is asked for, or the code
		public       string // the code there, where it differs
	}{
		{"query", "/s/q/x?lockbox_token=" + tok["q"], nil, "/v1/x", ""},
		{"query, first", "/s/q/x?lockbox_token=" + tok["q"] + "&a=1&a=2;c&%zz&+b", nil, "/v1/x?a=1&a=2;c&%zz&+b", ""},
		{"query, between", "/s/q/x?a=%41&lockbox_token=" + tok["q"] + "&&b=", nil, "/v1/x?a=%41&&b=", ""},
		{"query, last", "/s/q/x?a&lockbox_token=" + tok["q"], nil, "/v1/x?a", ""},
		{"query, encoded", "/s/q?lockbox%5Ftoken=" + dots(tok["q"]), nil, "/v1", ""},
		{"query, no path", "/s/q?lockbox_token=" + tok["q"], nil, "/v1", ""},
		{"query, Authorization for the upstream", "/s/q/x?lockbox_token=" + tok["q"], []string{"Authorization", "Bearer mine"}, "/v1/x", ""},
		{"query, odd path", "/s/q/%7Bx%7D/a%2Fb//{c}?lockbox_token=" + tok["q"], nil, "/v1/%7Bx%7D/a%2Fb//{c}", ""},
		{"header where the query may", "/s/q/x?a=1", []string{"Authorization", "Bearer " + tok["q"]}, "/v1/x?a=1", ""},
		{"path", "/s/p/" + tok["p"] + "/x/y?z=1", nil, "/v1/x/y?z=1", ""},
		{"path, encoded", "/s/p/" + dots(tok["p"]) + "/x", nil, "/v1/x", ""},
		{"path, alone", "/s/p/" + tok["p"], nil, "/v1", ""},
		{"path, slash", "/s/p/" + tok["p"] + "/", nil, "/v1/", ""},
		{"path, odd", "/s/p/" + tok["p"] + "/a%2Fb/{c}", nil, "/v1/a%2Fb/{c}", ""},
		{"header where the path may", "/s/p/x", []string{"X-Lockbox-Token", tok["p"]}, "/v1/x", ""},

		{"query, twice", "/s/q/x?lockbox_token=" + tok["q"] + "&lockbox_token=" + tok["q"], nil, "token_malformed", "unauthorized"},
		{"query, empty", "/s/q/x?lockbox_token=", nil, "token_malformed", "unauthorized"},
		{"query and X-Lockbox-Token", "/s/q/x?lockbox_token=" + tok["q"], []string{"X-Lockbox-Token", tok["q"]}, "token_malformed", "unauthorized"},
		{"query and path", "/s/both/" + tok["both"] + "/x?lockbox_token=" + tok["both"], nil, "token_malformed", "unauthorized"},
		{"query, another's", "/s/q/x?lockbox_token=" + tok["p"], nil, "token_service", "unauthorized"},
		{"query, expired", "/s/q/x?lockbox_token=" + expired, nil, "token_expired", "unauthorized"},
		{"query, garbage", "/s/q/x?lockbox_token=canary-garbage", nil, "token_malformed", "unauthorized"},
		{"query, cut off", "/s/q/x?lockbox_token=" + tok["q"][:60], nil, "token_malformed", "unauthorized"},
		{"query, after a semicolon", "/s/q/x?a=1;lockbox_token=" + tok["q"], nil, "token_in_url", "unauthorized"},
		{"query, again in the path", "/s/q/" + tok["q"] + "?lockbox_token=" + tok["q"], nil, "token_in_url", ""},
		{"path, twice", "/s/p/" + tok["p"] + "/" + tok["p"] + "/x", nil, "token_in_url", ""},
		{"path, another host after it", "/s/p/" + tok["p"] + "//evil.example", nil, "bad_path", ""},
		{"path, not first", "/s/p/x/" + tok["p"], nil, "token_in_url", "unauthorized"},
		{"path, cut off", "/s/p/" + tok["p"][:60] + "/x", nil, "token_missing", "unauthorized"},
		{"path, nothing", "/s/p/x", nil, "token_missing", "unauthorized"},
		{"query, not allowed", "/s/p/x?lockbox_token=" + tok["p"], nil, "token_in_url", "unauthorized"},
		{"path, not allowed", "/s/q/" + tok["q"] + "/x", nil, "token_in_url", "unauthorized"},
		{"query, not allowed, token beside", "/s/none/x?lockbox_token=" + tok["q"], []string{"Authorization", "Bearer " + tok["none"]}, "token_in_url", ""},
		{"query, another name", "/s/q/x?key=" + tok["q"] + "&lockbox_token=" + tok["q"], nil, "token_in_url", ""},
		{"query, open service", "/s/open/x?lockbox_token=" + tok["open"], nil, "token_in_url", "unauthorized"},
		{"path, open service", "/s/open/" + tok["q"] + "/x", nil, "token_in_url", "unauthorized"},
		{"query, open service that takes it", "/s/openq/x?lockbox_token=" + tok["q"] + "&a", nil, "/x?a", "unauthorized"},
		{"query, no such service", "/s/nosuch/x?lockbox_token=" + tok["q"], nil, "unknown_service", "unauthorized"},
		{"path, no such service", "/s/nosuch/" + tok["q"] + "/x", nil, "unknown_service", "unauthorized"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			for _, side := range []string{l.addr, addr} {
				want := tt.want
				if side == addr && tt.public != "" {
					want = tt.public
				}
				var headers strings.Builder
				for i := 0; i < len(tt.headers); i += 2 {
					printf(&headers, "%s: %s\r\n", tt.headers[i], tt.headers[i+1])
				}
				r := raw(t, side, "GET "+tt.target+" HTTP/1.1\r\nHost: localhost\r\n"+headers.String()+"\r\n")
				if !strings.HasPrefix(want, "/") {
					if got := r.code(t); got != want {
						t.Errorf("%d %s, want %s", r.status, got, want)
					}
				} else if got := r.seen(t); got.Target != want {
					t.Errorf("the upstream was asked for %s, want %s", got.Target, want)
				} else if mine := slices.Contains(tt.headers, "Bearer mine"); mine != (got.Header.Get("Authorization") == "Bearer mine") {
					t.Errorf("Authorization %q", got.Header.Get("Authorization"))
				}
				if strings.Contains(r.body, secret.JWTStart) || strings.Contains(r.body, "canary") {
					t.Errorf("the token is shown: %s", r.body)
				}
			}
		})
	}
	for _, x := range l.exchanges(t) {
		if text := fmt.Sprintf("%+v", x); strings.Contains(text, secret.JWTStart) || strings.Contains(text, "canary") {
			t.Errorf("the record holds a token: %s", text)
		}
	}
	if strings.Contains(l.said.String(), secret.JWTStart) {
		t.Errorf("the log holds a token:\n%s", l.said)
	}
}

// What the upstream answers is not led to an address with a token in it, and the
// files of audit_log hold none either.
func TestTokenInThePathStaysOutOfAnswers(t *testing.T) {
	var base string
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Location", base+"/v1/next?a=1")
		w.Header().Set("Link", "<"+base+`/v1/x?page=2>; rel="next"`)
		w.WriteHeader(http.StatusFound)
	})
	base = up.URL
	dir := t.TempDir()
	l := newLab(t, `{"audit_log": {"root_dir": "`+dir+`"}, `+strings.TrimPrefix(services("p", shut(up.URL+"/v1", `"token_in_path": true`, `"token_in_query": true`)), "{"))
	tok := l.token(t, "p")
	for _, target := range []string{"/s/p/" + tok + "/x", "/s/p/x?lockbox_token=" + tok} {
		r := get(t, l.url+target, "Referer", l.url+target)
		if got := r.header.Get("Location"); got != l.url+"/s/p/next?a=1" {
			t.Errorf("Location %s", got)
		}
		if got := r.header.Get("Link"); got != "<"+l.url+`/s/p/x?page=2>; rel="next"` {
			t.Errorf("Link %s", got)
		}
	}
	get(t, l.url+"/s/p/"+tok+"x/x") // refused
	l.state.Load().close()
	files := eventFiles(t, dir)
	for _, file := range files {
		if text, err := os.ReadFile(file); err != nil || strings.Contains(string(text), tok[:20]) {
			t.Errorf("%s (%v):\n%s", file, err, text)
		}
	}
	if len(files) < 5 {
		t.Errorf("%d files", len(files))
	}
}

// FuzzTake: what is taken out of an address is gone from it, and nothing else is.
func FuzzTake(f *testing.F) {
	tok := "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJsb2NrYm94In0.x"
	f.Add("/"+tok+"/x", "a=1&lockbox_token="+tok+"&b")
	f.Add("/x//y", "lockbox_token&lockbox%5ftoken=%65&=&&")
	f.Add("", "&lockbox_token=")
	f.Fuzz(func(t *testing.T, rest, query string) {
		if rest != "" && rest[0] != '/' {
			return
		}
		off := &target{rest: rest, query: query}
		off.take(&config.Service{})
		if off.rest != rest || off.query != query || off.token != "" || off.bad {
			t.Errorf("%+v without leave", off)
		}
		on := &target{rest: rest, query: query}
		on.take(&config.Service{TokenInQuery: true, TokenInPath: true})
		if !strings.HasSuffix(rest, on.rest) || on.rest != "" && on.rest[0] != '/' {
			t.Errorf("%q became %q", rest, on.rest)
		}
		var kept []string
		for part := range strings.SplitSeq(query, "&") {
			if name, _ := parameter(part); name != queryToken {
				kept = append(kept, part)
			}
		}
		if got := strings.Join(kept, "&"); strings.Contains(query, "=") && on.query != got {
			t.Errorf("%q became %q, want %q", query, on.query, got)
		}
		if p := on.present(http.Header{}); (p == nil) == (on.token == "" || on.bad) {
			t.Errorf("%+v: %v", on, p)
		}
		_ = on.exposes()
		for _, s := range addressSecrets(rest, query) {
			_ = s.Len()
		}
	})
}

func TestWhatIsSaidAboutTokens(t *testing.T) {
	up := echo(t)
	l := newLab(t, services(
		"e", shut(up.URL, `"valid_audiences": ["x", "z"]`, public), "any", shut(up.URL), "none", shut(up.URL, `"valid_audiences": []`)))
	addr := opened(t, l)
	key, good := labKey.Reveal(), l.token(t, "e")
	past := time.Date(2025, 3, 4, 5, 6, 7, 0, time.UTC)
	bearer := func(change ...any) string { return "Bearer " + signed(t, key, claims(change...)) }
	for _, tt := range []struct{ name, service, auth, code, want string }{
		{"bare", "e", good, "token_malformed", "without the word Bearer"},
		{"bare, cut off", "e", good[:50], "token_malformed", "without the word Bearer"},
		{"another word", "e", "Token " + good, "token_malformed", "word before the token"},
		{"bearer and nothing", "e", "Bearer", "token_malformed", "there is no token"},
		{"bearer and spaces", "e", "bearer   ", "token_malformed", "there is no token"},
		{"basic, as the user", "e", basic(good, ""), "token_malformed", "into the password"},
		{"neither", "e", "canary", "token_malformed", "sent once"},
		{"quoted", "e", `Bearer "` + good + `"`, "token_malformed", "without quotes"},
		{"expired", "e", bearer("exp", past.Unix()), "token_expired", "expired at 2025-03-04T05:06:07Z"},
		{"another service's", "e", bearer("service_name", "any"), "token_service", `is for service "any", and the call is to service "e"`},
		{"an admin's", "e", bearer("service_name", nil, "admin", true), "token_service", `opens no service; service "e" needs`},
		{"another audience", "e", bearer("aud", "y"), "token_audience", `has audience "y"; service "e" accepts "x", "z"`},
		{"other audiences", "e", bearer("aud", []string{"y", "w"}), "token_audience", `has audience "y", "w"; service "e" accepts "x", "z"`},
		{"taken back", "none", bearer("service_name", "none"), "token_audience", `accepts none: all its tokens are taken back`},
		{"no audience", "any", bearer("service_name", "any", "aud", nil), "token_audience", `has no audience; service "any" accepts any, but one`},
		{"a long name", "e", bearer("service_name", strings.Repeat("é", 1000)), "token_service", "…"},
		{"many audiences", "e", bearer("aud", slices.Repeat([]string{strings.Repeat("a", 99)}, 20)), "token_audience", "one of 20"},
		{"a quote in it", "e", bearer("service_name", `"<script>`), "token_service", `\"<script>`},
	} {
		r := get(t, l.url+"/s/"+tt.service+"/x", "Authorization", tt.auth)
		if r.code(t) != tt.code || !strings.Contains(strings.ReplaceAll(r.body, `\"`, `"`), strings.ReplaceAll(tt.want, `\"`, `"`)) && !strings.Contains(r.body, `\u003cscript\u003e`) || len(r.body) > 1500 {
			t.Errorf("%s: %s, want %s and %q", tt.name, r.body, tt.code, tt.want)
		}
		if strings.Contains(r.body+fmt.Sprint(r.header), secret.JWTStart) || strings.Contains(r.body, "canary") {
			t.Errorf("%s: the token is shown: %s", tt.name, r.body)
		}
		if r := get(t, "http://"+addr+"/s/"+tt.service+"/x", "Authorization", tt.auth); r.status != 401 || r.code(t) != "unauthorized" {
			t.Errorf("%s: the public side says %s", tt.name, r.body)
		}
	}
}

// TestTokensInOtherText: a service token inside a longer text reaches neither an upstream
// that needs none nor the record.
func TestTokensInOtherText(t *testing.T) {
	got := ""
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		got = fmt.Sprint(r.RequestURI, r.Header)
		_, _ = io.WriteString(w, "ok")
	})
	l := newLab(t, services("shut", shut(up.URL), "open", open(up.URL)))
	tok := l.token(t, "shut")
	cut := strings.ReplaceAll(tok, ".", "%2e")
	for _, tt := range []struct {
		target, more string
		want         int
	}{
		{"/s/shut/x?u=https://a.example/%3Ft=" + tok, "", 400},
		{"/s/shut/x?next=v1.2," + tok, "", 400},
		{"/s/shut/v1.0;t=" + tok, "", 400},
		{"/s/shut/v1." + tok, "", 400},
		{"/s/shut/x?" + tok + "=1", "", 400},
		{"/s/shut/x?" + tok, "", 400},
		{"/s/shut/x?u=v1." + cut, "", 400},
		{"/s/shut/v1." + cut + "/y", "", 400},
		{"/s/open/x?u=https://a.example/" + tok + "/y", "", 400},
		{"/s/open/x?u=v1." + cut, "", 400},
		{"/s/open/x?a=1&" + tok, "", 400},
		{"/s/open/v1.0;t=" + tok, "", 400},
		{"/s/open/v1." + cut, "", 400},
		{"/s/open/v1.eyJ." + tok + "/x", "", 400},
		{"/s/open/x", "Referer: http://127.0.0.1:8000/s/shut/" + tok + "/x\r\n", 200},
		{"/s/open/x", "User-Agent: x " + tok + "\r\n", 200},
		{"/s/open/x", "Accept: v1." + tok + "\r\n", 200},
	} {
		got = ""
		c := dialTalk(t, l.addr)
		c.send("GET " + tt.target + " HTTP/1.1\r\nHost: " + l.addr + "\r\nConnection: close\r\n" + tt.more + "\r\n")
		status, _ := c.answer()
		x := l.exchanges(t)[0]
		name := strings.NewReplacer(tok, "TOKEN", cut, "CUT").Replace(tt.target + " " + tt.more)
		if status != tt.want {
			t.Errorf("%s: %d, want %d", name, status, tt.want)
		}
		recorded := fmt.Sprint(x.Path, "?", x.Query, x.RequestHeader)
		for _, v := range []string{tok, cut} {
			if strings.Contains(got, v) {
				t.Errorf("%s: the upstream gets the token", name)
			}
			if strings.Contains(recorded, v) {
				t.Errorf("%s: the token is on record", name)
			}
		}
	}
}
