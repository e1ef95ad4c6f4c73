package secret

import (
	"encoding/base64"
	"encoding/json"
	"html"
	"slices"
	"strings"
	"unicode/utf16"
	"unicode/utf8"
)

// What percent-encoders leave as it is, beside letters and digits.
const (
	keepNothing = ""
	keepForm    = "-_.*"                   // HTML's forms
	keepStrict  = "-_.~"                   // RFC 3986, and Go's QueryEscape
	keepSlash   = keepStrict + "/"         // Python's quote
	keepPath    = keepStrict + "$&+=:@"    // Go's PathEscape
	keepPart    = keepStrict + "!*'()"     // JavaScript's encodeURIComponent
	keepURI     = keepPart + ";/?:@&=+$,#" // and its encodeURI
)

// Forms are the ways in which a secret is usually written: plain,
// percent-encoded, JSON-escaped and within base64. The longest comes first, and
// none twice.
func Forms(v Value) []string {
	s := v.Reveal()
	strict := percent(s, keepStrict, upperHex)
	out := []string{
		s, strict, percent(s, keepStrict, lowerHex), percent(s, keepPath, upperHex),
		strings.ReplaceAll(strict, "%20", "+"), strings.ReplaceAll(percent(s, keepStrict, lowerHex), "%20", "+"),
		percent(strict, keepStrict, upperHex), // as a key goes into a query; once more, where that is a parameter
		escapeJSON(s, true), strings.ReplaceAll(s, "/", `\/`),
	}
	return arrange(append(out, inBase64(s)...))
}

// EveryForm are Forms, those of encoders that spare less or more, and those of one
// encoding within another.
func EveryForm(v Value) []string {
	s := v.Reveal()
	escaped := jsonForms(s)
	out := append(Forms(v), escaped...)
	out = append(out, percentForms(s)...)
	out = append(out, html.EscapeString(s), everyUnit(s, lowerHex), everyUnit(s, upperHex), everyByte(s, lowerHex), everyByte(s, upperHex))
	for _, j := range escaped {
		out = append(out, escapeJSON(j, false), percent(j, keepStrict, upperHex)) // JSON as a text in JSON, or in a query
	}
	for _, plain := range append([]string{s, percent(s, keepStrict, upperHex)}, escaped...) {
		for _, b := range inBase64(plain) {
			out = append(out, b, strings.ReplaceAll(b, "/", `\/`))
			out = append(out, percentForms(b)...)
		}
	}
	return arrange(out)
}

// arrange sorts forms by length, and drops empty and double ones.
func arrange(forms []string) []string {
	slices.SortFunc(forms, func(a, b string) int {
		if len(a) != len(b) {
			return len(b) - len(a)
		}
		return strings.Compare(a, b)
	})
	return slices.DeleteFunc(slices.Compact(forms), func(f string) bool { return f == "" })
}

// The digits of escapes.
const (
	upperHex = "0123456789ABCDEF"
	lowerHex = "0123456789abcdef"
)

// percent encodes all bytes but letters, digits and those to keep.
func percent(s, keep, digits string) string {
	var b strings.Builder
	for i := range len(s) {
		if c := s[i]; alphanumeric(c) || strings.IndexByte(keep, c) >= 0 {
			b.WriteByte(c)
		} else {
			b.WriteString(escapeByte(c, digits))
		}
	}
	return b.String()
}

// percentForms are s as percent-encoders write it.
func percentForms(s string) []string {
	if !strings.ContainsFunc(s, func(r rune) bool { return r >= utf8.RuneSelf || !alphanumeric(byte(r)) }) { //nolint:gosec // of ASCII
		return []string{s}
	}
	var out []string
	for _, digits := range []string{upperHex, lowerHex} {
		for _, keep := range []string{keepNothing, keepForm, keepStrict, keepSlash, keepPath, keepPart, keepURI} {
			p := percent(s, keep, digits)
			plus := strings.ReplaceAll(p, "%20", "+")
			out = append(out, p, plus)
			for _, again := range []string{keep, keepStrict} {
				out = append(out, percent(p, again, digits), percent(plus, again, digits))
			}
		}
	}
	return out
}

// everyByte has each byte percent-encoded.
func everyByte(s, digits string) string {
	var b strings.Builder
	for i := range len(s) {
		b.WriteString(escapeByte(s[i], digits))
	}
	return b.String()
}

func escapeByte(c byte, digits string) string { return string([]byte{'%', digits[c>>4], digits[c&15]}) }

func alphanumeric(c byte) bool {
	return 'a' <= c && c <= 'z' || 'A' <= c && c <= 'Z' || '0' <= c && c <= '9'
}

// jsonForms are s within the quotes of a JSON text, as encoders write it.
func jsonForms(s string) []string {
	var out []string
	for _, j := range []string{escapeJSON(s, true), escapeJSON(s, false)} {
		for _, j := range []string{j, unitsBeyond(j, lowerHex), unitsBeyond(j, upperHex)} {
			// The escapes that are there are lower case in this language and upper
			// case in that.
			for _, j := range []string{j, raiseUnits(j)} {
				out = append(out, j, strings.ReplaceAll(j, "/", `\/`))
			}
		}
	}
	return out
}

// escapeJSON escapes what JSON wants escaped, and for HTML <, > and & too.
func escapeJSON(s string, forHTML bool) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(forHTML)
	if e.Encode(s) != nil { // strings can be
		return s
	}
	return strings.TrimSuffix(strings.TrimPrefix(strings.TrimSuffix(b.String(), "\n"), `"`), `"`)
}

// unitsBeyond escapes what is beyond ASCII.
func unitsBeyond(s, digits string) string {
	var b strings.Builder
	for _, r := range s {
		if r < utf8.RuneSelf {
			b.WriteRune(r)
		} else {
			b.WriteString(everyUnit(string(r), digits))
		}
	}
	return b.String()
}

// everyUnit has each UTF-16 unit escaped.
func everyUnit(s, digits string) string {
	var b strings.Builder
	for _, u := range utf16.Encode([]rune(s)) {
		b.WriteString(`\u`)
		for shift := 12; shift >= 0; shift -= 4 {
			b.WriteByte(digits[u>>shift&15])
		}
	}
	return b.String()
}

// raiseUnits has the digits of the escapes in s in upper case.
func raiseUnits(s string) string {
	parts := strings.Split(s, `\u`)
	for i, p := range parts[1:] {
		if len(p) >= 4 {
			parts[i+1] = strings.ToUpper(p[:4]) + p[4:]
		}
	}
	return strings.Join(parts, `\u`)
}

// inBase64 is what s always looks like in the base64 of a longer text.
func inBase64(s string) []string {
	var out []string
	for _, enc := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		for shift := range 3 {
			out = append(out, core(enc, s, shift))
		}
	}
	return out
}

// core is what s always looks like in the base64 of a longer text in which shift
// bytes (modulo 3) come before it: the characters that no neighbour touches.
func core(enc *base64.Encoding, s string, shift int) string {
	coded := enc.EncodeToString([]byte(strings.Repeat("\x00", shift) + s))
	first := []int{0, 2, 3}[shift]
	last := len(coded)
	if (shift+len(s))%3 != 0 {
		last--
	}
	if first >= last {
		return ""
	}
	return coded[first:last]
}
