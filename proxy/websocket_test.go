package proxy

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lockbox/proxy/audit"
)

// socketEcho is a WebSocket upstream. Its first message is the Authorization
// that it saw, in hex: the leak guard would find it otherwise.
func socketEcho(w http.ResponseWriter, r *http.Request) {
	up := websocket.Upgrader{CheckOrigin: func(*http.Request) bool { return true }, Subprotocols: []string{"chat"}}
	c, err := up.Upgrade(w, r, nil)
	if err != nil {
		return
	}
	defer c.Close()
	_ = c.WriteMessage(websocket.TextMessage, []byte(hex.EncodeToString([]byte(r.Header.Get("Authorization")))))
	for {
		kind, msg, err := c.ReadMessage()
		if err != nil || string(msg) == "bye" || c.WriteMessage(kind, msg) != nil {
			return
		}
	}
}

func dial(t *testing.T, url string, h http.Header) (*websocket.Conn, *http.Response) {
	t.Helper()
	d := websocket.Dialer{Subprotocols: []string{"chat"}, HandshakeTimeout: 5 * time.Second}
	c, res, err := d.DialContext(t.Context(), "ws"+strings.TrimPrefix(url, "http"), h)
	if err != nil {
		if res != nil {
			t.Fatalf("%v: %d %s", err, res.StatusCode, finish(res).body)
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(10 * time.Second))
	return c, res
}

func say(t *testing.T, c *websocket.Conn, kind int, text string) {
	t.Helper()
	if err := c.WriteMessage(kind, []byte(text)); err != nil {
		t.Fatal(err)
	}
	got, msg, err := c.ReadMessage()
	if err != nil || got != kind || string(msg) != text {
		t.Fatalf("message of kind %d and %d bytes, %v; want %d and %d", got, len(msg), err, kind, len(text))
	}
}

func TestWebSocket(t *testing.T) {
	plain := upstreamOf(t, socketEcho)
	secure := httptest.NewUnstartedServer(http.HandlerFunc(socketEcho))
	secure.EnableHTTP2 = true // WebSockets need HTTP/1 all the same
	secure.StartTLS()
	t.Cleanup(secure.Close)
	const cred = `"credential": {"type": "bearer", "token": "real-key-0001"}, "valid_audiences": ["x"]`
	l := newLab(t, services("plain", shut(plain.URL, cred), "secure", shut(secure.URL, cred)),
		func(l *lab) { l.outward.roots = trust(secure); l.stall = 100 * time.Millisecond })
	for _, name := range []string{"plain", "secure"} {
		t.Run(name, func(t *testing.T) {
			c, res := dial(t, l.url+"/s/"+name+"/socket?x=1", http.Header{"Authorization": {"Bearer " + l.token(t, name)}})
			if res.Header.Get("Sec-Websocket-Protocol") != "chat" {
				t.Errorf("the subprotocol got lost: %v", res.Header)
			}
			if _, msg, err := c.ReadMessage(); string(msg) != hex.EncodeToString([]byte("Bearer real-key-0001")) || err != nil {
				t.Errorf("the upstream saw %q, %v", msg, err)
			}
			say(t, c, websocket.TextMessage, "hello")
			say(t, c, websocket.BinaryMessage, strings.Repeat("x", 200<<10))
			time.Sleep(3 * l.stall)
			say(t, c, websocket.TextMessage, "after a silence")
			if n := l.InFlight(); n != 1 {
				t.Errorf("%d calls in flight, want 1", n)
			}
			if err := c.WriteMessage(websocket.TextMessage, []byte("bye")); err != nil {
				t.Fatal(err)
			}
			if _, _, err := c.ReadMessage(); err == nil {
				t.Error("the upstream's end did not get here")
			}
			x := l.eventually(t, "the socket", func(x audit.Exchange) bool { return x.Service == name })
			if x.Status != 101 || x.Decision != audit.Allowed || x.BytesIn < 200<<10 || x.BytesOut < 200<<10 || x.ResponseBody == nil || x.ResponseBody.Text != "" || x.ResponseBody.Note == "" {
				t.Errorf("record %+v %+v", x, x.ResponseBody)
			}
		})
	}
}

func TestWebSocketEnds(t *testing.T) {
	gone := make(chan struct{})
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		c, err := (&websocket.Upgrader{}).Upgrade(w, r, nil)
		if err == nil {
			_, _, _ = c.ReadMessage()
			_ = c.Close()
		}
		close(gone)
	})
	l := newLab(t, services("e", open(up.URL)))
	c, _ := dial(t, l.url+"/s/e/x", nil)
	_ = c.NetConn().Close()
	select {
	case <-gone:
	case <-time.After(5 * time.Second):
		t.Error("the caller left and the upstream was not told")
	}
	l.eventually(t, "the socket", func(x audit.Exchange) bool { return x.Status == 101 })
}

func TestWebSocketRefused(t *testing.T) {
	up := upstreamOf(t, socketEcho)
	l := newLab(t, services("e", shut(up.URL)))
	url := "ws" + strings.TrimPrefix(l.url, "http") + "/s/e/x"
	good := http.Header{"Authorization": {"Bearer " + l.token(t, "e")}}
	foreign := good.Clone()
	foreign.Set("Origin", "https://evil.example")
	own := good.Clone()
	own.Set("Origin", l.url)
	for name, tt := range map[string]struct {
		header http.Header
		status int
	}{"no token": {nil, 401}, "another site's page": {foreign, 403}, "its own page": {own, 101}} {
		c, res, err := websocket.DefaultDialer.DialContext(t.Context(), url, tt.header)
		if res == nil || res.StatusCode != tt.status {
			t.Errorf("%s: %v, %v; want %d", name, res, err, tt.status)
		}
		if c != nil {
			_ = c.Close()
		}
	}
}

// An upstream that does not switch answers like any other.
func TestWebSocketNotWanted(t *testing.T) {
	l := newLab(t, services("e", open(echo(t).URL)))
	_, res, err := websocket.DefaultDialer.DialContext(t.Context(), "ws"+strings.TrimPrefix(l.url, "http")+"/s/e/x", nil)
	if !errors.Is(err, websocket.ErrBadHandshake) || res.StatusCode != 200 {
		t.Fatalf("%v, %v", res, err)
	}
	body, _ := io.ReadAll(res.Body)
	if !strings.Contains(string(body), hex.EncodeToString([]byte("Sec-Websocket-Key"))) {
		t.Errorf("the upstream was not asked: %s", body)
	}
}

// WebSockets have no end of their own: a server that stops closes them first.
func TestWebSocketAtShutdown(t *testing.T) {
	up := upstreamOf(t, socketEcho)
	l := newLab(t, services("e", open(up.URL)))
	c, _ := dial(t, l.url+"/s/e/x", nil)
	_, _, _ = c.ReadMessage()
	began := time.Now()
	l.stop()
	if _, _, err := c.ReadMessage(); err == nil {
		t.Error("the socket goes on")
	}
	err := <-l.ended
	l.ended <- err // for the cleanup
	if took := time.Since(began); err != nil || took > time.Second {
		t.Errorf("Serve returned %v after %v", err, took)
	}
	if xs := l.exchanges(t); len(xs) != 1 || xs[0].Status != 101 {
		t.Errorf("records %v", fmt.Sprint(xs))
	}
}
