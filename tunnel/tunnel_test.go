package tunnel

import (
	"bufio"
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/gorilla/websocket"

	"lockbox/tunnel/ngroktest"
)

func read(t *testing.T, res *http.Response) string {
	t.Helper()
	defer res.Body.Close()
	body, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

func TestOpenAndClose(t *testing.T) {
	l := newLab(t, ngroktest.Rules{Domains: []string{"mine.ngrok.test", "other.ngrok.test"}}, nil)
	l.open(t, Request{})
	s, _ := l.await(t, "open", isOpen)
	if s.URL != "https://mine.ngrok.test" || s.Account != "Ann" || s.Plan != "Free" || !s.Trouble.IsZero() {
		t.Errorf("state %+v", s)
	}
	if err := l.Open(l.run.req); !errors.Is(err, ErrOpen) {
		t.Errorf("a second Open: %v", err)
	}
	if status, body := l.get(t, "203.0.113.9:4711", "/"); status != 200 || body != "203.0.113.9:4711" {
		t.Errorf("a call: %d %s, want the caller's address", status, body)
	}
	if status, body := l.get(t, "[2001:db8::1]:4711", "/"); status != 200 || body != "[2001:db8::1]:4711" {
		t.Errorf("a call: %d %s", status, body)
	}
	address := s.URL
	l.Close("the test")
	if s := l.State(); s.Phase != Closed || s.URL != "" || !s.Trouble.IsZero() {
		t.Errorf("after Close: %+v", s)
	}
	c := l.edge.Client("")
	defer c.CloseIdleConnections()
	if res, err := c.Get(address); err != nil || res.Header.Get("Ngrok-Error-Code") != "ERR_NGROK_3200" {
		t.Errorf("a call after Close: %v %v", res, err)
	}
	l.Close("the test")
	l.open(t, Request{Domain: "other.ngrok.test"})
	if s, _ := l.await(t, "open again", isOpen); s.URL != "https://other.ngrok.test" {
		t.Errorf("state %+v", s)
	}
}

// ngrok learns nothing of this computer but what it must.
func TestNeutral(t *testing.T) {
	l := newLab(t, ngroktest.Rules{}, nil)
	l.open(t, Request{})
	l.await(t, "open", isOpen)
	l.edge.Drop()
	l.await(t, "lost", func(s State) bool { return s.Phase == Lost })
	l.await(t, "open again", isOpen)
	host, _ := os.Hostname()
	binds := l.edge.Binds()
	if len(binds) != 2 || !binds[1].Again {
		t.Errorf("binds %+v, want the second to take the first one's place", binds)
	}
	for _, b := range binds {
		if b.ForwardsTo != "lockbox" || strings.Contains(fmt.Sprint(b), host) {
			t.Errorf("bind %+v", b)
		}
	}
	for _, a := range l.edge.Auths() {
		if !strings.HasPrefix(a.UserAgent, "lockbox/test ") {
			t.Errorf("user agent %q", a.UserAgent)
		}
	}
}

// A call under way when the tunnel is closed may finish; the next one is refused.
func TestCloseLetsCallsFinish(t *testing.T) {
	arrived, goOn := make(chan struct{}), make(chan struct{})
	l := newLab(t, ngroktest.Rules{}, func(w http.ResponseWriter, _ *http.Request) {
		close(arrived)
		<-goOn
		_, _ = io.WriteString(w, "whole")
	})
	l.open(t, Request{})
	s, _ := l.await(t, "open", isOpen)
	c := l.edge.Client("")
	defer c.CloseIdleConnections()
	answer := make(chan string, 1)
	go func() {
		res, err := c.Get(s.URL)
		if err != nil {
			answer <- err.Error()
			return
		}
		body, _ := io.ReadAll(res.Body)
		answer <- string(body)
	}()
	<-arrived
	closed := make(chan struct{})
	go func() { l.Close("the test"); close(closed) }()
	l.await(t, "closing", func(s State) bool { return s.Phase == Closing })
	began := time.Now()
	other := l.edge.Client("")
	defer other.CloseIdleConnections()
	for {
		res, err := other.Get(s.URL)
		if err == nil && res.StatusCode == http.StatusNotFound {
			break
		}
		if time.Since(began) > 30*time.Second {
			t.Fatalf("calls still arrive: %v %v", res, err)
		}
	}
	t.Logf("the next call was refused after %v", time.Since(began))
	close(goOn)
	if got := <-answer; got != "whole" {
		t.Errorf("the call under way got %q", got)
	}
	<-closed
}

func TestTraffic(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("/echo", func(w http.ResponseWriter, r *http.Request) { _, _ = io.Copy(w, r.Body) })
	mux.HandleFunc("/sum", func(w http.ResponseWriter, r *http.Request) {
		h := sha256.New()
		_, _ = io.Copy(h, r.Body)
		_, _ = fmt.Fprintf(w, "%x", h.Sum(nil))
	})
	mux.HandleFunc("/events", func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Type", "text/event-stream")
		for i := range 5 {
			_, _ = fmt.Fprintf(w, "data: %d\n\n", i)
			w.(http.Flusher).Flush()
			select { // until the test has seen it
			case <-r.Context().Done():
				return
			case <-time.After(100 * time.Millisecond):
			}
		}
	})
	up := websocket.Upgrader{}
	mux.HandleFunc("/ws", func(w http.ResponseWriter, r *http.Request) {
		conn, err := up.Upgrade(w, r, nil)
		if err != nil {
			return
		}
		defer conn.Close()
		for {
			kind, data, err := conn.ReadMessage()
			if err != nil || conn.WriteMessage(kind, data) != nil {
				return
			}
		}
	})
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, "%s %s %s", r.URL.Path, r.Header.Get("X-Forwarded-For"), r.Header.Get("X-Forwarded-Proto"))
	})
	l := newLab(t, ngroktest.Rules{}, mux.ServeHTTP)
	l.open(t, Request{})
	s, _ := l.await(t, "open", isOpen)
	c := l.edge.Client("203.0.113.9:1")
	defer c.CloseIdleConnections()

	big := bytes.Repeat([]byte("0123456789abcdef"), 50<<20/16)
	began := time.Now()
	res, err := c.Post(s.URL+"/echo", "application/octet-stream", bytes.NewReader(big))
	if err != nil {
		t.Fatal(err)
	}
	if got := read(t, res); got != string(big) {
		t.Errorf("50 MB there and back: got %d bytes", len(got))
	}
	t.Logf("50 MB each way at once in %v", time.Since(began))
	if res, err = c.Post(s.URL+"/sum", "application/octet-stream", bytes.NewReader(big)); err != nil {
		t.Fatal(err)
	}
	if got, want := read(t, res), fmt.Sprintf("%x", sha256.Sum256(big)); got != want {
		t.Errorf("the sum of 50 MB: %s, want %s", got, want)
	}

	if res, err = c.Get(s.URL + "/events"); err != nil {
		t.Fatal(err)
	}
	lines, first := bufio.NewScanner(res.Body), time.Time{}
	n := 0
	for lines.Scan() {
		if strings.HasPrefix(lines.Text(), "data: ") {
			if n++; n == 1 {
				first = time.Now()
			}
		}
	}
	res.Body.Close()
	if n != 5 || time.Since(first) < 200*time.Millisecond {
		t.Errorf("%d events, the first %v before the end: want them one by one", n, time.Since(first))
	}

	dialer := websocket.Dialer{NetDialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return l.edge.Dial(ctx, "203.0.113.9:2")
	}}
	ws, _, err := dialer.Dial("ws"+strings.TrimPrefix(s.URL, "https")+"/ws", nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := range 20 {
		want := strings.Repeat("x", i*1000)
		if err := ws.WriteMessage(websocket.TextMessage, []byte(want)); err != nil {
			t.Fatal(err)
		}
		if _, got, err := ws.ReadMessage(); err != nil || string(got) != want {
			t.Fatalf("a message: %d bytes, %v", len(got), err)
		}
	}
	ws.Close()

	var wg sync.WaitGroup
	began = time.Now()
	for i := range 200 {
		wg.Go(func() {
			c := l.edge.Client(fmt.Sprintf("203.0.113.%d:%d", i%250, 1000+i))
			defer c.CloseIdleConnections()
			path := fmt.Sprintf("/call/%d", i)
			res, err := c.Get(s.URL + path)
			if err != nil {
				t.Error(err)
				return
			}
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			if want := fmt.Sprintf("%s 203.0.113.%d https", path, i%250); err != nil || string(body) != want {
				t.Errorf("call %d: %q, %v, want %q", i, body, err, want)
			}
		})
	}
	wg.Wait()
	t.Logf("200 calls at once in %v", time.Since(began))
}
