package backend

import (
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"lockbox/proxy/secret"
)

// CurlOf is a line for a POSIX shell that makes the call of a record again, at a
// Lockbox's base URL. The service token is $LOCKBOX_TOKEN; headers whose values
// are not on record are left out, and a body that is not on record as a whole is
// to be put into a file BODY. The line can be pasted: no byte in it does anything to
// a terminal, and none is taken for anything but what it stood for in the call.
func CurlOf(base string, x Exchange) string {
	e, _ := EditOf(x) // as far as it is on record
	url := base + target(e.Path, e.Query)
	words := append(append([]string{"curl"}, flagsOf(e, url)...), quote(url))
	for _, name := range slices.Sorted(maps.Keys(e.Header)) {
		if name == "Accept-Encoding" {
			words = append(words, "--compressed") // or it would show the answer packed
			continue
		}
		for _, v := range e.Header[name] {
			if v == "" {
				words = append(words, "-H "+quote(name+";")) // "Name:" takes one of curl's own away
				continue
			}
			words = append(words, "-H "+quote(name+": "+v))
		}
	}
	if field := tokenField(x); field != "" {
		words = append(words, `-H "`+field+`$LOCKBOX_TOKEN"`)
	}
	pipe, data := dataOf(e, wholeBody(x) == nil)
	words = append(words, data...)
	return pipe + strings.Join(words, " \\\n  ")
}

// flagsOf are what curl needs to send this method to this address as it stands.
func flagsOf(e ReplayEdit, url string) (flags []string) {
	usual := http.MethodGet
	if len(e.Body) > 0 {
		usual = http.MethodPost
	}
	switch e.Method {
	case usual:
	case http.MethodHead:
		flags = append(flags, "--head")
	default:
		flags = append(flags, "-X "+quote(e.Method))
	}
	if strings.ContainsAny(url, "[]{}") {
		flags = append(flags, "--globoff")
	}
	if strings.Contains(url, "/.") {
		flags = append(flags, "--path-as-is")
	}
	return flags
}

// dataOf are the words for the body, and what comes before curl.
func dataOf(e ReplayEdit, whole bool) (pipe string, words []string) {
	if whole && len(e.Body) == 0 {
		return "", nil
	}
	if e.Header["Content-Type"] == nil {
		words = append(words, "-H 'Content-Type:'") // no form, as curl would say
	}
	switch {
	case !whole:
		return "", append(words, "--data-binary @BODY")
	case !printable(string(e.Body)):
		return "printf " + octal(string(e.Body)) + " | ", append(words, "--data-binary @-")
	}
	return "", append(words, "--data-raw "+quote(string(e.Body)))
}

// tokenField is the header, up to its value, that the token goes into: "" if the
// call came with none, and no one at the desktop made it without.
func tokenField(x Exchange) string {
	path, query := addressOf(x)
	inAddress := path != x.Path || query != x.Query
	switch {
	case x.RequestHeader["X-Lockbox-Token"] != nil:
		return "X-Lockbox-Token: "
	case inAddress, x.JTI != "", x.ReplayOf != "", slices.Contains(x.RequestHeader["Authorization"], secret.Redacted):
		return "Authorization: Bearer "
	}
	return ""
}

// quote makes a word for a POSIX shell. Letters that would not show, or show
// otherwise than they stand, are written as numbers.
func quote(s string) string {
	if s != "" && strings.IndexFunc(s, func(r rune) bool {
		return !(r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || strings.ContainsRune("_-./:,@%+", r))
	}) < 0 {
		return s
	}
	if printable(s) {
		return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
	}
	return `"$(printf ` + octal(s) + `)"` // takes line breaks off the end, where no address or header has any
}

// printable reports whether s shows as it stands, and stays as it is in a shell's
// quotes. Most fonts have no more than what is printable to unicode.
func printable(s string) bool {
	return utf8.ValidString(s) && strings.IndexFunc(s, func(r rune) bool { return r != '\n' && !unicode.IsPrint(r) }) < 0
}

// octal is what a shell's printf takes to write s.
func octal(s string) string {
	var b strings.Builder
	b.WriteString("%b '")
	for i := range len(s) {
		if c := s[i]; c > ' ' && c < 0x7f && c != '\'' && c != '\\' {
			b.WriteByte(c)
		} else {
			fmt.Fprintf(&b, `\0%03o`, c)
		}
	}
	return b.String() + "'"
}
