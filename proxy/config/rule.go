package config

import (
	"cmp"
	"encoding/json"
	"fmt"
	"math/big"
	"regexp"
	"strings"

	"github.com/tailscale/hujson"
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
