package config

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/tailscale/hujson"
)

// query reads the parameters of a query credential.
func (d *decoder) query(o *object) []Param {
	v := o.value("params")
	if v == nil {
		d.missing(o, "credential/", "params")
		return nil
	}
	return d.params(v, "params", checkParamName)
}

// params reads an object of names and values.
func (d *decoder) params(v *hujson.Value, key string, rule func(string) error) []Param {
	field := "credential/" + key
	list := d.object(v, field)
	if list == nil {
		return nil
	}
	if len(list.names) == 0 {
		d.warn(v, field, "is empty: nothing is added to requests")
	}
	params := make([]Param, 0, len(list.names))
	for i, name := range list.names {
		value := &list.members[i].Value
		if err := rule(name); err != nil {
			d.fail(&list.members[i].Name, field, "%v", err)
			continue
		}
		source := d.sourceOf(value, field+"/"+name)
		d.checkLiteral(value, field+"/"+name, source)
		params = append(params, Param{name, source})
	}
	return params
}

// checkParamName says what is wrong with the name of a parameter. The name is
// not repeated: people paste the whole query, key and all.
func checkParamName(s string) error {
	switch {
	case s == "":
		return errors.New("a parameter needs a name, such as api_key")
	case strings.ContainsAny(s, "=&?"):
		return errors.New("a parameter's name stands without ?, =, & and the value")
	case !readable(s) || strings.ContainsFunc(s, invisible):
		return errors.New("a parameter's name has control characters")
	case len(s) > MaxNameLength:
		return fmt.Errorf("a parameter's name has at most %d bytes", MaxNameLength)
	}
	return nil
}

// checkParams takes parameters that are to be written.
func checkParams(key string, params []Param, rule func(string) error) error {
	for i, p := range params {
		if err := rule(p.Name); err != nil {
			return fmt.Errorf("credential/%s: %w", key, err)
		}
		if slices.ContainsFunc(params[:i], func(q Param) bool { return q.Name == p.Name }) {
			return fmt.Errorf("credential/%s: a name is there twice", key)
		}
	}
	return nil
}
