package audit

import (
	"reflect"
	"strings"
	"testing"
	"time"
)

// TestTerms: what is cut into terms and put together again means the same.
func TestTerms(t *testing.T) {
	tests := []struct {
		in   string
		want []Term
	}{
		{"", nil},
		{"invoice", []Term{{"", "invoice"}}},
		{"status:5xx service:github invoice", []Term{{"status", "5xx"}, {"service", "github"}, {"", "invoice"}}},
		{`service:"a b"  "status:404" other:x`, []Term{{"service", "a b"}, {"", "status:404"}, {"", "other:x"}}},
		{`audience:"say \"hi\"" since:1h`, []Term{{"audience", `say "hi"`}, {"since", "1h"}}},
	}
	for _, tt := range tests {
		got, err := Terms(tt.in)
		if err != nil || !reflect.DeepEqual(got, tt.want) {
			t.Errorf("%q: %q, %v; want %q", tt.in, got, err, tt.want)
		}
		var words []string
		for _, term := range got {
			words = append(words, term.String())
		}
		if again, err := Terms(strings.Join(words, " ")); err != nil || !reflect.DeepEqual(again, got) {
			t.Errorf("%q: put together as %q it is %q, %v", tt.in, words, again, err)
		}
	}
	for _, in := range []string{`"open`, "service:", `service:"open`} {
		if got, err := Terms(in); err == nil {
			t.Errorf("%q is read as %q", in, got)
		}
	}
	now := time.Date(2026, 1, 31, 15, 4, 5, 0, time.UTC)
	const all = `service:github method:GET status:5xx listener:local audience:"my app" decision:failed token:j since:2026-01-01T00:00:00Z until:2026-02-01T00:00:00Z "status:404" x`
	q, err := ParseQuery(all, now)
	if got := q.String(); err != nil || got != all {
		t.Errorf("it is put as %s, %v; want %s", got, err, all)
	}
}
