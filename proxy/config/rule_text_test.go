package config

import (
	"reflect"
	"strings"
	"testing"
)

func TestRulesText(t *testing.T) {
	rules := []Rule{
		{Action: Allow, Methods: []string{"GET", "HEAD"}, Path: "/repos/**", For: []string{"zapier"}, Note: "reads"},
		{Action: Deny, Path: "/admin/{a,b}/*", Query: []QueryCondition{{Name: "x", Values: []string{"1"}}}},
		{Action: Ask, Body: []BodyCondition{{Pointer: "/amount", Max: "100"}}, MaxBody: 1000, ContentType: []string{"application/json"}},
	}
	for _, want := range [][]Rule{rules, nil} {
		got, err := ParseRules(RulesText(want))
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("got %v, %v; want %v", got, err, want)
		}
	}
}

func TestParseRules(t *testing.T) {
	tests := []struct{ text, want string }{
		{"[{\"action\": \"allow\"}, // all\n]", ""},
		{"null", ""},
		{"[\n{\"action\": \"alow\"}]", `line 2, column 12: rules/0/action: must be "allow", "deny" or "ask"`},
		{"[{\"action\": \"alow\"}]", `line 1, column 13: rules/0/action: must be "allow", "deny" or "ask"`},
		{"[", "line 2"},
		{"[]}, \"rules\": {", "line"},
		{"[]}, \"more\": {\"base_url\": \"http://localhost\"", "must be a list of rules"},
		{"", "line 2"},
	}
	for _, tt := range tests {
		_, err := ParseRules(tt.text)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: got %v, want %s", tt.text, err, tt.want)
		}
	}
}
