package config

import (
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"
)

func TestLimits(t *testing.T) {
	minute := Rate{60, time.Minute, 60}
	for in, want := range map[string]func(s *Service){
		`"rate_limit": null, "concurrency": null, "quota": null, "each_token": null, "token_limits": null, "duplicates": null`: func(*Service) {},
		`"each_token": {}, "quota": {"calls_per_day": null}`:                                                                   func(*Service) {},
		`"rate_limit": {"requests": 60, "per": "1m"}`:                                                                          func(s *Service) { s.Limits.Rate = minute },
		`"rate_limit": {"requests": 60, "per": "60s", "burst": 5}`:                                                             func(s *Service) { s.Limits.Rate = Rate{60, time.Minute, 5} },
		`"concurrency": 8`: func(s *Service) { s.Limits.Concurrency = 8 },
		`"quota": {"calls_per_day": 10, "calls_per_month": 40, "writes_per_day": 2, "writes_per_month": 5}`: func(s *Service) { s.Limits.Quota = Quota{10, 40, 2, 5} },
		`"each_token": {"rate_limit": {"requests": 60, "per": "1m"}, "concurrency": 1, "quota": {"writes_per_day": 3}}`: func(s *Service) {
			s.EachToken = Limits{minute, 1, Quota{WritesPerDay: 3}}
		},
		`"token_limits": {"zapier": {"concurrency": 2}, "n8n": {}, "make": null}`: func(s *Service) {
			s.TokenLimits = map[string]Limits{"zapier": {Concurrency: 2}, "n8n": {}, "make": {}}
		},
		`"duplicates": {"window": "10m"}`: func(s *Service) { s.Duplicates = 10 * time.Minute },
	} {
		c := mustParse(t, []byte(`{"services": {"a": {"base_url": "a.example", `+in+`}}}`))
		s := NewService("a", base(t, "https://a.example"))
		want(s)
		if got := c.Services["a"]; !reflect.DeepEqual(got, s) || len(c.Warnings) > 0 {
			t.Errorf("%s: got %+v, %v", in, got, c.Warnings)
		}
	}
}

func TestLimitsRefused(t *testing.T) {
	for in, want := range map[string]string{
		`"rate_limit": 5`:                                            `rate_limit: must be an object`,
		`"rate_limit": {"per": "1m"}`:                                `rate_limit/requests: is missing`,
		`"rate_limit": {"request": 1, "per": "1m"}`:                  `rate_limit/requests: is missing: is "request" meant for it?`,
		`"rate_limit": {"requests": 1}`:                              `rate_limit/per: is missing`,
		`"rate_limit": {"requests": 1.5, "per": "1m"}`:               `rate_limit/requests: must be a whole number`,
		`"rate_limit": {"requests": "60", "per": "1m"}`:              `rate_limit/requests: must be a whole number`,
		`"rate_limit": {"requests": 60, "per": "minute"}`:            `rate_limit/per: is not a time`,
		`"rate_limit": {"requests": 60, "per": "1ms"}`:               `rate_limit/per: must be between 1s and 720h`,
		`"rate_limit": {"requests": 60, "per": "1m", "burst": 0}`:    `rate_limit/burst: must be 1 or more`,
		`"concurrency": -1`:                                          `concurrency: must be a whole number`,
		`"concurrency": 0`:                                           `concurrency: must be 1 or more, or null`,
		`"quota": 7`:                                                 `quota: must be an object`,
		`"quota": {"writes_per_day": 0}`:                             `quota/writes_per_day: must be 1 or more`,
		`"each_token": {"quota": {"calls_per_day": 10000000000000}}`: `each_token/quota/calls_per_day: must be a whole number`,
		`"token_limits": []`:                                         `token_limits: must be an object`,
		`"token_limits": {"": {}}`:                                   `token_limits: the name of a token's audience, or its id, is empty`,
		`"token_limits": {"zapier": 3}`:                              `token_limits/zapier: must be an object`,
		`"duplicates": {}`:                                           `duplicates/window: is missing`,
		`"duplicates": {"window": 10}`:                               `duplicates/window: must be text`,
		`"duplicates": "10m"`:                                        `duplicates: must be an object`,
	} {
		_, err := Parse("f", []byte(`{"services": {"a": {"base_url": "a.example", `+in+`}}}`))
		got := problemLines(err)
		if len(got) != 1 || !strings.Contains(got[0], `service "a": `+want) {
			t.Errorf("%s: got %q, want %q", in, got, want)
		}
	}
}

func TestLimitsWarn(t *testing.T) {
	for in, want := range map[string]string{
		`"quota": {"calls_per_day": 10, "calls_per_month": 5}`:                                        `quota/calls_per_day: is never reached: calls_per_month is less`,
		`"quota": {"calls_per_day": 10, "writes_per_day": 50}`:                                        `quota/writes_per_day: is never reached: calls_per_day is less`,
		`"rate_limit": {"requests": 1, "per": "1h"}, "quota": {"calls_per_day": 26}`:                  `quota/calls_per_day: is never reached: rate_limit lets fewer through`,
		`"concurrency": 2, "each_token": {"concurrency": 3}`:                                          `each_token/concurrency: is never reached: the service as a whole has 2`,
		`"quota": {"calls_per_day": 5}, "token_limits": {"zapier": {"quota": {"calls_per_day": 6}}}`:  `token_limits/zapier/quota/calls_per_day: is never reached`,
		`"requires_service_token": false, "each_token": {"concurrency": 3}`:                           `each_token: has no use: the service asks for no token`,
		`"requires_service_token": false, "token_limits": {"x": {}}`:                                  `token_limits: has no use`,
		`"valid_audiences": ["zapier"], "token_limits": {"zappier": {}}`:                              `token_limits/zappier: has no use: it is neither`,
		`"valid_audiences": ["zapier"], "token_limits": {"9b2f1f0e-7d0f-4a39-9d1a-3c5b8f6f2b11": {}}`: ``,
		`"rate_limit": {"requests": 1, "per": "1h", "bursts": 3}`:                                     `rate_limit/bursts: is not known and not used: is "burst" meant?`,
		`"quota": {"call_per_day": 1}`:                                                                `quota/call_per_day: is not known and not used: is "calls_per_day" meant?`,
		`"each_token": {"concurency": 1}`:                                                             `each_token/concurency: is not known and not used: is "concurrency" meant?`,
		`"duplicates": {"window": "1m", "for": 1}`:                                                    `duplicates/for: is not known and not used`,
		`"quotas": {}`: `quotas: is not known and not used: is "quota" meant?`,
	} {
		c := mustParse(t, []byte(`{"services": {"a": {"base_url": "a.example", `+in+`}}}`))
		got := fmt.Sprint(c.Warnings)
		if (want == "") != (len(c.Warnings) == 0) || len(c.Warnings) > 1 || !strings.Contains(got, want) {
			t.Errorf("%s: got %s, want %q", in, got, want)
		}
	}
}

func TestLimitsOf(t *testing.T) {
	s := &Service{EachToken: Limits{Concurrency: 1}, TokenLimits: map[string]Limits{"zapier": {Concurrency: 2}, "id": {Concurrency: 3}, "": {Concurrency: 4}}}
	for _, tt := range []struct {
		id       string
		audience []string
		want     int
	}{
		{"id", []string{"zapier"}, 3},
		{"other", []string{"n8n", "zapier"}, 2},
		{"", nil, 1},
		{"other", []string{"n8n"}, 1},
	} {
		if got := s.LimitsOf(tt.id, tt.audience).Concurrency; got != tt.want {
			t.Errorf("%q %q: got %d, want %d", tt.id, tt.audience, got, tt.want)
		}
	}
}

func TestEditLimits(t *testing.T) {
	const src = `{"services": {
  "a": {
    "base_url": "https://a.example",
    // not more
    "rate_limit": {"requests": 60, /* a */ "per": "60s" /* minute */},
    "quota": {
      "calls_per_day": 100, // for now
    },
    "token_limits": {"zapier": {"concurrency": 1 /* slow */}, "n8n": null},
    "duplicates": {"window": "10m0s"},
  },
}}
`
	for what, tt := range map[string]struct {
		edit func(s *Service)
		want []string // in the file, in this order
	}{
		"something else": {func(s *Service) { s.ReadTimeout = time.Second }, []string{`{"requests": 60, /* a */ "per": "60s" /* minute */}`, "// for now", "/* slow */}, \"n8n\": null}", `"10m0s"`}},
		"more": {func(s *Service) {
			s.Limits.Rate = Rate{120, time.Minute, 240}
			s.Limits.Concurrency = 3
			s.Limits.Quota.WritesPerMonth = 9
			s.EachToken = Limits{Rate: Rate{1, time.Hour, 1}}
			s.TokenLimits = map[string]Limits{"zapier": {Concurrency: 2}, "make": {Quota: Quota{CallsPerDay: 1}}}
			s.Duplicates = time.Hour
		}, []string{
			`"rate_limit": {"requests": 120, /* a */ "per": "60s", /* minute */ "burst": 240}`, `"concurrency": 3`,
			`"calls_per_day": 100, // for now`, `"writes_per_month": 9`,
			`"each_token": {"rate_limit": {"requests": 1, "per": "1h"}}`,
			`"token_limits": {"zapier": {"concurrency": 2 /* slow */}, "make": {"quota": {"calls_per_day": 1}}}`, `"duplicates": {"window": "1h"}`,
		}},
		"none": {func(s *Service) { s.Limits, s.TokenLimits, s.Duplicates = Limits{}, nil, 0 }, []string{`"rate_limit": null`, `"quota": null`, `"token_limits": null`, `"duplicates": null`}},
	} {
		s := mustParse(t, []byte(src)).Services["a"]
		tt.edit(s)
		out, err := PutService([]byte(src), "a", s)
		if err != nil {
			t.Errorf("%s: %v", what, err)
			continue
		}
		if got := mustParse(t, out).Services["a"]; !reflect.DeepEqual(got, s) {
			t.Errorf("%s: it reads as %+v, want %+v", what, got, s)
		}
		rest := string(out)
		for _, want := range tt.want {
			_, after, ok := strings.Cut(rest, want)
			if !ok {
				t.Errorf("%s: no %s in\n%s", what, want, out)
				break
			}
			rest = after
		}
	}
	for what, break_ := range map[string]func(s *Service){
		"rate_limit/per: ":                      func(s *Service) { s.Limits.Rate = Rate{1, 0, 1} },
		"each_token/concurrency: ":              func(s *Service) { s.EachToken.Concurrency = -1 },
		"token_limits/x/quota/writes_per_day: ": func(s *Service) { s.TokenLimits = map[string]Limits{"x": {Quota: Quota{WritesPerDay: -1}}} },
		"duplicates/window: ":                   func(s *Service) { s.Duplicates = 1 },
		"token_limits: the name of a token's a": func(s *Service) { s.TokenLimits = map[string]Limits{"": {}} },
	} {
		s := NewService("a", base(t, "https://a.example"))
		break_(s)
		if err := CheckService(s); err == nil || !strings.HasPrefix(err.Error(), what) {
			t.Errorf("%s: got %v", what, err)
		}
	}
}
