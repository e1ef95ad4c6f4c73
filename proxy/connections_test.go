package proxy

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"
)

func bounded(b bounds) func(*lab) { return func(l *lab) { l.bounds = b } }

func connect(t *testing.T, addr string) net.Conn {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	return conn
}

// ask sends a request on a connection and reads the status, or what went wrong.
func ask(conn net.Conn, patience time.Duration) (int, error) {
	_ = conn.SetDeadline(time.Now().Add(patience))
	printf(conn, "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		return 0, err
	}
	_, _ = io.Copy(io.Discard, res.Body)
	return res.StatusCode, res.Body.Close()
}

// Beyond the bound a caller waits, and is served when another leaves.
func TestConnectionsWait(t *testing.T) {
	const room = 3
	l := newLab(t, services(), bounded(bounds{time.Minute, time.Minute, room}))
	var inside []net.Conn
	for range room {
		c := connect(t, l.addr)
		if status, err := ask(c, 5*time.Second); status != 200 {
			t.Fatalf("%d, %v", status, err)
		}
		inside = append(inside, c)
	}
	var late []net.Conn
	for range room {
		late = append(late, connect(t, l.addr)) // not refused
	}
	if status, err := ask(late[0], 200*time.Millisecond); err == nil {
		t.Errorf("one too many got %d", status)
	}
	if n := strings.Count(l.said.String(), "too many callers"); n != 1 {
		t.Errorf("said so %d times, want once", n)
	}
	if status, err := ask(inside[1], 5*time.Second); status != 200 {
		t.Errorf("those inside: %d, %v", status, err)
	}
	for i, c := range inside {
		_ = c.Close()
		_ = late[i].SetDeadline(time.Now().Add(5 * time.Second))
		if i == 0 { // asked already
			if res, err := http.ReadResponse(bufio.NewReader(late[i]), nil); err != nil || res.StatusCode != 200 {
				t.Errorf("the one that waited: %v", err)
			}
			continue
		}
		if status, err := ask(late[i], 5*time.Second); status != 200 {
			t.Errorf("the next: %d, %v", status, err)
		}
	}
}

// Full to the brim, the server still ends when it is told to.
func TestFullServerEnds(t *testing.T) {
	l := newLab(t, services(), bounded(bounds{time.Minute, time.Minute, 1}))
	if status, err := ask(connect(t, l.addr), 5*time.Second); status != 200 {
		t.Fatalf("%d, %v", status, err)
	}
	connect(t, l.addr)
	time.Sleep(50 * time.Millisecond) // until it waits
	began := time.Now()
	l.stop()
	err := <-l.ended
	l.ended <- err
	if took := time.Since(began); err != nil || took > time.Second {
		t.Errorf("%v after %v", err, took)
	}
}

// A connection leaves room once, however often it is closed, and a WebSocket does
// when it ends.
func TestConnectionsLeaveRoom(t *testing.T) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	c := newCrowd(ln, 2, silentSlog())
	for range 5 {
		out := connect(t, ln.Addr().String())
		in, err := c.Accept()
		if err != nil {
			t.Fatal(err)
		}
		if _, ok := in.(io.ReaderFrom); !ok {
			t.Error("what a TCPConn can do is lost")
		}
		_, _ = out, in.Close()
		_ = in.Close()
		if len(c.room) != 0 {
			t.Fatalf("%d places are taken", len(c.room))
		}
	}
	_ = c.Close()
	if _, err := c.Accept(); !errors.Is(err, net.ErrClosed) || len(c.room) != 0 {
		t.Errorf("Accept after Close: %v, %d places taken", err, len(c.room))
	}
	a, b := net.Pipe()
	defer a.Close()
	p := newCrowd(&pipes{[]net.Conn{b}}, 1, silentSlog())
	if in, err := p.Accept(); err != nil || in.Close() != nil || len(p.room) != 0 {
		t.Errorf("a pipe: %v, %d places taken", err, len(p.room))
	}
}

// pipes is a listener that knows no TCP.
type pipes struct{ conns []net.Conn }

func (p *pipes) Accept() (net.Conn, error) {
	c := p.conns[0]
	p.conns = p.conns[1:]
	return c, nil
}
func (p *pipes) Close() error   { return nil }
func (p *pipes) Addr() net.Addr { return nil }

// Slowloris: more callers than there is room for send their headers byte by byte.
// Each is cut off when its time is over, and an honest one gets in.
func TestSlowloris(t *testing.T) {
	l := newLab(t, services("e", open(echo(t).URL)), bounded(bounds{300 * time.Millisecond, time.Minute, 20}))
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var wg sync.WaitGroup
	cut := make(chan time.Duration, 1000)
	for range 30 {
		wg.Go(func() {
			for ctx.Err() == nil {
				conn, err := net.Dial("tcp", l.addr)
				if err != nil {
					return
				}
				began := time.Now()
				for _, b := range []byte("GET /s/e/x HTTP/1.1\r\nHost: localhost\r\nX-Slow: " + strings.Repeat("a", 1000)) {
					if _, err = conn.Write([]byte{b}); err != nil || ctx.Err() != nil {
						break
					}
					time.Sleep(10 * time.Millisecond)
				}
				_ = conn.Close()
				if ctx.Err() == nil {
					cut <- time.Since(began)
				}
			}
		})
	}
	time.Sleep(100 * time.Millisecond)
	began := time.Now()
	for range 5 {
		if status, err := ask(connect(t, l.addr), 10*time.Second); status != 200 {
			t.Errorf("an honest caller: %d, %v", status, err)
		}
	}
	t.Logf("5 honest callers beside 30 slow ones on 20 places: %v", time.Since(began))
	for range 10 {
		select {
		case d := <-cut:
			if d > 5*time.Second {
				t.Errorf("a slow one stayed for %v", d)
			}
		case <-time.After(10 * time.Second):
			t.Fatal("the slow ones are not cut off")
		}
	}
	cancel()
	wg.Wait()
}

// A connection that brings no first request, or no next one, is closed.
func TestIdleConnectionsEnd(t *testing.T) {
	l := newLab(t, services(), bounded(bounds{200 * time.Millisecond, 400 * time.Millisecond, 10}))
	silent, idle := connect(t, l.addr), connect(t, l.addr)
	if status, err := ask(idle, 5*time.Second); status != 200 {
		t.Fatalf("%d, %v", status, err)
	}
	for name, conn := range map[string]net.Conn{"silent": silent, "idle": idle} {
		_ = conn.SetDeadline(time.Now().Add(5 * time.Second))
		if _, err := conn.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
			t.Errorf("%s: %v, want it closed", name, err)
		}
	}
}
