package secret

import (
	"slices"
	"strings"
	"testing"
)

func TestJWTs(t *testing.T) {
	const jwt = "eyJhbGciOiJIUzI1NiJ9.eyJpc3MiOiJ4In0.c2ln-_"
	for _, tt := range []struct {
		text string
		want []string
	}{
		{"", nil},
		{"no token, eyJ alone, eyJ.short", nil},
		{jwt, []string{jwt}},
		{"v1.2," + jwt, []string{jwt}},
		{"v1." + jwt + "/y", []string{jwt}},
		{"eyJ." + jwt, []string{"eyJ." + jwt}},
		{"https://a.example/%3Ft=" + jwt + "#x", []string{jwt}},
		{jwt[:25] + "&" + jwt, []string{jwt[:25], jwt}},
		{"x " + jwt + ", " + jwt, []string{jwt, jwt}},
	} {
		if got := slices.Collect(JWTs(tt.text)); !slices.Equal(got, tt.want) {
			t.Errorf("JWTs(%q) = %q, want %q", tt.text, got, tt.want)
		}
		want := tt.text
		for _, v := range tt.want {
			want = strings.Replace(want, v, Redacted, 1)
		}
		if got := HideJWTs(tt.text); got != want {
			t.Errorf("HideJWTs(%q) = %q, want %q", tt.text, got, want)
		}
	}
}
