package policy

import (
	"net/http"
	"net/url"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// readPath decodes the path. It returns why the path is refused: some server would
// read another one.
func (v *view) readPath() (why string) {
	v.path = v.Path
	if v.path == "" {
		v.path = "/"
	}
	if strings.Contains(v.path, "%") {
		decoded, err := url.PathUnescape(v.path)
		if err != nil {
			return says("a % that begins no code")
		}
		if strings.Count(decoded, "/") != strings.Count(v.path, "/") {
			return says("an encoded slash (%2F)")
		}
		v.path = decoded
	}
	if what := oddPath(v.path); what != "" {
		return says(what)
	}
	return ""
}

func says(what string) string {
	return "Upstreams could read the path in more than one way: it has " + what + ". A service with rules takes no such path."
}

// oddPath is what a decoded path has that servers disagree on.
func oddPath(p string) string {
	if p[0] != '/' {
		return "no slash at its beginning"
	}
	plain := true
	for i := range len(p) {
		if p[i] >= utf8.RuneSelf {
			plain = false
		} else if what := oddAt(p, i); what != "" {
			return what
		}
	}
	if plain {
		return ""
	}
	if !utf8.ValidString(p) {
		return "bytes that are no UTF-8"
	}
	// Servers that fold wide forms and ligatures would see another path.
	if k := norm.NFKC.String(p); k != p {
		for _, c := range `/\%;?#.: ` {
			if strings.Count(k, string(c)) != strings.Count(p, string(c)) {
				return "a character that stands for a separator"
			}
		}
	}
	return ""
}

// oddAt is what begins, or ends, at a place in a decoded path.
func oddAt(p string, i int) string {
	switch c := p[i]; c {
	case '\\', ';', '?', '#':
		return "the character " + string(rune(c))
	case '%':
		if encoded(p[i+1:]) {
			return "an encoded % (%25), which makes a code when it is decoded twice"
		}
	case '/':
		if i > 0 && p[i-1] == '/' {
			return "an empty segment (//)"
		}
	case ':':
		if strings.HasPrefix(p[i:], "::$") {
			return "the name of a stream (::$)"
		}
	case '.', ' ':
		if i+1 == len(p) || p[i+1] == '/' {
			return "a segment that ends in a dot or a space"
		}
	default:
		if c < ' ' || c == 0x7f {
			return "a control character"
		}
	}
	return ""
}

// encoded reports whether s goes on as a percent-encoding does after its %.
func encoded(s string) bool {
	if s != "" && (s[0] == 'u' || s[0] == 'U') {
		s = s[1:]
	}
	return len(s) >= 2 && isHex(s[0]) && isHex(s[1])
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

// fold is a path, or a pattern for one, as servers see it that tell neither case
// nor a slash at the end nor + from space.
func fold(p string) string {
	for i := 0; i < len(p); i++ {
		if p[i] >= utf8.RuneSelf {
			p = norm.NFKC.String(p)
			break
		}
	}
	if len(p) > 1 {
		p = strings.TrimSuffix(p, "/")
	}
	return strings.ReplaceAll(strings.ToLower(p), "+", " ")
}

// overriding are the headers, with - for _, by which servers take another method
// or path than the request's own.
var overriding = []string{
	"X-Http-Method-Override", "X-Http-Method", "X-Method-Override",
	"X-Original-Url", "X-Original-Uri", "X-Rewrite-Url", "X-Rewrite-Uri",
}

// Overrides reports whether servers take a header for another method or path than
// the request's own.
func Overrides(name string) bool {
	if len(name) < len("X-Http-Method") || len(name) > len("X-Http-Method-Override") || name[0]|0x20 != 'x' {
		return false
	}
	name = http.CanonicalHeaderKey(strings.ReplaceAll(name, "_", "-"))
	for _, o := range overriding {
		if name == o {
			return true
		}
	}
	return false
}

// overrides is why a call is refused that asks for another method or path.
func overrides(r *Request) string {
	for _, h := range []http.Header{r.Header, r.Trailer} {
		for name := range h {
			if Overrides(name) {
				return "The header " + http.CanonicalHeaderKey(name) + " asks for another method or path than the call's own. A service with rules takes no such header."
			}
		}
	}
	for _, v := range r.Header["Connection"] {
		if strings.Contains(strings.ToLower(v), "content-") { // it would not get to the upstream
			return "The header Connection takes the body's type or form away. A service with rules takes no such call."
		}
	}
	if r.Query == "" || !strings.Contains(r.Query, "%") && !strings.Contains(strings.ToLower(r.Query), "method") {
		return ""
	}
	for part := range strings.FieldsFuncSeq(r.Query, func(c rune) bool { return c == '&' || c == ';' }) {
		name, _, _ := strings.Cut(part, "=")
		if n := foldName(decodeTwice(name)); n == "_method" || n == "$httpmethod" || Overrides(n) {
			return "The query's " + n + " asks for another method than the call's own. A service with rules takes no such parameter."
		}
	}
	return ""
}
