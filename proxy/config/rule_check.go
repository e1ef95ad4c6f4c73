package config

import (
	"cmp"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/bmatcuk/doublestar/v4"
	"golang.org/x/net/http/httpguts"
)

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
	note("action", r.Action.check())
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
	note("max_body", r.checkMaxBody())
	for i := range r.Body {
		note("body/"+strings.TrimPrefix(r.Body[i].Pointer, "/"), r.Body[i].check())
	}
	each("for", r.For, CheckAudience)
	note("note", checkNote(r.Note))
	return all
}

func (a Action) check() error {
	if a != Allow && a != Deny && a != Ask {
		return errors.New(`must be "allow", "deny" or "ask"`)
	}
	return nil
}

func (r *Rule) checkMaxBody() error {
	switch {
	case r.MaxBody < 0:
		return errors.New("must be a number of bytes from 1 on")
	case r.MaxBody > 0 && r.Action == Deny:
		return errors.New("has no use in a rule that denies: write it into the one that allows, and what is bigger is denied")
	case len(r.Body) > 0 && r.MaxBody > maxReadBody:
		return fmt.Errorf("must be at most %d in a rule about the body, which is read before anything is sent on", maxReadBody)
	}
	return nil
}

func checkNote(s string) error {
	if len(s) > MaxNoteLength {
		return fmt.Errorf("is longer than %d bytes", MaxNoteLength)
	}
	if !readable(s) || strings.ContainsFunc(s, invisible) {
		return errors.New("has control characters")
	}
	return nil
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
	case checkGlob(s) != nil:
		return checkGlob(s)
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
	if err := checkSegments(s); err != nil {
		return err
	}
	if !doublestar.ValidatePattern(s) {
		return errors.New(`is no valid pattern: [, ], {, } and \ that stand for themselves need a \ before them`)
	}
	return nil
}

// checkSegments refuses dots, which no path has, and ** within a segment.
func checkSegments(s string) error {
	for segment := range strings.SplitSeq(s, "/") {
		if segment == "." || segment == ".." {
			return errors.New("cannot hold . or .. as a segment: calls with it in the path are refused")
		}
	}
	for rest := s; ; {
		i := strings.Index(rest, "**")
		if i < 0 {
			return nil
		}
		if !strings.ContainsRune("/{,", rune(rest[i-1])) || i+2 < len(rest) && !strings.ContainsRune("/},", rune(rest[i+2])) {
			return errors.New("** stands for whole segments, alone between slashes; * is for part of one")
		}
		rest = rest[i+1:]
	}
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
	switch valued := c.valued(); {
	case c.Absent && (c.Present || valued):
		return errors.New("what is absent has no value: leave the other conditions out")
	case !c.Absent && !c.Present && !valued:
		return errors.New("says nothing: equals, one_of, glob, min, max or exists")
	case c.OneOf != nil && len(c.OneOf) == 0:
		return errors.New("one_of is empty")
	case len(c.OneOf) > maxListed:
		return fmt.Errorf("one_of has more than %d", maxListed)
	}
	for _, s := range c.OneOf {
		if !s.valid() {
			return errors.New("a value must be text, a number of at most 40 digits, true, false or null")
		}
	}
	return cmp.Or(c.checkBounds(), checkGlob(c.Glob))
}

func (c *BodyCondition) checkBounds() error {
	for _, s := range []Scalar{c.Min, c.Max} {
		if _, number := s.Rat(); s != "" && !number {
			return errors.New("min and max must be numbers of at most 40 digits")
		}
	}
	return nil
}

// valued reports whether the condition is about the field's value.
func (c *BodyCondition) valued() bool {
	return c.OneOf != nil || c.Glob != "" || c.Min != "" || c.Max != ""
}

func (s Scalar) valid() bool {
	switch s {
	case "true", "false", "null":
		return true
	}
	if _, number := s.Rat(); number {
		return true
	}
	text, ok := s.Text()
	return ok && readable(text) && len(text) <= maxPattern
}

// checkPointer takes a JSON pointer (RFC 6901).
func checkPointer(s string) error {
	switch {
	case s != "" && s[0] != '/':
		return errors.New(`must be a JSON pointer, such as "/amount" or "/items/0/price"`)
	case checkGlob(s) != nil:
		return checkGlob(s)
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
