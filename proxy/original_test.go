package proxy

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"
)

// What the Python original's own test does: a call through Lockbox is answered
// as a call to the upstream itself with the credential.
func TestSameAnswerAsUpstream(t *testing.T) {
	up := echo(t)
	credentials := map[string]struct {
		config  string
		headers []string
	}{
		"none":    {"", nil},
		"basic":   {`"credential": {"username": "user", "password": "pass"}`, []string{"Authorization", "Basic dXNlcjpwYXNz"}},
		"bearer":  {`"credential": {"token": "token"}`, []string{"Authorization", "Bearer token"}},
		"headers": {`"credential": {"headers": {"X-Blackhole-API-Key": "api_key"}}`, []string{"X-Blackhole-API-Key", "api_key"}},
	}
	audiences := map[string]string{
		"open": `"requires_service_token": false`,
		"any":  `"valid_audiences": null`,
		"none": `"valid_audiences": []`,
		"x":    `"valid_audiences": ["x"]`,
	}
	var pairs []string
	for kind, c := range credentials {
		for name, rule := range audiences {
			more := []string{rule}
			if c.config != "" {
				more = append(more, c.config)
			}
			pairs = append(pairs, kind+"_"+name, shut(up.URL, more...))
		}
	}
	l := newLab(t, services(pairs...))
	form := url.Values{"c": {"3"}, "d": {"4"}}.Encode()
	calls := []struct{ name, method, path, kind, body string }{
		{"GET", "GET", "some_path/whatever", "application/x-www-form-urlencoded", form},
		{"PUT", "PUT", "some_path/whatever", "application/x-www-form-urlencoded", form},
		{"POST form", "POST", "some_path/whatever", "application/x-www-form-urlencoded", form},
		{"POST bytes", "POST", "some_path/whatever", "", "somebytes"},
		{"DELETE", "DELETE", "", "application/x-www-form-urlencoded", form},
		{"PATCH", "PATCH", "some_path", "application/json", `{"x": 1}`},
		{"nothing", "GET", "some_path", "", ""},
	}
	for kind, c := range credentials {
		for audience := range audiences {
			service := kind + "_" + audience
			for _, call := range calls {
				t.Run(service+"/"+call.name, func(t *testing.T) {
					send := func(base string, headers ...string) reply {
						var body io.Reader
						if call.body != "" {
							body = strings.NewReader(call.body)
						}
						if call.kind != "" {
							headers = append(headers, "Content-Type", call.kind)
						}
						return do(t, request(t, call.method, base+"/"+call.path+"?a=1&b=2", body, headers...))
					}
					var token []string
					if audience != "open" {
						token = []string{"Authorization", "Bearer " + l.token(t, service)}
					}
					got := send(l.url+"/s/"+service, token...)
					if audience == "none" {
						if got.status != http.StatusUnauthorized {
							t.Errorf("status %d, want 401", got.status)
						}
						return
					}
					want := send(up.URL, c.headers...)
					got.header.Del("Date")
					want.header.Del("Date")
					if got.status != want.status || got.body != want.body || fmt.Sprint(got.header) != fmt.Sprint(want.header) {
						t.Errorf("through Lockbox: %d %v\n%s\nwithout: %d %v\n%s", got.status, got.header, got.body, want.status, want.header, want.body)
					}
				})
			}
		}
	}
}
