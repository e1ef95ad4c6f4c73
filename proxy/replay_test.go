package proxy

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
)

func TestReplay(t *testing.T) {
	up := echo(t)
	show := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) { printf(w, "%s", r.Header.Get("Authorization")) })
	l := newLab(t, services(
		"shows", shut(show.URL, `"credential": {"type": "bearer", "token": "real-key-0001"}`, unguarded),
		"shut", shut(up.URL+"/v1", `"credential": {"type": "bearer", "token": "real-key-0001"}`),
		"missing", shut(up.URL, `"credential": {"type": "bearer", "token": "keychain://missing/token"}`),
		"gone", shut("http://127.0.0.1:1"),
	))
	for _, tt := range []struct {
		name     string
		method   string
		target   string
		header   http.Header
		body     string
		decision audit.Decision // "": it cannot be made at all
		reason   string         // how it begins; of the error, what is in it
		upstream string         // what it got: method, target, body
	}{
		{"a call", "GET", "/s/shut/user?x=1;%zz=", nil, "", audit.Allowed, "", "GET /v1/user?x=1;%zz= "},
		{"a body", "PATCH", "/s/shut/a%2Fb/?", http.Header{"Content-Type": {"text/x"}}, "hello", audit.Allowed, "", "PATCH /v1/a%2Fb/? hello"},
		{"not its own headers", "POST", "/s/shut/", http.Header{"Content-Length": {"77"}, "Connection": {"X-Kept"}, "Host": {"evil.example"}, "Transfer-Encoding": {"chunked"}, "Expect": {"100-continue"}, "X-Kept": {"1"}}, "hi", audit.Allowed, "", "POST /v1/ hi"},
		{"no such service", "GET", "/s/nosuch/user", nil, "", audit.Refused, "unknown_service: ", ""},
		{"no credential", "GET", "/s/missing/user", nil, "", audit.Refused, "credential_missing: ", ""},
		{"climbing", "GET", "/s/shut/%2e%2e/x", nil, "", audit.Refused, "bad_path: ", ""},
		{"another host", "GET", "/s/shut//evil.example/x", nil, "", audit.Refused, "bad_path: ", ""},
		{"TRACE", "TRACE", "/s/shut/", nil, "", audit.Refused, "method_not_allowed: ", ""},
		{"a token in the address", "GET", "/s/shut/?t=" + l.token(t, "shut"), nil, "", audit.Refused, "token_in_url: ", ""},
		{"no upstream", "GET", "/s/gone/", nil, "", audit.Failed, "upstream_unreachable: ", ""},
		{"reload", "POST", "/admin/reload", nil, "", "", "/s/", ""},
		{"a line break", "GET", "/s/shut/ HTTP/1.1\r\nX: y", nil, "", "", "spaces", ""},
		{"bad encoding", "GET", "/s/shut/%zz", nil, "", "", "hexadecimal", ""},
		{"a bad method", "GE T", "/s/shut/", nil, "", "", "method", ""},
		{"a bad header", "GET", "/s/shut/", http.Header{"X": {"a\r\nb: c"}}, "", "", "character", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			before := l.log.Count()
			x, err := l.Replay(t.Context(), Replay{Of: "0198-of", Method: tt.method, Target: tt.target, Header: tt.header, Body: []byte(tt.body)})
			if tt.decision == "" {
				if err == nil || !strings.Contains(err.Error(), tt.reason) || l.log.Count() != before {
					t.Errorf("error %v and %d records, want one about %q and none", err, l.log.Count()-before, tt.reason)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if kept := l.exchanges(t)[0]; l.log.Count() != before+1 || kept.ID != x.ID || kept.ReplayOf != "0198-of" || x.ID == "" {
				t.Errorf("%d new records, the last %+v; want the one returned, %+v", l.log.Count()-before, kept, x)
			}
			if x.Decision != tt.decision || !strings.HasPrefix(x.Reason, tt.reason) || x.Listener != "replay" || x.Method != tt.method {
				t.Errorf("record %+v, want %s for %q", x, tt.decision, tt.reason)
			}
			if tt.upstream == "" {
				return
			}
			got := reply{status: x.Status, body: x.ResponseBody.Text}.seen(t)
			if all := got.Method + " " + got.Target + " " + got.Body; all != tt.upstream || got.Length != int64(len(tt.body)) {
				t.Errorf("the upstream got %q of %d bytes, want %q", all, got.Length, tt.upstream)
			}
			if x.BytesIn != int64(len(tt.body)) || tt.body != "" && x.RequestBody.Text != tt.body {
				t.Errorf("the record has %d bytes of the body, %+v", x.BytesIn, x.RequestBody)
			}
			if tt.name == "not its own headers" && (got.Header.Get("X-Kept") != "1" || got.Header["Expect"] != nil) {
				t.Errorf("the upstream got %v, want X-Kept and no Expect", got.Header)
			}
		})
	}

	t.Run("the credential in its answer", func(t *testing.T) {
		x, err := l.Replay(t.Context(), Replay{Of: "of", Method: "GET", Target: "/s/shows/"})
		if err != nil || x.ResponseBody.Text != "Bearer "+secret.Redacted {
			t.Errorf("the record has %q, %v; want the credential redacted", x.ResponseBody.Text, err)
		}
		if all := l.recorded(t); strings.Contains(all, "real-key-0001") {
			t.Error("the credential is on record or in the log")
		}
	})
	t.Run("paused", func(t *testing.T) {
		l.SetPaused(true)
		defer l.SetPaused(false)
		if x, err := l.Replay(t.Context(), Replay{Of: "of", Method: "GET", Target: "/s/shut/"}); err != nil || x.Decision != audit.Refused || !strings.HasPrefix(x.Reason, "paused: ") {
			t.Errorf("%+v, %v", x, err)
		}
	})
	t.Run("locked", func(t *testing.T) {
		l.Lock()
		x, err := l.Replay(t.Context(), Replay{Of: "of", Method: "GET", Target: "/s/shut/"})
		if err != nil || x.Decision != audit.Refused || !strings.HasPrefix(x.Reason, "locked: ") {
			t.Errorf("%+v, %v", x, err)
		}
		if _, err := l.Unlock(t.Context()); err != nil {
			t.Fatal(err)
		}
	})
	t.Run("no record", func(t *testing.T) {
		if err := l.log.Close(); err != nil {
			t.Fatal(err)
		}
		if x, err := l.Replay(t.Context(), Replay{Of: "of", Method: "GET", Target: "/s/shut/"}); err == nil || !strings.Contains(err.Error(), "recorded") {
			t.Errorf("%+v, %v; want an error", x, err)
		}
	})
}

// A stream that has no end is a replay's as long as its context lasts.
func TestReplayOfAStream(t *testing.T) {
	begun := make(chan struct{})
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		_, _ = io.WriteString(w, "data: 1\n\n")
		w.(http.Flusher).Flush()
		close(begun)
		<-r.Context().Done()
	})
	l := newLab(t, services("s", shut(up.URL)))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { <-begun; cancel() }()
	x, err := l.Replay(ctx, Replay{Of: "of", Method: "GET", Target: "/s/s/events"})
	if err != nil || x.Decision != audit.Failed || x.ReplayOf != "of" {
		t.Errorf("%+v, %v; want the record of a call that was broken off", x, err)
	}
}

// Nothing that a caller sends makes a replay of its call, for which no token would
// be needed.
func TestReplayIsNotForCallers(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("s", shut(up.URL, `"tunnel": true`)))
	var headers []string
	for _, name := range []string{"X-Lockbox-Replay", "X-Lockbox-Replay-Of", "Replay-Of", "Replay_of", "X-Replay-Of", "Replayof"} {
		headers = append(headers, name, "0198-of")
	}
	for _, path := range []string{"/s/s/?replay_of=0198", "/s/s/;replay_of=0198"} {
		if r := get(t, l.url+path, headers...); r.status != http.StatusUnauthorized {
			t.Errorf("%s: %d, want 401", path, r.status)
		}
		if r := get(t, l.url+path, append(headers, "Authorization", "Bearer "+l.token(t, "s"))...); r.status != http.StatusOK {
			t.Errorf("%s with a token: %d, want 200", path, r.status)
		}
	}
	l.eventually(t, "the last call", func(x audit.Exchange) bool { return x.Status == 200 && strings.Contains(x.Path, ";") })
	for _, x := range l.exchanges(t) {
		if x.ReplayOf != "" || x.Listener != "local" {
			t.Errorf("record %+v, want none of a replay", x)
		}
	}
}
