//go:build linux

package conformance

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/gorilla/websocket"
)

// dialSocket opens httpbin's WebSocket through a service, or through none.
func dialSocket(t *testing.T, l *lab, service, query string) *websocket.Conn {
	t.Helper()
	d := websocket.Dialer{HandshakeTimeout: patience}
	url := "ws://" + l.addr + "/s/" + service
	if service == "" {
		url = "ws://" + l.bin
	}
	c, res, err := d.DialContext(t.Context(), url+"/websocket/echo"+query, http.Header{"Authorization": {"Bearer " + l.tokens[service]}})
	if err != nil {
		if res != nil {
			t.Fatalf("%s: want 101, got %d %s", service, res.StatusCode, res.Header.Get("X-Lockbox-Error"))
		}
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	_ = c.SetReadDeadline(time.Now().Add(patience))
	return c
}

func TestWebSocketEcho(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, service := range []string{"bin", "bins"} {
		c := dialSocket(t, l, service, "?max_message_size=4000000&max_fragment_size=4000000")
		for _, tt := range []struct {
			name string
			kind int
			text string
		}{
			{"text", websocket.TextMessage, "hello €"}, {"empty", websocket.TextMessage, ""}, {"binary", websocket.BinaryMessage, "\x00\xff\r\n\r\n"},
			{"126 bytes", websocket.BinaryMessage, strings.Repeat("a", 126)}, {"64 KB", websocket.BinaryMessage, strings.Repeat("b", 65536)}, {"3 MB", websocket.BinaryMessage, strings.Repeat("c", 3_000_000)},
		} {
			if err := c.WriteMessage(tt.kind, []byte(tt.text)); err != nil {
				t.Fatalf("%s, %s: %v", service, tt.name, err)
			}
			kind, got, err := c.ReadMessage()
			if kind != tt.kind || string(got) != tt.text || err != nil {
				t.Errorf("%s, %s: want kind %d and %d bytes back, got kind %d and %d, %v", service, tt.name, tt.kind, len(tt.text), kind, len(got), err)
			}
		}
		// A message in fragments, written one by one.
		w, err := c.NextWriter(websocket.TextMessage)
		if err != nil {
			t.Fatal(err)
		}
		for range 3 {
			_, _ = io.WriteString(w, strings.Repeat("f", 5000)) // beyond gorilla's buffer: a frame each
		}
		_ = w.Close()
		_, got, err := c.ReadMessage()
		check(t, service+": fragments", fmt.Sprint(len(got), err), "15000 <nil>")
		pong := make(chan string, 1)
		c.SetPongHandler(func(s string) error { pong <- s; return nil })
		_ = c.WriteControl(websocket.PingMessage, []byte("p"), time.Now().Add(patience))
		_ = c.WriteMessage(websocket.TextMessage, []byte("after"))
		_, _, _ = c.ReadMessage() // reads the pong on its way
		check(t, service+": pong", within(t, "a pong", pong), "p")
	}
}

// Close codes go both ways.
func TestWebSocketClose(t *testing.T) {
	t.Parallel()
	l := start(t)
	for name, tt := range map[string]struct {
		query string
		send  func(*websocket.Conn)
	}{
		"the caller closes": {"", func(c *websocket.Conn) {
			_ = c.WriteControl(websocket.CloseMessage, websocket.FormatCloseMessage(4001, "bye"), time.Now().Add(patience))
		}},
		"too big":   {"?max_message_size=10&max_fragment_size=10", func(c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, make([]byte, 11)) }},
		"bad text":  {"", func(c *websocket.Conn) { _ = c.WriteMessage(websocket.TextMessage, []byte{0xff, 0xfe}) }},
		"bad frame": {"", func(c *websocket.Conn) { _, _ = c.NetConn().Write([]byte{0xff, 0x80, 0, 0, 0, 0}) }},
	} {
		var codes []int
		for _, service := range []string{"", "bin", "bins"} {
			c := dialSocket(t, l, service, tt.query)
			tt.send(c)
			_, _, err := c.ReadMessage()
			codes = append(codes, closeCode(err))
		}
		check(t, name+": codes through bin and bins", codes[1:], []int{codes[0], codes[0]})
		if codes[0] == 0 {
			t.Errorf("%s: want a close code of httpbin's, got none", name)
		}
	}
}

func closeCode(err error) int {
	var c *websocket.CloseError
	if errors.As(err, &c) {
		return c.Code
	}
	return 0
}

// What is switched to is a stream of bytes: nothing is looked at in what the caller
// sends, and of the upstream's the frames alone. What comes right behind its handshake
// arrives, and one side's end is the other's.
func TestWebSocketBytes(t *testing.T) {
	t.Parallel()
	l := start(t)
	m, ended := mark(), make(chan string, 1)
	l.rec.on(m, func(u *upstream) bool {
		u.end()
		u.send("HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Accept: x\r\nX-Lockbox-Error: no\r\n\r\n\x81\x05early")
		got := make([]byte, 5)
		_, _ = io.ReadFull(u.br, got)
		rest, _ := io.ReadAll(u.br)
		ended <- string(got) + string(rest)
		return false
	})
	w := dial(t, l.addr)
	w.send(l.head("GET", "rec", "/"+m) + "Connection: keep-alive, Upgrade\r\nUpgrade: WebSocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Protocol: chat\r\n\r\n")
	_, r := w.begin("GET")
	check(t, "status", r.status, 101)
	check(t, "Lockbox's headers", r.header.Get("X-Lockbox-Error"), "")
	early := make([]byte, 7)
	_, err := io.ReadFull(w.br, early)
	check(t, "what came with the answer", fmt.Sprint(string(early), err), "\x81\x05early<nil>")
	frame := binary.BigEndian.AppendUint64([]byte{0x82, 0xff}, 1<<62) // a frame no one could send
	w.send("first" + string(frame))
	_ = w.Close()
	check(t, "what the upstream got", within(t, "the end", ended), "first"+string(frame))
	s := l.rec.once(t, m)
	check(t, "Upgrade at the upstream", strings.ToLower(fmt.Sprint(s.values("upgrade"), s.values("connection"))), "[websocket] [upgrade]")
	check(t, "Sec-WebSocket-Protocol at the upstream", s.values("sec-websocket-protocol"), "[chat]")
}

// An upstream that will not switch says so itself.
func TestWebSocketRefused(t *testing.T) {
	t.Parallel()
	l := start(t)
	for _, status := range []int{400, 403, 426, 200} {
		m := mark()
		l.rec.on(m, func(u *upstream) bool {
			u.end()
			u.send(fmt.Sprintf("HTTP/1.1 %d No\r\nContent-Length: 2\r\n\r\nno", status))
			return true
		})
		w := dial(t, l.addr)
		w.send(l.head("GET", "rec", "/"+m) + "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
		check(t, "answer", w.read("GET").short(), fmt.Sprintf(`%d "no"`, status))
		next := mark()
		w.send(l.head("GET", "rec", "/"+next) + "Connection: close\r\n\r\n")
		check(t, "the next", w.read("GET").short(), `200 "ok"`)
	}
	m := mark()
	r := ask(t, l.addr, "GET /s/rec/"+m+" HTTP/1.1\r\nHost: "+l.addr+"\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
	check(t, "no token", r.status, 401)
	check(t, "no token, at the upstream", l.rec.lines(m), "")
}
