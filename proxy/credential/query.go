package credential

import (
	"fmt"
	"net/url"
	"strings"

	"lockbox/proxy/config"
	"lockbox/proxy/secret"
)

// query is the parameters of a credential that goes into the query.
type query []param

type param struct {
	name  string // decoded
	value secret.Value
}

func (a *Applier) query(c *config.Credential, resolved func(string) secret.Value) error {
	for _, p := range c.Params {
		value := trim(resolved("params/" + p.Name))
		if value.IsZero() {
			return fmt.Errorf("params/%s %w", p.Name, ErrEmpty)
		}
		a.params = append(a.params, param{p.Name, value})
		a.secrets = append(a.secrets, value)
	}
	return nil
}

// put is a raw query with the credential's parameters at its end. Those of the
// same names are gone, all else is as it was, byte for byte.
func (q query) put(raw string) string {
	raw = cut(raw, func(name, _ string) bool { return q.has(name) })
	var b strings.Builder
	b.WriteString(raw)
	for i, p := range q {
		if i > 0 || raw != "" && !strings.HasSuffix(raw, "&") {
			b.WriteByte('&')
		}
		b.WriteString(escape(p.name))
		b.WriteByte('=')
		b.WriteString(escape(p.value.Reveal()))
	}
	return b.String()
}

func (q query) has(name string) bool {
	for _, p := range q {
		if p.name == name {
			return true
		}
	}
	return false
}

func (q query) holds(name, value string) bool {
	for _, p := range q {
		if p.name == name && p.value.Reveal() == value {
			return true
		}
	}
	return false
}

// Strip takes the credential's parameters out of a URL that an upstream gave
// back, as those do that redirect to an address with the query they were called
// with. The rest is as it was, byte for byte.
func (a *Applier) Strip(address string) string {
	if len(a.params) == 0 {
		return address
	}
	address, fragment, has := strings.Cut(address, "#")
	address = a.stripAfter(address, '?')
	if has {
		address += a.stripAfter("#"+fragment, '#')
	}
	return address
}

// stripAfter strips the parameters that come after a mark, and the mark when
// none is left.
func (a *Applier) stripAfter(s string, mark byte) string {
	start := strings.IndexByte(s, mark)
	if start < 0 {
		return s
	}
	raw := s[start+1:]
	kept := cut(raw, a.params.holds)
	switch {
	case len(kept) == len(raw):
		return s
	case kept == "":
		return s[:start]
	}
	return s[:start+1] + kept
}

// cut removes parameters, each with the separator before it. A semicolon is a
// separator too: to some upstreams it is one.
func cut(raw string, drop func(name, value string) bool) string {
	var b strings.Builder
	first, changed := true, false
	for i := 0; i <= len(raw); {
		end := len(raw)
		if n := strings.IndexAny(raw[i:], "&;"); n >= 0 {
			end = i + n
		}
		name, value, _ := strings.Cut(raw[i:end], "=")
		switch {
		case i < end && drop(unescape(name), unescape(value)):
			changed = true
		default:
			if i > 0 && !first {
				b.WriteByte(raw[i-1])
			}
			b.WriteString(raw[i:end])
			first = false
		}
		i = end + 1
	}
	if !changed {
		return raw
	}
	return b.String()
}

// escape percent-encodes all but RFC 3986's unreserved characters: a space as
// %20, which every server reads as one, where + is one in forms only.
func escape(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }

// unescape decodes a name or a value of a query the way that forms are read.
// What is no valid encoding stands for itself.
func unescape(s string) string {
	if !strings.ContainsAny(s, "%+") {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		switch {
		case s[i] == '+':
			b = append(b, ' ')
		case s[i] == '%' && i+2 < len(s) && isHex(s[i+1]) && isHex(s[i+2]):
			b = append(b, unhex(s[i+1])<<4|unhex(s[i+2]))
			i += 2
		default:
			b = append(b, s[i])
		}
	}
	return string(b)
}

func isHex(c byte) bool {
	return '0' <= c && c <= '9' || 'a' <= c|0x20 && c|0x20 <= 'f'
}

func unhex(c byte) byte {
	if c <= '9' {
		return c - '0'
	}
	return c | 0x20 - 'a' + 10
}
