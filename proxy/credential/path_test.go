package credential

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

func inPath(t testing.TB, segment, token string) *Applier {
	t.Helper()
	c := &config.Credential{Type: config.Path, Segment: segment, Token: lit(token)}
	a, err := New(c, literals(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestPathApply(t *testing.T) {
	tests := []struct{ segment, token, base, in, want string }{
		{"bot{token}", "123:AB-c_d", "", "https://x.example/getMe", "https://x.example/bot123:AB-c_d/getMe"},
		{"bot{token}", " 1\t", "/file", "https://x.example/file/a%2Fb?c=d", "https://x.example/file/bot1/a%2Fb?c=d"},
		{"bot{token}", "1", "", "https://x.example/", "https://x.example/bot1"},
		{"bot{token}", "1", "/v1", "https://x.example/v1", "https://x.example/v1/bot1"},
		{"{token}", "a/b?c#d%", "", "https://x.example/x", "https://x.example/a%2Fb%3Fc%23d%25/x"},
		{"{token}-x", "..", "", "https://x.example/x", "https://x.example/..-x/x"},
	}
	for _, tt := range tests {
		u, err := url.Parse(tt.in)
		if err != nil {
			t.Fatal(err)
		}
		ready, err := inPath(t, tt.segment, tt.token).Ready(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r := &http.Request{Header: http.Header{}, URL: u}
		if err := ready.Apply(r, tt.base); err != nil || u.String() != tt.want {
			t.Errorf("%s below %q: %s, %v, want %s", tt.in, tt.base, u, err, tt.want)
		}
	}
	ready, err := inPath(t, "bot{token}", "secret-1").Ready(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	opaque := &http.Request{Header: http.Header{}, URL: &url.URL{Scheme: "https", Host: "x.example", Opaque: "/v1/{a}"}}
	if err := ready.Apply(opaque, "/v1"); err != nil || opaque.URL.RequestURI() != "/v1/botsecret-1/{a}" {
		t.Errorf("%s, %v", opaque.URL.RequestURI(), err)
	}
	if err := ready.Apply(&http.Request{Header: http.Header{}, URL: &url.URL{Path: "/other"}}, "/v1"); err == nil || strings.Contains(err.Error(), "secret-1") {
		t.Errorf("outside of the base: %v", err)
	}
	for _, token := range []string{".", ".."} {
		c := &config.Credential{Type: config.Path, Segment: "{token}", Token: lit(token)}
		if _, err := New(c, literals(c), nil); err == nil {
			t.Errorf("the token %s: no error", token)
		}
	}
}

func TestCutSegment(t *testing.T) {
	a := inPath(t, "bot{token}", "1:x/y")
	for in, want := range map[string]string{
		"/bot1:x%2Fy/a?b=c": "/a?b=c",
		"/bot1:x%2Fy":       "",
		"/bot1:x%2Fy?b=c":   "?b=c",
		"/bot1:x%2Fyz/a":    "/bot1:x%2Fyz/a",
		"/bot2/a":           "/bot2/a",
		"/a/bot1:x%2Fy/a":   "/a/bot1:x%2Fy/a",
		"":                  "",
	} {
		if got := a.CutSegment(in); got != want {
			t.Errorf("%s: %s, want %s", in, got, want)
		}
	}
	if got := inQuery(t, "a", "b").CutSegment("/x"); got != "/x" {
		t.Errorf("another credential cuts %s", got)
	}
}
