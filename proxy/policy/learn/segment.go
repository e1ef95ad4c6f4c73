package learn

import (
	"regexp"
	"strings"
)

// What stands in a pattern for a segment, and for any number of them.
const (
	wildcard = "*"
	rest     = "**"
)

var (
	version  = regexp.MustCompile(`^[vV]\d{1,3}([._]\d{1,3})*([a-z]+\d*)?$`)
	prefixed = regexp.MustCompile(`^[A-Za-z]{1,12}_[A-Za-z0-9]{8,}$`)
	hexes    = regexp.MustCompile(`^[0-9a-f]{7,}$|^[0-9A-F]{7,}$|^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}$`)
	opaque   = regexp.MustCompile(`^[A-Za-z0-9_=+~-]{15,}$`)
	withEnd  = regexp.MustCompile(`^(.+)([.][a-z][a-z0-9]{1,4}|:[A-Za-z]{2,})$`)
	kind     = regexp.MustCompile(`^[a-z]{2,8}$`)
	word     = regexp.MustCompile(`^[A-Za-z][A-Za-z._-]*$`)
)

// meta are the characters that mean something in a pattern, or cannot be in one.
const meta = `*?[]{}\%!^`

// shapeOf is what stands for a segment in a pattern, if it looks like the ID of
// something: *, or * with what is constant about it, as in 17.json, 17:archive and
// cus_Nf83bzZ.
func shapeOf(segment string) (shape string, isID bool) {
	if strings.ContainsAny(segment, meta) {
		return wildcard, true
	}
	if m := withEnd.FindStringSubmatch(segment); m != nil && looksLikeID(m[1]) && !strings.Contains(segment, "@") {
		return wildcard + m[2], true
	}
	if !looksLikeID(segment) {
		return "", false
	}
	if prefix, _, ok := strings.Cut(segment, "_"); ok && kind.MatchString(prefix) && prefixed.MatchString(segment) {
		return prefix + "_" + wildcard, true
	}
	return wildcard, true
}

// letters counts those of each kind.
func letters(s string) (digits, upper, lower int) {
	for _, c := range s {
		switch {
		case '0' <= c && c <= '9':
			digits++
		case 'A' <= c && c <= 'Z':
			upper++
		case 'a' <= c && c <= 'z':
			lower++
		}
	}
	return digits, upper, lower
}

// looksLikeID tells 4711, cus_Nf83bzZ, a UUID, a hash and an e-mail address from
// words such as users, oauth2 and v1.
func looksLikeID(s string) bool {
	digits, upper, lower := letters(s)
	mixed := digits > 0 || upper > 0 && lower > 0
	switch {
	case version.MatchString(s):
		return false
	case digits == len(s) && digits > 0, strings.Contains(s, "@"):
		return true
	case hexes.MatchString(s):
		return digits > 0
	case prefixed.MatchString(s):
		_, rest, _ := strings.Cut(s, "_")
		return mixed && strings.ContainsAny(rest, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ")
	case opaque.MatchString(s):
		return digits > 1 || digits > 0 && upper > 0
	}
	return digits >= 4 && digits*3 >= len(s)
}
