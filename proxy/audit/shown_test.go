package audit

import (
	"encoding/json"
	"net/http"
	"testing"

	"lockbox/proxy/secret"
)

// TestShown: what is remembered of a header makes no other record of the next one.
func TestShown(t *testing.T) {
	one, two := NewRedactor(secret.New("secret-one")), NewRedactor(secret.New("secret-two"))
	plain := http.Header{"Date": {"today"}, "Authorization": {"Bearer x"}, "Etag": {`"<1>"`}}
	tests := []struct {
		name string
		r    *Redactor
		h    http.Header
	}{
		{"the first", one, plain},
		{"the same", one, plain},
		{"another value", one, http.Header{"Date": {"tomorrow"}, "Authorization": {"Bearer x"}, "Etag": {`"<1>"`}}},
		{"another hidden value", one, http.Header{"Date": {"tomorrow"}, "Authorization": {"Bearer y"}, "Etag": {`"<1>"`}}},
		{"more hidden values", one, http.Header{"Date": {"tomorrow"}, "Authorization": {"Bearer y", "z"}, "Etag": {`"<1>"`}}},
		{"more values", one, http.Header{"Date": {"a", "b"}, "Authorization": {"z"}, "Etag": {"1"}}},
		{"none", one, http.Header{"Date": {}, "Authorization": nil, "Etag": {"1"}}},
		{"none at all", one, http.Header{"Date": {}}},
		{"another name", one, http.Header{"Server": {"s"}}},
		{"more names", one, http.Header{"Server": {"s"}, "Cookie": {"c"}, "Link": {"</a?token=t&b=1>"}}},
		{"a secret", one, http.Header{"Server": {"has secret-one and secret-two"}}},
		{"another redactor", two, http.Header{"Server": {"has secret-one and secret-two"}}},
		{"a secret for a name", two, http.Header{"Server": {"s"}, "X-secret-two": {"v"}}},
		{"that again", two, http.Header{"Server": {"s"}, "X-secret-two": {"v"}}},
		{"that without values", two, http.Header{"X-secret-two": {}}},
		{"as at first", one, plain},
		{"empty", one, http.Header{}},
		{"nil", one, nil},
	}
	var s Shown
	for _, tt := range tests {
		want := ""
		if h := tt.r.Header(tt.h); len(h) > 0 {
			text, err := json.Marshal(h)
			if err != nil {
				t.Fatal(err)
			}
			want = string(text)
		}
		if got := string(s.Encode(tt.r, tt.h)); got != want {
			t.Errorf("%s: %s, want %s", tt.name, got, want)
		}
	}
}
