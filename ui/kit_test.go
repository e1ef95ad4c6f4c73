package ui

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"lockbox/ui/backend"
)

func TestKitFields(t *testing.T) {
	const url, token = "https://x.example/s/acme/", "aaa.bbb.ccc"
	want := map[string]string{
		"Zapier": "URL=https://x.example/s/acme/ Headers: name=Authorization Headers: value=Bearer aaa.bbb.ccc",
		"IFTTT":  "URL=https://x.example/s/acme/ Additional Headers=Authorization: Bearer aaa.bbb.ccc",
		"curl":   "Line=curl -H 'Authorization: Bearer aaa.bbb.ccc' 'https://x.example/s/acme/'",
	}
	for _, p := range platforms {
		var got []string
		for _, f := range p.fields {
			text := f.fill(url, token)
			if strings.Contains(text, "TOKEN") || strings.Contains(text, "URL") || strings.Contains(text, "SCHEMA") {
				t.Errorf("%s: %s is not filled in: %s", p.name, f.label, text)
			}
			got = append(got, f.label+"="+text)
		}
		all := strings.Join(got, " ")
		if w := want[p.name]; w != "" && all != w {
			t.Errorf("%s: %s, want %s", p.name, all, w)
		}
		if !strings.Contains(all, token) {
			t.Errorf("%s does not get the token", p.name)
		}
	}
	if got := schemaOf(url); !strings.Contains(got, `servers: [{url: "https://x.example"}]`) || !strings.Contains(got, "/s/acme/{path}:") {
		t.Errorf("the schema is %s", got)
	}
}

func TestHandshake(t *testing.T) {
	tests := []struct {
		agent string
		x     backend.Exchange
		mark  mark
		want  string
	}{
		{"Zapier", backend.Exchange{Status: 200, Duration: 312 * time.Millisecond}, markGood, "Received from Zapier, 200, 312 ms."},
		{"IFTTT-Protocol/v1", backend.Exchange{Status: 404, Duration: 2 * time.Millisecond}, markWarning, "Received from IFTTT, 404, 2 ms."},
		{"Make/production", backend.Exchange{Status: 401, Decision: "refused", Reason: "token_expired: The token expired at noon."}, markRefused, "A call from Make was refused: The token expired at noon."},
		{"something else", backend.Exchange{Status: 502, Decision: "failed", Remote: "[2001:db8::1]:1234", Duration: time.Millisecond}, markFailed, "Received from a caller at [2001:db8::1], 502, 1 ms."},
		{"", backend.Exchange{Status: 200, Remote: "203.0.113.7", Duration: time.Millisecond}, markGood, "Received from a caller at 203.0.113.7, 200, 1 ms."},
	}
	for _, tt := range tests {
		tt.x.RequestHeader = http.Header{"User-Agent": {tt.agent}}
		if m, got := handshake(tt.x); m != tt.mark || got != tt.want {
			t.Errorf("%s: %v %q, want %v %q", tt.agent, m, got, tt.mark, tt.want)
		}
	}
}
