package proxy

import (
	"bytes"
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"golang.org/x/net/http/httpguts"

	"lockbox/proxy/audit"
)

// replayListener is where the record of a replay says that it came in.
const replayListener = "replay"

// Replay is a call of the audit log that is made once more, as a person at the
// desktop wants it.
type Replay struct {
	Of     string // the ID of the call that is repeated
	Method string
	Target string // path and query, as a caller would send them: /s/github/user?x=1
	Header http.Header
	Body   []byte
	// Audience and JTI are of the token that the repeated call came with: rules
	// take the replay for that caller's.
	Audience []string
	JTI      string
}

// Replay makes a call again and returns its record, which says what it repeats. It
// goes the way of every call, and needs no service token. What is refused on that
// way has a record too; the error is that of a call which could not be made or
// recorded at all, a sentence for the person.
func (s *Server) Replay(ctx context.Context, a Replay) (x audit.Exchange, err error) {
	r, err := replayRequest(ctx, a)
	if err != nil {
		return x, err
	}
	s.active.Add(1)
	defer s.active.Add(-1)
	st := s.acquire()
	if st != nil {
		defer st.release()
		r.Host = st.config.Listen // for the addresses in the answer
	}
	path, _, _ := strings.Cut(a.Target, "?")
	rec := s.newRecord(st, r, path, replayListener)
	rec.x.ReplayOf, rec.as = a.Of, holder{a.Audience, a.JTI}
	s.again(r, path, st, rec)
	rec.mu.Lock()
	defer rec.mu.Unlock()
	if rec.err != nil {
		return rec.x, errRecord
	}
	return rec.x, nil
}

// again has the call made. Nobody reads the answer but the record.
func (s *Server) again(r *http.Request, path string, st *state, rec *record) {
	defer func() { _ = recover() }() // last has seen to it, and panics for net/http
	defer s.last(rec)
	w := &unread{header: http.Header{}}
	if p := checkForm(r, path); p != nil {
		rec.refuse(w, p)
		return
	}
	s.service(w, r, path, st, rec)
}

// replayRequest is what a caller would have sent, once the server has parsed it.
func replayRequest(ctx context.Context, a Replay) (*http.Request, error) {
	if !strings.HasPrefix(a.Target, "/s/") || strings.ContainsFunc(a.Target, func(c rune) bool { return c <= ' ' || c == 0x7f || c == '#' }) {
		return nil, errTarget.saying("The address must begin with /s/ and the service's name, and have no spaces and no #: write %20 and %23.")
	}
	if _, err := url.ParseRequestURI(a.Target); err != nil {
		return nil, errTarget.saying("The address cannot be read: a % needs two hexadecimal digits after it.")
	}
	r, err := http.NewRequestWithContext(ctx, a.Method, "http://lockbox"+a.Target, bytes.NewReader(a.Body))
	if err != nil {
		return nil, errMethod.saying(fmt.Sprintf("The method %s is none that could be sent.", quoted(a.Method)))
	}
	r.RequestURI = a.Target
	for name, values := range a.Header {
		canonical := http.CanonicalHeaderKey(name)
		if ownField(canonical) {
			continue
		}
		for _, v := range values {
			if !httpguts.ValidHeaderFieldName(name) || !httpguts.ValidHeaderFieldValue(v) {
				return nil, errTarget.saying(fmt.Sprintf("The header %s has a character that could not be sent.", quoted(name)))
			}
			r.Header[canonical] = append(r.Header[canonical], v)
		}
	}
	return r, nil
}

// ownField reports whether a field is about the connection or the length of one
// request, so that another one has its own.
func ownField(name string) bool {
	return hopByHop(name) || name == "Host" || name == "Content-Length" || name == "Expect"
}

// unread is an answer that nobody waits for.
type unread struct{ header http.Header }

// Header implements http.ResponseWriter.
func (w *unread) Header() http.Header { return w.header }

// WriteHeader implements http.ResponseWriter.
func (*unread) WriteHeader(int) {}

// Write implements io.Writer.
func (*unread) Write(p []byte) (int, error) { return len(p), nil }

// Flush implements http.Flusher, for a stream to go through as it comes.
func (*unread) Flush() {}
