package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/token"
)

// opened serves a lab's public side and gives its address.
func opened(t testing.TB, l *lab) string {
	t.Helper()
	if err := l.CheckPublic(); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- l.ServePublic(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("ServePublic: %v", err)
		}
	})
	return ln.Addr().String()
}

const public = `"tunnel": true`

var date = regexp.MustCompile(`(?m)^Date: .*\r\n`)

// exact is everything that a server answers, less the time.
func exact(t *testing.T, addr, request string) string {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	printf(conn, "%s", strings.Replace(request, "\r\n", " HTTP/1.1\r\nHost: public.example\r\nConnection: close\r\n", 1))
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	return date.ReplaceAllString(string(text), "")
}

// Who may not come in gets the same bytes, whatever the reason.
func TestPublicRefusalsAreAlike(t *testing.T) {
	up := echo(t)
	l := newLab(t, services(
		"pub", shut(up.URL, public, `"valid_audiences": ["x"]`, `"token_in_query": true`, `"token_in_path": true`),
		"plain", shut(up.URL, public),
		"revoked", shut(up.URL, public, `"valid_audiences": []`),
		"locked", shut(up.URL, public, `"credential": {"token": "keychain://locked/token"}`),
		"home", shut(up.URL),
		"open", open(up.URL)))
	addr := opened(t, l)
	key := labKey.Reveal()
	const want = "HTTP/1.1 401 Unauthorized\r\nCache-Control: no-store\r\nContent-Length: "
	tokens := map[string]string{
		"token_missing":   "",
		"token_malformed": "Authorization: Bearer garbage\r\n",
		"token_signature": "Authorization: Bearer " + signed(t, "another key", claims()) + "\r\n",
		"token_expired":   "Authorization: Bearer " + signed(t, key, claims("service_name", "%s", "exp", 1)) + "\r\n",
		"token_service":   "Authorization: Bearer " + l.token(t, "other") + "\r\n",
		"token_issuer":    "Authorization: Bearer " + signed(t, key, claims("iss", "else")) + "\r\n",
		"admin":           "X-Lockbox-Token: " + signed(t, key, claims("service_name", nil, "admin", true)) + "\r\n",
		"twice":           "X-Lockbox-Token: a\r\nX-Lockbox-Token: b\r\n",
	}
	for _, request := range []string{"GET /s/%s/x\r\n%s\r\n", "DELETE /s/%s\r\n%s\r\n", "POST /s/%s/a/b?c=d\r\n%sContent-Length: 3\r\n\r\nabc", "GET /s/%s//x?lockbox_token=a\r\n%s\r\n", "GET /s/%s/" + l.token(t, "other") + "/x\r\n%s\r\n"} {
		first := ""
		for _, service := range []string{"nosuch", "home", "open", "pub", "plain", "revoked", "locked", "", "%20", strings.Repeat("x", 5000)} {
			for reason, header := range tokens {
				if strings.Contains(header, "eyJ") && reason == "token_expired" {
					header = "Authorization: Bearer " + signed(t, key, claims("service_name", service, "exp", 1)) + "\r\n"
				}
				got := exact(t, addr, fmt.Sprintf(request, service, header))
				if first == "" {
					first = got
				}
				if got != first || !strings.HasPrefix(got, want) {
					t.Errorf("%.20q, %s, %.20q:\n%s\nunlike\n%s", request, reason, service, got, first)
				}
			}
		}
		if !strings.Contains(first, `"code":"unauthorized"`) || !strings.Contains(first, `Www-Authenticate: Bearer realm="lockbox"`+"\r\n") {
			t.Errorf("the answer:\n%s", first)
		}
	}
	for name, request := range map[string]string{
		"valid for a service at home":          "GET /s/home/x\r\nAuthorization: Bearer " + l.token(t, "home") + "\r\n\r\n",
		"valid for a service that is gone":     "GET /s/nosuch/x\r\nAuthorization: Bearer " + l.token(t, "nosuch") + "\r\n\r\n",
		"valid for an open service":            "GET /s/open/x\r\nAuthorization: Bearer " + l.token(t, "open") + "\r\n\r\n",
		"valid, but revoked":                   "GET /s/revoked/x\r\nAuthorization: Bearer " + l.token(t, "revoked") + "\r\n\r\n",
		"valid, but in the query, not there":   "GET /s/plain/x?lockbox_token=" + l.token(t, "plain") + "\r\n\r\n",
		"valid, but in the path, not there":    "GET /s/plain/" + l.token(t, "plain") + "/x\r\n\r\n",
		"valid, but in the query of no such":   "GET /s/nosuch/x?lockbox_token=" + l.token(t, "nosuch") + "\r\n\r\n",
		"valid for another audience":           "GET /s/pub/x\r\nAuthorization: Bearer " + signed(t, key, claims("service_name", "pub", "aud", "y")) + "\r\n\r\n",
		"valid, twice":                         "GET /s/pub/x?lockbox_token=" + l.token(t, "pub") + "\r\nX-Lockbox-Token: " + l.token(t, "pub") + "\r\n\r\n",
		"a forged admin's, at no such service": "GET /s/nosuch\r\nAuthorization: Basic x\r\n\r\n",
	} {
		if got, first := exact(t, addr, request), exact(t, addr, "GET /s/x/\r\n\r\n"); got != first {
			t.Errorf("%s:\n%s\nunlike\n%s", name, got, first)
		}
	}
	// The owner is told why.
	reasons := map[string]int{}
	for _, x := range l.exchanges(t) {
		code, _, _ := strings.Cut(x.Reason, ":")
		reasons[code]++
		if x.Listener != "public" || x.Decision != audit.Refused || x.Status != 401 {
			t.Errorf("record %+v", x)
		}
		if strings.Contains(fmt.Sprintf("%+v", x), "eyJ") {
			t.Errorf("the record of %s holds a token: %+v", x.Reason, x)
		}
	}
	for _, code := range []string{"unknown_service", "not_public", "token_missing", "token_malformed", "token_signature", "token_expired", "token_service", "token_audience"} {
		if reasons[code] == 0 {
			t.Errorf("no record of %s; there are %v", code, reasons)
		}
	}
}

func TestPublicSide(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Access-Control-Allow-Origin", "*")
		w.Header().Set("Location", "http://"+r.Host+"/v1/next")
		printf(w, "%s %s", r.URL.Path, strings.Join(slices.Sorted(headerNames(r.Header)), ","))
	})
	l := newLab(t, services("pub", shut(up.URL+"/v1", public), "home", shut(up.URL), "bad", shut(up.URL, public, `"credential": {"token": "keychain://bad/token"}`)))
	addr := opened(t, l)
	admin, err := token.IssueAdmin(labKey, time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	auth := "Authorization: Bearer " + l.token(t, "pub") + "\r\n"
	for _, tt := range []struct {
		request string
		status  int
		want    string // in the answer
	}{
		{"GET /healthz\r\n\r\n", 200, "OK"},
		{"HEAD /healthz\r\n\r\n", 200, ""},
		{"GET /s/pub/x\r\n" + auth + "\r\n", 200, "/v1/x"},
		{"GET /s/pub/x\r\n" + auth + "Origin: https://evil.example\r\nSec-Fetch-Site: cross-site\r\n\r\n", 200, "/v1/x"},
		{"GET /s/pub/x\r\n" + auth + "\r\n", 200, "Location: https://public.example/s/pub/next\r\n"},
		{"GET /s/pub/x\r\nX-Forwarded-Proto: http\r\n" + auth + "\r\n", 200, "Location: http://public.example/s/pub/next\r\n"},
		{"GET /s/pub//x\r\n" + auth + "\r\n", 400, "bad_path"},
		{"GET /s/pub/x?y=" + l.token(t, "home") + "\r\n" + auth + "\r\n", 400, "token_in_url"},
		{"GET /s/bad/x\r\nAuthorization: Bearer " + l.token(t, "bad") + "\r\n\r\n", 503, "credential_missing"},
		{"POST /admin/reload\r\nAuthorization: Bearer " + admin.Reveal() + "\r\nContent-Length: 0\r\n\r\n", 404, "not_found"},
		{"POST /admin/reload\r\nContent-Length: 0\r\n\r\n", 404, "not_found"},
		{"GET /admin\r\n\r\n", 404, "not_found"},
		{"GET /\r\n\r\n", 404, "not_found"},
		{"GET /s\r\n\r\n", 404, "not_found"},
		{"GET /s/pub/../x\r\n" + auth + "\r\n", 400, "bad_path"},
		{"GET http://evil.example/s/pub/x\r\n" + auth + "\r\n", 400, "bad_target"},
		{"CONNECT evil.example:443\r\n" + auth + "\r\n", 400, "bad_method"},
		{"TRACE /s/pub/x\r\n" + auth + "\r\n", 405, "method_not_allowed"},
	} {
		got := exact(t, addr, tt.request)
		if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", tt.status)) || !strings.Contains(got, tt.want) || strings.Contains(got, "Access-Control-Allow") {
			t.Errorf("%.60q: want %d and %q, got\n%s", tt.request, tt.status, tt.want, got)
		}
	}
	if r := get(t, l.url+"/s/pub/x", "Authorization", "Bearer "+l.token(t, "pub")); r.status != 200 {
		t.Errorf("a public service at home: %d", r.status)
	}
	if r := get(t, l.url+"/s/pub/x", "Authorization", "Bearer "+l.token(t, "pub"), "Origin", "https://evil.example"); r.status != 403 {
		t.Errorf("a browser at home: %d", r.status)
	}
	l.SetPaused(true)
	for _, service := range []string{"pub", "home", "nosuch"} {
		if got := exact(t, addr, "GET /s/"+service+"/x\r\n"+auth+"\r\n"); !strings.HasPrefix(got, "HTTP/1.1 503") {
			t.Errorf("paused: %s", got)
		}
	}
}

func headerNames(h http.Header) func(func(string) bool) {
	return func(yield func(string) bool) {
		for name := range h {
			if !yield(name) {
				return
			}
		}
	}
}

func TestClientAddress(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("pub", shut(up.URL, public)))
	addr := opened(t, l)
	for _, tt := range []struct {
		headers []string
		want    string // "": the connection's
	}{
		{nil, ""},
		{[]string{"203.0.113.9"}, "203.0.113.9"},
		{[]string{"6.6.6.6, 203.0.113.9"}, "203.0.113.9"},
		{[]string{"6.6.6.6", "7.7.7.7,203.0.113.9"}, "203.0.113.9"},
		{[]string{"6.6.6.6,2001:db8::1"}, "2001:db8::1"},
		{[]string{"[2001:db8::1]"}, "2001:db8::1"},
		{[]string{"203.0.113.9:5000"}, "203.0.113.9:5000"},
		{[]string{"203.0.113.9, unknown"}, ""},
		{[]string{"203.0.113.9,"}, ""},
		{[]string{""}, ""},
	} {
		r := request(t, "GET", "http://"+addr+"/s/pub/x", nil, "Authorization", "Bearer "+l.token(t, "pub"))
		r.Header["X-Forwarded-For"] = tt.headers
		reply := do(t, r)
		if got := reply.seen(t); got.Header["X-Forwarded-For"] != nil {
			t.Errorf("the upstream got %q", got.Header["X-Forwarded-For"])
		}
		x := l.exchanges(t)[0]
		if x.Remote != tt.want && (tt.want != "" || !strings.HasPrefix(x.Remote, "127.0.0.1:")) || x.Listener != "public" || x.Audience != "x" {
			t.Errorf("%q: record %+v, want remote %q", tt.headers, x, tt.want)
		}
	}
	get(t, l.url+"/s/pub/x", "Authorization", "Bearer "+l.token(t, "pub"), "X-Forwarded-For", "203.0.113.9")
	if x := l.exchanges(t)[0]; !strings.HasPrefix(x.Remote, "127.0.0.1:") || x.Listener != "local" {
		t.Errorf("at home: record %+v", x)
	}
}

// A reload changes at once what the public side serves, on connections that are
// open already too.
func TestPublicReload(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("a", shut(up.URL, public)))
	addr := opened(t, l)
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	in := bufio.NewReader(conn)
	status := func(service string) int {
		t.Helper()
		printf(conn, "GET /s/%s/x HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer %s\r\n\r\n", service, l.token(t, service))
		res, err := http.ReadResponse(in, nil)
		if err != nil {
			t.Fatal(err)
		}
		return finish(res).status
	}
	for _, step := range []struct {
		text string
		a, b int
	}{
		{services("a", shut(up.URL, public)), 200, 401},
		{services("a", shut(up.URL, public), "b", shut(up.URL, public)), 200, 200},
		{services("a", shut(up.URL), "b", shut(up.URL, public)), 401, 200},
		{services("a", shut(up.URL, `"tunnel": false`), "b", shut(up.URL, public, `"valid_audiences": ["y"]`)), 401, 401},
		{services(), 401, 401},
	} {
		l.reloaded(t, func() { l.text = step.text })
		if a, b := status("a"), status("b"); a != step.a || b != step.b {
			t.Errorf("%s: %d and %d, want %d and %d", step.text, a, b, step.a, step.b)
		}
	}
}
