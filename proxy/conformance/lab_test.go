//go:build linux

package conformance

import (
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
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
	*box
	bin   string // the address of httpbin
	bins  string // of httpbin over TLS
	stage *stage // before it
	rec   *recorder
	wild  map[string]*recorder
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
					fmt.Fprintf(os.Stderr, "the upstream got %.100q: %s\n", s.method+" "+s.target, strings.Join(flaws, "; "))
					code = 1
				}
			}
		}
		// Nor did the audit log and what Lockbox said keep a secret.
		if err := l.search(); err != nil {
			fmt.Fprintln(os.Stderr, err)
			code = 1
		}
		if code != 0 {
			fmt.Fprintf(os.Stderr, "lockbox said:\n%s", l.said)
		}
		_ = os.RemoveAll(l.dir)
	}
	os.Exit(code)
}

func newLab() (*lab, error) {
	l := &lab{wild: map[string]*recorder{}}
	plain := httptest.NewServer(newHTTPBin())
	l.stage = newStage(newHTTPBin())
	secure := httptest.NewUnstartedServer(l.stage)
	secure.EnableHTTP2 = true
	secure.StartTLS()
	l.bin, l.bins = plain.Listener.Addr().String(), secure.Listener.Addr().String()
	var err error
	if l.rec, err = newRecorder(); err != nil {
		return nil, err
	}
	services := map[string]string{
		"bin":  `"base_url": "http://` + l.bin + `"`,
		"bins": `"base_url": "https://` + l.bins + `"`,
		"rec":  keyed(l.rec),
		"bare": `"base_url": "http://` + l.rec.addr + `"`,
	}
	for _, name := range []string{"framing", "bad", "dying", "keys", "hostile", "again"} {
		if l.wild[name], err = newRecorder(); err != nil {
			return nil, err
		}
		services[name] = keyed(l.wild[name])
	}
	dir, err := os.MkdirTemp("", "conformance")
	if err != nil {
		return nil, err
	}
	if l.box, err = startBox(dir, services, secure.Certificate()); err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
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

// search looks for secrets in what Lockbox wrote.
func (l *lab) search() error {
	written := map[string]string{"what it said": l.said.String()}
	err := filepath.WalkDir(l.dir, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		if err != nil || !d.Type().IsRegular() || name == "config.json" || name == "box" {
			return err
		}
		text, err := os.ReadFile(path)
		written[path] = string(text)
		return err
	})
	for name, text := range written {
		for _, secret := range []string{realKey, strings.TrimPrefix(realLogin, "Key ")} {
			if strings.Contains(text, secret) {
				err = errors.Join(err, fmt.Errorf("%s: want no credential in it, got one", name))
			}
		}
		for service, token := range l.tokens {
			if strings.Contains(text, strings.Split(token, ".")[2]) {
				err = errors.Join(err, fmt.Errorf("%s: want no service token in it, got that of %s", name, service))
			}
		}
	}
	if len(written) < 4 { // what it said, signing key, certificate, log
		err = errors.Join(err, fmt.Errorf("want an audit log in %s, got only %d files", l.dir, len(written)))
	}
	return err
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
