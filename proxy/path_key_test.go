package proxy

import (
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// pathKey has a character that a path encodes, and one that most do not.
const pathKey = "7301:AAk-live/c27d"

func inPath(segment string) string {
	return fmt.Sprintf(`"credential": {"type": "path", "segment": %q, "token": %q}`, segment, pathKey)
}

// TestPathCredential: the token comes right behind the base URL, and the rest of
// the address is what the caller wrote.
func TestPathCredential(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("bot", open(up.URL, inPath("bot{token}")), "file", open(up.URL+"/file", inPath("bot{token}")), "demo", open("lockbox://demo", inPath("bot{token}"))))
	const key = "bot7301:AAk-live%2Fc27d"
	for in, want := range map[string]string{
		"/s/bot/getMe":              "/" + key + "/getMe",
		"/s/bot/a%2Fb;{}?q=%zz&x=+": "/" + key + "/a%2Fb;{}?q=%zz&x=+",
		"/s/bot":                    "/" + key,
		"/s/bot/":                   "/" + key,
		"/s/file/photos/1.jpg?x":    "/file/" + key + "/photos/1.jpg?x",
		"/s/file":                   "/file/" + key,
	} {
		r := raw(t, l.addr, "GET "+in+" HTTP/1.1\r\nHost: localhost\r\n\r\n")
		if got := r.seen(t); got.Target != want {
			t.Errorf("%s: the upstream saw %q, want %q", in, got.Target, want)
		}
	}
	if r := get(t, l.url+"/s/demo/x?a=1"); r.status != 200 || strings.Contains(r.body, "live") {
		t.Errorf("the demo shows %d %s", r.status, r.body)
	}
	if all := l.recorded(t); strings.Contains(all, "live") {
		t.Errorf("the token is on record:\n%s", all)
	}
}

// TestPathKeyStaysHere: no address that the upstream gives takes the token to the
// caller, into the record or to another server, and redirects within the base are
// followed with it once.
func TestPathKeyStaysHere(t *testing.T) {
	var elsewhere, seen []string
	other := upstreamOf(t, func(_ http.ResponseWriter, r *http.Request) { elsewhere = append(elsewhere, r.RequestURI) })
	var up string
	const key = "/bot7301:AAk-live%2Fc27d"
	srv := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		seen = append(seen, r.RequestURI)
		h := w.Header()
		here := "/v1" + key
		switch strings.TrimPrefix(r.URL.EscapedPath(), here) {
		case "/inside":
			h.Set("Location", up+here+"/end?a=1")
		case "/relative":
			h.Set("Location", "end?a=1")
		case "/rooted":
			h.Set("Location", here+"/end")
		case "/other":
			h.Set("Location", other.URL+here+"/end")
		case "/nested":
			h.Set("Location", "/login?next="+url.QueryEscape(url.QueryEscape(r.RequestURI)))
		case "/twice":
			h.Set("Location", "/login/"+url.PathEscape(url.PathEscape(here))+"?x=1")
		case "/links":
			h.Set("Link", "<"+up+here+`/p?page=2>; rel="next"`)
			h.Set("Content-Location", here+"/links")
			h.Set("Etag", r.RequestURI)
			printf(w, "you called %s", r.RequestURI)
			return
		default:
			return
		}
		w.WriteHeader(http.StatusFound)
	})
	up = srv.URL
	l := newLab(t, services("back", open(up+"/v1", inPath("bot{token}")), "follow", open(up+"/v1", inPath("bot{token}"), `"allow_redirects": true`)))
	tests := []struct {
		service, path, header, want string
		seen                        string // of it, the path that was called last
	}{
		{"back", "/inside", "Location", l.url + "/s/back/end?a=1", "/inside"},
		{"back", "/relative", "Location", "end?a=1", "/relative"},
		{"back", "/rooted", "Location", "/s/back/end", "/rooted"},
		{"back", "/other", "Location", other.URL + "/v1/bot[redacted]/end", "/other"},
		{"back", "/nested", "Location", "/login?[redacted]", "/nested"},
		{"back", "/twice", "Location", "[redacted]", "/twice"},
		{"back", "/links", "Link", "<" + l.url + `/s/back/p?page=2>; rel="next"`, "/links"},
		{"back", "/links", "Content-Location", "/v1/bot[redacted]/links", "/links"},
		{"follow", "/inside", "Location", "", "/end?a=1"},
		{"follow", "/relative", "Location", "", "/end?a=1"},
		{"follow", "/rooted", "Location", "", "/end"},
		{"follow", "/other", "Location", other.URL + "/v1/bot[redacted]/end", "/other"},
	}
	for _, tt := range tests {
		r := get(t, l.url+"/s/"+tt.service+tt.path)
		if got := r.header.Get(tt.header); got != tt.want {
			t.Errorf("%s%s: %s %q, want %q", tt.service, tt.path, tt.header, got, tt.want)
		}
		if got := seen[len(seen)-1]; got != "/v1"+key+tt.seen {
			t.Errorf("%s%s: the upstream saw %q last, want %q", tt.service, tt.path, got, "/v1"+key+tt.seen)
		}
	}
	if len(elsewhere) > 0 {
		t.Errorf("another server was called: %q", elsewhere)
	}
	dead := rawUpstream(t, nil)
	l.reloaded(t, func() {
		l.text = services("dead", open(strings.Replace(dead, "127.0.0.1", "127.0.0.2", 1), inPath("bot{token}")))
	})
	if r := get(t, l.url+"/s/dead/x"); r.status != 502 || strings.Contains(r.body, "live") {
		t.Errorf("%d %s", r.status, r.body)
	}
	if all := l.recorded(t); strings.Contains(all, "live") {
		t.Errorf("the token is on record:\n%s", all)
	}
}

// TestDefaultHeaders: they are sent where the caller has none of that name.
func TestDefaultHeaders(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("a", open(up.URL, `"credential": {"type": "headers", "headers": {"X-Key": "k-0001"}}`, `"default_headers": {"X-Version": "1", "x-key": "mine"}`)))
	for _, tt := range []struct {
		header     string
		want, wire string
	}{
		{"X-Other", "1", ""},
		{"X-Version", "callers", ""},
		{"x-version", "callers", ""},
	} {
		r := raw(t, l.addr, "GET /s/a/x HTTP/1.1\r\nHost: localhost\r\n"+tt.header+": callers\r\n\r\n")
		got := r.seen(t).Header
		if v := got["X-Version"]; len(v) != 1 || v[0] != tt.want {
			t.Errorf("with %s the upstream saw %q, want %q", tt.header, v, tt.want)
		}
		if v := got["X-Key"]; len(v) != 1 || v[0] != "k-0001" {
			t.Errorf("the credential's header is %q", v)
		}
	}
}
