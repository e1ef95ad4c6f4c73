package credential

import (
	"encoding/base64"
	"strings"

	"lockbox/proxy/secret"
)

// pair is a user name and password as Basic sends them (RFC 7617, section 2), and
// the secrets in that: an upstream may show any of them by itself.
func pair(username, password secret.Value) (coded secret.Value, secrets []secret.Value) {
	both := username.Reveal() + ":" + password.Reveal()
	coded = secret.New(base64.StdEncoding.EncodeToString([]byte(both)))
	own := password
	if own.IsZero() {
		own = username
	}
	return coded, []secret.Value{secret.New(both), coded, own}
}

// within are the secrets that a header's value has after its scheme: "Bot TOKEN",
// or "Token token=TOKEN" (RFC 9110, section 11.4).
func within(value string) []secret.Value {
	scheme, rest, ok := strings.Cut(value, " ")
	rest = strings.TrimLeft(rest, " ")
	if !ok || !isToken(scheme) || rest == "" {
		return nil
	}
	out := []secret.Value{secret.New(rest)}
	if name, param, _ := strings.Cut(rest, "="); isToken(strings.TrimRight(name, " ")) && !strings.Contains(rest, ",") {
		// Base64 has nothing but more of them after an equals sign.
		if param = strings.Trim(param, "\" ="); param != "" {
			out = append(out, secret.New(param))
		}
	}
	if !strings.EqualFold(scheme, "Basic") {
		return out
	}
	both, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(rest, "="))
	username, password, ok := strings.Cut(string(both), ":")
	if err != nil || !ok || len(both) == 1 {
		return out
	}
	_, secrets := pair(secret.New(username), secret.New(password))
	return append(out, secrets...)
}

// isToken reports whether s is what RFC 9110, section 5.6.2 calls a token.
func isToken(s string) bool {
	return s != "" && !strings.ContainsFunc(s, func(r rune) bool {
		return (r < '0' || r > '9') && (r|' ' < 'a' || r|' ' > 'z') && !strings.ContainsRune("!#$%&'*+-.^_`|~", r)
	})
}
