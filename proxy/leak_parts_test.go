package proxy

import (
	"crypto/sha1"
	"encoding/base64"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lockbox/proxy/audit"
	"lockbox/proxy/guard"
	"lockbox/proxy/oauthtest"
	"lockbox/proxy/secret"
)

// TestLeakGuardLiveToken: an access token that came to be after the reload is
// looked for, and so is a signature.
func TestLeakGuardLiveToken(t *testing.T) {
	p := newProvider(t, oauthtest.Options{})
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		_, signature, _ := strings.Cut(r.Header.Get("Authorization"), "Signature=")
		printf(w, "%s %x", signature, signature)
	})
	l := newLab(t, services("crm", p.asClient(), "aws", strings.TrimSuffix(open(up.URL, awsCredential("execute-api", "")), ", "+unguarded)))
	for range 2 {
		r := get(t, l.url+"/s/crm/x")
		if r.status != 200 || r.body != "token Bearer "+guard.Mark+" at /x" || r.header.Get("Server") != "Bearer "+guard.Mark {
			t.Errorf("%d %q %v", r.status, r.body, r.header)
		}
		p.Revoke()
		_ = get(t, l.url+"/s/crm/x") // 401, and then another token
	}
	r := get(t, l.url+"/s/aws/x")
	if coded, ok := strings.CutPrefix(r.body, guard.Mark+" "); r.status != 200 || !ok || len(coded) != 128 {
		t.Errorf("%d %q", r.status, r.body)
	}
}

// TestLeakGuardParts: a part of the credential that an upstream shows by itself is
// found in its answer, and with the guard off not on record.
func TestLeakGuardParts(t *testing.T) {
	pair := base64.StdEncoding.EncodeToString([]byte("an-account:hunter2+hunter2"))
	kinds := map[string]string{
		"bearer": `"credential": {"type": "headers", "headers": {"X-Auth": "Bearer sk-part-0001"}}`,
		"param":  `"credential": {"type": "headers", "headers": {"Authorization": "Token token=sk-part-0001"}}`,
		"header": fmt.Sprintf(`"credential": {"type": "headers", "headers": {"Authorization": "Basic %s"}}`, pair),
		"basic":  `"credential": {"type": "basic", "username": "an-account", "password": "hunter2+hunter2"}`,
	}
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		text, _ := base64.RawURLEncoding.DecodeString(strings.TrimPrefix(r.URL.Path, "/"))
		printf(w, "(%s)", text)
	})
	var on []string
	for name, credential := range kinds {
		on = append(on, name, open(up.URL, credential), name+"-off", open(up.URL, credential, unguarded))
	}
	l := newLab(t, services(on...))
	for _, tt := range []struct{ service, shown, want string }{
		{"bearer", "sk-part-0001", "[]"},
		{"bearer", "Bearer sk-part-0001", "[]"},
		{"bearer", "Bearer", "Bearer"},
		{"param", "sk-part-0001", "[]"},
		{"header", "Basic " + pair, "[]"},
		{"header", pair, "[]"},
		{"header", "hunter2+hunter2", "[]"},
		{"header", "an-account hunter2%2Bhunter2", "an-account []"},
		{"header", "an-account:hunter2+hunter2", "[]"},
		{"basic", "Basic " + pair, "Basic []"},
		{"basic", "hunter2+hunter2", "[]"},
		{"basic", "an-account", "an-account"},
		{"basic", "an-account:hunter2+hunter2", "[]"},
	} {
		path := "/" + base64.RawURLEncoding.EncodeToString([]byte(tt.shown))
		for service, mark := range map[string]string{tt.service: guard.Mark, tt.service + "-off": secret.Redacted} {
			r := get(t, l.url+"/s/"+service+path)
			want := "(" + strings.ReplaceAll(tt.want, "[]", mark) + ")"
			if x := l.exchanges(t)[0]; x.ResponseBody.Text != want {
				t.Errorf("%s, %q: the record has %q, want %q", service, tt.shown, x.ResponseBody.Text, want)
			}
			if !strings.HasSuffix(service, "-off") && r.body != want {
				t.Errorf("%s, %q: the caller got %q, want %q", service, tt.shown, r.body, want)
			}
		}
	}
}

// TestLeakGuardWebSocket: messages are looked through, in as many pieces as they
// come.
func TestLeakGuardWebSocket(t *testing.T) {
	frames := make(chan string)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.Header["Sec-Websocket-Extensions"] != nil {
			t.Errorf("extensions are offered: %q", r.Header["Sec-Websocket-Extensions"])
		}
		if r.URL.Path == "/pushy" {
			sum := sha1.Sum([]byte(r.Header.Get("Sec-Websocket-Key") + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"))
			w.Header().Set("Sec-Websocket-Accept", base64.StdEncoding.EncodeToString(sum[:]))
			w.Header().Set("Sec-Websocket-Extensions", "permessage-deflate")
			w.Header().Set("Upgrade", "websocket")
			w.Header().Set("Connection", "Upgrade")
			w.WriteHeader(http.StatusSwitchingProtocols)
			return
		}
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer c.Close()
		for f := range frames {
			if _, err := io.WriteString(c.NetConn(), f); err != nil {
				return
			}
		}
	})
	d := &told{}
	l := newLab(t, services("e", open(up.URL, leakCredential)), d.to)
	dialer := websocket.Dialer{EnableCompression: true, HandshakeTimeout: 5 * time.Second}
	at := "ws" + strings.TrimPrefix(l.url, "http") + "/s/e/"
	if _, res, err := dialer.DialContext(t.Context(), at+"pushy", nil); err == nil || res == nil || res.StatusCode != 502 {
		t.Errorf("an extension that nobody offered: %v, %v", res, err)
	}
	c, _, err := dialer.DialContext(t.Context(), at+"x", nil)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	_ = c.SetReadDeadline(time.Now().Add(time.Minute))
	pings := 0
	c.SetPingHandler(func(string) error { pings++; return nil })
	part := func(first byte, text string) string { return string([]byte{first, byte(len(text))}) + text }
	for _, tt := range []struct {
		sent []string
		kind int
		got  string
	}{
		{[]string{part(0x81, "hello")}, websocket.TextMessage, "hello"},
		{[]string{part(0x81, "a "+leakKey)}, websocket.TextMessage, "a " + guard.Mark},
		{[]string{part(0x02, leakKey[:5]), part(0x89, ""), part(0x00, leakKey[5:12]), part(0x80, leakKey[12:]+" b")}, websocket.BinaryMessage, guard.Mark + " b"},
	} {
		go func() {
			for _, f := range tt.sent {
				frames <- f
			}
		}()
		if kind, msg, err := c.ReadMessage(); kind != tt.kind || string(msg) != tt.got || err != nil {
			t.Errorf("kind %d, %q, %v; want %q", kind, msg, err, tt.got)
		}
	}
	frames <- part(0xc1, "x")
	if _, _, err := c.ReadMessage(); err == nil {
		t.Error("a malformed frame came through")
	}
	close(frames)
	x := l.eventually(t, "the socket", func(x audit.Exchange) bool { return x.Status == 101 })
	if x.Decision != audit.Failed || !strings.HasPrefix(x.Reason, "websocket_malformed: ") || !strings.HasSuffix(x.Reason, "message 2.") || pings != 1 || len(d.all) != 1 {
		t.Errorf("record %+v, %d pings, told of %v", x, pings, d.all)
	}
}
