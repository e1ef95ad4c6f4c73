package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"lockbox/proxy/audit"
)

func TestRewriteURL(t *testing.T) {
	parse := func(s string) *url.URL {
		u, err := url.Parse(s)
		if err != nil {
			t.Fatal(err)
		}
		return u
	}
	root := address{parse("https://api.example.com"), "http://127.0.0.1:8000", "/s/e", nil, nil}
	v1 := address{parse("https://api.example.com:8443/v1"), "http://localhost:9", "/s/my%20api", nil, nil}
	for _, tt := range []struct {
		at       address
		in, want string
	}{
		{root, "https://api.example.com/repos?page=2#top", "http://127.0.0.1:8000/s/e/repos?page=2#top"},
		{root, "https://api.example.com", "http://127.0.0.1:8000/s/e"},
		{root, "https://api.example.com?x=1", "http://127.0.0.1:8000/s/e?x=1"},
		{root, "https://API.example.com:443/a%2Fb", "http://127.0.0.1:8000/s/e/a%2Fb"},
		{root, "HTTPS://api.example.com/", "http://127.0.0.1:8000/s/e/"},
		{root, "//api.example.com/x", "http://127.0.0.1:8000/s/e/x"},
		{root, "/repos/1?x", "/s/e/repos/1?x"},
		{root, "/", "/s/e/"},
		{root, "https://api.example.com/{odd}|\xff", "http://127.0.0.1:8000/s/e/{odd}|\xff"},

		{root, "http://api.example.com/x", "http://api.example.com/x"},
		{root, "https://api.example.com:8443/x", "https://api.example.com:8443/x"},
		{root, "https://api.example.com.evil.example/x", "https://api.example.com.evil.example/x"},
		{root, "https://api.example.com@evil.example/x", "https://api.example.com@evil.example/x"},
		{root, "https://user@api.example.com/x", "https://user@api.example.com/x"},
		{root, "https://evil.example/?https://api.example.com/x", "https://evil.example/?https://api.example.com/x"},
		{root, "//evil.example/x", "//evil.example/x"},
		{root, "relative/x", "relative/x"},
		{root, "../x", "../x"},
		{root, "?page=2", "?page=2"},
		{root, "mailto:a@api.example.com", "mailto:a@api.example.com"},
		{root, "next?u=https://api.example.com/", "next?u=https://api.example.com/"},
		{root, "", ""},
		{root, "://", "://"},

		{v1, "https://api.example.com:8443/v1/x", "http://localhost:9/s/my%20api/x"},
		{v1, "https://api.example.com:8443/v1", "http://localhost:9/s/my%20api"},
		{v1, "/v1/x", "/s/my%20api/x"},
		{v1, "https://api.example.com:8443/v10/x", "https://api.example.com:8443/v10/x"},
		{v1, "https://api.example.com:8443/", "https://api.example.com:8443/"},
		{v1, "https://api.example.com/v1/x", "https://api.example.com/v1/x"},
		{v1, "/login", "/login"},
		{v1, "/v1/../login", "/v1/../login"},
		{v1, "https://api.example.com:8443/v1/%2e%2e/login", "https://api.example.com:8443/v1/%2e%2e/login"},
	} {
		if got := tt.at.rewriteURL(tt.in); got != tt.want {
			t.Errorf("below %s: %q became %q, want %q", tt.at.base, tt.in, got, tt.want)
		}
	}
	for in, want := range map[string]string{
		`<https://api.example.com/r?page=2>; rel="next", <https://api.example.com/r?page=9>; rel="last"`: `<http://127.0.0.1:8000/s/e/r?page=2>; rel="next", <http://127.0.0.1:8000/s/e/r?page=9>; rel="last"`,
		`<https://other.example/r>; rel=x`:                                             `<https://other.example/r>; rel=x`,
		`</a>;title="a <https://api.example.com/> \" <https://api.example.com/>",</b>`: `</s/e/a>;title="a <https://api.example.com/> \" <https://api.example.com/>",</s/e/b>`,
		`<https://api.example.com/unfinished`:                                          `<https://api.example.com/unfinished`,
		`title="`:                                                                      `title="`,
		``:                                                                             ``,
	} {
		if got := root.rewriteLinks(in); got != want {
			t.Errorf("Link %q became\n%q, want\n%q", in, got, want)
		}
	}
}

// Rewriting never makes a URL of another host one of ours, and changes nothing
// else.
func FuzzRewriteURL(f *testing.F) {
	for _, s := range []string{"https://api.example.com/v1/x", "//api.example.com/v1", "/v1?", "https://a@api.example.com/v1", "https:/api.example.com", "x://y", "<a>"} {
		f.Add(s)
	}
	base, err := url.Parse("https://api.example.com/v1")
	if err != nil {
		f.Fatal(err)
	}
	a := address{base, "http://127.0.0.1:8000", "/s/e", nil, nil}
	f.Fuzz(func(t *testing.T, s string) {
		got := a.rewriteURL(s)
		_ = a.rewriteLinks(s)
		if got == s {
			return
		}
		u, err := url.Parse(s)
		if err != nil {
			return // sent back as it came, as far as its host goes
		}
		u = base.ResolveReference(u)
		if !strings.EqualFold(u.Host, "api.example.com") && u.Host != "api.example.com:443" && u.Host != "api.example.com:" {
			t.Errorf("%q of host %q became %q", s, u.Host, got)
		}
	})
}

// hopper redirects by what its path says: /STATUS?to=LOCATION.
func hopper(t *testing.T) *httptest.Server {
	return upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		var status int
		if _, err := fmt.Sscanf(r.URL.Path[strings.LastIndexByte(r.URL.Path, '/')+1:], "%d", &status); err == nil && status >= 300 && status < 400 {
			w.Header()["Location"] = []string{r.URL.Query().Get("to")}
			w.WriteHeader(status)
			return
		}
		printf(w, "%s %s %q key %s type %q", r.Method, r.RequestURI, body, r.Header.Get("X-Api-Key"), r.Header.Get("Content-Type"))
	})
}

func TestRedirects(t *testing.T) {
	up, other := hopper(t), hopper(t)
	const cred = `"credential": {"type": "headers", "headers": {"X-Api-Key": "real-key-0001"}}, "allow_redirects": true, ` + unguarded
	l := newLab(t, services(
		"follow", open(up.URL+"/v1", cred),
		"back", open(up.URL+"/v1"),
	))
	to := func(s string) string { return "?to=" + url.QueryEscape(s) }
	localhost := strings.Replace(up.URL, "127.0.0.1", "localhost", 1)
	for _, tt := range []struct {
		name, method, target, body string
		want                       string // the answer's body, or its Location after "→ "
		status                     int
	}{
		{"no redirect", "GET", "/follow/x", "", `GET /v1/x "" key real-key-0001 type ""`, 200},
		{"301", "GET", "/follow/301" + to(up.URL+"/v1/end"), "", `GET /v1/end "" key real-key-0001 type ""`, 200},
		{"path only", "GET", "/follow/302" + to("/v1/end?q=%zz;"), "", `GET /v1/end?q=%zz; "" key real-key-0001 type ""`, 200},
		{"relative", "GET", "/follow/a/307" + to("../end"), "", `GET /v1/end "" key real-key-0001 type ""`, 200},
		{"encoded slash", "GET", "/follow/307" + to("/v1/a%2Fb"), "", `GET /v1/a%2Fb "" key real-key-0001 type ""`, 200},
		{"two hops", "GET", "/follow/308" + to("/v1/301"+to("/v1/end")), "", `GET /v1/end "" key real-key-0001 type ""`, 200},
		{"POST, 303", "POST", "/follow/303" + to("/v1/end"), "abc", `GET /v1/end "" key real-key-0001 type ""`, 200},
		{"POST, 302", "POST", "/follow/302" + to("/v1/end"), "abc", `GET /v1/end "" key real-key-0001 type ""`, 200},
		{"DELETE, 303", "DELETE", "/follow/303" + to("/v1/end"), "", `GET /v1/end "" key real-key-0001 type ""`, 200},
		{"HEAD, 303", "HEAD", "/follow/303" + to("/v1/end"), "", "", 200},

		{"POST, 307", "POST", "/follow/307" + to("/v1/end"), "abc", "→ /s/follow/end", 307},
		{"PUT, 301", "PUT", "/follow/301" + to("/v1/end"), "abc", "→ /s/follow/end", 301},
		{"DELETE, 301", "DELETE", "/follow/301" + to("/v1/end"), "", "→ /s/follow/end", 301},
		{"GET with a body, 307", "GET", "/follow/307" + to("/v1/end"), "abc", "→ /s/follow/end", 307},
		{"304", "GET", "/follow/304" + to("/v1/end"), "", "→ /s/follow/end", 304},
		{"other port", "GET", "/follow/302" + to(other.URL+"/v1/end"), "", "→ " + other.URL + "/v1/end", 302},
		{"other host", "GET", "/follow/302" + to(localhost+"/v1/end"), "", "→ " + localhost + "/v1/end", 302},
		{"other scheme", "GET", "/follow/302" + to("https"+strings.TrimPrefix(up.URL, "http")+"/v1/end"), "", "→ https" + strings.TrimPrefix(up.URL, "http") + "/v1/end", 302},
		{"with a user", "GET", "/follow/302" + to("http://u:p@"+strings.TrimPrefix(up.URL, "http://")+"/v1/end"), "", "→ http://u:p@" + strings.TrimPrefix(up.URL, "http://") + "/v1/end", 302},
		{"outside of the base path", "GET", "/follow/302" + to("/admin"), "", "→ /admin", 302},
		{"path that begins alike", "GET", "/follow/302" + to("/v10/end"), "", "→ /v10/end", 302},
		{"climbing", "GET", "/follow/302" + to("/v1/../admin"), "", "→ /v1/../admin", 302},
		{"climbing, encoded", "GET", "/follow/302" + to("/v1/%2e%2e/admin"), "", "→ /v1/%2e%2e/admin", 302},
		{"no URL", "GET", "/follow/302" + to("http://[::1"), "", "→ http://[::1", 302},
		{"nowhere", "GET", "/follow/302" + to(""), "", "→ ", 302},

		{"handed back", "GET", "/back/302" + to(up.URL+"/v1/end?x=1"), "", "→ " + l.url + "/s/back/end?x=1", 302},
		{"handed back, other host", "GET", "/back/302" + to("https://evil.example/v1"), "", "→ https://evil.example/v1", 302},
	} {
		t.Run(tt.name, func(t *testing.T) {
			var body io.Reader
			var headers []string
			if tt.body != "" {
				body, headers = strings.NewReader(tt.body), []string{"Content-Type", "text/plain"}
			}
			r := do(t, request(t, tt.method, l.url+"/s"+tt.target, body, headers...))
			got := r.body
			if r.status >= 300 {
				got = "→ " + r.header.Get("Location")
			}
			if r.status != tt.status || got != tt.want {
				t.Errorf("%d %q, want %d %q", r.status, got, tt.status, tt.want)
			}
		})
	}
	for _, x := range l.exchanges(t) {
		if x.Decision != audit.Allowed {
			t.Errorf("record %+v", x)
		}
	}
}

func TestRedirectLoop(t *testing.T) {
	hops := 0
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		hops++
		http.Redirect(w, r, fmt.Sprintf("/%d", hops), http.StatusFound)
	})
	l := newLab(t, services("e", open(up.URL, `"allow_redirects": true`)))
	r := get(t, l.url+"/s/e/x")
	if r.status != 302 || hops != maxRedirects+1 || r.header.Get("Location") != fmt.Sprintf("/s/e/%d", hops) {
		t.Errorf("%d to %q after %d calls, want 302 after %d", r.status, r.header.Get("Location"), hops, maxRedirects+1)
	}
}

// Links for paging lead back here, or a client would take its service token to
// the real host.
func TestLinks(t *testing.T) {
	var base string
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header()["Link"] = []string{"<" + base + "/r?page=2>; rel=\"next\"", "<https://other.example/>; rel=\"x\""}
		w.Header().Set("Location", base+"/r/1")
		w.WriteHeader(http.StatusCreated)
	})
	base = up.URL
	l := newLab(t, services("my api", open(up.URL)))
	r := get(t, l.url+"/s/my%20api/r")
	if got, want := fmt.Sprintf("%s %s", r.header["Link"], r.header.Get("Location")), fmt.Sprintf(`[<%s/s/my%%20api/r?page=2>; rel="next" <https://other.example/>; rel="x"] %s/s/my%%20api/r/1`, l.url, l.url); got != want {
		t.Errorf("%s\nwant %s", got, want)
	}
}
