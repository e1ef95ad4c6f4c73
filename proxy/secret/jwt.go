package secret

import (
	"iter"
	"strings"
)

const (
	// JWTStart is how a JWT's header begins in base64url: {" (RFC 7519 §3.1).
	JWTStart = "eyJ"
	// leastJWT is the length from which such a text is taken for a token, in bytes.
	leastJWT = 20
)

// JWTs are the stretches of a text that may be JSON Web Tokens, whole or cut off, good or
// forged. Whatever stands before one, a dot too, hides it from nobody.
func JWTs(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for {
			i := strings.Index(text, JWTStart)
			if i < 0 {
				return
			}
			text = text[i:]
			n := 0
			for n < len(text) && (alphanumeric(text[n]) || text[n] == '-' || text[n] == '_' || text[n] == '.') {
				n++
			}
			if n >= leastJWT && !yield(text[:n]) {
				return
			}
			text = text[n:]
		}
	}
}

// HideJWTs is a text without them.
func HideJWTs(text string) string {
	if !strings.Contains(text, JWTStart) { // as nearly always
		return text
	}
	var b strings.Builder
	for raw := range JWTs(text) {
		before, after, _ := strings.Cut(text, raw)
		b.WriteString(before)
		b.WriteString(Redacted)
		text = after
	}
	b.WriteString(text)
	return b.String()
}
