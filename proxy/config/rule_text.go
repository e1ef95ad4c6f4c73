package config

import (
	"errors"
	"strings"
)

// RulesText is a list of rules as it stands in a file, a rule on a line.
func RulesText(rules []Rule) string {
	if len(rules) == 0 {
		return "[]"
	}
	lines := make([]string, len(rules))
	for i, r := range rules {
		lines[i] = "  " + ruleJSON(r) + ",\n"
	}
	return "[\n" + strings.Join(lines, "") + "]"
}

// ParseRules reads a list of rules as it stands in a file, comments and all. The
// error may be Problems, whose lines are those of the text.
func ParseRules(text string) ([]Rule, error) {
	const before, after = `{"services": {"rules": {"base_url": "http://localhost", "rules": `, "\n}}}"
	c, err := Parse("", []byte(before+text+after))
	var problems Problems
	switch {
	case errors.As(err, &problems):
		for i := range problems {
			problems[i].Service = ""
			if problems[i].Line == 1 {
				problems[i].Column = max(1, problems[i].Column-len(before))
			}
		}
		return nil, problems
	case err != nil:
		return nil, err
	}
	if svc := c.Services["rules"]; svc != nil && len(c.Services) == 1 {
		return svc.Rules, nil
	}
	return nil, errors.New("must be a list of rules in [ and ]")
}
