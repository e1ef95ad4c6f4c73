package proxy

import (
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// A key that can be guessed opens nothing to the internet.
func TestPublicWeakKey(t *testing.T) {
	up := echo(t)
	weak := secret.New(strings.Repeat("k", 31))
	l := newLab(t, services("pub", shut(up.URL, public)))
	addr := opened(t, l)
	tok := l.token(t, "pub")
	call := func(service string) string {
		return exact(t, addr, "GET /s/"+service+"/x\r\nAuthorization: Bearer "+tok+"\r\n\r\n")
	}
	for name, tt := range map[string]struct {
		keys   token.Keys
		err    error
		status int
		code   string
		check  string
	}{
		"good":            {token.Keys{Current: labKey}, nil, 200, "", ""},
		"weak":            {token.Keys{Current: weak}, nil, 503, "weak_key", "has 31"},
		"weak former one": {token.Keys{Current: labKey, Former: []token.FormerKey{{Key: weak, Until: time.Now().Add(time.Hour)}}}, nil, 503, "weak_key", "has 31"},
		"none":            {token.Keys{}, nil, 500, "signing_key_missing", ""},
		"locked":          {token.Keys{}, secret.ErrLocked, 200, "", ""}, // the one of before stays
	} {
		report := l.reloaded(t, func() { l.keys, l.keyErr = token.Keys{Current: labKey}, nil })
		if strings.Contains(strings.Join(report.Warnings, " "), "short") {
			t.Errorf("a good key: warnings %q", report.Warnings)
		}
		report = l.reloaded(t, func() { l.keys, l.keyErr = tt.keys, tt.err })
		if warned := strings.Contains(strings.Join(report.Warnings, " "), "short (31 bytes)"); warned != (name == "weak") {
			t.Errorf("%s: warnings %q", name, report.Warnings)
		}
		got := call("pub")
		if !strings.HasPrefix(got, fmt.Sprintf("HTTP/1.1 %d ", tt.status)) || !strings.Contains(got, tt.code) {
			t.Errorf("%s: %s", name, got)
		}
		if tt.status != 200 && got != call("nosuch") {
			t.Errorf("%s: unlike for a service that is not there", name)
		}
		if err := l.CheckPublic(); (err == nil) != (tt.check == "") || err != nil && !strings.Contains(err.Error(), tt.check) {
			t.Errorf("%s: CheckPublic = %v", name, err)
		}
	}
	if err := New(Options{}).CheckPublic(); err != nil {
		t.Errorf("before the first load: %v", err)
	}
}

// How long a refusal takes; the figures should not differ by service.
func BenchmarkPublicRefusal(b *testing.B) {
	l := newLab(b, services("pub", shut("lockbox://demo", public, `"valid_audiences": ["x"]`), "home", shut("lockbox://demo")))
	handler := l.PublicHandler()
	wrong := l.token(b, "other")
	for _, service := range []string{"pub", "home", "nosuch"} {
		for name, tok := range map[string]string{"none": "", "wrong": wrong} {
			b.Run(service+"/"+name, func(b *testing.B) {
				for b.Loop() {
					r := request(b, "GET", "http://h/s/"+service+"/x", nil)
					r.RequestURI = "/s/" + service + "/x"
					if tok != "" {
						r.Header.Set("Authorization", "Bearer "+tok)
					}
					handler.ServeHTTP(&nowhere{header: http.Header{}}, r)
				}
			})
		}
	}
}

// nowhere is a ResponseWriter that keeps nothing.
type nowhere struct{ header http.Header }

func (n *nowhere) Header() http.Header         { return n.header }
func (n *nowhere) Write(p []byte) (int, error) { return len(p), nil }
func (n *nowhere) WriteHeader(int)             {}
