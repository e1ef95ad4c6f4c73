package proxy

import (
	"bufio"
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockbox/proxy/audit"
	"lockbox/proxy/config"
	"lockbox/proxy/secret"
	"lockbox/proxy/token"
)

// A lab is a Server on a loopback port with everything real around it but the
// config file, the keychain and the key file, which are fields.
type lab struct {
	*Server
	url   string
	addr  string
	log   *audit.Log
	said  *buffer
	stop  context.CancelFunc
	ended chan error

	mu      sync.Mutex
	text    string // of the config
	secrets map[string]secret.Value
	errs    map[string]error // of secrets, by their reference
	keys    token.Keys
	keyErr  error
}

var labKey = secret.New("0123456789abcdef0123456789abcdef")

// withoutLane has all calls go through net/http.
var withoutLane bool

// TestMain runs every test on both ways that a call can take.
func TestMain(m *testing.M) {
	flag.Parse()
	code := m.Run()
	tests := true
	for _, other := range []string{"test.fuzz", "test.bench", "test.list"} {
		tests = tests && flag.Lookup(other).Value.String() == ""
	}
	if code == 0 && lanes && tests {
		withoutLane = true
		code = m.Run()
	}
	os.Exit(code)
}

// newLab serves a config.
func newLab(t testing.TB, text string, change ...func(*lab)) *lab {
	t.Helper()
	log, err := audit.Open(filepath.Join(t.TempDir(), "audit"))
	if err != nil {
		t.Fatal(err)
	}
	l := &lab{text: text, log: log, said: &buffer{}, secrets: map[string]secret.Value{}, errs: map[string]error{}, keys: token.Keys{Current: labKey}, ended: make(chan error, 1)}
	l.Server = New(Options{
		Load: func(context.Context) (*config.Config, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			return config.Parse("config.json", []byte(l.text))
		},
		Secret: func(_ context.Context, ref secret.Ref) (secret.Value, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			if err := l.errs[ref.String()]; err != nil {
				return secret.Value{}, err
			}
			if v, ok := l.secrets[ref.String()]; ok {
				return v, nil
			}
			return secret.Value{}, fmt.Errorf("%s: %w", ref, secret.ErrNotFound)
		},
		Store: func(_ context.Context, ref secret.Ref, value secret.Value) error {
			l.mu.Lock()
			defer l.mu.Unlock()
			if err := l.errs["store "+ref.String()]; err != nil {
				return err
			}
			l.secrets[ref.String()] = value
			return nil
		},
		Keys: func(context.Context) (token.Keys, error) {
			l.mu.Lock()
			defer l.mu.Unlock()
			return l.keys, l.keyErr
		},
		Audit:   log,
		Logger:  slog.New(slog.NewTextHandler(l.said, &slog.HandlerOptions{Level: slog.LevelDebug})),
		Version: "test",
	})
	l.lanes = l.lanes && !withoutLane
	l.drain = 2 * time.Second
	for _, c := range change {
		c(l)
	}
	if _, err := l.Reload(t.Context()); err != nil {
		t.Fatal(err)
	}
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	l.addr = ln.Addr().String()
	l.url = "http://" + l.addr
	ctx, cancel := context.WithCancel(context.Background())
	l.stop = cancel
	go func() { l.ended <- l.Serve(ctx, ln) }()
	t.Cleanup(func() {
		cancel()
		if err := <-l.ended; err != nil {
			t.Errorf("Serve: %v", err)
		}
		l.Close()
		if err := log.Close(); err != nil {
			t.Errorf("closing the audit log: %v", err)
		}
		if t.Failed() {
			t.Logf("the server said:\n%s", l.said)
		}
	})
	return l
}

// set changes what the next reload finds.
func (l *lab) set(f func()) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f()
}

// reloaded changes what a reload finds, and reloads.
func (l *lab) reloaded(t *testing.T, f func()) Report {
	t.Helper()
	l.set(f)
	r, err := l.Reload(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// token makes a service token for audience "x".
func (l *lab) token(t testing.TB, service string) string {
	t.Helper()
	v, _, err := token.Issue(labKey, service, "x", time.Hour, time.Now())
	if err != nil {
		t.Fatal(err)
	}
	return v.Reveal()
}

// exchanges are all records, the newest first.
func (l *lab) exchanges(t *testing.T) []audit.Exchange {
	t.Helper()
	var xs []audit.Exchange
	err := l.log.Each(t.Context(), audit.Query{}, func(x *audit.Exchange) error {
		xs = append(xs, *x)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return xs
}

// eventually waits for an exchange that a condition holds for.
func (l *lab) eventually(t *testing.T, what string, ok func(audit.Exchange) bool) audit.Exchange {
	t.Helper()
	for end := time.Now().Add(5 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		for _, x := range l.exchanges(t) {
			if ok(x) {
				return x
			}
		}
	}
	t.Fatalf("no record of %s; there are %+v", what, l.exchanges(t))
	return audit.Exchange{}
}

// services writes a config of services, each given as its name and the rest of
// its object: `"base_url": "…"`.
func services(pairs ...string) string {
	var b strings.Builder
	b.WriteString(`{"services": {`)
	for i := 0; i < len(pairs); i += 2 {
		printf(&b, `%q: {%s},`, pairs[i], pairs[i+1])
	}
	b.WriteString(`}}`)
	return b.String()
}

// unguarded is of a service whose upstream shows the credential, as a test wants it.
const unguarded = `"leak_guard": "off"`

// open is a service without a token.
func open(base string, more ...string) string {
	return fmt.Sprintf(`"base_url": %q, "requires_service_token": false%s`, base, strings.Join(append([]string{""}, more...), ", "))
}

// shut is a service with a token.
func shut(base string, more ...string) string {
	return fmt.Sprintf(`"base_url": %q%s`, base, strings.Join(append([]string{""}, more...), ", "))
}

// seen is what an upstream got.
type seen struct {
	Method, Target, Host, Body string
	Header                     http.Header
	Length                     int64
	Encoding                   []string
	Trailer                    http.Header
}

// echo is an upstream that answers with what it got.
func echo(t *testing.T) *httptest.Server {
	t.Helper()
	return upstreamOf(t, func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		if err != nil {
			http.Error(w, err.Error(), http.StatusBadRequest)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Echo", "yes")
		text, err := json.Marshal(seen{r.Method, r.RequestURI, r.Host, string(body), r.Header, r.ContentLength, r.TransferEncoding, r.Trailer})
		if err != nil {
			panic(err)
		}
		_ = json.NewEncoder(w).Encode(hex.EncodeToString(text)) // or the leak guard would find the credential
	})
}

func upstreamOf(t *testing.T, h http.HandlerFunc) *httptest.Server {
	t.Helper()
	srv := httptest.NewServer(h)
	t.Cleanup(srv.Close)
	return srv
}

// reply is an answer, read to its end.
type reply struct {
	status  int
	header  http.Header
	trailer http.Header
	body    string
	err     error // of reading the body
	closes  bool  // Connection: close
}

func (r reply) seen(t *testing.T) seen {
	t.Helper()
	var s seen
	var text string
	err := json.Unmarshal([]byte(r.body), &text)
	if err == nil {
		err = readHex(text, &s)
	}
	if err != nil || r.status != http.StatusOK {
		t.Fatalf("%d %q is no echo: %v", r.status, r.body, err)
	}
	return s
}

func readHex(text string, s *seen) error {
	p, err := hex.DecodeString(text)
	if err != nil {
		return err
	}
	return json.Unmarshal(p, s)
}

// code is the code of a problem document, or what is wrong with it.
func (r reply) code(t *testing.T) string {
	t.Helper()
	var p struct {
		Type, Title, Detail, Code string
		Status                    int
	}
	if err := json.Unmarshal([]byte(r.body), &p); err != nil {
		t.Fatalf("%d %q is no problem document: %v", r.status, r.body, err)
	}
	if r.header.Get("Content-Type") != "application/problem+json" || p.Status != r.status || p.Title == "" || p.Detail == "" || p.Type == "" || r.header.Get("X-Lockbox-Error") != p.Code {
		t.Errorf("status %d, header %v, document %+v: want a whole problem document", r.status, r.header, p)
	}
	if challenge := r.header.Get("WWW-Authenticate"); (r.status == http.StatusUnauthorized) != strings.HasPrefix(challenge, "Bearer ") {
		t.Errorf("status %d with WWW-Authenticate %q", r.status, challenge)
	}
	return p.Code
}

// client follows no redirects, asks for no compression and has no manners of its
// own.
var client = &http.Client{
	Transport:     &http.Transport{DisableCompression: true, MaxIdleConnsPerHost: 32},
	CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	Timeout:       20 * time.Second,
}

func do(t testing.TB, r *http.Request) reply {
	t.Helper()
	res, err := client.Transport.RoundTrip(r) // a Client would refuse odd Locations
	if err != nil {
		t.Fatal(err)
	}
	return finish(res)
}

func finish(res *http.Response) reply {
	body, err := io.ReadAll(res.Body)
	_ = res.Body.Close()
	return reply{res.StatusCode, res.Header, res.Trailer, string(body), err, res.Close}
}

// request makes a request with headers given as name, value, name, value.
func request(t testing.TB, method, url string, body io.Reader, headers ...string) *http.Request {
	t.Helper()
	r, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Add(headers[i], headers[i+1])
	}
	return r
}

func get(t testing.TB, url string, headers ...string) reply {
	t.Helper()
	return do(t, request(t, http.MethodGet, url, nil, headers...))
}

// raw writes bytes to a server and reads its answer to method GET.
func raw(t *testing.T, addr, text string) reply {
	t.Helper()
	conn, err := net.Dial("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := conn.SetDeadline(time.Now().Add(10 * time.Second)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(conn, text); err != nil {
		t.Fatal(err)
	}
	res, err := http.ReadResponse(bufio.NewReader(conn), nil)
	if err != nil {
		t.Fatalf("the answer to %.80q: %v", text, err)
	}
	return finish(res)
}

// rawUpstream is a TCP server that hands each connection to f.
func rawUpstream(t *testing.T, f func(net.Conn)) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var wg sync.WaitGroup
	wg.Go(func() {
		for {
			conn, err := ln.Accept()
			if errors.Is(err, net.ErrClosed) {
				return
			}
			if err == nil {
				wg.Go(func() { defer conn.Close(); f(conn) })
			}
		}
	})
	t.Cleanup(func() { _ = ln.Close(); wg.Wait() })
	return "http://" + ln.Addr().String()
}

// buffer is a bytes.Buffer for several goroutines.
type buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

// contextWithLocal makes a request one that came in on an address.
func contextWithLocal(ctx context.Context, addr netip.AddrPort) context.Context {
	return context.WithValue(ctx, http.LocalAddrContextKey, net.TCPAddrFromAddrPort(addr))
}

// printf writes to a connection or an answer; a test that needs what is written
// to arrive sees that it does not.
func printf(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

func silentLog() *log.Logger { return log.New(io.Discard, "", 0) }

func silentSlog() *slog.Logger { return slog.New(slog.DiscardHandler) }
