package credential

import (
	"slices"
	"testing"

	"lockbox/proxy/config"
)

// TestWithin: what a header has after its scheme is a secret by itself.
func TestWithin(t *testing.T) {
	for _, tt := range []struct {
		value string
		want  []string // beside the value
	}{
		{"k1", nil},
		{"Bearer k1", []string{"k1"}},
		{"bearer  k1", []string{"k1"}},
		{"Bot k1.x-y_z", []string{"k1.x-y_z"}},
		{"ApiKey id:k1", []string{"id:k1"}},
		{"Token token=k1", []string{"k1", "token=k1"}},
		{`Token token="k1"`, []string{"k1", `token="k1"`}},
		{"Bearer a1==", []string{"a1=="}},
		{`Digest a="1", b="2"`, []string{`a="1", b="2"`}},
		{"{k1} k2", nil},
		{"Basic dXNlcjpwYXNz", []string{"dXNlcjpwYXNz", "pass", "user:pass"}},
		{"basic dTphOmI=", []string{"a:b", "dTphOmI=", "u:a:b"}},
		{"Basic dTphOmI", []string{"a:b", "dTphOmI", "dTphOmI=", "u:a:b"}},
		{"Basic c2tfbGl2ZTo=", []string{"c2tfbGl2ZTo=", "sk_live", "sk_live:"}},
		{"Basic OnNrX2xpdmU=", []string{":sk_live", "OnNrX2xpdmU=", "sk_live"}},
		{"Basic Og==", []string{"Og=="}},
		{"Basic not:base64", []string{"not:base64"}},
		{"Basic bm9jb2xvbg==", []string{"bm9jb2xvbg=="}},
	} {
		c := &config.Credential{Type: config.Headers, Headers: []config.Header{{Name: "X-Auth", Value: lit(tt.value)}}}
		a, err := New(c, literals(c), nil)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, v := range a.Secrets() {
			got = append(got, v.Reveal())
		}
		slices.Sort(got)
		want := append([]string{tt.value}, tt.want...)
		slices.Sort(want)
		if got = slices.Compact(got); !slices.Equal(got, want) {
			t.Errorf("%s: secrets %q, want %q", tt.value, got, want)
		}
	}
}
