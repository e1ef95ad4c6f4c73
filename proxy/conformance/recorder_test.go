//go:build linux

package conformance

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"regexp"
	"strings"
	"sync"
	"testing"
)

// recorder is an upstream that takes nothing for granted: it parses HTTP/1.1 by
// RFC 9112 to the letter, notes what is not by it, and keeps every byte.
type recorder struct {
	addr string

	mu       sync.Mutex
	requests []*seen
	scripts  map[string]script // by a part of the target
}

// A script answers a request; it says whether the connection goes on.
type script func(u *upstream) bool

// seen is a request as it reached the recorder.
type seen struct {
	at     string // the recorder's address
	head   string // up to and with the empty line
	method string
	target string
	lines  [][2]string // header lines: name in lower case, value

	mu       sync.Mutex
	wire     bytes.Buffer // of the body, with chunks and all
	content  bytes.Buffer // of the body, unchunked
	trailers [][2]string
	complete bool // up to the end of the body
	flaws    []string
}

// upstream is a request being answered.
type upstream struct {
	*seen
	conn net.Conn
	br   *bufio.Reader
}

func newRecorder() (*recorder, error) {
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	r := &recorder{addr: ln.Addr().String(), scripts: map[string]script{}}
	go func() { // until the tests end
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			go r.serve(conn)
		}
	}()
	return r, nil
}

// on has requests whose target contains part answered by a script.
func (r *recorder) on(part string, s script) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.scripts[part] = s
}

// text is a script that answers with these bytes once it has the whole request.
func text(answer string) script {
	return func(u *upstream) bool {
		u.readBody()
		u.send(answer)
		return true
	}
}

func (r *recorder) all() []*seen {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]*seen{}, r.requests...)
}

// marked are the requests that have a mark in them, in order.
func (r *recorder) marked(mark string) []*seen {
	var found []*seen
	for _, s := range r.all() {
		if s.mentions(mark) {
			found = append(found, s)
		}
	}
	return found
}

// lines are the marked requests, in short; cut ones say so.
func (r *recorder) lines(mark string) string {
	var b strings.Builder
	for _, s := range r.marked(mark) {
		fmt.Fprintf(&b, "[%s]", s)
	}
	return b.String()
}

func (r *recorder) serve(conn net.Conn) {
	defer conn.Close()
	br := bufio.NewReader(conn)
	for {
		s := &seen{at: r.addr}
		s.readHead(br)
		if s.head == "" {
			return // closed between requests, as it should be
		}
		r.mu.Lock()
		r.requests = append(r.requests, s)
		var answer script
		for part, a := range r.scripts {
			if strings.Contains(s.target, part) {
				answer = a
			}
		}
		r.mu.Unlock()
		if len(s.flaws) > 0 {
			_, _ = io.WriteString(conn, "HTTP/1.1 400 Flawed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
			return
		}
		u := &upstream{s, conn, br}
		if answer == nil {
			answer = text("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
		}
		if !answer(u) || !s.whole() {
			return
		}
	}
}

const tchar = "[!#$%&'*+\\-.^_`|~0-9A-Za-z]+" // RFC 9110, section 5.6.2

var (
	requestLine = regexp.MustCompile(`(?s)^(` + tchar + `) ([^\x00-\x20\x7f]+) HTTP/1\.1\r\n$`)
	headerLine  = regexp.MustCompile(`(?s)^(` + tchar + `):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*?)[ \t]*\r\n$`)
	chunkLine   = regexp.MustCompile(`^[0-9A-Fa-f]{1,8}\r\n$`)
)

func (s *seen) readHead(br *bufio.Reader) {
	line, err := br.ReadString('\n')
	s.head = line
	if line == "" {
		return
	}
	m := requestLine.FindStringSubmatch(line)
	if m == nil {
		s.flaw("its first line is %q (%v)", line, err)
		return
	}
	s.method, s.target = m[1], m[2]
	for {
		line, err := br.ReadString('\n')
		s.head += line
		if line == "\r\n" {
			break
		}
		m := headerLine.FindStringSubmatch(line)
		if m == nil {
			s.flaw("it has the line %q (%v)", line, err)
			return
		}
		s.lines = append(s.lines, [2]string{strings.ToLower(m[1]), m[2]})
	}
	te, cl := s.values("transfer-encoding"), s.values("content-length")
	switch {
	case len(te) > 0 && len(cl) > 0, len(te) > 1, len(cl) > 1:
		s.flaw("it has %d lengths and %d encodings", len(cl), len(te))
	case len(te) == 1 && te[0] != "chunked":
		s.flaw("its Transfer-Encoding is %q", te[0])
	case len(cl) == 1 && strings.Trim(cl[0], "0123456789") != "" || len(cl) == 1 && cl[0] == "":
		s.flaw("its Content-Length is %q", cl[0])
	}
}

func (s *seen) flaw(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flaws = append(s.flaws, fmt.Sprintf(format, args...))
}

// values are those of a header, its name in lower case.
func (s *seen) values(name string) []string {
	var values []string
	for _, line := range s.lines {
		if line[0] == name {
			values = append(values, line[1])
		}
	}
	return values
}

func (s *seen) whole() bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.complete
}

func (s *seen) body() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.content.String()
}

// mentions looks for a mark in the head and the beginning of the body.
func (s *seen) mentions(mark string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	body := s.wire.Bytes()
	return strings.Contains(s.head, mark) || bytes.Contains(body[:min(len(body), 4<<10)], []byte(mark))
}

// raw is every byte of the request so far.
func (s *seen) raw() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.head + s.wire.String()
}

// String is the request in short.
func (s *seen) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := s.method + " " + s.target
	if s.content.Len() > 0 {
		text += " " + s.content.String()
	}
	for _, line := range s.trailers {
		text += " " + line[0] + "=" + line[1]
	}
	if !s.complete {
		text += " CUT"
	}
	return text
}

func (u *upstream) send(text string) { _, _ = io.WriteString(u.conn, text) }

// once is the one request with a mark that reached the recorder.
func (r *recorder) once(t *testing.T, mark string) *seen {
	t.Helper()
	found := r.marked(mark)
	if len(found) != 1 {
		t.Fatalf("at the upstream: want one request, got %d: %s", len(found), brief(r.lines(mark)))
	}
	return found[0]
}
