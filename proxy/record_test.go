package proxy

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io"
	"net/http"
	"net/url"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/secret"
)

// The exchange is on record before its caller has the last byte, whatever tells
// it that this is the last one.
func TestOnRecordBeforeTheLastByte(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/length":
			_, _ = io.WriteString(w, "12345")
		case "/big":
			w.Header().Set("Content-Length", "300000")
			_, _ = w.Write(make([]byte, 300000))
		case "/chunked":
			_, _ = io.WriteString(w, "12345")
			w.(http.Flusher).Flush()
		case "/none":
			w.WriteHeader(http.StatusNoContent)
		case "/unchanged":
			w.WriteHeader(http.StatusNotModified)
		}
	})
	l := newLab(t, services("e", open(up.URL)))
	before := 0
	for _, path := range []string{"/s/e/length", "/s/e/big", "/s/e/chunked", "/s/e/none", "/s/e/unchanged", "/s/e/empty", "/s/nosuch/x", "/s/e/..", "/admin/reload"} {
		for range 20 {
			// HTTP/1.1 without keep-alive: nothing but the answer tells its end.
			r := get(t, l.url+path)
			if n := l.log.Count(); r.err != nil || n != before+1 {
				t.Fatalf("%s: %d records when the answer was there, want %d (%v)", path, n, before+1, r.err)
			}
			before++
		}
	}
}

// No known secret is in a record or an audit file, in any form that the upstream
// or the caller gives it.
func TestNothingSecretIsRecorded(t *testing.T) {
	const key, user, password = "real/key+0001~é", "api-user", "pass&word=42"
	pair := base64.StdEncoding.EncodeToString([]byte(user + ":" + password))
	forms := map[string][]string{
		"headers": {key, url.QueryEscape(key), url.PathEscape(key), base64.StdEncoding.EncodeToString([]byte(key)), base64.URLEncoding.EncodeToString([]byte(key))},
		"basic":   {password, pair, url.QueryEscape(password)},
	}
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h := w.Header()
		h.Set("X-Echo", r.Header.Get("X-Api-Key")+r.Header.Get("Authorization"))
		service := r.URL.Path[1:]
		h.Set("Location", "/?k="+url.QueryEscape(forms[service][0]))
		h.Set("Set-Cookie", "session=sk-session")
		text, _ := json.Marshal(map[string]any{"auth": r.Header["Authorization"], "key": r.Header["X-Api-Key"], "body": string(body), "forms": forms[service]})
		if r.URL.Query().Get("gzip") == "" {
			_, _ = w.Write(text)
			return
		}
		h.Set("Content-Encoding", "gzip")
		z := gzip.NewWriter(w)
		_, _ = z.Write(text)
		_ = z.Close()
	})
	dir := t.TempDir()
	quoted, _ := json.Marshal(key)
	l := newLab(t, fmt.Sprintf(`{"services": {
		"headers": {"base_url": %q, "credential": {"type": "headers", "headers": {"X-Api-Key": %s}}},
		"basic": {"base_url": %q, "credential": {"type": "basic", "username": %q, "password": %q}},
	}, "audit_log": {"type": "local_dir", "root_dir": %q}}`, up.URL, quoted, up.URL, user, password, dir))
	var tokens []string
	for _, service := range []string{"headers", "basic"} {
		tok := l.token(t, service)
		tokens = append(tokens, tok)
		for _, query := range []string{"?x=1", "?gzip=1"} {
			for _, auth := range []string{"Bearer " + tok, basic("u", tok)} {
				r := do(t, request(t, "POST", l.url+"/s/"+service+"/"+service+query+"&api_key=sk-query", strings.NewReader("said: "+strings.Join(forms[service], " ")+" "+tok),
					"Authorization", auth, "Cookie", "sk-cookie", "X-Other-Key", "sk-other", "Content-Type", "text/plain"))
				if r.status != 200 {
					t.Fatalf("%d %s", r.status, r.body)
				}
			}
		}
		// Refused ones hold tokens too, good and bad.
		get(t, l.url+"/s/nosuch/"+tok+"?t="+tok, "Authorization", "Bearer "+tok)
		get(t, l.url+"/s/"+service+"/"+tok, "X-Lockbox-Token", tok)
		get(t, l.url+"/s/"+service+"/../"+tok, "X-Lockbox-Token", tok)
	}
	l.stop()
	err := <-l.ended
	l.ended <- err
	var all bytes.Buffer
	for _, x := range l.exchanges(t) {
		if err := json.NewEncoder(&all).Encode(x); err != nil {
			t.Fatal(err)
		}
	}
	files := eventFiles(t, dir)
	for _, name := range files {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		all.Write(text)
	}
	if n := len(l.exchanges(t)); n != 14 || len(files) < 8*3 || !strings.Contains(all.String(), "said: [redacted]") {
		t.Errorf("%d records and %d files, want 14 and at least %d, with bodies", n, len(files), 8*3)
	}
	for _, needle := range slices.Concat(forms["headers"], forms["basic"], tokens, []string{"sk-cookie", "sk-other", "sk-query", "sk-session", strings.Trim(string(quoted), `"`)}) {
		if i := strings.Index(all.String(), needle); i >= 0 {
			t.Errorf("%q is on record: …%s…", needle, all.String()[max(0, i-100):min(all.Len(), i+100)])
		}
	}
	if i := strings.Index(l.said.String(), key); i >= 0 || strings.Contains(l.said.String(), tokens[0]) {
		t.Error("the log holds a secret")
	}
}

func TestRecordFields(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "text/plain")
		w.WriteHeader(201)
		_, _ = io.WriteString(w, "made")
	})
	l := newLab(t, services("my svc", shut(up.URL)))
	began := time.Now()
	do(t, request(t, "PUT", l.url+"/s/my%20svc/a%2Fb?x=1;y", strings.NewReader("hello"), "Authorization", "Bearer "+l.token(t, "my svc"), "Content-Type", "text/plain"))
	x := l.exchanges(t)[0]
	if x.Service != "my svc" || x.Method != "PUT" || x.Path != "/s/my%20svc/a%2Fb" || x.Query != "x=1;y" || x.Status != 201 ||
		x.BytesIn != 5 || x.BytesOut != 4 || x.Audience != "x" || x.JTI == "" || x.Listener != "local" || !strings.HasPrefix(x.Remote, "127.0.0.1:") ||
		x.Decision != audit.Allowed || x.Reason != "" || x.Time.Before(began.Add(-time.Second)) || x.Duration <= 0 || x.ID == "" {
		t.Errorf("record %+v", x)
	}
	if x.RequestBody == nil || x.RequestBody.Text != "hello" || x.ResponseBody == nil || x.ResponseBody.Text != "made" || x.RequestHeader.Get("Content-Type") != "text/plain" || x.ResponseHeader.Get("Content-Type") != "text/plain" {
		t.Errorf("record %+v %+v %v %v", x.RequestBody, x.ResponseBody, x.RequestHeader, x.ResponseHeader)
	}
	// A refusal with good claims tells whose token it was.
	get(t, l.url+"/s/my%20svc/x", "Authorization", "Bearer "+signed(t, labKey.Reveal(), claims("aud", "zapier", "jti", "j1")))
	if x := l.exchanges(t)[0]; x.Status != 401 || x.Audience != "zapier" || x.JTI != "j1" || x.Decision != audit.Refused || !strings.HasPrefix(x.Reason, "token_service: ") {
		t.Errorf("record %+v", x)
	}
	get(t, l.url+"/s/"+strings.Repeat("n", 5000)+"/x")
	if x := l.exchanges(t)[0]; len(x.Service) > maxRecordedName {
		t.Errorf("the name of an unknown service takes %d bytes", len(x.Service))
	}
}

// What cannot be recorded does not happen: the answer is held back, and the next
// call is not made.
func TestNoRecordNoCall(t *testing.T) {
	calls := 0
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		calls++
		if r.URL.Path == "/none" {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		_, _ = io.WriteString(w, "answer")
		if r.URL.Path == "/chunked" {
			w.(http.Flusher).Flush()
		}
	})
	for _, path := range []string{"/length", "/chunked", "/none"} {
		t.Run(path, func(t *testing.T) {
			l := newLab(t, services("e", open(up.URL)))
			broken, err := audit.Open(t.TempDir())
			if err != nil {
				t.Fatal(err)
			}
			if err := broken.Close(); err != nil {
				t.Fatal(err)
			}
			calls = 0
			l.opts.Audit = broken
			// The answer breaks off, before its header or after it.
			if res, err := client.Get(l.url + "/s/e" + path); err == nil {
				r := finish(res)
				if r.err == nil && (r.status != 500 || r.code(t) != "audit_failed") {
					t.Errorf("the caller got %d %q without a record", r.status, r.body)
				}
			}
			r := get(t, l.url+"/s/e"+path)
			if r.status != 503 || r.code(t) != "audit_unavailable" || calls != 1 {
				t.Errorf("%d %s after %d calls, want 503 audit_unavailable after 1", r.status, r.body, calls)
			}
			l.opts.Audit = l.log
			if r := get(t, l.url+"/s/e"+path); r.status != 503 {
				t.Errorf("%d, want 503: this refusal tells whether recording works again", r.status)
			}
			if r := get(t, l.url+"/s/e"+path); r.status >= 300 || r.err != nil {
				t.Errorf("%d %s once it does", r.status, r.body)
			}
			if !strings.Contains(l.said.String(), "calls cannot be recorded") {
				t.Error("the log says nothing")
			}
		})
	}
}

func TestPanicIsRecorded(t *testing.T) {
	// Nothing of this can happen.
	for name, spoil := range map[string]func(*route){
		"in the lane": func(rt *route) { rt.plain = &plainRoute{} },
		"in net/http": func(rt *route) { rt.plain, rt.transport, rt.credential = nil, nil, nil },
	} {
		t.Run(name, func(t *testing.T) { testPanic(t, spoil) })
	}
}

func testPanic(t *testing.T, spoil func(*route)) {
	l := newLab(t, services("e", open(echo(t).URL)))
	spoil(l.state.Load().routes["e"])
	_, err := client.Get(l.url + "/s/e/x")
	if err == nil {
		t.Error("the caller got an answer")
	}
	x := l.eventually(t, "the panic", func(audit.Exchange) bool { return true })
	if x.Decision != audit.Failed || x.Status != 500 || !strings.Contains(l.said.String(), "panicked") {
		t.Errorf("record %+v", x)
	}
	if l.InFlight() != 0 {
		t.Error("the call is still in flight")
	}
}

// TestRecordNotRequired: calls go on that cannot be recorded, and are counted.
func TestRecordNotRequired(t *testing.T) {
	up := echo(t)
	l := newLab(t, `{"services": {"e": {"base_url": "`+up.URL+`", "requires_service_token": false}}, "audit_log": {"required": false}}`)
	broken, err := audit.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	if err := broken.Close(); err != nil {
		t.Fatal(err)
	}
	l.opts.Audit = broken
	for range 3 {
		if r := get(t, l.url+"/s/e/x"); r.status != 200 {
			t.Errorf("%d %s", r.status, r.body)
		}
	}
	if lost, err := l.Unrecorded(); lost != 3 || err == nil {
		t.Errorf("%d lost, %v; want 3", lost, err)
	}
	l.opts.Audit = l.log
	if r := get(t, l.url+"/s/e/after"); r.status != 200 {
		t.Errorf("%d %s", r.status, r.body)
	}
	x := l.eventually(t, "the gap", func(x audit.Exchange) bool { return x.Event == "gap" })
	if x.Decision != audit.Noted || !strings.Contains(x.Reason, "3 calls since ") {
		t.Errorf("%+v", x)
	}
	if lost, err := l.Unrecorded(); lost != 0 || err != nil {
		t.Errorf("%d lost, %v; want none", lost, err)
	}

	// At the end of the program no call comes any more that would say so.
	l.opts.Audit = broken
	for range 2 {
		get(t, l.url+"/s/e/x")
	}
	l.opts.Audit = l.log
	l.Close()
	l.Close()
	gaps := 0
	for _, x := range l.exchanges(t) {
		if x.Event == "gap" && strings.Contains(x.Reason, "2 calls since ") {
			gaps++
		}
	}
	if gaps != 1 {
		t.Errorf("%d records of the gap at the end, want 1", gaps)
	}
	l.opts.Audit = broken
	get(t, l.url+"/s/e/x")
	if l.Close(); !strings.Contains(l.said.String(), "calls have no record, nor is there one of that") {
		t.Error("nothing says that a call is missing")
	}
}

// TestLongBodies: what is kept of a body, and what is said of the rest.
func TestLongBodies(t *testing.T) {
	up := echo(t)
	l := newLab(t, `{"services": {"e": {"base_url": "`+up.URL+`", "requires_service_token": false}}, "audit_log": {"body_kb": 2}}`)
	for _, size := range []int{2048, 2049, 1 << 20} {
		body := strings.Repeat("0123456789abcdef", size/16+1)[:size]
		res, err := http.Post(l.url+fmt.Sprintf("/s/e/%d", size), "text/plain", strings.NewReader(body))
		if err != nil {
			t.Fatal(err)
		}
		finish(res)
		x := l.eventually(t, "the call", func(x audit.Exchange) bool { return strings.HasSuffix(x.Path, fmt.Sprintf("/%d", size)) })
		sum := ""
		if size > 2048 {
			sum = fmt.Sprintf("%x", sha256.Sum256([]byte(body)))
		}
		if b := x.RequestBody; b.Size != int64(size) || b.SHA256 != sum || b.Truncated != (sum != "") || len(b.Text) > 2048 || !strings.HasPrefix(body, b.Text) {
			t.Errorf("%d bytes: size %d, SHA-256 %q, truncated %v, %d kept", size, b.Size, b.SHA256, b.Truncated, len(b.Text))
		}
	}
}

// A body that is lent is recorded as one that is copied.
func TestLentBody(t *testing.T) {
	const limit = 8
	for _, tt := range []struct {
		name, before, body, after string
		omit, lent                bool
	}{
		{name: "short", body: "1234567", lent: true},
		{name: "as long as is kept", body: "12345678", lent: true},
		{name: "longer", body: "123456789"},
		{name: "after another piece", before: "12", body: "345"},
		{name: "before another piece", body: "12", after: "3456789"},
		{name: "not kept", body: "1234", omit: true},
		{name: "empty"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got, want := capture{limit: limit, omit: tt.omit}, capture{limit: limit, omit: tt.omit}
			got.add([]byte(tt.before))
			want.add([]byte(tt.before))
			got.lend([]byte(tt.body))
			want.add([]byte(tt.body))
			if tt.after != "" {
				got.add([]byte(tt.after))
				want.add([]byte(tt.after))
			}
			if got.text() != want.text() || got.size != want.size || (got.sum != nil) != (want.sum != nil) {
				t.Errorf("got %q of %d bytes, want %q of %d", got.text(), got.size, want.text(), want.size)
			}
			if lent := got.lent != ""; lent != tt.lent {
				t.Errorf("lent: %t, want %t", lent, tt.lent)
			}
		})
	}
}

// TestRecordWithoutTheLeakGuard: what an upstream says of the credential is on record in
// no form that gives it away, though the caller gets it.
func TestRecordWithoutTheLeakGuard(t *testing.T) {
	for _, key := range []string{"wJalr/K7MDENG+bPx'RfiCYEX==", "a/b+='"} {
		quoted := strings.ReplaceAll(url.PathEscape(key), "%2F", "/")
		quoted = strings.NewReplacer("+", "%2B", "=", "%3D", "'", "%27").Replace(quoted) // as Python's urllib.parse.quote has it
		up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
			_, _ = io.WriteString(w, "q="+quoted+" h="+html.EscapeString(key))
		})
		l := newLab(t, services("e", open(up.URL, unguarded, fmt.Sprintf(`"credential": {"type": "bearer", "token": %q}`, key))))
		if r := get(t, l.url+"/s/e/x"); !strings.Contains(r.body, quoted) {
			t.Errorf("the caller got %q", r.body)
		}
		if got, want := l.exchanges(t)[0].ResponseBody.Text, "q="+secret.Redacted+" h="+secret.Redacted; got != want {
			t.Errorf("on record is %q, want %q", got, want)
		}
	}
}
