//go:build linux

package conformance

import (
	"bytes"
	"crypto/tls"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/mccutchen/go-httpbin/v2/httpbin"
)

// What must stay on its side: the credential is the upstream's to see, the token
// (made by the binary itself) Lockbox's.
const (
	realKey   = "sk-real-7d4e1f0a9b8c"
	realLogin = "Key real-5a6b7c8d9e0f"
)

// A lab is the built Lockbox, running, with upstreams behind it:
//
//	bin, bins  httpbin over HTTP/1.1, and over TLS and HTTP/2; no credential
//	rec        the recorder below /v1, with a credential of two headers
//	bare       the recorder without credential
//	wild       recorders that end connections as they like, so that it is their
//	           own test's requests that suffer; keyed as rec is
type lab struct {
	addr   string // of Lockbox
	bin    string // of httpbin
	bins   string // of httpbin over TLS
	rec    *recorder
	wild   map[string]*recorder
	tokens map[string]string // by the service's name
	binary string
	dir    string
	env    []string
	said   *transcript
	stop   func() error
}

var theLab = sync.OnceValues(newLab)

// start is the one lab that the tests share: they run at the same time, and tell
// their requests apart by marks.
func start(t *testing.T) *lab {
	t.Helper()
	l, err := theLab()
	if err != nil {
		t.Fatal(err)
	}
	return l
}

var started atomic.Pointer[lab]

func TestMain(m *testing.M) {
	code := m.Run()
	if l := started.Load(); l != nil {
		if err := l.stop(); err != nil {
			fmt.Fprintln(os.Stderr, "lockbox serve did not end well:", err)
			code = 1
		}
		// Whatever test it was: what reached the recorder was well-formed, and
		// held no token.
		for _, r := range append(slices.Collect(maps.Values(l.wild)), l.rec) {
			for _, s := range r.all() {
				if flaws := l.flaws(s); len(flaws) > 0 {
					fmt.Fprintf(os.Stderr, "the upstream got %q: %s\n", s.raw(), strings.Join(flaws, "; "))
					code = 1
				}
			}
		}
		if code != 0 {
			fmt.Fprintf(os.Stderr, "lockbox said:\n%s", l.said)
		}
		_ = os.RemoveAll(l.dir)
	}
	os.Exit(code)
}

func newLab() (*lab, error) {
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return nil, err
	}
	l := &lab{dir: dir, binary: filepath.Join(dir, "box"), tokens: map[string]string{}, wild: map[string]*recorder{}, said: &transcript{}}
	build := exec.Command("go", "build", "-tags", "headless", "-o", l.binary, "lockbox")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("go build: %w\n%s", err, out)
	}

	plain := httptest.NewServer(newHTTPBin())
	secure := httptest.NewUnstartedServer(newHTTPBin())
	secure.EnableHTTP2 = true
	secure.StartTLS()
	l.bin, l.bins = plain.Listener.Addr().String(), secure.Listener.Addr().String()
	if l.rec, err = newRecorder(); err != nil {
		return nil, err
	}
	services := map[string]string{
		"bin":  `"base_url": "http://` + l.bin + `"`,
		"bins": `"base_url": "https://` + l.bins + `"`,
		"rec":  keyed(l.rec),
		"bare": `"base_url": "http://` + l.rec.addr + `"`,
	}
	for _, name := range []string{"framing", "bad", "dying", "keys"} {
		if l.wild[name], err = newRecorder(); err != nil {
			return nil, err
		}
		services[name] = keyed(l.wild[name])
	}
	ca := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: secure.Certificate().Raw})
	err = l.write(map[string]string{
		"ca.pem":      string(ca),
		"signing_key": "0123456789abcdef0123456789abcdef",
		"config.json": l.config(services),
	})
	if err != nil {
		return nil, err
	}
	if err := l.serve(); err != nil {
		return nil, err
	}
	started.Store(l)
	return l, nil
}

// keyed is a service of a recorder's with a credential.
func keyed(r *recorder) string {
	return fmt.Sprintf(`"base_url": "http://%s/v1", "credential": {"type": "headers", "headers": {"X-Api-Key": %q, "Authorization": %q}}`, r.addr, realKey, realLogin)
}

func newHTTPBin() http.Handler {
	return httpbin.New(httpbin.WithHostname("upstream.test"), httpbin.WithMaxDuration(5*time.Second), httpbin.WithMaxBodySize(8<<20))
}

func (l *lab) write(files map[string]string) error {
	for name, text := range files {
		if err := os.WriteFile(filepath.Join(l.dir, name), []byte(text), 0o600); err != nil {
			return err
		}
	}
	return nil
}

// config writes a config of services and notes their names for tokens.
func (l *lab) config(services map[string]string) string {
	objects := map[string]json.RawMessage{}
	for name, fields := range services {
		objects[name] = json.RawMessage("{" + fields + "}")
		l.tokens[name] = ""
	}
	text, err := json.Marshal(map[string]any{"services": objects})
	if err != nil {
		panic(err) // a mistake in the table above
	}
	return string(text)
}

// serve starts the binary and has it make a token for each service.
func (l *lab) serve() error {
	l.env = []string{
		"HOME=" + l.dir, "PATH=", "XDG_RUNTIME_DIR=" + l.dir, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + l.dir + "/no-bus",
		"SSL_CERT_FILE=" + filepath.Join(l.dir, "ca.pem"), "SSL_CERT_DIR=" + l.dir,
		"LOCKBOX_CONFIG_PATH=" + filepath.Join(l.dir, "config.json"),
		"LOCKBOX_SIGNING_KEY_FILE=" + filepath.Join(l.dir, "signing_key"),
	}
	for name := range l.tokens {
		cmd := exec.Command(l.binary, "token", "--service-name", name, "--audience", "conformance")
		cmd.Env, cmd.Dir = l.env, l.dir
		out, err := cmd.Output()
		if err != nil {
			return fmt.Errorf("lockbox token: %w", err)
		}
		l.tokens[name] = strings.TrimSpace(string(out))
	}
	cmd := exec.Command(l.binary, "serve", "--listen", "127.0.0.1:0")
	cmd.Env, cmd.Dir, cmd.Stderr = l.env, l.dir, l.said
	if err := cmd.Start(); err != nil {
		return err
	}
	ended := make(chan error, 1)
	go func() { ended <- cmd.Wait() }()
	l.stop = func() error {
		_ = cmd.Process.Signal(syscall.SIGTERM) // it may have ended
		select {
		case err := <-ended:
			return err
		case <-time.After(15 * time.Second):
			_ = cmd.Process.Kill()
			return fmt.Errorf("it still ran 15 s after SIGTERM")
		}
	}
	serves := regexp.MustCompile(` serves \d+ services? at http://(\S+)`)
	for end := time.Now().Add(20 * time.Second); time.Now().Before(end); time.Sleep(5 * time.Millisecond) {
		if m := serves.FindStringSubmatch(l.said.String()); m != nil {
			l.addr = m[1]
			return nil
		}
	}
	return fmt.Errorf("lockbox serve does not serve:\n%s", l.said)
}

// flaws is what is wrong with a request that reached the recorder, whatever was
// sent to Lockbox.
func (l *lab) flaws(s *seen) []string {
	flaws := append([]string{}, s.flaws...)
	for name, token := range l.tokens {
		// Its payload alone would say who may call what.
		if strings.Contains(s.raw(), strings.Split(token, ".")[2]) || strings.Contains(s.raw(), strings.Split(token, ".")[1]) {
			flaws = append(flaws, "it holds the service token of "+name)
		}
	}
	keyed := strings.HasPrefix(s.target, "/v1")
	for name, want := range map[string]string{"x-api-key": realKey, "authorization": realLogin} {
		if got := s.values(name); keyed && s.target != "" && (len(got) != 1 || got[0] != want) {
			flaws = append(flaws, fmt.Sprintf("its %s is %q, not the credential", name, got))
		}
	}
	if !keyed && (strings.Contains(s.raw(), realKey) || strings.Contains(s.raw(), realLogin)) {
		flaws = append(flaws, "it holds another service's credential")
	}
	if host := s.values("host"); s.target != "" && (len(host) != 1 || host[0] != s.at) {
		flaws = append(flaws, fmt.Sprintf("its Host is %q", host))
	}
	return flaws
}

// head is the beginning of a request to a service of Lockbox's, with its token.
func (l *lab) head(method, service, path string) string {
	return method + " /s/" + service + path + " HTTP/1.1\r\nHost: " + l.addr + "\r\nX-Lockbox-Token: " + l.tokens[service] + "\r\n"
}

var marks atomic.Int64

// mark makes a name that no other test's requests have in them.
func mark() string { return fmt.Sprintf("m%04dk", marks.Add(1)) }

// dialTLS speaks HTTP/1.1 to the HTTP/2 upstream.
func dialTLS(addr string) (net.Conn, error) {
	return tls.Dial("tcp", addr, &tls.Config{InsecureSkipVerify: true, NextProtos: []string{"http/1.1"}})
}

// transcript is what a process writes, readable while it does.
type transcript struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (w *transcript) Write(p []byte) (int, error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.Write(p)
}

func (w *transcript) String() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.text.String()
}
