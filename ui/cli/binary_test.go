//go:build unix

package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// The tests of this package that run Lockbox as a process run what is shipped:
// the static binary, built once.
var binary = sync.OnceValues(func() (string, error) {
	path := filepath.Join(binaryDir, "lockbox")
	build := exec.Command("go", "build", "-tags", "headless", "-ldflags", "-X main.version=test", "-o", path, "lockbox")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return path, nil
})

var binaryDir string

func TestMain(m *testing.M) {
	os.Exit(func() int {
		var err error
		// Open to every user: one test runs the binary as nobody.
		if binaryDir, err = os.MkdirTemp("", "lockbox-cli"); err == nil {
			err = os.Chmod(binaryDir, 0o755)
		}
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			return 1
		}
		defer func() { _ = os.RemoveAll(binaryDir) }()
		return m.Run()
	}())
}

// A home is a person's account for one test, with neither session bus nor
// keychain in reach.
type home struct {
	dir string
	env []string
}

func newHome(t *testing.T, env ...string) home {
	t.Helper()
	dir := t.TempDir()
	return home{dir, append([]string{"HOME=" + dir, "PATH=", "XDG_RUNTIME_DIR=" + dir, "DBUS_SESSION_BUS_ADDRESS=unix:path=" + dir + "/no-bus"}, env...)}
}

func (h home) with(env ...string) home {
	h.env = append(append([]string{}, h.env...), env...)
	return h
}

func (h home) path(elem ...string) string { return filepath.Join(append([]string{h.dir}, elem...)...) }

func (h home) write(t *testing.T, name, text string) string {
	t.Helper()
	path := h.path(name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

func (h home) command(t *testing.T, args ...string) *exec.Cmd {
	t.Helper()
	path, err := binary()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(path, args...)
	cmd.Env, cmd.Dir = h.env, h.dir
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

// result is what a command that ended left.
type result struct {
	code        int
	out, errOut string
}

// run runs a command to its end.
func (h home) run(t *testing.T, args ...string) result {
	t.Helper()
	return finish(t, h.command(t, args...))
}

func finish(t *testing.T, cmd *exec.Cmd) result {
	t.Helper()
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	timer := time.AfterFunc(2*time.Minute, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	err := cmd.Run()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	return result{cmd.ProcessState.ExitCode(), out.String(), errOut.String()}
}

// server is a running lockbox serve.
type server struct {
	url  string
	cmd  *exec.Cmd
	talk *transcript
	out  *transcript
	end  chan struct{} // closed when the process has ended
}

// serve starts lockbox serve on a free port and waits until it serves.
func (h home) serve(t *testing.T, args ...string) *server {
	t.Helper()
	s := h.start(t, append([]string{"serve", "--listen", "127.0.0.1:0"}, args...)...)
	s.url = s.await(t, ` serves \d+ services? at (http://\S+)`)[1]
	return s
}

func (h home) start(t *testing.T, args ...string) *server {
	t.Helper()
	return startCommand(t, h.command(t, args...))
}

func startCommand(t *testing.T, cmd *exec.Cmd) *server {
	t.Helper()
	s := &server{cmd: cmd, talk: &transcript{}, out: &transcript{}, end: make(chan struct{})}
	s.cmd.Stdout, s.cmd.Stderr = s.out, s.talk
	if err := s.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	go func() {
		defer close(s.end)
		_ = s.cmd.Wait() // tests look at ProcessState
	}()
	t.Cleanup(func() {
		_ = s.cmd.Process.Kill()
		<-s.end
		if t.Failed() {
			t.Logf("lockbox said:\n%s", s.talk)
		}
	})
	return s
}

// await waits for the server to say something.
func (s *server) await(t *testing.T, pattern string) []string {
	t.Helper()
	re := regexp.MustCompile(pattern)
	for deadline := time.Now().Add(20 * time.Second); ; {
		if m := re.FindStringSubmatch(s.talk.String()); m != nil {
			return m
		}
		select {
		case <-s.end:
			if m := re.FindStringSubmatch(s.talk.String()); m != nil {
				return m
			}
			t.Fatalf("lockbox ended (%v) without saying %q:\n%s", s.cmd.ProcessState, pattern, s.talk)
		case <-time.After(10 * time.Millisecond):
		}
		if time.Now().After(deadline) {
			t.Fatalf("lockbox did not say %q:\n%s", pattern, s.talk)
		}
	}
}

func (s *server) signal(t *testing.T, sig syscall.Signal) {
	t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		t.Fatal(err)
	}
}

// wait waits for the process to end, at most for limit, and gives its exit code.
func (s *server) wait(t *testing.T, limit time.Duration) int {
	t.Helper()
	select {
	case <-s.end:
		return s.cmd.ProcessState.ExitCode()
	case <-time.After(limit):
		t.Fatalf("lockbox did not end within %v", limit)
		return 0
	}
}

// transcript is what a process writes, readable while it does.
type transcript struct {
	mu   sync.Mutex
	text strings.Builder
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

// reply is an answer over HTTP, read whole.
type reply struct {
	status int
	header http.Header
	body   string
}

// send makes a request as a program on this machine would.
func send(t *testing.T, method, url, token string, body io.Reader) reply {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, url, body)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	return do(t, req)
}

func get(t *testing.T, url, token string) reply {
	t.Helper()
	return send(t, http.MethodGet, url, token, nil)
}

func do(t *testing.T, req *http.Request) reply {
	t.Helper()
	client := &http.Client{Timeout: 20 * time.Second}
	defer client.CloseIdleConnections()
	resp, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{resp.StatusCode, resp.Header, string(body)}
}

// freeAddress is one that nobody listens on now.
func freeAddress(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer ln.Close()
	return ln.Addr().String()
}
