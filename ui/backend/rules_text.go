package backend

import (
	"strings"

	"lockbox/proxy/config"
)

// RuleAction is what becomes of the calls that fit a rule.
type RuleAction = config.Action

// The actions.
const (
	RuleAllows = config.Allow
	RuleDenies = config.Deny
	RuleAsks   = config.Ask
)

// RulesText is a list of rules as it stands in the config.
func RulesText(rules []Rule) string { return config.RulesText(rules) }

// ParseRules reads a list of rules as it stands in the config. The error is a line
// for each thing that is wrong.
func ParseRules(text string) ([]Rule, error) { return config.ParseRules(text) }

// CheckRule says what is wrong with a rule, beginning with the field; "" is nothing.
func CheckRule(r Rule) string {
	err := config.CheckRules([]Rule{r})
	if err == nil {
		return ""
	}
	return strings.TrimPrefix(err.Error(), "rules/0/")
}
