package config

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestAsking(t *testing.T) {
	for in, want := range map[string]Asking{
		`"_": 1`:                     DefaultAsking,
		`"ask": null`:                DefaultAsking,
		`"ask": {}`:                  DefaultAsking,
		`"ask": {"wait": null}`:      DefaultAsking,
		`"ask": {"wait": "1s"}`:      {time.Second, time.Hour},
		`"ask": {"remember": "24h"}`: {20 * time.Second, 24 * time.Hour},
		`"ask": {"wait": "5m", "remember": "90s"}`: {5 * time.Minute, 90 * time.Second},
	} {
		if c := mustParse(t, []byte(`{"services": {}, `+in+`}`)); c.Ask != want || len(c.Warnings) > 0 {
			t.Errorf("%s: got %+v, %v", in, c.Ask, c.Warnings)
		}
	}
}

func TestAskingRefused(t *testing.T) {
	for in, want := range map[string]string{
		`true`:                `f:2:8: ask: must be an object`,
		`{"wait": 20}`:        `f:2:17: ask/wait: must be text`,
		`{"wait": "20"}`:      `f:2:17: ask/wait: is not a time`,
		`{"wait": "100ms"}`:   `f:2:17: ask/wait: must be between 1s and`,
		`{"wait": "6m"}`:      `f:2:17: ask/wait: must be between 1s and 5m0s`,
		`{"remember": "25h"}`: `f:2:21: ask/remember: must be between 1s and 24h0m0s`,
	} {
		_, err := Parse("f", fmt.Appendf(nil, "{\n\"ask\": %s,\n\"services\": {}}", in))
		if got := problemLines(err); len(got) != 1 || !strings.HasPrefix(got[0], want) {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestAskingWarnings(t *testing.T) {
	c := mustParse(t, []byte(`{"services": {"a": {"base_url": "a.example", "ask": {}}}, "ask": {"wayt": "20s"}}`))
	var got []string
	for _, w := range c.Warnings {
		got = append(got, w.Error())
	}
	want := []string{`service "a": ask: is not used here: it belongs outside the services`, `ask/wayt: is not known and not used: is "wait" meant?`}
	if len(got) != 2 || !slices.EqualFunc(got, want, strings.HasSuffix) {
		t.Errorf("got %q", got)
	}
}
