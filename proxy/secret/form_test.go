package secret

import (
	"slices"
	"testing"
)

// TestForms: what encoders of other languages make of a secret, written down from
// them.
func TestForms(t *testing.T) {
	for _, tt := range []struct{ secret, by, form string }{
		{"a b+c/d", "JavaScript's encodeURIComponent", "a%20b%2Bc%2Fd"},
		{"a b+c/d", "Java's URLEncoder", "a+b%2Bc%2Fd"},
		{"a b+c/d", "an nginx log", "a%20b%2bc%2fd"},
		{"a b+c/d", "Python's quote", "a%20b%2Bc/d"},
		{"a b+c/d", "JavaScript's encodeURI", "a%20b+c/d"},
		{"a~b*c", "a form", "a%7Eb*c"},
		{"a/b", "a query in a query", "a%252Fb"},
		{"a/b", "PHP's json_encode", `a\/b`},
		{`a"b\c`, "JSON", `a\"b\\c`},
		{`a"b\c`, "JSON in JSON", `a\\\"b\\\\c`},
		{"a<b>&c", "Go's json.Marshal", `a\u003cb\u003e\u0026c`},
		{"a<b>&c", ".NET's JavaScriptEncoder", `a\u003Cb\u003E\u0026c`},
		{"a<b>&c", "HTML", "a&lt;b&gt;&amp;c"},
		{"a<b", "JavaScript", "a<b"},
		{"né", "Python's json.dumps", `n\u00e9`},
		{"né", "Jackson", `n\u00E9`},
		{"é😀", "Python's json.dumps", `\u00e9\ud83d\ude00`},
		{"az", "an eager escaper", `\u0061\u007a`},
		{"aZ", "another", "%61%5a"},
		{"key-0123456789", "base64", "a2V5LTAxMjM0NTY3OD"},            // of the secret
		{"key-0123456789", "base64, later", "tleS0wMTIzNDU2Nzg5"},     // " " + secret
		{"key-0123456789", "base64, later yet", "rZXktMDEyMzQ1Njc4O"}, // "  " + secret
		{"??>>??>>", "base64 for URLs", "Pz8-Pj8_Pj"},
		{"??>>??>>", "base64 in a query", "Pz8%2BPj8%2FPj"},
		{"??>>??>>", "base64 in PHP's JSON", `Pz8+Pj8\/Pj`},
		{`q"q"q"`, "base64 of JSON", "cVwicVwicVwi"},
	} {
		forms := EveryForm(New(tt.secret))
		if !slices.Contains(forms, tt.form) {
			t.Errorf("%q as %s writes it: %q is not among %q", tt.secret, tt.by, tt.form, forms)
		}
		if !slices.IsSortedFunc(forms, func(a, b string) int { return len(b) - len(a) }) {
			t.Errorf("%q: the longest does not come first", tt.secret)
		}
	}
	if n := len(EveryForm(New("sk-proj-0123456789abcdefABCDEF"))); n > 40 {
		t.Errorf("%d forms of a plain key are many to look for", n)
	}
}
