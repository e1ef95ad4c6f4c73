package audit

import (
	"net/http"
	"reflect"
	"strings"
	"testing"
	"time"
)

// A zone with a daylight saving time, and odd offsets a century ago.
func berlin(t testing.TB) *time.Location {
	t.Helper()
	zone, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	return zone
}

func TestParseQuery(t *testing.T) {
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, berlin(t)) // the clock went forward at two
	at := func(s string) time.Time {
		t, err := time.Parse(time.RFC3339Nano, s)
		if err != nil {
			panic(err)
		}
		return t
	}
	for _, tt := range []struct {
		text string
		want Query
		err  string
	}{
		{"", Query{}, ""},
		{"  \t\u00a0 ", Query{}, ""},
		{"service:github status:5xx invoice", Query{Service: []string{"github"}, Status: []string{"5xx"}, Text: "invoice"}, ""},
		{"service:a service:b service:a", Query{Service: []string{"a", "b"}}, ""},
		{`service:"two words" "service:x" "it's two"`, Query{Service: []string{"two words"}, Text: "service:x it's two"}, ""},
		{`"a   b"  c`, Query{Text: "a b c"}, ""},
		{`"a"b`, Query{Text: "a b"}, ""},
		{`say "\"quoted\""`, Query{Text: `say "quoted"`}, ""},
		{`service:""`, Query{Service: []string{""}}, ""},
		{"method:get method:Post", Query{Method: []string{"GET", "POST"}}, ""},
		{"status:404 status:4XX", Query{Status: []string{"404", "4xx"}}, ""},
		{"listener:local audience:zapier token:0198", Query{Listener: []string{"local"}, Audience: []string{"zapier"}, JTI: "0198"}, ""},
		{"decision:Refused", Query{Decision: []string{"refused"}}, ""},
		{"http://x.example/a?b:c 12:30 nosuch:x", Query{Text: "http://x.example/a?b:c 12:30 nosuch:x"}, ""},
		{"since:2026-01-31T15:04:05Z", Query{Since: at("2026-01-31T15:04:05Z")}, ""},
		{"since:2026-01-31T15:04:05.123456789+05:30", Query{Since: at("2026-01-31T15:04:05.123456789+05:30")}, ""},
		{"since:2026-01-31 until:2026-07-01T15:04", Query{Since: at("2026-01-31T00:00:00+01:00"), Until: at("2026-07-01T15:04:00+02:00")}, ""},
		{`since:"2026-01-31 15:04" until:"2026-01-31 15:04:05"`, Query{Since: at("2026-01-31T15:04:00+01:00"), Until: at("2026-01-31T15:04:05+01:00")}, ""},
		{"since:90m until:1h30m", Query{Since: at("2026-03-29T10:30:00+02:00"), Until: at("2026-03-29T10:30:00+02:00")}, ""},
		{"since:24h", Query{Since: at("2026-03-28T11:00:00+01:00")}, ""},
		{"since:1d", Query{Since: at("2026-03-28T12:00:00+01:00")}, ""},
		{"since:soon", Query{}, "7d"},
		{"since:-1h", Query{}, "since:-1h"},
		{"since:99999d", Query{}, "since"},
		{"until:15", Query{}, "until:15"},
		{"until:2026-02-30", Query{}, "until:2026-02-30"},
		{"since:0000-01-01", Query{}, "since"},
		{"since:9999-12-31T23:59:59-01:00", Query{}, "since"},
		{"service:", Query{}, "service: says nothing"},
		{"service: x", Query{}, "service: says nothing"},
		{`token:""`, Query{}, "token: says nothing"},
		{`service:"x`, Query{}, "quote"},
		{`"`, Query{}, "quote"},
		{"status:40", Query{}, "4xx"},
		{"status:4x4", Query{}, "4xx"},
		{"status:+40", Query{}, "4xx"},
		{"status:4000", Query{}, "4xx"},
		{"decision:maybe", Query{}, "refused"},
	} {
		t.Run(tt.text, func(t *testing.T) {
			got, err := ParseQuery(tt.text, now)
			if tt.err != "" {
				if err == nil || !strings.Contains(err.Error(), tt.err) || !reflect.DeepEqual(got, Query{}) {
					t.Errorf("%+v, %v; want an error about %q and no query", got, err, tt.err)
				}
				return
			}
			if err != nil || !sameQuery(got, tt.want) {
				t.Errorf("got %+v, %v; want %+v", got, err, tt.want)
			}
			if tt.want.IsZero() != (strings.TrimSpace(tt.text) == "") {
				t.Errorf("IsZero() is %v", tt.want.IsZero())
			}
		})
	}
	var q Query
	if err := q.Add("nosuch", "x", now); err == nil || !strings.Contains(err.Error(), "service, method") {
		t.Errorf("an unknown filter: %v, want an error that names those there are", err)
	}
}

// sameQuery compares times by their moment.
func sameQuery(a, b Query) bool {
	same := a.Since.Equal(b.Since) && a.Until.Equal(b.Until)
	a.Since, a.Until, b.Since, b.Until = time.Time{}, time.Time{}, time.Time{}, time.Time{}
	return same && reflect.DeepEqual(a, b)
}

func TestQueryString(t *testing.T) {
	q := Query{
		Service: []string{"github", "two words", ""}, Method: []string{"GET"}, Status: []string{"5xx", "404"}, JTI: "0198",
		Since: time.Date(2026, 1, 1, 1, 0, 0, 5, time.FixedZone("", 3600)), Until: time.Date(2026, 2, 1, 0, 0, 0, 0, time.UTC),
		Text: `invoice  since:1h "x`, Before: 7, Limit: 9,
	}
	want := `service:github service:"two words" service:"" method:GET status:5xx status:404 token:0198 ` +
		`since:2026-01-01T00:00:00.000000005Z until:2026-02-01T00:00:00Z invoice "since:1h" "\"x"`
	for range 20 { // the same every time
		if got := q.String(); got != want {
			t.Fatalf("got  %s\nwant %s", got, want)
		}
	}
	if !(Query{Limit: 5, Before: 1}).IsZero() {
		t.Error("paging makes a query more than all records")
	}
}

func FuzzParseQuery(f *testing.F) {
	for _, s := range []string{
		`service:github status:5xx "two words" invoice`, `service:"a\"b" method:pαst decision:refused`, "since:1h until:2026-01-31 token:x",
		"\v\u0085\u2028service:a\u00a0b", `"\xff"`, "audience:\xff", `since:"1800-01-01 00:00"`, "since:0001-01-01T00:00:00Z", `"service:"x`,
	} {
		f.Add(s)
	}
	now := time.Date(2026, 3, 29, 12, 0, 0, 0, berlin(f))
	f.Fuzz(func(t *testing.T, s string) {
		q, err := ParseQuery(s, now)
		if err != nil {
			return
		}
		text := q.String()
		again, err := ParseQuery(text, now)
		if err != nil || !sameQuery(q, again) || again.String() != text {
			t.Errorf("%q is %+v, written %q, which is %+v, %v", s, q, text, again, err)
		}
		x := Exchange{Path: s, RequestBody: &Body{Text: s}}
		q.fits(&x)
		if words := strings.Fields(s); len(words) > 0 && !holds(&x, words[0]) {
			t.Errorf("%q does not hold its first word", s)
		}
	})
}

func TestFits(t *testing.T) {
	x := &Exchange{
		Seq: 5, Time: time.Unix(1000, 0), Service: "github", Method: "GET", Path: "/s/github/repos/octo-org/r", Query: "page=2", Status: 404,
		Listener: "local", Audience: "zapier,make", JTI: "0198", Decision: Allowed, Reason: "",
		RequestHeader:  http.Header{"User-Agent": {"octokit.js/4.1"}},
		ResponseHeader: http.Header{"X-Ratelimit-Limit": {"60"}},
		RequestBody:    &Body{Text: `{"title": "Grüße, INVOICE-7781"}`},
		ResponseBody:   &Body{Text: "not found"},
	}
	now := time.Unix(2000, 0)
	for text, want := range map[string]bool{
		"": true, "service:github": true, "service:git": false, "service:other service:github": true, "method:get": true, "method:POST": false,
		"status:404": true, "status:4xx": true, "status:5xx status:404": true, "status:405": false, "listener:public": false,
		"audience:make": true, "audience:zapier": true, `audience:"zapier,make"`: false, "decision:allowed": true, "decision:failed": false, "token:0198": true, "token:019": false,
		"since:1000s": true, "since:999s": false, "until:1000s": false, "until:999s": true,
		"octo": true, "octo-org": true, "cto": false, "PAGE=2": true, "octokit.js": true, "ratelimit": true, "grüße": true, "GRÜ": true, "invoice-77": true, "invoice-7781 found": true,
		"invoice-8": false, "invoice nosuch": false, "...": true, "7781 service:other": false, "not found": true, "found-not": false,
	} {
		q, err := ParseQuery(text, now)
		if err != nil {
			t.Fatal(err)
		}
		if got := q.fits(x); got != want {
			t.Errorf("%q fits: %v, want %v", text, got, want)
		}
	}
	for _, tt := range []struct {
		q    Query
		want bool
	}{{Query{Before: 6}, true}, {Query{Before: 5}, false}, {Query{After: 4}, true}, {Query{After: 5}, false}} {
		if got := tt.q.fits(x); got != tt.want {
			t.Errorf("%+v fits: %v, want %v", tt.q, got, tt.want)
		}
	}
}
