package config

import (
	"strconv"
	"strings"

	"github.com/tailscale/hujson"
)

// rules reads the rules of a service; null is none.
func (d *decoder) rules(v *hujson.Value) []Rule {
	const field = "rules"
	if isNull(v) {
		return nil
	}
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		d.fail(v, field, `must be a list, such as [{"action": "allow", "methods": ["GET"], "path": "/repos/**"}]; it is %s`, kind(v))
		return nil
	}
	if len(list.Elements) > MaxRules {
		d.fail(v, field, "are more than %d", MaxRules)
		return nil
	}
	var rules []Rule
	for i := range list.Elements {
		if r, ok := d.rule(&list.Elements[i], field+"/"+strconv.Itoa(i)); ok {
			rules = append(rules, r)
		}
	}
	return rules
}

// rule reads one rule. A key that is not known fails: it could be the condition
// that makes the rule as narrow as it is meant.
func (d *decoder) rule(v *hujson.Value, field string) (r Rule, ok bool) {
	o := d.object(v, field)
	if o == nil {
		return r, false
	}
	before := len(d.errors)
	d.knownOnly(o, field, ruleKeys)
	if o.value("action") == nil {
		d.missing(o, field+"/", "action")
	} else if s, isText := d.text(o.value("action"), field+"/action"); isText {
		r.Action = Action(s)
	}
	r.Path = d.filledText(o, field, "path")
	r.Methods = d.texts(o, field, "methods")
	r.ContentType = d.texts(o, field, "content_type")
	r.For = d.texts(o, field, "for")
	r.Note = d.filledText(o, field, "note")
	r.MaxBody = d.maxBody(o.value("max_body"), field+"/max_body")
	r.Query = d.queryConditions(o.value("query"), field+"/query")
	r.Body = d.bodyConditions(o.value("body"), field+"/body")
	if len(d.errors) > before {
		return r, false
	}
	for _, f := range ruleFaults(&r) {
		d.fail(within(v, f.field), field+"/"+f.field, "%v", f.err)
	}
	return r, true
}

// knownOnly fails keys that are not known, but for those that begin with an
// underscore.
func (d *decoder) knownOnly(o *object, field string, known []string) {
	for i, name := range o.names {
		if strings.HasPrefix(name, "_") {
			continue
		}
		found := false
		for _, k := range known {
			found = found || k == name
		}
		if found {
			continue
		}
		at := &o.members[i].Name
		if near := suggest(name, known); near != "" {
			d.fail(at, field, "has a key that is not known, and a rule is not used in part: is %q meant?", near)
			continue
		}
		d.fail(at, field, "has a key that is not known, and a rule is not used in part; known are %s", strings.Join(known, ", "))
	}
}

// within is the value at a path of keys and numbers below v, or the last that is
// there.
func within(v *hujson.Value, path string) *hujson.Value {
	first, rest, _ := strings.Cut(path, "/")
	switch at := v.Value.(type) {
	case *hujson.Object:
		for i := range at.Members {
			switch text(at.Members[i].Name.Value) {
			case path, "/" + path: // names have slashes too, and pointers begin with one
				return &at.Members[i].Value
			case first:
				return within(&at.Members[i].Value, rest)
			}
		}
	case *hujson.Array:
		if i, err := strconv.Atoi(first); err == nil && i < len(at.Elements) {
			return within(&at.Elements[i], rest)
		}
	}
	return v
}

// filledText reads a text that may be missing or null, but not empty.
func (d *decoder) filledText(o *object, field, key string) string {
	v := o.value(key)
	if isNull(v) {
		return ""
	}
	s, ok := d.text(v, field+"/"+key)
	if ok && s == "" {
		d.fail(v, field+"/"+key, "is empty: leave it out if nothing is meant")
	}
	return s
}

// texts reads a list of texts; null is nil.
func (d *decoder) texts(o *object, field, key string) []string {
	if v := o.value(key); !isNull(v) {
		return d.textsOf(v, field+"/"+key)
	}
	return nil
}

func (d *decoder) textsOf(v *hujson.Value, field string) []string {
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		d.fail(v, field, `must be a list of texts, [ … ], and is %s`, kind(v))
		return nil
	}
	all := make([]string, 0, len(list.Elements))
	for i := range list.Elements {
		if s, ok := d.text(&list.Elements[i], field+"/"+strconv.Itoa(i)); ok {
			all = append(all, s)
		}
	}
	return all
}

// maxBody reads a number of bytes; null is 0: any.
func (d *decoder) maxBody(v *hujson.Value, field string) int64 {
	if isNull(v) {
		return 0
	}
	lit, _ := v.Value.(hujson.Literal)
	n, err := strconv.ParseInt(string(lit), 10, 64)
	if err != nil || n < 1 {
		d.fail(v, field, "must be a number of bytes from 1 on, such as 65536")
		return 0
	}
	return n
}

// queryConditions reads an object of names, each with a glob, several of them, or
// whether it must be there. Names that begin with an underscore are names.
func (d *decoder) queryConditions(v *hujson.Value, field string) []QueryCondition {
	if isNull(v) {
		return nil
	}
	o := d.object(v, field)
	if o == nil {
		return nil
	}
	var all []QueryCondition
	for i, name := range o.names {
		value, at := &o.members[i].Value, field+"/"+name
		q := QueryCondition{Name: name}
		switch value.Value.Kind() {
		case 't':
		case 'f':
			q.Absent = true
		case '"':
			s, ok := d.text(value, at)
			if !ok {
				continue
			}
			q.Values = []string{s}
		case '[':
			q.Values = d.textsOf(value, at)
		default:
			d.fail(value, at, `must be text, a list of texts, true for "must be there" or false for "must not", and is %s`, kind(value))
		}
		all = append(all, q)
	}
	return all
}

// bodyConditions reads an object of JSON pointers, each with a value, a list of
// values or an object of conditions.
func (d *decoder) bodyConditions(v *hujson.Value, field string) []BodyCondition {
	if isNull(v) {
		return nil
	}
	o := d.object(v, field)
	if o == nil {
		return nil
	}
	var all []BodyCondition
	for i, name := range o.names {
		if strings.HasPrefix(name, "_") {
			continue
		}
		value, at := &o.members[i].Value, field+"/"+strings.TrimPrefix(name, "/")
		c := BodyCondition{Pointer: name}
		switch value.Value.Kind() {
		case '{':
			d.conditions(value, at, &c)
		case '[':
			c.OneOf = d.scalars(value, at)
		default:
			c.OneOf = []Scalar{scalarOf(value)}
		}
		all = append(all, c)
	}
	return all
}

func (d *decoder) conditions(v *hujson.Value, field string, c *BodyCondition) {
	o := d.object(v, field)
	if o == nil {
		return
	}
	d.knownOnly(o, field, conditionKeys)
	if at := o.value("exists"); at != nil {
		c.Present = d.boolean(at, field+"/exists", true)
		c.Absent = !c.Present
	}
	switch equals, oneOf := o.value("equals"), o.value("one_of"); {
	case equals != nil && oneOf != nil:
		d.fail(oneOf, field+"/one_of", "stands beside equals: put its value into the list")
	case equals != nil:
		if !scalarKind(equals) {
			d.fail(equals, field+"/equals", "must be text, a number, true, false or null, and is %s", kind(equals))
			return
		}
		c.OneOf = []Scalar{scalarOf(equals)}
	case oneOf != nil:
		c.OneOf = d.scalars(oneOf, field+"/one_of")
	}
	c.Glob = d.filledText(o, field, "glob")
	for key, to := range map[string]*Scalar{"min": &c.Min, "max": &c.Max} {
		if at := o.value(key); at != nil {
			*to = scalarOf(at)
		}
	}
}

func (d *decoder) scalars(v *hujson.Value, field string) []Scalar {
	list, ok := v.Value.(*hujson.Array)
	if !ok {
		d.fail(v, field, "must be a list of values, [ … ], and is %s", kind(v))
		return nil
	}
	all := make([]Scalar, 0, len(list.Elements))
	for i := range list.Elements {
		if !scalarKind(&list.Elements[i]) {
			d.fail(&list.Elements[i], field, "must hold text, numbers, true, false or null, and holds %s", kind(&list.Elements[i]))
			continue
		}
		all = append(all, scalarOf(&list.Elements[i]))
	}
	return all
}

func scalarKind(v *hujson.Value) bool { return v.Value.Kind() != '{' && v.Value.Kind() != '[' }

// scalarOf is a literal as a Scalar: the same value is the same text.
func scalarOf(v *hujson.Value) Scalar {
	lit, ok := v.Value.(hujson.Literal)
	switch {
	case !ok:
		return "[]" // none, as check finds
	case lit.Kind() == '"':
		return TextScalar(text(lit))
	}
	return Scalar(lit)
}
