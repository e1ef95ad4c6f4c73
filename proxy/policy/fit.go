package policy

import (
	"mime"
	"slices"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
)

// fit is whether a condition holds.
type fit int

const (
	no    fit = iota // by no reading of the call
	maybe            // by one and not by another
	yes              // by each
)

// view is a call as it is read for rules, as far as they need it.
type view struct {
	*Request
	path      string // decoded
	folded    string // once a rule needs it
	odd       string // what has two readings
	params    []param
	parsed    bool   // params are there
	blurred   bool   // the query has several readings as a whole
	doc       any    // the body
	docRead   bool   // doc is there, absent if there is no body
	unread    string // why doc cannot be told
	needsBody bool
}

// fits reports whether a rule is about the call.
func (r *rule) fits(v *view) fit {
	f := min(r.fitsMethod(v), r.fitsCaller(v), r.fitsSize(v))
	if f == no {
		return no
	}
	if f = min(f, r.fitsPath(v)); f == no {
		return no
	}
	for i := range r.Query {
		if f = min(f, v.fitsQuery(&r.Query[i])); f == no {
			return no
		}
	}
	if r.ContentType != nil {
		if f = min(f, v.fitsType(r.ContentType)); f == no {
			return no
		}
	}
	if len(r.fields) > 0 && !v.readBody() {
		return maybe
	}
	for i := range r.fields {
		if f = min(f, r.fields[i].fits(v)); f == no {
			return no
		}
	}
	return f
}

func (r *rule) fitsMethod(v *view) fit {
	if r.Methods == nil || slices.Contains(r.Methods, v.Method) {
		return yes
	}
	for _, m := range r.Methods {
		if strings.EqualFold(m, v.Method) {
			v.odd = "methods are in capitals"
			return maybe
		}
	}
	return no
}

func (r *rule) fitsCaller(v *view) fit {
	if r.For == nil || v.JTI != "" && slices.Contains(r.For, v.JTI) {
		return yes
	}
	for _, a := range v.Audience {
		if slices.Contains(r.For, a) {
			return yes
		}
	}
	return no
}

func (r *rule) fitsSize(v *view) fit {
	if r.MaxBody > 0 && max(v.Length, int64(len(v.Body))) > r.MaxBody {
		return no
	}
	return yes
}

// fitsPath holds the path against the pattern as it is decoded, and as servers see
// it that tell neither case nor a slash at the end.
func (r *rule) fitsPath(v *view) fit {
	if r.Path == "" {
		return yes
	}
	if v.folded == "" {
		v.folded = fold(v.path)
	}
	exact := doublestar.MatchUnvalidated(r.Path, v.path)
	like := exact
	if v.folded != v.path || r.folded != r.Path {
		like = doublestar.MatchUnvalidated(r.folded, v.folded)
	}
	switch {
	case exact && like:
		return yes
	case exact || like:
		v.odd = "servers that tell no case, or no slash at the end, take the path for another"
		return maybe
	}
	return no
}

// fitsType holds the body's type against patterns.
func (v *view) fitsType(patterns []string) fit {
	media, ok := v.mediaType()
	if !ok {
		v.odd = "it needs one Content-Type that can be read"
		return maybe
	}
	for _, p := range patterns {
		if media != "" && wild(p, media) {
			return yes
		}
	}
	return no
}

// mediaType is the type of the body, "" for none. ok is false if it is anyone's
// guess.
func (v *view) mediaType() (media string, ok bool) {
	values := v.Header["Content-Type"]
	switch {
	case len(values) == 0:
		return "", v.Length == 0 && len(v.Body) == 0
	case len(values) > 1:
		return "", false
	}
	if values[0] == "application/json" {
		return values[0], true
	}
	media, params, err := mime.ParseMediaType(values[0])
	if err != nil || strings.ContainsAny(media, ", ") || !strings.Contains(media, "/") {
		return "", false
	}
	for name := range params {
		if name != "charset" && name != "boundary" && strings.ContainsAny(params[name], ",;/") {
			return "", false
		}
	}
	return media, true
}

// wild reports whether s fits a pattern in which * stands for any text, ? for any
// character, and \ before one for that character itself.
func wild(pattern, s string) bool {
	p, t := []rune(pattern), []rune(s)
	i, j, star, from := 0, 0, -1, 0
	for j < len(t) {
		switch {
		case i < len(p) && p[i] == '*':
			star, from = i, j
			i++
			continue
		case i+1 < len(p) && p[i] == '\\' && p[i+1] == t[j]:
			i += 2
			j++
			continue
		case i < len(p) && (p[i] == '?' || p[i] == t[j]) && (p[i] != '\\' || i+1 == len(p)):
			i++
			j++
			continue
		case star < 0:
			return false
		}
		from++
		i, j = star+1, from
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}
