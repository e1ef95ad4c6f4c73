package proxy

import (
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
)

// TestBodyRules: nothing is sent on before the body is known, and then all of it.
func TestBodyRules(t *testing.T) {
	up := echo(t)
	l := newLab(t, services("a", open(up.URL, `"rules": [
		{"action": "allow", "methods": ["GET"]},
		{"action": "deny", "body": {"/amount": {"min": 100}}},
		{"action": "allow", "methods": ["POST"], "path": "/pay"}]`)))
	big := `{"amount": 1, "pad": "` + strings.Repeat("x", 1<<20) + `"}`
	const asJSON, chunked = "application/json", -1
	for _, tt := range []struct {
		name, body, kind, encoding string
		length                     int64
		status                     int
		want                       string
	}{
		{"allowed", `{"amount": 99}`, asJSON, "", 0, 200, ""},
		{"allowed in chunks", ` {"amount":99.5 } `, asJSON, "", chunked, 200, ""},
		{"empty chunks", ``, asJSON, "", chunked, 200, ""},
		{"denied", `{"amount": 100}`, asJSON, "", 0, 403, "Rule 2 of the service (deny /** body /amount>=100) denies"},
		{"denied in chunks", `{"amount": 100}`, asJSON, "", chunked, 403, "Rule 2 of"},
		{"twice", `{"amount": 1, "amount": 100}`, asJSON, "", 0, 403, "has a field twice"},
		{"as text", `{"amount": "100"}`, asJSON, "", 0, 403, "Rule 2 of"},
		{"another type", `{"amount": 1}`, "text/plain", "", 0, 403, "not sent as application/json"},
		{"packed", `{"amount": 1}`, asJSON, "gzip", 0, 403, "packed"},
		{"too large", big, asJSON, "", 0, 413, "1048576 bytes"},
		{"too large in chunks", big, asJSON, "", chunked, 413, "1048576 bytes"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := request(t, "POST", l.url+"/s/a/pay", strings.NewReader(tt.body), "Content-Type", tt.kind)
			if tt.encoding != "" {
				r.Header.Set("Content-Encoding", tt.encoding)
			}
			if tt.length == chunked {
				r.ContentLength = chunked
			}
			a := do(t, r)
			x := l.exchanges(t)[0]
			if tt.status == http.StatusOK {
				if s := a.seen(t); s.Body != tt.body || x.BytesIn != int64(len(tt.body)) || s.Header.Get("Content-Type") != tt.kind {
					t.Errorf("the upstream got %q, and %d bytes are on record", s.Body, x.BytesIn)
				}
				return
			}
			if a.status != tt.status || !strings.Contains(a.body, tt.want) && !strings.Contains(x.Reason, tt.want) || x.Decision != audit.Refused {
				t.Errorf("got %d %s, record %s %q, want %d %s", a.status, a.body, x.Decision, x.Reason, tt.status, tt.want)
			}
			if strings.HasPrefix(tt.name, "denied") && x.BytesIn != int64(len(tt.body)) {
				t.Errorf("%d bytes of the body that was denied are on record", x.BytesIn)
			}
		})
	}
	if r := get(t, l.url+"/s/a/pay"); r.status != http.StatusOK {
		t.Errorf("a call that no body rule is about: status %d", r.status)
	}
}

// TestBodyOutgrowsRule: an upstream never gets the end of a body that grew past
// what its rule allows.
func TestBodyOutgrowsRule(t *testing.T) {
	type end struct {
		n   int
		err error
	}
	ends := make(chan end, 1)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/early" {
			_ = http.NewResponseController(w).EnableFullDuplex()
			printf(w, "I answer first. ")
			_ = http.NewResponseController(w).Flush()
		}
		b, err := io.ReadAll(r.Body)
		ends <- end{len(b), err}
	})
	l := newLab(t, services("a", open(up.URL, `"rules": [{"action": "allow", "max_body": 100000}]`)))
	for size, whole := range map[int]bool{100000: true, 100001: false, 5000000: false} {
		r := request(t, "POST", l.url+"/s/a/x", io.LimitReader(endless{}, int64(size)))
		r.ContentLength = -1
		a := do(t, r)
		if whole {
			if e := <-ends; a.status != http.StatusOK || e.err != nil || e.n != size {
				t.Errorf("%d bytes: status %d, the upstream got %d, %v", size, a.status, e.n, e.err)
			}
			continue
		}
		if d := denied(t, a); !strings.Contains(d, "more than the 100000 bytes that rule 1 allow /** up to 100000 bytes allows") {
			t.Errorf("%d bytes: %s", size, d)
		}
		select {
		case e := <-ends:
			if e.err == nil || e.n > 100000 {
				t.Errorf("%d bytes: the upstream got %d and an end of the body, error %v", size, e.n, e.err)
			}
		case <-time.After(time.Minute):
			t.Fatal("the upstream still waits for the body")
		}
		if x := l.exchanges(t)[0]; x.Decision != audit.Refused || x.Rule != "1 allow /** up to 100000 bytes" {
			t.Errorf("record: %s by %q", x.Decision, x.Rule)
		}
	}
	// An answer that has begun breaks off.
	pr, pw := io.Pipe()
	begun := make(chan struct{})
	go func() {
		_, _ = io.WriteString(pw, "the beginning")
		<-begun
		_, err := io.CopyN(pw, endless{}, 5000000)
		_ = pw.CloseWithError(err)
	}()
	res, err := client.Transport.RoundTrip(request(t, "POST", l.url+"/s/a/early", pr))
	if err != nil {
		t.Fatal(err)
	}
	close(begun)
	if a := finish(res); a.err == nil || !strings.HasPrefix(a.body, "I answer first. ") {
		t.Errorf("the answer is %q, %v", a.body, a.err)
	}
	if e := <-ends; e.err == nil || e.n > 100000 {
		t.Errorf("an upstream that answers first got %d bytes, %v", e.n, e.err)
	}
	l.eventually(t, "the body that was broken off", func(x audit.Exchange) bool {
		return x.Path == "/s/a/early" && x.Decision == audit.Refused && strings.HasPrefix(x.Reason, "denied_by_rule: The body has more")
	})
}
