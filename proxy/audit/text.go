package audit

import (
	"iter"
	"strings"
	"unicode"
)

// texts are what a search looks through.
func (x *Exchange) texts(yield func(string) bool) {
	if !yield(x.Path) || !yield(x.Query) || !yield(x.Reason) || !yield(x.Rule) {
		return
	}
	for _, h := range []map[string][]string{x.RequestHeader, x.ResponseHeader} {
		for name, values := range h {
			if !yield(name) {
				return
			}
			for _, v := range values {
				if !yield(v) {
					return
				}
			}
		}
	}
	for _, b := range []*Body{x.RequestBody, x.ResponseBody} {
		if b != nil && !yield(b.Text) {
			return
		}
	}
}

// holds reports whether every word of text is in x.
func holds(x *Exchange, text string) bool {
	for word := range strings.FieldsSeq(text) {
		if parts := terms(word); len(parts) > 0 && !anyHolds(x.texts, parts, strings.HasSuffix(word, "*")) {
			return false
		}
	}
	return true
}

// anyHolds reports whether the parts stand one after the other in one of texts,
// where the last may be the beginning of a longer one if open.
func anyHolds(texts iter.Seq[string], parts []string, open bool) bool {
	for text := range texts {
		all := terms(text)
	next:
		for i := range all {
			if len(all)-i < len(parts) {
				break
			}
			for j, p := range parts {
				if last := j == len(parts)-1; all[i+j] != p && !(open && last && strings.HasPrefix(all[i+j], p)) {
					continue next
				}
			}
			return true
		}
	}
	return false
}

// terms are the runs of letters and digits in s, in lower case.
func terms(s string) []string {
	return strings.FieldsFunc(strings.ToLower(s), func(r rune) bool {
		return !unicode.IsLetter(r) && !unicode.IsNumber(r) && !unicode.Is(unicode.Co, r)
	})
}
