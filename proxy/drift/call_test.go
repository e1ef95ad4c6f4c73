package drift

import (
	"strings"
	"testing"
	"time"
)

func TestNetwork(t *testing.T) {
	for remote, want := range map[string]string{
		"203.0.113.9:4711":            "203.0.113.0/24",
		"203.0.113.9":                 "203.0.113.0/24",
		"::ffff:203.0.113.9":          "203.0.113.0/24",
		"[2001:db8:7:9::1]:443":       "2001:db8:7::/48",
		"2001:db8:7:ffff::1":          "2001:db8:7::/48",
		"[fe80::1%eth0]:80":           "fe80::/48",
		"255.255.255.255":             "255.255.255.0/24",
		"ffff:ffff:ffff:ffff::":       "ffff:ffff:ffff::/48",
		"127.0.0.1:80":                "",
		"127.9.9.9":                   "",
		"[::1]:80":                    "",
		"::1":                         "",
		"::ffff:127.0.0.1":            "",
		"":                            "",
		"nonsense":                    "",
		"203.0.113.9:4711, 127.0.0.1": "",
	} {
		n := networkOf(remote)
		if n.String() != want || parseNetwork(want) != n {
			t.Errorf("networkOf(%q) = %q, want %q, and read again %q", remote, n, want, parseNetwork(want))
		}
	}
}

func TestFamily(t *testing.T) {
	const chrome = "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/%s Safari/537.36"
	for agent, want := range map[string]string{
		"Zapier":                                "zapier",
		"zapier/1.2":                            "zapier",
		"Zapier/1.3 ":                           "zapier",
		strings.ReplaceAll(chrome, "%s", "120"): "mozilla applewebkit chrome safari",
		strings.ReplaceAll(chrome, "%s", "121"): "mozilla applewebkit chrome safari",
		"Mozilla/5.0 (compatible; Bot/2.1; +http://bot.example)": "mozilla bot",
		"Mozilla/5.0 (compatible; Bot/2.2)":                      "mozilla bot",
		"python-requests/2.31.0":                                 "python-requests",
		"curl/8 (a (nested) one) x/1":                            "curl x",
		"curl/8 (never closed":                                   "curl",
		"a a/2 A/3":                                              "a",
		"1 2 3 4 5 6 7 8":                                        "1 2 3 4 5 6",
		"":                                                       noAgent,
		"  (only a comment) ":                                    noAgent,
		"/1.0":                                                   noAgent,
		"eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJsb2NrYm94In0": hidden, // too long
		"sk_live_51H8a9": hidden, // digits
		"näme x":         "… x",
	} {
		if got := family(agent); got != want {
			t.Errorf("family(%q) = %q, want %q", agent, got, want)
		}
	}
}

func TestNews(t *testing.T) {
	for n := range News(8) {
		if got := ParseNews(n.String()); got != n {
			t.Errorf("%d is written %q, and read as %d", n, n, got)
		}
	}
	if got := (Network | Agent | Hour).String(); got != "network,user_agent,hour" {
		t.Errorf("all is %q", got)
	}
	if got := ParseNews("hour,moon"); got != Hour {
		t.Errorf("with an unknown one: %d", got)
	}
}

func TestWords(t *testing.T) {
	at := time.Date(2026, 3, 4, 3, 12, 0, 0, time.UTC)
	for _, tt := range []struct {
		sight Sight
		want  string
	}{
		{Sight{at, Network | Agent | Hour, "203.0.113.0/24", "curl"}, "network 203.0.113.0/24, user agent curl, unusual hour"},
		{Sight{At: at, News: Agent, Program: noAgent}, "no user agent"},
		{Sight{At: at, News: Agent}, "user agent"},
		{Sight{At: at, News: Hour}, "unusual hour"},
		{Sight{}, ""},
	} {
		if got := tt.sight.Words(); got != tt.want {
			t.Errorf("%+v: got %q, want %q", tt.sight, got, tt.want)
		}
	}
	c := Call{at, "203.0.113.9:1", "curl/8"}
	if got := c.Sight(Network|Agent, func(string) bool { return false }); got.Network != "203.0.113.0/24" || got.Program != "" {
		t.Errorf("what cannot be written down: %+v", got)
	}
}
