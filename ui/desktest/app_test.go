//go:build desktop

package desktest_test

import (
	"bytes"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"lockbox/ui/desktest"
)

// binary is the program, built once for all tests as `make build` does.
var binary = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "lockbox-binary-")
	if err != nil {
		return "", err
	}
	path := filepath.Join(dir, "lockbox")
	out, err := exec.Command("go", "build", "-o", path, "lockbox").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

// app is Lockbox running on a desktop, with what it prints.
type app struct {
	t    *testing.T
	desk *desktest.Desk
	cmd  *exec.Cmd
	addr string
	log  *lockedBuffer
	done chan struct{}
	win  string // its window's id
	tray *desktest.Tray
}

type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lockedBuffer) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *lockedBuffer) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

// freeAddr is a loopback address that nobody listens on.
func freeAddr(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}

// launch starts Lockbox as a person would, from an empty or a used home.
func launch(t *testing.T, desk *desktest.Desk, env ...string) *app {
	t.Helper()
	return launchWith(t, desk, nil, env...)
}

func launchWith(t *testing.T, desk *desktest.Desk, args []string, env ...string) *app {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	a := &app{t: t, desk: desk, log: new(lockedBuffer), done: make(chan struct{})}
	a.cmd = desk.Command(path, args...)
	a.cmd.Env = append(a.cmd.Env, "LOCKBOX_FYNE_CHECK=1")
	a.cmd.Env = append(a.cmd.Env, env...)
	a.cmd.Stdout, a.cmd.Stderr = a.log, a.log
	if err := a.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		_ = a.cmd.Wait()
		close(a.done)
	}()
	t.Cleanup(func() {
		_ = a.cmd.Process.Kill()
		<-a.done
		if log := a.log.String(); strings.Contains(log, "Error in Fyne call thread") || strings.Contains(log, "panic:") {
			t.Errorf("Lockbox complains:\n%s", log)
		} else if t.Failed() {
			t.Logf("Lockbox printed:\n%s", log)
		}
	})
	return a
}

// eventually waits for ok, up to ten seconds.
func eventually(t *testing.T, what string, ok func() bool) {
	t.Helper()
	for end := time.Now().Add(time.Minute); !ok(); time.Sleep(50 * time.Millisecond) {
		if time.Now().After(end) {
			t.Fatalf("waited a minute for %s", what)
		}
	}
}

// ended waits for the program to be gone, which takes it 10 s at most.
func (a *app) ended() {
	a.t.Helper()
	select {
	case <-a.done:
	case <-time.After(20 * time.Second):
		a.t.Fatal("Lockbox is still there after 20 s")
	}
}

// recorder is an upstream that remembers the Authorization it was sent.
type recorder struct {
	*httptest.Server
	mu   sync.Mutex
	seen []http.Header
}

func newRecorder(t *testing.T, name string) *recorder {
	r := &recorder{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.mu.Lock()
		r.seen = append(r.seen, req.Header.Clone())
		r.mu.Unlock()
		_, _ = io.WriteString(w, "answer of "+name)
	}))
	t.Cleanup(r.Close)
	return r
}

func (r *recorder) calls() []http.Header {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]http.Header(nil), r.seen...)
}

// open waits for the window and the tray's icon.
func (a *app) open() {
	a.t.Helper()
	a.win = a.desk.Window("Lockbox")
	a.desk.Focus(a.win)
	a.tray = a.desk.Tray(a.cmd.Process.Pid)
}

// key presses keys in the window.
func (a *app) key(keys ...string) {
	a.t.Helper()
	a.desk.Focus(a.win)
	a.desk.Key(keys...)
	time.Sleep(150 * time.Millisecond) // Fyne draws on its next frame
}

// newService opens the form of an API that is none of the presets.
func (a *app) newService() {
	a.t.Helper()
	a.key("ctrl+n")
	a.desk.Type("other")
	a.key("Return")
}

// fill types into the form's fields one after the other; a Tab alone goes on.
func (a *app) fill(words ...string) {
	a.t.Helper()
	for _, w := range words {
		if w == "Tab" {
			a.desk.Key("Tab")
		} else {
			a.desk.Type(w)
		}
	}
}

// reads takes a screenshot under name and waits until words can be read on it.
func (a *app) reads(name string, words ...string) {
	a.t.Helper()
	var text string
	var missing []string
	for end := time.Now().Add(time.Minute); ; time.Sleep(300 * time.Millisecond) {
		text = a.desk.Read(a.desk.Screenshot(name))
		missing = nil
		for _, w := range words {
			if !strings.Contains(text, w) {
				missing = append(missing, w)
			}
		}
		if len(missing) == 0 {
			return
		}
		if time.Now().After(end) {
			a.t.Fatalf("%s: %q cannot be read on the screen, only:\n%s", name, missing, text)
		}
	}
}

// copyToken takes a service's token from the tray menu and the clipboard, for the
// first audience that is offered.
func (a *app) copyToken(service string) string {
	a.t.Helper()
	was, path := a.desk.Clipboard(), ""
	eventually(a.t, "an audience in the tray", func() bool {
		for _, i := range a.tray.List() {
			if strings.HasPrefix(i.Path, "Copy token/"+service+"/") && i.Visible && i.Label != "New…" {
				path = i.Path
				return true
			}
		}
		return false
	})
	a.tray.Click(path)
	var token string
	eventually(a.t, "a token on the clipboard", func() bool {
		token = a.desk.Clipboard()
		return strings.Count(token, ".") == 2 && token != was
	})
	return token
}

// curl calls as a platform would, and returns the status and the body.
func (a *app) curl(path, token string) (status, body string) {
	a.t.Helper()
	status, body, err := a.tryCurl(path, token)
	if err != nil {
		a.t.Fatalf("curl %s: %v", path, err)
	}
	return status, body
}

func (a *app) answers(path, token, want string) func() bool {
	return func() bool {
		status, _, err := a.tryCurl(path, token)
		return err == nil && status == want
	}
}

func (a *app) tryCurl(path, token string) (status, body string, err error) {
	args := []string{"-s", "-m", "10", "-w", "\n%{http_code}", "http://" + a.addr + path}
	if token != "" {
		args = append(args, "-H", "Authorization: Bearer "+token)
	}
	out, err := a.desk.Command("curl", args...).Output()
	if err != nil {
		return "", "", err
	}
	text := string(out)
	i := strings.LastIndexByte(text, '\n')
	return text[i+1:], text[:i], nil
}

// config writes a config into the desktop's home before the first start, so
// that the test has an address of its own.
func writeConfig(t *testing.T, desk *desktest.Desk, text string) string {
	t.Helper()
	path := filepath.Join(desk.Home, ".config", "lockbox", "config.json")
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// filesWith lists the files under dir that hold text.
func filesWith(t *testing.T, dir, text string) (found []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return nil // a file that went away, or a socket
		}
		content, err := os.ReadFile(path)
		if err == nil && bytes.Contains(content, []byte(text)) {
			found = append(found, path)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}
