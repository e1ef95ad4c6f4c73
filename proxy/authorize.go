package proxy

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strings"
	"time"

	"lockbox/proxy/register"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

const (
	tokenHeader      = "X-Lockbox-Token"
	codeTokenMissing = "token_missing"
)

var (
	errMissing   = refuse(http.StatusUnauthorized, codeTokenMissing, "Missing Authorization header", "A service token is needed: as Authorization: Bearer, as the password of Basic, or as X-Lockbox-Token.")
	errMalformed = refuse(http.StatusUnauthorized, "token_malformed", "Invalid Authorization header", "The service token must be sent once: as Authorization: Bearer, as the password of Basic, or as X-Lockbox-Token.")

	errNoKey = refuse(http.StatusInternalServerError, "signing_key_missing", "No signing key", "Lockbox has no signing key, so it cannot check tokens. Its owner can set LOCKBOX_SIGNING_KEY_FILE or make a key in the window.")

	errNoBearer    = errMalformed.saying("The Authorization header is a token without the word Bearer before it: write Bearer, a space and the token.")
	errEmptyBearer = errMalformed.saying("After the word Bearer in the Authorization header there is no token: a variable may be empty where the call is set up.")
	errBasic       = errMalformed.saying("Basic authentication has no service token as its password: leave the user name as it is and put the token into the password.")
	errScheme      = errMalformed.saying("The word before the token in the Authorization header is not one that Lockbox takes: write Bearer, a space and the token.")
)

// presented is the token that a request is to be judged by. X-Lockbox-Token
// goes before Authorization, which then is meant for the upstream. Of a header
// that comes twice, no one could say which one the caller means.
func presented(h http.Header) (string, *problem) {
	switch values := h[tokenHeader]; {
	case len(values) > 1:
		return "", errMalformed
	case len(values) == 1:
		if raw := strings.TrimSpace(values[0]); raw != "" {
			return raw, nil
		}
		return "", errMalformed
	}
	values := h["Authorization"]
	switch {
	case len(values) == 0:
		return "", errMissing
	case len(values) > 1:
		return "", errMalformed
	}
	if raw := authToken(values[0]); raw != "" {
		return raw, nil
	}
	return "", malformed(values[0])
}

// malformed says what is wrong with an Authorization header that holds no token,
// to whoever filled it in: platforms have one field for both of its words.
func malformed(value string) *problem {
	value = strings.TrimSpace(value)
	scheme, rest, two := strings.Cut(value, " ")
	switch {
	case strings.HasPrefix(value, secret.JWTStart):
		return errNoBearer
	case strings.EqualFold(scheme, "Bearer"):
		return errEmptyBearer
	case strings.EqualFold(scheme, "Basic"):
		return errBasic
	case two && strings.HasPrefix(strings.TrimSpace(rest), secret.JWTStart):
		return errScheme
	}
	return errMalformed
}

// authToken is the token in an Authorization header's value, or "".
func authToken(value string) string {
	scheme, rest, _ := strings.Cut(strings.TrimSpace(value), " ")
	rest = strings.TrimSpace(rest)
	switch {
	case strings.EqualFold(scheme, "Bearer"):
		return rest
	case strings.EqualFold(scheme, "Basic"):
		pair, err := base64.StdEncoding.DecodeString(rest)
		if err != nil {
			// Some clients leave the padding out.
			if pair, err = base64.RawStdEncoding.DecodeString(rest); err != nil {
				return ""
			}
		}
		_, password, _ := strings.Cut(string(pair), ":")
		return password
	}
	return ""
}

// callerSecrets is everything in the headers that may be a token or a key of the
// caller's, valid or not: none of it is written down.
func callerSecrets(h http.Header) []secret.Value {
	var found []secret.Value
	add := func(s string) {
		if v := secret.New(s); s != "" && !slices.ContainsFunc(found, v.Equal) {
			found = append(found, v)
		}
	}
	for _, v := range h[tokenHeader] {
		add(strings.TrimSpace(v))
	}
	for _, v := range h["Authorization"] {
		add(authToken(v))
		_, credentials, _ := strings.Cut(v, " ")
		add(strings.TrimSpace(credentials))
	}
	return found
}

// isOurToken reports whether raw reads as a token of Lockbox's, whatever key it
// was signed with: one that is sent along needlessly, has expired, or belongs to
// another service is not the upstream's to see either.
func isOurToken(raw string) bool {
	_, rest, ok := strings.Cut(raw, ".")
	if !ok || len(raw) > token.MaxLength {
		return false
	}
	payload, _, _ := strings.Cut(rest, ".")
	return isOurs(payload)
}

// holdsOurToken reports whether one is anywhere in a text.
func holdsOurToken(text string) bool {
	for raw := range secret.JWTs(text) {
		for part := range strings.SplitSeq(raw, ".") { // each is decoded once, also of a text that is made to take long
			if strings.HasPrefix(part, secret.JWTStart) && len(part) <= token.MaxLength && isOurs(part) {
				return true
			}
		}
	}
	return false
}

// isOurs reports whether the middle part of a token reads as one of Lockbox's.
func isOurs(payload string) bool {
	text, err := base64.RawURLEncoding.DecodeString(strings.TrimRight(payload, "="))
	if err != nil {
		return false
	}
	var claims struct {
		Issuer string `json:"iss"`
	}
	return json.Unmarshal(text, &claims) == nil && claims.Issuer == token.Issuer
}

// authorize judges a call to a service. The claims are also returned with a
// problem, as far as their signature was good: they are for the record. The
// caller is nil if there is a problem, or no token needed.
func (st *state) authorize(h http.Header, t *target, rt *route, now time.Time) (*caller, token.Claims, *problem) {
	if !rt.service.RequiresServiceToken {
		t.token = "" // what take found is gone; it opens nothing here
		return nil, token.Claims{}, nil
	}
	if p := t.present(h); p != nil {
		return nil, token.Claims{}, p
	}
	if p := st.keyProblem(); p != nil {
		return nil, token.Claims{}, p
	}
	k, claims, err := st.judge(t.token, rt, now)
	return k, claims, tokenProblem(err, claims, rt.service)
}

// authorizeAdmin judges a call to /admin.
func (st *state) authorizeAdmin(h http.Header, now time.Time) (token.Claims, *problem) {
	if st.locked {
		return token.Claims{}, errLocked
	}
	raw, p := presented(h)
	if p != nil {
		return token.Claims{}, p
	}
	if p := st.keyProblem(); p != nil {
		return token.Claims{}, p
	}
	claims, err := st.verifier.Admin(raw, now)
	if err == nil {
		_, err = st.listed(claims, now)
	}
	return claims, tokenProblem(err, claims, nobody)
}

// listed asks the list of tokens for a good one, and counts the call.
func (st *state) listed(claims token.Claims, now time.Time) (*register.Entry, error) {
	entry, err := st.register.Judge(claims, now)
	entry.Use(now)
	return entry, err
}

// keyProblem is why no token can be checked, or nil.
func (st *state) keyProblem() *problem {
	switch {
	case st.locked:
		return errLocked
	case st.keyErr == nil:
		return nil
	case errors.Is(st.keyErr, secret.ErrNotFound), errors.Is(st.keyErr, token.ErrNoKey):
		return errNoKey
	}
	return refuse(http.StatusServiceUnavailable, "locked", "Signing key locked", "Lockbox cannot read its signing key at the moment. Its owner can unlock the vault that has it and reload.")
}
