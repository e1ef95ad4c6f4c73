package proxy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"os"
	"strings"
	"testing"
)

// queryKey needs to be encoded, in more ways than one.
const queryKey = "k-live/ü 7+3&f9=c27d"

func inQuery(name string) string {
	quoted, _ := json.Marshal(queryKey)
	return fmt.Sprintf(`"credential": {"type": "query", "params": {%q: %s}}`, name, quoted)
}

// recorded is everything that a lab has written down and said.
func (l *lab) recorded(t *testing.T, dirs ...string) string {
	t.Helper()
	var all bytes.Buffer
	encoder := json.NewEncoder(&all)
	encoder.SetEscapeHTML(false)
	for _, x := range l.exchanges(t) {
		if err := encoder.Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	for _, dir := range dirs {
		for _, name := range eventFiles(t, dir) {
			text, err := os.ReadFile(name)
			if err != nil {
				t.Fatal(err)
			}
			all.Write(text)
		}
	}
	return all.String() + l.said.String()
}

// TestQueryCredential: the key is put into the query and the caller's is not;
// the rest of the query is what the caller wrote.
func TestQueryCredential(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("q", open(up.URL+"/v1", inQuery("api_key")), "demo", open("lockbox://demo", inQuery("api_key"))))
	const key = "api_key=k-live%2F%C3%BC%207%2B3%26f9%3Dc27d"
	for in, want := range map[string]string{
		"/a":                     "/v1/a?" + key,
		"/a?":                    "/v1/a?" + key,
		"/a?b=%zz;c&d=+%2f&&b":   "/v1/a?b=%zz;c&d=+%2f&&b&" + key,
		"/a?x=1&api_key=2":       "/v1/a?x=1&" + key,
		"/a?%61pi%5fkey=2&y={}|": "/v1/a?y={}|&" + key,
		"/a%2Fb;{}?q=%zz":        "/v1/a%2Fb;{}?q=%zz&" + key,
	} {
		r := raw(t, l.addr, "GET /s/q"+in+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if got := r.seen(t); got.Target != want {
			t.Errorf("%s: the upstream saw %q, want %q", in, got.Target, want)
		}
	}
	if r := get(t, l.url+"/s/demo/x?a=1"); strings.Contains(r.body, "k-live") || !strings.Contains(r.body, `"query": "a=1"`) {
		t.Errorf("the demo shows %s", r.body)
	}
}

// TestQueryKeyStaysHere: a redirect takes the key to no one, the caller
// included, whether it is followed or not.
func TestQueryKeyStaysHere(t *testing.T) {
	var elsewhere []string
	other := upstreamOf(t, func(_ http.ResponseWriter, r *http.Request) { elsewhere = append(elsewhere, r.RequestURI) })
	var seen []string
	var up string
	srv := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.RequestURI)
		again := r.URL.RawQuery
		h := w.Header()
		switch r.URL.Path {
		case "/v1/inside":
			h.Set("Location", up+"/v1/end?"+again)
		case "/v1/relative":
			h.Set("Location", "end?x=1&"+again+"#top")
		case "/v1/other":
			h.Set("Location", other.URL+"/end?"+again)
		case "/v1/nested":
			h.Set("Location", "/login?next="+url.QueryEscape(r.RequestURI))
		case "/v1/nested/twice":
			h.Set("Location", "/login?next="+url.QueryEscape("/login?next="+url.QueryEscape(r.RequestURI)))
		case "/v1/links":
			h.Set("Link", "<"+up+"/v1/p?page=2&"+again+`>; rel="next", <`+up+"/v1/p?"+again+`>; rel="last"`)
			h.Set("Content-Location", "/v1/links?"+again)
			h.Set("Refresh", "5; url=/v1/links?"+again)
			return
		default:
			return
		}
		w.WriteHeader(http.StatusFound)
	})
	up = srv.URL
	l := newLab(t, services("back", open(up+"/v1", inQuery("api_key")), "follow", open(up+"/v1", inQuery("api_key"), `"allow_redirects": true`)))
	key := "api_key=" + strings.ReplaceAll(url.QueryEscape(queryKey), "+", "%20")
	tests := []struct {
		service, path, header, want string
		seen                        []string
	}{
		{"back", "/inside?a=1", "Location", l.url + "/s/back/end?a=1", []string{"/v1/inside?a=1&" + key}},
		{"back", "/relative", "Location", "end?x=1#top", []string{"/v1/relative?" + key}},
		{"back", "/other?a=1", "Location", other.URL + "/end?a=1", []string{"/v1/other?a=1&" + key}},
		{"back", "/nested?a=1", "Location", "/login?next=%2Fv1%2Fnested%3Fa%3D1%26api_key%3D[redacted]", nil},
		{"back", "/nested/twice?a=1", "Location", "/login?[redacted]", nil},
		{"back", "/links?a=1", "Link", "<" + l.url + `/s/back/p?page=2&a=1>; rel="next", <` + l.url + `/s/back/p?a=1>; rel="last"`, nil},
		{"back", "/links?a=1", "Content-Location", "/v1/links?a=1", nil},
		{"back", "/links?a=1", "Refresh", "5; url=/v1/links?a=1", nil},
		{"follow", "/inside?a=1", "Location", "", []string{"/v1/inside?a=1&" + key, "/v1/end?a=1&" + key}},
		{"follow", "/relative", "Location", "", []string{"/v1/relative?" + key, "/v1/end?x=1&" + key}},
		{"follow", "/other?a=1", "Location", other.URL + "/end?a=1", []string{"/v1/other?a=1&" + key}},
	}
	for _, tt := range tests {
		seen = nil
		r := get(t, l.url+"/s/"+tt.service+tt.path)
		if got := r.header.Get(tt.header); got != tt.want {
			t.Errorf("%s%s: %s %q, want %q", tt.service, tt.path, tt.header, got, tt.want)
		}
		if tt.seen != nil && strings.Join(seen, " ") != strings.Join(tt.seen, " ") {
			t.Errorf("%s%s: the upstream saw\n%q, want\n%q", tt.service, tt.path, seen, tt.seen)
		}
		for name, values := range r.header {
			if strings.Contains(strings.Join(values, " "), "live") {
				t.Errorf("%s%s: the caller got the key in %s: %q", tt.service, tt.path, name, values)
			}
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("another server was called: %q", elsewhere)
	}
	if all := l.recorded(t); strings.Contains(all, "live") {
		t.Errorf("the key is on record:\n%s", all)
	}
}

// TestQueryKeyIsNotRecorded: not of what the upstream echoes, in all its ways to
// write it, nor of calls that fail.
func TestQueryKeyIsNotRecorded(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Server", "has "+r.URL.Query().Get("x"))
		w.Header().Set("Etag", r.RequestURI)
		printf(w, "you called %s with %q: %s", r.RequestURI, r.URL.Query().Get("x"), strings.ToLower(r.URL.RawQuery))
	})
	dead := rawUpstream(t, nil)
	dir := t.TempDir()
	l := newLab(t, strings.TrimSuffix(services("q", open(up.URL, inQuery("x"), unguarded), "dead", open(strings.Replace(dead, "127.0.0.1", "127.0.0.2", 1), inQuery("x"))), "}")+
		fmt.Sprintf(`, "audit_log": {"type": "local_dir", "root_dir": %q}}`, dir))
	r := do(t, request(t, "POST", l.url+"/s/q/a?x=callers-own&b=1", strings.NewReader("said "+queryKey), "Content-Type", "text/plain"))
	if r.status != 200 || !strings.Contains(r.body, "k-live") {
		t.Fatalf("%d %s", r.status, r.body)
	}
	if r := get(t, l.url+"/s/dead/a"); r.status != 502 {
		t.Errorf("%d %s", r.status, r.body)
	}
	l.stop()
	err := <-l.ended
	l.ended <- err
	if all := l.recorded(t, dir); strings.Contains(all, "live") || !strings.Contains(all, "said [redacted]") || !strings.Contains(all, "you called /a?b=1&x=[redacted]") {
		t.Errorf("recorded:\n%s", all)
	}
}
