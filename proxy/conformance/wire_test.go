//go:build linux

package conformance

import (
	"bufio"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"slices"
	"strings"
	"testing"
	"time"
)

// patience is how long anything may take before a test fails.
const patience = 10 * time.Second

// wire is a connection on which a test writes what it likes.
type wire struct {
	net.Conn
	br *bufio.Reader
}

func dial(t *testing.T, addr string) *wire {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	return onWire(t, conn, err)
}

func onWire(t *testing.T, conn net.Conn, err error) *wire {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close() })
	_ = conn.SetDeadline(time.Now().Add(patience))
	return &wire{conn, bufio.NewReader(conn)}
}

// send writes; a peer that has hung up shows in its answer.
func (w *wire) send(text string) { _, _ = io.WriteString(w.Conn, text) }

func (w *wire) sendf(format string, args ...any) { w.send(fmt.Sprintf(format, args...)) }

func (w *wire) closeWrite() { _ = w.Conn.(*net.TCPConn).CloseWrite() }

// reply is an answer, read to its end.
type reply struct {
	interim []int // statuses of 1xx before it
	status  int
	proto   string
	header  http.Header
	trailer http.Header
	length  int64 // -1: not given
	chunked bool
	closes  bool
	body    string
	err     error // of reading any of it
}

// short is a reply in one line.
func (r reply) short() string {
	if r.status == 0 {
		return fmt.Sprintf("no answer (%v)", r.err)
	}
	s := fmt.Sprintf("%d", r.status)
	if code := r.header.Get("X-Lockbox-Error"); code != "" {
		s += " " + code
	}
	if r.err != nil {
		s += fmt.Sprintf(" cut short (%v)", r.err)
	}
	return fmt.Sprintf("%s %.80q", s, r.body)
}

// begin reads an answer up to its body.
func (w *wire) begin(method string) (*http.Response, reply) {
	var r reply
	for {
		res, err := http.ReadResponse(w.br, &http.Request{Method: method})
		if err != nil {
			r.err = err
			return nil, r
		}
		if res.StatusCode/100 == 1 && res.StatusCode != http.StatusSwitchingProtocols {
			r.interim = append(r.interim, res.StatusCode)
			continue
		}
		r.status, r.proto, r.header, r.length = res.StatusCode, res.Proto, res.Header, res.ContentLength
		r.chunked, r.closes = len(res.TransferEncoding) > 0, res.Close
		return res, r
	}
}

// read reads an answer.
func (w *wire) read(method string) reply {
	res, r := w.begin(method)
	if res == nil {
		return r
	}
	body, err := io.ReadAll(res.Body)
	r.body, r.trailer, r.err = string(body), res.Trailer, err
	return r
}

// rest reads all answers to come, until the server closes. hangs says that it
// does not.
func (w *wire) rest(method string) (replies []reply, hangs bool) {
	for {
		r := w.read(method)
		if errors.Is(r.err, os.ErrDeadlineExceeded) {
			return replies, true
		}
		if r.status == 0 {
			return replies, false
		}
		replies = append(replies, r)
		if r.err != nil {
			return replies, false
		}
	}
}

// ask sends one request and reads its answer.
func ask(t *testing.T, addr, text string) reply {
	t.Helper()
	w := dial(t, addr)
	w.send(text)
	method, _, _ := strings.Cut(text, " ")
	return w.read(method)
}

// check fails a test with one line: the case, what was wanted, what came.
func check(t *testing.T, what string, got, want any) {
	t.Helper()
	if g, w := fmt.Sprint(got), fmt.Sprint(want); g != w {
		t.Errorf("%s: want %s, got %s", what, brief(w), brief(g))
	}
}

func brief(s string) string {
	if len(s) > 300 {
		return fmt.Sprintf("%q… (%d bytes)", s[:300], len(s))
	}
	return fmt.Sprintf("%q", s)
}

// within waits for something that is to happen.
func within[T any](t *testing.T, what string, ch <-chan T) T {
	t.Helper()
	select {
	case v := <-ch:
		return v
	case <-time.After(patience):
		t.Fatalf("%s: want it within %v, got nothing", what, patience)
		panic("unreachable")
	}
}

func base64Of(s string) string { return base64.StdEncoding.EncodeToString([]byte(s)) }

// sortedWords makes an order of words that have none.
func sortedWords(s string) string {
	words := strings.Split(s, " ")
	slices.Sort(words)
	return strings.Join(words, " ")
}
