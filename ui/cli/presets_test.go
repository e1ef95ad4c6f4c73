package cli

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestPresets(t *testing.T) {
	for _, tt := range []struct {
		args, want string // in the answer, by the lines' first words
	}{
		{"presets claude", "ID anthropic"},
		{"presets gh", "ID github"},
		{"presets home assistant", "ID home-assistant"},
		{"presets fax", ""},
	} {
		code, out, err := ask(strings.Fields(tt.args)...)
		var firsts []string
		for _, line := range strings.Split(strings.TrimSpace(out), "\n") {
			first, _, _ := strings.Cut(line, " ")
			firsts = append(firsts, first)
		}
		if got := strings.Join(firsts, " "); code != exitDone || got != tt.want || (err == "") != (tt.want != "") {
			t.Errorf("%s: %d, %q, %q; want %q", tt.args, code, got, err, tt.want)
		}
	}
	if code, out, _ := ask("presets"); code != exitDone || strings.Count(out, "\n") != 31 || !strings.Contains(out, "https://{shop}.myshopify.com") {
		t.Errorf("all of them: %d\n%s", code, out)
	}
	var all []struct {
		ID      string
		Service struct {
			BaseURL    string `json:"base_url"`
			Credential map[string]any
		}
	}
	_, out, _ := ask("presets", "telegram", "--json")
	if err := json.Unmarshal([]byte(out), &all); err != nil || len(all) != 1 || all[0].Service.BaseURL != "https://api.telegram.org" || all[0].Service.Credential["segment"] != "bot{token}" {
		t.Errorf("%v: %+v of\n%s", err, all, out)
	}
	if _, out, _ := ask("presets", "fax", "--json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("none: %s", out)
	}
}
