package policy

import (
	"net/url"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"lockbox/proxy/config"
)

// param is a parameter of a query.
type param struct {
	name, folded string
	value        string // as it came
}

// readQuery takes the query apart.
func (v *view) readQuery() {
	if v.parsed {
		return
	}
	v.parsed = true
	v.blurred = strings.Contains(v.Query, ";") // once a separator
	for part := range strings.SplitSeq(v.Query, "&") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		decoded, err := url.QueryUnescape(name)
		if err != nil || strings.ContainsFunc(decoded, func(r rune) bool { return r < ' ' || r == utf8.RuneError }) {
			v.blurred = true
			continue
		}
		if _, err := url.QueryUnescape(value); err != nil {
			v.blurred = true
		}
		v.params = append(v.params, param{decoded, foldName(decodeTwice(name)), value})
	}
}

// fitsQuery holds the query against a condition. Parameters whose name some server
// takes for the one that is meant count too.
func (v *view) fitsQuery(q *config.QueryCondition) fit {
	v.readQuery()
	if v.blurred {
		v.odd = "its query can be read in more than one way"
		return maybe
	}
	values, exact, filled := v.named(q.Name)
	switch {
	case len(values) == 0 && q.Absent:
		return yes
	case len(values) == 0 || q.Absent && filled > 0:
		return no
	case q.Absent || q.Values == nil && filled == 0:
		v.odd = "the query's " + q.Name + " can be read as missing"
		return maybe
	case q.Values == nil:
		return yes
	}
	f := fitsValues(q.Values, values)
	if f == yes && exact < len(values) {
		f = maybe
	}
	if f == maybe {
		v.odd = "the query's " + q.Name + " can be read in more than one way"
	}
	return f
}

// named are the values of the parameters that some server takes for the one of
// that name, how many of them have the name itself, and how many of these a value.
func (v *view) named(name string) (values []string, exact, filled int) {
	folded := foldName(name)
	for _, p := range v.params {
		if p.folded != folded {
			continue
		}
		values = append(values, p.value)
		if p.name == name {
			exact++
			if p.value != "" {
				filled++
			}
		}
	}
	return values, exact, filled
}

// fitsValues holds the values of a parameter against globs: the first, the last,
// and all of them with commas between, as servers have it.
func fitsValues(globs, values []string) fit {
	if len(values) > 1 {
		values = append(slices.Clone(values), strings.Join(values, ","), strings.Join(values, ", "))
	}
	all, any := true, false
	for _, raw := range values {
		f := fitsValue(globs, raw)
		all, any = all && f == yes, any || f != no
	}
	switch {
	case all:
		return yes
	case any:
		return maybe
	}
	return no
}

// fitsValue holds one value against globs, as it is decoded by the usual rules and
// by others.
func fitsValue(globs []string, raw string) fit {
	usual, _ := url.QueryUnescape(raw)
	plus, _ := url.PathUnescape(raw)
	all, any := true, false
	for _, reading := range []string{usual, plus, decodeTwice(raw)} {
		fits, like := false, false
		for _, g := range globs {
			fits = fits || wild(g, reading)
			like = like || wild(foldText(g), foldText(reading))
		}
		all, any = all && fits, any || like
	}
	switch {
	case all:
		return yes
	case any:
		return maybe
	}
	return no
}

// decodeTwice undoes percent-encoding for as long as there is some.
func decodeTwice(s string) string {
	for range 4 {
		decoded, err := url.QueryUnescape(s)
		if err != nil || decoded == s {
			break
		}
		s = decoded
	}
	return s
}

// foldName is a parameter's name as servers see it that tell no case, take what is
// in brackets for an index, and put _ for what no variable's name has.
func foldName(s string) string {
	s = strings.TrimLeft(foldText(s), " ?")
	if i := strings.IndexByte(s, '['); i > 0 {
		s = s[:i]
	}
	return strings.NewReplacer(".", "_", " ", "_").Replace(s)
}

// foldText is a text without case and wide forms.
func foldText(s string) string {
	return strings.ToLower(norm.NFKC.String(s))
}
