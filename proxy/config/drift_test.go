package config

import (
	"strings"
	"testing"
)

func TestDrift(t *testing.T) {
	const one = `"base_url": "a.example"`
	for _, tt := range []struct {
		top, service string
		want         Drift
		problem      string
	}{
		{`"_": 1`, one, DriftMark, ""},
		{`"drift": null`, one, DriftMark, ""},
		{`"drift": "off"`, one, DriftOff, ""},
		{`"drift": "notify"`, one, DriftNotify, ""},
		{`"drift": "pause"`, one + `, "drift": null`, DriftPause, ""},
		{`"drift": "pause"`, one + `, "drift": "mark"`, DriftMark, ""},
		{`"drift": "puase"`, one, "", `drift: must be one of off, mark, notify, pause: is "pause" meant?`},
		{`"drift": true`, one, "", `drift: must be text`},
		{`"_": 1`, one + `, "drift": "loud"`, "", `service "a": drift: must be one of off, mark, notify, pause`},
	} {
		c, err := Parse("f", []byte(`{`+tt.top+`, "services": {"a": {`+tt.service+`}}}`))
		if tt.problem != "" {
			if err == nil || !strings.Contains(err.Error(), tt.problem) {
				t.Errorf("%s, %s: %v, want %s", tt.top, tt.service, err, tt.problem)
			}
			continue
		}
		if err != nil || c.DriftOf(c.Services["a"]) != tt.want {
			t.Errorf("%s, %s: got %+v, %v, want %s", tt.top, tt.service, c, err, tt.want)
		}
	}
}

func TestSetDrift(t *testing.T) {
	for _, tt := range []struct {
		src    string
		choice Drift
		want   string
	}{
		{"{\n  \"services\": {} // none\n}\n", DriftMark, "{\n  \"services\": {} // none\n}\n"},
		{`{"drift": "off", "services": {}}`, DriftMark, `{"drift": "mark", "services": {}}`},
		{`{"drift": /* loud */ "notify", "services": {}}`, DriftPause, `{"drift": /* loud */ "pause", "services": {}}`},
	} {
		if got, err := SetDrift([]byte(tt.src), tt.choice); err != nil || string(got) != tt.want {
			t.Errorf("%s to %s: %s, %v, want %s", tt.src, tt.choice, got, err, tt.want)
		}
	}
	if _, err := SetDrift([]byte(`{"services": {}}`), "loud"); err == nil {
		t.Error("a choice that is none was written")
	}
	src := []byte(`{"services": {"a": {"base_url": "https://a.example", "drift": "off" /* mine */}}}`)
	s := mustParse(t, src).Services["a"]
	for choice, want := range map[Drift]string{DriftOff: `"drift": "off" /* mine */`, DriftPause: `"drift": "pause" /* mine */`, "": `"drift": null /* mine */`} {
		s.Drift = choice
		if got, err := PutService(src, "a", s); err != nil || !strings.Contains(string(got), want) {
			t.Errorf("%q: %s, %v", choice, got, err)
		}
	}
	s.Drift = "loud"
	if _, err := PutService(src, "a", s); err == nil {
		t.Error("a service with a choice that is none was written")
	}
}
