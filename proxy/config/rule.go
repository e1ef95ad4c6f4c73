package config

import (
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"github.com/tailscale/hujson"
	"golang.org/x/net/http/httpguts"
)

// Action is what becomes of a call.
type Action string

// The actions.
const (
	Allow Action = "allow"
	Deny  Action = "deny"
	Ask   Action = "ask" // a person decides
)

// Limits of rules.
const (
	MaxRules      = 500 // of a service
	MaxNoteLength = 500 // bytes
	maxPattern    = 1000
	maxReadBody   = 64 << 20
	maxListed     = 200 // of anything within a rule
)

// Rule says what becomes of the calls that fit all of it. The first rule that
// fits decides. With a rule that allows or asks, what no rule fits is denied.
type Rule struct {
	Action  Action
	Methods []string // nil: any
	// Path is a doublestar pattern for the decoded path below the service; "": any.
	Path        string
	Query       []QueryCondition // all of them hold
	ContentType []string         // patterns of media types, of which one fits; nil: any
	// MaxBody is how many bytes the body of a call that fits has at most; 0: any
	// number. A rule that denies has none.
	MaxBody int64
	Body    []BodyCondition // all of them hold
	For     []string        // audiences and IDs of service tokens, of which one is the caller's; nil: anyone's
	Note    string          // for whoever is told of the rule
}

// QueryCondition is about one parameter of the query.
type QueryCondition struct {
	Name   string
	Absent bool     // it is not there
	Values []string // or globs, of which its value fits one; nil: it is there
}

// BodyCondition is about one field of a JSON body. All that is set holds.
type BodyCondition struct {
	Pointer  string   // of the field (RFC 6901)
	Present  bool     // it is there
	Absent   bool     // it is not there; then nothing else is set
	OneOf    []Scalar // its value is one of these
	Glob     string   // its value is a text that fits; "": any
	Min, Max Scalar   // its value is a number within; "": without bound
}

// Scalar is a JSON text, number, true, false or null as a file has it: "eur" in
// its quotes, 100.
type Scalar string

// TextScalar is s as a Scalar.
func TextScalar(s string) Scalar {
	return Scalar(hujson.String(s))
}

// Rat is the value of a number; ok is false for other scalars.
func (s Scalar) Rat() (r *big.Rat, ok bool) {
	if s == "" || s[0] != '-' && (s[0] < '0' || s[0] > '9') || !numberLike.MatchString(string(s)) {
		return nil, false
	}
	return new(big.Rat).SetString(string(s))
}

// numberLike keeps 1e999999999, which takes gigabytes to be written out.
var numberLike = regexp.MustCompile(`^-?[0-9]{1,40}(\.[0-9]{1,40})?([eE][+-]?[0-9]{1,2})?$`)

// Text is the value of a JSON text; ok is false for other scalars.
func (s Scalar) Text() (text string, ok bool) {
	ok = s != "" && s[0] == '"' && json.Unmarshal([]byte(s), &text) == nil
	return text, ok
}

// String is the rule in a line: allow GET,HEAD /repos/** for zapier.
func (r Rule) String() string {
	b := []byte(r.Action)
	add := func(format string, args ...any) { b = fmt.Appendf(append(b, ' '), format, args...) }
	if r.Methods != nil {
		add("%s", strings.Join(r.Methods, ","))
	}
	add("%s", cmp.Or(r.Path, "/**"))
	for _, q := range r.Query {
		switch {
		case q.Absent:
			add("without ?%s", q.Name)
		case q.Values == nil:
			add("with ?%s", q.Name)
		default:
			add("with ?%s=%s", q.Name, strings.Join(q.Values, "|"))
		}
	}
	if r.ContentType != nil {
		add("type %s", strings.Join(r.ContentType, "|"))
	}
	if r.MaxBody > 0 {
		add("up to %d bytes", r.MaxBody)
	}
	for _, c := range r.Body {
		add("body %s", c)
	}
	if r.For != nil {
		add("for %s", strings.Join(r.For, ","))
	}
	return string(b)
}

// String is the condition in words.
func (c BodyCondition) String() string {
	b := []byte(cmp.Or(c.Pointer, "(all)"))
	switch {
	case c.Absent:
		b = append(b, " absent"...)
	case c.Present:
		b = append(b, " present"...)
	}
	for i, s := range c.OneOf {
		b = append(append(b, "=|"[min(i, 1)]), s...)
	}
	if c.Glob != "" {
		b = append(append(b, '~'), c.Glob...)
	}
	if c.Min != "" {
		b = append(append(b, ">="...), c.Min...)
	}
	if c.Max != "" {
		b = append(append(b, "<="...), c.Max...)
	}
	return string(b)
}

// CheckRules says what is wrong with the rules of a service, as a file would be
// told. The error begins with the number of the rule, from 0, and the field.
func CheckRules(rules []Rule) error {
	if len(rules) > MaxRules {
		return fmt.Errorf("rules: are more than %d", MaxRules)
	}
	for i := range rules {
		for _, f := range ruleFaults(&rules[i]) {
			return fmt.Errorf("rules/%d/%s: %w", i, f.field, f.err)
		}
	}
	return nil
}

// ruleFault is what is wrong with a rule, and where in it.
type ruleFault struct {
	field string
	err   error
}

// ruleFaults is everything that is wrong with a rule.
func ruleFaults(r *Rule) (all []ruleFault) {
	note := func(field string, err error) {
		if err != nil {
			all = append(all, ruleFault{field, err})
		}
	}
	if r.Action != Allow && r.Action != Deny && r.Action != Ask {
		note("action", errors.New(`must be "allow", "deny" or "ask"`))
	}
	each := func(field string, texts []string, check func(string) error) {
		switch {
		case texts != nil && len(texts) == 0:
			note(field, errors.New("is empty: leave it out for any"))
		case len(texts) > maxListed:
			note(field, fmt.Errorf("has more than %d", maxListed))
		}
		for i, s := range texts {
			note(field+"/"+strconv.Itoa(i), check(s))
		}
	}
	each("methods", r.Methods, checkRuleMethod)
	if r.Path != "" {
		note("path", CheckPathPattern(r.Path))
	}
	for _, q := range r.Query {
		note("query", checkParamName(q.Name))
		each("query/"+q.Name, q.Values, checkGlob)
	}
	each("content_type", r.ContentType, checkMediaPattern)
	switch {
	case r.MaxBody < 0:
		note("max_body", errors.New("must be a number of bytes from 1 on"))
	case r.MaxBody > 0 && r.Action == Deny:
		note("max_body", errors.New("has no use in a rule that denies: write it into the one that allows, and what is bigger is denied"))
	case len(r.Body) > 0 && r.MaxBody > maxReadBody:
		note("max_body", fmt.Errorf("must be at most %d in a rule about the body, which is read before anything is sent on", maxReadBody))
	}
	for i := range r.Body {
		note("body/"+strings.TrimPrefix(r.Body[i].Pointer, "/"), r.Body[i].check())
	}
	each("for", r.For, CheckAudience)
	if len(r.Note) > MaxNoteLength {
		note("note", fmt.Errorf("is longer than %d bytes", MaxNoteLength))
	} else if !readable(r.Note) || strings.ContainsFunc(r.Note, invisible) {
		note("note", errors.New("has control characters"))
	}
	return all
}

func checkRuleMethod(s string) error {
	switch {
	case !httpguts.ValidHeaderFieldName(s) || len(s) > MaxNameLength:
		return errors.New("is no method, such as GET")
	case s != strings.ToUpper(s):
		return fmt.Errorf("methods are written in capitals: %s", strings.ToUpper(s))
	case s == "TRACE" || s == "TRACK" || s == "CONNECT":
		return errors.New("is refused whatever the rules")
	}
	return nil
}

// CheckPathPattern says what is wrong with a rule's path. The path that it is held
// against is decoded, and has none of what is refused here.
func CheckPathPattern(s string) error {
	switch {
	case !strings.HasPrefix(s, "/"):
		return errors.New("must begin with /, which is where the service's address ends")
	case len(s) > maxPattern:
		return fmt.Errorf("is longer than %d bytes", maxPattern)
	case !readable(s) || strings.ContainsFunc(s, invisible):
		return errors.New("has control characters")
	case strings.Contains(s, "%"):
		return errors.New("is held against the decoded path: write the character that is meant in place of % and its digits")
	case strings.ContainsAny(s, ";#"):
		return errors.New("cannot hold ; or #: calls with one in the path are refused")
	case strings.Contains(s, "//"):
		return errors.New("cannot hold //: calls with it in the path are refused")
	case strings.Contains(s, "[^"), strings.Contains(s, "[!"):
		return errors.New("cannot say which letters are not meant: deny those that are in a rule before this one")
	case strings.Count(s, "{") > 4:
		return errors.New("has more than 4 lists in braces: write several rules")
	}
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "." || segment == ".." {
			return errors.New("cannot hold . or .. as a segment: calls with it in the path are refused")
		}
	}
	for rest := s; ; {
		i := strings.Index(rest, "**")
		if i < 0 {
			break
		}
		if !strings.ContainsRune("/{,", rune(rest[i-1])) || i+2 < len(rest) && !strings.ContainsRune("/},", rune(rest[i+2])) {
			return errors.New("** stands for whole segments, alone between slashes; * is for part of one")
		}
		rest = rest[i+1:]
	}
	if !doublestar.ValidatePattern(s) {
		return errors.New(`is no valid pattern: [, ], {, } and \ that stand for themselves need a \ before them`)
	}
	return nil
}

func checkGlob(s string) error {
	switch {
	case len(s) > maxPattern:
		return fmt.Errorf("is longer than %d bytes", maxPattern)
	case !readable(s) || strings.ContainsFunc(s, invisible):
		return errors.New("has control characters")
	}
	return nil
}

var mediaPattern = regexp.MustCompile(`^[a-z0-9!#$&^_.+*-]{1,64}/[a-z0-9!#$&^_.+*-]{1,64}$`)

func checkMediaPattern(s string) error {
	if !mediaPattern.MatchString(s) {
		return errors.New("must be a media type in small letters without parameters, such as application/json or image/*")
	}
	return nil
}

// check says what is wrong with a condition.
func (c *BodyCondition) check() error {
	if err := checkPointer(c.Pointer); err != nil {
		return err
	}
	bounds := c.Min != "" || c.Max != ""
	switch {
	case c.Absent && (c.Present || c.OneOf != nil || c.Glob != "" || bounds):
		return errors.New("what is absent has no value: leave the other conditions out")
	case !c.Absent && !c.Present && c.OneOf == nil && c.Glob == "" && !bounds:
		return errors.New("says nothing: equals, one_of, glob, min, max or exists")
	case c.OneOf != nil && len(c.OneOf) == 0:
		return errors.New("one_of is empty")
	case len(c.OneOf) > maxListed:
		return fmt.Errorf("one_of has more than %d", maxListed)
	}
	for _, s := range c.OneOf {
		if _, number := s.Rat(); !number && !slices.Contains([]Scalar{"true", "false", "null"}, s) {
			if text, ok := s.Text(); !ok || !readable(text) || len(text) > maxPattern {
				return errors.New("a value must be text, a number of at most 40 digits, true, false or null")
			}
		}
	}
	for _, s := range []Scalar{c.Min, c.Max} {
		if _, number := s.Rat(); s != "" && !number {
			return errors.New("min and max must be numbers of at most 40 digits")
		}
	}
	return checkGlob(c.Glob)
}

// checkPointer takes a JSON pointer (RFC 6901).
func checkPointer(s string) error {
	switch {
	case s != "" && s[0] != '/':
		return errors.New(`must be a JSON pointer, such as "/amount" or "/items/0/price"`)
	case len(s) > maxPattern:
		return fmt.Errorf("is longer than %d bytes", maxPattern)
	case !readable(s) || strings.ContainsFunc(s, invisible):
		return errors.New("has control characters")
	}
	for rest := s; ; {
		i := strings.IndexByte(rest, '~')
		if i < 0 {
			return nil
		}
		if i+1 == len(rest) || rest[i+1] != '0' && rest[i+1] != '1' {
			return errors.New("~ is written ~0 in a JSON pointer, and / in a name ~1")
		}
		rest = rest[i+2:]
	}
}
