package config

import (
	"bytes"
	"encoding/json"
	"slices"
	"strconv"

	"github.com/tailscale/hujson"
)

// SetRules gives a service these rules and leaves the rest of it as it is. Rules
// that are there already stay as they are written, with their comments.
func SetRules(src []byte, service string, rules []Rule) ([]byte, error) {
	if err := CheckRules(rules); err != nil {
		return nil, err
	}
	e, err := edit(src)
	if err != nil {
		return nil, err
	}
	services, err := e.services()
	if err != nil {
		return nil, err
	}
	i := services.find(service)
	if i < 0 {
		return nil, noService(service)
	}
	it := &services.items[i]
	o, err := e.objectAt(&it.value, service, "")
	if err != nil {
		return nil, err
	}
	members := services.members(it, o)
	if err := putRules(members, rules); err != nil {
		return nil, err
	}
	members.store()
	services.store()
	return e.bytes()
}

// putRules writes a list of rules.
func putRules(l *list, rules []Rule) error {
	const key = "rules"
	if len(rules) == 0 && l.find(key) < 0 {
		return nil
	}
	wanted, keys := make([]*hujson.Object, len(rules)), make([]string, len(rules))
	for k, r := range rules {
		keys[k] = ruleJSON(r)
		v, err := hujson.Parse([]byte(keys[k]))
		if err != nil {
			return err
		}
		wanted[k] = v.Value.(*hujson.Object)
	}
	v := l.set(key, serviceKeys)
	if v.Value.Kind() != '[' {
		v.Value = &hujson.Array{}
	}
	elements := l.elements(&l.items[l.find(key)], v.Value.(*hujson.Array))
	elements.arrange(keys,
		func(it *item) string {
			d := &decoder{}
			if r, ok := d.rule(&it.value, ""); ok && len(d.errors) == 0 {
				return ruleJSON(r)
			}
			return ""
		},
		func(it *item, k int) { elements.adoptRule(it, wanted[k]) },
		func(k int) item {
			return item{lead: hujson.Extra(l.style.newline), value: hujson.Value{Value: wanted[k]}}
		})
	elements.store()
	return nil
}

// adoptRule makes of the rule at it the one that is wanted, key by key, so that
// keys which say the same already and those that begin with an underscore stay.
func (l *list) adoptRule(it *item, wanted *hujson.Object) {
	o, ok := it.value.Value.(*hujson.Object)
	if !ok {
		it.value.Value = wanted
		return
	}
	rule := l.members(it, o)
	rule.inline = true
	for _, key := range ruleKeys {
		i := slices.IndexFunc(wanted.Members, func(m hujson.ObjectMember) bool { return text(m.Name.Value) == key })
		switch at := rule.find(key); {
		case i >= 0:
			v := rule.set(key, ruleKeys)
			if !bytes.Equal(minimal(*v), minimal(wanted.Members[i].Value)) {
				v.Value = wanted.Members[i].Value.Value
			}
		case at >= 0:
			rule.take(at)
		}
	}
	rule.store()
}

// minimal is a value without comments and blanks.
func minimal(v hujson.Value) []byte {
	v = v.Clone()
	v.Minimize()
	return v.Pack()
}

// ruleJSON is a rule as it is written into a file that did not have it.
func ruleJSON(r Rule) string {
	b := append([]byte(`{"action": `), TextScalar(string(r.Action))...)
	add := func(key string, value []byte) { b = append(append(b, `, "`+key+`": `...), value...) }
	if r.Methods != nil {
		add("methods", textList(r.Methods))
	}
	if r.Path != "" {
		add("path", []byte(TextScalar(r.Path)))
	}
	if len(r.Query) > 0 {
		var members [][]byte
		for _, q := range r.Query {
			value := []byte(strconv.FormatBool(!q.Absent))
			switch {
			case len(q.Values) == 1:
				value = []byte(TextScalar(q.Values[0]))
			case q.Values != nil:
				value = textList(q.Values)
			}
			members = append(members, member(q.Name, value))
		}
		add("query", braces(members))
	}
	if r.ContentType != nil {
		add("content_type", textList(r.ContentType))
	}
	if r.MaxBody > 0 {
		add("max_body", strconv.AppendInt(nil, r.MaxBody, 10))
	}
	if len(r.Body) > 0 {
		var members [][]byte
		for _, c := range r.Body {
			members = append(members, member(c.Pointer, c.json()))
		}
		add("body", braces(members))
	}
	if r.For != nil {
		add("for", textList(r.For))
	}
	if r.Note != "" {
		add("note", []byte(TextScalar(r.Note)))
	}
	return string(append(b, '}'))
}

// json is a condition as a file has it.
func (c BodyCondition) json() []byte {
	values := make([][]byte, len(c.OneOf))
	for i, s := range c.OneOf {
		values[i] = []byte(s)
	}
	key, oneOf := "one_of", slices.Concat([]byte("["), bytes.Join(values, []byte(", ")), []byte("]"))
	if len(values) == 1 {
		key, oneOf = "equals", values[0]
	}
	if !c.Present && !c.Absent && c.Glob == "" && c.Min == "" && c.Max == "" {
		return oneOf
	}
	var members [][]byte
	if c.Present || c.Absent {
		members = append(members, member("exists", strconv.AppendBool(nil, c.Present)))
	}
	if c.OneOf != nil {
		members = append(members, member(key, oneOf))
	}
	if c.Glob != "" {
		members = append(members, member("glob", []byte(TextScalar(c.Glob))))
	}
	if c.Min != "" {
		members = append(members, member("min", []byte(c.Min)))
	}
	if c.Max != "" {
		members = append(members, member("max", []byte(c.Max)))
	}
	return braces(members)
}

func member(name string, value []byte) []byte {
	return slices.Concat([]byte(TextScalar(name)), []byte(": "), value)
}

func braces(members [][]byte) []byte {
	return slices.Concat([]byte("{"), bytes.Join(members, []byte(", ")), []byte("}"))
}

func textList(texts []string) []byte {
	values := make([][]byte, len(texts))
	for i, s := range texts {
		values[i] = []byte(TextScalar(s))
	}
	return slices.Concat([]byte("["), bytes.Join(values, []byte(", ")), []byte("]"))
}

// MarshalJSON writes the rule as a file has it.
func (r Rule) MarshalJSON() ([]byte, error) { return json.RawMessage(ruleJSON(r)), nil }
