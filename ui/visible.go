package ui

import (
	"fmt"
	"strings"
	"unicode"
	"unicode/utf8"
)

// visible is what callers and upstreams sent, made safe to be shown on a line:
// what would act on the screen, turn the direction of reading or hide itself is
// written as its escape.
func visible(s string) string { return escape(s, acts) }

// visibleText is visible for texts of several lines.
func visibleText(s string) string {
	return escape(strings.ReplaceAll(s, "\r\n", "\n"), func(r rune) bool { return r != '\n' && r != '\t' && acts(r) })
}

func escape(s string, bad func(rune) bool) string {
	if utf8.ValidString(s) && strings.IndexFunc(s, bad) < 0 {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(s[i:], "\uFFFD"):
			fmt.Fprintf(&b, `\x%02x`, s[i])
		case !bad(r):
			b.WriteRune(r)
		case r < 0x80:
			fmt.Fprintf(&b, `\x%02x`, r)
		case r > 0xFFFF:
			fmt.Fprintf(&b, `\U%08x`, r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
	}
	return b.String()
}

// acts reports whether a character does something other than be seen: controls,
// and by Unicode's category Cf what sets the direction, joins, or has no width.
func acts(r rune) bool {
	return unicode.In(r, unicode.Cc, unicode.Cf, unicode.Zl, unicode.Zp, unicode.Co, unicode.Variation_Selector) || strings.ContainsRune(fillers, r)
}

// fillers are letters by their category that are drawn as nothing.
const fillers = "\u115F\u1160\u3164\uFFA0"
