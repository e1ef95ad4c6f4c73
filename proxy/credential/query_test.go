package credential

import (
	"net/url"
	"slices"
	"strings"
	"testing"

	"lockbox/proxy/config"
)

// inQuery prepares a credential of parameters.
func inQuery(t testing.TB, pairs ...string) *Applier {
	t.Helper()
	c := &config.Credential{Type: config.Query}
	for i := 0; i < len(pairs); i += 2 {
		c.Params = append(c.Params, config.Param{Name: pairs[i], Value: lit(pairs[i+1])})
	}
	a, err := New(c, literals(c), nil)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

func TestQueryPut(t *testing.T) {
	one, two := inQuery(t, "api_key", "k/1 +&é"), inQuery(t, "api key", "1234", "b", "5678")
	const key = "api_key=k%2F1%20%2B%26%C3%A9"
	tests := []struct {
		a        *Applier
		in, want string
	}{
		{one, "", key},
		{one, "a=1", "a=1&" + key},
		{one, "a=1&", "a=1&" + key},
		{one, "a=%zz&b=%2f+%20&&c;d==", "a=%zz&b=%2f+%20&&c;d==&" + key},
		{one, "api_key=evil", key},
		{one, "api_key", key},
		{one, "a=1&api_key=evil&b=2", "a=1&b=2&" + key},
		{one, "api_key=1&a=1&api_key=2", "a=1&" + key},
		{one, "%61pi%5Fkey=evil&a", "a&" + key},
		{one, "%61%70%69%5f%6b%65%79=evil", key},
		{one, "a=1;api_key=evil;b=2", "a=1;b=2&" + key},
		{one, "API_KEY=1&api_keys=2&xapi_key=3&a=api_key=4", "API_KEY=1&api_keys=2&xapi_key=3&a=api_key=4&" + key},
		{one, "&&", "&&" + key},
		{one, "é=\xff", "é=\xff&" + key},
		{two, "api+key=1&api%20key=2&B=3&b=4&%62", "B=3&api%20key=1234&b=5678"},
	}
	for _, tt := range tests {
		if got := tt.a.params.put(tt.in); got != tt.want {
			t.Errorf("put(%q) = %q, want %q", tt.in, got, tt.want)
		}
	}
}

func TestStrip(t *testing.T) {
	a := inQuery(t, "api_key", "k/1")
	for in, want := range map[string]string{
		"https://x.example/a?api_key=k%2F1":           "https://x.example/a",
		"https://x.example/a?b=1&api_key=k/1&c=2#top": "https://x.example/a?b=1&c=2#top",
		"/a?api%5fkey=k%2f1#top":                      "/a#top",
		"?api_key=k%2F1&b":                            "?b",
		"/a?api_key=another":                          "/a?api_key=another",
		"/a?key=k/1":                                  "/a?key=k/1",
		"/a?b#api_key=k/1":                            "/a?b",
		"/a#b&api_key=k/1":                            "/a#b",
		"/a":                                          "/a",
		"":                                            "",
	} {
		if got := a.Strip(in); got != want {
			t.Errorf("Strip(%q) = %q, want %q", in, got, want)
		}
	}
	if got := (&Applier{}).Strip("/a?api_key=k/1"); got != "/a?api_key=k/1" {
		t.Errorf("without such a credential: %q", got)
	}
}

// The credential's parameters are there once, with their values; of the others
// none is lost, changed or moved.
func FuzzQueryPut(f *testing.F) {
	for _, s := range []string{"", "a=1&api_key=2", "%61pi_key;x", "&;&", "api%5Fkey=%", "+=+"} {
		f.Add(s, "key")
	}
	f.Fuzz(func(t *testing.T, raw, value string) {
		if value = strings.Trim(value, " \t"); value == "" || strings.ContainsFunc(value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
			return
		}
		a := inQuery(t, "api_key", value)
		got := a.params.put(raw)
		ours := "api_key=" + escape(value)
		rest, ok := strings.CutSuffix(got, ours)
		if !ok {
			t.Fatalf("put(%q) = %q, want it to end in %q", raw, got, ours)
		}
		if values, err := url.ParseQuery(ours); err != nil || values.Get("api_key") != value {
			t.Errorf("%q reads as %q, want %q", ours, values, value)
		}
		fields := func(raw string) []string {
			return strings.FieldsFunc(raw, func(r rune) bool { return r == '&' || r == ';' })
		}
		var kept []string
		for _, part := range fields(raw) {
			name, _, _ := strings.Cut(part, "=")
			if unescape(name) != "api_key" {
				kept = append(kept, part)
			}
		}
		parts := fields(rest)
		if strings.Join(parts, "&") != strings.Join(kept, "&") {
			t.Errorf("put(%q) kept %q, want %q", raw, parts, kept)
		}
		if again := a.params.put(got); !slices.Equal(fields(again), fields(got)) {
			t.Errorf("put twice: %q, then %q", got, again)
		}
		if stripped := a.Strip("/x?" + got); strings.Contains(stripped, ours) {
			t.Errorf("Strip leaves %q", stripped)
		}
	})
}
