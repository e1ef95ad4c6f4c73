package config

import (
	"net/url"
	"strings"
	"testing"
)

func TestLeakGuard(t *testing.T) {
	for _, tt := range []struct {
		text    string
		want    LeakGuard
		problem string // of an error or a warning
		fails   bool
	}{
		{``, LeakGuardOn, "", false},
		{`, "leak_guard": null`, LeakGuardOn, "", false},
		{`, "leak_guard": "on"`, LeakGuardOn, "", false},
		{`, "leak_guard": "strict"`, LeakGuardStrict, "", false},
		{`, "leak_guard": "off"`, LeakGuardOff, "", false},
		{`, "leak_guard": true`, LeakGuardOn, `is read as "on"`, false},
		{`, "leak_guard": false`, LeakGuardOff, `is read as "off"`, false},
		{`, "leak_gard": "off"`, LeakGuardOn, `is "leak_guard" meant?`, false},
		{`, "leak_guard": "Strict"`, "", `config.json:2:54: service "a": leak_guard: must be "on", "strict" or "off"`, true},
		{`, "leak_guard": ""`, "", `must be "on", "strict" or "off"`, true},
		{`, "leak_guard": 1`, "", "must be text", true},
		{`, "leak_guard": {}`, "", "must be text", true},
	} {
		c, err := Parse("config.json", []byte("{\"services\": {\n\"a\": {\"base_url\": \"https://a.example\""+tt.text+"}}}"))
		if err != nil || tt.fails {
			if err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("%s: %v, want %q", tt.text, err, tt.problem)
			}
			continue
		}
		if err != nil || c.Services["a"].LeakGuard != tt.want {
			t.Errorf("%s: %v, want %q", tt.text, err, tt.want)
			continue
		}
		warned := ""
		for _, w := range c.Warnings {
			warned += w.Error()
		}
		if !strings.Contains(warned, tt.problem) || (tt.problem == "") != (warned == "") {
			t.Errorf("%s: warned %q, want %q", tt.text, warned, tt.problem)
		}
	}
}

func TestPutLeakGuard(t *testing.T) {
	u, err := url.Parse("https://a.example")
	if err != nil {
		t.Fatal(err)
	}
	const before = `{"services": {"a": {"base_url": "https://a.example"%}}}`
	for _, tt := range []struct {
		before string
		set    LeakGuard
		after  string
	}{
		{``, LeakGuardOn, ``},
		{``, LeakGuardStrict, `, "leak_guard": "strict"`},
		{`, "leak_guard": "strict" /* or else */`, LeakGuardOff, `, "leak_guard": "off" /* or else */`},
		{`, "leak_guard": "strict"`, LeakGuardOn, `, "leak_guard": "on"`},
		{`, "leak_guard": null`, LeakGuardOn, `, "leak_guard": null`},
	} {
		s := NewService("a", u)
		s.LeakGuard = tt.set
		got, err := PutService([]byte(strings.Replace(before, "%", tt.before, 1)), "a", s)
		if want := strings.Replace(before, "%", tt.after, 1); err != nil || strings.TrimSpace(string(got)) != want {
			t.Errorf("%q in %s: %s, %v, want %s", tt.set, tt.before, got, err, want)
		}
	}
	s := NewService("a", u)
	s.LeakGuard = "sometimes"
	if err := CheckService(s); err == nil || !strings.Contains(err.Error(), "leak_guard") {
		t.Errorf("%v", err)
	}
}
