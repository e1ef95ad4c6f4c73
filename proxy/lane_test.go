package proxy

import (
	"bufio"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/register"
)

// laneOnly spoils a service's way through net/http, so that a call that is
// answered went through the lane.
func laneOnly(t *testing.T, l *lab, name string) {
	t.Helper()
	if withoutLane || !lanes {
		return
	}
	l.state.Load().routes[name].transport = nil
}

// talk is a caller's connection.
type talk struct {
	t *testing.T
	net.Conn
	br *bufio.Reader
}

func dialTalk(t *testing.T, addr string) *talk {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	if err := c.SetDeadline(time.Now().Add(20 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return &talk{t, c, bufio.NewReader(c)}
}

func (c *talk) send(s string) {
	c.t.Helper()
	if _, err := io.WriteString(c, s); err != nil {
		c.t.Fatal(err)
	}
}

// answer reads the next one, whole.
func (c *talk) answer() (status int, body string) {
	c.t.Helper()
	res, err := http.ReadResponse(c.br, nil)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	if err != nil {
		c.t.Fatal(err)
	}
	return res.StatusCode, string(b)
}

// TestLaneIsTaken: plain calls do not go through net/http, whatever their method
// and body.
func TestLaneIsTaken(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		_, _ = fmt.Fprintf(w, "%s %s %d", r.Method, r.RequestURI, len(b))
	})
	l := newLab(t, services("e", open(up.URL)))
	laneOnly(t, l, "e")
	c := dialTalk(t, l.addr)
	for _, tt := range []struct{ line, more, body, want string }{
		{"GET /s/e/a%2Fb?x=1;y", "", "", "GET /a%2Fb?x=1;y 0"},
		{"GET /s/e", "", "", "GET / 0"},
		{"GET /s/e?", "", "", "GET /? 0"},
		{"DELETE /s/e/x", "", "", "DELETE /x 0"},
		{"POST /s/e/x", "Content-Length: 5\r\n", "hello", "POST /x 5"},
		{"PUT /s/e/x", "Content-Length: 300000\r\n", strings.Repeat("x", 300_000), "PUT /x 300000"},
		{"POST /s/e/x", "Content-Length: 0\r\n", "", "POST /x 0"},
		{"PATCH /s/e/x", "Connection: keep-alive\r\n", "", "PATCH /x 0"},
	} {
		c.send(tt.line + " HTTP/1.1\r\nHost: " + l.addr + "\r\n" + tt.more + "\r\n" + tt.body)
		if status, body := c.answer(); status != 200 || body != tt.want {
			t.Errorf("%s: %d %q, want %q", tt.line, status, body, tt.want)
		}
	}
	if n := len(l.exchanges(t)); n != 8 {
		t.Errorf("%d records, want 8", n)
	}
}

// TestLaneHandsOver: on one connection plain calls, then others, then plain ones
// again, some sent before the answer to the one before was read.
func TestLaneHandsOver(t *testing.T) {
	l := newLab(t, services("e", open(echo(t).URL)))
	c := dialTalk(t, l.addr)
	get := "GET /s/e/x HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n"
	chunked := "POST /s/e/x HTTP/1.1\r\nHost: " + l.addr + "\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
	none := "GET /s/nosuch/x HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n"
	c.send(get + get + chunked + get + none + get)
	for i, want := range []int{200, 200, 200, 200, 404, 200} {
		if status, body := c.answer(); status != want {
			t.Errorf("answer %d: %d %s, want %d", i, status, body, want)
		}
	}
	l.eventually(t, "all records", func(audit.Exchange) bool { return true })
	if n := len(l.exchanges(t)); n != 6 {
		t.Errorf("%d records, want 6", n)
	}
}

// TestLaneNothingTwice: an upstream that closes its idle connections without a
// word costs no call and gets none twice.
func TestLaneNothingTwice(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	var seen atomic.Int64
	go func() {
		for {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			go func() { // one answer, then the end, which nothing announced
				defer c.Close()
				r, err := http.ReadRequest(bufio.NewReader(c))
				if err != nil {
					return
				}
				_, _ = io.Copy(io.Discard, r.Body)
				seen.Add(1)
				_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
			}()
		}
	}()
	l := newLab(t, services("e", open("http://"+ln.Addr().String())))
	c := dialTalk(t, l.addr)
	for i := range 50 {
		c.send("POST /s/e/x HTTP/1.1\r\nHost: " + l.addr + "\r\nContent-Length: 2\r\n\r\nhi")
		if status, body := c.answer(); status != 200 {
			t.Fatalf("call %d: %d %s", i, status, body)
		}
		time.Sleep(2 * time.Millisecond) // the end has arrived
	}
	if n := seen.Load(); n != 50 {
		t.Errorf("the upstream saw %d calls, want 50", n)
	}
}

// TestLaneEarlyAnswer: an upstream may answer before it has the body, and the
// caller hears it while it is still sending.
func TestLaneEarlyAnswer(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusRequestEntityTooLarge)
		_, _ = io.WriteString(w, "too large")
	})
	l := newLab(t, services("e", open(up.URL)))
	c := dialTalk(t, l.addr)
	c.send("POST /s/e/x HTTP/1.1\r\nHost: " + l.addr + "\r\nContent-Length: 100000000\r\n\r\n")
	c.send(strings.Repeat("x", 100_000))
	if status, body := c.answer(); status != 413 || body != "too large" {
		t.Errorf("%d %q, want 413", status, body)
	}
}

// TestLaneCallerLeaves: while the upstream thinks, and in the middle of a stream;
// it notices, and the record says so.
func TestLaneCallerLeaves(t *testing.T) {
	left := make(chan string, 2)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/stream" {
			w.Header().Set("Content-Type", "text/event-stream")
			_, _ = io.WriteString(w, "data: 1\n\n")
			_ = http.NewResponseController(w).Flush()
		}
		select {
		case <-r.Context().Done():
			left <- r.URL.Path
		case <-time.After(15 * time.Second):
		}
	})
	l := newLab(t, services("e", open(up.URL)))
	for _, path := range []string{"/think", "/stream"} {
		c := dialTalk(t, l.addr)
		c.send("GET /s/e" + path + " HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n")
		if path == "/stream" {
			if _, err := c.br.ReadString('1'); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(3 * patience)
		_ = c.Close()
		select {
		case got := <-left:
			if got != path {
				t.Errorf("%s was left, want %s", got, path)
			}
		case <-time.After(5 * time.Second):
			t.Errorf("%s: the upstream does not notice", path)
		}
		x := l.eventually(t, "the record", func(x audit.Exchange) bool { return x.Path == "/s/e"+path })
		if x.Decision != audit.Failed || !strings.HasPrefix(x.Reason, "caller_aborted") {
			t.Errorf("record of %s: %s %s", path, x.Decision, x.Reason)
		}
	}
}

// TestLanePatience: what the caller sends while it waits is the next call and is
// not lost, and answers that take long keep the connection.
func TestLanePatience(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(3 * patience)
		_, _ = io.WriteString(w, "slow")
	})
	l := newLab(t, services("e", open(up.URL)))
	laneOnly(t, l, "e")
	c := dialTalk(t, l.addr)
	call := "GET /s/e/x HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n"
	c.send(call)
	time.Sleep(2 * patience) // by now the caller is watched
	c.send(call)
	for range 2 {
		if status, body := c.answer(); status != 200 || body != "slow" {
			t.Errorf("%d %q", status, body)
		}
	}
	time.Sleep(3 * patience) // idle
	c.send(call)
	if status, body := c.answer(); status != 200 || body != "slow" {
		t.Errorf("after a pause: %d %q", status, body)
	}
}

// TestLaneShutdown: idle connections end at once, calls under way get their
// answer, and those that do not end are cut off and recorded.
func TestLaneShutdown(t *testing.T) {
	begun := make(chan bool, 2)
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		begun <- true
		if r.URL.Path == "/quick" {
			time.Sleep(300 * time.Millisecond)
			_, _ = io.WriteString(w, "done")
			return
		}
		<-r.Context().Done()
	})
	l := newLab(t, services("e", open(up.URL)))
	l.drain = time.Second
	idle, quick, stuck := dialTalk(t, l.addr), dialTalk(t, l.addr), dialTalk(t, l.addr)
	quick.send("GET /s/e/quick HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n")
	stuck.send("GET /s/e/stuck HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n")
	<-begun
	<-begun
	began := time.Now()
	l.stop()
	if _, err := idle.br.ReadByte(); err != io.EOF {
		t.Errorf("the idle connection: %v, want EOF", err)
	}
	if took := time.Since(began); took > 800*time.Millisecond {
		t.Errorf("the idle connection was closed after %v", took)
	}
	if status, body := quick.answer(); status != 200 || body != "done" {
		t.Errorf("the call under way: %d %q", status, body)
	}
	if err := <-l.ended; err != nil {
		t.Errorf("Serve: %v", err)
	}
	l.ended <- nil
	if took := time.Since(began); took > 5*time.Second {
		t.Errorf("Serve took %v to end", took)
	}
	paths := map[string]audit.Decision{}
	for _, x := range l.exchanges(t) {
		paths[x.Path] = x.Decision
	}
	if paths["/s/e/quick"] != audit.Allowed || paths["/s/e/stuck"] != audit.Failed {
		t.Errorf("records: %v", paths)
	}
}

// TestLaneBusy: many callers at once on few upstream connections, each gets its
// own answer.
func TestLaneBusy(t *testing.T) {
	up := upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		b, _ := io.ReadAll(r.Body)
		if r.URL.Query().Has("chunked") {
			_ = http.NewResponseController(w).Flush()
		}
		_, _ = fmt.Fprintf(w, "%s %s", r.URL.Path, b)
	})
	l := newLab(t, services("e", open(up.URL)))
	var wg sync.WaitGroup
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	for i := range 32 {
		wg.Go(func() {
			for j := range 50 {
				path := fmt.Sprintf("/%d/%d", i, j)
				url := l.url + "/s/e" + path
				if j%3 == 0 {
					url += "?chunked"
				}
				sent := strings.Repeat("x", j*100)
				req, err := http.NewRequestWithContext(ctx, http.MethodPost, url, strings.NewReader(sent))
				if err != nil {
					t.Error(err)
					return
				}
				res, err := client.Do(req)
				if err != nil {
					t.Error(err)
					return
				}
				b, err := io.ReadAll(res.Body)
				_ = res.Body.Close()
				if string(b) != path+" "+sent || err != nil {
					t.Errorf("%s: %d %.40q %v", path, res.StatusCode, b, err)
				}
			}
		})
	}
	wg.Wait()
}

// TestChunksAfterAHeadThatFillsAPiece: whatever the length of an upstream's head, the
// first piece of the body after it finds room.
func TestChunksAfterAHeadThatFillsAPiece(t *testing.T) {
	for size := lanePiece - 220; size < lanePiece; size += 3 {
		ln, err := net.Listen("tcp", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		go func() {
			c, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = c.Read(make([]byte, 4096))
			_, _ = io.WriteString(c, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nX-A: "+strings.Repeat("a", size)+"\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
		}()
		l := newLab(t, services("e", open("http://"+ln.Addr().String())))
		laneOnly(t, l, "e")
		c := dialTalk(t, l.addr)
		c.send("GET /s/e/x HTTP/1.1\r\nHost: " + l.addr + "\r\n\r\n")
		if status, body := c.answer(); status != 200 || body != "hello" {
			t.Errorf("a head with %d bytes: %d %q", size, status, body)
		}
		_ = c.Close()
		_ = ln.Close()
	}
}

// TestCountedOnce: the list of tokens counts a call once, also when the lane looked at it
// and left it to net/http.
func TestCountedOnce(t *testing.T) {
	list, err := register.Open(filepath.Join(t.TempDir(), "tokens.jsonl"), slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	up := upstreamOf(t, func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, "x") })
	l := newLab(t, services("e", shut(up.URL, `"rules": [{"methods": ["GET"], "path": "/ok", "action": "allow"}]`)), func(l *lab) { l.opts.Register = list })
	tok := l.token(t, "e")
	calls := uint64(0)
	for path, want := range map[string]int{"/ok": 200, "/denied": 403} {
		for range 3 {
			c := dialTalk(t, l.addr)
			c.send("GET /s/e" + path + " HTTP/1.1\r\nHost: " + l.addr + "\r\nAuthorization: Bearer " + tok + "\r\n\r\n")
			if status, _ := c.answer(); status != want {
				t.Errorf("%s: %d, want %d", path, status, want)
			}
			_ = c.Close()
			if calls++; list.List()[0].Calls != calls {
				t.Errorf("after %d calls the list says %d", calls, list.List()[0].Calls)
			}
		}
	}
}
