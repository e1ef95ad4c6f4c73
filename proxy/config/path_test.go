package config

import (
	"strings"
	"testing"
)

func TestCheckSegment(t *testing.T) {
	for in, want := range map[string]string{
		"bot{token}":                         "",
		"{token}":                            "",
		"v1-{token}:x":                       "",
		"bot":                                "must have {token} once",
		"":                                   "must have {token} once",
		"{token}{token}":                     "must have {token} once",
		"bot{token}/x":                       "is one segment",
		"/bot{token}":                        "is one segment",
		"bot{token}?x":                       "is one segment",
		"bot%2F{token}":                      "is one segment",
		"bot {token}":                        "is one segment",
		"bot;{token}":                        "is one segment",
		"é{token}":                           "is one segment",
		strings.Repeat("x", 100) + "{token}": "is longer",
	} {
		err := checkSegment(in)
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", in, err, want)
		}
	}
}

func TestDefaultHeaders(t *testing.T) {
	for src, want := range map[string]string{
		`{"Notion-Version": "2026-03-11"}`: "",
		`{}`:                               "",
		`[]`:                               "must be an object",
		`{"authorization": "Bearer x"}`:    "belongs into the credential",
		`{"Cookie": "x"}`:                  "belongs into the credential",
		`{"Host": "x"}`:                    "belongs to the connection",
		`{"X:": "x"}`:                      "without the colon",
		`{"X-A": "1", "x-a": "2"}`:         "is there twice",
		`{"X-A": ""}`:                      "is empty",
		`{"X-A": "a\nb"}`:                  "line break",
		`{"X-A": 1}`:                       "must be",
	} {
		c, err := Parse("f", []byte(`{"services": {"a": {"base_url": "a.example", "default_headers": `+src+`}}}`))
		if (err == nil) != (want == "") || err != nil && !strings.Contains(err.Error(), want) {
			t.Errorf("%s: %v, want %q", src, err, want)
		}
		if err == nil && len(c.Warnings) > 0 {
			t.Errorf("%s: %v", src, c.Warnings)
		}
	}
}
